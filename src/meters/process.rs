//! The process itself: build, resource usage, and the last reload of the configuration.
//!
//! Never here: what it observes.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry};

/// The families.
#[derive(Clone)]
pub(super) struct ProcessFamilies {
    reload_successful: IntGauge,
    reload_timestamp: IntGauge,
}

impl ProcessFamilies {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<ProcessFamilies> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let build = IntGaugeVec::new(
            Opts::new(
                "masternode_exporter_build_info",
                "Constant 1, labelled with the version, revision and compiler of this build.",
            ),
            &["version", "revision", "rustc"],
        )?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), env!("BUILD_REVISION"), env!("BUILD_RUSTC")]).set(1);
        registry.register(Box::new(build))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(ProcessFamilies {
            reload_successful: gauge(
                "masternode_exporter_config_last_reload_successful",
                "1 if the last attempt to load the configuration succeeded, 0 otherwise.",
            )?,
            reload_timestamp: gauge(
                "masternode_exporter_config_last_reload_timestamp_seconds",
                "Unix time of the last successful load of the configuration.",
            )?,
        })
    }

    pub(super) fn reloaded(&self, successful: bool, now: u64) {
        self.reload_successful.set(i64::from(successful));
        if successful {
            self.reload_timestamp.set(i64::try_from(now).unwrap_or(i64::MAX));
        }
    }
}
