//! What came of calling a masternode at the address that the list names.
//!
//! Never here: connections and messages (the part `probe`); whether the chain demands an answer (`requirement`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::foreign_text::ForeignText;
use crate::masternode::{MasternodeId, UnixSeconds};

/// The last probe of each masternode that is watched.
pub type Probes = BTreeMap<MasternodeId, Probe>;

/// What came of the last probe of one masternode.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub at: UnixSeconds,
    /// From the first packet to the end of the handshake; `None` when there was none.
    pub duration: Option<Duration>,
    /// What the peer said of itself; `None` when it did not come to that.
    pub peer: Option<Peer>,
    /// When the last probe of the same address ended well; `None` when none did since this process began.
    pub last_success: Option<UnixSeconds>,
}

/// What a peer says of itself in its `version` message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Version of the peer-to-peer protocol.
    pub protocol_version: u32,
    /// Its user agent: at most [`Peer::AGENT_LENGTH`] harmless characters; may be empty.
    pub agent: ForeignText,
    /// It relays transactions; `None` when it did not say.
    pub relays: Option<bool>,
    /// It serves compact block filters (`NODE_COMPACT_FILTERS`); `None` when it did not say.
    pub compact_filters: Option<bool>,
}

impl Peer {
    /// Most characters of a user agent that are kept.
    pub const AGENT_LENGTH: usize = 64;

    /// A peer whose user agent is cut to what may be shown: a stranger wrote it. Nothing is known of its services.
    pub fn new(protocol_version: u32, agent: &[u8]) -> Peer {
        let harmless = |byte: &&u8| byte.is_ascii_alphanumeric() || b" .,;-_/:?@()+".contains(byte);
        let agent: String =
            agent.iter().filter(harmless).take(Peer::AGENT_LENGTH).map(|byte| char::from(*byte)).collect();
        Peer { protocol_version, agent: ForeignText::new(agent), relays: None, compact_filters: None }
    }
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handshake was completed with a peer of the right chain that is new enough.
    Reached,
    /// It was not: the masternode's fault, or of the way to it.
    Failed(ProbeError),
    /// Nobody tried, or trying told nothing of the masternode.
    Unprobed(Unprobed),
}

impl Outcome {
    /// The value of the label `reason`; `None` when all went well.
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
    /// Nobody listens on the port.
    Refused,
    /// No answer, or not the whole of it, within the time.
    Timeout,
    /// The connection was closed before the handshake was over.
    Reset,
    /// A router on the way said that there is no such host.
    Unreachable,
    /// Whoever answered is not of this network.
    WrongMagic,
    /// The answer is no handshake: damaged, out of order, or too long.
    Malformed,
    /// The handshake was completed, with a version that other nodes no longer keep a connection with.
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

/// Why nothing can be said of a masternode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unprobed {
    /// The list names no address, or none that can be called.
    NoAddress,
    /// Its address is a name, and names are not looked up.
    Name,
    /// Its address is in an overlay network: onion or I2P.
    Overlay,
    /// Its address is not of the public internet, and calling such ones is not allowed.
    Private,
    /// What messages on this network begin with is not known.
    UnknownNetwork,
    /// This host has no way there (no IPv6, say), could not open a connection at all, or reaches nobody.
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
    fn a_user_agent_is_kept_short_and_harmless() {
        assert_eq!(Peer::new(70_240, b"/Dash Core:23.1.2(m9)/").agent, "/Dash Core:23.1.2(m9)/");
        assert_eq!(Peer::new(1, b"a\"b\n\\\xff\x00{c}").agent, "abc");
        assert_eq!(Peer::new(1, &[b'x'; 256]).agent.len(), 64);
    }

    #[test]
    fn every_reason_has_a_label_of_its_own() {
        let mut labels = Outcome::REASONS.to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), ProbeError::ALL.len() + Unprobed::ALL.len());
        assert_eq!(Outcome::Failed(ProbeError::TooOld).reason(), Some("too_old"));
        assert_eq!(Outcome::Unprobed(Unprobed::NoRoute).reason(), Some(Outcome::REASONS[12]));
    }
}
