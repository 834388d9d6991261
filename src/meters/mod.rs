//! Counters and histograms of this process, in a registry that is passed in.
//!
//! Never here: metrics of masternodes; they are derived from the snapshot (`metrics`).

mod follower;
mod history;
mod not_understood;
mod notifications;
mod process;
mod rpc;
mod totals;

use prometheus::Registry;

pub use follower::{GapBlocks, NetworkMeters};
pub use history::{HistoryHealth, HistoryMeters};
pub use not_understood::{NotUnderstood, NotUnderstoodMeters};
pub use notifications::{NotificationMeters, Outcome};
pub use rpc::RpcMeters;

/// All families.
#[derive(Clone)]
pub struct Meters {
    follower: follower::FollowerFamilies,
    not_understood: not_understood::NotUnderstoodFamily,
    totals: totals::Totals,
    history: HistoryMeters,
    notifications: NotificationMeters,
    process: process::ProcessFamilies,
    rpc: rpc::RpcFamilies,
}

impl Meters {
    /// Registers all families. Fails if a name is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Meters> {
        let not_understood = not_understood::NotUnderstoodFamily::new(registry)?;
        Ok(Meters {
            follower: follower::FollowerFamilies::new(registry)?,
            not_understood: not_understood.clone(),
            totals: totals::Totals::default(),
            history: HistoryMeters::new(registry)?,
            notifications: NotificationMeters::new(registry)?,
            process: process::ProcessFamilies::new(registry)?,
            rpc: rpc::RpcFamilies::new(registry, not_understood)?,
        })
    }

    /// The counters of the follower of a network.
    pub fn network(&self, network: &str) -> NetworkMeters {
        self.follower.network(network, &self.totals.of(network))
    }

    /// The counters of values in the answers of a network's sources that are not understood.
    pub fn not_understood(&self, network: &str) -> NotUnderstoodMeters {
        self.not_understood.network(network, self.totals.of(network))
    }

    /// The meters of the history.
    pub fn history(&self) -> &HistoryMeters {
        &self.history
    }

    /// The meters of the exporter's notifications.
    pub fn notifications(&self) -> &NotificationMeters {
        &self.notifications
    }

    /// The duration of calls to a source.
    pub fn rpc(&self, network: &str, source: &str) -> RpcMeters {
        self.rpc.source(network, source, self.totals.of(network))
    }

    /// Records a reload of the configuration, at a Unix time in seconds.
    pub fn reloaded(&self, successful: bool, now: u64) {
        self.process.reloaded(successful, now);
    }

    /// Removes the gauges of a network that is no longer configured. Counters stay.
    pub fn forget(&self, network: &str) {
        self.history.forget(network);
    }

    /// Creates one sample of each family, so that the reference can show the labels. Not for a process that is scraped.
    pub fn touch(&self) {
        self.network("").selection_mismatches.count(&[""], &[]);
        self.history.began();
        self.history.written(0);
        self.history.pending("", 0);
        self.history.missing("", 0);
        self.history.size(Some(0));
        self.history.damaged(0);
        self.notifications.began("");
        self.notifications.delivered("", 0);
        self.notifications.clock_ahead("", 0);
        self.rpc("", "").observe("", "", std::time::Duration::ZERO);
    }
}
