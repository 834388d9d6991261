//! Counters and histograms of this process, in a registry that is passed in.
//!
//! Never here: metrics of masternodes; they are derived from the snapshot (`metrics`).

mod follower;
mod history;
mod not_understood;
mod notifications;
mod process;
pub mod register;
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

    /// Sets the files with watch entries: name, whether the present content is in force, number of entries in force.
    pub fn watch_files<'a>(&self, files: impl Iterator<Item = (&'a str, bool, usize)>) {
        self.process.watch_files(files);
    }

    /// Removes the gauges of a network that is no longer configured. Counters stay.
    pub fn forget(&self, network: &str) {
        self.history.forget(network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    /// A process with a sample of each family.
    fn touched(registry: &Registry) {
        let meters = Meters::new(registry).unwrap();
        meters.network("").selection_mismatches.count(&[""], &[]);
        meters.watch_files([("", true, 0)].into_iter());
        meters.network("").election_mismatches.inc_by(0);
        meters.network("").unread_payments.inc_by(0);
        meters.network("").refuted_lists.inc_by(0);
        meters.history().began();
        meters.history().written(0);
        meters.history().pending("", 0);
        meters.history().missing("", 0);
        meters.history().size(Some(0));
        meters.history().damaged(0);
        meters.notifications().began("");
        meters.notifications().delivered("", 0);
        meters.notifications().clock_ahead("", 0);
        meters.rpc("", "").observe("", "", std::time::Duration::ZERO);
    }

    #[test]
    fn every_registered_family_is_that_of_the_catalogue() {
        let registry = Registry::new();
        touched(&registry);
        for family in registry.gather() {
            let described = catalog::process::FAMILIES.iter().find(|described| described.name == family.name());
            let described = described.unwrap_or_else(|| panic!("{} is not in the catalogue", family.name()));
            assert_eq!(described.help, family.help(), "{}", family.name());
            assert_eq!(format!("{:?}", family.get_field_type()).to_lowercase(), described.kind.label());
            let mut labels: Vec<&str> = family.get_metric()[0].get_label().iter().map(|pair| pair.name()).collect();
            let mut expected = described.labels.to_vec();
            labels.sort_unstable();
            expected.sort_unstable();
            assert_eq!(labels, expected, "{}", family.name());
        }
    }
}
