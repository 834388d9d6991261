//! Counters and histograms about this process, in a registry that is passed in.
//!
//! Never here: anything about masternodes; those samples follow from the snapshot (`metrics`).

mod follower;
mod fork;
mod history;
mod not_understood;
mod notifications;
mod process;
mod rpc;
mod source_health;

use prometheus::Registry;

pub use follower::{NetworkMeters, SourceMeters, SourceState};
pub use fork::{ForkMeters, SourceFork};
pub use history::HistoryMeters;
pub use not_understood::NotUnderstood;
pub use notifications::{NotificationMeters, Outcome};
pub use rpc::RpcMeters;
pub use source_health::{SourceHealth, SourceHealthMeters};

/// All families.
#[derive(Clone)]
pub struct Meters {
    follower: follower::FollowerFamilies,
    fork: fork::ForkFamilies,
    history: HistoryMeters,
    notifications: NotificationMeters,
    process: process::ProcessFamilies,
    report: source_health::SourceHealthFamilies,
    rpc: rpc::RpcFamilies,
}

impl Meters {
    /// Registers everything. Fails when a name is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Meters> {
        let not_understood = not_understood::NotUnderstoodFamily::new(registry)?;
        Ok(Meters {
            follower: follower::FollowerFamilies::new(registry)?,
            fork: fork::ForkFamilies::new(registry, not_understood.clone())?,
            history: HistoryMeters::new(registry)?,
            notifications: NotificationMeters::new(registry)?,
            process: process::ProcessFamilies::new(registry)?,
            report: source_health::SourceHealthFamilies::new(registry)?,
            rpc: rpc::RpcFamilies::new(registry, not_understood)?,
        })
    }

    /// What the follower of a network counts.
    pub fn network(&self, network: &str) -> NetworkMeters {
        self.follower.network(network)
    }

    /// How a source of a network fares.
    pub fn source(&self, network: &str, source: &str) -> SourceMeters {
        self.follower.source(network, source)
    }

    /// How a source of a network fared when it was last asked.
    pub fn source_state(&self, network: &str, source: &str) -> SourceState {
        self.follower.state(network, source)
    }

    /// What a source of a network says of itself.
    pub fn report(&self, network: &str, source: &str) -> SourceHealthMeters {
        self.report.source(network, source)
    }

    /// What a source of a network last said of itself.
    pub fn source_report(&self, network: &str, source: &str) -> SourceHealth {
        self.report.read(network, source)
    }

    /// What is seen of an activation on a network.
    pub fn fork(&self, network: &str) -> ForkMeters {
        self.fork.network(network)
    }

    /// Whether a source of a network follows an activation.
    pub fn source_fork(&self, network: &str, source: &str) -> SourceFork {
        self.fork.read(network, source)
    }

    /// First block under new rules on a network, once that is certain.
    pub fn fork_activation(&self, network: &str) -> Option<u32> {
        self.fork.activation(network)
    }

    /// How the history fares.
    pub fn history(&self) -> &HistoryMeters {
        &self.history
    }

    /// How the exporter's own notifications fare.
    pub fn notifications(&self) -> &NotificationMeters {
        &self.notifications
    }

    /// Whether the configuration could be read when it was last tried.
    pub fn is_config_good(&self) -> bool {
        self.process.is_config_good()
    }

    /// How long the calls to a source take.
    pub fn rpc(&self, network: &str, source: &str) -> RpcMeters {
        self.rpc.source(network, source)
    }

    /// Values in answers of a network's sources that were not understood, of all kinds.
    pub fn not_understood(&self, network: &str) -> u64 {
        self.rpc.not_understood(network)
    }

    /// Notes a reload of the configuration, at a Unix time in seconds.
    pub fn reloaded(&self, successful: bool, now: u64) {
        self.process.reloaded(successful, now);
    }

    /// Forgets the state of sources that are no longer configured. Counters stay.
    pub fn forget(&self, network: &str, sources: &[String]) {
        self.follower.forget(network, sources);
        sources.iter().for_each(|source| self.report(network, source).silent());
        self.fork(network).forget(sources);
        self.history.forget(network);
    }

    /// Makes one sample of each family, so that a reference can show their labels. For no process that is scraped.
    pub fn touch(&self) {
        self.network("");
        let source = self.source("", "");
        source.usable(0.0);
        let report = self.report("", "");
        report.tip(0, 0, Some(0));
        report.peers(Some(0), Some(false));
        report.masternode(Some(("", "")));
        let fork = self.fork("");
        fork.follows("", Some(true));
        fork.split("", Some(true));
        fork.activation(Some(0));
        self.history.began();
        self.history.written(0);
        self.history.pending("", 0);
        self.history.missing("", 0);
        self.history.size(0);
        self.history.damaged(0);
        self.notifications.began("");
        self.notifications.delivered("", 0);
        self.notifications.clock_ahead("", 0);
        self.rpc("", "").observe("", "", std::time::Duration::ZERO);
    }
}
