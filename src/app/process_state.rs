//! What is known of this process itself, for alerts: whether its configuration files are good.
//!
//! Never here: networks; metrics, which are written beside it.

/// Whether the files that this process reads could be used when they were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessState {
    /// The configuration; also before the first reload.
    pub(super) config_good: bool,
    /// The web configuration file; also where there is none.
    pub(super) web_config_good: bool,
}

impl Default for ProcessState {
    fn default() -> ProcessState {
        ProcessState { config_good: true, web_config_good: true }
    }
}
