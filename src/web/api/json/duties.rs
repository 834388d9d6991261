//! DKG sessions ahead of a masternode as JSON, what follows if it goes offline, and what a restart costs.
//!
//! Never here: which seats are known (`domain::duty`); when to restart (`domain::restart`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::web::api::json::values::{Text, number};
use crate::web::api::json::{Block, Subject};
use domain::duty::{self, OUTLOOK_BLOCKS};
use domain::masternode::{Height, MasternodeId, UnixSeconds};
use domain::restart::{self, QuietWindow};

/// DKG sessions ahead of a masternode, and what follows if it goes offline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Duties<'a> {
    /// Name of the network in the configuration.
    network: &'a str,
    /// The masternode.
    masternode: Text<MasternodeId>,
    #[serde(flatten)]
    block: Block,
    /// Sessions that begin after this block are not listed.
    until_height: u32,
    /// Sessions in which the masternode sits or may sit, by their first block. Null while it is not registered, and where the
    /// chain's quorums are not known. A banned masternode keeps its known seats.
    duties: Option<Vec<Duty>>,
    /// First height at which two known seats are due: missed together, they ban whatever the score is.
    double_seat_height: Option<u32>,
    /// Height of the first penalty if it goes offline now. Null when banned.
    offline_penalty: Option<Bounds>,
    /// Height of the ban if it goes offline now and stays so. Null when banned.
    offline_ban: Option<Bounds>,
    /// What a restart costs. Null while the masternode is not registered, and where the chain's quorums are not known.
    restart: Option<RestartCost>,
}

/// What a restart costs a masternode now, and when it costs nothing. It costs a banned one nothing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct RestartCost {
    /// How long it takes: the parameter.
    minutes: u32,
    /// Blocks that may arrive during it: more do in fewer than one of 200 restarts.
    blocks: u32,
    /// What it costs now.
    now: OutageCost,
    /// The next window in which it fits; null if there is none up to until_height.
    next_window: Option<Window>,
    /// The longest window up to until_height, whether it fits or not.
    longest_window: Option<Window>,
}

/// What an outage costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OutageCost {
    /// Known seats that it may miss. Each is a failure.
    pub known_seats: usize,
    /// Sessions, or cycles of sessions of a rotating type, that it may miss and in which the masternode may sit.
    pub possible_sessions: usize,
    /// Expected number of seats in those.
    pub expected_seats: f64,
    /// Whether missing the known seats bans.
    pub bans: bool,
    /// Whether missing all of them bans.
    pub may_ban: bool,
}

impl OutageCost {
    pub(super) fn new(cost: restart::OutageCost) -> OutageCost {
        let restart::OutageCost { known, possible, expected, bans, may_ban } = cost;
        OutageCost { known_seats: known, possible_sessions: possible, expected_seats: expected, bans, may_ban }
    }

    /// In words.
    pub fn describe(&self) -> String {
        let OutageCost { known_seats, possible_sessions, expected_seats, bans, may_ban } = *self;
        let (known, possible, expected) = (known_seats, possible_sessions, expected_seats);
        restart::OutageCost { known, possible, expected, bans, may_ban }.describe()
    }
}

/// A time in which no session, known or possible, needs the masternode.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Window {
    /// The newest block when it opens.
    after_height: u32,
    /// When that block is expected; null when it is mined.
    after_time: Option<Text<UnixSeconds>>,
    /// Blocks until the next session begins. The masternode must be back before the last of them.
    blocks: u32,
}

/// A session in which the masternode sits or may sit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Duty {
    /// Name of the quorum type, such as llmq_60_75.
    quorum_type: &'static str,
    /// Index of the quorum in its cycle; null for types that do not rotate, and while it is not known.
    index: Option<u32>,
    /// Whether the seat is known.
    known: bool,
    /// Chance of a seat; 1 for a known one.
    #[schemars(range(min = 0, max = 1))]
    probability: f64,
    /// Block with which the session begins; of a seat that is not known the first block of its cycle.
    start_height: u32,
    /// The newest block from which on a restart misses nothing of it: the end of its busy period.
    end_height: u32,
    /// First height at which a failure can be punished.
    due_height: u32,
    /// When the session is expected to begin; null when it has begun.
    start_time: Option<Text<UnixSeconds>>,
}

/// A height that is known when both ends are equal.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Bounds {
    /// Not before this height; null when not within the sessions that are listed.
    earliest_height: Option<u32>,
    /// Not after this height; null where known seats do not decide it.
    latest_height: Option<u32>,
}

impl Bounds {
    fn new(bounds: duty::Bounds) -> Bounds {
        Bounds { earliest_height: number(bounds.earliest), latest_height: number(bounds.latest) }
    }
}

impl<'a> Duties<'a> {
    /// Those of a masternode, listed or watched, with a restart of so many minutes.
    pub fn new(subject: &Subject<'a>, id: MasternodeId, minutes: u32) -> Duties<'a> {
        let snapshot = subject.snapshot;
        let duties = subject.on_list(|node| snapshot.duties_ahead(node));
        let outlook = subject.on_list(|node| snapshot.offline_outlook(node));
        let (tip, facts) = (snapshot.block(), snapshot.facts());
        let expected = |height: Height| facts.expected_at(height, tip, snapshot.rules()).map(Text);
        let blocks = snapshot.restart_blocks(u64::from(minutes) * 60);
        let restart = subject.on_list(|node| snapshot.restart_outlook(node, blocks));
        let window = |window: QuietWindow| Window {
            after_height: window.after.0,
            after_time: expected(window.after),
            blocks: window.blocks,
        };
        Duties {
            network: snapshot.network(),
            masternode: Text(id),
            block: Block::new(snapshot),
            until_height: tip.height.after(OUTLOOK_BLOCKS).0,
            double_seat_height: number(duties.as_deref().and_then(duty::double_seat)),
            duties: duties.map(|duties| {
                let duty = |duty: &duty::Duty| Duty {
                    quorum_type: duty.quorum_type,
                    index: duty.index,
                    known: duty.is_known(),
                    probability: duty.chance,
                    start_height: duty.start.0,
                    end_height: duty.end.0,
                    due_height: duty.due.0,
                    start_time: expected(duty.start),
                };
                duties.iter().map(duty).collect()
            }),
            offline_penalty: outlook.map(|outlook| Bounds::new(outlook.penalty)),
            offline_ban: outlook.map(|outlook| Bounds::new(outlook.ban)),
            restart: restart.map(|restart| RestartCost {
                minutes,
                blocks,
                now: OutageCost::new(restart.now),
                next_window: restart.next().map(window),
                longest_window: restart.longest().map(window),
            }),
        }
    }
}
