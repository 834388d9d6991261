//! Placeholders of an alert's texts, and what Prometheus puts in their place.
//!
//! Never here: the texts.

use crate::alerting::catalog::Alert;
use crate::alerting::evaluate::Labels;
use crate::alerting::humanize;

/// A placeholder, and its Go template.
struct Placeholder {
    name: &'static str,
    go: PrometheusSource,
}

/// Where Prometheus finds it.
enum PrometheusSource {
    /// As it stands.
    Text(&'static str),
    /// Another series of the same masternode, by a query with `SELF` for its labels, shown with this format.
    Query(&'static str, &'static str),
}

const PLACEHOLDERS: &[Placeholder] = &[
    Placeholder { name: "node", go: PrometheusSource::Text("{{ or $labels.alias $labels.masternode }}") },
    Placeholder { name: "network", go: PrometheusSource::Text("{{ $labels.network }}") },
    Placeholder { name: "quorum_type", go: PrometheusSource::Text("{{ $labels.quorum_type }}") },
    Placeholder { name: "source", go: PrometheusSource::Text("{{ $labels.source }}") },
    Placeholder { name: "receiver", go: PrometheusSource::Text("{{ $labels.receiver }}") },
    Placeholder { name: "job", go: PrometheusSource::Text("{{ $labels.job }}") },
    Placeholder { name: "of_job", go: PrometheusSource::Text("{{ with $labels.job }} of job {{ . }}{{ end }}") },
    Placeholder { name: "group_key", go: PrometheusSource::Text("{{ $labels.group_key }}") },
    Placeholder { name: "group", go: PrometheusSource::Text("{{ $labels.group }}") },
    // Which labels are groups is for the operator to choose: all that are not ours.
    Placeholder {
        name: "groups",
        go: PrometheusSource::Text(
            "{{ range $key, $value := $labels }}\
             {{ if not (match \"^(alias|masternode|network|node_type)$\" $key) }} {{ $key }}={{ $value }}{{ end }}\
             {{ end }}",
        ),
    },
    Placeholder { name: "value", go: PrometheusSource::Text("{{ $value | printf \"%.0f\" }}") },
    Placeholder { name: "percent", go: PrometheusSource::Text("{{ $value | humanizePercentage }}") },
    Placeholder { name: "duration", go: PrometheusSource::Text("{{ $value | humanizeDuration }}") },
    Placeholder {
        name: "score",
        go: PrometheusSource::Query("masternode:masternode_pose_score:newest{SELF}", "value | printf \"%.0f\""),
    },
    Placeholder {
        name: "limit",
        go: PrometheusSource::Query("network:masternode_network_pose_limit:newest{NETWORK}", "value | printf \"%.0f\""),
    },
    Placeholder {
        name: "blocks",
        go: PrometheusSource::Query(
            "masternode:masternode_pose_blocks_until_safe:newest{SELF}",
            "value | printf \"%.0f\"",
        ),
    },
    Placeholder {
        name: "hours",
        go: PrometheusSource::Query(
            "masternode:masternode_pose_blocks_until_safe:newest{SELF} * on (network) group_left () \
             network:masternode_network_block_interval_seconds:newest / 3600",
            "value | printf \"%.1f\"",
        ),
    },
    Placeholder {
        name: "state",
        go: PrometheusSource::Query("masternode:masternode_state:newest{SELF} == 1", "label \"state\""),
    },
    Placeholder {
        name: "reason",
        go: PrometheusSource::Query("masternode:masternode_p2p_failure:newest{SELF} == 1", "label \"reason\""),
    },
    // No label holds a hash, so a rule can only say where it is found.
    Placeholder {
        name: "cause",
        go: PrometheusSource::Text(
            "`masternode-exporter events --kind penalty --masternode {{ $labels.masternode }}` names the quorums",
        ),
    },
    Placeholder {
        name: "fields",
        go: PrometheusSource::Text(
            "{{ range $index, $sample := printf \"masternode:masternode_expectation_met:newest{network='%s',masternode='%s'} == 0\" \
             $labels.network $labels.masternode | query | sortByLabel \"field\" }}{{ if $index }}, {{ end }}{{ $sample.Labels.field }}{{ end }}",
        ),
    },
];

/// A text as a template of Prometheus. Fails with the first placeholder that does not exist.
pub fn prometheus(text: &str) -> Result<String, String> {
    fill(text, |name| PLACEHOLDERS.iter().find(|placeholder| placeholder.name == name).map(|found| go(&found.go)))
}

/// Labels that say who it is; all others are groups.
const WHO: [&str; 4] = ["alias", "masternode", "network", "node_type"];

/// The description of an alert that the exporter sends itself: `more` knows what follows from more than labels and number.
pub(super) fn plain(alert: &Alert, labels: &Labels, value: f64, more: &dyn Fn(&str) -> Option<String>) -> String {
    let label = |name: &str| labels.get(name).filter(|text| !text.is_empty()).cloned();
    let known = |name: &str| match name {
        "node" => label("alias").or_else(|| label("masternode")),
        "groups" => {
            let groups = labels.iter().filter(|(key, _)| !WHO.contains(&key.as_str()));
            Some(groups.map(|(key, group)| format!(" {key}={group}")).collect())
        }
        "of_job" => Some(label("job").map_or(String::new(), |job| format!(" of job {job}"))),
        "value" => Some(format!("{value:.0}")),
        "percent" => Some(humanize::percent(value)),
        "duration" => Some(humanize::duration(value)),
        _ => more(name).or_else(|| label(name)),
    };
    // Lines of a description are one paragraph, as in the rules.
    let text = alert.description.replace('\n', " ");
    let filled = fill(&text, |name| Some(known(name).unwrap_or_else(|| "unknown".into())));
    filled.unwrap_or(text)
}

/// Puts something in place of each `{name}`.
fn fill(text: &str, with: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut pieces = text.split('{');
    let mut filled = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').ok_or_else(|| format!("{piece:?} has no end"))?;
        filled += &with(name).ok_or_else(|| format!("nothing is called {{{name}}}"))?;
        filled += rest;
    }
    Ok(filled)
}

fn go(placeholder: &PrometheusSource) -> String {
    match placeholder {
        PrometheusSource::Text(text) => (*text).to_string(),
        PrometheusSource::Query(query, shown) => {
            let own = query.contains("{SELF}");
            let query =
                query.replace("{SELF}", "{network='%s',masternode='%s'}").replace("{NETWORK}", "{network='%s'}");
            let labels = if own { "$labels.network $labels.masternode" } else { "$labels.network" };
            format!(
                "{{{{ with printf \"{query}\" {labels} | query }}}}{{{{ . | first | {shown} }}}}{{{{ else }}}}unknown{{{{ end }}}}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::catalog::alerts;

    #[test]
    fn every_text_can_be_filled() {
        for alert in alerts() {
            assert_eq!(prometheus(alert.description).err(), None, "{}", alert.name);
        }
    }

    #[test]
    fn what_does_not_exist_is_told() {
        assert_eq!(prometheus("a {nowhere} b").unwrap_err(), "nothing is called {nowhere}");
        assert!(prometheus("a {node").is_err());
        assert_eq!(prometheus("on {network}.").unwrap(), "on {{ $labels.network }}.");
    }
}
