//! Pages: their content, in both formats, whole and in pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use domain::chain::{DASH, Subnet};
use domain::counters::EventCounters;
use domain::list::{Block, MasternodeList};
use domain::probe::{Outcome, Peer, Probe, ProbeError};
use domain::samples::network_state;
use domain::snapshot::SnapshotInputs;
use domain::watch::{Selector, WatchEntry, WatchList};
use domain::{
    BlockHash, ChainFacts, DetailTexts, Hash, Height, Masternode, MasternodeId, NetworkState, NodeType, Score,
    Snapshot, UnixSeconds,
};
use masternode_exporter::metrics::page::{Cursor, ExpositionPage, Filter, Piece, Shard};
use masternode_exporter::metrics::selection::{NetworkPage, SeriesBudget};
use masternode_exporter::metrics::{Body, Exposition, Format, MetricsSettings, Others, Request};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use crate::support::samples::Page;

fn masternode(number: u8, score: u32, banned: bool) -> Masternode {
    Masternode {
        id: MasternodeId::ProTx(Hash([number; 32])),
        node_type: if number.is_multiple_of(4) { NodeType::Evo } else { NodeType::Regular },
        pose_score: Some(Score(score)),
        last_paid_height: Some(Height(50 + u32::from(number))),
        ban_height: banned.then_some(Height(90)),
        details: DetailTexts {
            address: Some(format!("192.0.2.{number}:9999").into()),
            payout_address: Some("Xpay\"out\\\n".into()),
            owner_address: Some("Xowner".into()),
            operator_key: Some("ab".repeat(48).into()),
            ..DetailTexts::default()
        }
        .into(),
        ..domain::samples::masternode(0)
    }
}

fn snapshot(network: &str, nodes: Vec<Masternode>, watched: &[(u8, &str)]) -> Arc<Snapshot> {
    let block = Block { height: Height(100), hash: BlockHash(Hash([9; 32])), time: UnixSeconds(1_700_000_000) };
    let list = MasternodeList::new(block, nodes).unwrap();
    let entry = |(number, alias): &(u8, &str)| WatchEntry {
        selector: Selector::Id(MasternodeId::ProTx(Hash([*number; 32]))),
        alias: (*alias).into(),
        groups: BTreeMap::from([("operator".to_string(), "acme".to_string())]),
        expectations: vec![],
        thresholds: Default::default(),
    };
    let watched = WatchList::new(watched.iter().map(entry).collect()).resolve(&list, &[]);
    let facts = ChainFacts {
        chainlock_height: Some(Height(99)),
        measured_spacing_seconds: Some(157.6),
        sporks: vec![("SPORK_23_QUORUM_POSE".into(), 0)],
        ..ChainFacts::new(Subnet::Regtest)
    };
    let parts = SnapshotInputs {
        network: network.into(),
        rules: Arc::new(DASH),
        list: Arc::new(list),
        facts,
        read_at: UnixSeconds(1_700_000_100),
        watched,
        recent_events: vec![],
    };
    Arc::new(Snapshot::new(parts, &EventCounters::default()))
}

fn sheet(snapshots: &[Arc<Snapshot>], settings: &MetricsSettings) -> ExpositionPage {
    let room = SeriesBudget::new(settings, snapshots.iter());
    let page = |snapshot: &Arc<Snapshot>| Arc::new(NetworkPage::new(snapshot.clone(), settings, room, None));
    ExpositionPage::new(settings.clone(), snapshots.iter().map(page).collect())
}

fn whole(sheet: &ExpositionPage, format: Format, filter: &Filter) -> String {
    let mut out = Piece::default();
    sheet.write_whole(format, filter, &mut out);
    String::from_utf8(out.text).unwrap()
}

fn example() -> Vec<Arc<Snapshot>> {
    let nodes =
        vec![masternode(1, 0, false), masternode(2, 66, false), masternode(3, 100, true), masternode(4, 20, false)];
    vec![
        snapshot("dash-main", nodes, &[(2, "mn-\"two\""), (7, "gone")]),
        snapshot("dash-test", vec![masternode(1, 0, false)], &[]),
    ]
}

/// The page as a reader sees it, reviewed line by line; `UPDATE_GOLDEN=1` rewrites it.
#[test]
fn a_page_of_two_networks_matches_the_golden_file() {
    let page = whole(&sheet(&example(), &MetricsSettings::default()), Format::Text, &Filter::default());
    crate::support::golden("tests/fixtures/exposition/two-networks.txt", &page);
}

#[test]
fn unknown_is_absent_and_a_watched_node_that_left_stays() {
    let page = Page::read(&whole(&sheet(&example(), &MetricsSettings::default()), Format::Text, &Filter::default()));
    let two = &[("alias", "mn-\"two\"")];
    page.expect("masternode_pose_blocks_until_safe", two, 32.0);
    page.expect(
        "masternode_info",
        &[("alias", "mn-\"two\""), ("payout_address", "Xpay\"out\\\n"), ("operator", "acme")],
        1.0,
    );
    page.expect_absent("masternode_pose_last_penalty_height", two);
    page.expect_absent("masternode_platform_banned", two);
    page.expect("masternode_registered", &[("alias", "gone")], 0.0);
    page.expect_absent("masternode_enabled", &[("alias", "gone")]);
    let banned = &[("network", "dash-main"), ("masternode", &*"03".repeat(32))];
    page.expect("masternode_pose_failures_until_ban", banned, 0.0);
    page.expect_absent("masternode_pose_blocks_until_safe", banned);
    page.expect_absent("masternode_payment_queue_position", banned);
    page.expect("masternode_payment_probability_ratio", banned, 0.0);
}

/// Every line of a page that comes from probes, reviewed one by one.
#[test]
fn probe_results_are_on_the_pages_of_the_probed_masternodes() {
    let probe = |outcome, peer: Option<Peer>| Probe {
        outcome,
        at: UnixSeconds(1_700_000_050),
        duration: peer.as_ref().map(|_| Duration::from_millis(125)),
        last_success: peer.as_ref().map(|_| UnixSeconds(1_700_000_050)),
        peer,
    };
    let two = probe(Outcome::Reached, Some(Peer::new(70_240, b"/Dash Core:23.1.2/")));
    let seven = probe(Outcome::Failed(ProbeError::Refused), None);
    let probes = [(2, two), (7, seven)].map(|(number, probe)| (MasternodeId::ProTx(Hash([number; 32])), probe));
    let settings = MetricsSettings { probed: true, ..MetricsSettings::default() };
    let exposition = Exposition::new(settings, prometheus::Registry::new());
    let state = network_state("dash-main", Some(example()[0].clone()), vec![]);
    exposition.publish(Arc::new(NetworkState { probes: Some(Arc::new(probes.into())), ..state.clone() }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let page = runtime.block_on(exposition.text(Format::Text));
    let lines: String = page
        .lines()
        .filter(|line| {
            ["masternode_network_watched", "masternode_p2p", "masternode_requirement"]
                .iter()
                .any(|start| line.starts_with(start))
        })
        .map(|line| line.replace(&"02".repeat(32), "two").replace(&"07".repeat(32), "seven") + "\n")
        .collect();
    let expected = r#"masternode_network_watched_nodes_by_protocol{network="dash-main",protocol_version="70240"} 1
masternode_network_watched_nodes_by_release{network="dash-main",release="23.1.2"} 1
masternode_p2p_reachable{network="dash-main",masternode="two",alias="mn-\"two\""} 1
masternode_p2p_reachable{network="dash-main",masternode="seven",alias="gone"} 0
masternode_p2p_protocol_version{network="dash-main",masternode="two",alias="mn-\"two\""} 70240
masternode_p2p_handshake_duration_seconds{network="dash-main",masternode="two",alias="mn-\"two\""} 0.125
masternode_p2p_last_probe_timestamp_seconds{network="dash-main",masternode="two",alias="mn-\"two\""} 1700000050
masternode_p2p_last_probe_timestamp_seconds{network="dash-main",masternode="seven",alias="gone"} 1700000050
masternode_p2p_last_success_timestamp_seconds{network="dash-main",masternode="two",alias="mn-\"two\""} 1700000050
masternode_p2p_failure{network="dash-main",masternode="seven",alias="gone",reason="refused"} 1
masternode_p2p_agent_info{network="dash-main",masternode="two",alias="mn-\"two\"",agent="/Dash Core:23.1.2/"} 1
masternode_requirement_met{network="dash-main",masternode="two",alias="mn-\"two\"",requirement="p2p_port",evidence="probe"} 1
masternode_requirement_met{network="dash-main",masternode="two",alias="mn-\"two\"",requirement="release",evidence="probe"} 1
masternode_requirement_met{network="dash-main",masternode="two",alias="mn-\"two\"",requirement="dkg_participation",evidence="list"} 0
"#;
    assert_eq!(lines, expected);
    exposition.publish(Arc::new(state));
    let page = runtime.block_on(exposition.text(Format::Text));
    assert!(
        !page.contains("masternode_p2p") && !page.contains("masternode_network_watched"),
        "what is not true any more leaves the page"
    );
}

#[test]
fn tiers_and_the_limit_determine_the_shown_masternodes() {
    let count = |settings: &MetricsSettings| {
        let page = Page::read(&whole(&sheet(&example()[..1], settings), Format::Text, &Filter::default()));
        assert_eq!(page.count("masternode_registered"), 2, "watched nodes are always shown");
        page.count("masternode_pose_score")
    };
    assert_eq!(count(&MetricsSettings::default()), 4);
    // The masternode with a score that is not banned, in addition to the watched one.
    assert_eq!(count(&MetricsSettings { others: Others::AtRisk, ..MetricsSettings::default() }), 2);
    assert_eq!(count(&MetricsSettings { others: Others::Watched, ..MetricsSettings::default() }), 1);
    // Space for the two watched ones and one more.
    let watched_and_one = 2 * 97 + 8;
    assert_eq!(count(&MetricsSettings { series_limit: watched_and_one, ..MetricsSettings::default() }), 2);
}

#[test]
fn watched_masternodes_of_a_later_network_come_before_the_others_of_an_earlier_one() {
    let crowd = (10..60).map(|number| masternode(number, 0, false)).collect();
    let exposition = Exposition::new(
        MetricsSettings { series_limit: 131, ..MetricsSettings::default() },
        prometheus::Registry::new(),
    );
    exposition.publish(Arc::new(network_state("a", Some(snapshot("a", crowd, &[])), vec![])));
    let other = snapshot("b", vec![masternode(1, 0, false)], &[(1, "mine")]);
    exposition.publish(Arc::new(network_state("b", Some(other), vec![])));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let page = Page::read(&runtime.block_on(exposition.text(Format::Text)));
    page.expect("masternode_pose_score", &[("alias", "mine")], 0.0);
    // 97 samples of the watched one leave space for four others of eight samples each.
    assert_eq!(page.count("masternode_pose_score"), 5);
}

#[test]
fn all_shards_together_are_complete_and_the_first_has_the_aggregates() {
    let sheet = sheet(&example(), &MetricsSettings::default());
    let lines = |filter: &Filter| -> BTreeSet<String> {
        let page = whole(&sheet, Format::Text, filter);
        page.lines().filter(|line| !line.starts_with('#') && !line.contains("shard_info")).map(str::to_string).collect()
    };
    let shard = |index| Filter { families: vec![], shard: Some(Shard { index, total: 3 }), groups: vec![] };
    let parts: Vec<_> = (0..3).map(|index| lines(&shard(index))).collect();
    assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), lines(&Filter::default()).len());
    assert_eq!(parts.into_iter().flatten().collect::<BTreeSet<_>>(), lines(&Filter::default()));
    let second = whole(&sheet, Format::Text, &shard(1));
    assert!(!second.contains("masternode_network_height") && second.contains("shard=\"1\",shards=\"3\""));
}

#[test]
fn only_the_requested_families_are_shown() {
    let filter = Filter {
        families: vec!["masternode_pose_score".into(), "masternode_network_height".into()],
        ..Filter::default()
    };
    let page = whole(&sheet(&example(), &MetricsSettings::default()), Format::Text, &filter);
    let names: BTreeSet<&str> =
        page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('{').next()).collect();
    assert_eq!(names, BTreeSet::from(["masternode_network_height", "masternode_pose_score"]));
}

#[test]
fn open_metrics_differs_only_in_the_names_of_counters() {
    let sheet = sheet(&example(), &MetricsSettings::default());
    let text = whole(&sheet, Format::Text, &Filter::default());
    let open = whole(&sheet, Format::OpenMetrics, &Filter::default());
    for (text, open) in text.lines().zip(open.lines()) {
        let counter = text.starts_with("# ") && text.split(' ').nth(2).is_some_and(|name| name.ends_with("_total"));
        assert_eq!(if counter { text.replacen("_total", "", 1) } else { text.to_string() }, open);
    }
    assert_eq!(text.lines().count(), open.lines().count());
}

/// The text of a gzip member.
fn unpack(pieces: &[bytes::Bytes]) -> String {
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&pieces.concat()[..]).read_to_string(&mut unpacked).unwrap();
    unpacked
}

#[tokio::test]
async fn a_page_is_the_same_compressed_and_streamed_and_ends_as_its_format_requires() {
    let exposition = Exposition::new(MetricsSettings::default(), prometheus::Registry::new());
    for snapshot in example() {
        exposition.publish(Arc::new(network_state(snapshot.network(), Some(snapshot.clone()), vec![])));
    }
    for (format, end) in [(Format::Text, "\n"), (Format::OpenMetrics, "\n# EOF\n")] {
        let plain = exposition.text(format).await;
        assert!(plain.ends_with(end));
        let page = exposition.page(Request { format, gzip: true, filter: Filter::default() }).await;
        let Body::Whole(pieces) = page.body else { panic!("a small page is kept") };
        assert_eq!(unpack(&pieces), plain);
        let filter = Filter { families: vec![], shard: Some(Shard { index: 0, total: 1 }), groups: vec![] };
        let page = exposition.page(Request { format, gzip: true, filter }).await;
        let Body::Stream(pieces) = page.body else { panic!("a filtered page is streamed") };
        assert!(page.gzip, "a filtered page is compressed too");
        let streamed = unpack(&pieces.collect::<Vec<_>>());
        let without_shard: Vec<&str> = streamed.lines().filter(|line| !line.contains("shard_info")).collect();
        assert_eq!(without_shard, plain.lines().collect::<Vec<_>>());
    }
    exposition.remove("dash-main");
    assert!(!exposition.text(Format::Text).await.contains("dash-main\",masternode"));
}

#[tokio::test]
async fn a_page_without_a_family_in_reach_of_the_next_is_the_same_compressed() {
    let exposition = Exposition::new(MetricsSettings::default(), prometheus::Registry::new());
    // The labels change once, and then only the scores.
    for (score, banned) in [(0, 3), (5, 2), (5, 2), (6, 2)] {
        for name in ["one", "two"] {
            let nodes = (0..=255_u8).map(|number| masternode(number, score, number.is_multiple_of(banned))).collect();
            let snapshot = snapshot(name, nodes, &[(7, "seven"), (200, "two-\"hundred\"")]);
            exposition.publish_rendered(Arc::new(network_state(name, Some(snapshot), vec![]))).await;
        }
        for format in [Format::Text, Format::OpenMetrics] {
            let plain = exposition.text(format).await;
            let page = exposition.page(Request { format, gzip: true, filter: Filter::default() }).await;
            let Body::Whole(pieces) = page.body else { panic!("a small page is kept") };
            assert!(unpack(&pieces) == plain, "{format:?}, score {score}");
            let length: usize = pieces.iter().map(|piece| piece.len()).sum();
            assert!(length * 5 < plain.len() * 2, "{length} of {} bytes", plain.len());
        }
    }
}

#[test]
fn the_reference_matches_the_output_of_the_program() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_masternode-exporter")).arg("metrics").output().unwrap();
    crate::support::golden("docs/metrics.md", &String::from_utf8(output.stdout).unwrap());
}

/// Scores and bans by number, and aliases by number.
type State = (BTreeMap<u8, (u32, bool)>, BTreeMap<u8, String>);

fn state() -> impl Strategy<Value = State> {
    // Few numbers, so that most masternodes are in both states and many are adjacent.
    let nodes = proptest::collection::btree_map(0_u8..12, (0_u32..2, any::<bool>()), 0..12);
    (nodes, proptest::collection::btree_map(0_u8..12, alias(), 0..4))
}

fn snapshot_of((nodes, watched): &State) -> Arc<Snapshot> {
    let nodes = nodes.iter().map(|(number, (score, banned))| masternode(*number, *score, *banned)).collect();
    let watched: Vec<(u8, &str)> = watched.iter().map(|(number, alias)| (*number, alias.as_str())).collect();
    snapshot("one", nodes, &watched)
}

proptest! {
    #[test]
    fn a_page_does_not_depend_on_the_previous_page(
        states in proptest::collection::vec((state(), 0_usize..600), 1..5)
    ) {
        let mut before: Option<Arc<NetworkPage>> = None;
        for (state, series_limit) in states {
            let settings = MetricsSettings { series_limit, ..MetricsSettings::default() };
            let snapshot = snapshot_of(&state);
            let room = SeriesBudget::new(&settings, std::iter::once(&snapshot));
            let page = |before| Arc::new(NetworkPage::new(snapshot.clone(), &settings, room, before));
            let text = |page| whole(&ExpositionPage::new(settings.clone(), vec![page]), Format::Text, &Filter::default());
            let taken_over = page(before.as_deref());
            prop_assert_eq!(text(taken_over.clone()), text(page(None)));
            before = Some(taken_over);
        }
    }

    #[test]
    fn a_page_in_pieces_is_complete_and_has_no_series_twice(
        nodes in proptest::collection::btree_map(any::<u8>(), (0_u32..120, any::<bool>()), 0..30),
        watched in proptest::collection::btree_map(any::<u8>(), alias(), 0..8),
        piece in 1_usize..3000
    ) {
        let nodes = nodes.into_iter().map(|(number, (score, banned))| masternode(number, score, banned)).collect();
        let watched: Vec<(u8, &str)> = watched.iter().map(|(number, alias)| (*number, alias.as_str())).collect();
        let snapshots = vec![snapshot("one", nodes, &watched), snapshot("two", vec![masternode(1, 5, false)], &watched)];
        let sheet = sheet(&snapshots, &MetricsSettings::default());
        let text = whole(&sheet, Format::Text, &Filter::default());
        let (mut cursor, mut pieces) = (Cursor::default(), Vec::new());
        loop {
            let mut out = Piece::default();
            let more = sheet.write(Format::Text, &Filter::default(), &mut cursor, piece, &mut out);
            pieces.extend_from_slice(&out.text);
            if !more {
                break;
            }
        }
        prop_assert_eq!(String::from_utf8(pieces).unwrap(), text.clone());
        let mut series = BTreeSet::new();
        let mut ended: BTreeSet<&str> = BTreeSet::new();
        let mut family = "";
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("# HELP ") {
                family = head.split(' ').next().unwrap();
                prop_assert!(ended.insert(family), "{} has two heads", family);
            } else if !line.starts_with('#') {
                prop_assert!(line.starts_with(&format!("{family}{{")), "{} stands under {}", line, family);
                prop_assert!(series.insert(line.rsplit_once(' ').unwrap().0), "twice: {}", line);
            }
        }
        Page::read(&text);
    }
}

fn alias() -> impl Strategy<Value = String> {
    "[a-z\"\\\\\n ü]{0,6}"
}
