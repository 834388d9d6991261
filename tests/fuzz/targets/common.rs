//! Shared inputs of several targets: a recorded list, and the limits of an error about an answer.
//!
//! Never here: an invariant of a single decoder.

use std::fmt::Debug;
use std::future::ready;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::counters::EventCounters;
use domain::snapshot::SnapshotInputs;
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{
    Block, BlockHash, ChainFacts, Event, Hash, Height, Masternode, MasternodeList, Moment, NetworkState, Snapshot,
    Subnet, UnixSeconds, chain, event,
};
use masternode_exporter::history::{BlockEvents, Identity, NetworkId, Store};
use masternode_exporter::metrics::{Body, Page};
use masternode_exporter::rpc::ErrorKind;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter::web::api::{Api, Firing, History};
use masternode_exporter::web::handlers::{Handlers, LandingPage, Readiness, TelemetryPath};

/// The height of the recorded list.
pub(crate) const HEIGHT: u32 = 1_000;

/// The current time of the targets.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// Maximum length of an error about an answer: it is logged, and the node controls its content.
const LONGEST_ERROR: usize = 500;

pub(crate) fn block(height: u32) -> Block {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&height.to_be_bytes());
    Block { height: Height(height), hash: BlockHash(Hash(hash)), time: UnixSeconds(1_700_000_000 + u64::from(height)) }
}

/// A list as recorded from a node, at [`HEIGHT`].
pub(crate) fn list() -> &'static Arc<MasternodeList> {
    static LIST: OnceLock<Arc<MasternodeList>> = OnceLock::new();
    LIST.get_or_init(|| {
        let body = include_bytes!("../../fixtures/dash/v23.1.2/banned/protx_list_registered_true.json");
        let mut parser = ListParser::default();
        parser.push(body).expect("it was recorded");
        let masternodes = parser.finish().expect("it was recorded").masternodes;
        Arc::new(MasternodeList::new(block(HEIGHT), masternodes).expect("no masternode is in it twice"))
    })
}

/// The decoded value; an error is checked: short, one line, no terminal control characters.
pub(crate) fn read<T: Debug>(result: Result<T, ErrorKind>) -> Option<T> {
    let error = match result {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    let text = match &error {
        ErrorKind::Malformed { what } => what,
        ErrorKind::WarmingUp { message } | ErrorKind::Call { message, .. } => message,
        ErrorKind::UnknownMethod => return None,
        other => panic!("a body alone cannot mean {other:?}"),
    };
    assert!(text.chars().count() <= LONGEST_ERROR, "an error of {} characters", text.chars().count());
    assert!(!text.contains(char::is_control), "control characters in an error: {text:?}");
    None
}

/// A folder that is deleted at the end.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room")
}

/// The events between an empty list and this one.
pub(crate) fn events() -> Vec<Event> {
    let before = MasternodeList::new(block(HEIGHT - 1), Vec::new()).expect("an empty list");
    event::diff(&before, list(), None)
}

/// A history with these events in it.
pub(crate) fn history() -> (tempfile::TempDir, PathBuf, Store, NetworkId) {
    let folder = folder();
    let path = folder.path().join("history.db");
    let mut store = Store::open(&path, NOW).expect("there is room");
    let identity = Identity { chain: "main".into(), genesis: block(0).hash };
    let network = store.network("dash", &identity).expect("there is room");
    let block = BlockEvents { block: block(HEIGHT), events: events(), sessions: Vec::new() };
    store.record(network, &[block]).expect("there is room");
    (folder, path, store, network)
}

/// The API on the list, with the last events in memory or in a history.
pub(crate) fn api(history: Option<PathBuf>) -> Api {
    let parts = SnapshotInputs {
        network: "dash".into(),
        rules: Arc::new(chain::DASH),
        list: Arc::clone(list()),
        facts: ChainFacts::new(Subnet::Main),
        read_at: NOW,
        watched: watched().resolve(list(), &[]),
        recent_events: events(),
    };
    let snapshot = Arc::new(Snapshot::new(parts, &EventCounters::default()));
    let since = Moment { unix: NOW, uptime: Duration::ZERO };
    let network = NetworkState::new("dash", Arc::new(chain::DASH), Duration::from_secs(900), since, []);
    let network = Arc::new(NetworkState { snapshot: Some(snapshot), stalled_seconds: Some(u64::MAX), ..network });
    Api {
        version: "0".into(),
        networks: Box::new(move || vec![network.clone()]),
        alerts: Box::new(|_, _| Firing::default()),
        history: history.map(|path| History { path, up: Box::new(|| true), owner: None }),
        clock: || NOW,
        is_restricted: false,
    }
}

fn watched() -> WatchList {
    let entry = |(place, masternode): (usize, &Masternode)| WatchEntry {
        selector: Selector::Id(masternode.id),
        alias: format!("mn-{place}"),
        groups: [("operator".to_string(), "acme".to_string())].into(),
        expectations: Vec::new(),
        thresholds: Default::default(),
    };
    WatchList::new(list().masternodes().iter().take(3).enumerate().map(entry).collect())
}

/// A site that serves the API, and a page that shows how a scrape was parsed.
pub(crate) fn site(history: Option<PathBuf>) -> Handlers {
    Handlers {
        landing: LandingPage {
            name: "masternode-exporter".into(),
            version: "0".into(),
            summary: "Tells.".into(),
            telemetry_path: TelemetryPath::default(),
            path_prefix: String::new(),
            metrics_query: String::new(),
            links: Vec::new(),
        },
        runbooks: &[],
        metrics: Box::new(|request| {
            assert!(request.filter.shard.is_none_or(|shard| shard.index < shard.total), "{request:?}");
            assert!(request.filter.families.iter().all(|family| !family.is_empty()), "{request:?}");
            let body = Body::Whole(vec![format!("{request:?}").into()]);
            Box::pin(ready(Ok(Page { content_type: "text/plain", gzip: false, body })))
        }),
        api: Some(Arc::new(api(history))),
        ready: Box::new(Readiness::default),
        reload: Some(Box::new(|| Box::pin(ready(Ok(()))))),
        maintenance: None,
        views: Box::new(Default::default),
    }
}
