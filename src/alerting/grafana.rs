//! The rules as a Grafana provisioning file:
//! <https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/>.
//!
//! Generated from the Prometheus rule file, so that both contain the same rules. Differences of Grafana: an alert needs
//! a number other than 0 where Prometheus needs only a sample, so a second query turns every sample into 1. In labels
//! `$` starts an environment variable, in annotations only `${` does.
//!
//! Never here: a rule.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::alerting::payload::hex;

const HEAD: &str = "\
# Rules for masternodes as Grafana-managed alert and recording rules. Put the file into provisioning/alerting of Grafana 11.6 or later.
# Recording rules need [recording_rules] enabled, and a data source that takes remote writes.
";

/// Evaluation interval of the rules.
const INTERVAL: &str = "1m";

/// Time range of a query, in seconds.
const RANGE_SECONDS: u32 = 600;

/// Data source and folder of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grafana {
    /// UID of the Prometheus data source.
    pub datasource: String,
    /// Name of the folder.
    pub folder: String,
}

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    r#for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// A provisioning file for the rules of a rule file.
///
/// # Errors
/// If the text is not a rule file.
pub fn provisioning(rules: &str, grafana: &Grafana) -> Result<String, String> {
    let file: RuleFile = serde_saphyr::from_str(rules).map_err(|error| error.to_string())?;
    let group = |group: &Group| {
        json!({
            "orgId": 1,
            "name": group.name,
            "folder": grafana.folder,
            "interval": INTERVAL,
            "rules": group.rules.iter().map(|rule| provisioned(rule, grafana)).collect::<Vec<Value>>(),
        })
    };
    let whole = json!({ "apiVersion": 1, "groups": file.groups.iter().map(group).collect::<Vec<Value>>() });
    let mut text = HEAD.to_string();
    write_value(&mut text, &whole, 0);
    Ok(text)
}

fn provisioned(rule: &Rule, grafana: &Grafana) -> Value {
    let query = json!({
        "refId": "A",
        "relativeTimeRange": { "from": RANGE_SECONDS, "to": 0 },
        "datasourceUid": grafana.datasource,
        "model": { "refId": "A", "expr": rule.expr, "instant": true, "range": false },
    });
    let name = rule.alert.as_ref().or(rule.record.as_ref()).cloned().unwrap_or_default();
    let uid = format!("masternode-{}", &hex(&name)[..20]);
    if rule.record.is_some() {
        let target = json!({ "metric": name, "from": "A", "targetDatasourceUid": grafana.datasource });
        return json!({ "uid": uid, "title": name, "data": [query], "record": target });
    }
    let is_sample = "is_number($A) || is_nan($A) || is_inf($A)";
    let condition = json!({
        "refId": "B",
        "relativeTimeRange": { "from": 0, "to": 0 },
        "datasourceUid": "__expr__",
        "model": {
            "refId": "B",
            "type": "math",
            "expression": is_sample,
            "datasource": { "type": "__expr__", "uid": "__expr__" },
        },
    });
    let labels: Map<String, Value> =
        rule.labels.iter().map(|(name, value)| (name.clone(), value.replace('$', "$$").into())).collect();
    // `$value` is a text there, and of all queries.
    let annotations: Map<String, Value> = rule
        .annotations
        .iter()
        .map(|(name, text)| (name.clone(), without_query(text).replace("$value", "$values.A.Value").into()))
        .collect();
    json!({
        "uid": uid,
        "title": name,
        "condition": "B",
        "data": [query, condition],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": rule.r#for.as_deref().unwrap_or("0s"),
        "labels": labels,
        "annotations": annotations,
        "isPaused": false,
    })
}

/// An annotation without a query, which Grafana does not run: of several exporters, the text names the one of the sample.
fn without_query(text: &str) -> String {
    match text.find("{{ range printf") {
        Some(0) => "{{ $labels.text }} Exporter {{ $labels.instance }}.".into(),
        Some(at) => format!("{}.", text[..at].trim_end_matches([' ', ':'])),
        None => text.into(),
    }
}

/// Writes a value as YAML: strings in JSON's double quotes, longer ones as blocks.
fn write_value(text: &mut String, value: &Value, indent: usize) {
    let start = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (key, value)) in fields.iter().enumerate() {
                let lead = if at == 0 { "" } else { &start };
                let _ = write!(text, "{lead}{key}:");
                write_field(text, value, indent + 2);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (at, element) in elements.iter().enumerate() {
                let lead = if at == 0 { "" } else { &start };
                let _ = write!(text, "{lead}- ");
                write_value(text, element, indent + 2);
            }
        }
        other => {
            let _ = writeln!(text, "{other}");
        }
    }
}

fn write_field(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let _ = write!(text, "\n{}", " ".repeat(indent));
            write_value(text, value, indent);
        }
        Value::Array(elements) if !elements.is_empty() => {
            let _ = write!(text, "\n{}", " ".repeat(indent));
            write_value(text, value, indent);
        }
        Value::String(line) if line.contains('\n') && !line.starts_with([' ', '\n']) && !line.ends_with('\n') => {
            text.push_str(" |-\n");
            for line in line.lines() {
                let _ = writeln!(text, "{}{line}", " ".repeat(indent));
            }
        }
        other => {
            let _ = writeln!(text, " {other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
groups:
  - name: masternode-exporter
    rules:
      - record: job:x:count
        expr: count by (job) (x)
      - alert: MasternodeX
        expr: |-
          a
            and b{c="$d"} == 0
        for: 5m
        labels:
          severity: critical
          price: "$5"
        annotations:
          summary: "It is \"x\"."
          description: >-
            {{ $labels.alias }} has {{ $value | printf "%.0f" }}.
"#;

    #[test]
    fn every_rule_is_there_as_grafana_documents_it() {
        let grafana = Grafana { datasource: "prometheus".into(), folder: "Masternodes: all".into() };
        let text = provisioning(RULES, &grafana).unwrap();
        let read: Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read["apiVersion"], 1);
        let group = &read["groups"][0];
        assert_eq!((&group["folder"], &group["interval"]), (&json!("Masternodes: all"), &json!("1m")));
        let [record, alert] = group["rules"].as_array().unwrap().as_slice() else { panic!("{text}") };
        assert_eq!(
            record["record"],
            json!({ "metric": "job:x:count", "from": "A", "targetDatasourceUid": "prometheus" })
        );
        assert_eq!(alert["data"][0]["model"]["expr"], "a\n  and b{c=\"$d\"} == 0", "queries are taken as they are");
        assert_eq!((&alert["condition"], &alert["noDataState"]), (&json!("B"), &json!("OK")));
        assert_eq!(alert["labels"], json!({ "severity": "critical", "price": "$$5" }));
        assert_eq!(alert["annotations"]["summary"], "It is \"x\".");
        let description = "{{ $labels.alias }} has {{ $values.A.Value | printf \"%.0f\" }}.";
        assert_eq!(alert["annotations"]["description"], description);
        for rule in [record, alert] {
            let uid = rule["uid"].as_str().unwrap();
            assert!(uid.len() <= 40 && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{uid}");
        }
        assert!(provisioning("groups: 1", &grafana).is_err());
    }
}
