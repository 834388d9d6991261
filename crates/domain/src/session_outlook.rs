//! What the DKG sessions ahead mean for the masternodes of a snapshot: quorums, duties, tests before safety, and restarts that
//! miss none.
//!
//! Never here: the rules of sessions (`dkg`), of duties (`duty`) and of restarts (`restart`).

use crate::chain_facts::ChainFacts;
use crate::dkg::{self, KnownMembership, Membership, QuorumType};
use crate::duty::{Duty, DutyInputs, OUTLOOK_BLOCKS, OfflineOutlook, offline_outlook};
use crate::masternode::{Height, Masternode, MasternodeId, NodeType};
use crate::quorum::{Mined, QuorumHealth};
use crate::quorum_selection::SelectedQuorum;
use crate::restart::{
    Outage, OutageCost, Placement, PlannedRestart, QuietWindow, RestartOutlook, blocks_within, cheapest, plan,
    quiet_windows,
};
use crate::snapshot::{NodeView, Snapshot};

impl Snapshot {
    /// The quorum types with a known quorum, and their health.
    pub fn quorums(&self) -> impl Iterator<Item = (&QuorumType, QuorumHealth)> {
        let types = self.quorum_types().unwrap_or_default().iter();
        types.filter_map(|kind| Some((kind, self.quorum_health(kind)?)))
    }

    /// Health of the quorums of a type; `None` when none of them is known.
    pub fn quorum_health(&self, kind: &QuorumType) -> Option<QuorumHealth> {
        let Mined { start, mined } = self.facts().formations.get(kind.name)?.newest?;
        Some(QuorumHealth { last_mined: mined, missed_windows: kind.missed_windows(self.block().height, start) })
    }

    /// A masternode's membership in the newest session, or cycle of sessions, of a type whose members are known.
    pub fn draw(&self, id: &MasternodeId, kind: &QuorumType) -> Option<KnownMembership> {
        let facts = self.facts();
        if let (Some(rotation), MasternodeId::ProTx(pro_tx)) = (facts.rotation(kind), id) {
            let start = rotation.cycle();
            if self.block().height >= start.after(kind.window_end) {
                return None;
            }
            let seated = rotation.seats(pro_tx).iter().any(|seat| seat.start < start.after(kind.interval));
            return Some(KnownMembership { start, seated });
        }
        let drawing = facts.drawings.iter().find(|drawing| drawing.kind == *kind)?;
        Some(KnownMembership { start: drawing.start, seated: drawing.seats(id) })
    }

    /// Next height at which a quorum can be mined.
    pub fn next_commitments(&self) -> Option<Height> {
        dkg::next_due(self.quorum_types()?, self.block().height, |kind| self.facts().open(kind))
    }

    /// Height at which the result of a session is due: the next block if it is late; the first possible block once its
    /// quorum is mined.
    pub fn due(&self, drawing: &SelectedQuorum) -> Height {
        let next = drawing.kind.next_due(self.block().height, self.facts().open(&drawing.kind));
        if drawing.kind.begun(next) == drawing.start { next } else { drawing.due() }
    }

    /// See [`DutyInputs`]; `None` where no quorums are known.
    fn duty_inputs(&self) -> Option<DutyInputs<'_>> {
        let (types, population, tip) = (self.quorum_types()?, self.population(), self.block().height);
        let ChainFacts { drawings, rotations, formations, .. } = self.facts();
        Some(DutyInputs { types, population, selected: drawings, rotations, formations, tip })
    }

    /// Duties of a masternode that are not over and begin up to `until`, by their first block. A banned one is selected for no
    /// further session, but keeps its known seats. `None` where no quorums are known.
    #[must_use]
    pub fn duties(&self, node: &NodeView<'_>, until: Height) -> Option<Vec<Duty>> {
        let Masternode { id, node_type, .. } = node.masternode;
        let mut duties = self.duty_inputs()?.of(id, *node_type, until);
        duties.retain(|duty| duty.is_known() || !node.masternode.is_banned());
        Some(duties)
    }

    /// Its duties in the next [`OUTLOOK_BLOCKS`].
    #[must_use]
    pub fn duties_ahead(&self, node: &NodeView<'_>) -> Option<Vec<Duty>> {
        self.duties(node, self.block().height.after(OUTLOOK_BLOCKS))
    }

    /// What follows if the masternode goes offline after the tip and stays so; `None` when it is banned, and where no quorums are
    /// known.
    #[must_use]
    pub fn offline_outlook(&self, node: &NodeView<'_>) -> Option<OfflineOutlook> {
        let pose = node.pose().filter(|_| !node.masternode.is_banned())?;
        Some(offline_outlook(&self.duties_ahead(node)?, self.block().height, pose.score(), self.limits()?))
    }

    /// Masternodes that are not banned above the seats of a cycle, by rotating type: below 0 some have two seats in a cycle.
    pub fn rotation_slack(&self) -> impl Iterator<Item = (&QuorumType, i64)> {
        let rotating = self.quorum_types().unwrap_or_default().iter().filter(|kind| kind.quorums > 1);
        let valid = i64::try_from(self.population().all_valid()).unwrap_or(i64::MAX);
        rotating.map(move |kind| (kind, valid - i64::from(kind.quorums * kind.size)))
    }

    /// Probability in 0…1 that a DKG session tests the node while one more failure still bans it: 0 when it is safe,
    /// `None` when it is banned or if no quorums are known. A known seat is certain, a known absence spares.
    #[must_use]
    pub fn chance_of_test_before_safe(&self, node: &NodeView<'_>) -> Option<f64> {
        let blocks = node.pose()?.blocks_until_safe()?;
        let inputs = self.duty_inputs()?;
        let Masternode { id, node_type, .. } = node.masternode;
        let open = |kind: &QuorumType| self.facts().open(kind);
        let seat = |kind: &QuorumType, start: Height| inputs.membership(id, kind, start);
        Some(dkg::chance_of_test(inputs.types, *node_type, (inputs.tip, blocks), open, seat))
    }

    /// Blocks in which a restart of a node of this type misses no session; 0 = no safe restart now.
    #[must_use]
    pub fn maintenance_window(&self, node_type: NodeType) -> Option<u32> {
        let inputs = self.duty_inputs()?;
        let seat = |kind: &QuorumType, start| match inputs.has_ended(kind, start) {
            true => Membership::Absent,
            false => Membership::Possible(1.0),
        };
        dkg::maintenance_window(inputs.types, node_type, inputs.tip, seat)
    }

    /// The same for one masternode, longer if it is known not to be a member of the next sessions.
    #[must_use]
    pub fn maintenance_window_of(&self, node: &NodeView<'_>) -> Option<u32> {
        self.maintenance_window_at(node, self.block().height)
    }

    /// The same at a later tip, with current knowledge.
    #[must_use]
    pub fn maintenance_window_at(&self, node: &NodeView<'_>, tip: Height) -> Option<u32> {
        let inputs = self.duty_inputs()?;
        let Masternode { id, node_type, .. } = node.masternode;
        let seat = |kind: &QuorumType, start: Height| inputs.membership(id, kind, start);
        dkg::maintenance_window(inputs.types, *node_type, tip, seat)
    }

    /// An order of restarts in which so many blocks may arrive, at most `parallel` at a time, so that none misses a session ([`plan`]).
    /// In the order of `nodes`; `None` for one of which no sessions are known.
    #[must_use]
    pub fn restart_plan(&self, nodes: &[NodeView<'_>], blocks: u32, parallel: usize) -> Vec<Option<PlannedRestart>> {
        let outlooks: Vec<_> = nodes.iter().map(|node| self.restart_outlook(node, blocks)).collect();
        let windows: Vec<Vec<QuietWindow>> = outlooks.iter().flatten().map(|outlook| outlook.windows.clone()).collect();
        let mut placements = plan(&windows, blocks, parallel).into_iter();
        let planned = outlooks.into_iter().map(|outlook| {
            Some(PlannedRestart { outlook: outlook?, placement: placements.next().unwrap_or(Placement::NoWindow) })
        });
        planned.collect()
    }

    /// Blocks that may arrive during a restart of so many seconds ([`blocks_within`]).
    #[must_use]
    pub fn restart_blocks(&self, seconds: u64) -> u32 {
        blocks_within(seconds, self.facts().spacing_seconds(self.rules()))
    }

    /// Restarts of a masternode in which so many blocks may arrive. They cost a banned one nothing: what it misses has no further
    /// effect (docs/spec/dash.md#pose-state). `None` where no quorums or scores are known.
    #[must_use]
    pub fn restart_outlook(&self, node: &NodeView<'_>, blocks: u32) -> Option<RestartOutlook> {
        let (score, limits) = (node.pose()?.score(), self.limits()?);
        let tip = self.block().height;
        let until = tip.after(OUTLOOK_BLOCKS);
        let mut duties = self.duties(node, until)?;
        duties.retain(|_| !node.masternode.is_banned());
        let now = OutageCost::new(&duties, tip, (score, limits), Outage { after: tip, blocks });
        let cheapest = cheapest(&duties, (tip, until), (score, limits), blocks);
        let windows = quiet_windows(&duties, tip, until);
        Some(RestartOutlook { tip, until, blocks, now, cheapest, windows })
    }
}
