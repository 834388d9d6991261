//! Value types of a network and its sources. An error never quotes a URL, which may contain a token.
//!
//! Never here: keys and their defaults.

use crate::config::leaf::{Kind, Preset};
use crate::follower::ExpectedNetwork;
use domain::chain::DASH;

/// The name of a chain.
pub(super) struct ChainKind;

impl Kind for ChainKind {
    type Value = String;
    const TITLE: &'static str = "`dash`, `dimecoin`, `prcycoin` or a name under `chains`";

    fn read(text: &str) -> Result<String, String> {
        Ok(text.to_string())
    }

    fn write(text: &String) -> serde_json::Value {
        text.as_str().into()
    }
}

impl Preset for ChainKind {
    fn preset() -> String {
        DASH.name.to_string()
    }
}

/// The URL of a node's RPC. The error does not quote it: an invalid URL may contain a password.
pub(super) struct RpcUrlKind;

impl Kind for RpcUrlKind {
    type Value = String;
    const TITLE: &'static str = "URL";
    const PATTERN: &'static str = "^[Hh][Tt][Tt][Pp][Ss]?://[^@/?#]+(/[^?#]*)?$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        if text.contains('@') {
            return Err("holds a user or password; put them into username and password_file".into());
        }
        let bad = |reason: &str| Err(format!("is not an address such as http://127.0.0.1:9998: {reason}"));
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return bad("there is white space in it");
        }
        match reqwest::Url::parse(text) {
            Err(error) => bad(&error.to_string()),
            Ok(url) if !["http", "https"].contains(&url.scheme()) => bad("it must begin with http:// or https://"),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => bad("there must be no ? and no # in it"),
            Ok(_) => Ok(text.to_string()),
        }
    }
}

/// The network that the sources must be on: the name of its chain or the hash of its genesis block.
pub(super) struct ExpectedNetworkKind;

impl Kind for ExpectedNetworkKind {
    type Value = ExpectedNetwork;
    const TITLE: &'static str = "chain name or hash";
    const PATTERN: &'static str = "^[0-9A-Za-z._-]+$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<ExpectedNetwork, String> {
        if text.len() == 64 {
            let genesis = text.parse()?;
            return Ok(ExpectedNetwork::Genesis(genesis));
        }
        let is_name = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
        if text.is_empty() || !text.chars().all(is_name) {
            return Err(format!(
                "{text:?} is neither the name of a chain, such as main, nor a hash of 64 hexadecimal digits"
            ));
        }
        Ok(ExpectedNetwork::Chain(text.to_string()))
    }
}
