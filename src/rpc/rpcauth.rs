//! Generates the `dash.conf` lines for a separate RPC user of the exporter.
//!
//! Never here: sending them.

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::rpc::methods::Method;
use domain::hex;

/// From this version on a node accepts the name of a method joined with its subcommand (docs/spec/dash.md#transport;
/// tested with v23.1.2).
const JOINED_SINCE: u32 = 210_000;

/// What is printed without random numbers.
const NO_RANDOM: &str = "No random numbers are available: create the rpcauth line with rpcauth.py of the node\n";

/// Instructions for a new random password, and the lines for `dash.conf`, which contain only its hash. `oldest` is the
/// version of the oldest node that uses them, if all are known.
pub fn configuration_lines(methods: &[&Method], oldest: Option<u32>) -> String {
    let Some((password, line)) = user() else { return NO_RANDOM.into() };
    format!(
        "Write this password to a file that only the exporter can read, and name that as password_file:\n\n\
         {password}\n\n\
         Add these lines to dash.conf and restart the node:\n\n\
         {line}\n\
         {}",
        whitelist_lines("exporter", methods, oldest)
    )
}

/// The lines for `dash.conf` that limit a user to `methods`. `oldest` is the version of the oldest node that uses them, if
/// all are known.
pub fn whitelist_lines(user: &str, methods: &[&Method], oldest: Option<u32>) -> String {
    let joined = oldest.is_some_and(|version| version >= JOINED_SINCE);
    let remark = if joined {
        "# Each name is a method joined with its subcommand (nodes of version 21 and later). Everything else is forbidden.\n"
    } else {
        "# Nodes differ in what they compare: the method alone, or, since version 21, the method joined with its subcommand.\n\
         # Both are listed; a name that a node does not know does no harm. Where protx is allowed as a whole, so are its\n\
         # writing commands, which need a wallet: run the node without one.\n"
    };
    format!("{remark}rpcwhitelist={user}:{}\nrpcwhitelistdefault=0\n", whitelist(methods, joined).join(","))
}

/// The same for a node that can have such a user, but cannot limit it to some methods.
pub fn user_line() -> String {
    let Some((password, line)) = user() else { return NO_RANDOM.into() };
    format!(
        "Write this password to a file that only the exporter can read, and name that as password_file:\n\n\
         {password}\n\n\
         Add this line to the node's configuration file and restart the node:\n\n\
         {line}\n\n\
         These nodes cannot limit a user to some methods: this one has all rights, so keep the RPC port on this host.\n"
    )
}

/// A new random password, and the line that gives a user with it to a node. `None` without random numbers.
fn user() -> Option<(String, String)> {
    let (salt, password) = (random_hex(16)?, random_hex(24)?);
    let line = rpcauth("exporter", &password, &salt);
    Some((password, line))
}

/// `rpcauth=user:salt$hash`, the hash being the HMAC-SHA256 of the password with the salt's text as key
/// (`share/rpcauth`).
pub fn rpcauth(user: &str, password: &str, salt: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    let hash = hmac::sign(&key, password.as_bytes());
    format!("rpcauth={user}:{salt}${}", hex::encode(hash.as_ref()))
}

/// Names for `rpcwhitelist`: joined with their subcommands, for newer nodes, and the methods alone, the only form for
/// nodes up to v20. A v23.1.2 accepts both, so it gets the joined ones.
fn whitelist(methods: &[&Method], joined: bool) -> Vec<String> {
    let alone = methods.iter().filter(|method| !joined || method.subcommand().is_none());
    let mut names: Vec<String> = alone.map(|method| method.parent().to_string()).collect();
    names.extend(methods.iter().filter_map(|method| Some(format!("{}{}", method.parent(), method.subcommand()?))));
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn random_hex(bytes: usize) -> Option<String> {
    let mut random = vec![0; bytes];
    SystemRandom::new().fill(&mut random).ok()?;
    Some(hex::encode(&random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::dialect;

    #[test]
    fn a_user_without_a_whitelist_is_said_to_have_all_rights() {
        let lines = user_line();
        let password = lines.lines().nth(2).unwrap();
        let (salt, hash) = lines.split_once("rpcauth=exporter:").unwrap().1.split_once('$').unwrap();
        assert_eq!(rpcauth("exporter", password, salt).split_once('$').unwrap().1, &hash[..64]);
        assert!(lines.contains("all rights") && !lines.contains("rpcwhitelist"), "{lines}");
    }

    #[test]
    fn an_rpcauth_line_is_that_of_the_nodes_own_tool() {
        // By `printf password | openssl dgst -sha256 -hmac salt`.
        let expected = "rpcauth=exporter:salt$84ec44c7d6fc41917953a1dafca3c7d7856f7a9d0328b991b76f0d36be1224b9";
        assert_eq!(rpcauth("exporter", "password", "salt"), expected);
    }

    #[test]
    fn the_lines_for_the_node_do_not_hold_the_password() {
        let text = configuration_lines(&dialect::DASH.methods(), None);
        let (before, lines) = text.split_once("dash.conf").unwrap();
        let password = before.lines().find(|line| line.len() == 48).unwrap();
        assert!(!lines.contains(password), "{text}");
        let (salt, hash) = lines.split_once("rpcauth=exporter:").unwrap().1.split_once('$').unwrap();
        assert_eq!(rpcauth("exporter", password, salt).split_once('$').unwrap().1, &hash[..64]);
    }

    #[test]
    fn the_whitelist_has_both_spellings_once() {
        let names = whitelist(&dialect::DASH.methods(), false);
        for name in ["protx", "protxlist", "protxlistdiff", "masternodecount", "getblockcount"] {
            assert_eq!(
                names.iter().filter(|other| *other == name).count(),
                usize::from(name != "getblockcount"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_node_that_knows_joined_names_allows_no_writing_command() {
        // version of the oldest node, whether protx is allowed as a whole, and with it protx revoke.
        for (oldest, whole) in [(Some(230_102), false), (Some(210_000), false), (Some(209_999), true), (None, true)] {
            let text = configuration_lines(&dialect::DASH.methods(), oldest);
            let line = text.lines().find_map(|line| line.strip_prefix("rpcwhitelist=exporter:")).unwrap();
            let names: Vec<&str> = line.split(',').collect();
            assert_eq!(names.contains(&"protx"), whole, "{oldest:?}");
            assert!(["protxlist", "getblockheader", "quoruminfo"].iter().all(|name| names.contains(name)), "{line}");
        }
    }
}
