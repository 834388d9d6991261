//! What `doctor` says of the name of a network: it is the label `network` of every metric and alert, so it should name the chain
//! that the node follows.
//!
//! Never here: whether the node is on the right chain, which `networks[].expect` decides.

use crate::cli::doctor::Findings;
use crate::config::NetworkConfig;
use crate::rpc::ChainInfo;
use domain::Subnet;
use domain::chain::ChainRules;

/// Words in names, and the kind of network that each means.
const SUBNETS: [(&str, Subnet); 6] = [
    ("main", Subnet::Main),
    ("mainnet", Subnet::Main),
    ("test", Subnet::Test),
    ("testnet", Subnet::Test),
    ("regtest", Subnet::Regtest),
    ("devnet", Subnet::Devnet),
];

/// Words in names, and the chain that each means.
const CHAINS: [(&str, &str); 5] =
    [("dash", "dash"), ("dimecoin", "dimecoin"), ("dime", "dimecoin"), ("prcycoin", "prcycoin"), ("prcy", "prcycoin")];

/// Notes a name that does not fit.
pub(super) fn check(network: &NetworkConfig, chain: Option<&ChainInfo>, findings: &mut Findings) {
    if let Some(misfit) = chain.and_then(|chain| misfit(&network.name, &network.chain.rules, &chain.chain)) {
        findings.bad("network label", false, &misfit);
    }
}

/// What is wrong with the name of a network that follows a chain, which the node calls `reported`; `None` if it fits, or says nothing of
/// it.
fn misfit(name: &str, rules: &ChainRules, reported: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let words = || lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    let subnet = Subnet::from_chain_name(reported);
    let other_subnet = words().any(|word| SUBNETS.iter().any(|(known, means)| *known == word && *means != subnet));
    let other_chain = words().any(|word| CHAINS.iter().any(|(known, means)| *known == word && *means != rules.name));
    (other_subnet || other_chain).then(|| {
        format!(
            "the name {name:?} does not fit: the node follows {} {reported:?}. Metrics and alerts carry the label network={name:?}; if \
             the node is the right one, rename networks[].name",
            rules.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::chain::DASH;

    #[test]
    fn a_name_fits_unless_it_means_another_network() {
        for (name, reported, fits) in [
            ("dash-main", "main", true),
            ("dash-main", "test", false),
            ("Dash_Mainnet", "regtest", false),
            ("dash-testnet", "test", true),
            ("testnet", "main", false),
            ("dash-devnet", "devnet-mine", true),
            ("dash-devnet", "main", false),
            ("dash-local", "main", true),
            ("dimecoin", "main", false),
            ("prcy-main", "main", false),
            ("production", "main", true),
            ("eu-west", "test", true),
            // A word within a word means nothing.
            ("latest", "main", true),
            ("dashboard-1", "test", true),
        ] {
            assert_eq!(misfit(name, &DASH, reported).is_none(), fits, "{name} on {reported}");
        }
        let text = misfit("dash-main", &DASH, "test").unwrap();
        assert!(
            text.contains("\"dash-main\"") && text.contains("dash \"test\"") && text.contains("networks[].name"),
            "{text}"
        );
    }
}
