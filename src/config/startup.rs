//! What of a configuration takes effect with the next start only.
//!
//! Never here: taking over the rest.

use crate::config::{Config, HistoryConfig, LogConfig, WebConfig, WebFileConfig};

impl Config {
    /// The keys that `new` changes and that only a restart takes over.
    pub fn needs_restart(&self, new: &Config) -> Vec<&'static str> {
        // Taken apart, so that a new field has to be put on one side or the other.
        let WebConfig { listen_addresses, telemetry_path, max_requests, allowed_hosts, enable_reload, config_file } =
            &self.web;
        let HistoryConfig { path, retention } = &self.history;
        let LogConfig { level, json } = &self.log;
        let path_of = |file: &Option<WebFileConfig>| file.as_ref().map(|file| file.path.clone());
        let changes = [
            ("web.listen_address", *listen_addresses != new.web.listen_addresses),
            ("web.telemetry_path", *telemetry_path != new.web.telemetry_path),
            ("web.max_requests", *max_requests != new.web.max_requests),
            ("web.allowed_hosts", *allowed_hosts != new.web.allowed_hosts),
            ("web.enable_reload", *enable_reload != new.web.enable_reload),
            ("web.config_file", path_of(config_file) != path_of(&new.web.config_file)),
            ("history.path", *path != new.history.path),
            ("history.retention", *retention != new.history.retention),
            ("log.level", *level != new.log.level),
            ("log.format", *json != new.log.json),
        ];
        changes.into_iter().filter_map(|(key, is_changed)| is_changed.then_some(key)).collect()
    }
}
