//! The process itself: build, resource usage, and the last reload of the configuration.
//!
//! Never here: what it observes.

use prometheus::{IntGauge, IntGaugeVec, Registry};

use crate::catalog::process;
use crate::meters::register;

/// The families.
#[derive(Clone)]
pub(super) struct ProcessFamilies {
    reload_successful: IntGauge,
    reload_timestamp: IntGauge,
    watch_file_good: IntGaugeVec,
    watch_file_entries: IntGaugeVec,
}

impl ProcessFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<ProcessFamilies> {
        let build = register::gauges(registry, &process::BUILD_INFO)?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION"), env!("BUILD_RUSTC")]).set(1);
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(ProcessFamilies {
            reload_successful: register::gauge(registry, &process::CONFIG_LAST_RELOAD_SUCCESSFUL)?,
            reload_timestamp: register::gauge(registry, &process::CONFIG_LAST_RELOAD)?,
            watch_file_good: register::gauges(registry, &process::WATCH_FILE_GOOD)?,
            watch_file_entries: register::gauges(registry, &process::WATCH_FILE_ENTRIES)?,
        })
    }

    pub(super) fn reloaded(&self, successful: bool, now: u64) {
        self.reload_successful.set(i64::from(successful));
        if successful {
            self.reload_timestamp.set(i64::try_from(now).unwrap_or(i64::MAX));
        }
    }

    pub(super) fn watch_files<'a>(&self, files: impl Iterator<Item = (&'a str, bool, usize)>) {
        self.watch_file_good.reset();
        self.watch_file_entries.reset();
        for (file, good, entries) in files {
            self.watch_file_good.with_label_values(&[file]).set(i64::from(good));
            self.watch_file_entries.with_label_values(&[file]).set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }
}
