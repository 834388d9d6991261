//! Scenarios of simulated Dimecoin and PRCYCoin networks, through the socket: states, bans, pools, payments, refusals.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::chain::{ChainRules, DIMECOIN, PRCYCOIN};
use domain::payment::Certainty;
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{Event, EventKind, MasternodeId, NetworkState, Snapshot, UnixSeconds, state};
use masternode_exporter::follower::{self, Follower, FollowerSettings};
use masternode_exporter::history::{self, Writer, WriterHandle};
use masternode_exporter::meters::Meters;
use masternode_exporter::metrics::{self, Exposition, Format};
use masternode_exporter::rpc::{self, Client, Credentials, Dialect, dialect};
use masternode_exporter::secret::Secret;
use prometheus::Registry;
use simulator::legacy::{Action, Chain, LedgerKind, Network, Options};
use simulator::{self, AnyNetwork, Fault, RunningServer, Server};
use tokio::sync::watch;

use crate::support::harness::follower_settings;
use crate::support::samples::Page;

/// A network, one of its nodes, and a follower that polls on request. All masternodes are watched as `mn-<index>`.
pub(crate) struct Stage {
    pub(crate) network: Network,
    pub(crate) server: RunningServer,
    pub(crate) follower: Follower,
    states: watch::Receiver<Arc<NetworkState>>,
    _watch_list: watch::Sender<WatchList>,
    exposition: Arc<Exposition>,
    history: Option<WriterHandle>,
}

impl Stage {
    pub(crate) async fn new(options: Options) -> Stage {
        let chain = options.chain;
        Stage::with((chain, Network::new(options).unwrap()), |_| {}, None).await
    }

    /// A follower with other rules that begins now, and its history.
    pub(crate) async fn with(
        (chain, network): (Chain, Network),
        change: impl FnOnce(&mut ChainRules),
        history: Option<&Path>,
    ) -> Stage {
        let (mut rules, dialect) = match chain {
            Chain::Dimecoin => (DIMECOIN, dialect::DIMECOIN),
            Chain::Prcycoin => (PRCYCOIN, dialect::PRCYCOIN),
        };
        change(&mut rules);
        let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
        let registry = Registry::new();
        let meters = Meters::new(&registry);
        let entry = |(index, id): (usize, &String)| WatchEntry {
            selector: Selector::Id(id.parse().unwrap()),
            alias: format!("mn-{index}"),
            groups: [("operator".to_string(), "acme".to_string())].into(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        let list = WatchList::new(network.masternodes().iter().enumerate().map(entry).collect());
        let (watch_list, watch_receiver) = watch::channel(list);
        let clients = vec![client(&server, rules.clone(), dialect, &meters)];
        let settings = settings(rules);
        let (publish, states) = follower::state_channel(&settings, &clients, &meters);
        let mut follower = Follower::new(settings, clients, &meters, watch_receiver, publish);
        let mut handle = None;
        if let Some(path) = history {
            let (path, retention) = (path.to_path_buf(), Duration::from_secs(400 * 86_400));
            let settings = history::HistorySettings { path, retention, clock: || UnixSeconds(1_794_990_000) };
            let (writer, ended) = Writer::start(settings, meters.history().clone()).unwrap();
            follower = follower.with_history(writer);
            handle = Some(ended);
        }
        let exposition = Exposition::new(metrics::MetricsSettings::default(), registry);
        let _watch_list = watch_list;
        let mut stage = Stage { network, server, follower, states, _watch_list, exposition, history: handle };
        stage.follower.poll().await;
        stage
    }

    /// Ends the process, and closes its history.
    pub(crate) async fn end(self) {
        drop(self.follower);
        if let Some(handle) = self.history {
            assert!(handle.within(Duration::from_secs(20)).await.is_some(), "the history is closed");
        }
    }

    pub(crate) async fn mine(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.network.mine(1);
            self.follower.poll().await;
        }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.states.borrow().snapshot.clone().expect("a list was published")
    }

    pub(crate) async fn page(&self) -> Page {
        self.exposition.publish(self.states.borrow().clone());
        Page::read(&self.exposition.text(Format::Text).await)
    }

    fn state_of(&self, id: &str) -> String {
        let snapshot = self.snapshot();
        let index = snapshot.list().position(&id.parse().unwrap()).expect("it is listed");
        state::label(&snapshot.rules().states, snapshot.node(index).state).to_string()
    }

    fn events_of(&self, id: &str) -> Vec<EventKind> {
        let id: MasternodeId = id.parse().unwrap();
        let snapshot = self.snapshot();
        let events = snapshot.recent_events().iter().filter(|event| event.masternode == id);
        events.map(|event| event.kind.clone()).collect()
    }
}

fn settings(rules: ChainRules) -> FollowerSettings {
    FollowerSettings {
        network: "it".into(),
        rules: Arc::new(rules),
        // Before the simulated time, so that the tip's time is later.
        clock: || UnixSeconds(1_794_990_000),
        ..follower_settings()
    }
}

fn client(server: &RunningServer, rules: ChainRules, dialect: Dialect, meters: &Meters) -> Client {
    let settings = rpc::RpcSettings {
        url: server.handle().url(),
        credentials: Credentials::Password { user: "user".into(), password: Secret::new("password") },
        timeout: Duration::from_secs(2),
        dialect: Arc::new(dialect),
        states: state::shared(&rules.states),
        ..rpc::RpcSettings::default()
    };
    let meters = meters.rpc("it", &settings.name);
    Client::new(settings, meters).unwrap()
}

fn lively(chain: Chain, masternodes: usize) -> Options {
    Options { subnet: simulator::Subnet::Regtest, ..Options::demo(chain, masternodes, 1_795_000_000) }
}

#[tokio::test]
async fn dimecoins_queue_and_pool_are_those_of_the_network() {
    let mut stage = Stage::new(lively(Chain::Dimecoin, 48)).await;
    // Eight collaterals are requested per block.
    stage.mine(8).await;
    let mut compared = 0;
    for _ in 0..60 {
        stage.mine(1).await;
        let snapshot = stage.snapshot();
        let pool = snapshot.payments().pool().expect("votes are known");
        let mut ours: Vec<(u32, String)> = snapshot
            .nodes()
            .filter_map(|node| Some((node.queue_position?.get(), node.masternode.id.to_string())))
            .collect();
        ours.sort();
        let ours: Vec<String> = ours.into_iter().map(|(_, id)| id).collect();
        let theirs = stage.network.queue(stage.network.tip().0 + 10);
        assert_eq!(ours, theirs.candidates, "at height {}", stage.network.tip().0);
        assert_eq!(pool.size().map_or(0, |size| size.get() as usize), theirs.pool);
        let drawn = theirs.elected.map(|id| snapshot.list().position(&id.parse().unwrap()).unwrap());
        assert!(drawn.is_none_or(|index| pool.has(index)), "the elected masternode was in the pool");
        compared += ours.len();
    }
    assert!(compared > 500, "only {compared} places were compared");
}

#[tokio::test]
async fn a_silent_dimecoin_node_expires_permanently_and_a_restart_excludes_it() {
    let mut stage = Stage::new(Options::regtest(Chain::Dimecoin, 12)).await;
    let id = stage.network.masternodes()[3].clone();
    let node = [("alias", "mn-3")];
    stage.mine(4).await;
    let page = stage.page().await;
    page.expect("masternode_enabled", &node, 1.0);
    page.expect("masternode_network_ping_warning_seconds", &[], 1800.0);
    page.expect_absent("masternode_pose_score", &node);
    page.expect_absent("masternode_network_pose_limit", &[]);
    page.expect_absent("masternode_dkg_sessions_per_day", &node);
    stage.network.act(&Action::GoOffline { masternode: id.clone() }).unwrap();
    let seen = stage.network.masternode(&id).unwrap().seen;
    // 65 minutes are 61 blocks of 64 seconds.
    stage.mine(60).await;
    stage.page().await.expect("masternode_last_seen_timestamp_seconds", &node, seen as f64);
    stage.mine(12).await;
    let page = stage.page().await;
    page.expect("masternode_enabled", &node, 0.0);
    page.expect("masternode_state", &[node[0], ("state", "expired")], 1.0);
    page.expect("masternode_network_risk_nodes", &[("risk", "unhealthy")], 1.0);
    page.expect("masternode_group_nodes", &[("group", "acme"), ("risk", "unhealthy")], 1.0);
    page.expect("masternode_payment_probability_ratio", &[node[0], ("horizon", "24h")], 0.0);
    page.expect_absent("masternode_payment_queue_position", &node);
    let expired = EventKind::State { from: "enabled".into(), to: "expired".into() };
    assert!(stage.events_of(&id).contains(&expired));
    // Its daemon pings again, which has no effect any more; a new start has.
    stage.network.act(&Action::ComeBack { masternode: id.clone() }).unwrap();
    stage.mine(12).await;
    assert_eq!(stage.state_of(&id), "expired");
    stage.network.act(&Action::Restart { masternode: id.clone() }).unwrap();
    stage.mine(1).await;
    assert_eq!(stage.state_of(&id), "pre_enabled");
    stage.mine(10).await;
    assert_eq!(stage.state_of(&id), "enabled");
    let started = stage.network.masternode(&id).unwrap().started;
    let left = (started + 156 * 12).saturating_sub(stage.network.tip_time());
    let day = stage.page().await.value("masternode_payment_probability_ratio", &[node[0], ("horizon", "24h")]);
    assert_eq!(day, Some(1.0), "the only one of the pool after its hold-out");
    stage.page().await.expect("masternode_payment_held_out_seconds", &node, left as f64);
    assert!(left > 0, "11 blocks are less than 12 times 156 seconds");
}

#[tokio::test]
async fn a_dimecoin_ban_is_shown_with_its_end_and_ends_there() {
    let mut stage = Stage::new(Options::regtest(Chain::Dimecoin, 12)).await;
    let [id, of] = [5, 2].map(|index| stage.network.masternodes()[index].clone());
    stage.network.act(&Action::Duplicate { masternode: id.clone(), of: of.clone() }).unwrap();
    let node = stage.network.masternodes().iter().position(|other| *other == id).unwrap();
    let alias = format!("mn-{node}");
    let mut until = None;
    for _ in 0..20 {
        stage.mine(1).await;
        until = [&id, &of].into_iter().find_map(|id| stage.network.masternode(id).unwrap().banned_until);
        if until.is_some() {
            break;
        }
    }
    let until = until.expect("one of two nodes at one address is banned");
    let banned = if stage.network.masternode(&id).unwrap().banned_until.is_some() { id } else { of };
    let alias = if banned == stage.network.masternodes()[5] { alias } else { "mn-2".to_string() };
    let page = stage.page().await;
    let labels = [("alias", alias.as_str())];
    page.expect("masternode_pose_banned", &labels, 1.0);
    // It begins between two blocks and is seen with the second one.
    page.expect("masternode_pose_ban_end_height", &labels, f64::from(until));
    page.expect("masternode_pose_bans_total", &[labels[0], ("cause", "unknown")], 1.0);
    page.expect("masternode_network_risk_nodes", &[("risk", "banned")], 1.0);
    // With an address of its own, it is not banned a second time.
    let other = if banned == stage.network.masternodes()[5] { 2 } else { 5 };
    stage.network.act(&Action::Move { masternode: stage.network.masternodes()[other].clone() }).unwrap();
    while stage.network.tip().0 < until {
        stage.mine(1).await;
    }
    let page = stage.page().await;
    page.expect("masternode_pose_banned", &labels, 0.0);
    page.expect_absent("masternode_pose_ban_end_height", &labels);
    page.expect("masternode_pose_revivals_total", &labels, 1.0);
}

#[tokio::test]
async fn dimecoin_payments_are_those_of_the_blocks_with_their_amounts() {
    // Half of the producers see no votes, and the node forgets their payments.
    let mut stage = Stage::new(Options { ignored_votes: 0.5, ..Options::regtest(Chain::Dimecoin, 30) }).await;
    let start = stage.network.tip().0;
    stage.mine(80).await;
    let amount = Some(domain::masternode::Duffs(693_000_000_000));
    let mut seen: Vec<(u32, String)> = stage
        .snapshot()
        .recent_events()
        .iter()
        .filter(|event| {
            event.exact && matches!(&event.kind, EventKind::Payment { amount: paid, .. } if *paid == amount)
        })
        .map(|event| (event.block.height.0, event.masternode.to_string()))
        .collect();
    let mut paid: Vec<(u32, String)> = stage
        .network
        .ledger_since(start + 1)
        .into_iter()
        .filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. }))
        .map(|entry| (entry.height, entry.masternode))
        .collect();
    seen.sort();
    paid.sort();
    assert_eq!(seen, paid);
    assert!(paid.len() > 70, "only {} payments", paid.len());
    // A block that was voted to pay one masternode and paid another is a lost payment.
    let lost = |event: &&Event| event.kind == EventKind::PaymentLost;
    let snapshot = stage.snapshot();
    let losses: Vec<&Event> = snapshot.recent_events().iter().filter(lost).collect();
    assert!(losses.len() > 10, "{}", losses.len());
    for loss in losses {
        let is_paid = paid.contains(&(loss.block.height.0, loss.masternode.to_string()));
        let votes = stage.network.votes(loss.block.height.0);
        let payout = stage.network.masternode(&loss.masternode.to_string()).unwrap().payout;
        assert!(!is_paid && votes[0].0 == payout, "{loss:?}");
    }
}

#[tokio::test]
async fn the_elected_payees_of_dimecoin_are_those_of_the_network() {
    let mut stage = Stage::new(Options { dissent: 0.0, lively: false, ..lively(Chain::Dimecoin, 48) }).await;
    // On a busy host, the collaterals are not all read at the first block.
    while stage.snapshot().payments().elections().gap().is_some() {
        stage.mine(1).await;
    }
    let (mut exact, mut forecast) = (0, [0, 0]);
    for _ in 0..60 {
        stage.mine(1).await;
        let (snapshot, tip) = (stage.snapshot(), stage.network.tip().0);
        let elections = snapshot.payments().elections();
        assert_eq!(elections.gap(), None, "at height {tip}");
        let id = |index: usize| snapshot.list().masternodes()[index].id.to_string();
        let elected = elections.ahead().iter().find(|ahead| ahead.height.0 == tip + 10);
        let elected = elected.map(|ahead| (ahead.certainty, ahead.index.map(id).unwrap()));
        let theirs = stage.network.queue(tip + 10).elected.map(|id| (Certainty::Exact, id));
        assert_eq!(elected, theirs, "at height {tip}");
        exact += usize::from(elected.is_some());
        for ahead in elections.ahead().iter().filter(|ahead| ahead.certainty == Certainty::Forecast) {
            forecast[usize::from(ahead.height.0 > tip + 91)] += 1;
        }
    }
    assert!(exact > 50 && forecast[0] > 3000 && forecast[1] > 300, "{exact} {forecast:?}");
}

#[tokio::test]
async fn a_banned_dimecoin_node_with_votes_is_paid_and_loses_nothing() {
    let mut stage = Stage::new(Options::regtest(Chain::Dimecoin, 30)).await;
    stage.mine(3).await;
    // The payee of the block eight ahead takes the address of another node, and is banned before.
    let height = stage.network.tip().0 + 8;
    let payout = stage.network.votes(height)[0].0.clone();
    let ids = stage.network.masternodes();
    let node = |id: &String| stage.network.masternode(id).unwrap();
    let id = ids.iter().find(|id| node(id).payout == payout).unwrap().clone();
    // A duplicate with the older collateral, so that this one is banned.
    let oldest = ids.iter().min_by_key(|id| node(id).collateral_height).unwrap().clone();
    assert_ne!(id, oldest);
    stage.network.act(&Action::Duplicate { masternode: id.clone(), of: oldest }).unwrap();
    let alias = format!("mn-{}", ids.iter().position(|other| *other == id).unwrap());
    while stage.network.tip().0 < height - 1 {
        stage.mine(1).await;
    }
    assert_eq!(stage.state_of(&id), "pose_ban");
    let page = stage.page().await;
    let labels = [("alias", alias.as_str())];
    page.expect("masternode_payment_scheduled_height", &labels, f64::from(height));
    page.expect("masternode_payment_probability_ratio", &[labels[0], ("horizon", "1h")], 1.0);
    stage.mine(1).await;
    let page = stage.page().await;
    page.expect("masternode_payments_lost_total", &labels, 0.0);
    assert!(stage.events_of(&id).iter().any(|kind| matches!(kind, EventKind::Payment { amount: Some(_), .. })));
    // The ban takes thirty blocks, half an hour: then it has a chance again.
    let chance = page.value("masternode_payment_probability_ratio", &[labels[0], ("horizon", "24h")]).unwrap();
    assert!(chance > 0.99, "{chance}");
}

#[tokio::test]
async fn votes_that_arrive_after_a_block_are_read_before_the_next_one() {
    let mut stage = Stage::new(Options { late_votes: 0.9, ..Options::regtest(Chain::Dimecoin, 30) }).await;
    stage.mine(3).await;
    let votes = |stage: &Stage| {
        let (snapshot, tip) = (stage.snapshot(), stage.network.tip().0);
        let ahead = snapshot.payments().elections().ahead().iter().find(|ahead| ahead.height.0 == tip + 10).cloned();
        ahead.and_then(|ahead| ahead.votes)
    };
    let early = votes(&stage).unwrap();
    assert!(early < 10, "{early}");
    stage.network.advance(Duration::from_secs(10));
    stage.follower.poll().await;
    assert_eq!(votes(&stage), Some(early), "they are not read at each poll");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3)).await;
    tokio::time::resume();
    stage.follower.poll().await;
    assert_eq!(votes(&stage), Some(10));
}

#[tokio::test]
async fn prcycoin_pays_rank_1_and_the_best_score_of_the_tip_after_it() {
    let mut stage = Stage::new(Options::regtest(Chain::Prcycoin, 10)).await;
    let start = stage.network.tip().0;
    let mut ahead: Vec<(u32, String)> = Vec::new();
    for _ in 0..70 {
        stage.mine(1).await;
        let snapshot = stage.snapshot();
        let id = |index: usize| snapshot.list().masternodes()[index].id.to_string();
        let elections = snapshot.payments().elections().ahead().iter();
        ahead.extend(elections.map(|ahead| (ahead.height.0, id(ahead.index.unwrap()))));
    }
    let ledger = stage.network.ledger_since(start + 2);
    let paid: Vec<(u32, String)> = ledger
        .into_iter()
        .filter(|entry| matches!(entry.kind, LedgerKind::Paid { .. }))
        .map(|entry| (entry.height, entry.masternode))
        .collect();
    assert!(paid.len() > 60, "{}", paid.len());
    for (height, id) in &paid {
        let named: Vec<&String> = ahead.iter().filter(|(ahead, _)| ahead == height).map(|(_, id)| id).collect();
        assert!(
            !named.is_empty() && named.iter().all(|named| *named == id),
            "block {height}: {named:?}, {id} was paid"
        );
    }
    let snapshot = stage.snapshot();
    let seen: Vec<(u32, String)> = (snapshot.recent_events().iter())
        .filter(|event| event.kind == EventKind::Payment { amount: None, operator: None, payees: vec![] })
        .filter(|event| event.block.height.0 >= start + 2)
        .map(|event| (event.block.height.0, event.masternode.to_string()))
        .collect();
    assert_eq!(seen, paid, "a proof-of-stake block pays the elected one, an audit block none");
}

#[tokio::test]
async fn a_dead_prcycoin_node_leaves_the_list_and_payments_stay_unknown() {
    let mut stage = Stage::new(Options::regtest(Chain::Prcycoin, 10)).await;
    stage.mine(3).await;
    let best = stage.network.best_ranked().unwrap();
    let snapshot = stage.snapshot();
    let first = snapshot.nodes().find(|node| node.queue_position.is_some_and(|rank| rank.get() == 1)).unwrap();
    assert_eq!(first.masternode.id.to_string(), best, "rank 1 is paid by the next proof-of-stake block");
    let page = stage.page().await;
    let node = [("alias", "mn-4")];
    page.expect("masternode_network_payment_pool_size", &[], 10.0);
    page.expect("masternode_payment_draw_probability_ratio", &node, 0.1);
    // The next block pays another one.
    let within_an_hour = 1.0 - 0.9_f64.powi(59);
    let ratio = page.value("masternode_payment_probability_ratio", &[node[0], ("horizon", "1h")]).unwrap();
    assert!((ratio - within_an_hour).abs() < 1e-12, "{ratio}");
    for absent in [
        "masternode_payment_last_height",
        "masternode_payment_projected_height",
        "masternode_payment_pool_member",
        "masternode_payments_lost_total",
        "masternode_payment_held_out_seconds",
        "masternode_network_payment_cycle_blocks",
    ] {
        page.expect_absent(absent, if absent.contains("network") { &[] } else { &node });
    }
    let id = stage.network.masternodes()[4].clone();
    // The last block that elected it, since the list has none.
    let elected = stage
        .snapshot()
        .recent_events()
        .iter()
        .rev()
        .find(|event| event.masternode.to_string() == id && matches!(event.kind, EventKind::Payment { .. }))
        .map(|event| event.block.time.0 as f64);
    assert_eq!(page.value("masternode_payment_last_timestamp_seconds", &node), elected);
    stage.network.act(&Action::GoOffline { masternode: id.clone() }).unwrap();
    stage.mine(121).await;
    assert_eq!(stage.state_of(&id), "expired");
    stage.page().await.expect("masternode_registered", &node, 1.0);
    stage.mine(12).await;
    let page = stage.page().await;
    page.expect("masternode_registered", &node, 0.0);
    page.expect_absent("masternode_enabled", &node);
    page.expect("masternode_network_removals_total", &[("node_type", "regular")], 1.0);
    page.expect("masternode_network_payment_pool_size", &[], 9.0);
}

#[tokio::test]
async fn a_reorg_of_an_older_chain_is_followed() {
    let mut stage = Stage::new(lively(Chain::Dimecoin, 20)).await;
    stage.mine(6).await;
    stage.network.reorg(3, 5).unwrap();
    stage.follower.poll().await;
    let (height, hash) = stage.network.tip();
    let block = *stage.snapshot().block();
    assert_eq!((block.height.0, block.hash.to_string()), (height, hash));
    stage.page().await.expect("masternode_exporter_reorgs_total", &[], 1.0);
}

/// The error of a follower of a chain with such a node.
async fn complaint(
    network: impl Into<AnyNetwork>,
    fault: Option<Fault>,
    rules: ChainRules,
    dialect: Dialect,
) -> String {
    let server = Server::bind(network, "127.0.0.1:0").await.unwrap().spawn();
    if let Some(fault) = fault {
        server.handle().faults().set(fault);
    }
    let meters = Meters::new(&Registry::new());
    let (_keep, watch_receiver) = watch::channel(WatchList::default());
    let clients = vec![client(&server, rules.clone(), dialect, &meters)];
    let settings = settings(rules);
    let (publish, states) = follower::state_channel(&settings, &clients, &meters);
    let mut follower = Follower::new(settings, clients, &meters, watch_receiver, publish);
    let troubles = follower.poll_once().await.expect_err("such a node is refused");
    assert!(states.borrow().snapshot.is_none());
    troubles.join("\n")
}

#[tokio::test]
async fn the_node_of_another_chain_on_the_port_is_refused_by_its_name() {
    let dash = || simulator::Network::new(simulator::Options::default()).unwrap();
    let dimecoin = || Network::new(Options::regtest(Chain::Dimecoin, 5)).unwrap();
    let complaint_text = complaint(dash(), Some(Fault::Bitcoin), DIMECOIN, dialect::DIMECOIN).await;
    assert!(complaint_text.contains("calls itself \"/Satoshi:"), "{complaint_text}");
    assert!(complaint_text.contains("a dimecoin node starts with \"/dimecoin:\""), "{complaint_text}");
    let complaint_text = complaint(dash(), None, DIMECOIN, dialect::DIMECOIN).await;
    assert!(complaint_text.contains("calls itself \"/Dash Core:"), "{complaint_text}");
    let complaint_text = complaint(dimecoin(), None, PRCYCOIN, dialect::PRCYCOIN).await;
    assert!(complaint_text.contains("a prcycoin node starts with \"/PRCY:\""), "{complaint_text}");
    // The right name, but the list of another chain: its format is refused.
    let rules = ChainRules { subversion_prefix: "/Dash".into(), genesis: vec![].into(), ..DIMECOIN };
    let complaint_text = complaint(dash(), None, rules, dialect::DIMECOIN).await;
    assert!(complaint_text.contains("masternodelist"), "{complaint_text}");
    assert!(complaint_text.contains("fields, expected 8") || complaint_text.contains("not a text"), "{complaint_text}");
}
