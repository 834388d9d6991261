//! Parsers for the older chains: one function for each answer, from the body to the domain's value.
//!
//! Never here: the network.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};

use crate::rpc::dash::answers::result;
use crate::rpc::dialect::Shape;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use crate::rpc::legacy::convert;
use crate::rpc::legacy::list_entry::{Entries, Members, Row, Unread};
use crate::rpc::registered::{Registered, too_many};
use domain::payment::Vote;
use domain::{Block, ForeignText, Height, State};

/// Placeholder of a node for a height without votes.
const NO_VOTES: &str = "Unknown";

/// A list in any format except that of `protx list`, with its unreadable entries. Fails if a tenth of the entries are unreadable, and
/// at the first entry beyond `most`.
pub fn registered(body: &[u8], shape: &Shape, states: &[Arc<State>], most: usize) -> Result<Registered, ErrorKind> {
    let text: &RawValue = result(body)?;
    let (mut list, mut failure) = (Registered::default(), None);
    let take = |row: Result<Row, Unread>| {
        if list.entries() >= most {
            return Err(too_many(most));
        }
        match row {
            Ok(row) => match convert::masternode(&row, shape, states) {
                Ok(masternode) => {
                    list.masternodes.push(masternode);
                    list.lacking += u64::from(convert::lacks_field(&row, shape));
                }
                Err(error) => list.skip(convert::id(&row).ok(), error)?,
            },
            Err((name, error)) => list.skip(convert::outpoint(&name), error)?,
        }
        Ok(())
    };
    let read = Entries { shape, take, failure: &mut failure }.deserialize(&mut Deserializer::from_str(text.get()));
    read.map_err(|error| failure.take().unwrap_or_else(|| ErrorKind::malformed(error)))?;
    list.masternodes.shrink_to_fit();
    list.checked()
}

/// The payee with the most votes of each height that has one, ascending: `masternode winners`, `getmasternodewinners`.
pub fn votes(body: &[u8]) -> Result<Vec<Vote>, ErrorKind> {
    let mut votes = match result::<Winners>(body)? {
        Winners::ByHeight(Members(members)) => members.iter().filter_map(by_height).collect::<Result<Vec<_>, _>>()?,
        Winners::Listed(entries) => entries.into_iter().filter_map(listed).collect(),
    };
    votes.sort_by_key(|vote| vote.height);
    Ok(votes)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Winners {
    Listed(Vec<WinnerEntry>),
    ByHeight(Members),
}

#[derive(Deserialize)]
struct WinnerEntry {
    #[serde(rename = "nHeight")]
    height: i64,
    winner: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Winner),
    Many(Vec<Winner>),
}

#[derive(Deserialize)]
struct Winner {
    address: Foreign,
    #[serde(rename = "nVotes")]
    votes: u32,
}

/// `"177": "<address>:3, <address>:1"`.
fn by_height((height, payees): &(String, Value)) -> Option<Result<Vote, ErrorKind>> {
    let wrong = |what: &str| ErrorKind::malformed(format_args!("votes for height {height:.20}: {what}"));
    let Ok(number) = height.parse() else { return Some(Err(wrong("not a height"))) };
    let Some(text) = payees.as_str() else { return Some(Err(wrong("not a text"))) };
    let mut best: Option<(&str, u32)> = None;
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty() && *entry != NO_VOTES) {
        let counted = entry.rsplit_once(':').and_then(|(payee, votes)| Some((payee, votes.parse().ok()?)));
        let Some((payee, votes)) = counted else { return Some(Err(wrong("expected address:votes"))) };
        if best.is_none_or(|(_, most)| votes > most) {
            best = Some((payee, votes));
        }
    }
    best.map(|(payee, votes)| {
        Ok(Vote { height: Height(number), payee: ForeignText::address(payee.into()).into(), votes })
    })
}

/// Heights below the first block are listed too, without votes.
fn listed(entry: WinnerEntry) -> Option<Vote> {
    let height = u32::try_from(entry.height).ok()?;
    let winners = match entry.winner {
        OneOrMany::One(winner) => vec![winner],
        OneOrMany::Many(winners) => winners,
    };
    let named = winners.into_iter().filter(|winner| winner.address.0 != NO_VOTES);
    let best = named.reduce(|best, winner| if winner.votes > best.votes { winner } else { best })?;
    Some(Vote { height: Height(height), payee: best.address.0.trim().into(), votes: best.votes })
}

/// The block of an output from `gettxout`; `None` if it is spent, or if the node's tip is not `tip`.
pub fn collateral_height(body: &[u8], tip: &Block) -> Result<Option<Height>, ErrorKind> {
    #[derive(Deserialize)]
    struct Output {
        bestblock: String,
        confirmations: u32,
    }
    // A spent output has the result null, which an envelope treats as missing.
    let output = match result::<Output>(body) {
        Ok(output) => output,
        Err(ErrorKind::Malformed { .. }) if is_null(body) => return Ok(None),
        Err(error) => return Err(error),
    };
    if output.bestblock != tip.hash.to_string() || output.confirmations == 0 {
        return Ok(None);
    }
    Ok((tip.height.0 + 1).checked_sub(output.confirmations).map(Height))
}

fn is_null(body: &[u8]) -> bool {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value.is_some_and(|value| value.get("result").is_some_and(Value::is_null) && value["error"].is_null())
}
