//! Profiles of further chains: each file of the page is valid, has the documented meaning, and reads the answers of its
//! nodes.
//!
//! The answers follow the source code of the chains
//! (docs/spec/legacy-chains.md#chain-profiles); none was recorded.

use std::sync::Arc;

use domain::chain::{DIMECOIN, PRCYCOIN};
use domain::list::{Block, MasternodeList};
use domain::payment::Payments;
use domain::{BlockHash, ChainFacts, Hash, Height, Masternode, PoseScore, Score, Subnet, UnixSeconds, state};
use masternode_exporter::config::{self, ChainConfig, ConfigSources, reference};
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter::rpc::dialect::{self, Shape};
use masternode_exporter::rpc::legacy::answers;
use serde_json::{Value, json};

use crate::markdown;
use crate::support::golden;

fn load(text: &str) -> Result<config::Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exporter.yml");
    std::fs::write(&file, text).unwrap();
    let origin = ConfigSources { file: Some(file), ..ConfigSources::default() };
    config::load(&origin).map(|loaded| loaded.config).map_err(|errors| errors.to_string())
}

fn with_profile(profile: &str) -> String {
    format!(
        "networks: [{{name: one, chain: it, sources: [{{name: a, url: 'http://a:1', cookie_file: c}}]}}]\nchains: {{it: {profile}}}"
    )
}

/// The chain of a file of `docs/chains`, referenced in the configuration by its path.
fn profile(name: &str) -> ChainConfig {
    let path = markdown::root().join(format!("docs/chains/{name}.yaml"));
    let config = load(&with_profile(&format!("{path:?}"))).unwrap_or_else(|errors| panic!("{errors}"));
    config.networks[0].chain.clone()
}

fn protx(entries: &[Value]) -> Vec<Masternode> {
    let body = json!({"result": entries, "error": null, "id": "x"}).to_string();
    let mut parser = ListParser::default();
    parser.push(body.as_bytes()).unwrap();
    parser.finish().unwrap().masternodes
}

/// A detailed entry with the fields of all these chains.
fn entry(number: u8, penalty: i64, ban_height: i64, more: &[(&str, Value)]) -> Value {
    let mut entry = json!({
        "proTxHash": format!("{number:02x}").repeat(32), "collateralHash": "02".repeat(32), "collateralIndex": 1,
        "collateralAddress": "Caddr", "operatorReward": 0, "confirmations": 500,
        "state": {
            "service": format!("192.0.2.{number}:8168"), "registeredHeight": 100, "lastPaidHeight": 0,
            "PoSePenalty": penalty, "PoSeRevivedHeight": -1, "PoSeBanHeight": ban_height, "revocationReason": 0,
            "ownerAddress": "Owner", "votingAddress": "Voter", "payoutAddress": "Payout",
            "pubKeyOperator": "ab".repeat(48),
        },
    });
    for (key, value) in more {
        entry[key] = value.clone();
    }
    entry
}

fn block(height: u32) -> Block {
    Block { height: Height(height), hash: BlockHash(Hash([7; 32])), time: UnixSeconds(1_795_000_000) }
}

#[test]
fn the_reference_of_profiles_matches_the_loader() {
    let page = markdown::read("docs/chains/README.md");
    let prose: String =
        page.lines().take_while(|line| !line.starts_with("| key |")).map(|line| format!("{line}\n")).collect();
    golden("docs/chains/README.md", &(prose + &reference::profile_table()));
}

#[test]
fn forks_with_a_deterministic_list_are_read_as_dash_is() {
    for (name, method, first, decay_period) in [
        ("firo", "protx list", "registered", 1),
        ("syscoin", "protx_list", "registered", 3),
        ("raptoreum", "protx list", "registered", 2),
        ("pacglobal", "protx list", "registered", 1),
    ] {
        let chain = profile(name);
        assert_eq!(chain.dialect.list.method.name, method, "{name}");
        assert_eq!(chain.dialect.list.parameters[0], dialect::Parameter::Text(first.into()), "{name}");
        assert_eq!(chain.dialect.list.parameters[1], dialect::Parameter::Flag(true), "{name}: a flag, not a text");
        let pinned = name != "raptoreum";
        assert_eq!(chain.dialect.is_pinned(), pinned, "{name}: Raptoreum provides earlier blocks with spentindex only");
        assert!(matches!(chain.dialect.list.shape, Shape::ProTx { diff: None, .. }), "{name}");
        let rule = chain.rules.penalty_rule(&[], UnixSeconds(0)).unwrap();
        assert_eq!(rule.decay_period, decay_period, "{name}");
        assert!(chain.rules.quorum_types(Subnet::Main).is_empty(), "{name}: its quorums are not Dash's");
        let nodes = protx(&[entry(1, 0, -1, &[]), entry(2, 70, -1, &[]), entry(3, 100, 450, &[])]);
        let list = MasternodeList::new(block(1000), nodes).unwrap();
        let limits = rule.limits(list.registered());
        assert_eq!((limits.limit, limits.step, limits.safe_level()), (100, 66, 34), "{name}");
        let pose = PoseScore::of(&list.masternodes()[1], Height(1000), limits).unwrap();
        // To 34, and one further if a block can punish without a decay; each at a height divisible by the period
        // (docs/spec/legacy-chains.md#chain-profiles).
        let decays = if decay_period == 1 { 36 } else { 37 };
        let last = (1000 / decay_period + decays) * decay_period;
        assert_eq!(pose.safe_height(), Some(Height(last)), "{name}");
        let payments = Payments::new(&chain.rules, &list, &ChainFacts::new(Subnet::Main), UnixSeconds(0));
        let queued = list.masternodes().iter().enumerate().filter(|(index, _)| payments.position(*index).is_some());
        let expected = if name == "raptoreum" { 0 } else { 2 };
        assert_eq!(
            queued.count(),
            expected,
            "{name}: banned nodes are not queued, and Raptoreum pays no masternode among so few"
        );
    }
}

#[test]
fn raptoreum_has_nodes_that_are_neither_banned_nor_paid_and_a_spork_that_slows_the_decay() {
    let chain = profile("raptoreum");
    let sporks = [("SPORK_21_LOW_LLMQ_PARAMS".into(), 0)];
    let rule = chain.rules.penalty_rule(&sporks, UnixSeconds(1_795_000_000)).unwrap();
    let pose = PoseScore::new(Score(70), false, Height(1000), rule.limits(20));
    assert_eq!(pose.safe_height(), Some(Height((1000 / 30 + 37) * 30)));
    let mut entries: Vec<Value> = (1..=11).map(|number| entry(number, 0, -1, &[])).collect();
    entries[4]["needToUpgrade"] = json!(true);
    let list = MasternodeList::new(block(1000), protx(&entries)).unwrap();
    let weak = &list.masternodes()[4];
    assert_eq!((weak.is_banned(), weak.is_payable()), (false, false));
    let place = state::indices(&chain.rules.states, list.masternodes())[4];
    assert_eq!(state::label(&chain.rules.states, place.into()), "unknown");
    let payments = Payments::new(&chain.rules, &list, &ChainFacts::new(Subnet::Main), UnixSeconds(0));
    assert_eq!(payments.position(4), None);
    assert_eq!((0..11).filter(|index| payments.position(*index).is_some()).count(), 10, "more than 10 are registered");
}

#[test]
fn pivx_selects_among_a_tenth_of_the_enabled_by_the_time_since_the_last_payment() {
    let chain = profile("pivx");
    let node = |number: u8, status: &str, paid: u64| {
        json!({"rank": number, "network": "ipv4", "txhash": format!("{number:02x}").repeat(32), "outidx": 1,
            "pubkey": "02ab", "status": status, "addr": format!("D{number}"), "version": 70926,
            "lastseen": 1_795_000_000_u64, "activetime": 8_000_000, "lastpaid": paid})
    };
    let mut nodes: Vec<Value> =
        (1..=20).map(|number| node(number, "ENABLED", 1_794_000_000 - u64::from(number))).collect();
    nodes.push(node(21, "PRE_ENABLED", 0));
    nodes.push(node(22, "EXPIRED", 0));
    let body = json!({"result": nodes, "error": null, "id": "x"}).to_string();
    let states = state::shared(&chain.rules.states);
    let nodes =
        answers::registered(body.as_bytes(), &chain.dialect.list.shape, &states, usize::MAX).unwrap().masternodes;
    assert_eq!(nodes.iter().filter(|node| node.is_payable()).count(), 20);
    let list = MasternodeList::new(block(1000), nodes).unwrap();
    let facts = ChainFacts { votes: Some(vec![]), ..ChainFacts::new(Subnet::Main) };
    let payments = Payments::new(&chain.rules, &list, &facts, UnixSeconds(1_795_000_100));
    assert_eq!(payments.drawn_from().unwrap().get(), 2, "a tenth of 20, not of 22");
    assert_eq!(payments.position(19).unwrap().get(), 1, "paid longest ago");
    assert!(chain.rules.absent_is_dead);
}

#[test]
fn the_built_in_chains_can_be_written_as_profiles() {
    for (name, rules, dialect) in [("dimecoin", DIMECOIN, dialect::DIMECOIN), ("prcycoin", PRCYCOIN, dialect::PRCYCOIN)]
    {
        let chain = profile(name);
        assert_eq!(*chain.dialect.list.method, *dialect.list.method, "{name}");
        let sorted = |dialect: &dialect::Dialect| {
            let mut dialect = dialect.clone();
            if let Shape::Array(fields) = &mut dialect.list.shape {
                fields.to_mut().sort();
            }
            dialect
        };
        assert_eq!(sorted(&chain.dialect), sorted(&dialect), "{name}");
        let mut written = (*chain.rules).clone();
        let mut built_in = rules;
        written.states.to_mut().sort_by(|a, b| a.label.cmp(&b.label));
        built_in.states.to_mut().sort_by(|a, b| a.label.cmp(&b.label));
        written.name = built_in.name.clone();
        assert_eq!(written, built_in, "{name}");
    }
}

#[test]
fn an_invalid_profile_is_refused_with_the_reason() {
    let good = "{identity: {subversion_prefix: /X}, spacing: 60s, payment: {model: uniform}, \
                list: {method: listmasternodes, shape: array, fields: {txid: a, output_index: b, state: s}}}";
    assert!(load(&with_profile(good)).is_ok());
    let cases = [
        (
            good.replace("listmasternodes", "listmasternodeconf"),
            "chains.it.list.method: is no method that the exporter may call",
        ),
        (
            good.replace("listmasternodes", "sendtoaddress"),
            "chains.it.list.method: is no method that the exporter may call",
        ),
        (good.replace("output_index: b, ", ""), "chains.it.list.fields: an array has no identity of a masternode"),
        (good.replace("state: s", "satte: s"), "chains.it.list.fields.satte: \"satte\" is none of: state"),
        (
            good.replace(", state: s", ""),
            "chains.it.list: the list has neither state nor ban_height: a banned masternode",
        ),
        (
            good.replace("state: s", "ban_height: h, last_seen: l"),
            "chains.it.list: protocol, last_seen, active_seconds, last_paid_time and rank are of a list with state: it has",
        ),
        (
            good.replace("state: s", "ban_height: h")
                .replace("spacing", "states: {ENABLED: [healthy, payable]}, spacing"),
            "chains.it.states: the list has no state to which they apply",
        ),
        (
            good.replace("shape: array", "shape: list"),
            "chains.it.list.shape: \"list\" is none of protx, text, object, array",
        ),
        (good.replace("spacing: 60s, ", ""), "chains.it.spacing: is missing"),
        (good.replace("model: uniform", "model: lottery"), "chains.it.payment.model: \"lottery\" is none of"),
        (
            good.replace("spacing", "penalty: {percent: 66}, spacing"),
            "chains.it.list: there is a penalty, but the list has no score",
        ),
        (
            good.replace("spacing", "ping: {warning: 2h, expiry: 1h}, spacing"),
            "chains.it.ping.warning: must not be longer",
        ),
        (
            good.replace("spacing", "states: {ENABLED: [helthy]}, spacing"),
            "chains.it.states.ENABLED[0]: \"helthy\" is none of",
        ),
        (
            good.replace("spacing", "minimum_protocols: {v2: 70007}, spacing"),
            "chains.it.minimum_protocols.v2: its name must be a version as getnetworkinfo returns it",
        ),
        (good.replace("subversion_prefix: /X", "genesis: {main: xy}"), "chains.it.identity.genesis.main: expected 64"),
        (good.replace("identity", "idenity"), "chains.it.idenity: unknown key; did you mean identity?"),
        ("nowhere.yaml".to_string(), "chains.it: nowhere.yaml cannot be read"),
    ];
    for (profile, expected) in cases {
        let errors = load(&with_profile(&profile)).unwrap_err();
        assert!(errors.contains(expected), "expected {expected:?} in {errors}");
    }
    let errors = load("chains: {dash: {spacing: 1s}}").unwrap_err();
    assert!(errors.contains("chains.dash: is built in"), "{errors}");
    let _: Arc<_> = profile("firo").rules;
}
