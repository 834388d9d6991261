//! Conditions of groups, networks and quorum types.
//!
//! Never here: single masternodes; consensus changes.

use crate::condition::{
    Condition, GroupContext, Inhibition, NETWORK, NetworkContext, QuorumTypeContext, Rule, Severity, Verdict, text,
};
use crate::watch::NOTHING_WATCHED;

/// The conditions of groups, networks and quorum types.
pub(super) const CONDITIONS: &[Condition] = &[
    Condition::new(
        "MasternodePenaltyWave",
        Severity::Warning,
        0,
        Rule::Network(penalty_wave),
        [
            "Many masternodes of a network were penalised recently.",
            "Many masternodes of {network} were penalised; the wave is over.",
        ],
    )
    .any()
    .inhibits(&[Inhibition {
        targets: &["MasternodePoSePenalized"],
        equal: NETWORK,
        reason: "The network has a problem. Critical alerts and distance-to-ban alerts are never inhibited.",
    }]),
    Condition::new(
        "MasternodeGroupDegraded",
        Severity::Critical,
        60,
        Rule::Group(group_degraded),
        [
            "Several masternodes of a group were penalised recently.",
            "Several masternodes of group {group_key}={group} on {network} were penalised; fewer have a recent penalty now.",
        ],
    ),
    Condition::new(
        "MasternodeChainStalled",
        Severity::Critical,
        0,
        Rule::Network(chain_stalled),
        [
            "A chain has had no new block for much longer than usual.",
            "The chain of {network} was stalled and has new blocks again.",
        ],
    )
    .inhibits(&[Inhibition {
        targets: &["MasternodeChainLockLag", "MasternodePaymentOverdue"],
        equal: NETWORK,
        reason: "Without new blocks there are no payments and no ChainLocks.",
    }]),
    Condition::new(
        "MasternodeChainLockLag",
        Severity::Warning,
        600,
        Rule::Network(chainlock_lag),
        ["New blocks of a chain have no ChainLock.", "New blocks of {network} had no ChainLock and have one again."],
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
    Condition::new(
        "MasternodeNoneWatched",
        Severity::Warning,
        300,
        Rule::Network(none_watched),
        [
            "No masternode of a network is watched.",
            "No masternode of {network} was watched; at least one is watched now.",
        ],
    ),
];

fn none_watched(network: &NetworkContext<'_>) -> Verdict {
    Verdict::of(network.fresh.map(|snapshot| snapshot.watched().is_empty()), || {
        format!(
            "{NOTHING_WATCHED} This is network {}. Add your masternodes to watch in the configuration of the exporter.",
            network.name()
        )
    })
}

fn penalty_wave(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh else { return Verdict::Unknown };
    let (failures, thresholds) = (network.events.failures, network.thresholds);
    let share = thresholds.wave_ratio * snapshot.list().registered() as f64;
    if failures >= thresholds.wave_minimum && failures as f64 > share {
        let text = format!(
            "At least {1} DKG failures were counted on {0} in the last {2}: the network itself has a problem. A single penalty \
             in this time may not be caused by your masternode.",
            network.name(),
            thresholds.wave_minimum.max(share as u64 + 1),
            text::duration(thresholds.recent_seconds),
        );
        return Verdict::holds(failures as f64, text);
    }
    if network.is_young(thresholds.recent_seconds) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn group_degraded(group: &GroupContext<'_>) -> Verdict {
    let (thresholds, recent) = (&group.thresholds, group.thresholds.recent_seconds);
    let is_degraded = |count: u64, all: usize| {
        count >= thresholds.group_nodes || (count >= 2 && count as f64 >= thresholds.group_ratio * all as f64)
    };
    let young = group.network.is_young(recent);
    let (mut all, mut penalised, mut unknown) = (0, 0, 0);
    for member in &group.members {
        let Some(index) = member.index else { continue };
        all += 1;
        let scored = group.snapshot.node(index).pose().is_some_and(|pose| pose.score().0 > 0);
        match member.tally.last_penalty_height {
            Some(height) => penalised += u64::from(group.network.is_within(recent, height)),
            // Events before the start of this process are not known.
            None => unknown += u64::from(scored && young),
        }
    }
    if is_degraded(penalised, all) {
        let text = format!(
            "{penalised} masternodes of group {}={} on {} were penalised in the last {}. Check what they have in common: host, \
             network, provider, version.",
            group.key,
            group.group,
            group.network.name(),
            text::duration(recent),
        );
        return Verdict::holds(penalised as f64, text);
    }
    if is_degraded(penalised + unknown, all) { Verdict::Unknown } else { Verdict::DoesNotHold }
}

fn chain_stalled(network: &NetworkContext<'_>) -> Verdict {
    let Some(snapshot) = network.fresh.filter(|_| !network.jumped) else { return Verdict::Unknown };
    let (tip, spacing) = (snapshot.block(), snapshot.facts().spacing_seconds(snapshot.rules()));
    if network.is_clock_behind(tip.time) {
        return Verdict::Unknown;
    }
    let (age, limit) = (network.now.unix.0.saturating_sub(tip.time.0), network.thresholds.stalled_after(spacing));
    if age <= limit {
        return Verdict::DoesNotHold;
    }
    let why = match network.memory.tip_seconds(network.now).filter(|seconds| *seconds <= limit) {
        Some(seconds) => {
            let ahead = age.saturating_sub(seconds).next_multiple_of(60);
            format!("The exporter saw it arrive, so the clock of this host is about {} ahead.", text::duration(ahead))
        }
        None => format!(
            "A synced node confirms that there is no later one. The average block interval is {}.",
            text::duration(spacing.round() as u64)
        ),
    };
    let text = format!("The newest block of {} is {} of {}. {why}", network.name(), tip.height, text::time(tip.time));
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
        "The last ChainLock of {} is at block {locked}, more than {} blocks below the tip. Quorums do not sign; PoSe penalties \
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
        "{} on {} has formed no quorum in at least {limit} mining windows. A DKG session that forms no quorum penalises no \
         member; the cause is not one of your masternodes.",
        quorums.quorum_type.name,
        quorums.network.name(),
    );
    Verdict::holds(health.missed_windows, text)
}
