//! Every family about masternodes, networks and their sources, said once: name, kind, tier, labels, help.
//!
//! Never here: values; families about this process (`meters`).

/// How Prometheus treats a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Never goes down while the process runs.
    Counter,
    /// Any value.
    Gauge,
}

/// For whom a family has samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Sources of networks: always, whether there is a list or not.
    Source,
    /// Networks and groups: always, a few dozen samples.
    Aggregate,
    /// Masternodes, all or those at risk, as `series.others` says.
    Lean,
    /// Watched masternodes.
    Watched,
}

impl Tier {
    /// The value of the label `tier`.
    pub fn label(self) -> &'static str {
        match self {
            Tier::Source => "source",
            Tier::Aggregate => "aggregate",
            Tier::Lean => "lean",
            Tier::Watched => "watched",
        }
    }
}

/// One family.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Name, counters with `_total`.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// For whom.
    pub tier: Tier,
    /// Labels next to `network`, and next to `masternode` and `alias` where a sample is of one masternode.
    pub labels: &'static [&'static str],
    /// What it means, its unit, and when it is absent.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident: $name:literal $kind:ident $tier:ident [$($label:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub const $constant: Family =
            Family { name: $name, kind: Kind::$kind, tier: Tier::$tier, labels: &[$($label),*], help: $help };)*
        /// All of them.
        pub const FAMILIES: &[Family] = &[$($constant),*];
    };
}

families! {
    INFO: "masternode_info" Gauge Lean ["node_type", "address", "state", "payout_address", "owner_address", "operator_key"]
        "Constant 1, with what can change: address, state, payout (where there is exactly one payee; masternode_payout_info has all), keys (operator key: first 16 digits), and the groups of a watched masternode. One that is not on the list has its groups and the state unregistered only.";
    PAYOUT_INFO: "masternode_payout_info" Gauge Watched ["payout_address"]
        "Part of the owner's side of each reward, 0 to 1, that goes to an address: a sample for each payee, reward addresses of shares among them. A script without an address is written script: and its digits. Absent where the parts are not known.";
    ENABLED: "masternode_enabled" Gauge Lean []
        "1 when the masternode is on the list in a state that is paid: not banned and, on the older chains, enabled.";
    REGISTERED: "masternode_registered" Gauge Watched []
        "1 when the watched masternode is on the list, 0 when it is not (any more).";
    STATE: "masternode_state" Gauge Watched ["state"]
        "1 for the state that holds, 0 for the others of its chain: enabled, pose_banned, revoked (banned with the operator key zeroed); on the older chains the node's own words.";
    POSE_SCORE: "masternode_pose_score" Gauge Lean []
        "Proof-of-Service penalty points, as the node reports them.";
    POSE_BANNED: "masternode_pose_banned" Gauge Lean []
        "1 when the masternode is banned, for whatever cause: it earns nothing until its owner revives it or, on Dimecoin, the ban ends.";
    POSE_FAILURES_UNTIL_BAN: "masternode_pose_failures_until_ban" Gauge Lean []
        "Further failed DKG sessions that ban if they came in the next block: 2, 1, or 0 when banned.";
    POSE_BLOCKS_UNTIL_SAFE: "masternode_pose_blocks_until_safe" Gauge Lean []
        "Blocks until one more failed DKG session no longer bans. Absent when banned.";
    POSE_BLOCKS_UNTIL_BELOW_TWO_THIRDS: "masternode_pose_blocks_until_below_two_thirds" Gauge Watched []
        "Blocks until the score is below two thirds of the limit, the level that the public pages name. Absent when banned.";
    POSE_BLOCKS_UNTIL_CLEAR: "masternode_pose_blocks_until_clear" Gauge Watched []
        "Blocks until the score is 0. Absent when banned.";
    POSE_SAFE_HEIGHT: "masternode_pose_safe_height" Gauge Watched []
        "Height of the block after which one more failed DKG session no longer bans: a failure mined in that block itself still does. Absent when banned.";
    POSE_CLEAR_HEIGHT: "masternode_pose_clear_height" Gauge Watched []
        "Height at which the score is 0. Absent when banned.";
    POSE_BAN_HEIGHT: "masternode_pose_ban_height" Gauge Watched []
        "Block of the ban in force. Absent when not banned.";
    POSE_BAN_END_HEIGHT: "masternode_pose_ban_end_height" Gauge Watched []
        "Block at which the ban in force should end by itself, an estimate: as many blocks after it was first seen as there were masternodes. Only where bans end (Dimecoin), and absent when the beginning was not seen.";
    POSE_REVIVED_HEIGHT: "masternode_pose_revived_height" Gauge Watched []
        "Block of the last revival, however long ago. Absent when never revived.";
    POSE_LAST_PENALTY_HEIGHT: "masternode_pose_last_penalty_height" Gauge Watched []
        "Block of the last penalty since counting began. Absent when there was none.";
    POSE_TIME_TO_BAN_IF_OFFLINE: "masternode_pose_time_to_ban_if_offline_seconds" Gauge Watched []
        "Expected time until a ban if the masternode went offline now, from its score and how often nodes of its kind are tested. Absent when banned.";
    POSE_TEST_PROBABILITY: "masternode_pose_test_before_safe_probability_ratio" Gauge Watched []
        "Chance, 0 to 1, of a seat in a DKG session whose result is due while one more failure still bans: 0 when safe. A session counts until its quorum is mined or its mining window ends. Absent when banned, and where the chain's quorums are not known.";
    POSE_PENALTIES: "masternode_pose_penalties_total" Counter Watched []
        "Failed DKG sessions that raised the score, since counting began.";
    POSE_BANS: "masternode_pose_bans_total" Counter Watched ["cause"]
        "Bans by cause, since counting began: dkg, revoked, key_changed, no_address, platform, unknown.";
    POSE_REVIVALS: "masternode_pose_revivals_total" Counter Watched []
        "Revivals, since counting began.";
    DKG_MEMBERSHIPS: "masternode_dkg_memberships_total" Counter Watched ["quorum_type", "result"]
        "Seats in quorums that formed, by what their commitment says, since counting began: valid, or invalid, for which it is punished. Absent where the node does not tell them.";
    DKG_SESSIONS_PER_DAY: "masternode_dkg_sessions_per_day" Gauge Watched []
        "DKG sessions a day in which a masternode of this kind is expected to be a member: a rate over all quorum types. Who is drawn next is computed for those that do not rotate (masternode_dkg_seat); for rotating ones, such as llmq_60_75, nothing but this rate is known. Only where the chain's quorums are known (Dash).";
    DKG_SEAT: "masternode_dkg_seat" Gauge Watched ["quorum_type"]
        "1 when the masternode is drawn into the newest DKG session of a type that does not rotate for which that is decided, 0 when it is not: known 8 blocks before the session begins, and told until its commitment can come no more or the next is decided. Computed from the list as the node does it; absent for rotating types, for which masternode_dkg_sessions_per_day is a rate, and where the node does not tell who can be drawn.";
    PAYMENT_QUEUE_POSITION: "masternode_payment_queue_position" Gauge Lean []
        "Place in the payment queue, 1 = paid by the next block; where a pool draws (Dimecoin), 1 = longest unpaid; on PRCYCoin the rank by score, 1 = paid by the next proof-of-stake block. Absent when not eligible.";
    PAYMENT_PROBABILITY: "masternode_payment_probability_ratio" Gauge Lean ["horizon"]
        "Chance of a payment within the horizon, 0 to 1. A deterministic queue knows only 0 and 1; 0 when banned or not eligible. Dimecoin: by the pool as its code draws it; PRCYCoin: the same for every enabled masternode, as its code pays, not the pool of its public page. Further horizons than the first are given for watched masternodes.";
    PAYMENT_PROJECTED_HEIGHT: "masternode_payment_projected_height" Gauge Watched []
        "Block by which the masternode is paid at the latest. Absent when banned, and where chance decides.";
    PAYMENT_LAST_HEIGHT: "masternode_payment_last_height" Gauge Watched []
        "Block of the last payment; on Dimecoin as the answering node saw it. Absent when never paid, and where the chain hides payments.";
    PAYMENT_LAST_TIMESTAMP: "masternode_payment_last_timestamp_seconds" Gauge Watched []
        "When the masternode was last paid, where the list says so: on Dimecoin as the answering node saw it.";
    PAYMENT_POOL_MEMBER: "masternode_payment_pool_member" Gauge Lean []
        "1 when the masternode is in the pool that the next vote draws from. Only where there is a pool.";
    PAYMENT_DRAW_PROBABILITY: "masternode_payment_draw_probability_ratio" Gauge Watched []
        "Chance of the one draw that comes next, 0 to 1. Only where chance decides.";
    PAYMENT_SCHEDULED_HEIGHT: "masternode_payment_scheduled_height" Gauge Watched []
        "Next block that is voted to pay the masternode's payout address. Absent without such votes.";
    PAYMENT_SCHEDULED_VOTES: "masternode_payment_scheduled_votes" Gauge Watched []
        "Votes for that payment; 6 bind where payments are enforced.";
    PAYMENT_HELD_OUT_SECONDS: "masternode_payment_held_out_seconds" Gauge Watched []
        "Seconds for which the masternode is still kept out of the payment queue after its start: 156 for each known masternode. Only where there is a pool.";
    PAYMENT_HELD_OUT_BLOCKS: "masternode_payment_held_out_blocks" Gauge Watched []
        "Blocks until the collateral is deep enough for the payment queue. Only where there is a pool, and absent until the collateral's block is known.";
    LAST_SEEN: "masternode_last_seen_timestamp_seconds" Gauge Watched []
        "Last ping, as the answering node saw it. Only on the older chains.";
    ACTIVE_SECONDS: "masternode_active_seconds" Gauge Watched []
        "Time from the masternode's start to its last ping. Only on the older chains.";
    PAYMENTS: "masternode_payments_total" Counter Watched []
        "Payments, since counting began. On Dimecoin payments to its address, which other masternodes may share.";
    PAYMENTS_LOST: "masternode_payments_lost_total" Counter Watched []
        "Payments lost: the masternode left the queue by a ban or its removal, since counting began.";
    CHANGES: "masternode_changes_total" Counter Watched ["field"]
        "Changes by owner or operator, since counting began: address (the primary one), payout (payees and their parts), operator_key, voting_key, operator_payout, addresses (those beside the primary one), version (of the registration: a change of form). The same key in its other encoding is no change.";
    EXPECTATION_MET: "masternode_expectation_met" Gauge Watched ["field"]
        "1 when the field has the value that the watch list states, 0 when it has another. Absent without a statement, and where the list says it in a form that is not understood.";
    MAINTENANCE: "masternode_maintenance" Gauge Watched []
        "1 while the masternode is being worked on, by alerting.maintenance, so that its alerts are muted; as of the time of the list.";
    MAINTENANCE_UNTIL: "masternode_maintenance_until_timestamp_seconds" Gauge Watched []
        "Unix time at which the work on the masternode ends, be that past or to come. Absent when none is planned.";
    PEER_LAST_SUCCESS: "masternode_peer_last_success_timestamp_seconds" Gauge Watched []
        "When the answering node last connected to the masternode, as it says itself. Absent when never.";
    DKG_SESSION_ACTIVE: "masternode_dkg_session_active" Gauge Watched []
        "DKG sessions under way in which the masternode sits, as sources tell that are masternodes themselves (of sessions that they sit in, too) or run with -watchquorums (of all). Absent where nobody can tell.";
    DKG_SESSION_BAD_MARKS: "masternode_dkg_session_bad_marks" Gauge Watched []
        "How many times sources hold the masternode bad or complain of it in the sessions under way: it will be penalised if enough members agree. Absent as masternode_dkg_session_active is.";
    DKG_SESSION_CONTRIBUTION: "masternode_dkg_session_contribution_received" Gauge Watched []
        "0 when its contribution is missing in a session under way whose phase of contributions is over, 1 when it is missing in none. Absent when no session has come so far.";
    P2P_REACHABLE: "masternode_p2p_reachable" Gauge Watched []
        "1 when the last probe completed the chain's handshake with the masternode, 0 when it did not. Absent when not probed, see masternode_p2p_failure.";
    P2P_PROTOCOL_VERSION: "masternode_p2p_protocol_version" Gauge Watched []
        "Version of the peer-to-peer protocol that the masternode said in the last probe. Absent when it said none.";
    P2P_HANDSHAKE_DURATION: "masternode_p2p_handshake_duration_seconds" Gauge Watched []
        "Time from the first packet of the last probe to the end of its handshake. Absent when there was none.";
    P2P_LAST_PROBE: "masternode_p2p_last_probe_timestamp_seconds" Gauge Watched []
        "When the last probe ended.";
    P2P_LAST_SUCCESS: "masternode_p2p_last_success_timestamp_seconds" Gauge Watched []
        "When a probe of the masternode's present address last completed the handshake. Absent when none did since this process began.";
    P2P_FAILURE: "masternode_p2p_failure" Gauge Watched ["reason"]
        "1 for the reason why the last probe did not succeed, absent for all others. Failures: refused, timeout, reset, unreachable, wrong_magic, malformed, too_old. Not probed: no_address, name, overlay (onion, I2P), private, unknown_network, no_route.";
    P2P_AGENT_INFO: "masternode_p2p_agent_info" Gauge Watched ["agent"]
        "Constant 1, with the user agent that the masternode said in the last probe: its first 64 harmless characters. Absent when it said none.";
    REQUIREMENT_MET: "masternode_requirement_met" Gauge Watched ["requirement", "evidence"]
        "1 when the masternode meets what the network demands, 0 when not, by the best evidence at hand. Requirements: p2p_port (probe, else peer_view), protocol_version (probe, else own_node, else list), next_protocol_version (of the newest known release while no source runs it), transaction_relay, compact_filters (both demanded where a source runs Dash Core 24) and release (no known fault; these four by probe, else own_node), protx_version (list; Evo: version 3 or later, demanded once v24 is active), dkg_participation (session: contributed and no bad mark in those under way, else list: not banned and no points of a missed session left), platform (peer_view; Evo). Absent without evidence and where the chain does not demand it.";
    PLATFORM_BANNED: "masternode_platform_banned" Gauge Watched []
        "1 when the Platform asked for a ban of this Evo node, in the answering node's view. Absent before v23.";
    NETWORK_NODES: "masternode_network_nodes" Gauge Aggregate ["state", "node_type"]
        "Masternodes by state and kind; the states are those of masternode_state.";
    NETWORK_NODES_BY_VERSION: "masternode_network_nodes_by_version" Gauge Aggregate ["protx_version", "node_type"]
        "Masternodes by version of their registration: 1 (legacy key), 2 (basic key), 3 (extended addresses, payees), other, unknown (the node does not say it of this one). Not the version of the software: a transaction of the owner or operator changes it. Absent where the node says it of none.";
    NETWORK_SHARED_NODES: "masternode_network_shared_nodes" Gauge Aggregate []
        "Masternodes of several owners. Absent where the node does not say the versions, and while the payees of a masternode are not understood.";
    NETWORK_SPLIT_PAYOUT_NODES: "masternode_network_split_payout_nodes" Gauge Aggregate []
        "Masternodes of one owner with more than one payee. Absent where the node does not say the versions, and while the payees of a masternode are not understood.";
    NETWORK_WATCHED_BY_PROTOCOL: "masternode_network_watched_nodes_by_protocol" Gauge Aggregate ["protocol_version"]
        "Watched masternodes by the version of the peer-to-peer protocol that they said in their last probe: the 16 most frequent versions, the rest as other. Those that said none are not counted. Absent without probes.";
    NETWORK_WATCHED_BY_RELEASE: "masternode_network_watched_nodes_by_release" Gauge Aggregate ["release"]
        "Watched masternodes by the release in the user agent that they said in their last probe: the 16 most frequent ones, the rest and agents of other software as other. Those that said none are not counted. Absent without probes.";
    NETWORK_POSE_LIMIT: "masternode_network_pose_limit" Gauge Aggregate []
        "Score at which a masternode is banned: the number of registered ones, at least 100.";
    NETWORK_POSE_STEP: "masternode_network_pose_step" Gauge Aggregate []
        "Points that one failed DKG session adds.";
    NETWORK_POSE_SAFE_LEVEL: "masternode_network_pose_safe_level" Gauge Aggregate []
        "Score at or below which one more failure does not ban: limit minus step; one less where scores do not decay in every block.";
    NETWORK_RISK_NODES: "masternode_network_risk_nodes" Gauge Aggregate ["risk"]
        "Masternodes by danger: clear, decaying, one_failure_from_ban, banned. Where no score is shown: clear, unhealthy (in a bad state), banned.";
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
        "Blocks in which every valid masternode is paid once. Absent where chance decides.";
    NETWORK_PAYMENT_POOL_SIZE: "masternode_network_payment_pool_size" Gauge Aggregate []
        "Among how many masternodes the next payee is drawn: Dimecoin's pool, or on PRCYCoin all that are enabled. Absent where an order decides, and when nobody is eligible.";
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
        "Height at which the next DKG session of any type begins, as a source tells that is a masternode or watches quorums.";
    NETWORK_DKG_DRAWN: "masternode_network_dkg_drawn_height" Gauge Aggregate ["quorum_type"]
        "Height with which the DKG session begins that masternode_dkg_seat speaks of. Its result is due 11 blocks later, for types of 400 members 21, or in a later block of its mining window.";
    NETWORK_DKG_SESSIONS: "masternode_network_dkg_sessions_total" Counter Aggregate ["quorum_type", "result"]
        "DKG sessions that ended, since counting began: formed, or failed as a whole, for which nobody is punished. Absent where the node does not tell them.";
    NETWORK_QUORUM_LAST_MINED: "masternode_network_quorum_last_mined_height" Gauge Aggregate ["quorum_type"]
        "Height of the block with the newest quorum of a type. Absent when none is known: where the node refuses both quorum listextended and getspecialtxes, and where none was mined yet.";
    NETWORK_QUORUM_MISSED_WINDOWS: "masternode_network_quorum_missed_windows" Gauge Aggregate ["quorum_type"]
        "Mining windows that ended without a quorum of a type since its newest one; 0 while quorums form. A session that forms no quorum punishes no masternode. Absent as masternode_network_quorum_last_mined_height is.";
    NETWORK_MAINTENANCE_WINDOW: "masternode_network_maintenance_window_blocks" Gauge Aggregate ["node_type"]
        "Blocks left in which a restart of a masternode of this kind misses no DKG session; 0 = not now.";
    NETWORK_HEIGHT: "masternode_network_height" Gauge Aggregate []
        "Height of the tip that is followed.";
    NETWORK_TIP_TIMESTAMP: "masternode_network_tip_timestamp_seconds" Gauge Aggregate []
        "Time in the header of the tip.";
    NETWORK_CHAINLOCK_HEIGHT: "masternode_network_chainlock_height" Gauge Aggregate []
        "Highest block under a ChainLock. Absent when the node knows none.";
    NETWORK_SPORK: "masternode_network_spork" Gauge Aggregate ["spork"]
        "Value of a spork as the node shows it: a time from which on it is active, or a plain value. On Dash 0 is on for all and 1 on for some quorum types.";
    NETWORK_MINIMUM_PROTOCOL: "masternode_network_minimum_protocol_version" Gauge Aggregate []
        "Least protocol version that nodes of the newest release among the network's sources accept of a masternode. Absent when that is not known of its release.";
    NETWORK_NEXT_PROTOCOL: "masternode_network_next_minimum_protocol_version" Gauge Aggregate []
        "Least protocol version that nodes of the newest known release accept of a masternode, while all sources run an older one. Absent where a source runs it, and on private networks.";
    NETWORK_QUORUM_SPORK: "masternode_network_quorum_spork" Gauge Aggregate ["spork", "quorums"]
        "1 for the quorum types that sporks 21 (members connect to all) and 23 (members vote out whom they cannot reach, or who is too old) cover, 0 for the others: all (value 0), small (1: not llmq_100_67, llmq_400_60, llmq_400_85), none (any other value). Only on Dash.";
    NETWORK_SPORKS_COMPILED_IN: "masternode_network_sporks_compiled_in" Gauge Aggregate []
        "1 when the answering node has the values of its sporks compiled in, whatever is broadcast (mainnet since v21), 0 when not. Only on Dash.";
    NETWORK_COINBASE_VERSION: "masternode_network_coinbase_version" Gauge Aggregate []
        "Version of the coinbase transaction of the newest block that was looked at, each 24th at least: 4 from the activation block of Dash Core 24 on. Absent where the node does not tell.";
    DEPLOYMENT_STATE: "masternode_network_deployment_state" Gauge Aggregate ["deployment", "state"]
        "1 for the state of the deployment for the block after the tip, as nodes say it, 0 for the others: defined (also where the node does not say whether the EHF signal was mined), waiting_for_signal, signalled, started, locked_in, active, failed. Absent when no source names the deployment.";
    DEPLOYMENT_WINDOW: "masternode_network_deployment_window_blocks" Gauge Aggregate ["deployment"]
        "Blocks of a signalling window: a state changes at the end of one only. Absent on a private network until signals are counted, and when no source names the deployment.";
    DEPLOYMENT_SIGNAL_HEIGHT: "masternode_network_deployment_signal_height" Gauge Aggregate ["deployment"]
        "Block in which the EHF signal of the deployment was mined. Absent when there is none, or no source says.";
    DEPLOYMENT_SIGNALLING: "masternode_network_deployment_signalling_blocks" Gauge Aggregate ["deployment"]
        "Blocks of the window under way that signal for the deployment. Absent while none are counted.";
    DEPLOYMENT_ELAPSED: "masternode_network_deployment_signalling_elapsed_blocks" Gauge Aggregate ["deployment"]
        "Blocks of that window so far, whether they signal or not. Absent while none are counted.";
    DEPLOYMENT_THRESHOLD: "masternode_network_deployment_signalling_threshold_blocks" Gauge Aggregate ["deployment"]
        "Signalling blocks of one window that lock the deployment in. Absent unless its state is started.";
    DEPLOYMENT_POSSIBLE: "masternode_network_deployment_signalling_possible" Gauge Aggregate ["deployment"]
        "1 when the threshold can still be reached in the window under way, 0 when it cannot. Absent where the node does not say.";
    DEPLOYMENT_ACTIVATION_HEIGHT: "masternode_network_deployment_activation_height" Gauge Aggregate ["deployment"]
        "First block under the rules of the deployment. Absent before it is locked in: masternode_network_deployment_earliest_activation_height is what is possible then.";
    DEPLOYMENT_ACTIVATION_TIMESTAMP: "masternode_network_deployment_activation_timestamp_seconds" Gauge Aggregate ["deployment"]
        "Unix time at which that block is expected, by the measured time between blocks. Absent before it is locked in, and from the block on.";
    DEPLOYMENT_EARLIEST_HEIGHT: "masternode_network_deployment_earliest_activation_height" Gauge Aggregate ["deployment"]
        "Lowest height at which the deployment can activate, while that is not certain: the third window after that of the EHF signal, later when a window fails. Absent before the signal is awaited, once it is locked in, and where the window is not known.";
    DEPLOYMENT_EARLIEST_TIMESTAMP: "masternode_network_deployment_earliest_activation_timestamp_seconds" Gauge Aggregate ["deployment"]
        "Unix time at which that height is expected, by the measured time between blocks. Absent as the height is.";
    DEPLOYMENT_ACTIVE_SINCE: "masternode_network_deployment_active_since_height" Gauge Aggregate ["deployment"]
        "First block under the rules of the deployment, once the tip is that block or a later one. Absent before, and where no source says since when.";
    GROUP_NODES: "masternode_group_nodes" Gauge Aggregate ["group_key", "group", "risk"]
        "Watched masternodes of a group by danger.";
    WATCH_ENTRY_MATCHES: "masternode_watch_entry_matches" Gauge Aggregate ["entry"]
        "Masternodes on the list that a selection of the watch list matches, 0 when it matches none; of the first 100 selections.";
    MAINTENANCE_ENTRY_MATCHES: "masternode_maintenance_entry_matches" Gauge Aggregate ["entry"]
        "Watched masternodes that an entry of alerting.maintenance matches until it ends, 0 when it matches none; of the first 100 entries.";
    SOURCE_UP: "masternode_exporter_source_up" Gauge Source ["source"]
        "Whether the source answered when last asked, if only that it is starting.";
    SOURCE_SYNCED: "masternode_exporter_source_synced" Gauge Source ["source"]
        "Whether the source was usable and in sync when last asked.";
    SOURCE_NETWORK_MATCH: "masternode_exporter_source_network_match" Gauge Source ["source"]
        "Whether the source is on the configured chain and on the same network as the other sources.";
    SOURCE_LAST_SUCCESS: "masternode_exporter_source_last_success_timestamp_seconds" Gauge Source ["source"]
        "Unix time at which the source last confirmed the list or its tip. A source that is not in use confirms its tip only, not the published list.";
    SOURCE_HEIGHT: "masternode_exporter_source_height" Gauge Source ["source"]
        "Height of the source's own tip.";
    SOURCE_BLOCKS_BEHIND: "masternode_exporter_source_blocks_behind" Gauge Source ["source"]
        "Blocks by which the source's tip lies behind the best tip or header that any source of its network knows. A lone source that is cut off cannot know: see masternode_exporter_source_isolated.";
    SOURCE_TIP_TIMESTAMP: "masternode_exporter_source_tip_timestamp_seconds" Gauge Source ["source"]
        "Time in the header of the source's own tip. Absent on nodes that do not tell (Dash before v20).";
    SOURCE_CONNECTIONS: "masternode_exporter_source_connections" Gauge Source ["source"]
        "Connections of the source to other nodes.";
    SOURCE_ISOLATED: "masternode_exporter_source_isolated" Gauge Source ["source"]
        "1 when the source has no connections or its networking is switched off: it goes on to say that it is synced and ready. Such a source is used only when there is no other.";
    SOURCE_RELEASE_BAD: "masternode_exporter_source_release_bad" Gauge Source ["source"]
        "1 when the source runs a release with a known fault (Dash Core 24.0.0, 24.0.1), 0 when no fault of its release is known. Absent while it does not answer.";
    SOURCE_FILTER_INDEX_SYNCED: "masternode_exporter_source_filter_index_synced" Gauge Source ["source"]
        "1 when the source's index of compact block filters is synced, 0 while it is being built. Absent where the node does not build one or does not say (before v21).";
    SOURCE_MASTERNODE_STATE: "masternode_exporter_source_masternode_state" Gauge Source ["source", "masternode", "state"]
        "1 for the state in which a source that is itself a masternode sees itself: ready, waiting, pose_banned, removed, operator_key_changed, address_changed, error, unknown. Which masternode it is stays known while the node no longer tells (during a ban), from before or by its address; empty when neither says.";
    SOURCE_FOLLOWS_FORK: "masternode_exporter_source_follows_fork" Gauge Source ["source"]
        "1 when the source follows the activation of Dash Core 24, 0 when it does not: its version is below 24 and it does not name the deployment. Absent when its version is not known, and on private networks where no source names the deployment.";
    SOURCE_FORK_SPLIT: "masternode_exporter_source_fork_split" Gauge Source ["source"]
        "1 when the source has another block than the followed chain at a height at or after the activation of Dash Core 24, 0 when the blocks are equal. Absent when there is no such height that both have.";
    FORK_ACTIVATION_HEIGHT: "masternode_exporter_fork_activation_height" Gauge Source []
        "First block under the rules of Dash Core 24 (where only later blocks were seen, the first of those), once a source or the history says so with certainty. From the block before it on, sources that do not follow are not used. Absent when it is not known.";
    LIST_HEIGHT: "masternode_exporter_list_height" Gauge Aggregate []
        "Height of the masternode list that this page is true of.";
    LIST_TIMESTAMP: "masternode_exporter_list_timestamp_seconds" Gauge Aggregate []
        "When that list was taken from its source.";
    LIST_UNREADABLE: "masternode_exporter_list_unreadable_entries" Gauge Aggregate ["masternode"]
        "Entries of the masternode list that cannot be read, by masternode: it has no other samples. The label is empty for entries without a readable identity. Absent where all entries are readable.";
}

/// The family of a name; `None` when there is none.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().chain(ALERT_FAMILIES).find(|family| family.name == name)
}

/// Labels of a family of alerts that all subjects can have.
const OF_ALERTS: &[&str] = &["alertname", "severity"];

#[doc = "Every condition."]
pub const ALERT_CONDITION: Family = Family {
    name: "masternode_alert_condition",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: OF_ALERTS,
    help: "1 when the condition of an alert holds, 0 when it is known not to; absent when it is not known. Further labels say of what: masternode, alias, node_type and groups, or group_key and group, quorum_type, source, or receiver.",
};

#[doc = "Conditions of which nothing is known."]
pub const ALERT_CONDITION_UNKNOWN: Family = Family {
    name: "masternode_alert_condition_unknown",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: OF_ALERTS,
    help: "Constant 1 for each condition that is evaluated and not known to hold or not to hold, with the labels that masternode_alert_condition has.",
};

#[doc = "What is said of a condition that holds."]
pub const ALERT_TEXT: Family = Family {
    name: "masternode_alert_text",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &["alertname", "severity", "text"],
    help: "Constant 1 for each condition that holds, with the labels that masternode_alert_condition has and the text of its alert.",
};

#[doc = "Networks with a list."]
pub const ALERT_EVALUATED: Family = Family {
    name: "masternode_alert_evaluated",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &[],
    help: "Constant 1 for each network with a fresh masternode list, of which every watched masternode has its conditions on this page. Absent while the list is not known.",
};

/// The families of alerts. They follow from an evaluation, not from a snapshot.
pub const ALERT_FAMILIES: &[Family] = &[ALERT_CONDITION, ALERT_CONDITION_UNKNOWN, ALERT_TEXT, ALERT_EVALUATED];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for family in FAMILIES {
            assert!(family.name.starts_with("masternode_"), "{}", family.name);
            assert_eq!(family.kind == Kind::Counter, family.name.ends_with("_total"), "{}", family.name);
            assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{}", family.name);
            let reserved = ["service", "endpoint", "type", "owner", "instance", "job", "le", "quantile"];
            assert!(family.labels.iter().all(|label| !reserved.contains(label)), "{}", family.name);
            assert_eq!(FAMILIES.iter().filter(|other| other.name == family.name).count(), 1, "{}", family.name);
        }
    }
}
