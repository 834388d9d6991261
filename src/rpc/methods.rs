//! Every method that the exporter calls: the whole list, so that operators can allow it and a test can guard it.
//!
//! Never here: a method that needs a wallet, writes, or prints keys; `masternode payments`, which can crash a node
//! without `txindex` (spec `dash.md` §6.5).

/// One method of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Method, and its subcommand where it has one: the label `method`.
    pub name: &'static str,
    /// Nothing works without it.
    pub required: bool,
    /// It keeps the node busy: never two of these at a time.
    pub heavy: bool,
    /// What it is asked for.
    pub purpose: &'static str,
}

impl Method {
    /// The method without its subcommand.
    pub fn parent(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }

    /// The subcommand.
    pub fn subcommand(&self) -> Option<&'static str> {
        self.name.split(' ').nth(1)
    }
}

macro_rules! methods {
    ($($constant:ident: $name:literal, $required:ident, $weight:ident, $purpose:literal;)*) => {
        $(pub(super) const $constant: Method =
            Method { name: $name, required: methods!(@$required), heavy: methods!(@$weight), purpose: $purpose };)*
        /// All methods that are ever called.
        pub const METHODS: &[Method] = &[$($constant),*];
    };
    (@required) => { true };
    (@optional) => { false };
    (@heavy) => { true };
    (@light) => { false };
}

methods! {
    GET_BEST_BLOCK_HASH: "getbestblockhash", required, light, "whether there is a new block, at each poll";
    GET_BLOCK_HASH: "getblockhash", required, light, "the network's identity (block 0), and that a block is still there";
    GET_BLOCK_HEADER: "getblockheader", required, light, "height, time and parent of each new block";
    GET_BLOCKCHAIN_INFO: "getblockchaininfo", required, light, "chain, sync and active forks";
    GET_NETWORK_INFO: "getnetworkinfo", required, light, "software and version";
    PROTX_LIST: "protx list", required, heavy, "the whole list, at start and as a check";
    PROTX_LISTDIFF: "protx listdiff", optional, heavy, "what a block changed (v20 and later; else the whole list is read)";
    PROTX_INFO: "protx info", optional, light, "how the node itself sees a watched masternode";
    MASTERNODE_COUNT: "masternode count", optional, light, "how long the list will be at start, and a check of it at each block";
    MNSYNC_STATUS: "mnsync status", optional, light, "whether the node has finished its masternode sync";
    GET_BEST_CHAINLOCK: "getbestchainlock", optional, light, "the last final block";
    SPORK_SHOW: "spork show", optional, light, "the network's switches";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be called without a wallet, changes nothing, and prints no key.
    const HARMLESS: [&str; 12] = [
        "getbestblockhash",
        "getblockhash",
        "getblockheader",
        "getblockchaininfo",
        "getnetworkinfo",
        "protx list",
        "protx listdiff",
        "protx info",
        "masternode count",
        "mnsync status",
        "getbestchainlock",
        "spork show",
    ];

    #[test]
    fn nothing_but_harmless_methods_is_ever_called() {
        for method in METHODS {
            assert!(HARMLESS.contains(&method.name), "{} is not known to be harmless", method.name);
        }
        // The client sends the name of a method of the table and nothing else.
        let client = include_str!("client.rs");
        assert_eq!(client.matches("\"method\": ").count(), 1);
        assert!(client.contains("\"method\": method.parent()"));
        for forbidden in
            ["wallet", "masternode payments", "list-conf", "listmasternodeconf", "dumpprivkey", "sendtoaddress"]
        {
            assert!(!client.contains(&format!("\"{forbidden}")), "{forbidden}");
        }
    }
}
