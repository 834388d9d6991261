//! Counters and histograms of this process, in a registry that is passed in.
//!
//! Never here: metrics of masternodes; they are derived from the snapshot (`metrics`).

pub mod families;
mod follower;
mod history;
mod not_understood;
mod notifications;
mod rpc;

use prometheus::{HistogramVec, Registry};

use crate::catalog::process;
use crate::meters::families::Families;
pub use follower::NetworkMeters;
pub use history::{HistoryHealth, HistoryMeters};
pub use not_understood::{NotUnderstood, NotUnderstoodMeters};
pub use notifications::{NotificationMeters, Outcome};
pub use rpc::RpcMeters;

/// All families.
#[derive(Clone)]
pub struct Meters {
    families: Families,
    history: HistoryMeters,
    notifications: NotificationMeters,
    rpc_duration: HistogramVec,
}

impl Meters {
    /// The families of a registry that has none of them. Those of the build, its resource usage and its reloads have samples at
    /// once.
    pub fn new(registry: &Registry) -> Meters {
        let families = Families::new(registry);
        #[cfg(target_os = "linux")]
        registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))
            .expect("the registry has none of these families");
        let build = [env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION"), env!("BUILD_RUSTC")];
        families.gauges(&process::BUILD_INFO).with_label_values(&build).set(1);
        for family in [&process::CONFIG_LAST_RELOAD_SUCCESSFUL, &process::CONFIG_LAST_RELOAD] {
            families.gauges(family).with_label_values::<&str>(&[]);
        }
        Meters {
            history: HistoryMeters::new(&families),
            notifications: NotificationMeters(families.clone()),
            rpc_duration: families.histograms(&process::RPC_REQUEST_DURATION, rpc::BUCKETS),
            families,
        }
    }

    /// The counters of the follower of a network.
    pub fn network(&self, network: &str) -> NetworkMeters {
        NetworkMeters::new(&self.families, network)
    }

    /// The counters of values in the answers of a network's sources that are not understood.
    pub fn not_understood(&self, network: &str) -> NotUnderstoodMeters {
        NotUnderstoodMeters::new(&self.families, network)
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
        let not_understood = self.not_understood(network);
        not_understood.begin();
        let duration = self.rpc_duration.clone();
        RpcMeters { duration, not_understood, network: network.into(), source: source.into() }
    }

    /// Records a reload of the configuration, at a Unix time in seconds.
    pub fn reloaded(&self, successful: bool, now: u64) {
        let set = |family, value| self.families.gauges(family).with_label_values::<&str>(&[]).set(value);
        set(&process::CONFIG_LAST_RELOAD_SUCCESSFUL, i64::from(successful));
        if successful {
            set(&process::CONFIG_LAST_RELOAD, i64::try_from(now).unwrap_or(i64::MAX));
        }
    }

    /// Sets the files with watch entries: name, whether the present content is in force, number of entries in force.
    pub fn watch_files<'a>(&self, files: impl Iterator<Item = (&'a str, bool, usize)>) {
        let good = self.families.gauges(&process::WATCH_FILE_GOOD);
        let in_force = self.families.gauges(&process::WATCH_FILE_ENTRIES);
        good.reset();
        in_force.reset();
        for (file, is_good, entries) in files {
            good.with_label_values(&[file]).set(i64::from(is_good));
            in_force.with_label_values(&[file]).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// Removes the gauges of a network that is no longer configured. Counters stay.
    pub fn forget(&self, network: &str) {
        self.history.forget(network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process with a sample of each family.
    fn touched(registry: &Registry) {
        let meters = Meters::new(registry);
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
            let described = process::FAMILIES.iter().find(|described| described.name == family.name());
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
