//! A network of any size that resembles mainnet: as domain values, and as a node's JSON.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use domain::chain::{DASH, Subnet};
use domain::counters::EventCounters;
use domain::list::{Block, ListDiff, MasternodeList, StateChange};
use domain::list_proof::{LeafFields, ProofDiff};
use domain::masternode::PeerView;
use domain::snapshot::{Snapshot, SnapshotInputs};
use domain::{
    BlockHash, ChainFacts, Detail, DetailTexts, Details, Hash, Height, Masternode, MasternodeId, Moment, NetworkState,
    NodeType, Score, UnixSeconds,
};
use sha2::{Digest, Sha256};

/// Height of the list.
pub const TIP: u32 = 2_523_213;

/// A block at a height.
pub fn block(height: u32) -> Block {
    Block { height: Height(height), hash: BlockHash(hash(u64::from(height))), time: UnixSeconds(1_795_000_000) }
}

/// 32 pseudo-random bytes.
pub fn hash(seed: u64) -> Hash {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_exact_mut(8) {
        state ^= state >> 30;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 27;
        chunk.copy_from_slice(&state.wrapping_mul(0x94d0_49bb_1331_11eb).to_be_bytes());
    }
    Hash(bytes)
}

/// An address of mainnet for a pseudo-random key.
fn address(seed: u64) -> String {
    bs58::encode(&hash(seed).0[..20]).with_check_version(76).into_string()
}

/// One masternode in ten has a score, three in ten are banned, one in eight is Evo.
pub fn masternode(number: u64) -> Masternode {
    let banned = number % 10 < 3;
    let score = if banned {
        3000
    } else if number % 10 == 4 {
        (number % 2000) as u32
    } else {
        0
    };
    Masternode {
        id: MasternodeId::ProTx(hash(number)),
        node_type: if number.is_multiple_of(8) { NodeType::Evo } else { NodeType::Regular },
        pose_score: Some(Score(score)),
        registered_height: Some(Height(1_100_000 + (number % 1_000_000) as u32)).into(),
        last_paid_height: Some(Height(TIP - 1 - (number % 2100) as u32)),
        consecutive_payments: 0,
        revived_height: None,
        ban_height: banned.then_some(Height(2_400_000)),
        operator_reward: domain::operator_reward::OperatorReward::default(),
        revocation_reason: 0,
        details: Details::new(&DetailTexts {
            address: Some(format!("10.{}.{}.{}:9999", number >> 16 & 255, number >> 8 & 255, number & 255).into()),
            payout_address: Some(address(0x1_0000_0000 + number % 1000).into()),
            owner_address: Some(address(0x2_0000_0000 + number).into()),
            voting_address: Some(address(0x3_0000_0000 + number).into()),
            operator_key: Some(format!("{}{}", hash(number ^ 0xb15), &hash(!number).to_string()[..32]).into()),
            version: Some(1),
            ..DetailTexts::default()
        }),
        peer: PeerView::default(),
        announced: None,
    }
}

/// A list of `count` masternodes.
pub fn list(count: u64) -> MasternodeList {
    MasternodeList::new(block(TIP), (0..count).map(masternode).collect()).expect("numbers differ, so do the hashes")
}

/// The simplified form of a list, with a coinbase that has another root, and the Merkle root of its block.
pub fn proof(list: &MasternodeList) -> (ProofDiff, Hash) {
    let entry = |masternode: &Masternode| LeafFields {
        version: 1,
        pro_tx: *masternode.id.hash(),
        confirmed: Some(*masternode.id.hash()),
        addresses: [masternode.details.address().into_iter().map(Into::into).collect(), Vec::new(), Vec::new()],
        operator_key: [7; 48],
        voting_key: masternode.details.voting_key_hash(),
        valid: !masternode.is_banned(),
        node_type: masternode.node_type,
        http_port: None,
        platform_node: [0; 20],
    };
    // One input without an outpoint, no output, and a payload of version 1 with a root of zeros.
    let mut coinbase = vec![3, 0, 5, 0, 1];
    coinbase.extend([0; 32]);
    coinbase.extend([0xff; 4]);
    coinbase.extend([1, 0x51, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 38, 1, 0, 7, 0, 0, 0]);
    coinbase.extend([0; 32]);
    let mut root: [u8; 32] = Sha256::digest(Sha256::digest(&coinbase)).into();
    // The only transaction of its block.
    let mut branch = vec![1, 0, 0, 0, 1];
    branch.extend(root);
    branch.extend([1, 1]);
    root.reverse();
    let entered = list.masternodes().iter().map(entry).collect();
    (ProofDiff { removed: Vec::new(), entered, coinbase, branch }, Hash(root))
}

/// The inputs of a snapshot of a list.
pub fn parts(list: Arc<MasternodeList>) -> SnapshotInputs {
    SnapshotInputs {
        network: "dash-main".into(),
        rules: Arc::new(DASH),
        list,
        facts: ChainFacts {
            chainlock_height: Some(Height(TIP)),
            measured_spacing_seconds: Some(157.6),
            sporks: vec![("SPORK_17_QUORUM_DKG_ENABLED".into(), 0)],
            ..ChainFacts::new(Subnet::Main)
        },
        read_at: UnixSeconds(1_795_000_000),
        watched: Vec::new(),
        recent_events: Vec::new(),
    }
}

/// A snapshot of `count` masternodes.
pub fn snapshot(count: u64) -> Arc<Snapshot> {
    Arc::new(Snapshot::new(parts(Arc::new(list(count))), &EventCounters::default()))
}

/// The changes of the next block: every decaying score, and the payee.
pub fn diff(list: &MasternodeList) -> ListDiff {
    let decays = list.masternodes().iter().filter(|node| !node.is_banned() && node.pose_score > Some(Score(0)));
    let mut updated: Vec<_> = decays
        .map(|node| {
            let pose_score = node.pose_score.map(|score| Score(score.0 - 1));
            (node.id, StateChange { pose_score, ..StateChange::default() })
        })
        .collect();
    let payee = list.masternodes().iter().find(|node| !node.is_banned() && node.pose_score == Some(Score(0)));
    let (base, next) = (list.block().height, list.block().height.0 + 1);
    let paid = StateChange { last_paid_height: Some(Some(Height(next))), ..StateChange::default() };
    updated.extend(payee.map(|node| (node.id, paid)));
    ListDiff { base, target: block(next), added: vec![], removed: vec![], updated }
}

/// The body of `protx list registered true` for `count` masternodes: about 1,100 bytes each, as recorded.
pub fn list_body(count: u64) -> Vec<u8> {
    let mut body = String::with_capacity(count as usize * 1200);
    body.push_str("{\"result\":[");
    for number in 0..count {
        let node = masternode(number);
        let details = &node.details;
        let text = |detail| details.get(detail).unwrap_or_default();
        let height = |value: Option<Height>, none: i64| value.map_or(none, |height| i64::from(height.0));
        if number > 0 {
            body.push(',');
        }
        write!(
            body,
            r#"{{"type":"{}","proTxHash":"{}","collateralHash":"{}","collateralIndex":1,"collateralAddress":"{}","operatorReward":0,"state":{{"version":2,"service":"{}","addresses":{{"core_p2p":["{}"]}},"registeredHeight":{},"lastPaidHeight":{},"consecutivePayments":0,"PoSePenalty":{},"PoSeRevivedHeight":{},"PoSeBanHeight":{},"revocationReason":0,"ownerAddress":"{}","votingAddress":"{}","payoutAddress":"{}","pubKeyOperator":"{}"}},"confirmations":375,"metaInfo":{{"lastDSQ":0,"mixingTxCount":0,"outboundAttemptCount":0,"lastOutboundAttempt":1795236680,"lastOutboundAttemptElapsed":529,"lastOutboundSuccess":1795236680,"lastOutboundSuccessElapsed":529,"is_platform_banned":false,"platform_ban_height_updated":0}}}}"#,
            if node.node_type == NodeType::Evo { "Evo" } else { "Regular" },
            node.id,
            node.id,
            text(Detail::OwnerAddress),
            text(Detail::Address),
            text(Detail::Address),
            height(node.registered_height.get(), -1),
            height(node.last_paid_height, 0),
            node.pose_score.map_or(0, |score| score.0),
            height(node.revived_height, -1),
            height(node.ban_height, -1),
            text(Detail::OwnerAddress),
            text(Detail::VotingAddress),
            text(Detail::PayoutAddress),
            text(Detail::OperatorKey),
        )
        .expect("a String takes all that is written");
    }
    body.push_str("],\"error\":null,\"id\":\"x\"}\n");
    body.into_bytes()
}

/// The published state with a snapshot.
pub fn state(snapshot: Arc<Snapshot>) -> Arc<NetworkState> {
    let since = Moment { unix: UnixSeconds(0), uptime: Duration::ZERO };
    let network = NetworkState::new("dash-main", Arc::new(DASH), Duration::from_secs(900), since, []);
    Arc::new(NetworkState { snapshot: Some(snapshot), ..network })
}
