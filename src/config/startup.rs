//! The settings that only a restart applies.
//!
//! Never here: applying the others.

use crate::config::{Config, HistoryConfig, LogConfig, WebConfig, WebFileConfig};

impl Config {
    /// The keys that differ in `new` and that only a restart applies.
    pub fn needs_restart(&self, new: &Config) -> Vec<&'static str> {
        // Destructured, so that a new field must be assigned to one group.
        let WebConfig {
            listen_addresses,
            telemetry_path,
            max_requests,
            allowed_hosts,
            route_prefix,
            enable_reload,
            enable_maintenance,
            // A reload applies them.
            views: _,
            config_file,
        } = &self.web;
        let HistoryConfig { path, retention } = &self.history;
        let LogConfig { level, json } = &self.log;
        let path_of = |file: &Option<WebFileConfig>| file.as_ref().map(|file| file.path.clone());
        let changes = [
            ("web.listen_address", *listen_addresses != new.web.listen_addresses),
            ("web.telemetry_path", *telemetry_path != new.web.telemetry_path),
            ("web.max_requests", *max_requests != new.web.max_requests),
            ("web.allowed_hosts", *allowed_hosts != new.web.allowed_hosts),
            ("web.route_prefix", *route_prefix != new.web.route_prefix),
            ("web.enable_reload", *enable_reload != new.web.enable_reload),
            ("web.enable_maintenance", *enable_maintenance != new.web.enable_maintenance),
            ("web.config_file", path_of(config_file) != path_of(&new.web.config_file)),
            ("history.path", *path != new.history.path),
            ("history.retention", *retention != new.history.retention),
            ("log.level", *level != new.log.level),
            ("log.format", *json != new.log.json),
        ];
        changes.into_iter().filter_map(|(key, is_changed)| is_changed.then_some(key)).collect()
    }
}
