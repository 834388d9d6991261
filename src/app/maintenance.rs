//! What an operator tells the running exporter, and what survives its restart: maintenance, and the last good content of
//! watch files.
//!
//! Never here: the effect of maintenance on alerts (`domain`, `alerting`).

use std::collections::BTreeMap;

use hyper::StatusCode;
use tracing::{error, info, warn};

use crate::app::App;
use crate::config::Config;
use crate::history::{TextTable, WATCH_FILE};
use crate::nearest::hint;
use crate::web::api::maintenance::{
    MaintenanceAnswer, MaintenanceCommand, MaintenanceEntry, MaintenanceList, NewMaintenance,
};
use domain::NetworkState;
use domain::maintenance::{Maintenance, MaintenanceTarget};
use domain::rfc3339;
use domain::watch::{Selector, WatchList};

/// Longest maintenance, in seconds: one without a real end would mute an alert for ever.
const LONGEST: u64 = 90 * 86_400;

/// Most maintenance at a time.
const MOST: usize = 1_000;

/// Begin of the keys in the history; a number follows.
const MAINTENANCE: &str = "maintenance/";

/// See the module.
#[derive(Default)]
pub(super) struct Given {
    /// By their numbers, with the request that made each.
    maintenance: BTreeMap<u64, (NewMaintenance, Maintenance)>,
    /// The highest number that was given.
    last: u64,
    /// Whether the history was read; false only while it cannot be.
    pub(super) is_read: bool,
    /// That it cannot be read was logged.
    is_failure_logged: bool,
    /// The good texts of watch files that the history has.
    kept: BTreeMap<String, String>,
}

impl Given {
    /// The configuration with the maintenance that was given.
    pub(super) fn with(&self, config: &Config) -> Config {
        let mut whole = config.clone();
        let given = self.maintenance.values().map(|(new, maintenance)| (new.network.clone(), maintenance.clone()));
        whole.maintenance.extend(given);
        whole
    }
}

impl App {
    /// Takes over what an earlier process kept in the history.
    pub(super) async fn take_over_kept(&mut self, config: &mut Config) {
        let Some(history) = &self.shared.history else {
            self.given.is_read = true;
            return;
        };
        let texts = match history.texts(TextTable::Operator).await {
            Ok(texts) => texts,
            Err(error) => {
                if !std::mem::replace(&mut self.given.is_failure_logged, true) {
                    warn!(
                        "Maintenance and the last good watch files of an earlier process are not known until the history \
                         can be read: {error}"
                    );
                }
                return;
            }
        };
        self.given.is_read = true;
        for (key, text) in texts {
            if let Some(name) = key.strip_prefix(WATCH_FILE) {
                self.given.kept.insert(name.to_string(), text);
            } else if let Some(id) = key.strip_prefix(MAINTENANCE).and_then(|id| id.parse().ok()) {
                let new: Option<NewMaintenance> = serde_json::from_str(&text).ok();
                let read = new.and_then(|new| Some((new.read().ok()?, new)));
                self.given.last = self.given.last.max(id);
                if let Some((maintenance, new)) = read {
                    self.given.maintenance.insert(id, (new, Maintenance { id: Some(id), ..maintenance }));
                }
            }
        }
        config.recall_watch_files(&self.given.kept);
    }

    /// Takes over what an earlier process kept, once the history can be read.
    pub(super) async fn recall_kept(&mut self) {
        if self.given.is_read {
            return;
        }
        let mut config = self.config.clone();
        self.take_over_kept(&mut config).await;
        if self.given.is_read
            && let Err(error) = self.reconfigure(&config).await
        {
            error!("What an earlier process kept is not in force: {error}");
        }
    }

    /// Keeps the good texts of watch files that are in force, for the next process.
    pub(super) async fn keep_watch_files(&mut self) {
        let texts = self.config.watch_files.texts().map(|(name, text)| (name.to_string(), text.to_string()));
        let texts: BTreeMap<String, String> = texts.collect();
        let Some(history) = self.shared.history.as_ref().filter(|_| self.given.is_read && texts != self.given.kept)
        else {
            return;
        };
        let gone = self.given.kept.keys().filter(|name| !texts.contains_key(*name)).map(|name| (name, None));
        let changed = texts.iter().filter(|(name, text)| self.given.kept.get(*name) != Some(*text));
        let changes = gone.chain(changed.map(|(name, text)| (name, Some(text.clone()))));
        let changes = changes.map(|(name, text)| (format!("{WATCH_FILE}{name}"), text)).collect();
        // A failure is reported by the history, and retried at the next look.
        if history.keep_texts(TextTable::Operator, changes).await.is_ok() {
            self.given.kept = texts;
        }
    }

    /// Answers a command.
    pub(super) async fn maintain(&mut self, command: MaintenanceCommand) -> MaintenanceAnswer {
        let is_enabled = self.started.web.enable_maintenance;
        match command {
            MaintenanceCommand::List => Ok(self.list_maintenance()),
            _ if !is_enabled => {
                Err((StatusCode::FORBIDDEN, "changes are not enabled: set web.enable_maintenance and restart".into()))
            }
            MaintenanceCommand::Add(new) => self.add_maintenance(*new).await,
            MaintenanceCommand::End(id) => {
                let ended = self.list_maintenance().maintenance.into_iter().find(|entry| entry.id == Some(id));
                let ended =
                    ended.ok_or_else(|| (StatusCode::NOT_FOUND, format!("no maintenance has the number {id}")))?;
                self.remove_maintenance(&[id], "was ended").await;
                Ok(MaintenanceList { maintenance: vec![ended] })
            }
        }
    }

    /// Removes what has ended.
    pub(super) async fn end_maintenance(&mut self) {
        let now = (self.shared.environment.clock)();
        let ended = self.given.maintenance.iter().filter(|(_, (_, maintenance))| maintenance.until <= now);
        let ended: Vec<u64> = ended.map(|(id, _)| *id).collect();
        if !ended.is_empty() {
            self.remove_maintenance(&ended, "has ended").await;
        }
    }

    async fn remove_maintenance(&mut self, ids: &[u64], how: &str) {
        for id in ids {
            if let Some((_, maintenance)) = self.given.maintenance.remove(id) {
                info!(id, "Maintenance {id} of {} {how}", maintenance.target);
            }
        }
        self.keep_maintenance(ids.iter().map(|id| (*id, None)).collect()).await;
        self.apply_given().await;
    }

    async fn add_maintenance(&mut self, new: NewMaintenance) -> MaintenanceAnswer {
        let bad = |error: String| (StatusCode::BAD_REQUEST, error);
        let maintenance = new.read().map_err(bad)?;
        let now = (self.shared.environment.clock)();
        if maintenance.until <= now {
            return Err(bad(format!("until {} is in the past", rfc3339::text(maintenance.until))));
        }
        if maintenance.until.0 > now.0 + LONGEST {
            return Err(bad(format!("until is more than {} days ahead", LONGEST / 86_400)));
        }
        if self.given.maintenance.len() >= MOST {
            return Err((StatusCode::CONFLICT, format!("there are {MOST} already")));
        }
        self.recall_kept().await;
        let masternodes = self.selected(new.network.as_deref(), &maintenance.target)?;
        if masternodes == 0 {
            return Err((StatusCode::NOT_FOUND, self.nobody(&maintenance.target)));
        }
        self.given.last += 1;
        let id = self.given.last;
        let maintenance = Maintenance { id: Some(id), ..maintenance };
        let text = serde_json::to_string(&new).map_err(|error| bad(error.to_string()))?;
        let survives = self.keep_maintenance(vec![(id, Some(text))]).await;
        let entry = MaintenanceEntry::new(new.network.as_ref(), &maintenance, masternodes, survives);
        let (target, until) = (&entry.target, &entry.until_time);
        info!(
            id,
            "Maintenance {id} of {target} mutes alerts of {masternodes} masternodes until {until}: {}", new.reason
        );
        self.given.maintenance.insert(id, (new, maintenance));
        self.apply_given().await;
        Ok(MaintenanceList { maintenance: vec![entry] })
    }

    /// Writes changes into the history. Returns whether they survive a restart.
    async fn keep_maintenance(&self, changes: Vec<(u64, Option<String>)>) -> bool {
        let Some(history) = &self.shared.history else { return false };
        let changes = changes.into_iter().map(|(id, text)| (format!("{MAINTENANCE}{id}"), text)).collect();
        let kept = history.keep_texts(TextTable::Operator, changes).await;
        if let Err(error) = &kept {
            warn!("Maintenance was not written to the history: {error}");
        }
        kept.is_ok()
    }

    async fn apply_given(&mut self) {
        let whole = self.given.with(&self.config);
        for network in self.networks.values_mut() {
            network.reconfigure(&whole).await;
        }
    }

    fn list_maintenance(&self) -> MaintenanceList {
        let (now, has_history) = ((self.shared.environment.clock)(), self.shared.history.is_some());
        let whole = self.given.with(&self.config);
        let mut found: Vec<_> = whole.maintenance.iter().filter(|(_, maintenance)| maintenance.until > now).collect();
        found.sort_by_key(|(_, maintenance)| maintenance.until);
        let entry = |(network, maintenance): &(Option<String>, Maintenance)| {
            let selected = self.selected(network.as_deref(), &maintenance.target).unwrap_or(0);
            MaintenanceEntry::new(network.as_ref(), maintenance, selected, has_history || maintenance.id.is_none())
        };
        MaintenanceList { maintenance: found.into_iter().map(entry).collect() }
    }

    /// The number of watched masternodes that a maintenance selects now.
    fn selected(&self, only: Option<&str>, target: &MaintenanceTarget) -> Result<usize, (StatusCode, String)> {
        let states: Vec<_> = self.states.borrow().values().map(|state| state.borrow().clone()).collect();
        let meant = |state: &&std::sync::Arc<NetworkState>| only.is_none_or(|name| *state.network == *name);
        if let Some(name) = only.filter(|_| !states.iter().any(|state| meant(&state))) {
            return Err((StatusCode::NOT_FOUND, format!("no network has the name {name:?}")));
        }
        let mut selected = 0;
        for state in states.iter().filter(meant) {
            let list = state.snapshot.as_ref().map(|snapshot| snapshot.list());
            if list.is_none() && matches!(target, MaintenanceTarget::Selector(Selector::Fields(_))) {
                let what = format!("network {} has no list now, so the selection is not known", state.network);
                return Err((StatusCode::SERVICE_UNAVAILABLE, what));
            }
            let none = WatchList::default();
            let selects = |watched: &&&domain::watch::WatchTarget| {
                target.selects(watched, list.and_then(|list| list.get(&watched.id)), &none)
            };
            selected += state.watched().iter().filter(selects).count();
        }
        Ok(selected)
    }

    /// That a maintenance selects nobody, with what is like it.
    fn nobody(&self, target: &MaintenanceTarget) -> String {
        let states: Vec<_> = self.states.borrow().values().map(|state| state.borrow().clone()).collect();
        let names: Vec<String> = states.iter().flat_map(|state| state.known_names()).collect();
        let groups: Vec<String> = states.iter().flat_map(|state| state.known_groups()).collect();
        let hint = match target {
            MaintenanceTarget::Alias(alias) => hint(alias, names.iter().map(String::as_str)),
            MaintenanceTarget::Group(key, group) => hint(&format!("{key}={group}"), groups.iter().map(String::as_str)),
            MaintenanceTarget::Selector(_) => String::new(),
        };
        format!("no watched masternode matches {target}{hint}")
    }
}
