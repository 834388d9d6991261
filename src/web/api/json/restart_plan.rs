//! A plan of restarts of watched masternodes as JSON and as events of a calendar.
//!
//! Never here: the order (`domain::restart`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::calendar::{CalendarEvent, about};
use crate::web::api::json::duties::OutageCost;
use crate::web::api::json::values::Text;
use crate::web::api::json::{Block, Subject};
use domain::duty::OUTLOOK_BLOCKS;
use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::restart::{self, Placement};
use domain::snapshot::{NodeView, Snapshot};

/// An order of restarts of watched masternodes of a network, so that none misses a DKG session.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RestartPlan<'a> {
    /// Name of the network in the configuration.
    network: &'a str,
    #[serde(flatten)]
    block: Block,
    /// How long one restart takes.
    minutes: u32,
    /// Blocks that may arrive during it: more do in fewer than one of 200 restarts.
    blocks: u32,
    /// Maximum number of restarts at a time.
    parallel: u32,
    /// Nothing is planned after this block.
    until_height: u32,
    /// Restarts that miss nothing, by time.
    restarts: Vec<PlannedRestart>,
    /// Masternodes that the plan does not restart.
    not_placed: Vec<NotPlaced>,
}

/// A restart that misses nothing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedRestart {
    /// The masternode.
    pub masternode: Text<MasternodeId>,
    /// Its alias; empty if it has none.
    pub alias: String,
    /// The newest block when it begins.
    pub after_height: u32,
    /// When that block is expected; null when it is mined: now.
    pub after_time: Option<Text<UnixSeconds>>,
}

/// A masternode that a plan does not restart.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NotPlaced {
    /// The masternode.
    pub masternode: Text<MasternodeId>,
    /// Its alias; empty if it has none.
    pub alias: String,
    /// Why.
    pub reason: Reason,
    /// Its cheapest restart; null if its sessions are not known.
    pub cheapest: Option<Cheapest>,
}

/// Why a plan does not restart a masternode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No window is long enough: a session in which it sits or may sit is always too near.
    NoWindow,
    /// Other masternodes restart in its windows.
    Taken,
    /// Its sessions are not known, for example because it is not registered.
    NotKnown,
}

/// The cheapest restart of a masternode, whatever other masternodes do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Cheapest {
    /// The newest block when it begins.
    pub after_height: u32,
    /// When that block is expected; null when it is mined.
    pub after_time: Option<Text<UnixSeconds>>,
    /// What it costs.
    pub cost: OutageCost,
}

impl<'a> RestartPlan<'a> {
    /// That of these masternodes of the snapshot, each restart of so many minutes.
    pub fn new(
        snapshot: &'a Snapshot,
        subjects: &[(MasternodeId, Subject<'_>)],
        minutes: u32,
        parallel: u32,
    ) -> RestartPlan<'a> {
        let blocks = snapshot.restart_blocks(u64::from(minutes) * 60);
        let nodes: Vec<NodeView<'_>> = subjects.iter().filter_map(|(_, subject)| subject.node).collect();
        let mut planned = snapshot.restart_plan(&nodes, blocks, parallel as usize).into_iter();
        let (mut restarts, mut not_placed) = (Vec::new(), Vec::new());
        let expected =
            |height: Height| snapshot.facts().expected_at(height, snapshot.block(), snapshot.rules()).map(Text);
        for (id, subject) in subjects {
            let planned = subject.node.and_then(|_| planned.next().flatten());
            let alias = subject.watched.map(|watched| watched.watched.alias.clone()).unwrap_or_default();
            let (masternode, reason) = (Text(*id), reason(planned.as_ref()));
            match planned {
                Some(restart::PlannedRestart { placement: Placement::Free(after), .. }) => {
                    restarts.push(PlannedRestart {
                        masternode,
                        alias,
                        after_height: after.0,
                        after_time: expected(after),
                    });
                }
                planned => {
                    let cheapest = planned.map(|planned| {
                        let (outage, cost) = planned.outlook.cheapest;
                        Cheapest {
                            after_height: outage.after.0,
                            after_time: expected(outage.after),
                            cost: OutageCost::new(cost),
                        }
                    });
                    not_placed.push(NotPlaced { masternode, alias, reason, cheapest });
                }
            }
        }
        restarts.sort_by_key(|restart| restart.after_height);
        let until_height = snapshot.block().height.after(OUTLOOK_BLOCKS).0;
        let (network, block) = (snapshot.network(), Block::new(snapshot));
        RestartPlan { network, block, minutes, blocks, parallel, until_height, restarts, not_placed }
    }

    /// The restarts that miss nothing, by time.
    pub fn restarts(&self) -> &[PlannedRestart] {
        &self.restarts
    }

    /// Those that it does not restart.
    pub fn not_placed(&self) -> &[NotPlaced] {
        &self.not_placed
    }

    /// Blocks that may arrive during one restart.
    pub fn blocks(&self) -> u32 {
        self.blocks
    }

    /// Nothing is planned after this block.
    pub fn until(&self) -> Height {
        Height(self.until_height)
    }

    /// The restarts as events of a calendar.
    pub fn events(&self, snapshot: &Snapshot) -> Vec<CalendarEvent> {
        let event = |restart: &PlannedRestart| {
            let Text(id) = restart.masternode;
            let name = if restart.alias.is_empty() { id.to_string() } else { restart.alias.clone() };
            let start = about(snapshot, Height(restart.after_height));
            CalendarEvent {
                uid: format!("{}-{id}-restart", self.network),
                stamp: snapshot.block().time,
                start,
                end: UnixSeconds(start.0.saturating_add(u64::from(self.minutes) * 60)),
                summary: format!("Restart {name}"),
                description: format!(
                    "Masternode {id} on {}. After block {}; be back within {} blocks. The time is an estimate: check with \
                     masternode-exporter restart-check before.",
                    self.network, restart.after_height, self.blocks
                ),
            }
        };
        self.restarts.iter().map(event).collect()
    }
}

fn reason(planned: Option<&restart::PlannedRestart>) -> Reason {
    match planned.map(|planned| planned.placement) {
        None => Reason::NotKnown,
        Some(Placement::Taken) => Reason::Taken,
        Some(_) => Reason::NoWindow,
    }
}
