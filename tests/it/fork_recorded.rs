//! Recorded answers of a node across the activation of v24: the state of the deployment, in both forms of an answer.

use std::io::Read;
use std::path::Path;

use domain::deployment::{At, Deployment, Forks, KNOWN, Phase, Signalling, V24, follows};
use domain::{Height, Subnet};
use masternode_exporter::rpc::ChainInfo;
use masternode_exporter::rpc::dash::{answers, forks, special};
use serde_json::{Value, json};

fn read(moment: &str, file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dash/v24").join(moment).join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The answer of a release without `softforks`: the status of the tip and that of the next block.
fn as_deployments(body: &[u8]) -> Forks {
    let info: Value = serde_json::from_slice(body).unwrap();
    let tip = &info["result"]["blocks"];
    let mut deployments = info["result"]["softforks"].clone();
    for fork in deployments.as_object_mut().unwrap().values_mut() {
        if let Some(bip9) = fork.get_mut("bip9") {
            let begins = bip9["since"].as_u64() == tip.as_u64().map(|tip| tip + 1);
            bip9["status_next"] = bip9["status"].clone();
            if begins {
                bip9["status"] = json!("of the tip");
            }
        }
    }
    let result = json!({ "hash": info["result"]["bestblockhash"], "height": tip, "deployments": deployments });
    forks::deployments(json!({ "result": result, "error": null }).to_string().as_bytes()).unwrap()
}

fn at(info: &ChainInfo) -> At {
    At {
        subnet: Subnet::from_chain_name(&info.chain),
        tip: info.blocks,
        median_time: info.median_time,
        seen_signal: None,
        stated_window: None,
        node_version: Some(230_102),
        coinbase_version: Some(3),
    }
}

fn deployment(info: &ChainInfo, forks: &Forks) -> Deployment {
    Deployment::v24(forks, &at(info)).unwrap()
}

#[test]
fn every_recorded_time_has_the_state_of_the_deployment() {
    let counted =
        |elapsed, threshold, possible| Some(Signalling { window: 24, elapsed, count: elapsed, threshold, possible });
    // time, tip, state, signal, current window, final height, earliest height, active since.
    type Row = (&'static str, u32, Phase, Option<u32>, Option<Signalling>, Option<u32>, Option<u32>, Option<u32>);
    let rows: [Row; 6] = [
        ("before", 151, Phase::WaitingForSignal, None, None, None, None, None),
        ("ehf-signed", 191, Phase::Started, Some(191), counted(0, Some(19), Some(true)), None, Some(240), None),
        ("started", 203, Phase::Started, Some(191), counted(12, Some(19), Some(true)), None, Some(240), None),
        ("locked-in", 227, Phase::LockedIn, Some(191), counted(12, None, None), Some(240), None, None),
        ("active", 239, Phase::Active, Some(191), None, Some(240), None, None),
        ("first-v3", 243, Phase::Active, Some(191), None, Some(240), None, Some(240)),
    ];
    for (moment, tip, phase, signal, signalling, certain, earliest, since) in rows {
        let body = read(moment, "getblockchaininfo.json");
        let info = answers::chain_info(&body).unwrap();
        assert_eq!(info.blocks, Height(tip), "{moment}");
        for forks in [info.forks.clone().unwrap(), as_deployments(&body)] {
            let known = deployment(&info, &forks);
            assert_eq!((known.phase, known.signalling), (phase, signalling), "{moment}");
            assert_eq!(known.signal_height, signal.map(Height), "{moment}");
            assert_eq!(known.activation_height, certain.map(Height), "{moment}");
            assert_eq!(known.earliest_height, earliest.map(Height), "{moment}");
            assert_eq!(known.active_since(info.blocks), since.map(Height), "{moment}");
            assert_eq!(follows(Some(&forks), Some(230_102)), Some(true), "a build that names it follows it");
            assert!(forks.keys().all(|name| KNOWN.contains(&name.as_str())), "{moment}: {:?}", forks.keys());
        }
        let found = special::transactions(&read(moment, "getspecialtxes_5_10_0_2.json")).unwrap();
        assert_eq!((found.coinbase_version, found.types), (Some(3), vec![5]), "{moment}: a build without version 4");
        assert_eq!((info.fork_active("v19"), info.fork_active("mn_rr")), (Some(true), Some(true)), "{moment}");
    }
}

#[test]
fn the_signal_in_the_recorded_blocks_gives_the_recorded_activation_where_the_node_does_not_state_it() {
    let mut text = String::new();
    let packed = read("episodes/activation", "blocks.jsonl.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let (mut seen, mut signalling) = (vec![], vec![]);
    for line in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let height = line["height"].as_u64().unwrap() as u32;
        let types = line["types"].as_array().cloned().unwrap_or_default();
        seen.extend(types.contains(&json!(7)).then_some(height));
        let version = line["header"]["version"].as_u64().unwrap();
        signalling.extend((version >> 12 & 1 == 1).then_some(height));
    }
    assert_eq!(seen, [191]);
    assert_eq!(signalling, (192..=239).collect::<Vec<u32>>(), "started and locked in");
    for (moment, phase, certain) in [
        ("before", Phase::WaitingForSignal, None),
        ("ehf-signed", Phase::Started, None),
        ("started", Phase::Started, None),
        ("locked-in", Phase::LockedIn, Some(240)),
        ("active", Phase::Active, Some(240)),
    ] {
        let mut answer: Value = serde_json::from_slice(&read(moment, "getblockchaininfo.json")).unwrap();
        let bip9 = answer["result"]["softforks"]["v24"]["bip9"].as_object_mut().unwrap();
        bip9.retain(|key, _| !["ehf_height", "activation_height"].contains(&key.as_str()));
        let info = answers::chain_info(answer.to_string().as_bytes()).unwrap();
        let at = At { seen_signal: Some(Height(191)), ..at(&info) };
        let known = Deployment::v24(info.forks.as_ref().unwrap(), &at).unwrap();
        let tip = info.blocks.0;
        assert_eq!((known.phase, known.activation_height), (phase, certain.map(Height)), "{moment}");
        assert_eq!(known.signal_height, (tip >= 191).then_some(Height(191)), "{moment}");
        let earliest = [191, 203].contains(&tip).then_some(Height(240));
        assert_eq!(known.earliest_height, earliest, "{moment}");
    }
}

#[test]
fn an_older_node_reports_it_on_a_private_network_only() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dash/v23.1.2/healthy/getblockchaininfo.json");
    let info = answers::chain_info(&std::fs::read(path).unwrap()).unwrap();
    let forks = info.forks.unwrap();
    assert!(forks.keys().all(|name| KNOWN.contains(&name.as_str())), "{:?}", forks.keys());
    assert!(
        forks.contains_key(V24),
        "on mainnet and testnet, where it is never active for this release, it is left out"
    );
    let without = forks.into_iter().filter(|(name, _)| name != V24).collect();
    assert_eq!(follows(Some(&without), Some(230_102)), Some(false));
}
