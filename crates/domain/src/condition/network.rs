//! Groups, networks and their quorums.
//!
//! Never here: single masternodes; consensus changes.

use crate::condition::{
    Condition, GroupContext, Inhibition, NETWORK, NetworkContext, QuorumTypeContext, Rule, Severity, Verdict, text,
};

/// All of them.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodePenaltyWave",
        Severity::Warning,
        0,
        Rule::Network(penalty_wave),
        [
            "Many masternodes of a network were penalised within an hour.",
            "On {network} many masternodes were penalised within an hour; that hour is over.",
        ],
    )
    .any()
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSePenalized"],
        equal: NETWORK,
        reason: "The network has a problem. Never mutes what is critical, nor how close to a ban a masternode is.",
    }]),
    Condition::new(
        "MasternodeGroupDegraded",
        Severity::Critical,
        60,
        Rule::Group(group_degraded),
        [
            "Several masternodes of a group were penalised within an hour.",
            "Of group {group_key}={group} on {network} several masternodes were penalised, and for an hour no longer so many.",
        ],
    ),
    Condition::new(
        "MasternodeChainStalled",
        Severity::Critical,
        0,
        Rule::Network(chain_stalled),
        [
            "A chain has had no new block for much longer than usual.",
            "The chain of {network} had no new block for long and has blocks again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeChainLockLag", "MasternodePaymentOverdue"],
        equal: NETWORK,
        reason: "Without blocks nobody is paid and nothing is locked.",
    }]),
    Condition::new(
        "MasternodeChainLockLag",
        Severity::Warning,
        600,
        Rule::Network(chainlock_lag),
        ["Blocks of a chain are not locked.", "Blocks of {network} were not locked and are again."],
    ),
    Condition::new(
        "MasternodeQuorumMissing",
        Severity::Warning,
        60,
        Rule::QuorumType(quorum_missing),
        [
            "A quorum type of a network forms no quorums.",
            "{quorum_type} on {network} formed no quorums for a while and does again.",
        ],
    ),
];

fn penalty_wave(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let (failures, thresholds) = (network.events.failures, network.thresholds);
    let share = thresholds.wave_ratio * snapshot.list().registered() as f64;
    if failures >= thresholds.wave_minimum && failures as f64 > share {
        let text = format!(
            "On {} many DKG failures were counted within an hour, at least {}: the network itself has a problem. A single \
             penalty of yours in this time need not be your fault.",
            network.name(),
            thresholds.wave_minimum.max(share as u64 + 1),
        );
        return Verdict::holds(failures as f64, text);
    }
    if network.is_young(thresholds.recent_seconds) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn group_degraded(group: &GroupContext<'_>) -> Verdict {
    let thresholds = group.network.thresholds;
    let is_degraded = |count: u64, all: usize| {
        count >= thresholds.group_nodes || (count >= 2 && count as f64 >= thresholds.group_ratio * all as f64)
    };
    let young = group.network.is_young(thresholds.recent_seconds);
    let (mut all, mut penalised, mut unknown) = (0, 0, 0);
    for member in &group.members {
        let Some(index) = member.index else { continue };
        all += 1;
        let scored = group.snapshot.node(index).pose().is_some_and(|pose| pose.score().0 > 0);
        match member.tally.last_penalty_height {
            Some(height) => penalised += u64::from(group.network.is_recent(height)),
            // What happened before this process began is not known to it.
            None => unknown += u64::from(scored && young),
        }
    }
    if is_degraded(penalised, all) {
        let text = format!(
            "Of group {}={} on {} {penalised} masternodes were penalised within an hour. Look for what they share: host, \
             network, provider, version.",
            group.key,
            group.group,
            group.network.name(),
        );
        return Verdict::holds(penalised as f64, text);
    }
    if is_degraded(penalised + unknown, all) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn chain_stalled(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh.filter(|_| !network.jumped) else { return Verdict::Unknown };
    let (tip, spacing) = (snapshot.block(), snapshot.facts().spacing_seconds(snapshot.rules()));
    let age = network.now.unix.0.saturating_sub(tip.time.0);
    if age <= network.thresholds.stalled_after(spacing) {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "The newest block of {} is {} of {}, and a node in sync confirms that there is none after it. Blocks come every {} on \
         average.",
        network.name(),
        tip.height,
        text::time(tip.time),
        text::duration(spacing.round() as u64),
    );
    Verdict::holds(age as f64, text)
}

fn chainlock_lag(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let Some(locked) = snapshot.facts().chainlock_height else {
        return if snapshot.rules().has_dkg { Verdict::Unknown } else { Verdict::Inapplicable };
    };
    let lag = snapshot.block().height.above(locked);
    if lag <= network.thresholds.chainlock_lag {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "The last ChainLock of {} is at block {locked}, more than {} blocks below the tip. Quorums are not signing: penalties \
         may follow.",
        network.name(),
        network.thresholds.chainlock_lag,
    );
    Verdict::holds(lag, text)
}

fn quorum_missing(quorums: &QuorumTypeContext<'_>) -> Verdict {
    let Some(health) = quorums.snapshot.quorum_health(quorums.quorum_type) else { return Verdict::Unknown };
    let limit = quorums.network.thresholds.quorum_windows;
    if health.missed_windows < limit {
        return Verdict::DoesNotHold;
    }
    let text = format!(
        "{} on {} has formed no quorum in at least {limit} mining windows. A session that forms no quorum punishes no member: it \
         is no fault of a masternode of yours.",
        quorums.quorum_type.name,
        quorums.network.name(),
    );
    Verdict::holds(health.missed_windows, text)
}
