//! The two branches of a network after the fork of Dash 24: which software follows which branch, and how fast the old
//! one grows.
//!
//! Never here: the effect of a block on a masternode.

use super::action::Action;
use super::fork_life;
use super::random::Hash256;
use super::software::Software;
use super::state::State;

/// Offset of the branch numbers of the old branch, so that its blocks have different hashes.
const OLD: u64 = 1 << 32;

/// The branch that does not follow the fork.
#[derive(Clone, Debug)]
pub(super) struct OldBranch {
    pub(super) state: State,
    /// Due blocks, as a fraction.
    due: f64,
}

impl State {
    /// Whether the rules of Dash 24 are active in the block of this height.
    pub(super) fn forked(&self, height: u32) -> bool {
        self.activation().is_some_and(|first| height >= first)
    }

    /// The first block under the new rules, once it is final.
    pub(super) fn activation(&self) -> Option<u32> {
        if self.left_behind.is_some() {
            return None;
        }
        self.options.fork.as_ref()?.activation(self.signal)
    }

    /// The branch that software of this kind follows.
    pub(super) fn side(&self, software: &Software) -> &Self {
        match &self.old {
            Some(old) if !software.follows_fork() => &old.state,
            _ => self,
        }
    }

    /// Copies the chain as the old branch, before the first block under the new rules.
    pub(super) fn part(&mut self) {
        let tip = self.history.tip().height;
        if self.old.is_some() || self.activation() != Some(tip + 1) {
            return;
        }
        let mut state = self.clone();
        state.left_behind = Some(tip);
        state.start_branch(OLD);
        self.old = Some(Box::new(OldBranch { state, due: 0.0 }));
    }

    /// Mines the due blocks of the old branch.
    pub(super) fn follow_old(&mut self) {
        let pace = self.options.fork.as_ref().map_or(0.0, |fork| fork.old_pace);
        let Some(old) = &mut self.old else { return };
        old.due += pace;
        while old.due >= 1.0 {
            old.due -= 1.0;
            old.state.extend(&[]);
        }
    }

    /// Drops the signal and the old branch if a reorganisation removed the block on which they depend.
    pub(super) fn forget_fork(&mut self) {
        let tip = self.history.tip().height;
        self.signal = self.signal.filter(|signal| *signal <= tip);
        if self.old.as_ref().is_some_and(|old| old.state.left_behind > Some(tip)) {
            self.old = None;
        }
    }

    /// Adds the signal, the migrations and the scenario of the fork to the actions of a block.
    pub(super) fn fork_actions(&mut self, actions: &mut Vec<Action>, height: u32) {
        let Some(fork) = &self.options.fork else { return };
        if fork.signal_height == Some(height) && self.signal.is_none() && !actions.contains(&Action::SignFork) {
            actions.push(Action::SignFork);
        }
        if let Some(active) = self.activation().and_then(|first| height.checked_sub(first)) {
            actions.extend(fork_life::actions(&self.options, fork, &self.list, active));
        }
        // An owner upgrades a masternode before reviving it.
        for action in actions.iter() {
            if let Action::Revive { masternode } = action
                && let Some(node) = Hash256::parse(masternode).and_then(|hash| self.list.find(hash))
            {
                self.outdated.remove(&node.slot);
            }
        }
    }
}
