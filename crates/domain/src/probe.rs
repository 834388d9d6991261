//! Results of probing a masternode at its registered address.
//!
//! Never here: connections and messages (the part `probe`); whether the network requires an answer (`requirement`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::foreign_text::ForeignText;
use crate::masternode::{MasternodeId, UnixSeconds};

/// The last probe of each watched masternode.
pub type Probes = BTreeMap<MasternodeId, Probe>;

/// Result of the last probe of one masternode.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Its outcome.
    pub outcome: Outcome,
    /// When it ended.
    pub at: UnixSeconds,
    /// From the first packet to the end of the handshake; `None` without a handshake.
    pub duration: Option<Duration>,
    /// What the peer reported about itself; `None` if it sent no `version`.
    pub peer: Option<Peer>,
    /// When the last successful probe of the same address ended; `None` if there was none since this process started.
    pub last_success: Option<UnixSeconds>,
}

/// What a peer reports about itself in its `version` message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Version of the peer-to-peer protocol.
    pub protocol_version: u32,
    /// Its user agent: at most [`Peer::AGENT_LENGTH`] harmless characters; may be empty.
    pub agent: ForeignText,
    /// It relays transactions; `None` if not reported.
    pub relays: Option<bool>,
    /// It serves compact block filters (`NODE_COMPACT_FILTERS`); `None` if not reported.
    pub compact_filters: Option<bool>,
}

impl Peer {
    /// Maximum length of a user agent, in characters.
    pub const AGENT_LENGTH: usize = 64;

    /// A peer whose user agent is cut to displayable characters, because a stranger wrote it. Its services are not
    /// known.
    pub fn new(protocol_version: u32, agent: &[u8]) -> Peer {
        let harmless = |byte: &&u8| byte.is_ascii_alphanumeric() || b" .,;-_/:?@()+".contains(byte);
        let agent: String =
            agent.iter().filter(harmless).take(Peer::AGENT_LENGTH).map(|byte| char::from(*byte)).collect();
        Peer { protocol_version, agent: ForeignText::new(agent), relays: None, compact_filters: None }
    }
}

/// Outcome of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handshake was completed with a peer of the right chain and a sufficient version.
    Reached,
    /// It was not: a fault of the masternode or of the route to it.
    Failed(ProbeError),
    /// Not probed, or the attempt gave no information about the masternode.
    Unprobed(Unprobed),
}

impl Outcome {
    /// The value of the label `reason`; `None` on success.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Outcome::Reached => None,
            Outcome::Failed(failure) => Some(failure.label()),
            Outcome::Unprobed(unprobed) => Some(unprobed.label()),
        }
    }

    /// All values of the label `reason`.
    pub const REASONS: [&'static str; ProbeError::ALL.len() + Unprobed::ALL.len()] = {
        let mut reasons = [""; ProbeError::ALL.len() + Unprobed::ALL.len()];
        let mut at = 0;
        while at < reasons.len() {
            reasons[at] = match at.checked_sub(ProbeError::ALL.len()) {
                None => ProbeError::ALL[at].label(),
                Some(rest) => Unprobed::ALL[rest].label(),
            };
            at += 1;
        }
        reasons
    };
}

/// Why a masternode could not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeError {
    /// No process listens on the port.
    Refused,
    /// No answer, or an incomplete one, in time.
    Timeout,
    /// The connection was closed before the handshake was over.
    Reset,
    /// A router reported that the host does not exist.
    Unreachable,
    /// A node of another network answered.
    WrongMagic,
    /// The answer is not a handshake: damaged, out of order, or too long.
    Malformed,
    /// The handshake was completed, with a version that other nodes disconnect.
    TooOld,
}

impl ProbeError {
    /// All.
    pub const ALL: [ProbeError; 7] = [
        ProbeError::Refused,
        ProbeError::Timeout,
        ProbeError::Reset,
        ProbeError::Unreachable,
        ProbeError::WrongMagic,
        ProbeError::Malformed,
        ProbeError::TooOld,
    ];

    /// The value of the label `reason`.
    pub const fn label(self) -> &'static str {
        match self {
            ProbeError::Refused => "refused",
            ProbeError::Timeout => "timeout",
            ProbeError::Reset => "reset",
            ProbeError::Unreachable => "unreachable",
            ProbeError::WrongMagic => "wrong_magic",
            ProbeError::Malformed => "malformed",
            ProbeError::TooOld => "too_old",
        }
    }
}

/// Why a masternode was not probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unprobed {
    /// The list contains no address, or none that can be probed.
    NoAddress,
    /// Its address is a host name, which is not resolved.
    Name,
    /// Its address is in an overlay network: onion or I2P.
    Overlay,
    /// Its address is not of the public internet, and such addresses are not allowed.
    Private,
    /// The message prefix of this network is not known.
    UnknownNetwork,
    /// This host has no route (for example no IPv6), cannot open a connection, or reaches no host at all.
    NoRoute,
}

impl Unprobed {
    /// All.
    pub const ALL: [Unprobed; 6] = [
        Unprobed::NoAddress,
        Unprobed::Name,
        Unprobed::Overlay,
        Unprobed::Private,
        Unprobed::UnknownNetwork,
        Unprobed::NoRoute,
    ];

    /// The value of the label `reason`.
    pub const fn label(self) -> &'static str {
        match self {
            Unprobed::NoAddress => "no_address",
            Unprobed::Name => "name",
            Unprobed::Overlay => "overlay",
            Unprobed::Private => "private",
            Unprobed::UnknownNetwork => "unknown_network",
            Unprobed::NoRoute => "no_route",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_is_shortened_and_cleaned() {
        assert_eq!(Peer::new(70_240, b"/Dash Core:23.1.2(m9)/").agent, "/Dash Core:23.1.2(m9)/");
        assert_eq!(Peer::new(1, b"a\"b\n\\\xff\x00{c}").agent, "abc");
        assert_eq!(Peer::new(1, &[b'x'; 256]).agent.len(), 64);
    }

    #[test]
    fn every_reason_has_its_own_label() {
        let mut labels = Outcome::REASONS.to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), ProbeError::ALL.len() + Unprobed::ALL.len());
        assert_eq!(Outcome::Failed(ProbeError::TooOld).reason(), Some("too_old"));
        assert_eq!(Outcome::Unprobed(Unprobed::NoRoute).reason(), Some(Outcome::REASONS[12]));
    }
}
