//! What masternodes earned: metrics, API and the command, against sums over the blocks of the simulated network.
//!
//! Never here: how outputs become amounts (`domain::event`), how files store them (`history`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use domain::{Block, BlockHash, Duffs, Event, EventKind, Hash, Height, MasternodeId, NodeType, UnixSeconds};
use masternode_exporter::history::{BlockEvents, Identity, Store};
use masternode_exporter::rpc::dialect;
use masternode_exporter::web::api::{Api, Firing, History};
use serde_json::Value;
use simulator::{Action, Fork, Network, Options};
use tempfile::TempDir;

use crate::support::contract::{Contract, table};
use crate::support::harness::{NOW, Stage};

/// Payments, duffs of the owner's side, duffs of the operator.
type Sums = (u64, u64, u64);

/// The sums by masternode over the blocks of the active branch from a height on, from the simulator's own payees: the operator is the
/// payee that is no owner.
fn sums(network: &Network, from: u32, owners: &BTreeMap<u32, Vec<String>>) -> BTreeMap<String, Sums> {
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for (height, masternode, kind) in network.shown_since(from) {
        if kind != "payment" {
            continue;
        }
        let paid = network.payees_at(height);
        let whole: u64 = paid.iter().map(|(_, part)| part).sum();
        assert_eq!(whole, Network::payment_amount(height));
        let owner: u64 = paid.iter().filter(|(to, _)| owners[&height].contains(to)).map(|(_, part)| part).sum();
        let sum = sums.entry(masternode).or_default();
        *sum = (sum.0 + 1, sum.1 + owner, sum.2 + whole - owner);
    }
    sums
}

fn owners(network: &Network) -> Vec<String> {
    let facts = network.masternodes().iter().filter_map(|id| network.masternode(id)).collect::<Vec<_>>();
    facts.into_iter().flat_map(|facts| facts.payees.into_iter().map(|(address, _)| address)).collect()
}

struct Episode {
    stage: Stage,
    owners: BTreeMap<u32, Vec<String>>,
    from: u32,
}

impl Episode {
    async fn mine(&mut self, actions: &[Action]) {
        let before = owners(&self.stage.network);
        self.stage.network.mine_with(actions).unwrap();
        self.owners.insert(self.stage.network.tip().0, before);
    }

    fn api(&self) -> Api {
        let state = self.stage.state();
        Api {
            is_restricted: false,
            version: "1".into(),
            networks: Box::new(move || vec![Arc::clone(&state)]),
            alerts: Box::new(|_, _| Firing::default()),
            history: Some(History { path: self.stage.history(), up: Box::new(|| true), owner: None }),
            clock: || UnixSeconds(NOW),
        }
    }

    /// Metrics and API have the sums of the blocks.
    async fn check(&self) {
        assert_eq!(self.stage.flush().await, 0);
        let expected = sums(&self.stage.network, self.from, &self.owners);
        let answer = Contract::read().good(&self.api(), "/api/v1/earnings?by=masternode");
        let number = |row: &Value, field: &str| row[field].as_u64().unwrap();
        let rows = answer["earnings"].as_array().unwrap().iter();
        let found: BTreeMap<String, Sums> = rows
            .map(|row| {
                assert_eq!(row["payments_without_amount"], 0);
                let sums = (number(row, "payments"), number(row, "amount_duffs"), number(row, "operator_amount_duffs"));
                (row["masternode"].as_str().unwrap().to_string(), sums)
            })
            .collect();
        assert_eq!(found, expected);
        let cells = table(&self.api(), "/api/v1/earnings?by=masternode&format=csv").into_iter().map(|row| {
            let [owner, operator, count] =
                ["amount_duffs", "operator_amount_duffs", "payments"].map(|name| row[name].parse().unwrap());
            (row["masternode"].clone(), (count, owner, operator))
        });
        assert_eq!(cells.collect::<BTreeMap<_, _>>(), expected);
        let total: u64 = expected.values().map(|(_, owner, operator)| owner + operator).sum();
        for by in ["payee", "day", "by=month&by=group"] {
            let answer =
                Contract::read().good(&self.api(), &format!("/api/v1/earnings?by={by}").replace("by=by=", "by="));
            let rows = answer["earnings"].as_array().unwrap();
            let sum: u64 =
                rows.iter().map(|row| number(row, "amount_duffs") + number(row, "operator_amount_duffs")).sum();
            assert_eq!(sum, total, "{by}");
        }
    }
}

#[tokio::test]
async fn sums_of_payments_are_those_of_the_blocks_with_operators_and_shared_nodes() {
    let fork = Fork { signal_height: Some(551), ..Fork::default() };
    let options = Options { version: 240_003, fork: Some(fork), ..Options::default() };
    let stage = Stage::recording(options, dialect::DASH, |_| {}).await;
    let from = stage.network.tip().0 + 1;
    let mut episode = Episode { stage, owners: BTreeMap::new(), from };
    while episode.stage.network.tip().0 < 600 {
        episode.mine(&[]).await;
    }
    let ids = episode.stage.network.masternodes();
    let migrate = |masternode: &String| Action::Migrate { masternode: masternode.clone(), version: 3 };
    episode.mine(&[Action::RegisterShared { number: 0, shares: 3 }, migrate(&ids[0]), migrate(&ids[1])]).await;
    let payouts = |masternode: &String, payouts| Action::SetPayouts { masternode: masternode.clone(), payouts };
    episode
        .mine(&[payouts(&ids[0], 2), payouts(&ids[1], 3), Action::ChangeOperatorPayout { masternode: ids[2].clone() }])
        .await;
    let shared = episode.stage.network.shared_masternode(0);
    let mut list = episode.stage.network.masternodes();
    list.sort();
    episode.stage.poll().await;
    episode.stage.watch(crate::support::harness::watch_all(&episode.stage.network));
    for _ in 0..40 {
        episode.mine(&[]).await;
        episode.stage.poll().await;
    }
    episode.check().await;
    let expected = sums(&episode.stage.network, episode.from, &episode.owners);
    assert!(expected[&shared].0 >= 2, "{:?}", expected[&shared]);
    assert!(expected.values().any(|(_, _, operator)| *operator > 0), "an operator has a part");
    // Counters are the same sums, since nothing was withdrawn.
    let page = episode.stage.page().await;
    for (masternode, (payments, owner, operator)) in &expected {
        let labels = [("masternode", masternode.as_str())];
        page.expect("masternode_payments_total", &labels, *payments as f64);
        page.expect("masternode_payments_without_amount_total", &labels, 0.0);
        let duffs = |recipient| {
            let coins = page.value("masternode_payment_amount_total", &[labels[0], ("recipient", recipient)]).unwrap();
            (coins * 1e8).round() as u64
        };
        assert_eq!((duffs("owner"), duffs("operator")), (*owner, *operator), "{masternode}");
    }
    // A reorg: payments of the replaced blocks do not count.
    episode.stage.network.reorg(3, &[vec![], vec![], vec![], vec![]]).unwrap();
    let owners = owners(&episode.stage.network);
    let tip = episode.stage.network.tip().0;
    (tip - 3..=tip).for_each(|height| drop(episode.owners.insert(height, owners.clone())));
    episode.stage.poll().await;
    episode.check().await;
    // The same after a restart.
    episode.stage.stop().await;
    episode.stage.restart().await;
    episode.check().await;
}

#[tokio::test]
async fn the_last_payment_has_the_time_of_its_block_from_the_start_on() {
    let mut stage = Stage::following().await;
    for _ in 0..3 {
        stage.mine(&[]).await;
        let snapshot = stage.snapshot().unwrap();
        let page = stage.page().await;
        for entry in snapshot.watched() {
            let alias = [("alias", entry.watched.alias.as_str())];
            let masternode = &snapshot.list().masternodes()[entry.index.unwrap()];
            let Some(height) = masternode.last_paid_height else { continue };
            let header = stage.client().block_header(stage.client().block_hash(height).await.unwrap()).await.unwrap();
            page.expect("masternode_payment_last_timestamp_seconds", &alias, header.block.time.0 as f64);
        }
    }
    assert!(stage.page().await.count("masternode_payment_last_timestamp_seconds") >= 10);
}

#[tokio::test]
async fn a_ban_costs_what_the_network_pays_in_the_meantime() {
    let mut stage = Stage::following().await;
    let banned = stage.masternode(0);
    stage.mine(&[Action::Revoke { masternode: banned.clone(), reason: 0 }]).await;
    let start = stage.network.tip().0;
    for _ in 0..24 {
        stage.mine(&[]).await;
    }
    // Twelve masternodes, eleven of which are paid: two payments were missed.
    let payments: u64 = (start - 30..=stage.network.tip().0).map(Network::payment_amount).sum::<u64>()
        / (stage.network.tip().0 as u64 - start as u64 + 31);
    let page = stage.page().await;
    let lost = page.value("masternode_pose_ban_lost_amount", &[("alias", "mn-0")]).unwrap();
    let expected = 2.0 * payments as f64 / 1e8;
    assert!((lost - expected).abs() < 0.01, "{lost}, expected about {expected}");
    page.expect_absent("masternode_pose_ban_lost_amount", &[("alias", "mn-1")]);
    page.expect_absent("masternode_pose_safe_timestamp_seconds", &[("alias", "mn-0")]);
}

/// A history of the payments of two masternodes: one a day at noon from 2026-10-30 on.
struct Recorded {
    folder: TempDir,
}

fn id(byte: u8) -> MasternodeId {
    MasternodeId::ProTx(Hash([byte; 32]))
}

impl Recorded {
    fn new() -> Recorded {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("history.db"), UnixSeconds(NOW)).unwrap();
        let identity = Identity { chain: "main".into(), genesis: BlockHash(Hash([1; 32])) };
        let network = store.network("dash-main", &identity).unwrap();
        let block = |height: u32| Block {
            height: Height(height),
            hash: BlockHash(Hash([height as u8; 32])),
            time: UnixSeconds(1_793_361_600 + u64::from(height - 100) * 86_400),
        };
        store.record(network, &[BlockEvents { block: block(99 + 1), events: vec![], sessions: vec![] }]).unwrap();
        for height in 101..=133 {
            let (masternode, amount) = if height % 3 == 0 { (id(2), None) } else { (id(1), Some(Duffs(77_000_000))) };
            let payees = amount.map(|amount| ("Xowner".into(), amount)).into_iter().collect();
            let kind = EventKind::Payment { amount, operator: amount.map(|_| Duffs(7)), payees };
            let event = Event { block: block(height), exact: true, masternode, node_type: NodeType::Regular, kind };
            store
                .record(network, &[BlockEvents { block: block(height), events: vec![event], sessions: vec![] }])
                .unwrap();
        }
        let entry = |byte: u8, alias: &str, group: &str| {
            format!("  - {{ masternode: \"{}\", alias: {alias}, groups: {{ customer: {group} }} }}\n", id(byte))
        };
        let file = format!(
            "history: {{ path: history.db }}\nwatch:\n{}{}",
            entry(1, "one", "acme"),
            entry(2, "two", "globex")
        );
        std::fs::write(folder.path().join("exporter.yml"), file).unwrap();
        Recorded { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Standard output, error stream, exit code.
    fn run(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        run(&self.path("exporter.yml"), arguments)
    }
}

fn run(file: &Path, arguments: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
    let output = command.env_clear().arg("--config.file").arg(file).arg("earnings").args(arguments).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn the_earnings_of_a_month_by_group_are_a_table_for_people_and_spreadsheets() {
    let recorded = Recorded::new();
    // 2026-11-01 to 2026-11-30 are the blocks 102 to 131: ten of them are multiples of three.
    let (table, notes, code) = recorded.run(&["--by", "group", "--month", "2026-11"]);
    let expected = "network    of               payments        owner    operator
dash-main  customer=acme          20  15.40000000  0.00000140
dash-main  customer=globex        10    not known   not known
";
    assert_eq!((table.as_str(), notes.as_str(), code), (expected, "", Some(0)));
    let (csv, _, _) = recorded.run(&["--by", "group", "--month", "2026-11", "--format", "csv"]);
    let expected = "network,group,masternode,alias,payee,month,day,payments,amount,amount_duffs,operator_amount,\
operator_amount_duffs,payments_without_amount,since,complete
dash-main,customer=acme,,,,,,20,15.40000000,1540000000,0.00000140,140,0,2026-11-01T00:00:00Z,true
dash-main,customer=globex,,,,,,10,,,,,10,2026-11-01T00:00:00Z,true
";
    assert_eq!(csv, expected);
    let (json, _, _) = recorded.run(&["--alias", "one", "--by", "payee", "--last", "48h", "--format", "json"]);
    let rows: Value = serde_json::from_str(&json).unwrap();
    let row = |index: usize| {
        (
            rows[index]["payee"].as_str().unwrap(),
            rows[index]["payments"].as_u64(),
            rows[index]["amount_duffs"].as_u64(),
            rows[index]["operator_amount_duffs"].as_u64(),
        )
    };
    // Blocks 132 and 133, of which the first paid the other masternode.
    assert_eq!(row(0), ("Xowner", Some(1), Some(77_000_000), Some(0)));
    assert_eq!(row(1), ("operator", Some(1), Some(0), Some(7)));
}

#[test]
fn a_period_that_is_not_all_recorded_says_since_when() {
    let recorded = Recorded::new();
    let (table, notes, _) = recorded.run(&["--by", "month"]);
    let expected = "network    of       payments           owner       operator
dash-main  2026-10         1      0.77000000     0.00000007
dash-main  2026-11        30  >= 15.40000000  >= 0.00000140
dash-main  2026-12         2   >= 0.77000000  >= 0.00000007
";
    assert_eq!(table, expected);
    assert_eq!(notes, "dash-main: payments are recorded without a gap since 2026-10-31T12:00:00Z\n");
    let (table, notes, _) = recorded.run(&["--month", "2026-10", "--alias", "two"]);
    let expected = "network    of  payments       owner    operator\ndash-main             0  0.00000000  0.00000000\n";
    assert_eq!((table.as_str(), notes.contains("since 2026-10-31T12:00:00Z")), (expected, true), "{notes}");
}

#[test]
fn an_error_names_its_argument() {
    let recorded = Recorded::new();
    for (arguments, says) in [
        (&["--month", "2026-13"][..], "is not a month"),
        (&["--month", "2026-11", "--last", "7d"], "cannot be used with"),
        (&["--from", "2026-12-01", "--to", "2026-11-01"], "swap them"),
        (&["--network", "other"], "recorded networks: dash-main"),
        (&["--alias", "on"], "did you mean one?"),
        (&["--by", "customer"], "group, masternode, payee, month, day"),
    ] {
        let (output, errors, code) = recorded.run(arguments);
        assert_eq!((output.as_str(), code), ("", Some(2)), "{arguments:?}: {errors}");
        assert!(errors.contains(says), "{arguments:?} says: {errors}");
    }
    let file = recorded.path("none.yml");
    std::fs::write(&file, "watch: []\n").unwrap();
    assert!(run(&file, &[]).1.contains("history.path is not set"));
}
