//! Cost of the history: 10,000 blocks of networks of two sizes, each written as it is followed.
//!
//! `cargo run --release -p masternode-exporter-benches --bin history`
//!
//! Never here: a node; the path of a block to the writer.

use std::time::Instant;

use domain::dkg_outcome::DkgOutcome;
use domain::event::FailedQuorum;
use domain::list::Block;
use domain::{BanCause, BlockHash, Duffs, Event, EventKind, Hash, Height, MasternodeId, NodeType, Score, UnixSeconds};
use masternode_exporter::history::{BlockEvents, Identity, Query, Store};

const BLOCKS: u32 = 10_000;

/// Blocks in a cycle of the large quorums on mainnet.
const ROUND: u32 = 288;

fn hash(kind: u8, number: u32) -> Hash {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[4..8].copy_from_slice(&number.to_be_bytes());
    Hash(bytes)
}

fn id(number: u32) -> MasternodeId {
    MasternodeId::ProTx(hash(1, number))
}

/// A block as on mainnet: a payment, and penalties, bans and changes in proportion to the size of the network.
fn block(height: u32, masternodes: u32) -> BlockEvents {
    let time = UnixSeconds(1_700_000_000 + u64::from(height) * 158);
    let block = Block { height: Height(height), hash: BlockHash(hash(2, height)), time };
    let event = |number: u32, kind| Event {
        block,
        exact: true,
        masternode: id(number % masternodes),
        node_type: NodeType::Regular,
        kind,
    };
    let mut events = vec![event(height, EventKind::Payment { amount: Some(Duffs(77_050_000)), payees: vec![] })];
    // Fifteen penalties per day among three thousand masternodes, all in the blocks with commitments.
    if height % 24 == 10 {
        for number in 0..(masternodes / 4_500).max(1) {
            let quorum = FailedQuorum {
                quorum_type: "llmq_60_75".into(),
                hash: BlockHash(hash(3, height)),
                height: Height(height - 10),
                index: number % 32,
                others: Some(1),
            };
            let (score, quorums) = (Score(66_000), vec![quorum]);
            let kind =
                EventKind::Penalty { score, points: 66_000, failures: 1, clamped: false, quorums, others: Some(9) };
            events.push(event(height * 31 + number * 7, kind));
        }
        events.push(event(height * 31, EventKind::Ban { cause: BanCause::Dkg, among: masternodes }));
        events.push(event(height * 17, EventKind::Revival));
    }
    let seats = |quorum: u32, size: u32| {
        (0..size).map(move |seat| (id((height * 97 + quorum * 61 + seat * 13) % masternodes), seat > 0))
    };
    let mut sessions = Vec::new();
    let mut formed = |name: &'static str, quorums: u32, size: u32| {
        sessions.extend((0..quorums).map(|quorum| DkgOutcome {
            quorum_type: name.into(),
            quorum: None,
            members: Some(seats(quorum, size).collect()),
        }));
    };
    if height % 24 == 10 {
        formed("llmq_100_67", 1, 100);
    }
    match height % ROUND {
        20 => formed("llmq_400_60", 1, 400),
        42 => formed("llmq_60_75", 32, 60),
        _ => {}
    }
    BlockEvents { block, events, sessions }
}

/// Resident memory in megabytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

/// Bytes that this process passed to the system so far, and those that it caused to be written to a disk.
fn written() -> [u64; 2] {
    let counts = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    ["wchar: ", "write_bytes: "]
        .map(|name| counts.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for masternodes in [5_000, 100_000] {
        measure(masternodes)?;
    }
    Ok(())
}

fn measure(masternodes: u32) -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("masternode-exporter-history-{}-{masternodes}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("history.db");
    let before = resident();
    let now = UnixSeconds(1_800_000_000);
    let mut store = Store::open(&path, now)?;
    let identity = Identity { chain: "main".into(), genesis: BlockHash(hash(9, 0)) };
    let network = store.network("dash", &identity)?;
    let (mut plain, mut windows, mut rotations) = (Vec::new(), Vec::new(), Vec::new());
    let (mut events, mut peak, written_before) = (0, 0.0_f64, written());
    for height in 1..=BLOCKS {
        let next = block(height, masternodes);
        events += next.events.len();
        let started = Instant::now();
        store.record(network, &[next])?;
        let took = started.elapsed().as_secs_f64() * 1e3;
        match height % ROUND {
            42 => rotations.push(took),
            _ if height % 24 == 10 => windows.push(took),
            _ => plain.push(took),
        }
        peak = peak.max(resident());
    }
    println!("{masternodes} masternodes, {BLOCKS} blocks, {events} events");
    println!("  a block with one payment: median {:.2} ms, worst {:.1} ms", median(&mut plain), plain[plain.len() - 1]);
    println!("  a block with penalties and one quorum: median {:.2} ms", median(&mut windows));
    println!("  a block with 32 quorums, 1,920 seats: median {:.1} ms", median(&mut rotations));
    let [passed, on_disk] = std::array::from_fn(|kind| (written()[kind] - written_before[kind]) / u64::from(BLOCKS));
    println!("  written: {passed} bytes a block, {on_disk} of them on the disk");
    println!("  memory while writing: {:.1} MB more than before", peak - before);
    let started = Instant::now();
    let tallies = store.tallies(network)?;
    println!(
        "  counts of {} masternodes read at a start: {:.0} ms",
        tallies.nodes().count(),
        started.elapsed().as_secs_f64() * 1e3
    );
    let started = Instant::now();
    let page = store.events(&Query { masternodes: Some(vec![id(77)]), limit: 100, ..Query::default() })?;
    println!("  {} events of one masternode found: {:.2} ms", page.events.len(), started.elapsed().as_secs_f64() * 1e3);
    drop(store);
    let bytes = std::fs::metadata(&path)?.len();
    println!("  file: {:.1} MB, {} bytes a block", bytes as f64 / 1e6, bytes / u64::from(BLOCKS));
    let started = Instant::now();
    drop(Store::open(&path, now)?);
    println!("  opened with its check: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
