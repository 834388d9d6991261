//! Calls made ahead, many in one request: over a slow link, a catch-up does not wait for each answer.
//!
//! A later call with the same parameters takes its answer from here. One that the batch did not answer is sent alone, and
//! reports the error. An attempt to follow some blocks keeps the answers that it used: if the node refuses the next call, the
//! next attempt continues there.
//!
//! Never here: which calls are made ahead (`follower::blocks_ahead`).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::rpc::client::Client;
use crate::rpc::dash::quorums;
use crate::rpc::error::ErrorKind;
use crate::rpc::http_body::collect;
use crate::rpc::methods::{self, Method};
use domain::{BlockHash, Height};

/// Fewer calls that are waited for are sent alone.
pub const FEWEST: usize = 8;

/// Time in which a node that refused a batch gets none.
const REFUSAL: Duration = Duration::from_secs(600);

/// Label of batches that failed; the calls of the others have their own.
const METHOD: &str = "batch";

/// Methods whose answer to the same parameters is always the same: they name a block by its hash.
const PINNED: [&Method; 6] = [
    &methods::GET_BLOCK,
    &methods::GET_BLOCK_HEADER,
    &methods::GET_SPECIAL_TXES,
    &methods::PROTX_DIFF,
    &methods::PROTX_LISTDIFF,
    &methods::QUORUM_INFO,
];

/// Most answers that are kept for another attempt: more than a batch has for some blocks.
const MOST_KEPT: usize = 64;

/// An answer, with its share of the time of the batch.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) body: Arc<Vec<u8>>,
    pub(super) took: Duration,
}

/// Answers that no call has taken yet, and used ones of an attempt that may have to be repeated.
#[derive(Default)]
pub(super) struct Answers(Mutex<State>);

/// Method and parameters.
type Key = (&'static str, String);

#[derive(Default)]
struct State {
    waiting: HashMap<Key, Answer>,
    /// Those that were used, the oldest first; `None` if none is kept.
    kept: Option<VecDeque<Key>>,
    /// The node does not accept batches; it is asked again then.
    refused_until: Option<Instant>,
    /// A refusal was logged.
    is_refusal_known: bool,
}

impl Answers {
    /// Takes the answer to a call; `None` if it was not made ahead. While answers are kept, it stays.
    pub(super) fn take(&self, method: &Method, params: &Value) -> Option<Answer> {
        let mut state = self.state();
        if state.waiting.is_empty() {
            return None;
        }
        let answer = state.waiting.remove(&(method.name, params.to_string()))?;
        state.keep(method, params, answer.clone());
        Some(answer)
    }

    /// Keeps a used answer for another attempt, if answers are kept and this one cannot change.
    pub(super) fn keep(&self, method: &Method, params: &Value, body: Vec<u8>) {
        self.state().keep(method, params, Answer { body: Arc::new(body), took: Duration::ZERO });
    }

    /// From now on, used answers stay until [`Answers::clear`], the newest ones.
    pub(super) fn keep_used(&self) {
        self.state().kept.get_or_insert_default();
    }

    /// Reads the answer to a call if it was made ahead; it stays.
    pub(super) fn read<T>(&self, method: &Method, params: &Value, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        self.state().waiting.get(&(method.name, params.to_string())).map(|answer| read(&answer.body))
    }

    /// Sends no batch for a while. Returns whether it is the first refusal.
    fn refuse(&self) -> bool {
        let mut state = self.state();
        state.refused_until = Some(Instant::now() + REFUSAL);
        !std::mem::replace(&mut state.is_refusal_known, true)
    }

    pub(super) fn clear(&self) {
        let mut state = self.state();
        (state.waiting, state.kept) = (HashMap::new(), None);
    }

    fn add(&self, calls: Vec<(&'static Method, Value)>, bodies: Vec<Option<String>>, took: Duration) {
        let took = took / u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let answered = calls.into_iter().zip(bodies).filter_map(|((method, params), body)| {
            Some(((method.name, params.to_string()), Answer { body: Arc::new(body?.into_bytes()), took }))
        });
        self.state().waiting.extend(answered);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, method: &Method, params: &Value, answer: Answer) {
        let Some(kept) = self.kept.as_mut().filter(|_| PINNED.contains(&method)) else { return };
        let key = (method.name, params.to_string());
        if !kept.contains(&key) {
            kept.push_back(key.clone());
        }
        self.waiting.insert(key, answer);
        if kept.len() > MOST_KEPT
            && let Some(oldest) = kept.pop_front()
        {
            self.waiting.remove(&oldest);
        }
    }
}

/// Calls of one request. A method that the chain does not have is left out.
pub struct Batch {
    client: Client,
    calls: Vec<(&'static Method, Value)>,
}

/// What the answers to a batch cost.
#[derive(Clone, Copy, Debug)]
pub struct BatchCost {
    /// Time until all were read; all that the node has if that was not enough.
    pub took: Duration,
    /// Their length.
    pub bytes: usize,
}

/// One answer of a batch.
#[derive(Deserialize)]
struct Part<'a> {
    id: usize,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Batch {
    /// Without a call.
    pub fn new(client: &Client) -> Batch {
        Batch { client: client.clone(), calls: Vec::new() }
    }

    /// Adds [`Client::block_hash`].
    pub fn block_hash(&mut self, height: Height) {
        self.calls.push((&methods::GET_BLOCK_HASH, json!([height.0])));
    }

    /// Adds [`Client::block_header`].
    pub fn block_header(&mut self, hash: &BlockHash) {
        self.calls.push((&methods::GET_BLOCK_HEADER, json!([hash.to_string()])));
    }

    /// Adds [`Client::list_diff`].
    pub fn list_diff(&mut self, base: &BlockHash, target: &BlockHash) {
        self.add(self.client.dialect().diff(), [json!(base.to_string()), json!(target.to_string())]);
    }

    /// Adds [`Client::sml_diff`].
    pub fn sml_diff(&mut self, base: &BlockHash, target: &BlockHash) {
        self.add(self.client.dialect().sml_diff, [json!(base.to_string()), json!(target.to_string())]);
    }

    /// Adds [`Client::commitments`].
    pub fn commitments(&mut self, block: &BlockHash) {
        self.calls.extend(self.client.dialect().special.map(|method| (method, quorums::of_commitments(block))));
    }

    /// Adds [`Client::block_outputs`].
    pub fn block_outputs(&mut self, block: &BlockHash) {
        self.calls.extend(self.client.dialect().special.map(|method| (method, quorums::of_coinbase(block))));
    }

    /// Adds [`Client::quorum_members`].
    pub fn quorum_members(&mut self, quorum_type: u8, hash: &BlockHash) {
        let method = self.client.dialect().quorums.map(|(_, info)| info);
        self.add(method, [json!(quorum_type), json!(hash.to_string())]);
    }

    fn add<const N: usize>(&mut self, method: Option<&'static Method>, others: [Value; N]) {
        self.calls.extend(method.map(|method| (method, self.client.params(method, others))));
    }

    /// Sends the calls whose answers are not waiting, unless there are fewer than `fewest`, and keeps the answers. `None` if
    /// nothing was sent, or the node does not accept it.
    pub async fn send(self, fewest: usize) -> Option<BatchCost> {
        let Batch { client, mut calls } = self;
        let inner = &client.inner;
        calls
            .retain(|(method, params)| !inner.answers.state().waiting.contains_key(&(method.name, params.to_string())));
        let first = calls.first()?.0;
        if calls.len() < fewest || inner.answers.state().refused_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let heavy = calls.iter().map(|(method, _)| *method).find(|method| method.heavy).unwrap_or(first);
        let _turn = client.turn(heavy).await;
        let (started, timeout) = (Instant::now(), inner.settings.timeout);
        let answered = client.repeated(first, timeout, || async {
            let response = client.request(&body(&calls)).await?;
            let body = collect(response, inner.limits.whole(heavy), timeout).await?;
            Ok((bodies(&body, calls.len())?, body.len()))
        });
        let answered = answered.await;
        let (took, source, count) = (started.elapsed(), client.name(), calls.len());
        let kind = match answered {
            Ok((bodies, bytes)) => {
                debug!(
                    source,
                    count,
                    seconds = took.as_secs_f64(),
                    "RPC batch of {count} calls at source {source}: ok"
                );
                inner.answers.add(calls, bodies, took);
                return Some(BatchCost { took, bytes });
            }
            Err(kind) => kind,
        };
        let outcome = kind.label();
        inner.meters.observe(METHOD, outcome, took);
        // An error of the node is its answer to a batch, although that code may pass for one call.
        let is_busy = kind.is_momentary() && !matches!(kind, ErrorKind::Call { .. });
        if matches!(kind, ErrorKind::Timeout { .. } | ErrorKind::TooLarge { .. }) {
            debug!(source, count, outcome, "RPC batch of {count} calls at source {source}: {outcome}");
            return Some(BatchCost { took: timeout, bytes: 0 });
        }
        // Software that does not know batches, and may close the connection, or a user who may not call one of the methods.
        if !is_busy && inner.answers.refuse() {
            info!(source, outcome, "Source {source} refuses RPC batches ({outcome}): a catch-up sends single calls");
        }
        None
    }
}

/// The request.
fn body(calls: &[(&'static Method, Value)]) -> String {
    let call = |(id, (method, params)): (usize, &(&'static Method, Value))| json!({"jsonrpc": "1.0", "id": id, "method": method.parent(), "params": params});
    Value::Array(calls.iter().enumerate().map(call).collect()).to_string()
}

/// The answers in the order of the calls; `None` for a call without one, or with an error.
fn bodies(body: &[u8], calls: usize) -> Result<Vec<Option<String>>, ErrorKind> {
    let parts: Vec<&RawValue> = serde_json::from_slice(body).map_err(ErrorKind::malformed)?;
    let mut bodies = vec![None; calls];
    for part in parts {
        let Part { id, error } = serde_json::from_str(part.get()).map_err(ErrorKind::malformed)?;
        if let (Some(body), None) = (bodies.get_mut(id), error) {
            *body = Some(part.get().to_owned());
        }
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_matched_by_their_id_and_errors_left_out() {
        let ok = r#"{"result":"b","error":null,"id":1}"#;
        let body = format!(
            r#"[{ok},{{"result":null,"error":{{"code":-8,"message":"no"}},"id":0}},{{"result":1,"error":null,"id":9}}]"#
        );
        assert_eq!(bodies(body.as_bytes(), 3).unwrap(), [None, Some(ok.to_owned()), None]);
        for wrong in [r#"{"result":1,"error":null,"id":0}"#, r#"[{"result":1}]"#, "[1]", "<html>"] {
            assert!(bodies(wrong.as_bytes(), 1).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_taken_once_and_only_for_the_same_parameters() {
        let answers = Answers::default();
        let calls = vec![(&methods::GET_BLOCK_HASH, json!([7])), (&methods::GET_BLOCK_HASH, json!([8]))];
        answers.add(calls, vec![Some("seven".into()), None], Duration::from_secs(2));
        assert!(answers.take(&methods::GET_BLOCK_HEADER, &json!([7])).is_none());
        assert!(answers.take(&methods::GET_BLOCK_HASH, &json!([8])).is_none(), "not answered");
        let taken = answers.take(&methods::GET_BLOCK_HASH, &json!([7])).unwrap();
        assert_eq!((taken.body.as_slice(), taken.took), (&b"seven"[..], Duration::from_secs(1)));
        assert!(answers.take(&methods::GET_BLOCK_HASH, &json!([7])).is_none());
    }

    #[test]
    fn used_answers_that_cannot_change_stay_for_another_attempt() {
        let answers = Answers::default();
        let is_kept = |method: &'static Method, number: usize| answers.take(method, &json!([number])).is_some();
        answers.keep(&methods::GET_BLOCK_HEADER, &json!([0]), b"before".to_vec());
        assert!(!is_kept(&methods::GET_BLOCK_HEADER, 0));
        answers.keep_used();
        for number in 0..=MOST_KEPT {
            answers.keep(&methods::GET_BLOCK_HEADER, &json!([number]), b"header".to_vec());
        }
        answers.keep(&methods::GET_BEST_BLOCK_HASH, &json!([1]), b"tip".to_vec());
        assert!(!is_kept(&methods::GET_BEST_BLOCK_HASH, 1), "another answer may follow");
        assert!(!is_kept(&methods::GET_BLOCK_HEADER, 0), "the oldest");
        assert!(is_kept(&methods::GET_BLOCK_HEADER, 7) && is_kept(&methods::GET_BLOCK_HEADER, 7));
        answers.clear();
        assert!(!is_kept(&methods::GET_BLOCK_HEADER, 7));
    }
}
