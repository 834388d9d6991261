//! What a human should know of a network, its watched masternodes, its sources and the exporter: one catalogue of conditions,
//! and their evaluation.
//!
//! A condition is one entry with a pure function. Notifications, the exposition, the API and the pages read the same
//! [`Evaluation`]; the rules for Prometheus only add what a missing page means. What is not known is
//! [`Verdict::Unknown`], which neither raises nor resolves an alert.
//!
//! Never here: clocks; receivers; PromQL.

mod context;
mod early_warning;
mod evaluation;
mod exporter;
mod fork;
mod life;
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
pub use memory::{EventDigest, Memory, NetworkMemory, Penalties, Rise};
pub use thresholds::{STALLED_BLOCKS, STALLED_SECONDS, Thresholds};

/// How urgent an alert is: the label `severity`; the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Wakes somebody: money is lost, or will be soon.
    Critical,
    /// To be looked at within the day.
    Warning,
    /// For machines.
    Info,
    /// Always fires. The InfoInhibitor of kube-prometheus-stack inhibits `info`; its own Watchdog has this value.
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

/// What an alert is about: which labels it has beside `alertname` and `severity`.
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
    /// A node that is asked: `network`, `source`.
    Source,
    /// A receiver of notifications: `receiver`.
    Receiver,
    /// An exporter: `job`, which Prometheus gives, and `alerting.job` in notifications.
    Exporter,
}

impl Scope {
    /// The labels that an alert always has, `alertname` and `severity` left out.
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

/// What an alert is called and says, whoever raises it: the exporter, or Prometheus alone.
#[derive(Clone, Copy, Debug)]
pub struct Alert {
    /// The label `alertname`.
    pub name: &'static str,
    /// How urgent.
    pub severity: Severity,
    /// For how long its condition must hold, in seconds.
    pub hold_seconds: u32,
    /// What it is about.
    pub scope: Scope,
    /// One sentence, the same for all subjects.
    pub summary: &'static str,
    /// Whether its hold is a part of the condition, which no shorter setting may cut.
    pub keeps_hold: bool,
    /// What is said when it is resolved, in the past tense; `{node}`, `{groups}` and names of labels in braces are filled in.
    pub resolved: &'static str,
}

impl Alert {
    /// Its runbook below an address: one that ends in `/runbooks` is that of an exporter, which serves them, any other one that of
    /// a copy of this project. Without an address, its path in the project.
    pub fn runbook_url(&self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        match base {
            "" => self.runbook(),
            _ if base.ends_with("/runbooks") => format!("{base}/{}", self.name),
            _ => format!("{base}/{}", self.runbook()),
        }
    }

    /// Path of its runbook, from the root of the project.
    pub fn runbook(&self) -> String {
        format!("docs/runbooks/{}.md", self.name)
    }
}

/// Whether a condition holds for a subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It holds.
    Holds {
        /// The number that it is about: points, blocks, seconds or a count.
        value: f64,
        /// Who, what and since when, and what to do. Made of facts that do not change from block to block.
        text: String,
    },
    /// It is known not to hold.
    DoesNotHold,
    /// It is not known whether it holds.
    Unknown,
    /// The subject cannot have it: probes are off, say, or its chain has no such rule.
    Inapplicable,
}

impl Verdict {
    /// It holds, with its number and text.
    pub fn holds(value: impl Into<f64>, text: impl Into<String>) -> Verdict {
        Verdict::Holds { value: value.into(), text: text.into() }
    }

    /// Holds with this text where the fact is true, unknown where it is not known.
    pub fn of(fact: Option<bool>, text: impl FnOnce() -> String) -> Verdict {
        match fact {
            Some(true) => Verdict::holds(1.0, text()),
            Some(false) => Verdict::DoesNotHold,
            None => Verdict::Unknown,
        }
    }
}

/// Which exporters of a network must agree, where several report the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// One that says so is enough: a ban is a ban.
    Any,
    /// All that know must say so: a chain is not stalled while one exporter sees its blocks.
    All,
}

/// The function of a condition, by what it is about.
#[derive(Clone, Copy)]
pub enum Rule {
    /// Of each watched masternode.
    Masternode(fn(&NodeContext<'_>) -> Verdict),
    /// Of each group.
    Group(fn(&GroupContext<'_>) -> Verdict),
    /// Of a network with a list.
    Network(fn(&NetworkContext<'_>) -> Verdict),
    /// Of a network, also without a list.
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

/// One condition: the only place that says what it is.
pub struct Condition {
    /// Name, severity, hold and texts.
    pub alert: Alert,
    /// Whether it holds.
    pub rule: Rule,
    /// Alerts with the same labels that say less, and are not sent while this one fires: their names, the labels, and why.
    pub inhibits: &'static [Inhibition],
    /// Which exporters must agree.
    pub agreement: Agreement,
    /// Whether maintenance of the masternode mutes it.
    pub mutable: bool,
}

/// While one alert fires, others with the same labels are not sent.
#[derive(Clone, Copy, Debug)]
pub struct Inhibition {
    /// What is not sent.
    pub targets: &'static [&'static str],
    /// Labels that must be equal.
    pub equal: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

pub(crate) const NODE: &[&str] = &["network", "masternode"];
pub(crate) const NETWORK: &[&str] = &["network"];
pub(crate) const SOURCE: &[&str] = &["network", "source"];

impl Condition {
    /// A condition that any exporter can raise and maintenance does not mute. `texts` are summary and resolution.
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
        let all = pose::CONDITIONS.iter().chain(life::CONDITIONS).chain(early_warning::CONDITIONS);
        let all = all.chain(network::CONDITIONS).chain(fork::CONDITIONS);
        Catalogue(all.chain(source::CONDITIONS).chain(exporter::CONDITIONS).collect())
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
