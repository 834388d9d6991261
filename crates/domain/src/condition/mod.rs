//! The catalogue of conditions of networks, watched masternodes, sources and the exporter, and their evaluation.
//!
//! A condition is one entry with a pure function. Notifications, the exposition, the API and the pages read the same
//! [`Evaluation`]; the Prometheus rules only add the meaning of a missing page. A condition that cannot be evaluated is
//! [`Verdict::Unknown`], which neither raises nor resolves an alert.
//!
//! Never here: clocks; receivers; PromQL.

mod context;
mod duty;
mod early_warning;
mod evaluation;
mod event_digest;
mod exporter;
mod fork;
mod life;
mod list_proof;
mod memory;
mod network;
mod pose;
mod source;
pub mod text;
mod thresholds;

pub use context::{
    EvaluationInput, GroupContext, NetworkContext, NodeContext, ProcessState, QuorumTypeContext, ReceiverState,
    SourceContext,
};
pub use evaluation::{EvaluatedSubject, Evaluation, evaluate};
pub use event_digest::{EventDigest, Penalties};
pub use memory::{Memory, NetworkMemory, Rise};
pub use thresholds::{
    GroupThresholds, STALLED_BLOCKS, STALLED_SECONDS, ThresholdOverrides, ThresholdSettings, Thresholds,
};

/// Severity of an alert: the label `severity`; the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Needs action at once: payments are lost, or soon will be.
    Critical,
    /// Needs action within the day.
    Warning,
    /// Information for automation.
    Info,
    /// Always firing. The InfoInhibitor of kube-prometheus-stack inhibits `info`; its own Watchdog has this value.
    None,
}

impl Severity {
    /// The value of the label.
    pub const fn label(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
            Severity::None => "none",
        }
    }
}

/// The kind of subject of an alert: its labels besides `alertname` and `severity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A watched masternode: `network`, `masternode`, `alias`, `node_type` and its groups.
    Masternode,
    /// A group of the watch list: `network`, `group_key`, `group`.
    Group,
    /// A network: `network`.
    Network,
    /// The quorums of a type: `network`, `quorum_type`.
    QuorumType,
    /// A source node: `network`, `source`.
    Source,
    /// A receiver of notifications: `receiver`.
    Receiver,
    /// An exporter: `job`, set by Prometheus, or by `alerting.job` in notifications.
    Exporter,
}

impl Scope {
    /// The labels that an alert of this scope always has, without `alertname` and `severity`.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Scope::Masternode => &["network", "masternode", "alias", "node_type"],
            Scope::Group => &["network", "group_key", "group"],
            Scope::Network => &["network"],
            Scope::QuorumType => &["network", "quorum_type"],
            Scope::Source => &["network", "source"],
            Scope::Receiver => &["receiver"],
            Scope::Exporter => &["job"],
        }
    }
}

/// Name and texts of an alert, the same for the exporter's notifications and the Prometheus rules.
#[derive(Clone, Copy, Debug)]
pub struct Alert {
    /// The label `alertname`.
    pub name: &'static str,
    /// Its severity.
    pub severity: Severity,
    /// Pending duration (`for`), in seconds.
    pub hold_seconds: u32,
    /// The kind of its subject.
    pub scope: Scope,
    /// Summary: one sentence, the same for all subjects.
    pub summary: &'static str,
    /// Whether the pending duration is part of the condition, so that no configured duration may shorten it.
    pub keeps_hold: bool,
    /// Text of the resolved notification, in the past tense. `{node}`, `{groups}` and label names in braces are
    /// replaced.
    pub resolved: &'static str,
}

impl Alert {
    /// URL of its runbook below `base`. A base that ends in `/runbooks` is an exporter, which serves runbooks; any
    /// other base is a copy of this repository. An empty base gives the path in the repository.
    pub fn runbook_url(&self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        match base {
            "" => self.runbook(),
            _ if base.ends_with("/runbooks") => format!("{base}/{}", self.name),
            _ => format!("{base}/{}", self.runbook()),
        }
    }

    /// Path of its runbook from the root of the repository.
    pub fn runbook(&self) -> String {
        format!("docs/runbooks/{}.md", self.name)
    }
}

/// Whether a condition holds for a subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds {
        /// The measured value: points, blocks, seconds or a count.
        value: f64,
        /// Subject, fact, since when, and what to do. Made of facts that do not change from block to block.
        text: String,
    },
    /// It is known not to hold.
    DoesNotHold,
    /// Not known.
    Unknown,
    /// Not applicable to the subject: for example, probes are disabled, or its chain has no such rule.
    Inapplicable,
}

impl Verdict {
    /// Holds with this value and text.
    pub fn holds(value: impl Into<f64>, text: impl Into<String>) -> Verdict {
        Verdict::Holds { value: value.into(), text: text.into() }
    }

    /// Holds with this text if the fact is true; unknown if the fact is `None`.
    pub fn of(fact: Option<bool>, text: impl FnOnce() -> String) -> Verdict {
        match fact {
            Some(true) => Verdict::holds(1.0, text()),
            Some(false) => Verdict::DoesNotHold,
            None => Verdict::Unknown,
        }
    }
}

/// How many exporters of a network must report a condition of the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// One exporter is enough: a ban is a ban.
    Any,
    /// All exporters that know must report it: a chain is not stalled while one exporter sees new blocks.
    All,
}

/// The function of a condition, by the kind of its subject.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Of each watched masternode.
    Masternode(fn(&NodeContext<'_>) -> Verdict),
    /// Of each group.
    Group(fn(&GroupContext<'_>) -> Verdict),
    /// Of a network with a fresh list.
    Network(fn(&NetworkContext<'_>) -> Verdict),
    /// Of a network, with or without a list.
    Reachability(fn(&NetworkContext<'_>) -> Verdict),
    /// Of each quorum type.
    QuorumType(fn(&QuorumTypeContext<'_>) -> Verdict),
    /// Of each source.
    Source(fn(&SourceContext<'_>) -> Verdict),
    /// Of each receiver.
    Receiver(fn(&ReceiverState) -> Verdict),
    /// Of this exporter.
    Exporter(fn(&ProcessState) -> Verdict),
}

/// One condition: its only definition.
pub struct Condition {
    /// Name, severity, pending duration and texts.
    pub alert: Alert,
    /// Its evaluation.
    pub rule: Rule,
    /// Alerts with the same labels that are inhibited while this one fires.
    pub inhibits: &'static [Inhibition],
    /// How many exporters must report it.
    pub agreement: Agreement,
    /// Whether maintenance of the masternode mutes it.
    pub mutable: bool,
}

/// An inhibition: while one alert fires, the named alerts with equal labels are not sent.
#[derive(Clone, Copy, Debug)]
pub struct Inhibition {
    /// Names of the inhibited alerts.
    pub targets: &'static [&'static str],
    /// Labels that must be equal.
    pub equal: &'static [&'static str],
    /// The reason.
    pub reason: &'static str,
}

pub(crate) const NODE: &[&str] = &["network", "masternode"];
pub(crate) const NETWORK: &[&str] = &["network"];
pub(crate) const SOURCE: &[&str] = &["network", "source"];

impl Condition {
    /// A condition that one exporter is enough to raise and that maintenance does not mute. `texts` are summary and
    /// resolution.
    pub const fn new(
        name: &'static str,
        severity: Severity,
        hold_seconds: u32,
        rule: Rule,
        texts: [&'static str; 2],
    ) -> Condition {
        let scope = match rule {
            Rule::Masternode(_) => Scope::Masternode,
            Rule::Group(_) => Scope::Group,
            Rule::Network(_) | Rule::Reachability(_) => Scope::Network,
            Rule::QuorumType(_) => Scope::QuorumType,
            Rule::Source(_) => Scope::Source,
            Rule::Receiver(_) => Scope::Receiver,
            Rule::Exporter(_) => Scope::Exporter,
        };
        let [summary, resolved] = texts;
        let agreement = match scope {
            Scope::Network | Scope::QuorumType => Agreement::All,
            _ => Agreement::Any,
        };
        Condition {
            alert: Alert { name, severity, hold_seconds, scope, summary, resolved, keeps_hold: false },
            rule,
            inhibits: &[],
            agreement,
            mutable: matches!(scope, Scope::Masternode),
        }
    }

    pub(crate) const fn inhibits(self, inhibits: &'static [Inhibition]) -> Condition {
        Condition { inhibits, ..self }
    }

    pub(crate) const fn any(self) -> Condition {
        Condition { agreement: Agreement::Any, ..self }
    }

    pub(crate) const fn never_muted(self) -> Condition {
        Condition { mutable: false, ..self }
    }

    pub(crate) const fn keeps_hold(self) -> Condition {
        Condition { alert: Alert { keeps_hold: true, ..self.alert }, ..self }
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.alert.name)
    }
}

/// The conditions that are evaluated.
#[derive(Clone, Debug)]
pub struct Catalogue(Vec<&'static Condition>);

impl Default for Catalogue {
    fn default() -> Catalogue {
        let all =
            pose::CONDITIONS.iter().chain(duty::CONDITIONS).chain(life::CONDITIONS).chain(early_warning::CONDITIONS);
        let all = all.chain(network::CONDITIONS).chain(fork::CONDITIONS);
        Catalogue(all.chain(source::CONDITIONS).chain(list_proof::CONDITIONS).chain(exporter::CONDITIONS).collect())
    }
}

impl Catalogue {
    /// This catalogue and one more condition.
    #[must_use]
    pub fn with(mut self, condition: &'static Condition) -> Catalogue {
        self.0.push(condition);
        self
    }

    /// All conditions, in the order in which they are documented.
    pub fn conditions(&self) -> impl Iterator<Item = &'static Condition> {
        self.0.iter().copied()
    }

    /// The condition of an alert.
    pub fn find(&self, name: &str) -> Option<&'static Condition> {
        self.conditions().find(|condition| condition.alert.name == name)
    }
}

#[cfg(test)]
mod tests;
