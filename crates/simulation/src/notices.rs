//! Checks what the receivers accepted: once each, in order, and no all-clear while a masternode is banned.
//!
//! Never here: delivery.

use std::collections::BTreeMap;

use crate::chain::Chain;
use crate::clock;
use crate::health::Health;
use crate::invariant::{Checked, Invariant, ensure};
use crate::receivers::{NAMES, Notice};
use crate::wire::Wire;

const MINUTE: u64 = 60_000;

/// Within this time before its end a killed process may not have stored that a message was accepted.
const UNSTORED: u64 = MINUTE / 2;

/// A resolution may refer to the time up to this long ago.
const OLD_NEWS: u64 = 25 * MINUTE;

/// An alert that fires for longer is known to each receiver, in milliseconds.
const LATEST: u64 = 6 * MINUTE;

/// For this long after a start, conditions of recent events that do not hold are unknown, and their alerts not resolved.
const YOUNG: u64 = 60 * MINUTE;

/// Most notices of a receiver in an hour.
const HOURLY: usize = 3000;

/// An alert that fires.
#[derive(Clone, Debug)]
pub(crate) struct FiringAlert {
    pub(crate) name: String,
    pub(crate) masternode: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// For how long.
    pub(crate) seconds: u64,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Notices {
    /// Restarts, each with the time from which the process before may not have stored what it sent.
    restarts: Vec<(u64, u64)>,
    /// From when on the running process may not have stored what it sent.
    unstored_since: Option<u64>,
    /// When the watch list last was another one.
    rewatched: u64,
    pub(crate) seen: u64,
    /// Alerts that a receiver has although they are over, by receiver and key: since when.
    over: BTreeMap<(usize, String), u64>,
    /// The last notices in words.
    pub(crate) told: Vec<String>,
}

impl Notices {
    pub(crate) fn check(&mut self, chain: &Chain, health: &Health) -> Checked {
        let now = clock::millis();
        if health.disk.is_none() || !health.is_undamaged {
            self.unstored_since.get_or_insert(health.process.unwrap_or_default());
        }
        if health.configuration.is_none_or(|since| since > 0 && now.saturating_sub(since) < OLD_NEWS) {
            self.rewatched = now;
        }
        for (number, name) in NAMES.iter().enumerate() {
            let news = Wire::with(|wire| {
                let receiver = wire.receiver(number);
                let news = receiver.notices[receiver.examined..].to_vec();
                receiver.examined = receiver.notices.len();
                news
            });
            self.seen += news.len() as u64;
            for notice in news {
                let (at, status, key, answered) = (notice.at, &notice.status, &notice.key, notice.is_answered);
                self.told.push(format!("{} at {at}: {status} {key}, answered: {answered}", name));
                self.check_notice(number, &notice, (chain, health))?;
                Wire::with(|wire| wire.receiver(number).last.insert(notice.key.clone(), notice));
            }
            let recent = Wire::with(|wire| {
                let from = now.saturating_sub(60 * MINUTE);
                wire.receiver(number).notices.iter().rev().take_while(|notice| notice.at >= from).count()
            });
            ensure(recent <= HOURLY, Invariant::Bounded, || format!("{recent} notices within an hour"))?;
        }
        Ok(())
    }

    fn check_notice(&self, number: usize, notice: &Notice, (chain, health): (&Chain, &Health)) -> Checked {
        let last = Wire::with(|wire| wire.receiver(number).last.get(&notice.key).cloned());
        if let Some(last) = &last {
            let is_again = last.status == notice.status && last.starts_at == notice.starts_at && !notice.is_reminder;
            ensure(!is_again || self.may_repeat(last, notice), Invariant::NotifiedOnce, || {
                format!("{} sent {} twice to {}: after {} s", notice.key, notice.status, NAMES[number], last.at / 1000)
            })?;
        }
        if notice.status == "resolved" && notice.alert == "MasternodePoSeBanned" {
            let standing = notice.labels.get("masternode").and_then(|id| chain.standings.get(id));
            // 0: never.
            let is_recent = |moment: u64| moment > 0 && moment + OLD_NEWS > notice.at;
            let was_clear = standing.is_none_or(|standing| {
                // It was sent as firing during the same ban.
                let is_same = last.as_ref().is_some_and(|last| last.status == "firing" && last.at >= standing.since);
                !standing.is_banned
                    || is_recent(self.rewatched)
                    || is_recent(health.reorg)
                    || (is_recent(standing.since) && !is_same)
            });
            ensure(was_clear, Invariant::NoAllClear, || format!("{} was resolved during the ban", notice.key))?;
        }
        Ok(())
    }

    /// Whether a message may be sent again: its answer was lost, or that it was sent could not be stored.
    fn may_repeat(&self, last: &Notice, notice: &Notice) -> bool {
        let is_forgotten = |(at, unstored): &(u64, u64)| (last.at..=notice.at).contains(at) && last.at >= *unstored;
        !last.is_answered || self.restarts.iter().any(is_forgotten)
    }

    /// A process starts after another one.
    pub(crate) fn process_started(&mut self, ended: u64, is_certain: bool) {
        let unstored = if is_certain { ended.saturating_sub(UNSTORED) } else { 0 };
        let unstored = self.unstored_since.take().map_or(unstored, |since| since.min(unstored));
        // What the process before sent since then may be unknown to this one.
        Wire::with(|wire| {
            let last = wire.receivers.values_mut().flat_map(|receiver| receiver.last.values_mut());
            last.filter(|notice| notice.at >= unstored).for_each(|notice| notice.is_answered = false);
        });
        self.restarts.push((clock::millis(), unstored));
    }

    /// Each receiver knows what has been firing for some time, and nothing else.
    pub(crate) fn check_known(&mut self, firing: &[FiringAlert], health: &Health) -> Checked {
        for (number, name) in NAMES.iter().enumerate() {
            if !health.is_receiver_quiet_for(number, 20 * MINUTE) {
                self.over.retain(|(receiver, _), _| *receiver != number);
                continue;
            }
            let known: Vec<Notice> = Wire::with(|wire| {
                let last = wire.receiver(number).last.values();
                last.filter(|notice| notice.status == "firing").cloned().collect()
            });
            let is_known = |alert: &FiringAlert| known.iter().any(|notice| notice.is_of(&alert.name, &alert.labels));
            let missing = firing.iter().find(|alert| alert.seconds * 1000 > LATEST && !is_known(alert));
            ensure(missing.is_none(), Invariant::NotifiedOnce, || {
                let last = missing.map(|alert| {
                    let of_it = |notice: &&Notice| notice.is_of(&alert.name, &alert.labels);
                    Wire::with(|wire| wire.receiver(number).notices.iter().rev().find(of_it).cloned())
                });
                format!("{name} does not know {missing:?}, but {last:?}")
            })?;
            let fires = |notice: &&Notice| firing.iter().any(|alert| notice.is_of(&alert.name, &alert.labels));
            let over: Vec<&Notice> = known.iter().filter(|notice| notice.is_answered && !fires(notice)).collect();
            self.over.retain(|(receiver, key), _| *receiver != number || over.iter().any(|notice| notice.key == *key));
            let now = clock::millis();
            let known_at = self.restarts.last().map_or(0, |(at, _)| at + YOUNG);
            let open = over.into_iter().find(|notice| {
                let since = *self.over.entry((number, notice.key.clone())).or_insert(now);
                now.saturating_sub(since.max(notice.at).max(known_at)) > LATEST
            });
            ensure(open.is_none(), Invariant::NotifiedOnce, || format!("{name} has {open:?}, which is over"))?;
        }
        Ok(())
    }
}
