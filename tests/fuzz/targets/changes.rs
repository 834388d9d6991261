//! Any changes, applied to a recorded list, leave a sorted list and events for exactly these changes; or they are
//! refused and change nothing.
//!
//! Never here: whether the chain would make such changes.

use domain::list::Block;
use domain::pose::CONSENSUS;
use domain::{Height, event};
use masternode_exporter::rpc::dash::answers;
use serde_json::Value;

use super::common::{HEIGHT, block, list, read};

/// See the module.
pub fn run(body: &[u8]) {
    let Some((base, target)) = span(body) else {
        // An answer without its blocks cannot have been requested for these.
        assert_eq!(read(answers::list_diff(body, &block(HEIGHT), &block(HEIGHT + 1))).map(drop), None);
        return;
    };
    let Some(mut diff) = read(answers::list_diff(body, &base, &target)).map(|(diff, _)| diff) else { return };
    assert_eq!((diff.base, diff.target), (base.height, target));
    // The recorded list has one height, and any change may follow.
    (diff.base, diff.target) = (Height(HEIGHT), block(HEIGHT + 1));
    let before = list();
    let Ok(after) = before.apply(&diff) else { return };
    let ids: Vec<_> = after.masternodes().iter().map(|masternode| masternode.id).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "the list is sorted without duplicates");
    let mut removed = diff.removed.clone();
    removed.sort_unstable();
    removed.dedup();
    assert_eq!(after.registered() + removed.len(), before.registered() + diff.added.len());
    let events = event::diff(before, &after, Some(&CONSENSUS));
    assert!(events.iter().all(|event| event.exact && event.block == *after.block()));
    let changed = |id| before.get(&id).is_none_or(|old| after.get(&id).is_none_or(|new| !old.same_state(new)));
    assert!(events.iter().all(|event| changed(event.masternode)), "an event of a masternode that did not change");
    let back = event::diff(&after, &after, Some(&CONSENSUS));
    assert_eq!(back, [], "nothing happened between a list and itself");
}

/// The blocks named in the body.
fn span(body: &[u8]) -> Option<(Block, Block)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let height = |name: &str| u32::try_from(value["result"][name].as_u64()?).ok();
    Some((block(height("baseHeight")?), block(height("blockHeight")?)))
}
