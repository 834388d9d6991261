//! Publishes how far a walk came before a call was refused: a node that refuses many calls may not answer all of a walk at once.
//!
//! Never here: walking; confirming a list, because this one is not that of the tip.

use crate::follower::Follower;
use crate::follower::availability::is_momentary;
use crate::follower::source::SourceError;
use crate::rpc::ChainInfo;

/// Follows a source to its tip, see [`Follower::walk_to_tip`]. If a call was refused on the way, publishes the newest block
/// that was reached, provided that it is above the published one.
pub(super) async fn walk(follower: &mut Follower, index: usize, chain: ChainInfo) -> Result<ChainInfo, SourceError> {
    let walked = follower.walk_to_tip(index, chain.clone()).await;
    let newest = follower.chain.recorded.tip();
    let is_further = newest.is_some_and(|newest| follower.publisher.is_published_before(&newest));
    if is_further && !follower.is_hidden() && walked.as_ref().is_err_and(is_momentary) {
        follower.enrich(index, &chain).await;
        follower.publish();
    }
    walked
}
