//! Everything around the exporter: the chain, its nodes, the receivers, the disk, the clock and the configuration. Carries out
//! faults.
//!
//! Never here: the exporter; the schedule.

use std::path::Path;

use simulator::{Fault as NodeFault, LeafField, ServerHandle, ServerOptions};

use crate::chain::Chain;
use crate::clock;
use crate::configuration::{Files, SOURCES};
use crate::disk::{self, Death, DiskFault};
use crate::health::Health;
use crate::plan::{Fault, FaultKind, Lie, Plan};
use crate::receivers::Behaviour;
use crate::wire::{Node, Wire};

/// What a fault does to the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// The configuration is read again.
    Reload {
        /// It is valid.
        is_valid: bool,
    },
    /// It stops in order, for these milliseconds.
    Stop(u64),
    /// A second one starts.
    Second,
    /// It stops in order, an older version takes its place for these milliseconds.
    Rollback(u64),
    /// It is killed, one bit of its file is flipped, and it starts again after these milliseconds.
    Damage(u64),
}

/// See the module.
pub(crate) struct World {
    pub(crate) chain: Chain,
    pub(crate) files: Files,
    pub(crate) health: Health,
    /// All masternodes of the beginning are watched, unless a fault says otherwise.
    all: Vec<String>,
    passwords: [u32; SOURCES],
    /// Passwords that the exporter does not have yet: from when on, of which source.
    late: Vec<(u64, usize)>,
    pub(crate) is_configuration_valid: bool,
    /// How long the process that dies next is down.
    pub(crate) downtime: u64,
}

impl World {
    pub(crate) fn new(plan: &Plan, folder: &Path) -> World {
        let chain = Chain::new(plan.seed, plan.chain);
        let all = chain.masternodes();
        let mut world = World {
            chain,
            files: Files::new(folder, plan.chain),
            health: Health::new(),
            all,
            passwords: [0; SOURCES],
            late: Vec::new(),
            is_configuration_valid: true,
            downtime: 0,
        };
        (0..SOURCES).for_each(|source| world.start_node(source, true));
        world.files.write(&world.all);
        world
    }

    /// A node starts with a new password, which the exporter may get later.
    fn start_node(&mut self, source: usize, is_known: bool) {
        self.passwords[source] += 1;
        let password = format!("secret-{}", self.passwords[source]);
        if is_known {
            self.files.write_password(source, &password);
        }
        let options = ServerOptions { credentials: Some(("user".into(), password)), ..ServerOptions::default() };
        let address = ([127, 0, 0, 1], 20_000 + source as u16).into();
        let server = ServerHandle::at(address, self.chain.network.clone(), options);
        let server = server.expect("without a data directory, nothing is written");
        Wire::with(|wire| wire.nodes.insert(name(source), Node { server, is_down: false }));
    }

    /// Passwords that are due reach the exporter.
    pub(crate) fn deliver_passwords(&mut self) {
        let now = clock::millis();
        for (_, source) in self.late.extract_if(.., |(due, _)| *due <= now) {
            self.files.write_password(source, &format!("secret-{}", self.passwords[source]));
        }
    }

    /// A fault begins. Returns `None` if it cannot now.
    pub(crate) fn begin(&mut self, fault: &Fault) -> Option<Effect> {
        if !self.health.is_free_for(&fault.kind) {
            return None;
        }
        self.health.note(fault, true);
        match &fault.kind {
            FaultKind::Reorg(depth) => self.chain.reorg(*depth),
            FaultKind::Kill(writes, downtime) => self.plan_death(*writes, Death::Killed, *downtime),
            FaultKind::PowerLoss(writes, downtime) => self.plan_death(*writes, Death::PowerLost, *downtime),
            FaultKind::Restart(downtime) => return Some(Effect::Stop(*downtime)),
            FaultKind::SecondExporter => return Some(Effect::Second),
            FaultKind::Rollback(downtime) => return Some(Effect::Rollback(*downtime)),
            FaultKind::BitFlip(downtime) => {
                self.health.is_undamaged = false;
                return Some(Effect::Damage(*downtime));
            }
            FaultKind::ClockJump(seconds) => clock::set_wrong(*seconds, 0),
            FaultKind::ClockDrift(parts) => clock::set_wrong(0, *parts),
            FaultKind::DiskFull => disk::set_fault(DiskFault::Full),
            FaultKind::DiskReadOnly => disk::set_fault(DiskFault::ReadOnly),
            FaultKind::DiskBroken => disk::set_fault(DiskFault::Broken),
            FaultKind::WatchList(choice) => {
                let chosen = |(index, _): &(usize, &String)| choice >> (index % 64) & 1 == 1;
                let some: Vec<String> = self.all.iter().enumerate().filter(chosen).map(|(_, id)| id.clone()).collect();
                self.files.write(if some.is_empty() { &self.all[..1] } else { &some });
                return Some(Effect::Reload { is_valid: true });
            }
            FaultKind::BadConfiguration(way) => {
                self.files.write_invalid(&self.all, *way);
                self.is_configuration_valid = false;
                return Some(Effect::Reload { is_valid: false });
            }
            kind => {
                kind.source().into_iter().for_each(|source| self.begin_at_source(source, kind));
                kind.receiver().into_iter().for_each(|receiver| set_receiver(receiver, behaviour(kind)));
            }
        }
        Some(Effect::None)
    }

    /// A fault ends.
    pub(crate) fn end(&mut self, fault: &Fault) -> Effect {
        self.health.note(fault, false);
        match &fault.kind {
            FaultKind::ClockJump(_) | FaultKind::ClockDrift(_) => clock::set_wrong(0, 0),
            FaultKind::WatchList(_) | FaultKind::BadConfiguration(_) => {
                self.files.write(&self.all);
                self.is_configuration_valid = true;
                return Effect::Reload { is_valid: true };
            }
            kind if kind.is_of_disk() => disk::set_fault(DiskFault::None),
            kind => {
                kind.source().into_iter().for_each(|source| self.end_at_source(source));
                kind.receiver().into_iter().for_each(|receiver| set_receiver(receiver, Behaviour::Accepts));
            }
        }
        Effect::None
    }

    fn plan_death(&mut self, writes: u64, death: Death, downtime: u64) {
        self.downtime = downtime;
        self.health.has_power_failed |= death == Death::PowerLost;
        disk::die_after(writes, death);
    }

    fn begin_at_source(&mut self, source: usize, kind: &FaultKind) {
        if let FaultKind::SourcePassword(_, delay) = kind {
            self.start_node(source, false);
            self.late.push((clock::millis() + delay, source));
            return;
        }
        let tip = self.chain.tip();
        let watched = self.all[source].clone();
        let is_fork = Wire::with(|wire| {
            let node = wire.nodes.get_mut(&name(source))?;
            let faults = node.server.faults();
            match kind {
                FaultKind::SourceDown(_) => node.is_down = true,
                FaultKind::SourceSlow(_, millis) => {
                    faults.set(NodeFault::Slow(tokio::time::Duration::from_millis(*millis)))
                }
                FaultKind::SourceHangs(_) => faults.set(NodeFault::Hang),
                FaultKind::SourceLags(_, blocks) => node.server.set_lag(*blocks),
                FaultKind::SourceForked(_, depth) => {
                    faults.set(NodeFault::FrozenAt(tip));
                    return Some(*depth);
                }
                FaultKind::SourceLies(_, lie) => faults.set(lie_of(*lie, watched)),
                FaultKind::SourceRefuses(_, method) => faults.set_for(NodeFault::Forbidden, &[method]),
                FaultKind::SourceBusy(_) => faults.set(NodeFault::Busy),
                _ => {}
            }
            None
        });
        if let Some(depth) = is_fork {
            self.chain.reorg(depth as usize);
        }
    }

    fn end_at_source(&mut self, source: usize) {
        self.late.retain(|(_, late)| *late != source);
        self.files.write_password(source, &format!("secret-{}", self.passwords[source]));
        Wire::with(|wire| {
            if let Some(node) = wire.nodes.get_mut(&name(source)) {
                node.is_down = false;
                node.server.set_lag(0);
                node.server.faults().clear();
            }
        });
    }
}

fn name(source: usize) -> String {
    format!("node-{source}")
}

fn set_receiver(number: usize, behaviour: Behaviour) {
    Wire::with(|wire| wire.receiver(number).behaviour = behaviour);
}

fn behaviour(kind: &FaultKind) -> Behaviour {
    match kind {
        FaultKind::ReceiverAway(_) => Behaviour::Away,
        FaultKind::ReceiverSlow(_) => Behaviour::Slow,
        FaultKind::ReceiverRefuses(_) => Behaviour::Refuses,
        FaultKind::ReceiverLimits(_, seconds) => Behaviour::Limits(*seconds),
        FaultKind::ReceiverFails(_) => Behaviour::Fails,
        FaultKind::ReceiverLosesAnswers(_) => Behaviour::LosesAnswers,
        _ => Behaviour::Accepts,
    }
}

fn lie_of(lie: Lie, masternode: String) -> NodeFault {
    match lie {
        Lie::OtherNetwork => NodeFault::WrongNetwork,
        Lie::Bitcoin => NodeFault::Bitcoin,
        Lie::NotSynced => NodeFault::NotSynced,
        Lie::Garbage => NodeFault::Garbage,
        Lie::Height => NodeFault::LyingHeight(7),
        Lie::UnknownInDiff => NodeFault::LyingDiff,
        Lie::Banned => NodeFault::LyingLeaf { masternode, field: LeafField::Validity },
        Lie::Torn => NodeFault::Torn(90),
        Lie::WarmUp => NodeFault::WarmUp("Loading block index...".into()),
    }
}
