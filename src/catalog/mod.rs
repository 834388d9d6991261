//! The only definition of every metric family: name, type, tier, labels, help. Those of masternodes, networks and sources
//! are in this file.
//!
//! Never here: values.

/// Type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Never decreases while the process runs.
    Counter,
    /// Any value.
    Gauge,
    /// Counts of observations by size.
    Histogram,
}

impl Kind {
    /// Its name in an exposition.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// The subjects for which a family has samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Sources of networks: always, with or without a list.
    Source,
    /// Networks and groups: always, a few dozen samples.
    Aggregate,
    /// Masternodes, all or those at risk, as `series.others` says.
    Lean,
    /// Watched masternodes.
    Watched,
    /// This process: always.
    Process,
}

impl Tier {
    /// The value of the label `tier`.
    pub fn label(self) -> &'static str {
        match self {
            Tier::Source => "source",
            Tier::Aggregate => "aggregate",
            Tier::Lean => "lean",
            Tier::Watched => "watched",
            Tier::Process => "process",
        }
    }
}

/// One family.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Name, counters with `_total`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its tier.
    pub tier: Tier,
    /// Labels next to `network`, and next to `masternode` and `alias` where a sample is of one masternode. Of a family of
    /// this process, all labels.
    pub labels: &'static [&'static str],
    /// HELP text: meaning, unit, and when it is absent.
    pub help: &'static str,
}

macro_rules! families {
    ($(#[$doc:meta])* $list:ident; $($constant:ident: $name:literal $kind:ident $tier:ident [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub const $constant: Family =
            Family { name: $name, kind: Kind::$kind, tier: Tier::$tier, labels: &[$($label),*], help: $help };)*
        $(#[$doc])*
        pub const $list: &[Family] = &[$($constant),*];
    };
}

pub mod alerts;
pub mod process;

families! {
    /// All families of masternodes, networks and sources.
    FAMILIES;
    INFO: "masternode_info" Gauge Lean ["node_type", "address", "state", "payout_address", "owner_address", "operator_key"]
        "Constant 1, with labels for the mutable facts of a masternode: address, state, payout address (if there is exactly one payee; masternode_payout_info has all), keys (operator key: first 16 digits), and the groups of a watched masternode. A watched masternode that is not in the list has only its groups and the state unregistered.";
    PAYOUT_INFO: "masternode_payout_info" Gauge Watched ["payout_address"]
        "Share, 0 to 1, of the owner's reward that goes to an address: one sample for each payee, including reward addresses of shares. A script without an address is written as script: and its hexadecimal digits. Absent if the shares are not known.";
    ENABLED: "masternode_enabled" Gauge Lean []
        "1 if the masternode is listed in a state that is paid: not banned and, on older chains, enabled; 0 otherwise.";
    REGISTERED: "masternode_registered" Gauge Watched []
        "1 if the watched masternode is in the masternode list, 0 if it is not or no longer is.";
    STATE: "masternode_state" Gauge Watched ["state"]
        "1 for the current state, 0 for the other states of its chain: enabled, pose_banned, revoked (banned with the operator key zeroed); on older chains the states that the node reports.";
    POSE_SCORE: "masternode_pose_score" Gauge Lean []
        "PoSe penalty score in points, as the node reports it.";
    POSE_BANNED: "masternode_pose_banned" Gauge Lean []
        "1 if the masternode is banned for any cause, 0 if not: it is not paid until its operator revives it or, on Dimecoin, the ban ends.";
    POSE_FAILURES_UNTIL_BAN: "masternode_pose_failures_until_ban" Gauge Lean []
        "Number of failed DKG sessions that cause a ban if they occur in the next block: 2, 1, or 0 if banned.";
    POSE_BLOCKS_UNTIL_SAFE: "masternode_pose_blocks_until_safe" Gauge Lean []
        "Blocks until one more failed DKG session no longer causes a ban. Absent if banned.";
    POSE_BLOCKS_UNTIL_BELOW_TWO_THIRDS: "masternode_pose_blocks_until_below_two_thirds" Gauge Watched []
        "Blocks until the score is below two thirds of the limit, the level used by public explorers. Absent if banned.";
    POSE_BLOCKS_UNTIL_CLEAR: "masternode_pose_blocks_until_clear" Gauge Watched []
        "Blocks until the score is 0. Absent if banned.";
    POSE_SAFE_HEIGHT: "masternode_pose_safe_height" Gauge Watched []
        "Height of the block after which one more failed DKG session no longer causes a ban; a failure mined in that block itself still does. Absent if banned.";
    POSE_SAFE_TIMESTAMP: "masternode_pose_safe_timestamp_seconds" Gauge Watched []
        "Expected Unix time of masternode_pose_safe_height, from the measured block interval; the time of the tip if one failure no longer bans. Absent if banned.";
    POSE_CLEAR_HEIGHT: "masternode_pose_clear_height" Gauge Watched []
        "Height at which the score is 0. Absent if banned.";
    POSE_BAN_HEIGHT: "masternode_pose_ban_height" Gauge Watched []
        "Height of the block of the current ban. Absent if not banned.";
    POSE_BAN_END_HEIGHT: "masternode_pose_ban_end_height" Gauge Watched []
        "Estimated height at which the current ban ends by itself: as many blocks after it was first seen as there were masternodes. Only on chains where bans end (Dimecoin); absent if the start of the ban was not seen.";
    POSE_BAN_LOST_AMOUNT: "masternode_pose_ban_lost_amount" Gauge Watched []
        "Estimated coins that the current ban cost owner and operator so far: blocks since the ban, by the present payment cycle and the mean of the last payments of the network. Absent if not banned, and until the amount of a payment is known.";
    POSE_REVIVED_HEIGHT: "masternode_pose_revived_height" Gauge Watched []
        "Height of the block of the last revival. Absent if never revived.";
    POSE_LAST_PENALTY_HEIGHT: "masternode_pose_last_penalty_height" Gauge Watched []
        "Height of the block of the last penalty since counting began. Absent if there was none.";
    POSE_TIME_TO_BAN_IF_OFFLINE: "masternode_pose_time_to_ban_if_offline_seconds" Gauge Watched []
        "Expected seconds until a ban if the masternode went offline now, from its score and how often masternodes of its type are tested. Absent if banned.";
    POSE_TEST_PROBABILITY: "masternode_pose_test_before_safe_probability_ratio" Gauge Watched []
        "Probability, 0 to 1, of being a member of a DKG session that ends while one more failure still causes a ban; 0 if safe. A session counts until its quorum is mined or its mining window ends. Absent if banned, and if the quorums of the chain are not known.";
    POSE_PENALTIES: "masternode_pose_penalties_total" Counter Watched []
        "Failed DKG sessions that raised the score, since counting began.";
    POSE_BANS: "masternode_pose_bans_total" Counter Watched ["cause"]
        "Bans by cause, since counting began: dkg, revoked, key_changed, no_address, platform, unknown.";
    POSE_REVIVALS: "masternode_pose_revivals_total" Counter Watched []
        "Revivals, since counting began.";
    DKG_MEMBERSHIPS: "masternode_dkg_memberships_total" Counter Watched ["quorum_type", "result"]
        "Memberships in formed quorums since counting began, by the result in the commitment: valid, or invalid, which is penalised. Absent if the node does not report them.";
    DKG_SESSIONS_PER_DAY: "masternode_dkg_sessions_per_day" Gauge Watched []
        "Expected number of DKG sessions per day in which a masternode of this type is a member, over all quorum types. The members of the next sessions are computed (masternode_dkg_seat, masternode_dkg_next_seat_height). Only on chains with known quorums (Dash).";
    DKG_SEAT: "masternode_dkg_seat" Gauge Watched ["quorum_type"]
        "1 if the masternode is a member of the newest DKG session of a quorum type, or cycle of sessions of a rotating type, whose members are known, 0 if not. Known 8 blocks before the session starts, and reported until its commitment can no longer be mined or the members of the next session are known. Computed from the list as Dash Core does, for rotating types compared with mined quorums in each cycle; absent if members cannot be computed.";
    DKG_NEXT_SEAT_HEIGHT: "masternode_dkg_next_seat_height" Gauge Watched []
        "Height at which the next or active DKG session starts of which the masternode is known to be a member. Seats in rotating quorums are known up to four cycles ahead, others 8 blocks ahead; a session whose members are not known yet may start earlier. Absent if no seat is known.";
    DKG_NEXT_SEAT_DUE_HEIGHT: "masternode_dkg_next_seat_due_height" Gauge Watched []
        "First height at which a failure in the session of masternode_dkg_next_seat_height can be penalised. Absent if no seat is known.";
    DKG_DOUBLE_SEAT_HEIGHT: "masternode_dkg_double_seat_height" Gauge Watched []
        "First height at which two known seats of the masternode are due: missing both bans it at any score. Absent if no two known seats are due at one height.";
    POSE_OFFLINE_PENALTY_HEIGHT: "masternode_pose_offline_penalty_height" Gauge Watched []
        "Height of the first possible penalty if the masternode goes offline now. Absent if a session whose members are not known yet may cause one earlier, and if banned.";
    POSE_OFFLINE_BAN_HEIGHT: "masternode_pose_offline_ban_height" Gauge Watched []
        "Height of the first possible ban if the masternode goes offline now and stays offline. Absent if a session whose members are not known yet may cause one earlier, and if banned.";
    PAYMENT_QUEUE_POSITION: "masternode_payment_queue_position" Gauge Lean []
        "Position in the payment queue, 1 = paid by the next block; on chains that draw from a pool (Dimecoin), 1 = longest unpaid; on PRCYCoin the rank by score, 1 = paid by the next proof-of-stake block. Absent if not eligible.";
    PAYMENT_PROBABILITY: "masternode_payment_probability_ratio" Gauge Lean ["horizon"]
        "Probability, 0 to 1, of a payment within the horizon. A deterministic queue gives only 0 and 1. Dimecoin: 1 if votes or the exact election fall within the horizon, else from the pool, after what is left of a hold-out or ban; 0 if waiting does not make it eligible, absent if the end of its ban is not known. PRCYCoin: the same for every enabled masternode, as its code pays, not the pool of its public page. Horizons after the first exist for watched masternodes only.";
    PAYMENT_PROJECTED_HEIGHT: "masternode_payment_projected_height" Gauge Watched []
        "Height of the block by which the masternode is paid at the latest. Absent if banned, and on chains that draw the payee at random.";
    PAYMENT_PROJECTED_TIMESTAMP: "masternode_payment_projected_timestamp_seconds" Gauge Watched []
        "Expected Unix time of masternode_payment_projected_height, from the measured block interval. Absent if that height is.";
    PAYMENT_OVERDUE_BLOCKS: "masternode_payment_overdue_blocks" Gauge Watched []
        "Blocks for which the masternode has been at the head of the payment queue without a payment, 0 if it is not there. Absent if not queued, if it was there before this process looked, and on chains that draw the payee at random.";
    PAYMENT_LAST_HEIGHT: "masternode_payment_last_height" Gauge Watched []
        "Height of the block of the last payment; on Dimecoin as seen by the source node. Absent if never paid, and on chains that hide payments.";
    PAYMENT_LAST_TIMESTAMP: "masternode_payment_last_timestamp_seconds" Gauge Watched []
        "Unix time of the last payment: of the block that paid it, on Dimecoin as seen by the source node. Absent if never paid, until that block is read and, where payments are only counted, until the first one is.";
    PAYMENT_POOL_MEMBER: "masternode_payment_pool_member" Gauge Lean []
        "1 if the masternode is in the pool from which the next payee is drawn, 0 if not. Only on chains with a pool.";
    PAYMENT_DRAW_PROBABILITY: "masternode_payment_draw_probability_ratio" Gauge Watched []
        "Probability, 0 to 1, of being drawn as the next payee. Only on chains that draw the payee at random.";
    PAYMENT_SCHEDULED_HEIGHT: "masternode_payment_scheduled_height" Gauge Watched []
        "Height of the next block that is voted to pay the masternode's payout address. Absent without such votes.";
    PAYMENT_SCHEDULED_VOTES: "masternode_payment_scheduled_votes" Gauge Watched []
        "Number of votes for the payment at masternode_payment_scheduled_height; 6 are binding where payments are enforced. Absent without such votes.";
    PAYMENT_ELECTED_HEIGHT: "masternode_payment_elected_height" Gauge Watched ["certainty"]
        "Height of the next block for which the masternode is elected as payee: exact by the queue and the hashes at the tip (the next vote on Dimecoin, rank 1 on PRCYCoin), forecast by known hashes from the queue as it is now, which states, starts and bans can still change. Absent if no known hash elects it, while an input of the election is missing, and on chains with a deterministic order.";
    PAYMENT_HELD_OUT_SECONDS: "masternode_payment_held_out_seconds" Gauge Watched []
        "Seconds until the masternode becomes eligible for payment after its start: 156 for each known masternode. Only on chains with a pool.";
    PAYMENT_HELD_OUT_BLOCKS: "masternode_payment_held_out_blocks" Gauge Watched []
        "Blocks until the collateral has enough confirmations for the payment queue. Only on chains with a pool; absent until the block of the collateral is known.";
    LAST_SEEN: "masternode_last_seen_timestamp_seconds" Gauge Watched []
        "Unix time of the last ping, as seen by the source node. Only on older chains.";
    ACTIVE_SECONDS: "masternode_active_seconds" Gauge Watched []
        "Seconds between the masternode's start and its last ping. Only on older chains.";
    PAYMENTS: "masternode_payments_total" Counter Watched []
        "Payments since counting began. On Dimecoin, payments to its address, which other masternodes may share. On PRCYCoin, which hides payees, proof-of-stake blocks that elected it; absent if the node does not report the kind of a block.";
    PAYMENT_AMOUNT: "masternode_payment_amount_total" Counter Watched ["recipient"]
        "Coins that blocks paid since counting began, by recipient: owner (all payees of the owner's side), operator. Payments of unknown amount are not in it, see masternode_payments_without_amount_total. Absent if no amount is known, and on chains that hide payments.";
    PAYMENTS_WITHOUT_AMOUNT: "masternode_payments_without_amount_total" Counter Watched []
        "Payments since counting began whose amount for the owner is not known: the node does not show the block's outputs, or other payments in the block cannot be told apart. On chains that show payments.";
    PAYMENTS_LOST: "masternode_payments_lost_total" Counter Watched []
        "Payments lost since counting began: the masternode left the payment queue by a ban or its removal; on Dimecoin, a block that was voted to pay it paid another payee.";
    CHANGES: "masternode_changes_total" Counter Watched ["field"]
        "Changes by owner or operator since counting began: address (the primary one), payout (payees and their shares), operator_key, voting_key, operator_payout, addresses (all except the primary one), version (of the registration). The same key in another encoding is not a change.";
    EXPECTATION_MET: "masternode_expectation_met" Gauge Watched ["field"]
        "1 if the field has the value that the watch list expects, 0 if it has another value. Absent without an expectation, and if the format of the list is not understood.";
    MAINTENANCE: "masternode_maintenance" Gauge Watched []
        "1 while alerting.maintenance mutes the alerts of the masternode, 0 otherwise; as of the time of the list.";
    MAINTENANCE_UNTIL: "masternode_maintenance_until_timestamp_seconds" Gauge Watched []
        "Unix time at which the maintenance of the masternode ends, in the past or the future. Absent without maintenance.";
    PEER_LAST_SUCCESS: "masternode_peer_last_success_timestamp_seconds" Gauge Watched []
        "Unix time at which the source node last connected to the masternode, as that node reports. Absent if never.";
    DKG_SESSION_ACTIVE: "masternode_dkg_session_active" Gauge Watched []
        "Number of active DKG sessions of which the masternode is a member, as reported by sources that are masternodes themselves (for sessions of which they are members too) or run with -watchquorums (for all sessions). Absent if no source reports sessions.";
    DKG_SESSION_BAD_MARKS: "masternode_dkg_session_bad_marks" Gauge Watched []
        "Number of bad votes and complaints against the masternode in active DKG sessions, as seen by sources; it is penalised if enough members agree. Absent if no source reports sessions.";
    DKG_SESSION_CONTRIBUTION: "masternode_dkg_session_contribution_received" Gauge Watched []
        "0 if the contribution of the masternode is missing in an active DKG session whose contribution phase is over, 1 if it is missing in none. Absent if no session has reached that point.";
    P2P_REACHABLE: "masternode_p2p_reachable" Gauge Watched []
        "1 if the last probe completed the P2P handshake with the masternode, 0 if it failed. Absent if not probed, see masternode_p2p_failure.";
    P2P_PROTOCOL_VERSION: "masternode_p2p_protocol_version" Gauge Watched []
        "P2P protocol version that the masternode sent in the last probe. Absent if it sent none.";
    P2P_HANDSHAKE_DURATION: "masternode_p2p_handshake_duration_seconds" Gauge Watched []
        "Seconds from the first packet of the last probe to the end of its handshake. Absent without a completed handshake.";
    P2P_LAST_PROBE: "masternode_p2p_last_probe_timestamp_seconds" Gauge Watched []
        "Unix time at which the last probe ended.";
    P2P_LAST_SUCCESS: "masternode_p2p_last_success_timestamp_seconds" Gauge Watched []
        "Unix time at which a probe of the masternode's current address last completed the handshake. Absent if none did since this process started.";
    P2P_FAILURE: "masternode_p2p_failure" Gauge Watched ["reason"]
        "1 for the reason why the last probe failed or was not made, absent for all others. Failures: refused, timeout, reset, unreachable, wrong_magic, malformed, too_old. Not probed: no_address, name, overlay (onion, I2P), private, unknown_network, no_route.";
    P2P_AGENT_INFO: "masternode_p2p_agent_info" Gauge Watched ["agent"]
        "Constant 1, with the user agent that the masternode sent in the last probe: its first 64 printable characters. Absent if it sent none.";
    REQUIREMENT_MET: "masternode_requirement_met" Gauge Watched ["requirement", "evidence"]
        "1 when the masternode meets what the network demands, 0 when not, by the best evidence at hand. Requirements: p2p_port (probe, else peer_view), protocol_version (probe, else own_node, else list), next_protocol_version (of the newest known release while no source runs it), transaction_relay, compact_filters (both demanded where a source runs Dash Core 24) and release (no known fault; these four by probe, else own_node), protx_version (list; Evo: version 3 or later, demanded once v24 is active), dkg_participation (session: contributed and no bad mark in those under way, else list: not banned and no points of a missed session left), platform (peer_view; Evo). Absent without evidence and where the chain does not demand it.";
    PLATFORM_BANNED: "masternode_platform_banned" Gauge Watched []
        "1 if Dash Platform requested a ban of this Evo node, as seen by the source node, 0 if not. Absent before v23.";
    NETWORK_NODES: "masternode_network_nodes" Gauge Aggregate ["state", "node_type"]
        "Number of masternodes by state and type; the states are those of masternode_state.";
    NETWORK_NODES_BY_VERSION: "masternode_network_nodes_by_version" Gauge Aggregate ["protx_version", "node_type"]
        "Number of masternodes by version of their registration: 1 (legacy key), 2 (basic key), 3 (extended addresses, payees), other, unknown (the node does not report it for this one). Not the version of the software: a transaction of the owner or operator changes it. Absent if the node reports it for none.";
    NETWORK_SHARED_NODES: "masternode_network_shared_nodes" Gauge Aggregate []
        "Number of masternodes with several owners. Absent if the node does not report the versions, and while the payees of a masternode are not understood.";
    NETWORK_SPLIT_PAYOUT_NODES: "masternode_network_split_payout_nodes" Gauge Aggregate []
        "Number of masternodes of one owner with more than one payee. Absent if the node does not report the versions, and while the payees of a masternode are not understood.";
    NETWORK_WATCHED_BY_PROTOCOL: "masternode_network_watched_nodes_by_protocol" Gauge Aggregate ["protocol_version"]
        "Number of watched masternodes by the P2P protocol version that they sent in their last probe: the 16 most frequent versions, the rest as other. Masternodes that sent none are not counted. Absent without probes.";
    NETWORK_WATCHED_BY_RELEASE: "masternode_network_watched_nodes_by_release" Gauge Aggregate ["release"]
        "Number of watched masternodes by the release in the user agent that they sent in their last probe: the 16 most frequent ones, the rest and agents of other software as other. Masternodes that sent none are not counted. Absent without probes.";
    NETWORK_POSE_LIMIT: "masternode_network_pose_limit" Gauge Aggregate []
        "PoSe score at which a masternode is banned: the number of registered masternodes, at least 100.";
    NETWORK_POSE_STEP: "masternode_network_pose_step" Gauge Aggregate []
        "Points that one failed DKG session adds.";
    NETWORK_POSE_SAFE_LEVEL: "masternode_network_pose_safe_level" Gauge Aggregate []
        "Highest PoSe score at which one more failure does not cause a ban: limit minus step; one less on chains where scores do not decay in every block.";
    NETWORK_RISK_NODES: "masternode_network_risk_nodes" Gauge Aggregate ["risk"]
        "Number of masternodes by risk of a ban: clear, decaying, one_failure_from_ban, banned. On chains without a score: clear, unhealthy (in a bad state), banned.";
    NETWORK_PENALTIES: "masternode_network_penalties_total" Counter Aggregate ["node_type"]
        "Failed DKG sessions that raised a score, since counting began.";
    NETWORK_BANS: "masternode_network_bans_total" Counter Aggregate ["node_type"]
        "Bans, since counting began.";
    NETWORK_REVIVALS: "masternode_network_revivals_total" Counter Aggregate ["node_type"]
        "Revivals, since counting began.";
    NETWORK_REGISTRATIONS: "masternode_network_registrations_total" Counter Aggregate ["node_type"]
        "Registrations, since counting began.";
    NETWORK_REMOVALS: "masternode_network_removals_total" Counter Aggregate ["node_type"]
        "Masternodes that left the list, since counting began.";
    NETWORK_PAYMENT_CYCLE: "masternode_network_payment_cycle_blocks" Gauge Aggregate []
        "Blocks in which every valid masternode is paid once. Absent on chains that draw the payee at random.";
    NETWORK_PAYMENT_POOL_SIZE: "masternode_network_payment_pool_size" Gauge Aggregate []
        "Number of masternodes from which the next payee is drawn: Dimecoin's pool, or on PRCYCoin all enabled masternodes. Absent on chains with a deterministic order, and if no masternode is eligible.";
    NETWORK_PAYMENT_ELECTED: "masternode_network_payment_elected_blocks" Gauge Aggregate ["certainty"]
        "Number of blocks after the tip whose payee is known: voted, exact (elected at the tip), forecast (elected by known hashes from the queue as it is now). Absent while the next payee is not computed, for the reason in the network's payment_election_gap of the API, and on chains with a deterministic order.";
    NETWORK_PAYMENT_ELIGIBLE: "masternode_network_payment_eligible_nodes" Gauge Aggregate []
        "Masternodes in the queue from whose head the pool is taken. Only where there is a pool.";
    NETWORK_PING_WARNING: "masternode_network_ping_warning_seconds" Gauge Aggregate []
        "Silence after which a masternode should be looked at. Only where masternodes live by pings.";
    NETWORK_PING_EXPIRY: "masternode_network_ping_expiry_seconds" Gauge Aggregate []
        "Silence after which the chain counts a masternode as expired. Only where masternodes live by pings.";
    NETWORK_BLOCK_INTERVAL: "masternode_network_block_interval_seconds" Gauge Aggregate []
        "Mean time between the last 1000 blocks. Absent when not measured yet.";
    NETWORK_DKG_NEXT_WINDOW: "masternode_network_dkg_next_window_height" Gauge Aggregate []
        "Next height at which the quorum of a DKG session can be mined, and so a score can rise: 11 blocks after the start of a session, for types of 400 members 21, for rotating ones 42; the next block while a session in its mining window has no quorum yet.";
    NETWORK_DKG_NEXT_START: "masternode_network_dkg_next_start_height" Gauge Aggregate []
        "Height at which the next DKG session of any type starts, as reported by a source that is a masternode or watches quorums. Absent if no source reports it.";
    NETWORK_DKG_DRAWN: "masternode_network_dkg_drawn_height" Gauge Aggregate ["quorum_type"]
        "Height at which the DKG session of masternode_dkg_seat starts, or its cycle of sessions. The commitment is due 11 blocks later, for types of 400 members 21, for rotating ones 42, or in a later block of the mining window.";
    NETWORK_ROTATION_SLACK: "masternode_network_rotation_slack_nodes" Gauge Aggregate ["quorum_type"]
        "Number of masternodes that are not banned minus the seats of one cycle of a rotating quorum type (1920 for llmq_60_75). Below 0 some masternodes have two seats in one cycle, which are due in the same block.";
    NETWORK_DKG_SESSIONS: "masternode_network_dkg_sessions_total" Counter Aggregate ["quorum_type", "result"]
        "DKG sessions that ended since counting began, by result: formed, or failed, which penalises no member. Absent if the node does not report them.";
    NETWORK_QUORUM_LAST_MINED: "masternode_network_quorum_last_mined_height" Gauge Aggregate ["quorum_type"]
        "Height of the block with the newest quorum of a type. Absent if none is known: if the node rejects both quorum listextended and getspecialtxes, and if none was mined yet.";
    NETWORK_QUORUM_MISSED_WINDOWS: "masternode_network_quorum_missed_windows" Gauge Aggregate ["quorum_type"]
        "Mining windows without a quorum of a type since its newest one; 0 while quorums form. A session that forms no quorum penalises no masternode. Absent if masternode_network_quorum_last_mined_height is.";
    NETWORK_MAINTENANCE_WINDOW: "masternode_network_maintenance_window_blocks" Gauge Aggregate ["node_type"]
        "Number of blocks in which a restart of a masternode of this type misses no DKG session; 0 means not now.";
    NETWORK_HEIGHT: "masternode_network_height" Gauge Aggregate []
        "Height of the tip that the exporter follows.";
    NETWORK_TIP_TIMESTAMP: "masternode_network_tip_timestamp_seconds" Gauge Aggregate []
        "Unix time in the header of the tip.";
    NETWORK_CHAINLOCK_HEIGHT: "masternode_network_chainlock_height" Gauge Aggregate []
        "Height of the newest block with a ChainLock. Absent if the node knows none.";
    NETWORK_LIST_PROVEN: "masternode_network_list_proven_height" Gauge Aggregate []
        "Height of the newest block whose masternode list was compared with the root in its coinbase and has it. Below masternode_exporter_list_height the newer lists are not proven. Absent before the first proof, and if no source provides what it needs.";
    NETWORK_SCORES_CHECKED: "masternode_network_scores_checked_height" Gauge Aggregate []
        "Height of the newest block whose scores were recomputed from the scores before and the block's commitments, whether they agreed or not. Absent before the first, and if the failed members of no block are known.";
    NETWORK_SPORK: "masternode_network_spork" Gauge Aggregate ["spork"]
        "Value of a spork as the node reports it: a time from which it is active, or a plain value. On Dash 0 is on for all and 1 on for some quorum types.";
    NETWORK_MINIMUM_PROTOCOL: "masternode_network_minimum_protocol_version" Gauge Aggregate []
        "Minimum protocol version of a masternode that nodes of the newest release among the network's sources accept. Absent if it is not known for that release.";
    NETWORK_NEXT_PROTOCOL: "masternode_network_next_minimum_protocol_version" Gauge Aggregate []
        "Minimum protocol version of a masternode that nodes of the newest known release accept, while all sources run an older one. Absent if a source runs it, and on private networks.";
    NETWORK_QUORUM_SPORK: "masternode_network_quorum_spork" Gauge Aggregate ["spork", "quorums"]
        "1 for the quorum types that sporks 21 (members connect to all) and 23 (members vote out those that are unreachable or outdated) cover, 0 for the others: all (value 0), small (1: not llmq_100_67, llmq_400_60, llmq_400_85), none (any other value). Only on Dash.";
    NETWORK_SPORKS_COMPILED_IN: "masternode_network_sporks_compiled_in" Gauge Aggregate []
        "1 if the source node has the values of its sporks compiled in and ignores broadcasts (mainnet since v21), 0 if not. Only on Dash.";
    NETWORK_COINBASE_VERSION: "masternode_network_coinbase_version" Gauge Aggregate []
        "Version of the coinbase transaction of the newest examined block, at least each 24th: 4 from the activation block of Dash Core 24. Absent if the node does not report it.";
    DEPLOYMENT_STATE: "masternode_network_deployment_state" Gauge Aggregate ["deployment", "state"]
        "1 for the state of the deployment for the block after the tip, as nodes report it, 0 for the others: defined (also if the node does not report whether the EHF signal was mined), waiting_for_signal, signalled, started, locked_in, active, failed. Absent if no source reports the deployment.";
    DEPLOYMENT_WINDOW: "masternode_network_deployment_window_blocks" Gauge Aggregate ["deployment"]
        "Blocks of a signalling window; a state changes only at the end of a window. Absent on a private network until signals are counted, and if no source reports the deployment.";
    DEPLOYMENT_SIGNAL_HEIGHT: "masternode_network_deployment_signal_height" Gauge Aggregate ["deployment"]
        "Height of the block with the EHF signal of the deployment. Absent if there is none, or if no source reports it.";
    DEPLOYMENT_SIGNALLING: "masternode_network_deployment_signalling_blocks" Gauge Aggregate ["deployment"]
        "Blocks of the current window that signal for the deployment. Absent while none are counted.";
    DEPLOYMENT_ELAPSED: "masternode_network_deployment_signalling_elapsed_blocks" Gauge Aggregate ["deployment"]
        "Blocks of the current signalling window so far. Absent while none are counted.";
    DEPLOYMENT_THRESHOLD: "masternode_network_deployment_signalling_threshold_blocks" Gauge Aggregate ["deployment"]
        "Number of signalling blocks of one window that lock the deployment in. Absent unless its state is started.";
    DEPLOYMENT_POSSIBLE: "masternode_network_deployment_signalling_possible" Gauge Aggregate ["deployment"]
        "1 if the threshold can still be reached in the current window, 0 if not. Absent if the node does not report it.";
    DEPLOYMENT_ACTIVATION_HEIGHT: "masternode_network_deployment_activation_height" Gauge Aggregate ["deployment"]
        "Height of the first block under the rules of the deployment. Absent before it is locked in; until then see masternode_network_deployment_earliest_activation_height.";
    DEPLOYMENT_ACTIVATION_TIMESTAMP: "masternode_network_deployment_activation_timestamp_seconds" Gauge Aggregate ["deployment"]
        "Expected Unix time of masternode_network_deployment_activation_height, from the measured block interval. Absent before the deployment is locked in, and once that block is reached.";
    DEPLOYMENT_EARLIEST_HEIGHT: "masternode_network_deployment_earliest_activation_height" Gauge Aggregate ["deployment"]
        "Lowest height at which the deployment can activate, while that is not final: the third window after that of the EHF signal, later if a window fails. Absent before the signal is awaited, once the deployment is locked in, and if the window is not known.";
    DEPLOYMENT_EARLIEST_TIMESTAMP: "masternode_network_deployment_earliest_activation_timestamp_seconds" Gauge Aggregate ["deployment"]
        "Expected Unix time of masternode_network_deployment_earliest_activation_height, from the measured block interval. Absent if that height is.";
    DEPLOYMENT_ACTIVE_SINCE: "masternode_network_deployment_active_since_height" Gauge Aggregate ["deployment"]
        "Height of the first block under the rules of the deployment, once the tip has reached it. Absent before, and if no source reports it.";
    GROUP_NODES: "masternode_group_nodes" Gauge Aggregate ["group_key", "group", "risk"]
        "Number of watched masternodes of a group by risk of a ban.";
    WATCH_ENTRY_MATCHES: "masternode_watch_entry_matches" Gauge Aggregate ["entry"]
        "Number of listed masternodes that a selection of the watch list matches, 0 if none; for the first 100 selections.";
    WATCH_ENTRY_KEPT: "masternode_watch_entry_kept" Gauge Aggregate ["entry"]
        "Number of masternodes that a selection of the watch list selected and that it no longer matches: they stay watched; for the first 100 selections.";
    MAINTENANCE_ENTRY_MATCHES: "masternode_maintenance_entry_matches" Gauge Aggregate ["entry"]
        "Number of watched masternodes that an entry of alerting.maintenance matches until it ends, 0 if none; for the first 100 entries.";
    SOURCE_UP: "masternode_exporter_source_up" Gauge Source ["source"]
        "1 if the source answered the last request (warm-up included), 0 otherwise.";
    SOURCE_SYNCED: "masternode_exporter_source_synced" Gauge Source ["source"]
        "1 if the source was usable and synced at the last request, 0 otherwise.";
    SOURCE_NETWORK_MATCH: "masternode_exporter_source_network_match" Gauge Source ["source"]
        "1 if the source is on the configured chain and on the same network as the other sources, 0 otherwise.";
    SOURCE_LAST_SUCCESS: "masternode_exporter_source_last_success_timestamp_seconds" Gauge Source ["source"]
        "Unix time at which the source last confirmed the list or its tip. A source that is not in use confirms its tip only, not the published list.";
    SOURCE_HEIGHT: "masternode_exporter_source_height" Gauge Source ["source"]
        "Height of the source's own tip.";
    SOURCE_BLOCKS_BEHIND: "masternode_exporter_source_blocks_behind" Gauge Source ["source"]
        "Number of blocks by which the source's tip is behind the best tip or header of all sources of its network. A single source without connections cannot know it: see masternode_exporter_source_isolated.";
    SOURCE_TIP_TIMESTAMP: "masternode_exporter_source_tip_timestamp_seconds" Gauge Source ["source"]
        "Unix time in the header of the source's own tip. Absent if the node does not report it (Dash before v20).";
    SOURCE_CONNECTIONS: "masternode_exporter_source_connections" Gauge Source ["source"]
        "Number of peer connections of the source.";
    SOURCE_ISOLATED: "masternode_exporter_source_isolated" Gauge Source ["source"]
        "1 if the source has no peer connections or its networking is disabled, although it still reports that it is synced and ready; 0 otherwise. Such a source is used only if there is no other.";
    SOURCE_RELEASE_BAD: "masternode_exporter_source_release_bad" Gauge Source ["source"]
        "1 if the source runs a release with a known fault (Dash Core 24.0.0, 24.0.1), 0 if no fault of its release is known. Absent while it does not answer.";
    SOURCE_FILTER_INDEX_SYNCED: "masternode_exporter_source_filter_index_synced" Gauge Source ["source"]
        "1 if the source's compact block filter index is synced, 0 while it is being built. Absent if the node does not build one or does not report it (before v21).";
    SOURCE_MASTERNODE_STATE: "masternode_exporter_source_masternode_state" Gauge Source ["source", "masternode", "state"]
        "1 for the state that a source which is itself a masternode reports of itself: ready, waiting, pose_banned, removed, operator_key_changed, address_changed, not_capable (older chains), error, unknown. The label masternode is kept while the node does not report it (during a ban), from an earlier report or its address; empty if neither is known.";
    SOURCE_FOLLOWS_FORK: "masternode_exporter_source_follows_fork" Gauge Source ["source"]
        "1 if the source follows the activation of Dash Core 24, 0 if not: its version is below 24 and it does not report the deployment. Absent if its version is not known, and on private networks where no source reports the deployment.";
    SOURCE_FORK_SPLIT: "masternode_exporter_source_fork_split" Gauge Source ["source"]
        "1 if the source has a different block than the followed chain, two blocks below the lower of both tips or at a height at or after the activation of Dash Core 24; 0 if the blocks are equal. Absent for a single source, and before the first comparison.";
    SOURCE_LIST_PROVEN: "masternode_exporter_source_list_proven" Gauge Source ["source"]
        "1 if the last list of the source that was checked is the one to which its block commits, 0 if it is not: then the source is not used while another one answers. Absent before the first check.";
    FORK_ACTIVATION_HEIGHT: "masternode_exporter_fork_activation_height" Gauge Source []
        "Height of the first block under the rules of Dash Core 24 (if only later blocks were seen, the first of those), once a source or the history reports it with certainty. From the block before it, sources that do not follow are not used. Absent if it is not known.";
    LIST_HEIGHT: "masternode_exporter_list_height" Gauge Aggregate []
        "Height of the masternode list in this exposition.";
    LIST_TIMESTAMP: "masternode_exporter_list_timestamp_seconds" Gauge Aggregate []
        "Unix time at which the masternode list was read from its source.";
    LIST_UNREADABLE: "masternode_exporter_list_unreadable_entries" Gauge Aggregate ["masternode"]
        "Number of unreadable entries of the masternode list, by masternode, which has no other samples. The label is empty for entries without a readable identity. Absent if all entries are readable.";
}

/// The family of masternodes, networks, sources or alerts with a name. `None` if there is none.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().chain(alerts::FAMILIES).find(|family| family.name == name)
}

#[cfg(test)]
mod tests;
