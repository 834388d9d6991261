//! Every method that the exporter calls, in one table, for `rpcwhitelist` and for the test that guards it.
//!
//! Never here: a method that needs a wallet, writes, or prints keys; `masternode payments`, which can crash a node
//! without `txindex` (docs/spec/dash.md#masternode).

/// One method of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Method, and its subcommand where it has one: the label `method`.
    pub name: &'static str,
    /// The exporter does not work without it.
    pub required: bool,
    /// Expensive for the node: never two of these at the same time.
    pub heavy: bool,
    /// Its purpose.
    pub purpose: &'static str,
}

impl Method {
    /// The method without its subcommand.
    pub fn parent(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }

    /// The subcommand, which is the first parameter.
    pub fn subcommand(&self) -> Option<&'static str> {
        self.name.split(' ').nth(1)
    }
}

macro_rules! methods {
    ($($constant:ident: $name:literal, $required:ident, $weight:ident, $purpose:literal;)*) => {
        $(#[doc = $purpose]
        pub const $constant: Method =
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
    GET_BEST_BLOCK_HASH: "getbestblockhash", required, light, "detects a new block, at each poll";
    GET_BLOCK_HASH: "getblockhash", required, light, "identity of the network (block 0), and whether a block is still on the branch";
    GET_BLOCK_HEADER: "getblockheader", required, light, "height, time and parent of each new block";
    GET_BLOCKCHAIN_INFO: "getblockchaininfo", required, light, "chain, sync and active forks";
    GET_DEPLOYMENT_INFO: "getdeploymentinfo", optional, light, "forks and their activation (v24 and later; older nodes say them in getblockchaininfo)";
    GET_NETWORK_INFO: "getnetworkinfo", required, light, "software and version";
    GET_INDEX_INFO: "getindexinfo", optional, light, "whether the index of compact block filters is built (v21 and later)";
    GET_MEMPOOL_INFO: "getmempoolinfo", optional, light, "whether the mempool is as large as a masternode of v24 needs (doctor only)";
    PROTX_LIST: "protx list", required, heavy, "the full list, at start and as a check";
    PROTX_LISTDIFF: "protx listdiff", optional, heavy, "changes of a block (v20 and later; otherwise the full list is read)";
    PROTX_DIFF: "protx diff", optional, heavy, "the list from which members of the next DKG sessions are selected, once for each session (v20 and later)";
    PROTX_INFO: "protx info", optional, light, "the node's own view of a watched masternode, and a cleared payout address";
    PROTX_LIST_JOINED: "protx_list", required, heavy, "the full list, at each block";
    PROTX_INFO_JOINED: "protx_info", optional, light, "the node's own view of a watched masternode";
    MASTERNODELIST: "masternodelist", required, heavy, "the full list, at each block";
    LISTMASTERNODES: "listmasternodes", required, heavy, "the full list, at each block";
    MASTERNODE_LIST: "masternode_list", required, heavy, "the full list, at each block";
    EVOZNODELIST: "evoznodelist", required, heavy, "the full list, at each block";
    SMARTNODELIST: "smartnodelist", required, heavy, "the full list, at each block";
    MASTERNODE_COUNT: "masternode count", optional, light, "size of the list at start, and a check of it at each block";
    MASTERNODE_COUNT_JOINED: "masternode_count", optional, light, "a check of our list at each block";
    GETMASTERNODECOUNT: "getmasternodecount", optional, light, "a check of our list";
    EVOZNODE_COUNT: "evoznode count", optional, light, "a check of our list at each block";
    SMARTNODE_COUNT: "smartnode count", optional, light, "a check of our list at each block";
    MASTERNODE_WINNERS: "masternode winners", optional, light, "which payees were voted for";
    GETMASTERNODEWINNERS: "getmasternodewinners", optional, light, "recent votes (doctor only)";
    GETTXOUT: "gettxout", optional, light, "depth of a masternode's collateral, once for each";
    GET_BLOCK: "getblock", optional, light, "payees of each block, or its kind where payees are hidden";
    MNSYNC_STATUS: "mnsync status", optional, light, "whether the node has finished its masternode sync";
    EVOZNSYNC_STATUS: "evoznsync status", optional, light, "whether the node has finished its masternode sync";
    QUORUM_LISTEXTENDED: "quorum listextended", optional, light, "when quorums were last mined, and which were formed in a block with penalties";
    QUORUM_INFO: "quorum info", optional, light, "failed members of those quorums";
    QUORUM_ROTATIONINFO: "quorum rotationinfo", optional, heavy, "snapshots from which members of rotating quorums follow, at start (v18 and later)";
    QUORUM_DKGSTATUS: "quorum dkgstatus", optional, light, "DKG sessions in progress, if the node is a masternode or watches quorums";
    QUORUM_DKGINFO: "quorum dkginfo", optional, light, "start of the next DKG session (v20.1 and later)";
    GET_SPECIAL_TXES: "getspecialtxes", optional, light, "quorum commitments and payees of a block";
    GET_BEST_CHAINLOCK: "getbestchainlock", optional, light, "the last block with a ChainLock";
    MASTERNODE_STATUS: "masternode status", optional, light, "whether the node is a masternode, and its own status";
    SPORK_SHOW: "spork show", optional, light, "sporks";
}

/// The method of a name; `None` for any name that is not in the table, and so is never called.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Methods that need no wallet, change nothing, and print no key.
    const HARMLESS: [&str; 39] = [
        "getblock",
        "getdeploymentinfo",
        "getindexinfo",
        "getmempoolinfo",
        "protx diff",
        "getspecialtxes",
        "quorum dkgstatus",
        "quorum dkginfo",
        "masternode status",
        "quorum listextended",
        "quorum info",
        "quorum rotationinfo",
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
        "protx_list",
        "protx_info",
        "masternodelist",
        "listmasternodes",
        "masternode_list",
        "evoznodelist",
        "smartnodelist",
        "masternode_count",
        "getmasternodecount",
        "evoznode count",
        "smartnode count",
        "masternode winners",
        "getmasternodewinners",
        "gettxout",
        "evoznsync status",
    ];

    #[test]
    fn nothing_but_harmless_methods_is_ever_called() {
        for method in METHODS {
            assert!(HARMLESS.contains(&method.name), "{} is not known to be harmless", method.name);
        }
        // The client sends only names of methods of the table.
        let client = include_str!("client.rs");
        for forbidden in ["list-conf", "listmasternodeconf", "genkey", "createmasternodekey"] {
            assert!(METHODS.iter().all(|method| !method.name.contains(forbidden)), "{forbidden} prints private keys");
        }
        assert_eq!(client.matches("\"method\": ").count(), 1);
        assert!(client.contains("\"method\": method.parent()"));
        for forbidden in
            ["wallet", "masternode payments", "list-conf", "listmasternodeconf", "dumpprivkey", "sendtoaddress"]
        {
            assert!(!client.contains(&format!("\"{forbidden}")), "{forbidden}");
        }
    }
}
