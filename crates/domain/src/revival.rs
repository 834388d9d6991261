//! Revival of a banned masternode of a deterministic list: the command as text, with placeholders for values that only
//! its operator has. Argument order: `src/rpc/evo.cpp` of Dash Core, `protx update_service` and `protx
//! update_service_evo`; rules of the fork v24: docs/spec/dash-24.md#provider-transaction-versions.
//!
//! Never here: keys, wallets, calls to a node; whether the masternode may be revived.

use crate::masternode::{Masternode, MasternodeId, NodeType};

/// Notes in addition to the command, in whole sentences.
pub const NOTES: [&str; 3] = [
    "The lines after the first are typed one by one and end with Ctrl-D, so that the operator secret key is in no shell history.",
    "A shared masternode has no payout address that could pay the fee: name an address that pays it.",
    "From Dash Core 24 on provider transactions get no InstantSend lock: a revival may wait up to 10 minutes in the mempool \
     before it is mined. Do not send it again meanwhile.",
];

/// What the owner does first if the operator key was revoked or replaced.
pub const NEW_KEY: &str = "If the operator key was revoked, the owner sets a new one first: \
                           protx update_registrar <proTxHash> <new operator public key> <voting address or \"\"> \
                           <payout address or \"\"> <address that pays the fee>. On a shared masternode all owners do it: \
                           protx shared_update_registrar_prepare, shared_sign, shared_combine.";

/// A command, and the case to which it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The case, as the beginning of a sentence; empty if there is only one command.
    pub when: &'static str,
    /// The lines: the first for the shell, the others for its standard input.
    pub text: String,
}

/// The inputs that determine the command.
#[derive(Clone, Copy, Debug)]
pub struct Revival<'a> {
    /// Its registration.
    pub id: &'a MasternodeId,
    /// Its type.
    pub node_type: NodeType,
    /// Its address with port; `None` if the list contains no address.
    pub address: Option<&'a str>,
    /// The fork v24 is active; `None` if not known: then both forms are given if they differ.
    pub v24_active: Option<bool>,
}

/// The commands for a masternode of the list; `None` if it is not banned, or if bans end differently on its chain.
pub fn commands_for(masternode: &Masternode, v24_active: Option<bool>) -> Option<Vec<Command>> {
    if !masternode.is_banned() || !matches!(masternode.id, MasternodeId::ProTx(_)) {
        return None;
    }
    let address = masternode.details.address();
    let revival =
        Revival { id: &masternode.id, node_type: masternode.node_type, address: address.as_deref(), v24_active };
    Some(revival.commands())
}

impl Revival<'_> {
    /// The command, or each possible one with its case.
    pub fn commands(&self) -> Vec<Command> {
        let command = |when, text| Command { when, text };
        match (self.node_type, self.v24_active) {
            // The node selects the version of the transaction; the arguments are the same before and after.
            (NodeType::Regular, _) => vec![command("", self.regular())],
            (NodeType::Evo, Some(true)) => vec![command("", self.evo_addresses())],
            (NodeType::Evo, Some(false)) => vec![command("", self.evo_ports())],
            (NodeType::Evo, None) => vec![
                command("Once v24 is active (version 3, Platform addresses spelled out)", self.evo_addresses()),
                command("Before v24 is active (version 2, Platform ports only)", self.evo_ports()),
            ],
        }
    }

    fn regular(&self) -> String {
        self.lines("update_service", &[])
    }

    fn evo_addresses(&self) -> String {
        let platform = ["<Platform node ID>", "<Platform P2P address:port>", "<Platform HTTPS address:port>"];
        self.lines("update_service_evo", &platform)
    }

    fn evo_ports(&self) -> String {
        self.lines("update_service_evo", &["<Platform node ID>", "<Platform P2P port>", "<Platform HTTPS port>"])
    }

    fn lines(&self, command: &str, platform: &[&str]) -> String {
        // Any node may provide the list: only the characters of an address may reach a shell.
        let harmless = |address: &&str| {
            !address.is_empty()
                && address.chars().all(|character| character.is_ascii_alphanumeric() || ".:[]-".contains(character))
        };
        let address = self.address.filter(harmless).unwrap_or("<address:port>");
        let first = format!("dash-cli -rpcwallet=<wallet> -stdin protx {command} {} \"{address}\"", self.id);
        let last = ["<operator payout address, or an empty line to keep it>", "<address that pays the fee>"];
        let lines = [first.as_str(), "<operator secret key>"].into_iter().chain(platform.iter().copied()).chain(last);
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masternode::Height;
    use crate::samples::{id, masternode};

    fn commands(node_type: NodeType, address: Option<&str>, v24_active: Option<bool>) -> Vec<Command> {
        Revival { id: &id(1), node_type, address, v24_active }.commands()
    }

    #[test]
    fn a_regular_masternode_is_revived_by_the_same_command_before_and_after_the_fork() {
        let hash = "01".repeat(32);
        for active in [None, Some(false), Some(true)] {
            let [command] = &commands(NodeType::Regular, Some("192.0.2.1:9999"), active)[..] else { panic!("one") };
            let expected = format!(
                "dash-cli -rpcwallet=<wallet> -stdin protx update_service {hash} \"192.0.2.1:9999\"\n\
                 <operator secret key>\n\
                 <operator payout address, or an empty line to keep it>\n\
                 <address that pays the fee>"
            );
            assert_eq!((command.when, &command.text), ("", &expected));
        }
    }

    /// `bad-protx-version-disallowed`: after the activation, a service update of an Evo node must have version 3, which
    /// the wallet creates if the Platform addresses are listed.
    #[test]
    fn an_evo_node_lists_platform_addresses_once_v24_is_active_and_ports_before() {
        let arguments = |command: &Command| command.text.lines().skip(2).take(3).map(String::from).collect::<Vec<_>>();
        let ports = ["<Platform node ID>", "<Platform P2P port>", "<Platform HTTPS port>"];
        let addresses = ["<Platform node ID>", "<Platform P2P address:port>", "<Platform HTTPS address:port>"];
        let of = |active| commands(NodeType::Evo, Some("192.0.2.1:9999"), active);
        assert_eq!(of(Some(true)).iter().map(arguments).collect::<Vec<_>>(), [addresses]);
        assert_eq!(of(Some(false)).iter().map(arguments).collect::<Vec<_>>(), [ports]);
        let both = of(None);
        assert_eq!(both.iter().map(arguments).collect::<Vec<_>>(), [addresses, ports]);
        assert!(both[0].when.starts_with("Once v24") && both[1].when.starts_with("Before v24"));
        assert!(both.iter().all(|command| command.text.lines().count() == 7));
    }

    #[test]
    fn a_missing_or_unsafe_address_is_left_to_the_operator() {
        for address in [None, Some(""), Some("$(reboot):1"), Some("a\nb:1"), Some("\"x:1")] {
            let command = commands(NodeType::Regular, address, None).remove(0).text;
            assert_eq!(command.lines().count(), 4, "{address:?}");
            assert!(command.lines().next().unwrap().ends_with("\"<address:port>\""), "{address:?}");
        }
        let ipv6 = commands(NodeType::Regular, Some("[2001:db8::1]:9999"), None).remove(0).text;
        assert!(ipv6.contains("\"[2001:db8::1]:9999\""));
    }

    #[test]
    fn only_a_banned_masternode_is_revived() {
        let banned = Masternode { ban_height: Some(Height(5)), ..masternode(1) };
        assert!(commands_for(&banned, None).is_some());
        assert_eq!(commands_for(&masternode(1), None), None);
    }
}
