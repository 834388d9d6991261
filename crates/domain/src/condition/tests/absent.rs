//! A watched masternode that leaves the list.
//!
//! Never here: one that is in the list.

use super::*;

#[test]
fn a_banned_masternode_that_leaves_the_list_is_unknown_until_it_counts_as_missing() {
    let banned = scored(200).map(|node| Masternode { ban_height: Some(Height(5)), ..node });
    let hold = u64::from(Catalogue::default().find("MasternodeMissing").unwrap().alert.hold_seconds);
    let mut memory = Memory::default();
    let mut at = |node: &Option<Masternode>, seconds: u64| {
        let expectations = vec![(WatchField::Address, "192.0.2.1:9999".to_string())];
        let scene = Scene { node: node.clone(), expectations, ..Scene::default() };
        let mut state = scene.state(None, None);
        let now = Moment { uptime: scene.now().uptime + Duration::from_secs(seconds), ..scene.now() };
        state.sources[0].last_success = Some(now);
        state.confirmed = Some(now);
        let evaluation = evaluate_state(state, &mut memory, now);
        ["MasternodePoSeBanned", "MasternodePoSeRepeatedFailures", "MasternodeNotEnabled", "MasternodeUnexpectedChange"]
            .map(|name| verdict(&evaluation, name))
    };
    assert!(matches!(at(&banned, 0)[0], Some(Verdict::Holds { .. })));
    for seconds in [1, 2, 1 + hold] {
        assert_eq!(at(&None, seconds), [const { Some(Verdict::Unknown) }; 4], "{seconds}");
    }
    assert_eq!(at(&None, 2 + hold), [const { None }; 4], "it is missing now");
    assert!(matches!(at(&banned, 400)[0], Some(Verdict::Holds { .. })));
    assert_eq!(at(&None, 401)[0], Some(Verdict::Unknown), "it left again");
}
