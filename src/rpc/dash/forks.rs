//! Parsers of forks: `getdeploymentinfo` (v24 and later), otherwise `softforks` of `getblockchaininfo`, an object by
//! name since v20 and an array before (docs/spec/dash-24.md#activation).
//!
//! Every field is optional, and an unreadable fork affects itself only. Dash's own keys (`ehf`, `ehf_height`,
//! `activation_height`) are accepted at every level.
//!
//! Never here: the resulting state (`domain::deployment`).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::rpc::dash::answers::result;
use crate::rpc::error::ErrorKind;
use domain::ForeignText;
use domain::deployment::{Bip9, Fork, Forks, Signalling};
use domain::masternode::{Height, UnixSeconds};

/// Most forks of an answer that are read.
const MOST: usize = 256;

#[derive(Deserialize)]
struct WireDeployments {
    /// The block of the answer.
    #[serde(default)]
    height: Value,
    deployments: Map<String, Value>,
}

/// `getdeploymentinfo`.
pub fn deployments(body: &[u8]) -> Result<Forks, ErrorKind> {
    let wire: WireDeployments = result(body)?;
    let asked = wire.height.as_u64().and_then(|height| u32::try_from(height).ok()).map(Height);
    Ok(wire.deployments.iter().take(MOST).map(|(name, fork)| (ForeignText::new(name), read(fork, asked))).collect())
}

/// `softforks` and, before v20, `bip9_softforks` of `getblockchaininfo`; `None` if it has neither.
pub(super) fn softforks(softforks: Option<&Value>, bip9: Option<&Value>) -> Option<Forks> {
    if softforks.is_none() && bip9.is_none() {
        return None;
    }
    let mut forks = Forks::new();
    for value in [softforks, bip9].into_iter().flatten() {
        let named: Vec<(&str, &Value)> = match value {
            Value::Object(forks) => forks.iter().map(|(name, fork)| (name.as_str(), fork)).collect(),
            Value::Array(forks) => forks.iter().filter_map(|fork| Some((fork.get("id")?.as_str()?, fork))).collect(),
            _ => Vec::new(),
        };
        for (name, fork) in named.into_iter().take(MOST) {
            forks.entry(name.into()).or_insert_with(|| read(fork, None));
        }
    }
    Some(forks)
}

/// `asked` is the block of an answer that reports the state of that block and of the next one separately.
fn read(fork: &Value, asked: Option<Height>) -> Fork {
    // Before v20 the fields of a deployment are in the fork itself, and a buried fork has `reject.status`.
    let inner = fork.get("bip9").filter(|inner| inner.is_object());
    let place = inner.or_else(|| fork.get("status").map(|_| fork));
    let bip9 = place.and_then(|place| bip9(fork, place, asked));
    let by_status = || bip9.as_ref().map(|bip9| bip9.status == "active");
    let buried = || fork.get("reject")?.get("status")?.as_bool();
    let active = fork.get("active").and_then(Value::as_bool);
    Fork { active: active.or_else(by_status).or_else(buried), height: height(fork, "height"), bip9 }
}

fn bip9(fork: &Value, place: &Value, asked: Option<Height>) -> Option<Bip9> {
    let text = |key: &str| place.get(key).and_then(Value::as_str);
    // The state of the next block, which `softforks` calls the status.
    let status = text("status_next").or_else(|| text("status"))?.into();
    // `since` is the first block of `status`; a state that begins with the next block has its height.
    let begins = text("status_next").is_some_and(|next| text("status").is_some_and(|status| status != next));
    let since = if begins { asked.map(|asked| asked.after(1)) } else { height(place, "since") };
    let either = |key: &str| place.get(key).or_else(|| fork.get(key));
    let either_height = |key: &str| height(place, key).or_else(|| height(fork, key));
    let start = ["start_time", "startTime"].into_iter().find_map(|key| place.get(key)?.as_i64());
    let known = ["ehf", "ehf_height", "ehfHeight"].into_iter().any(|key| either(key).is_some());
    Some(Bip9 {
        status,
        start_time: start.map(|start| UnixSeconds(u64::try_from(start).unwrap_or(0))),
        since,
        needs_signal: either("ehf").and_then(Value::as_bool).or(known.then_some(true)),
        signal_height: either_height("ehf_height"),
        activation_height: either_height("activation_height"),
        signalling: place.get("statistics").and_then(signalling),
    })
}

fn signalling(statistics: &Value) -> Option<Signalling> {
    let number = |key: &str| u32::try_from(statistics.get(key)?.as_u64()?).ok();
    Some(Signalling {
        window: number("period").or_else(|| number("window"))?,
        elapsed: number("elapsed")?,
        count: number("count")?,
        threshold: number("threshold").filter(|threshold| *threshold > 0),
        possible: statistics.get("possible").and_then(Value::as_bool),
    })
}

fn height(value: &Value, key: &str) -> Option<Height> {
    u32::try_from(value.get(key)?.as_u64()?).ok().map(Height)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use domain::deployment::V24;

    fn fork(value: Value) -> Fork {
        read(&value, None)
    }

    #[test]
    fn both_forms_of_an_answer_say_the_same() {
        let statistics = json!({"period": 24, "elapsed": 12, "count": 12, "threshold": 19, "possible": true});
        let inner = json!({"status": "started", "bit": 12, "start_time": 0, "timeout": 999_999_999_999_u64,
            "ehf": true, "ehf_height": 191, "since": 192, "statistics": statistics});
        let mut named = inner.clone();
        named["status_next"] = json!("started");
        let old = softforks(Some(&json!({"v24": {"type": "bip9", "bip9": inner, "active": false}})), None).unwrap();
        let body = json!({"result": {"hash": "00", "height": 203, "deployments":
            {"v24": {"type": "bip9", "active": false, "bip9": named}}}, "error": null});
        let new = deployments(body.to_string().as_bytes()).unwrap();
        assert_eq!(old, new);
        let bip9 = new[V24].bip9.clone().unwrap();
        assert_eq!(
            (bip9.status.as_str(), bip9.since, bip9.signal_height),
            ("started", Some(Height(192)), Some(Height(191)))
        );
        let signalling = Signalling { window: 24, elapsed: 12, count: 12, threshold: Some(19), possible: Some(true) };
        assert_eq!(bip9.signalling, Some(signalling));
    }

    #[test]
    fn a_state_that_begins_with_the_next_block_has_that_block_as_its_first() {
        // Window 24: asked for the last block of a window, its state, the next state and its first block.
        for (asked, status, since, next, begins) in [
            (215, "started", 192, "locked_in", 216),
            (239, "locked_in", 216, "active", 240),
            (238, "locked_in", 216, "locked_in", 216),
        ] {
            let body = json!({"result": {"hash": "00", "height": asked, "deployments": {"v24": {"type": "bip9",
                "active": next == "active", "bip9": {"status": status, "since": since, "status_next": next}}}}, "error": null});
            let bip9 = deployments(body.to_string().as_bytes()).unwrap()[V24].bip9.clone().unwrap();
            assert_eq!((bip9.status.as_str(), bip9.since), (next, Some(Height(begins))), "{asked}");
        }
        let unnumbered = json!({"result": {"deployments": {"v24": {"type": "bip9", "active": false,
            "bip9": {"status": "started", "since": 192, "status_next": "locked_in"}}}}, "error": null});
        let bip9 = deployments(unnumbered.to_string().as_bytes()).unwrap()[V24].bip9.clone().unwrap();
        assert_eq!(bip9.since, None, "the height of the answer is missing");
        let odd = json!({"result": {"height": "x", "deployments": {"v24": {"type": "bip9", "active": false,
            "bip9": {"status": "started", "since": 192, "status_next": "started"}}}}, "error": null});
        let bip9 = deployments(odd.to_string().as_bytes()).unwrap()[V24].bip9.clone().unwrap();
        assert_eq!(bip9.since, Some(Height(192)), "an odd height costs itself only");
    }

    #[test]
    fn the_keys_of_dash_are_read_from_either_place_or_missed_alone() {
        let outside = json!({"type": "bip9", "active": false, "ehf": true, "ehf_height": 5, "activation_height": 9,
            "bip9": {"status": "locked_in", "since": 3}});
        let bip9 = fork(outside).bip9.unwrap();
        assert_eq!(
            (bip9.needs_signal, bip9.signal_height, bip9.activation_height),
            (Some(true), Some(Height(5)), Some(Height(9)))
        );
        let without = fork(json!({"bip9": {"status": "defined", "start_time": 1_794_182_400}})).bip9.unwrap();
        assert_eq!((without.needs_signal, without.signal_height), (None, None), "not said, which is not no");
        // One strange field never costs the fork, one strange fork never the others.
        let strange = json!({"a": 7, "b": {"bip9": {"status": 4}}, "c": {"active": "yes", "height": -1}, "d":
            {"active": true, "bip9": {"status": "active", "start_time": -1, "since": "x", "statistics": []}}});
        let forks = softforks(Some(&strange), None).unwrap();
        assert_eq!(forks.len(), 4);
        assert_eq!((forks["a"].clone(), forks["b"].clone(), forks["c"].clone()), Default::default());
        assert_eq!(
            (forks["d"].active, forks["d"].bip9.as_ref().unwrap().start_time),
            (Some(true), Some(UnixSeconds(0)))
        );
    }

    #[test]
    fn the_arrays_before_v20_are_read() {
        let buried = json!([{"id": "bip34", "version": 2, "reject": {"status": true}}, {"no": "name"}]);
        let bip9 = json!({"v19": {"status": "active", "startTime": 1, "timeout": 2, "since": 7},
            "v20": {"status": "started", "bit": 9, "startTime": 1, "timeout": 2, "since": 8,
                "statistics": {"period": 100, "threshold": 80, "elapsed": 4, "count": 2, "possible": true}}});
        let forks = softforks(Some(&buried), Some(&bip9)).unwrap();
        assert_eq!(forks.keys().collect::<Vec<_>>(), ["bip34", "v19", "v20"]);
        assert_eq!(forks.values().map(|fork| fork.active).collect::<Vec<_>>(), [Some(true), Some(true), Some(false)]);
        assert_eq!(forks["v20"].bip9.as_ref().unwrap().signalling.unwrap().threshold, Some(80));
        assert_eq!(softforks(None, None), None);
    }
}
