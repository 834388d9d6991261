//! Releases of a node's software with known faults, as data: the releases, and the reasons to avoid them.
//!
//! Never here: which release is the newest; requirements of a release for masternodes (`requirement`).

use crate::chain::ChainRules;

/// A release with a known fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRelease {
    /// Chain, as in [`ChainRules::name`].
    pub chain: &'static str,
    /// `getnetworkinfo.version`: 240000 for 24.0.0.
    pub version: u32,
    /// Version as in the user agent.
    pub name: &'static str,
    /// The fault, as a sentence without the full stop.
    pub fault: &'static str,
}

/// All releases with a known fault (release pages of Dash Core 24.0.1 and 24.0.2; docs/spec/dash-24.md#operators).
pub const BAD_RELEASES: &[BadRelease] = &[
    BadRelease {
        chain: "dash",
        version: 240_000,
        name: "24.0.0",
        fault: "memory grows until the node is restarted (fixed in 24.0.2), and the commit step of LLMQ_400_85 sessions \
                is too slow (fixed in 24.0.1)",
    },
    BadRelease {
        chain: "dash",
        version: 240_001,
        name: "24.0.1",
        fault: "memory grows until the node is restarted (fixed in 24.0.2)",
    },
];

/// The first release of Dash Core whose masternodes refuse to start with the settings below.
pub const FIRST_WITH_CHECKS: u32 = 240_000;

/// Settings of `dash.conf` that prevent the start of a masternode of Dash Core 24, and what to do with each (Dash
/// Core's `doc/release-notes-7754.md`; `minsporkkeys` no longer exists, docs/spec/dash-24.md#other-methods).
pub const REFUSED_SETTINGS: &[(&str, &str)] = &[
    ("blocksonly", "remove it, or set 0"),
    ("peerblockfilters", "remove it, or set 1"),
    ("blockfilterindex", "remove it, or set basic: filters are served from this index"),
    ("maxuploadtarget", "remove it, or set 0"),
    ("minrelaytxfee, incrementalrelayfee", "remove them: not above their defaults"),
    ("dustrelayfee, bytespersigop", "remove them: not above their defaults"),
    ("datacarrier", "remove it, or set 1"),
    ("datacarriersize", "remove it: not below its default"),
    ("permitbaremultisig", "remove it, or set 1"),
    ("limitancestorcount, limitancestorsize", "remove them: not below their defaults"),
    ("limitdescendantcount, limitdescendantsize", "remove them: not below their defaults"),
    ("maxmempool, mempoolexpiry", "remove them: not below their defaults"),
    ("minsporkkeys", "remove it: the option no longer exists"),
];

/// The known fault of a version; `None` when none is known.
pub fn bad_version(rules: &ChainRules, version: u32) -> Option<&'static BadRelease> {
    BAD_RELEASES.iter().find(|release| release.chain == rules.name && release.version == version)
}

/// The known fault of the release in a user agent, such as `/Dash Core:24.0.1/` or `/Dash Core:24.0.1(mn3)/`. `None` if
/// none is known, also for a user agent without a release of the chain's software.
pub fn bad_agent(rules: &ChainRules, agent: &str) -> Option<&'static BadRelease> {
    let named = named_release(rules, agent)?;
    BAD_RELEASES.iter().find(|release| release.chain == rules.name && release.name == named)
}

/// The release in a user agent; `None` if it is not one of the chain's software.
pub fn named_release<'a>(rules: &ChainRules, agent: &'a str) -> Option<&'a str> {
    let rest = agent.strip_prefix(&*rules.subversion_prefix)?;
    let end = rest.find(|character: char| !(character.is_ascii_digit() || character == '.')).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{DASH, DIMECOIN};

    #[test]
    fn a_bad_release_is_known_by_its_version_and_by_its_user_agent() {
        // agent, version, bad.
        let cases = [
            ("/Dash Core:24.0.0/", 240_000, true),
            ("/Dash Core:24.0.1(mn3)/", 240_001, true),
            ("/Dash Core:24.0.1", 240_001, true),
            ("/Dash Core:24.0.2/", 240_002, false),
            ("/Dash Core:24.0.10/", 240_010, false),
            ("/Dash Core:24.0.0.1/", 0, false),
            ("/Dash Core:23.1.2/", 230_102, false),
            ("/other:24.0.0/", 0, false),
            ("", 0, false),
        ];
        for (agent, version, bad) in cases {
            assert_eq!(bad_agent(&DASH, agent).is_some(), bad, "{agent}");
            assert_eq!(bad_version(&DASH, version).is_some(), bad, "{version}");
        }
        assert_eq!(bad_version(&DIMECOIN, 240_000), None, "another chain counts its versions for itself");
    }

    #[test]
    fn an_agent_of_other_software_names_no_release() {
        assert_eq!(named_release(&DASH, "/Dash Core:23.1.2(m9)/"), Some("23.1.2"));
        for agent in ["", "/Satoshi:0.7.2/", "/Dash Core:/", "/Dash Core:x/"] {
            assert_eq!(named_release(&DASH, agent), None, "{agent}");
        }
    }
}
