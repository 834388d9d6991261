//! The alerts of a masternode around its ban.
//!
//! Never here: one that leaves the list (`absent`).

use super::*;

const NAME: &str = "MasternodePoSeOneFailureFromBan";

#[test]
fn other_alerts_of_a_masternode_stay_until_its_ban_is_reported() {
    let banned = || scored(200).map(|node| Masternode { ban_height: Some(Height(5)), ..node });
    let at = |memory: &mut Memory, node: Option<Masternode>, seconds: u64| {
        let scene = Scene { node, ..Scene::default() };
        let mut state = scene.state(None, None);
        let now = Moment { uptime: scene.now().uptime + Duration::from_secs(seconds), ..scene.now() };
        state.sources[0].last_success = Some(now);
        state.confirmed = Some(now);
        verdict(&evaluate_state(state, memory, now), NAME)
    };
    let mut memory = Memory::default();
    assert!(matches!(at(&mut memory, scored(150), 0), Some(Verdict::Holds { .. })));
    for seconds in [1, 30, 61] {
        assert_eq!(at(&mut memory, banned(), seconds), Some(Verdict::Unknown), "{seconds}");
    }
    assert_eq!(at(&mut memory, banned(), 62), Some(Verdict::DoesNotHold), "the ban is an alert now");
    let at_start = at(&mut Memory::default(), banned(), 0);
    assert_eq!(at_start, Some(Verdict::DoesNotHold), "it was banned before");
}
