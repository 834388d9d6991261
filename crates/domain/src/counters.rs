//! Counts of events since the start of the history, across restarts if a history is kept.
//!
//! Never here: events withdrawn by a reorg. These counts never decrease; withdrawn events are counted separately
//! (`meters`).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::dkg_outcome::{DkgOutcome, PastSession};
use crate::event::{BanCause, Event, EventKind, Field};
use crate::masternode::{Height, MasternodeId, NodeType};

/// Counts of events of one masternode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCounters {
    /// Failed sessions that raised the score.
    pub penalties: u64,
    /// Bans, by [`BanCause::ALL`].
    pub bans: [u64; BanCause::ALL.len()],
    /// Revivals.
    pub revivals: u64,
    /// Payments.
    pub payments: u64,
    /// Payments lost with the position in the queue.
    pub payments_lost: u64,
    /// Changes, by [`Field::ALL`].
    pub changes: [u64; Field::ALL.len()],
    /// Block of the last penalty; `None` when none was seen.
    pub last_penalty_height: Option<Height>,
    /// Block of the last ban and how many masternodes there were then; `None` when none was seen.
    pub last_ban: Option<(Height, u32)>,
    /// Memberships in quorums, by quorum type.
    pub memberships: ByQuorumType<Memberships>,
}

/// Counts by the name of a quorum type.
pub type ByQuorumType<T> = BTreeMap<Cow<'static, str>, T>;

/// Memberships of one masternode in quorums that formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// Sessions in which it participated.
    pub valid: u64,
    /// Sessions in which it failed.
    pub invalid: u64,
}

/// Session results of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DkgCounters {
    /// Sessions that formed a quorum.
    pub formed: u64,
    /// Sessions that failed as a whole.
    pub failed: u64,
}

/// Counts of events of all masternodes of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounters {
    /// Failed sessions that raised a score.
    pub penalties: u64,
    /// Bans.
    pub bans: u64,
    /// Revivals.
    pub revivals: u64,
    /// Registrations.
    pub registrations: u64,
    /// Removals.
    pub removals: u64,
}

/// Sessions of a masternode that are kept one by one.
const KEPT_SESSIONS: usize = 64;

/// All counts of one network.
#[derive(Clone, Debug, Default)]
pub struct EventCounters {
    nodes: HashMap<MasternodeId, NodeCounters>,
    network: [NetworkCounters; NodeType::ALL.len()],
    sessions: ByQuorumType<DkgCounters>,
    /// The last sessions of each masternode, in the order in which they ended. Of this process only.
    past: HashMap<MasternodeId, VecDeque<PastSession>>,
}

impl EventCounters {
    /// Counts that continue from earlier ones.
    pub fn continue_from(
        nodes: impl IntoIterator<Item = (MasternodeId, NodeCounters)>,
        network: [NetworkCounters; NodeType::ALL.len()],
        sessions: ByQuorumType<DkgCounters>,
    ) -> EventCounters {
        EventCounters { nodes: nodes.into_iter().collect(), network, sessions, past: HashMap::new() }
    }

    /// These counts plus those of later events.
    #[must_use]
    pub fn add_later(mut self, later: &EventCounters) -> EventCounters {
        for (id, later) in &later.nodes {
            let node = self.nodes.entry(*id).or_default();
            node.penalties += later.penalties;
            (0..).zip(later.bans).for_each(|(cause, bans): (usize, _)| node.bans[cause] += bans);
            node.revivals += later.revivals;
            node.payments += later.payments;
            node.payments_lost += later.payments_lost;
            (0..).zip(later.changes).for_each(|(field, changes): (usize, _)| node.changes[field] += changes);
            node.last_penalty_height = later.last_penalty_height.or(node.last_penalty_height);
            node.last_ban = later.last_ban.or(node.last_ban);
            for (quorum_type, later) in &later.memberships {
                let memberships = node.memberships.entry(quorum_type.clone()).or_default();
                memberships.valid += later.valid;
                memberships.invalid += later.invalid;
            }
        }
        for (network, later) in self.network.iter_mut().zip(&later.network) {
            network.penalties += later.penalties;
            network.bans += later.bans;
            network.revivals += later.revivals;
            network.registrations += later.registrations;
            network.removals += later.removals;
        }
        for (quorum_type, later) in &later.sessions {
            let sessions = self.sessions.entry(quorum_type.clone()).or_default();
            sessions.formed += later.formed;
            sessions.failed += later.failed;
        }
        for (id, sessions) in &later.past {
            sessions.iter().for_each(|session| self.keep(*id, session.clone()));
        }
        self
    }

    /// Keeps a session; one that a reorg mined again replaces what it was before.
    fn keep(&mut self, id: MasternodeId, session: PastSession) {
        let kept = self.past.entry(id).or_default();
        let key = |session: &PastSession| (session.quorum_type.clone(), session.start, session.index);
        kept.retain(|other| key(other) != key(&session));
        kept.push_back(session);
        if kept.len() > KEPT_SESSIONS {
            kept.pop_front();
        }
    }

    /// The last sessions of a masternode that ended with a quorum while this process ran, in the order in which they ended; bounded.
    pub fn past_sessions(&self, id: &MasternodeId) -> Vec<PastSession> {
        self.past.get(id).map_or_else(Vec::new, |kept| kept.iter().cloned().collect())
    }

    /// Counts one event.
    pub fn record(&mut self, event: &Event) {
        let node = self.nodes.entry(event.masternode).or_default();
        let network = &mut self.network[event.node_type as usize];
        match &event.kind {
            EventKind::Penalty { failures, .. } => {
                node.penalties += u64::from(*failures);
                network.penalties += u64::from(*failures);
                node.last_penalty_height = Some(event.block.height);
            }
            EventKind::Ban { cause, among } => {
                node.last_ban = Some((event.block.height, *among));
                node.bans[*cause as usize] += 1;
                network.bans += 1;
            }
            EventKind::Revival => {
                node.revivals += 1;
                network.revivals += 1;
            }
            EventKind::Registration => network.registrations += 1,
            EventKind::Removal => network.removals += 1,
            EventKind::Payment { .. } => node.payments += 1,
            EventKind::PaymentLost => node.payments_lost += 1,
            EventKind::Change(field, _) => node.changes[*field as usize] += 1,
            EventKind::State { .. } => {}
        }
    }

    /// Counts the result of a session.
    pub fn record_session(&mut self, session: &DkgOutcome) {
        let sessions = self.sessions.entry(session.quorum_type.clone()).or_default();
        let Some(members) = &session.members else {
            sessions.failed += 1;
            return;
        };
        sessions.formed += 1;
        for (id, valid) in members {
            let node = self.nodes.entry(*id).or_default();
            let memberships = node.memberships.entry(session.quorum_type.clone()).or_default();
            *(if *valid { &mut memberships.valid } else { &mut memberships.invalid }) += 1;
            if let Some((start, index)) = session.quorum {
                self.keep(
                    *id,
                    PastSession { quorum_type: session.quorum_type.clone(), index, start, attended: *valid },
                );
            }
        }
    }

    /// Session results of the network, by quorum type.
    pub fn sessions(&self) -> &ByQuorumType<DkgCounters> {
        &self.sessions
    }

    /// Restores the block of a masternode's last penalty, after a reorg replaced that block.
    pub fn set_last_penalty(&mut self, id: &MasternodeId, height: Option<Height>) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.last_penalty_height = height;
        }
    }

    /// Counts of one masternode; all zero if it had no events.
    pub fn node(&self, id: &MasternodeId) -> NodeCounters {
        self.nodes.get(id).cloned().unwrap_or_default()
    }

    /// Block of a masternode's last penalty; `None` when none was seen.
    pub fn last_penalty(&self, id: &MasternodeId) -> Option<Height> {
        self.nodes.get(id)?.last_penalty_height
    }

    /// Block of a masternode's last ban and how many masternodes there were then; `None` when none was seen.
    pub fn last_ban(&self, id: &MasternodeId) -> Option<(Height, u32)> {
        self.nodes.get(id)?.last_ban
    }

    /// All masternodes with events, in no particular order.
    pub fn nodes(&self) -> impl Iterator<Item = (&MasternodeId, &NodeCounters)> {
        self.nodes.iter()
    }

    /// Counts of all masternodes of a type, by [`NodeType::ALL`].
    pub fn network(&self) -> &[NetworkCounters; NodeType::ALL.len()] {
        &self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{block, id, penalty};

    #[test]
    fn a_penalty_counts_its_failures() {
        let mut tallies = EventCounters::default();
        let kind = penalty(100, 100, 2, true);
        let event = Event { block: block(5), exact: true, masternode: id(1), node_type: NodeType::Evo, kind };
        tallies.record(&event);
        tallies.record(&Event { kind: EventKind::Ban { cause: BanCause::Dkg, among: 9 }, ..event });
        let node = tallies.node(&id(1));
        assert_eq!((node.penalties, node.bans[0], node.last_penalty_height), (2, 1, Some(Height(5))));
        assert_eq!(tallies.network()[1].penalties, 2);
        assert_eq!(tallies.network()[0], NetworkCounters::default());
        assert_eq!(tallies.node(&id(2)), NodeCounters::default());
    }

    #[test]
    fn each_seat_of_a_session_is_counted_and_the_last_ones_are_kept() {
        let ended = |start: u32, index: u32, attended: bool| DkgOutcome {
            quorum_type: "llmq_60_75".into(),
            quorum: Some((Height(start), index)),
            members: Some(vec![(id(1), attended), (id(2), true)]),
        };
        let mut tallies = EventCounters::default();
        tallies.record_session(&ended(288, 0, true));
        tallies.record_session(&ended(289, 1, false));
        tallies.record_session(&DkgOutcome { quorum_type: "llmq_60_75".into(), quorum: None, members: None });
        let sessions = |tallies: &EventCounters, number: u8| {
            let past = tallies.past_sessions(&id(number));
            past.iter().map(|session| (session.start.0, session.index, session.attended)).collect::<Vec<_>>()
        };
        assert_eq!(tallies.node(&id(1)).memberships["llmq_60_75"], Memberships { valid: 1, invalid: 1 });
        assert_eq!(sessions(&tallies, 1), [(288, 0, true), (289, 1, false)]);
        assert_eq!(sessions(&tallies, 3), []);
        // A reorg: the quorum is mined again.
        tallies.record_session(&ended(289, 1, true));
        assert_eq!(sessions(&tallies, 1), [(288, 0, true), (289, 1, true)]);
        let mut later = EventCounters::default();
        (1..=70).for_each(|cycle| later.record_session(&ended(cycle * 288 + 2, 2, true)));
        let all = tallies.add_later(&later);
        assert_eq!(all.node(&id(1)).memberships["llmq_60_75"], Memberships { valid: 72, invalid: 1 });
        assert_eq!((sessions(&all, 1).len(), sessions(&all, 1)[0].0), (64, 7 * 288 + 2));
    }

    #[test]
    fn continued_counts_equal_the_counts_of_all_events_at_once() {
        let penalty = penalty(66, 66, 1, false);
        let kinds = [
            penalty,
            EventKind::Ban { cause: BanCause::Revoked, among: 9 },
            EventKind::Revival,
            EventKind::Registration,
            EventKind::Removal,
            EventKind::Payment { amount: None, payees: vec![] },
            EventKind::PaymentLost,
            EventKind::Change(Field::Payout, None),
        ];
        let events: Vec<Event> = (1..)
            .zip(kinds.iter().cycle().take(kinds.len() * 3))
            .map(|(height, kind)| {
                let masternode = id(height as u8 % 5);
                let kind = kind.clone();
                Event { block: block(height), exact: true, masternode, node_type: NodeType::Regular, kind }
            })
            .collect();
        let count = |events: &[Event]| {
            let mut tallies = EventCounters::default();
            events.iter().for_each(|event| tallies.record(event));
            tallies
        };
        let all = count(&events);
        for cut in 0..=events.len() {
            let sum = count(&events[..cut]).add_later(&count(&events[cut..]));
            assert_eq!((&sum.nodes, sum.network), (&all.nodes, all.network), "cut at {cut}");
        }
    }
}
