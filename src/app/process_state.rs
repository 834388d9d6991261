//! State of this process for alerts: whether its configuration files are valid.
//!
//! Never here: networks; metrics, which are written separately.

use std::sync::Arc;

use domain::entry_matches::EntryKind;

/// Whether the last load of each file succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessState {
    /// The configuration; true before the first reload.
    pub(super) config_good: bool,
    /// The web configuration file; true without one.
    pub(super) web_config_good: bool,
    /// What is wrong with the files of the watch list.
    pub(super) watch_file_problems: Arc<[String]>,
    /// Entries of the watch list and of maintenance that are of one network only.
    pub(super) bound_entries: Arc<[(EntryKind, String)]>,
    /// Entries of the watch list may be missing, because files or the history could not be read.
    pub(super) is_watch_list_partial: bool,
}

impl Default for ProcessState {
    fn default() -> ProcessState {
        ProcessState {
            config_good: true,
            web_config_good: true,
            watch_file_problems: Arc::default(),
            bound_entries: Arc::default(),
            is_watch_list_partial: false,
        }
    }
}
