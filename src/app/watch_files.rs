//! Watches the files of `watch_files` while the exporter runs, and reports what becomes of them.
//!
//! Never here: reading a file; the watch list.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info, warn};

use crate::app::{App, Error};
use crate::config::Config;
use crate::config::watch_files::{Listing, WatchFiles};
use domain::entry_matches::{EntryKind, selector_text};

/// Interval between two looks at the files. A change is applied when the files were the same at two looks, because a file
/// may be written in parts.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// What was seen at the last look, if it differs from what is in force.
pub(super) type Seen = Option<Listing>;

impl App {
    /// Takes over changed files. They are read on a thread that may block.
    pub(super) async fn look_at_watch_files(&mut self) {
        if !self.config.watch_files.is_configured() {
            return;
        }
        let files = self.config.watch_files.clone();
        let look = tokio::task::spawn_blocking(move || (files.list() != files.listed()).then(|| files.list()));
        // After a panic, which is logged, the next look comes.
        let Ok(changed) = look.await else { return };
        let is_stable = changed.is_some() && changed == self.seen;
        self.seen = changed;
        if is_stable || self.config.watch_files.has_unreadable() {
            self.seen = None;
            if let Err(error) = self.take_over_watch_files().await {
                error!("Watch files not reloaded: {error}");
            }
        }
    }

    async fn take_over_watch_files(&mut self) -> Result<(), Error> {
        let before = self.config.clone();
        let read = move || {
            let files = before.watch_files.read(&before.networks, before.own_watch());
            files.keeping(&before.watch_files, before.own_watch())
        };
        let files = tokio::task::spawn_blocking(read).await?;
        if files == self.config.watch_files {
            return Ok(());
        }
        let mut config = self.config.clone();
        config.set_watch_files(files);
        self.reconfigure(&config).await
    }

    /// Reports the files of a configuration that comes into force: log, metrics, and the state for alerts.
    pub(super) fn report_watch_files(&self, config: &Config) {
        log_changes(&self.config.watch_files, &config.watch_files);
        let files = config.watch_files.files().iter();
        self.shared
            .meters
            .watch_files(files.map(|file| (&*file.name, file.mistakes.is_empty(), file.entries().unwrap_or(0))));
        self.shared.process.send_modify(|process| {
            process.watch_file_problems = config.watch_files.problems().into();
            process.bound_entries = bound_entries(config);
            let is_configured = config.watch_files.is_configured();
            process.is_watch_list_partial = config.watch_files.is_partial() || (is_configured && !self.given.is_read);
        });
    }
}

fn bound_entries(config: &Config) -> Arc<[(EntryKind, String)]> {
    let watched = config.watch.iter().filter(|(network, _)| network.is_some());
    let watched = watched.map(|(_, entry)| (EntryKind::Watch, selector_text(&entry.selector)));
    let maintained = config.maintenance.iter().filter(|(network, _)| network.is_some());
    watched.chain(maintained.map(|(_, entry)| (EntryKind::Maintenance, entry.target.to_string()))).collect()
}

fn log_changes(before: &WatchFiles, now: &WatchFiles) {
    let known: HashMap<&str, _> = before.files().iter().map(|file| (&*file.name, file)).collect();
    for file in now.files() {
        if known.get(&*file.name).is_some_and(|earlier| *earlier == file) {
            continue;
        }
        match file.entries() {
            _ if !file.mistakes.is_empty() => {
                error!(file = file.name, "Refused: {}\n  {}", file.problem(), file.mistakes.join("\n  "));
            }
            entries => info!(file = file.name, "Watch file {} read: {} entries", file.name, entries.unwrap_or(0)),
        }
    }
    for file in before.files().iter().filter(|file| !now.files().iter().any(|other| other.name == file.name)) {
        let entries = file.entries().unwrap_or(0);
        warn!(file = file.name, "Watch file {} is gone: its {entries} entries end", file.name);
    }
    let (old, refused) = (before.problems(), |problem: &&String| problem.starts_with("watch file "));
    for problem in now.problems().iter().filter(|problem| !refused(problem) && !old.contains(problem)) {
        warn!("{problem}");
    }
}
