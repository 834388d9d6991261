//! The texts within the answers of the older chains: the padded line of a masternode, the votes for a height, a count.
//!
//! Never here: the JSON around them (`legacy`).

use domain::ForeignText;
use domain::{chain, state};
use masternode_exporter::rpc::dash::answers::count;
use masternode_exporter::rpc::legacy::answers;
use masternode_exporter::rpc::{Registered, dialect};
use serde_json::json;

use super::{common, legacy};

/// See the module. The first line of the input is a key, the rest the text under it.
pub fn run(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (key, text) = input.split_once('\n').unwrap_or(("", input));
    let body = json!({ "result": { key: text }, "error": null }).to_string();
    let (shape, states) = (&dialect::DIMECOIN.list.shape, state::shared(&chain::DIMECOIN.states));
    if let Some(Registered { masternodes: list, .. }) =
        common::read(answers::registered(body.as_bytes(), shape, &states, usize::MAX))
    {
        assert_eq!(list.len(), 1, "{body}");
        list.iter().for_each(legacy::entry);
        let payee = text.split_ascii_whitespace().nth(2).map(|word| ForeignText::address(word.into()));
        assert_eq!(list[0].details.payout_address(), payee, "the third word");
    }
    if let Some(votes) = common::read(answers::votes(body.as_bytes())) {
        legacy::check_votes(&votes);
        for vote in &votes {
            assert_eq!(key.parse(), Ok(vote.height.0));
            assert!(ForeignText::bounded(text, usize::MAX).contains(vote.payee.trim_end_matches('…')), "{vote:?}");
        }
    }
    let body = json!({ "result": text, "error": null }).to_string();
    if let Some(count) = common::read(count(body.as_bytes())) {
        for number in [count.total, count.enabled] {
            // Leading zeros are not part of the number.
            assert!(text.contains(&number.to_string()), "{count:?}");
        }
    }
}
