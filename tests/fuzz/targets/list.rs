//! A list gives the same result for any split into chunks, and each entry the same as if decoded alone.
//!
//! Never here: the values of a single entry (`answers`).

use std::fmt::Debug;

use masternode_exporter::rpc::dash::answers;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter::rpc::{ErrorKind, Registered};
use serde_json::{Value, json};

use super::common;

/// See the module. The first byte is the length of the chunks.
pub fn run(input: &[u8]) {
    let Some((size, body)) = input.split_first() else { return };
    let whole = in_pieces(body, body.len().max(1));
    let cut = in_pieces(body, usize::from(*size).max(1));
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(shown(whole), shown(cut)),
        (Err(_), Err(_)) => {}
        _ => panic!("whole {whole:?}, in pieces of {size} {cut:?}"),
    }
    let Some(list) = common::read(whole) else { return };
    let Ok(Value::Object(envelope)) = serde_json::from_slice(body) else { return };
    let Some(Value::Array(entries)) = envelope.get("result") else { return };
    assert_eq!(entries.len(), list.masternodes.len() + list.unreadable.len());
    if !list.unreadable.is_empty() {
        return;
    }
    for (entry, masternode) in entries.iter().zip(&list.masternodes) {
        let alone = json!({ "result": entry }).to_string();
        let read = answers::masternode(alone.as_bytes()).unwrap_or_else(|error| panic!("{error:?} in {alone}"));
        assert_eq!(shown(&read), shown(masternode), "{alone}");
    }
}

fn in_pieces(body: &[u8], size: usize) -> Result<Registered, ErrorKind> {
    let mut parser = ListParser::expecting(16);
    for piece in body.chunks(size) {
        parser.push(piece)?;
    }
    parser.finish()
}

/// Masternodes are compared by their displayed values, because the type has no equality.
fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}
