//! The handlers of the HTTP server: exposition, API, readiness and reload.
//!
//! Never here: starting or stopping tasks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::StatusCode;
use tokio::sync::{mpsc, oneshot, watch};

use crate::alerting::runbooks::RUNBOOKS;
use crate::alerting::{self, ActiveAlerts};
use crate::app::network::{Shared, StateReceiver};
use crate::catalog;
use crate::config::WebConfig;
use crate::history::Writer;
use crate::metrics::{Exposition, Page, Request};
use crate::nearest::hint;
use crate::web::api::maintenance::{MaintenanceAnswer, MaintenanceCommand};
use crate::web::api::{self, AlertsOf, Api};
use crate::web::handlers::{Handlers, LandingPage, Link, MaintenanceFunction, Readiness, ReloadFunction};

/// A request for a reload, with the channel for its result.
pub(super) type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// A command about maintenance, with the channel for its answer.
pub(super) type MaintenanceRequest = (MaintenanceCommand, oneshot::Sender<MaintenanceAnswer>);

/// The states of the running networks, by name.
pub(super) type NetworkStates = BTreeMap<String, StateReceiver>;

/// All handlers. `path_prefix` is the path of `web.external_url`. `history` is the file from which events are read.
pub(super) fn site(
    config: &WebConfig,
    path_prefix: String,
    shared: &Shared,
    board: ActiveAlerts,
    networks: watch::Receiver<NetworkStates>,
    history: Option<PathBuf>,
    (reload, maintenance): (mpsc::Sender<ReloadRequest>, mpsc::Sender<MaintenanceRequest>),
) -> Handlers {
    let (exposition, seen, views) = (shared.exposition.clone(), networks.clone(), shared.views.subscribe());
    let scraped = networks.clone();
    Handlers {
        landing: LandingPage {
            name: "Masternode exporter".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            summary: "How close each masternode is to a Proof-of-Service ban, and when it is paid next.".into(),
            telemetry_path: config.telemetry_path.clone(),
            path_prefix,
            metrics_query: String::new(),
            links: api::PAGES
                .into_iter()
                .chain([("/events", "Events"), ("/runbooks", "Runbooks")])
                .map(|(target, text)| Link { target: target.into(), text: text.into() })
                .collect(),
        },
        api: Some(Arc::new(api(shared, board, networks, history))),
        runbooks: RUNBOOKS,
        metrics: Box::new(move |request| Box::pin(scrape(exposition.clone(), scraped.clone(), request))),
        ready: Box::new(move || readiness(&seen.borrow())),
        reload: config.enable_reload.then(|| reload_function(reload)),
        maintenance: Some(maintenance_function(maintenance)),
        views: Box::new(move || views.borrow().clone()),
    }
}

fn maintenance_function(commands: mpsc::Sender<MaintenanceRequest>) -> MaintenanceFunction {
    Box::new(move |command| {
        let commands = commands.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || (StatusCode::SERVICE_UNAVAILABLE, "the exporter is stopping".to_string());
            commands.send((command, answer)).await.map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    })
}

fn reload_function(reload: mpsc::Sender<ReloadRequest>) -> ReloadFunction {
    Box::new(move || {
        let reload = reload.clone();
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let gone = || "the exporter is stopping".to_string();
            reload.send(answer).await.map_err(|_| gone())?;
            answered.await.unwrap_or_else(|_| Err(gone()))
        })
    })
}

fn api(
    shared: &Shared,
    board: ActiveAlerts,
    networks: watch::Receiver<NetworkStates>,
    history: Option<PathBuf>,
) -> Api {
    let meters = shared.meters.history().clone();
    let owner = shared.history.as_ref().map(Writer::damage_reporter);
    let history = history.map(|path| api::History { path, up: Box::new(move || meters.health().up), owner });
    let networks = move || networks.borrow().values().map(|state| Arc::clone(&state.borrow())).collect();
    Api {
        version: env!("CARGO_PKG_VERSION").into(),
        networks: Box::new(networks),
        alerts: Box::new(move |of, most| firing(&board, of, most)),
        history,
        clock: shared.environment.clock,
        is_restricted: false,
    }
}

/// Firing alerts in the form of the API and the pages: the most severe first, `most` of them.
pub fn firing(board: &ActiveAlerts, of: AlertsOf<'_>, most: usize) -> api::Firing {
    let wanted: Vec<(&str, String)> = match of {
        AlertsOf::All => Vec::new(),
        AlertsOf::Masternode(network, id) => vec![("network", network.into()), ("masternode", id.to_string())],
    };
    let fits = |labels: &BTreeMap<String, String>| {
        wanted.iter().all(|(name, text)| labels.get(*name).is_some_and(|label| label == text))
    };
    let alerting::ActiveAlertList { critical, warning, alerts } = board.firing(fits, most);
    let shown = |alerting::ActiveAlert { alert, labels, description, since, runbook_url }| api::Alert {
        name: alert.name.into(),
        severity: alert.severity.label(),
        labels,
        summary: alert.summary.into(),
        description,
        runbook_url,
        since,
    };
    api::Firing { critical, warning, alerts: alerts.into_iter().map(shown).collect() }
}

async fn scrape(
    exposition: Arc<Exposition>,
    networks: watch::Receiver<NetworkStates>,
    request: Request,
) -> Result<Page, String> {
    let known = |name: &String| catalog::family(name).is_some();
    if let Some(unknown) = request.filter.families.iter().find(|name| !known(name)) {
        return Err(format!("collect[]={unknown} is not a family of masternodes or networks"));
    }
    let groups = &request.filter.groups;
    if !groups.is_empty() && !exposition.has_groups(groups) {
        return Err(unknown_group(groups, &networks.borrow()));
    }
    Ok(exposition.page(request).await)
}

fn unknown_group(groups: &[(String, String)], networks: &NetworkStates) -> String {
    let known: Vec<String> = networks.values().flat_map(|state| state.borrow().known_groups()).collect();
    // A reader who is limited to groups asks by several, and learns of no other.
    let hint = match groups {
        [(key, group)] => hint(&format!("{key}={group}"), known.iter().map(String::as_str)),
        _ => String::new(),
    };
    format!("no watched masternode has this group, or all of these groups{hint}")
}

/// Ready as soon as one network has a list: a node that never answers must not block the others.
fn readiness(networks: &NetworkStates) -> Readiness {
    let waiting = |(name, state): (&String, &StateReceiver)| {
        state.borrow().snapshot.is_none().then(|| format!("network {name} has no fresh masternode list"))
    };
    let missing: Vec<String> = networks.iter().filter_map(waiting).collect();
    if missing.len() < networks.len() { Readiness::default() } else { Readiness { missing } }
}
