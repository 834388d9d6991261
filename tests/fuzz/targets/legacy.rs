//! Any answer of a node of the older chains, in each list format of a profile.
//!
//! Never here: the text of one masternode (`lines`).

use std::borrow::Cow;

use domain::payment::Vote;
use domain::{Masternode, MasternodeId, chain, rfc3339, state};
use masternode_exporter::rpc::dialect::{self, Item, Shape};
use masternode_exporter::rpc::legacy::answers;

use super::common::{block, read};

/// As in a profile; a dot leads into an object.
const OBJECT: Shape = Shape::Object(Cow::Borrowed(&[
    (Item::ProTxHash, Cow::Borrowed("proTxHash")),
    (Item::State, Cow::Borrowed("status")),
    (Item::PayoutAddress, Cow::Borrowed("payee")),
    (Item::Score, Cow::Borrowed("state.PoSePenalty")),
    (Item::RegisteredHeight, Cow::Borrowed("state.registeredHeight")),
    (Item::BanHeight, Cow::Borrowed("state.PoSeBanHeight")),
    (Item::RevivedHeight, Cow::Borrowed("state.PoSeRevivedHeight")),
    (Item::LastPaidTime, Cow::Borrowed("lastpaidtime")),
    (Item::LastPaidHeight, Cow::Borrowed("lastpaidblock")),
    (Item::Address, Cow::Borrowed("address")),
    (Item::OwnerAddress, Cow::Borrowed("owneraddress")),
    (Item::VotingAddress, Cow::Borrowed("votingaddress")),
    (Item::OperatorKey, Cow::Borrowed("pubkeyoperator")),
]));

/// See the module.
pub fn run(body: &[u8]) {
    for (shape, rules) in [
        (&dialect::DIMECOIN.list.shape, &chain::DIMECOIN),
        (&dialect::PRCYCOIN.list.shape, &chain::PRCYCOIN),
        (&OBJECT, &chain::DASH),
    ] {
        let found = read(answers::registered(body, shape, &state::shared(&rules.states), usize::MAX));
        found.iter().flat_map(|list| &list.masternodes).for_each(entry);
    }
    if let Some(votes) = read(answers::votes(body)) {
        check_votes(&votes);
    }
    if let Some(Some(height)) = read(answers::collateral_height(body, &block(70))) {
        assert!(height.0 <= 70, "a collateral lies at or below the tip");
    }
}

/// Invariants of each masternode of such a list.
pub(super) fn entry(masternode: &Masternode) {
    assert_eq!(masternode.id.to_string().parse::<MasternodeId>(), Ok(masternode.id));
    let Some(announced) = &masternode.announced else { return };
    for time in [announced.last_seen, announced.started_at, announced.last_paid_at].into_iter().flatten() {
        // Every stored time can be displayed.
        assert!(rfc3339::span(&rfc3339::text(time)).is_some(), "{time:?}");
    }
}

/// Votes are in the order of their heights, each with a payee.
pub(super) fn check_votes(votes: &[Vote]) {
    assert!(votes.is_sorted_by_key(|vote| vote.height));
}
