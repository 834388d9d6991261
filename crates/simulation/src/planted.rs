//! Bugs that are planted to see that each invariant finds one: in a message on its way, in what is observed, or in the runtime.
//!
//! Never here: bugs of the exporter.

use serde_json::Value;

use crate::invariant::Invariant;
use crate::plan::Plan;

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// An event is not recorded.
    LostEvent,
    /// An event is recorded twice.
    DoubledEvent,
    /// A counter decreases.
    CounterGoesBack,
    /// A score is wrong by one point.
    WrongScore,
    /// A banned masternode is shown as valid.
    BanHidden,
    /// A message is accepted and has no alert.
    LostNotice,
    /// A message has its alerts twice.
    RepeatedNotice,
    /// A message says that a ban is over.
    EarlyAllClear,
    /// The page has a score without a list.
    NumberWithoutList,
    /// Tasks pile up.
    Leak,
    /// After the faults, all sources stay behind the network.
    StaysBehind,
}

impl Planted {
    /// All of them, each with the invariant that finds it.
    pub const ALL: [(Planted, Invariant); 11] = [
        (Planted::LostEvent, Invariant::EventsOnce),
        (Planted::DoubledEvent, Invariant::EventsOnce),
        (Planted::CounterGoesBack, Invariant::Counters),
        (Planted::WrongScore, Invariant::BestChain),
        (Planted::BanHidden, Invariant::NoAllClear),
        (Planted::LostNotice, Invariant::NotifiedOnce),
        (Planted::RepeatedNotice, Invariant::NotifiedOnce),
        (Planted::EarlyAllClear, Invariant::NoAllClear),
        (Planted::NumberWithoutList, Invariant::NoNumberWithoutList),
        (Planted::Leak, Invariant::Bounded),
        (Planted::StaysBehind, Invariant::RightAgain),
    ];

    /// An episode in which it shows.
    #[must_use]
    pub fn plan(self, seed: u64) -> Plan {
        if self == Planted::NumberWithoutList { Plan::without_sources(seed) } else { Plan::short(seed) }
    }

    /// What it does to a message on its way; returns whether it did.
    pub(crate) fn tamper(self) -> Option<fn(&mut Vec<u8>) -> bool> {
        match self {
            Planted::LostNotice => Some(|body| change(body, |alerts| drop(alerts.pop()))),
            Planted::RepeatedNotice => Some(|body| change(body, |alerts| alerts.extend(alerts.clone()))),
            Planted::EarlyAllClear => Some(|body| {
                let is_of_ban = |alert: &Value| alert["alert"] == "MasternodePoSeBanned" && alert["status"] == "firing";
                let mut message: Value = serde_json::from_slice(body).unwrap_or_default();
                let alerts = message["alerts"].as_array_mut().into_iter().flatten();
                let found: Vec<&mut Value> = alerts.filter(|alert| is_of_ban(alert)).collect();
                let is_found = !found.is_empty();
                let ends: Vec<Value> = found.into_iter().map(|alert| alert.clone()).collect();
                for mut end in ends {
                    end["status"] = "resolved".into();
                    message["alerts"].as_array_mut().into_iter().for_each(|alerts| alerts.push(end.clone()));
                }
                *body = message.to_string().into_bytes();
                is_found
            }),
            _ => None,
        }
    }
}

fn change(body: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Value>)) -> bool {
    let mut message: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(alerts) = message["alerts"].as_array_mut().filter(|alerts| !alerts.is_empty()) else { return false };
    change(alerts);
    *body = message.to_string().into_bytes();
    true
}
