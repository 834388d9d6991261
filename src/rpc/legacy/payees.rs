//! The payee of a block: the outputs of its coinbase or coinstake, or its kind on a chain that hides payees.
//!
//! Never here: which masternode an address belongs to.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::rpc::dash::answers::result;
use crate::rpc::error::ErrorKind;
use crate::rpc::foreign::Foreign;
use domain::ForeignText;
use domain::masternode::Duffs;

/// The number of decimals of [`Duffs`].
const DECIMALS: usize = 8;

/// `minetype` of blocks of proof of stake, work and audit (`blockToJSON` in `src/rpc/blockchain.cpp` of PRCYCoin), and whether the
/// block pays a masternode.
const KINDS: [(&str, bool); 3] = [("PoS", true), ("PoW", false), ("PoA", false)];

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    tx: Vec<Transaction<'a>>,
}

#[derive(Deserialize)]
struct Transaction<'a> {
    #[serde(borrow)]
    vout: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "scriptPubKey")]
    script: Script,
}

/// `addresses` up to the form of Bitcoin Core 21, `address` since then.
#[derive(Deserialize)]
struct Script {
    #[serde(default)]
    addresses: Vec<Foreign>,
    address: Option<Foreign>,
}

impl Output<'_> {
    fn address(&self) -> Option<&ForeignText> {
        let Script { addresses, address } = &self.script;
        address.as_ref().or(addresses.first()).map(|Foreign(address)| address)
    }

    /// An output without address and amount, which marks a coinstake.
    fn is_marker(&self) -> bool {
        self.address().is_none() && amount(self.value.get()) == Some(Duffs(0))
    }
}

/// The outputs of a block that can pay a masternode, with their amounts; `None` for an amount that is no number of
/// coins. The outputs of the block's producer are left out: the first one of a coinbase, and of a coinstake those to the
/// address of the first stake (`FillBlockPayments` in `src/miner.cpp` and `src/wallet/wallet.cpp` of Dimecoin).
///
/// # Errors
/// If the block has outputs with coins after the first one, and none of them has an address: then its payees are not known.
pub fn outputs(body: &[u8]) -> Result<Vec<(ForeignText, Option<Duffs>)>, ErrorKind> {
    let block: Block<'_> = result(body)?;
    let coinbase = block.tx.first().ok_or_else(|| ErrorKind::malformed("it has no transaction"))?;
    let staked = block.tx.get(1).filter(|second| {
        second.vout.len() > 1 && second.vout[0].is_marker() && coinbase.vout.iter().all(Output::is_marker)
    });
    let (outputs, producer) = match staked {
        Some(coinstake) => (&coinstake.vout, coinstake.vout[1].address()),
        None => (&coinbase.vout, None),
    };
    let mut paying =
        outputs.iter().skip(1).filter(|output| !matches!(amount(output.value.get()), Some(Duffs(0)))).peekable();
    if paying.peek().is_some() && paying.all(|output| output.address().is_none()) {
        return Err(ErrorKind::malformed("none of its outputs has an address"));
    }
    let others = outputs.iter().skip(1).filter(|output| output.address() != producer || producer.is_none());
    Ok(others.filter_map(|output| Some((output.address()?.clone(), amount(output.value.get())))).collect())
}

/// Whether a block is one that pays a masternode although it hides the payee.
pub fn pays(body: &[u8]) -> Result<bool, ErrorKind> {
    #[derive(Deserialize)]
    struct Kind {
        minetype: String,
    }
    let Kind { minetype } = result(body)?;
    let known = KINDS.into_iter().find(|(kind, _)| *kind == minetype);
    known.map(|(_, pays)| pays).ok_or_else(|| ErrorKind::malformed("its minetype is none of PoS, PoW, PoA"))
}

/// An amount of coins with at most eight decimals, `6930.0`; `None` for any other text.
fn amount(coins: &str) -> Option<Duffs> {
    let (whole, decimals) = coins.split_once('.').unwrap_or((coins, ""));
    if whole.is_empty()
        || decimals.len() > DECIMALS
        || !decimals.bytes().chain(whole.bytes()).all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    format!("{whole}{decimals:0<DECIMALS$}").parse().ok().map(Duffs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paid(transactions: &str) -> Vec<(String, Option<u64>)> {
        let body = format!(r#"{{"result":{{"tx":[{transactions}]}},"error":null,"id":"x"}}"#);
        let read = outputs(body.as_bytes()).unwrap();
        read.into_iter().map(|(address, amount)| (address.to_string(), amount.map(|amount| amount.0))).collect()
    }

    fn output(value: &str, address: &str) -> String {
        let addresses = if address.is_empty() { "[]".into() } else { format!("[{address:?}]") };
        format!(r#"{{"value":{value},"n":0,"scriptPubKey":{{"type":"pubkeyhash","addresses":{addresses}}}}}"#)
    }

    fn transaction(outputs: &[String]) -> String {
        format!(r#"{{"txid":"00","vin":[],"vout":[{}]}}"#, outputs.join(","))
    }

    #[test]
    fn the_outputs_of_the_producer_are_no_payments() {
        let coinbase = transaction(&[output("6930.00000", "miner"), output("6930.0", "node"), output("1540", "found")]);
        let expected = [("node".to_string(), Some(693_000_000_000)), ("found".to_string(), Some(154_000_000_000))];
        assert_eq!(paid(&coinbase), expected);
        let marker = || r#"{"value":0.0,"n":0,"scriptPubKey":{"type":"nonstandard"}}"#.to_string();
        let stake = transaction(&[
            marker(),
            output("500.00000", "staker"),
            output("500.00000", "staker"),
            output("6930.00000", "node"),
            output("1540.00000", "found"),
        ]);
        assert_eq!(paid(&format!("{},{stake}", transaction(&[marker()]))), expected);
        // The form of later nodes.
        let later = coinbase.replace("\"addresses\":[", "\"address\":").replace("\"]", "\"");
        assert_eq!(paid(&later), expected);
        // A payment in a proof-of-work block is no coinstake.
        let payment = transaction(&[output("1.00000", "node"), output("2.00000", "other")]);
        assert_eq!(paid(&format!("{coinbase},{payment}")), expected);
    }

    #[test]
    fn a_block_without_readable_payees_is_not_one_without_payments() {
        let read = |outputs_of: &[String]| {
            let body = format!(r#"{{"result":{{"tx":[{}]}},"error":null}}"#, transaction(outputs_of));
            outputs(body.as_bytes()).map(|found| found.len())
        };
        assert!(read(&[output("6930.0", "miner"), output("6930.0", ""), output("1540", "")]).is_err());
        assert_eq!(read(&[output("6930.0", "")]).unwrap(), 0, "the producer is paid only");
        assert_eq!(read(&[output("6930.0", ""), output("0.0", "")]).unwrap(), 0, "an output without coins is a note");
        assert_eq!(read(&[output("6930.0", ""), output("6930.0", ""), output("1540", "found")]).unwrap(), 1);
    }

    #[test]
    fn an_amount_is_exact_or_not_known() {
        for (text, duffs) in [
            ("6930.0", Some(693_000_000_000)),
            ("0.00001", Some(1000)),
            ("0.12345678", Some(12_345_678)),
            ("1", Some(100_000_000)),
            ("0.123456789", None),
            ("1e3", None),
            ("-1.0", None),
            ("999999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(amount(text), duffs.map(Duffs), "{text}");
        }
    }

    #[test]
    fn only_a_proof_of_stake_block_pays_on_a_chain_that_hides_payees() {
        let pays = |kind: &str| pays(format!(r#"{{"result":{{"minetype":{kind:?}}},"error":null}}"#).as_bytes()).ok();
        assert_eq!(["PoS", "PoW", "PoA", "pos"].map(pays), [Some(true), Some(false), Some(false), None]);
    }
}
