//! Changes of masternodes around the fork of Dash 24, in the ledger and in the differences of lists.

use serde_json::{Map, Value, json};

use super::client::result;
use super::fork::{forked, forking, serve};
use crate::{
    Action, BanCause, ChangedField, FieldChange, Fork, LedgerEntry, LedgerKind, Migration, Network, Options,
    RunningServer,
};

/// The fields of a masternode that the last block changed.
async fn update(server: &RunningServer, network: &Network, masternode: &str) -> Map<String, Value> {
    let height = network.tip().0;
    let diff = result(server, "protx", json!(["listdiff", height - 1, height])).await;
    let updates = diff["updatedMNs"].as_array().expect("updates");
    let mut fields = updates.iter().find_map(|update| update.get(masternode)).expect("it changed").clone();
    let object = fields.as_object_mut().expect("an object");
    object.remove("lastPaidHeight");
    std::mem::take(object)
}

fn names(fields: &Map<String, Value>) -> Vec<&str> {
    fields.keys().map(String::as_str).collect()
}

/// The ledger entries of a masternode in the last block, without payments.
fn noted(network: &Network, masternode: &str) -> Vec<(LedgerKind, Option<FieldChange>)> {
    let of_it = |entry: &LedgerEntry| entry.masternode == masternode && entry.kind != LedgerKind::Payment;
    network.ledger_since(network.tip().0).into_iter().filter(of_it).map(|entry| (entry.kind, entry.change)).collect()
}

fn kinds(network: &Network, masternode: &str) -> Vec<LedgerKind> {
    noted(network, masternode).into_iter().map(|(kind, _)| kind).collect()
}

fn some(network: &Network, evo: bool) -> String {
    let fits = |node: &String| network.masternode(node).is_some_and(|facts| facts.evo == evo);
    network.masternodes().into_iter().find(fits).expect("both kinds")
}

fn mine(network: &Network, action: Action) {
    network.mine_with(&[action]).expect("allowed");
}

#[tokio::test]
async fn a_migration_changes_only_the_encoding_of_key_and_payee() {
    let network = forked(|fork| fork.legacy = 1.0, 600);
    let server = serve(&network, 240_003).await;
    let node = some(&network, false);
    let before = network.masternode(&node).expect("listed");
    assert_eq!(before.version, 1);
    mine(&network, Action::Migrate { masternode: node.clone(), version: 2 });
    let fields = update(&server, &network, &node).await;
    assert_eq!(names(&fields), ["pubKeyOperator", "version"]);
    let key = fields["pubKeyOperator"].as_str().expect("a key").to_owned();
    assert_ne!(key, before.operator_key);
    assert_eq!(key[2..], before.operator_key[2..]);
    let change = FieldChange { before: "1".into(), after: "2".into() };
    assert_eq!(noted(&network, &node), [(LedgerKind::Change(ChangedField::Version), Some(change))]);
    mine(&network, Action::Migrate { masternode: node.clone(), version: 3 });
    let fields = update(&server, &network, &node).await;
    assert_eq!(names(&fields), ["addresses", "payouts", "version"], "nothing says that the payout address went");
    assert_eq!(fields["payouts"][0]["address"], json!(before.payout_address));
    assert_eq!(fields["payouts"][0]["reward"], 10_000);
    assert_eq!(kinds(&network, &node), [LedgerKind::Change(ChangedField::Version)]);
    let state = result(&server, "protx", json!(["info", node])).await["state"].clone();
    assert_eq!((state["payoutAddress"].clone(), state["version"].clone()), (Value::Null, json!(3)));
    assert_eq!(state["pubKeyOperator"], json!(key));
}

#[tokio::test]
async fn a_theft_and_a_split_are_in_the_ledger_with_both_values() {
    let network = forked(|_| {}, 600);
    let server = serve(&network, 240_003).await;
    let node = some(&network, false);
    mine(&network, Action::Migrate { masternode: node.clone(), version: 3 });
    let honest = network.masternode(&node).expect("listed").payout_address;
    mine(&network, Action::ChangePayout { masternode: node.clone() });
    assert_eq!(names(&update(&server, &network, &node).await), ["payouts"]);
    let thief = network.masternode(&node).expect("listed").payout_address;
    let change = FieldChange { before: honest, after: thief.clone() };
    assert_eq!(noted(&network, &node), [(LedgerKind::Change(ChangedField::Payout), Some(change))]);
    mine(&network, Action::SetPayouts { masternode: node.clone(), payouts: 2 });
    let facts = network.masternode(&node).expect("listed");
    let (_, change) = noted(&network, &node).remove(0);
    let after = facts.payees.iter().map(|(address, part)| format!("{address} {part}")).collect::<Vec<_>>().join(", ");
    assert_eq!(change, Some(FieldChange { before: thief, after }));
    // When it is paid, each payee gets its share.
    let paid = |network: &Network| {
        network
            .ledger_since(network.tip().0)
            .iter()
            .any(|entry| entry.masternode == node && entry.kind == LedgerKind::Payment)
    };
    while !paid(&network) {
        network.mine(1);
    }
    let (height, hash) = network.tip();
    let expected = network.payees_at(height);
    assert_eq!(expected.iter().map(|(_, amount)| amount).sum::<u64>(), Network::payment_amount(height));
    let answer = result(&server, "masternode", json!(["payments", hash])).await;
    let payees: Vec<(String, u64)> = answer[0]["masternodes"][0]["payees"]
        .as_array()
        .expect("payees")
        .iter()
        .skip(1)
        .map(|payee| (payee["address"].as_str().expect("text").to_owned(), payee["amount"].as_u64().expect("number")))
        .collect();
    assert_eq!(payees, expected);
    let coinbase = result(&server, "getspecialtxes", json!([hash, 5, 1, 0, 2])).await;
    let outputs = coinbase[0]["vout"].as_array().expect("outputs");
    assert!(expected.iter().all(|(address, amount)| {
        outputs
            .iter()
            .any(|output| output["scriptPubKey"]["address"] == json!(address) && output["valueSat"] == json!(amount))
    }));
}

#[tokio::test]
async fn a_shared_masternode_is_registered_changed_and_dissolved() {
    let network = forked(|_| {}, 600);
    let server = serve(&network, 240_003).await;
    let node = network.shared_masternode(4);
    mine(&network, Action::RegisterShared { number: 4, shares: 3 });
    assert_eq!(kinds(&network, &node), [LedgerKind::Registration]);
    let entry = result(&server, "protx", json!(["info", node])).await;
    assert_eq!(
        (entry["collateralAddress"].clone(), entry["state"]["ownerAddress"].clone()),
        (Value::Null, Value::Null)
    );
    let amounts: u64 =
        entry["state"]["shares"].as_array().expect("shares").iter().filter_map(|share| share["amount"].as_u64()).sum();
    assert_eq!(amounts, 100_000_000_000);
    mine(&network, Action::ChangeShareReward { masternode: node.clone(), share: 1 });
    let fields = update(&server, &network, &node).await;
    assert_eq!((names(&fields), fields["shares"].as_array().map(Vec::len)), (vec!["shares"], Some(3)));
    let (kind, change) = noted(&network, &node).remove(0);
    let change = change.expect("both values");
    let after =
        network.masternode(&node).expect("listed").payees.into_iter().map(|(address, _)| address).collect::<Vec<_>>();
    assert_eq!((kind, change.after.clone()), (LedgerKind::Change(ChangedField::Shares), after.join(", ")));
    assert_ne!(change.before, change.after);
    let special = async |kind: i64| {
        let tip = network.tip().1;
        result(&server, "getspecialtxes", json!([tip, kind, 10, 0, 2])).await[0].clone()
    };
    assert_eq!(special(11).await["proUpShareTx"]["rewardAddress"], json!(after[1]));
    mine(&network, Action::ChangeOperatorKey { masternode: node.clone() });
    assert_eq!(special(12).await["proUpSharedRegTx"]["proTxHash"], json!(node));
    mine(&network, Action::Dissolve { masternode: node.clone() });
    assert_eq!(special(10).await["proDisTx"]["proTxHash"], json!(node));
    assert_eq!((network.masternode(&node), kinds(&network, &node)), (None, vec![LedgerKind::Removal]));
}

#[tokio::test]
async fn an_emptied_address_is_not_printed() {
    let network = forked(|_| {}, 600);
    let server = serve(&network, 240_003).await;
    let (regular, evo) = (some(&network, false), some(&network, true));
    mine(&network, Action::Migrate { masternode: regular.clone(), version: 3 });
    mine(&network, Action::Revoke { masternode: regular.clone(), reason: 2 });
    let fields = update(&server, &network, &regular).await;
    assert_eq!(names(&fields), ["PoSeBanHeight", "pubKeyOperator", "revocationReason", "version"]);
    assert_eq!(fields["version"], 3, "the version stays");
    let state = result(&server, "protx", json!(["info", regular])).await["state"].clone();
    assert_eq!(state["addresses"], json!({}));
    mine(&network, Action::ChangeOperatorKey { masternode: evo.clone() });
    let fields = update(&server, &network, &evo).await;
    assert_eq!(names(&fields), ["PoSeBanHeight", "platformNodeID", "pubKeyOperator", "version"]);
    let wiped = [ChangedField::OperatorKey, ChangedField::Address].map(LedgerKind::Change);
    assert_eq!(kinds(&network, &evo)[..2], wiped);
    // Only version 3 revives it.
    mine(&network, Action::Revive { masternode: evo.clone() });
    let facts = network.masternode(&evo).expect("listed");
    assert_eq!((facts.version, facts.ban_height), (3, None));
    assert!(update(&server, &network, &evo).await.contains_key("payouts"));
}

#[tokio::test]
async fn platform_ports_are_printed_in_two_ways() {
    let network = forked(|_| {}, 590);
    let server = serve(&network, 240_003).await;
    let evo = some(&network, true);
    mine(&network, Action::ChangePlatformPorts { masternode: evo.clone() });
    let fields = update(&server, &network, &evo).await;
    assert_eq!(names(&fields), ["addresses", "platformHTTPPort", "platformP2PPort"]);
    assert_eq!(fields["addresses"]["platform_https"], json!(["255.255.255.255:32201"]));
    network.mine(10);
    mine(&network, Action::Migrate { masternode: evo.clone(), version: 3 });
    mine(&network, Action::ChangePlatformPorts { masternode: evo.clone() });
    let fields = update(&server, &network, &evo).await;
    assert_eq!(names(&fields), ["addresses", "version"]);
    assert_eq!(fields["addresses"].as_object().map(Map::len), Some(3), "the whole object");
}

#[tokio::test]
async fn a_further_address_appears_after_the_primary_one() {
    let network = forked(|_| {}, 600);
    let server = serve(&network, 240_003).await;
    let node = some(&network, false);
    let primary = network.masternode(&node).expect("listed").service;
    for count in 2..=4 {
        mine(&network, Action::AddAddress { masternode: node.clone() });
        let fields = update(&server, &network, &node).await;
        let addresses = fields["addresses"]["core_p2p"].as_array().expect("addresses").clone();
        assert_eq!((addresses.len(), &addresses[0]), (count, &json!(primary)));
        let noted = noted(&network, &node).remove(0);
        let facts = network.masternode(&node).expect("listed");
        assert_eq!(noted.0, LedgerKind::Change(ChangedField::Address));
        assert_eq!(noted.1.map(|change| change.after), Some(facts.addresses.join(", ")));
    }
    assert!(network.mine_with(&[Action::AddAddress { masternode: node.clone() }]).is_err(), "four at most");
    mine(&network, Action::ChangeAddress { masternode: node.clone() });
    assert_eq!(network.masternode(&node).expect("listed").addresses.len(), 1);
}

#[test]
fn members_with_the_new_protocol_vote_against_the_old_one() {
    let network = forking(|fork| fork.outdated = 1);
    let node = network.masternodes().remove(0);
    assert_eq!(network.masternode(&node).map(|facts| facts.protocol), Some(70_240));
    network.mine(20 * 24);
    let penalties = |network: &Network, node: &str| {
        let of_it = |entry: &LedgerEntry| entry.masternode == node && matches!(entry.kind, LedgerKind::Penalty { .. });
        network.ledger().into_iter().filter(of_it).count()
    };
    assert!(penalties(&network, &node) > 0);
    assert!(network.masternodes()[1..].iter().all(|other| penalties(&network, other) == 0));
    network.set_outdated(&node, false).expect("listed");
    mine(&network, Action::Revive { masternode: node.clone() });
    let before = penalties(&network, &node);
    network.mine(20 * 24);
    assert_eq!(penalties(&network, &node), before, "upgraded");
}

#[test]
fn one_owner_moves_sixty_percent_of_the_network() {
    let migration = Some(Migration { after: 3, blocks: 10 });
    let fork = Fork { signal_height: Some(551), one_owner: 0.6, legacy: 0.6, migration, ..Fork::default() };
    let options = Options { version: 240_003, fork: Some(fork), ..Options::regtest(100, 10) };
    let network = Network::new(options).expect("valid");
    let facts = || network.masternodes().into_iter().filter_map(|node| network.masternode(&node)).collect::<Vec<_>>();
    let own: Vec<_> = facts().into_iter().filter(|facts| facts.of_one_owner).collect();
    assert_eq!(own.len(), 60);
    assert!(own.iter().all(|facts| facts.owners == own[0].owners && facts.payout_address == own[0].payout_address));
    network.mine(602 - 540);
    let migrated = || facts().into_iter().filter(|facts| facts.version == 3).count();
    assert_eq!(migrated(), 0);
    network.mine(1);
    assert!((1..20).contains(&migrated()));
    network.mine(9);
    assert_eq!(migrated(), 60);
    assert!(facts().iter().all(|facts| facts.of_one_owner == (facts.version == 3)));
    let payouts = network.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Change(ChangedField::Payout));
    assert_eq!(payouts.count(), 0, "no payee changed");
}

#[test]
fn the_scenario_of_the_demo_is_complete() {
    let options = Options::dash_24(60, || 1_796_000_000);
    let start = options.start_height;
    let network = Network::new(options).expect("valid");
    let nodes = network.masternodes();
    network.mine(58 + 60);
    assert_eq!(network.activation_height(), Some(start + 58));
    assert!(network.old_tip().is_some());
    let story = |slot: usize| -> Vec<LedgerKind> {
        let of_it = |entry: &LedgerEntry| entry.masternode == nodes[slot] && entry.height > start;
        network.ledger().into_iter().filter(of_it).map(|entry| entry.kind).collect()
    };
    let change = LedgerKind::Change;
    let times = |slot: usize, kind: LedgerKind| story(slot).into_iter().filter(|other| *other == kind).count();
    assert!(story(0).iter().any(|kind| matches!(kind, LedgerKind::Ban { cause: BanCause::Dkg, .. })));
    assert!(story(0).contains(&LedgerKind::Revival));
    assert_eq!(times(1, change(ChangedField::Version)), 2);
    assert_eq!((times(2, change(ChangedField::Payout)), times(3, change(ChangedField::Payout))), (1, 1));
    assert_eq!(times(4, change(ChangedField::Address)), 2);
    assert_eq!((times(5, change(ChangedField::OperatorKey)), times(5, LedgerKind::Revival)), (1, 1));
    assert!(story(6).iter().any(|kind| matches!(kind, LedgerKind::Ban { cause: BanCause::Revoked, .. })));
    let shared = network.shared_masternode(0);
    let of_it: Vec<LedgerKind> =
        network.ledger().into_iter().filter(|entry| entry.masternode == shared).map(|entry| entry.kind).collect();
    let wanted = [LedgerKind::Registration, change(ChangedField::Shares), LedgerKind::Removal];
    assert!(wanted.iter().all(|kind| of_it.contains(kind)), "{of_it:?}");
}
