//! The transactions that the rules of Dash 24 allow (`src/evo/specialtxman.cpp CheckProUpServTx` and related
//! functions), and the transactions of the new types in a block.
//!
//! Never here: changing a masternode; `block` does that.

use super::action::{Action, ActionError};
use super::block::shared_hash;
use super::extended::{EXTENDED, MOST_SHARES};
use super::list::List;
use super::masternode::Masternode;

/// Maximum number of payees of a masternode (draft of DIP-26).
const MOST_PAYOUTS: u8 = 32;

/// Maximum number of addresses after the primary one.
const MOST_FURTHER: u8 = 3;

/// A transaction of a block that the network stores for `getspecialtxes`.
#[derive(Clone, Debug)]
pub(super) enum Special {
    /// Type 7: the signal of the fork.
    Signal,
    /// Type 10.
    Dissolution(Box<Masternode>),
    /// Type 11, with the number of the share.
    ShareReward(Box<Masternode>, u8),
    /// Type 12.
    SharedKey(Box<Masternode>),
}

/// Rejects actions that Dash 24 does not allow for this masternode. `forked`: its rules are active in the next block.
pub(super) fn check_node(action: &Action, node: &Masternode, forked: bool) -> Result<(), ActionError> {
    let name = node.hash.to_string();
    let allowed = |fits: bool, error: fn(String) -> ActionError| if fits { Ok(()) } else { Err(error(name.clone())) };
    match action {
        Action::Migrate { version, .. } if forked => {
            let fits = match (node.evo, version) {
                (true, version) => *version == EXTENDED,
                (false, 1) => node.version == 1,
                (false, version) => (2..=EXTENDED).contains(version),
            };
            allowed(fits, ActionError::Version)
        }
        Action::Migrate { version, .. } => allowed((1..EXTENDED).contains(version), ActionError::Version),
        Action::SetPayouts { .. }
        | Action::AddAddress { .. }
        | Action::ChangeShareReward { .. }
        | Action::Dissolve { .. }
            if !forked =>
        {
            Err(ActionError::NotForked)
        }
        Action::SetPayouts { payouts, .. } => {
            if *payouts == 0 || *payouts > MOST_PAYOUTS {
                return Err(ActionError::Count(*payouts));
            }
            allowed(!node.is_shared(), ActionError::Shares)?;
            allowed(!node.evo || node.version >= EXTENDED || node.address == 0, ActionError::AddressVersion)
        }
        Action::AddAddress { .. } => allowed(node.further < MOST_FURTHER, ActionError::Address),
        Action::ChangePlatformPorts { .. } => allowed(node.evo && node.address > 0, ActionError::Address),
        Action::ChangePayout { .. } | Action::SpendCollateral { .. } => allowed(!node.is_shared(), ActionError::Shares),
        Action::ChangeShareReward { share, .. } => allowed(*share < node.shares, ActionError::Shares),
        Action::Dissolve { .. } => allowed(node.is_shared(), ActionError::Shares),
        _ => Ok(()),
    }
}

/// Rejects a registration that Dash 24 does not allow.
pub(super) fn check_shared(list: &List, seed: u64, number: u32, shares: u8) -> Result<(), ActionError> {
    if !(2..=MOST_SHARES).contains(&usize::from(shares)) {
        return Err(ActionError::Count(shares));
    }
    if list.was_known(shared_hash(seed, number)) { Err(ActionError::Number(number)) } else { Ok(()) }
}

/// The transaction of a new type that an action creates. `node` is the masternode after the block, or before it if the
/// action removes it.
pub(super) fn special(action: &Action, node: Option<&Masternode>) -> Option<Special> {
    let own = || node.map(|node| Box::new(*node));
    match action {
        Action::SignFork => Some(Special::Signal),
        Action::Dissolve { .. } => own().map(Special::Dissolution),
        Action::ChangeShareReward { share, .. } => own().map(|node| Special::ShareReward(node, *share)),
        Action::ChangeOperatorKey { .. } if node?.is_shared() => own().map(Special::SharedKey),
        _ => None,
    }
}
