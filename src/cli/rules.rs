//! `rules`: prints the rules for Prometheus or Grafana.
//!
//! Never here: the definition of a rule.

use std::collections::BTreeSet;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use crate::alerting::catalog::alerts;
use crate::alerting::grafana::{self, Grafana};
use crate::alerting::rule_file::{self, RuleOptions};
use crate::cli::CommandError;
use crate::config;
use crate::nearest::hint;
use domain::condition::{Catalogue, Severity};

#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    /// Label to add to each alert. Can be repeated.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Severity of one alert: critical, warning, info or none. Can be repeated.
    #[arg(long = "severity", value_name = "ALERT=SEVERITY", value_parser = severity)]
    severities: Vec<(String, Severity)>,
    /// Alert to leave out. Can be repeated.
    #[arg(long = "disable", value_name = "ALERT", value_parser = known)]
    disabled: Vec<String>,
    /// Base URL of the runbooks: an exporter's URL that ends in /runbooks, or a copy of this repository. [default: a
    /// path in the repository]
    #[arg(long, value_name = "URL", value_parser = config::parse_link)]
    runbook_url: Option<String>,
    /// The job of the exporters in Prometheus. With it, the alert about absent exporters has its label even if
    /// Prometheus never scraped one.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    job: Option<String>,
    /// Print a Grafana provisioning file instead.
    #[arg(long)]
    grafana: bool,
    /// UID of the Prometheus data source in Grafana.
    #[arg(long, value_name = "UID", default_value = "prometheus", requires = "grafana")]
    datasource: String,
    /// Folder of the rules in Grafana.
    #[arg(long, value_name = "NAME", default_value = "Masternodes", requires = "grafana")]
    folder: String,
}

/// The file.
pub(super) fn run(arguments: RulesArguments) -> Result<String, CommandError> {
    once("--label", arguments.labels.iter().map(|(name, _)| name))?;
    once("--severity", arguments.severities.iter().map(|(name, _)| name))?;
    let options = RuleOptions {
        labels: arguments.labels.into_iter().collect(),
        severities: arguments.severities.into_iter().collect(),
        disabled: arguments.disabled.into_iter().collect(),
        runbook_url: arguments.runbook_url.unwrap_or_default(),
        job: arguments.job,
    };
    let rules = rule_file::render(&Catalogue::default(), &options);
    if !arguments.grafana {
        return Ok(rules);
    }
    let grafana = Grafana { datasource: arguments.datasource, folder: arguments.folder };
    Ok(grafana::provisioning(&rules, &grafana)?)
}

/// Refuses an option that is given twice for one name: only one of the values would count.
fn once<'a>(option: &str, names: impl Iterator<Item = &'a String>) -> Result<(), CommandError> {
    let mut seen = BTreeSet::new();
    match names.into_iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(CommandError::Configuration(format!("{option} is given twice for {name}"))),
        None => Ok(()),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let good = |character: char| character.is_ascii_alphanumeric() || character == '_';
    if name.is_empty() || !name.chars().all(good) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("{name:?} is not a label name"));
    }
    match name {
        "severity" => Err("use --severity for the severity of an alert".into()),
        _ if rule_file::is_reserved(name) => Err(format!("alerts differ by {name}; a label for all would replace it")),
        _ => Ok((name.into(), value.into())),
    }
}

/// The name of an alert that exists.
fn known(name: &str) -> Result<String, String> {
    let catalogue = Catalogue::default();
    let names = || alerts(&catalogue).map(|alert| alert.name);
    if names().any(|known| known == name) {
        return Ok(name.into());
    }
    Err(format!("there is no alert {name:?}{}", hint(name, names())))
}

fn severity(text: &str) -> Result<(String, Severity), String> {
    let (name, severity) = text.split_once('=').ok_or("expected ALERT=SEVERITY")?;
    let name = known(name)?;
    let all = [Severity::Critical, Severity::Warning, Severity::Info, Severity::None];
    let found = all.into_iter().find(|known| known.label() == severity);
    Ok((name, found.ok_or_else(|| format!("{severity:?} is none of critical, warning, info, none"))?))
}
