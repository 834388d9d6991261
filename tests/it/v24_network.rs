//! The simulator's Dash 24 network through the activation and after it: events and samples of the exporter compared
//! with the simulator's ledger, and the notifications of a receiver.
//!
//! Never here: how lists decode (`v24`), sources on two sides of the fork (`fork`).

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::event::{Event, EventKind, Field};
use domain::watch::{Selector, WatchEntry, WatchField, WatchList};
use domain::{Duffs, Snapshot};
use masternode_exporter::alerting::AlertingSettings as Alerting;
use masternode_exporter::alerting::settings::Kind;
use masternode_exporter::rpc::dialect;
use serde_json::Value;
use simulator::{
    Action, ChangedField, Fault, FieldChange, Fork, LedgerKind, MasternodeFacts, Migration, Network, Options, Server,
    ServerOptions, Software,
};

use crate::push::{FakeReceiver, TestEngine, at_once};
use crate::support::conditions::holding;
use crate::support::harness::Stage;
use crate::support::ledger::{assert_same, kept, seen};
use crate::support::samples::Page;

/// The first block under the new rules: the signal is mined in block 551, and a window has 24 blocks.
const ACTIVATION: u32 = 600;

fn fork() -> Fork {
    Fork { signal_height: Some(551), ..Fork::default() }
}

fn options(fork: Fork) -> Options {
    Options { version: 240_003, fork: Some(fork), ..Options::default() }
}

/// The owners' part of a block's payment: amount by payee.
type Paid = Vec<(String, u64)>;

/// A network whose blocks are planned in advance, with its payments so far.
struct Episode {
    stage: Stage,
    /// Regular masternodes; the first two have operator keys in the legacy encoding.
    regular: Vec<String>,
    evo: Vec<String>,
    shared: String,
    paid: BTreeMap<u32, Paid>,
}

impl Episode {
    async fn start() -> Episode {
        let stage = Stage::recording(options(Fork { legacy: 0.3, ..fork() }), dialect::DASH, |_| {}).await;
        let network = &stage.network;
        let facts: Vec<MasternodeFacts> =
            network.masternodes().iter().map(|id| network.masternode(id).unwrap()).collect();
        let ids = |fits: &dyn Fn(&&MasternodeFacts) -> bool| -> Vec<String> {
            facts.iter().filter(fits).map(|facts| facts.masternode.clone()).collect()
        };
        let mut regular = ids(&|facts| !facts.evo && facts.version == 1);
        assert!(regular.len() >= 2, "two masternodes of version 1");
        regular.truncate(2);
        regular.extend(ids(&|facts| !facts.evo && facts.version == 2));
        let evo = ids(&|facts| facts.evo);
        let shared = network.shared_masternode(0);
        let all: Vec<&String> = regular.iter().chain(&evo).chain([&shared]).collect();
        let entry = |(place, id): (usize, &&String)| WatchEntry {
            selector: Selector::Id(id.parse().unwrap()),
            alias: format!("mn-{place}"),
            groups: BTreeMap::new(),
            expectations: vec![],
            thresholds: Default::default(),
        };
        stage.watch(WatchList::new(all.iter().enumerate().map(entry).collect()));
        Episode { stage, regular, evo, shared, paid: BTreeMap::new() }
    }

    fn watched(&self) -> Vec<String> {
        self.regular.iter().chain(&self.evo).chain([&self.shared]).cloned().collect()
    }

    /// The actions of a block.
    fn actions(&self, height: u32) -> Vec<Action> {
        let of = |masternode: &String| masternode.clone();
        let migrate = |masternode: &String, version| Action::Migrate { masternode: of(masternode), version };
        let [slow, fast, stolen, split, revoked, ..] = self.regular.as_slice() else { panic!("five masternodes") };
        let [evo, ..] = self.evo.as_slice() else { panic!("an Evo node") };
        let (key, shared) = (&self.regular[5], &self.shared);
        match height.checked_sub(ACTIVATION) {
            Some(2) => vec![migrate(slow, 2), migrate(stolen, 3), migrate(key, 3)],
            Some(3) => vec![migrate(fast, 3)],
            Some(4) => vec![Action::RegisterShared { number: 0, shares: 3 }],
            Some(5) => vec![
                Action::ChangePayout { masternode: of(stolen) },
                Action::SetPayouts { masternode: of(fast), payouts: 2 },
            ],
            Some(6) => vec![migrate(evo, 3), Action::SetPayouts { masternode: of(split), payouts: 3 }],
            Some(7) => vec![Action::ChangePlatformPorts { masternode: of(evo) }],
            Some(8) => vec![migrate(slow, 3), Action::SetPayouts { masternode: of(fast), payouts: 1 }],
            Some(9) => vec![Action::AddAddress { masternode: of(evo) }, Action::AddAddress { masternode: of(key) }],
            Some(10) => vec![Action::ChangeAddress { masternode: of(evo) }, Action::AddAddress { masternode: of(key) }],
            Some(11) => {
                vec![Action::ChangeAddress { masternode: of(slow) }, Action::AddAddress { masternode: of(slow) }]
            }
            Some(12) => vec![Action::SetPayouts { masternode: of(evo), payouts: 2 }],
            Some(13) => vec![Action::ChangeOperatorKey { masternode: of(key) }],
            Some(14) => vec![Action::Revoke { masternode: of(revoked), reason: 1 }],
            Some(15) => vec![Action::ChangeShareReward { masternode: of(shared), share: 1 }],
            Some(16) => vec![migrate(key, 3), Action::ChangeOperatorPayout { masternode: of(split) }],
            Some(18) => vec![Action::ChangeOperatorKey { masternode: of(revoked) }],
            Some(20) => vec![migrate(revoked, 2)],
            Some(30) => vec![Action::Dissolve { masternode: of(shared) }],
            _ => vec![],
        }
    }

    /// Mines the next block without a poll.
    fn mine(&mut self) -> u32 {
        let network = &self.stage.network;
        let height = network.tip().0 + 1;
        let owners: Vec<String> = network
            .masternodes()
            .iter()
            .filter_map(|id| network.masternode(id))
            .flat_map(|facts| facts.payees.into_iter().map(|(address, _)| address))
            .collect();
        network.mine_with(&self.actions(height)).unwrap_or_else(|error| panic!("{height}: {error}"));
        let mut paid = network.payees_at(height);
        paid.retain(|(address, _)| owners.contains(address));
        self.paid.insert(height, paid);
        height
    }

    /// All recorded events match: kinds, both sides of each change, payments by payee.
    fn assert_recorded(&self, from: u32) {
        let kept = kept(&self.stage.history());
        assert!(kept.iter().all(|kept| kept.event.exact && !kept.withdrawn));
        let events: Vec<&Event> = kept.iter().map(|kept| &kept.event).collect();
        assert_same(seen(events.iter().copied()), self.stage.network.shown_since(from));
        assert_sides(&self.stage.network, from, &events);
        for event in events {
            if let EventKind::Payment { amount, payees, .. } = &event.kind {
                let height = event.block.height.0;
                let expected = &self.paid[&height];
                let total: u64 = expected.iter().map(|(_, part)| part).sum();
                assert_eq!(*amount, Some(Duffs(total)), "{height}");
                let parts: Vec<(String, u64)> =
                    payees.iter().map(|(address, part)| (address.to_string(), part.0)).collect();
                assert_eq!(parts, *expected, "{height}");
            }
        }
    }

    /// Counters are the sums of the ledger, and payees are those of the chain.
    fn assert_page(&self, page: &Page, from: u32) {
        let network = &self.stage.network;
        let entries = network.shown_since(from);
        let count = |id: &str, kind: &str| {
            entries.iter().filter(|(_, masternode, what)| masternode == id && what == kind).count() as f64
        };
        for id in self.watched() {
            let own = ("masternode", id.as_str());
            for field in Field::ALL {
                let expected = count(&id, &format!("change {}", field.label()));
                page.expect("masternode_changes_total", &[own, ("field", field.label())], expected);
            }
            for cause in ["dkg", "revoked", "key_changed"] {
                let expected = count(&id, &format!("ban {cause}"));
                page.expect("masternode_pose_bans_total", &[own, ("cause", cause)], expected);
            }
            page.expect("masternode_payments_total", &[own], count(&id, "payment"));
            page.expect("masternode_pose_revivals_total", &[own], count(&id, "revival"));
            let Some(facts) = network.masternode(&id) else { continue };
            let payees = &facts.payees;
            let only = if let [(address, _)] = payees.as_slice() { address.as_str() } else { "" };
            page.expect("masternode_info", &[own, ("payout_address", only)], 1.0);
            for (address, part) in payees {
                let labels = [own, ("payout_address", address.as_str())];
                let ratio = page.value("masternode_payout_info", &labels).unwrap_or_else(|| panic!("{labels:?}"));
                assert!((ratio - *part as f64 / 10_000.0).abs() < 0.000_2, "{labels:?} {ratio} {part}");
            }
        }
        let listed =
            self.watched().into_iter().filter_map(|id| network.masternode(&id)).map(|facts| facts.payees.len());
        assert_eq!(page.count("masternode_payout_info"), listed.sum::<usize>());
    }
}

/// A field with both sides, in our format.
type Sides = (u32, String, &'static str, String, String);

/// Both sides of each change match the ledger.
#[track_caller]
fn assert_sides(network: &Network, from: u32, events: &[&Event]) {
    let mut ours: Vec<Sides> = Vec::new();
    for event in events {
        if let EventKind::Change(field, change) = &event.kind {
            let change = change.as_ref().unwrap();
            let (before, after) = (our_side(*field, &change.before), our_side(*field, &change.after));
            ours.push((event.block.height.0, event.masternode.to_string(), field.label(), before, after));
        }
    }
    let mut theirs: Vec<Sides> = Vec::new();
    for entry in network.ledger_since(from) {
        let (LedgerKind::Change(field), Some(FieldChange { before, after })) = (entry.kind, entry.change) else {
            continue;
        };
        let mut push = |label, side: &dyn Fn(&str) -> String| {
            let (before, after) = (side(&before), side(&after));
            if before != after {
                theirs.push((entry.height, entry.masternode.clone(), label, before, after));
            }
        };
        let further = |text: &str| text.split(", ").skip(1).collect::<Vec<_>>().join(" ");
        match field {
            ChangedField::Address => {
                push("address", &|text| text.split(", ").next().unwrap_or_default().into());
                push("addresses", &further);
            }
            ChangedField::Payout => push("payout", &payees_in_percent),
            ChangedField::Shares => push("payout", &|text| text.into()),
            ChangedField::OperatorKey => push("operator_key", &|text| text.into()),
            ChangedField::VotingKey => push("voting_key", &|text| text.into()),
            ChangedField::OperatorPayout => push("operator_payout", &|text| text.into()),
            ChangedField::Version => push("version", &|text| text.into()),
            // The ports; the ledger does not contain the hosts.
            ChangedField::Platform => push("addresses", &|text| format!("platform {text}")),
        }
    }
    ours.sort();
    theirs.sort();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        if theirs.3.starts_with("platform ") {
            assert_eq!((ours.0, &ours.1, ours.2), (theirs.0, &theirs.1, theirs.2));
            continue;
        }
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

/// A side of an event in the ledger's format.
fn our_side(field: Field, text: &str) -> String {
    let first_words = |text: &str| -> Vec<String> {
        text.split(", ").map(|part| part.split(' ').next().unwrap_or_default().to_string()).collect()
    };
    match field {
        // `address amount (owner address)` of each share.
        Field::Payout if text.contains("(owner ") => first_words(text).join(", "),
        Field::Addresses => {
            let own = text.split(", ").filter_map(|part| part.strip_prefix("core_p2p "));
            own.collect::<Vec<_>>().join(" ")
        }
        _ => text.into(),
    }
}

/// `Xone 6666, Xtwo 3334` as `Xone 66.66 %, Xtwo 33.34 %`.
fn payees_in_percent(text: &str) -> String {
    let part = |part: &str| match part.split_once(' ') {
        Some((address, reward)) => format!("{address} {} %", reward.parse::<f64>().unwrap() / 100.0),
        None => part.to_string(),
    };
    text.split(", ").map(part).collect::<Vec<_>>().join(", ")
}

/// The whole scenario; `pauses` are blocks that are mined while no exporter runs.
async fn play(mut episode: Episode, pauses: &[std::ops::RangeInclusive<u32>]) {
    let from = episode.stage.network.tip().0 + 1;
    let outdated = episode.regular.last().unwrap().clone();
    episode.stage.network.set_outdated(&outdated, true).unwrap();
    while episode.stage.network.tip().0 < ACTIVATION + 40 {
        let next = episode.stage.network.tip().0 + 1;
        let pause = pauses.iter().find(|pause| pause.contains(&next));
        if pause.is_some_and(|pause| *pause.start() == next) {
            episode.stage.stop().await;
        }
        episode.mine();
        match pause {
            Some(pause) if *pause.end() == next => episode.stage.restart().await,
            Some(_) => continue,
            None => episode.stage.poll().await,
        }
        episode.assert_page(&episode.stage.page().await, from);
    }
    assert_eq!(episode.stage.network.activation_height(), Some(ACTIVATION));
    episode.assert_recorded(from);
    let entries = episode.stage.network.shown_since(from);
    let has = |id: &String, kind: &str| entries.iter().any(|(_, masternode, what)| masternode == id && what == kind);
    assert!(has(&outdated, "ban dkg"), "the protocol 70240 is banned");
    assert!(has(&episode.shared, "removal") && has(&episode.shared, "change payout"));
    let payees = episode.paid.values().map(Vec::len).max();
    assert_eq!(payees, Some(3), "a block pays three owners");
}

#[tokio::test]
async fn events_through_the_activation_are_the_ledger() {
    play(Episode::start().await, &[]).await;
}

#[tokio::test]
async fn events_through_the_activation_are_the_ledger_over_restarts() {
    let pauses = [ACTIVATION - 3..=ACTIVATION + 3, ACTIVATION + 5..=ACTIVATION + 6, ACTIVATION + 12..=ACTIVATION + 20];
    play(Episode::start().await, &pauses).await;
}

#[tokio::test]
async fn events_through_the_activation_are_the_ledger_without_listdiff() {
    let episode = Episode::start().await;
    episode.stage.servers[0].handle().faults().set_for(Fault::Forbidden, &["protx listdiff"]);
    play(episode, std::slice::from_ref(&(ACTIVATION + 5..=ACTIVATION + 8))).await;
}

#[tokio::test]
async fn events_through_the_activation_are_the_ledger_with_a_source_that_stays_behind() {
    let mut episode = Episode::start().await;
    let options = ServerOptions { software: Some(Software::release(230_102)), ..ServerOptions::default() };
    let old = Server::bind_with(episode.stage.network.clone(), "127.0.0.1:0", options).await.unwrap().spawn();
    episode.stage.stop().await;
    episode.stage.servers.insert(0, old);
    episode.stage.restart().await;
    play(episode, &[]).await;
}

#[tokio::test]
async fn a_selected_masternode_stays_watched_when_its_payee_changes_even_during_a_downtime() {
    let mut stage = Stage::recording(options(fork()), dialect::DASH, |_| {}).await;
    let (here, down) = (stage.masternode(1), stage.masternode(2));
    let select = |id: &String| WatchEntry {
        selector: Selector::Fields(vec![(
            WatchField::PayoutAddress,
            stage.network.masternode(id).unwrap().payout_address,
        )]),
        alias: "treasury".into(),
        groups: BTreeMap::new(),
        expectations: vec![(WatchField::PayoutAddress, stage.network.masternode(id).unwrap().payout_address)],
        thresholds: Default::default(),
    };
    stage.watch(WatchList::new(vec![select(&here), select(&down)]));
    stage.mine(&[]).await;
    assert_eq!(stage.page().await.count("masternode_registered"), 2);
    let swapped = |id: &String| (id.clone(), "payout_address.".to_string());
    stage.mine(&[Action::ChangePayout { masternode: here.clone() }]).await;
    assert_eq!(unexpected(stage.snapshot().unwrap()), [swapped(&here)]);
    stage.stop().await;
    stage.network.mine_with(&[Action::ChangePayout { masternode: down.clone() }]).unwrap();
    stage.network.mine(3);
    stage.restart().await;
    assert!(unexpected(stage.snapshot().unwrap()).contains(&swapped(&down)));
    stage.page().await.expect("masternode_changes_total", &[("masternode", &down), ("field", "payout")], 1.0);
}

/// Watches these masternodes, each with the current expectations of its owner.
fn expecting(network: &Network, ids: &[String]) -> WatchList {
    let entry = |(place, id): (usize, &String)| {
        let facts = network.masternode(id).unwrap();
        let expectations = vec![
            (WatchField::PayoutAddress, facts.payout_address),
            (WatchField::OperatorKey, facts.operator_key),
            (WatchField::OwnerAddress, facts.owners[0].clone()),
        ];
        let selector = Selector::Id(id.parse().unwrap());
        WatchEntry {
            selector,
            alias: format!("mn-{place}"),
            groups: BTreeMap::new(),
            expectations,
            thresholds: Default::default(),
        }
    };
    WatchList::new(ids.iter().enumerate().map(entry).collect())
}

pub(crate) fn unexpected(snapshot: Arc<Snapshot>) -> Vec<(String, String)> {
    let now = snapshot.block().time;
    let unexpected = holding(snapshot, now).into_iter().filter(|held| held.alert == "MasternodeUnexpectedChange");
    unexpected.map(|held| (held.of, held.text.rsplit(": ").next().unwrap().to_string())).collect()
}

/// Alerts about masternodes that a receiver got: name, masternode, status, severity and description.
fn about_masternodes(got: &[crate::push::Got]) -> Vec<[String; 5]> {
    let alerts = got.iter().flat_map(|got| got.body["alerts"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let about = alerts.filter(|alert| !alert["labels"]["masternode"].is_null());
    let describe = |alert: Value| {
        let labels = &alert["labels"];
        let masternode = text(&labels["masternode"]);
        [
            text(&alert["alert"]),
            masternode,
            text(&alert["status"]),
            text(&alert["severity"]),
            text(&alert["description"]),
        ]
    };
    about.map(describe).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_swap_on_a_version_3_masternode_is_notified_within_one_block() {
    let mut stage = Stage::new(options(fork()), 1).await;
    let ids = stage.network.masternodes().to_vec();
    stage.watch(expecting(&stage.network, &ids));
    stage.network.mine((ACTIVATION - stage.network.tip().0) as usize);
    stage.poll().await;
    let masternode = ids[1].clone();
    let receiver = FakeReceiver::start().await;
    let mut exporter = TestEngine::new(None);
    // Pending times are those of the catalogue, and the clock of the engine does not advance.
    let settings = Alerting { receivers: vec![receiver.settings("pager", Kind::Generic)], ..Alerting::default() };
    exporter.engine.reconfigure(&settings).await;
    stage.mine(&[Action::Migrate { masternode: masternode.clone(), version: 3 }]).await;
    let migrated = stage.snapshot().unwrap();
    assert_eq!(unexpected(migrated.clone()), []);
    exporter.see(Some(migrated));
    stage.mine(&[Action::ChangePayout { masternode: masternode.clone() }]).await;
    exporter.see(stage.snapshot());
    let fires = |got: &[crate::push::Got]| !about_masternodes(got).is_empty();
    let got = about_masternodes(&receiver.wait("the theft", fires).await);
    let [[alert, id, status, severity, description]] = got.as_slice() else { panic!("{got:#?}") };
    assert_eq!((alert.as_str(), status.as_str()), ("MasternodeUnexpectedChange", "firing"));
    assert_eq!((id, severity.as_str()), (&masternode, "critical"));
    assert!(description.contains("payout_address"), "{description}");
    exporter.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_of_60_percent_of_the_network_raises_no_alert() {
    let migration = Some(Migration { after: 3, blocks: 10 });
    let fork = Fork { one_owner: 0.6, legacy: 0.6, migration, ..fork() };
    let options = Options { version: 240_003, fork: Some(fork), ..Options::regtest(100, 10) };
    let mut stage = Stage::new(options, 1).await;
    let ids = stage.network.masternodes().to_vec();
    let owned: Vec<String> =
        ids.iter().filter(|id| stage.network.masternode(id).unwrap().of_one_owner).cloned().collect();
    assert_eq!(owned.len(), 60);
    let before: Vec<MasternodeFacts> = owned.iter().map(|id| stage.network.masternode(id).unwrap()).collect();
    stage.watch(expecting(&stage.network, &ids));
    stage.network.mine((ACTIVATION - stage.network.tip().0) as usize);
    stage.poll().await;
    let receiver = FakeReceiver::start().await;
    let mut exporter = TestEngine::new(None);
    exporter.engine.reconfigure(&at_once(vec![receiver.settings("pager", Kind::Generic)])).await;
    for _ in 0..15 {
        stage.mine(&[]).await;
        let snapshot: Arc<Snapshot> = stage.snapshot().unwrap();
        assert_eq!(unexpected(snapshot.clone()), [], "{}", snapshot.block().height);
        exporter.see(Some(snapshot));
    }
    let after: Vec<MasternodeFacts> = owned.iter().map(|id| stage.network.masternode(id).unwrap()).collect();
    assert!(after.iter().all(|facts| facts.version == 3), "all of the owner's masternodes moved");
    let reencoded = before.iter().zip(&after).filter(|(old, new)| old.operator_key != new.operator_key).count();
    assert!(reencoded >= 30, "{reencoded} keys are printed in another encoding");
    let page = stage.page().await;
    for id in &owned {
        let changes = |field| [("masternode", id.as_str()), ("field", field)];
        page.expect("masternode_changes_total", &changes("version"), 1.0);
        for field in Field::ALL.into_iter().filter(|field| *field != Field::Version) {
            page.expect("masternode_changes_total", &changes(field.label()), 0.0);
        }
    }
    // A later theft is the first notification about any masternode.
    let stolen = owned[7].clone();
    stage.mine(&[Action::ChangePayout { masternode: stolen.clone() }]).await;
    exporter.see(stage.snapshot());
    let got = {
        let is_theft = |got: &[crate::push::Got]| {
            about_masternodes(got).iter().any(|[alert, ..]| alert == "MasternodeUnexpectedChange")
        };
        receiver.wait("the theft", is_theft).await
    };
    let got = about_masternodes(&got).into_iter().map(|[alert, id, ..]| (alert, id));
    // Warnings about Evo nodes below version 3 before they moved are correct.
    let got: Vec<(String, String)> = got.filter(|(alert, _)| alert != "MasternodeEvoVersionOld").collect();
    assert_eq!(got, [("MasternodeUnexpectedChange".to_string(), stolen)]);
    exporter.engine.stop().await;
}
