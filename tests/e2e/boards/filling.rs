//! The variables of a dashboard, filled from Prometheus like in Grafana.

use std::collections::BTreeMap;

use serde_json::Value;

use super::asking::Prometheus;
use super::list;

/// Seconds of `$__rate_interval`: several scrapes.
pub(crate) const WINDOW: u32 = 8;

/// The explicit selection; all others are "All", or the first value.
#[derive(Default)]
pub(crate) struct Choice {
    /// The network, if selected.
    pub(crate) network: Option<String>,
    alias: Option<String>,
}

impl Choice {
    pub(crate) fn everything() -> Choice {
        Choice::default()
    }

    pub(crate) fn network(name: &str) -> Choice {
        Choice { network: Some(name.into()), alias: None }
    }

    pub(crate) fn story(network: &str, alias: &str) -> Choice {
        Choice { network: Some(network.into()), alias: Some(alias.into()) }
    }

    fn of(&self, variable: &str) -> Option<&String> {
        match variable {
            "network" => self.network.as_ref(),
            "alias" => self.alias.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn has_story(&self, alias: &str) -> bool {
        self.alias.as_deref() == Some(alias)
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let network = self.network.as_deref().unwrap_or("everything");
        write!(formatter, "{network} {}", self.alias.as_deref().unwrap_or_default())
    }
}

/// Variables with their values, as in a query.
pub(crate) struct Filled {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) problems: Vec<String>,
    /// Seconds of the future that the dashboard shows.
    pub(crate) ahead: f64,
}

impl Filled {
    pub(crate) fn new(prometheus: &Prometheus, board: &Value, choice: &Choice) -> Filled {
        let built_in = [("__rate_interval", format!("{WINDOW}s")), ("__range", format!("{}s", prometheus.seconds()))];
        let ahead = if board["time"]["to"] == "now" { 0.0 } else { 20.0 };
        let values = built_in.map(|(name, value)| (name.to_string(), value)).into();
        let mut filled = Filled { values, problems: Vec::new(), ahead };
        for variable in list(board, "/templating/list").filter(|variable| variable["type"] == "query") {
            let name = variable["name"].as_str().unwrap();
            let options = filled.options(prometheus, variable).unwrap_or_else(|error| {
                filled.problems.push(format!("the variable {name}: {error}"));
                Vec::new()
            });
            // A single Prometheus of one host has no such labels.
            if options.is_empty() && !["cluster", "namespace"].contains(&name) {
                filled.problems.push(format!("the variable {name} has no values"));
            }
            let value = filled.value(variable, &options, choice.of(name));
            filled.values.insert(name.to_string(), value);
        }
        filled
    }

    fn value(&self, variable: &Value, options: &[String], chosen: Option<&String>) -> String {
        let preset = variable["current"]["value"].as_str().map(str::to_string).filter(|value| options.contains(value));
        match (chosen, variable["includeAll"] == true, variable["allValue"].as_str()) {
            (Some(value), ..) => value.clone(),
            (None, true, Some(all)) => all.to_string(),
            (None, true, None) => format!("({})", options.join("|")),
            (None, false, _) => preset.or_else(|| options.first().cloned()).unwrap_or_default(),
        }
    }

    fn options(&self, prometheus: &Prometheus, variable: &Value) -> Result<Vec<String>, String> {
        let query = self.fill(variable["query"]["query"].as_str().ok_or("no query")?);
        let inner = |function: &str| query.strip_prefix(function)?.strip_suffix(')').map(str::to_string);
        if let Some(inner) = inner("label_values(") {
            let (selector, label) = inner.rsplit_once(", ").ok_or("no label")?;
            return prometheus.values(selector, label);
        }
        let expression = inner("query_result(").ok_or("neither label_values nor query_result")?;
        // The only expression in use reads one label: /label="([^"]+)"/.
        let pattern = variable["regex"].as_str().unwrap_or_default();
        let label =
            pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix("=\"([^\"]+)\"/")).ok_or("another regex")?;
        let found = prometheus.instant(&expression)?;
        Ok(found.iter().filter_map(|one| one["metric"][label].as_str()).map(str::to_string).collect())
    }

    /// A text with its variables replaced, the longest names first: `$group_key` is not `$group`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut names: Vec<&String> = self.values.keys().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.into_iter().fold(text.to_string(), |text, name| {
            let value = &self.values[name];
            text.replace(&format!("${{{name}:raw}}"), value).replace(&format!("${name}"), value)
        })
    }
}
