//! `events`: the command's output for a history with known events, and its error messages.
//!
//! Never here: how a history is filled; the library writes the file.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use domain::samples::penalty;
use domain::{
    BanCause, Block, BlockHash, Event, EventKind, Field, Hash, Height, MasternodeId, NodeType, Outpoint, UnixSeconds,
};
use masternode_exporter::history::{BlockEvents, Identity, NetworkId, Store};
use tempfile::TempDir;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

struct Place {
    folder: TempDir,
    store: Store,
    dash: NetworkId,
}

fn id(byte: u8) -> MasternodeId {
    MasternodeId::ProTx(Hash([byte; 32]))
}

/// 2026-01-31 at noon is block 100; one block per day.
fn block(height: u32) -> Block {
    let time = UnixSeconds(1_769_860_800 + u64::from(height - 100) * 86_400);
    Block { height: Height(height), hash: BlockHash(Hash([height as u8; 32])), time }
}

fn happened(height: u32, events: &[(MasternodeId, EventKind)]) -> BlockEvents {
    let event = |(masternode, kind): &(MasternodeId, EventKind)| {
        let (masternode, kind) = (*masternode, kind.clone());
        Event { block: block(height), exact: true, masternode, node_type: NodeType::Regular, kind }
    };
    BlockEvents { block: block(height), events: events.iter().map(event).collect(), sessions: vec![] }
}

impl Place {
    /// Blocks 100 to 104 of one network, of which 104 was replaced, and block 100 of another.
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("history.db"), NOW).unwrap();
        let identity = |byte| Identity { chain: "main".into(), genesis: BlockHash(Hash([byte; 32])) };
        let dash = store.network("dash-main", &identity(1)).unwrap();
        let penalty = penalty(100, 58, 1, true);
        let ban = EventKind::Ban { cause: BanCause::Dkg, among: 12 };
        let blocks = [
            happened(100, &[(id(1), EventKind::Registration)]),
            happened(101, &[(id(1), penalty), (id(1), ban)]),
            happened(102, &[(id(2), EventKind::Payment { amount: None, payees: vec![] })]),
            happened(103, &[(id(3), EventKind::Change(Field::Payout, None))]),
            happened(104, &[(id(1), EventKind::Revival)]),
        ];
        store.record(dash, &blocks).unwrap();
        store.withdraw(dash, Height(104)).unwrap();
        let dime = store.network("dime-main", &identity(2)).unwrap();
        let collateral = MasternodeId::Collateral(Outpoint { txid: Hash([7; 32]), index: 1 });
        let state = EventKind::State { from: "enabled".into(), to: "a \"b\", c".into() };
        store.record(dime, &[happened(100, &[(collateral, state)])]).unwrap();
        let watch = format!(
            "history: {{ path: {} }}\nwatch:\n  - {{ masternode: \"{}\", alias: one, groups: {{ operator: acme, region: eu \
             }} }}\n  - {{ masternode: \"{}\", alias: two, groups: {{ operator: acme }} }}\n  - {{ select: {{ \
             payout_address: X }}, alias_prefix: treasury, groups: {{ operator: treasury }} }}\n",
            folder.path().join("history.db").display(),
            id(1),
            id(2)
        );
        std::fs::write(folder.path().join("exporter.yml"), watch).unwrap();
        Place { folder, store, dash }
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("exporter.yml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.env_clear().arg("--config.file").arg(self.configuration()).arg("events").args(arguments);
        command
    }

    /// Standard output, error stream, exit code.
    fn run(&self, arguments: &[&str]) -> (String, String, Option<i32>) {
        let output = self.command(arguments).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.code())
    }

    /// Height and kind of each event that it prints.
    #[track_caller]
    fn check(&self, arguments: &[&str], expected: &[&str]) {
        let (output, errors, code) = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(code, Some(0), "{errors}");
        let events = output.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let printed: Vec<String> =
            events.map(|event| format!("{} {}", event["height"], event["kind"].as_str().unwrap())).collect();
        assert_eq!(printed, expected, "{arguments:?}");
    }

    #[track_caller]
    fn check_refusal(&self, arguments: &[&str], says: &[&str]) {
        let (output, errors, code) = self.run(arguments);
        assert_eq!((output.as_str(), code), ("", Some(2)), "{errors}");
        for words in says {
            assert!(errors.contains(words), "{arguments:?} says: {errors}");
        }
    }
}

#[test]
fn each_filter_selects_matching_items_and_all_filters_must_match() {
    let place = Place::new();
    let one = id(1).to_string();
    let oldest = ["--order", "oldest", "--network", "dash-main"];
    let check = |arguments: &[&str], expected: &[&str]| place.check(&[&oldest[..], arguments].concat(), expected);
    check(&[], &["100 registration", "101 penalty", "101 ban", "102 payment", "103 payout_change"]);
    check(&["--masternode", &one], &["100 registration", "101 penalty", "101 ban"]);
    check(&["--alias", "two"], &["102 payment"]);
    check(&["--alias", "two", "--masternode", &one, "--kind", "ban", "--kind", "payment"], &["101 ban", "102 payment"]);
    check(&["--group", "operator=acme", "--from", "101"], &["101 penalty", "101 ban", "102 payment"]);
    check(&["--group", "operator=acme", "--group", "region=eu", "--to", "100"], &["100 registration"]);
    check(&["--from", "2026-02-02", "--to", "2026-02-02"], &["102 payment"]);
    check(&["--from", "2026-02-02T12:00:01Z"], &["103 payout_change"]);
    check(&["--from", "101", "--to", "2026-02-02T11:59:59Z"], &["101 penalty", "101 ban"]);
    check(&["--withdrawn", "--from", "103"], &["103 payout_change", "104 revival"]);
    place.check(&["--limit", "2"], &["100 state_change", "103 payout_change"]);
    place.check(&["--network", "dime-main"], &["100 state_change"]);
    place.check(&["--kind", "removal"], &[]);
}

#[test]
fn people_get_a_table() {
    let (table, _, _) = Place::new().run(&["--order", "oldest", "--withdrawn"]);
    let expected = [
        "time                     height  network         masternode            event",
        "2026-01-31T12:00:00Z        100  dash-main       one                   was registered",
        "2026-02-01T12:00:00Z        101  dash-main       one                   failed 1 DKG session: 58 points \
         more, cut at the limit, score 100",
        "2026-02-01T12:00:00Z        101  dash-main       one                   was banned: its score reached the limit",
        "2026-02-02T12:00:00Z        102  dash-main       two                   was paid",
        "2026-02-03T12:00:00Z        103  dash-main       030303030303…         has other payees",
        "2026-02-04T12:00:00Z        104  dash-main       one                   was revived (withdrawn)",
        "2026-01-31T12:00:00Z        100  dime-main       070707070707…-1       went from enabled to a \"b\", c",
    ];
    assert_eq!(table.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn csv_has_a_header_and_json_one_object_per_line() {
    let place = Place::new();
    let (csv, errors, _) = place.run(&["--kind", "penalty", "--kind", "state_change", "--format", "csv"]);
    let [one, seven] = [id(1).to_string(), format!("{}-1", "07".repeat(32))];
    let expected = [
        "id,time,height,block,network,masternode,alias,node_type,kind,exact,withdrawn,score,points,failures,clamped,\
         quorums,others,amount_duffs,cause,from,to,before,after,payees"
            .to_string(),
        format!(
            "7,2026-01-31T12:00:00Z,100,{},dime-main,{seven},,regular,state_change,true,false,,,,,,,,,enabled,\"a \"\"b\"\", \
             c\",,,",
            "64".repeat(32)
        ),
        format!(
            "2,2026-02-01T12:00:00Z,101,{},dash-main,{one},one,regular,penalty,true,false,100,58,1,true,,0,,,,,,,",
            "65".repeat(32)
        ),
    ];
    assert_eq!((csv.lines().collect::<Vec<_>>(), errors.as_str()), (expected.each_ref().map(|l| &**l).to_vec(), ""));
    let (json, _, _) = place.run(&["--kind", "ban", "--format", "json"]);
    let expected = serde_json::json!({
        "id": 3, "time": "2026-02-01T12:00:00Z", "height": 101, "block": "65".repeat(32), "network": "dash-main",
        "masternode": one, "alias": "one", "node_type": "regular", "kind": "ban", "exact": true, "withdrawn": false,
        "cause": "dkg",
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), expected);
}

#[test]
fn an_error_names_its_argument_and_its_solution() {
    let place = Place::new();
    place.check_refusal(&["--alias", "three"], &["--alias three", "its aliases are one, two"]);
    place.check_refusal(&["--alias", "treasury-01010101"], &["--alias treasury-01010101", "--masternode"]);
    place.check_refusal(&["--group", "operator=none"], &["--group operator=none", "operator=acme", "region=eu"]);
    place.check_refusal(&["--group", "operator=treasury"], &["--group operator=treasury", "--masternode"]);
    place.check_refusal(&["--alias", "two", "--group", "region=eu"], &["--group region=eu", "none of the masternodes"]);
    place.check_refusal(&["--group", "acme"], &["--group", "operator=acme"]);
    place.check_refusal(&["--network", "dash-test"], &["--network dash-test", "dash-main, dime-main"]);
    place.check_refusal(&["--kind", "wedding"], &["--kind", "penalty", "payment_lost"]);
    place.check_refusal(&["--masternode", "abc"], &["--masternode"]);
    place.check_refusal(&["--from", "soon"], &["--from", "2026-01-31T12:00:00Z"]);
    place.check_refusal(&["--from", "102", "--to", "101"], &["--from is later than --to"]);
    place.check_refusal(&["--follow", "--order", "newest"], &["--follow", "--order"]);
    std::fs::write(place.configuration(), "{}").unwrap();
    place.check_refusal(&[], &["history.path is not set", "--config.file", "--history.path"]);
    std::fs::write(place.configuration(), "history: { path: /nonexistent/history.db }").unwrap();
    place.check_refusal(&[], &["history.path", "/nonexistent/history.db", "no such file"]);
}

#[test]
fn follow_prints_each_new_event_once() {
    let mut place = Place::new();
    let mut child = place
        .command(&["--follow", "--limit", "1", "--network", "dash-main", "--format", "csv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("id,time"));
    let mut heights = vec![height(&lines.next().unwrap())];
    for next in [105, 106, 107] {
        place
            .store
            .record(place.dash, &[happened(next, &[(id(1), EventKind::Payment { amount: None, payees: vec![] })])])
            .unwrap();
        heights.push(height(&lines.next().unwrap()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(heights, [103, 105, 106, 107]);
    assert_eq!(lines.next(), None, "nothing came twice");
}

fn height(line: &str) -> u32 {
    line.split(',').nth(2).unwrap().parse().unwrap()
}

#[test]
fn events_are_those_of_watched_masternodes_unless_all_are_asked_for() {
    let place = Place::new();
    let oldest = ["--order", "oldest", "--network", "dash-main"];
    let everything = ["100 registration", "101 penalty", "101 ban", "102 payment", "103 payout_change"];
    place.check(&oldest, &everything);
    let text = std::fs::read_to_string(place.configuration()).unwrap();
    let named: Vec<&str> = text.lines().filter(|line| !line.contains("select")).collect();
    std::fs::write(place.configuration(), named.join("\n")).unwrap();
    place.check(&oldest, &everything[..4]);
    place.check(&[&oldest[..], &["--kind", "ban"]].concat(), &["101 ban"]);
    place.check(&[&oldest[..], &["--all"]].concat(), &everything);
    place.check(&[&oldest[..], &["--group", "region:eu"]].concat(), &everything[..3]);
}
