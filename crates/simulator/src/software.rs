//! The software of a simulated node: its release, and the settings that affect its answers.
//!
//! Never here: the format of an answer (`rpc`).

/// The first release that follows the fork of Dash 24.
pub(super) const DASH_24: u32 = 240_000;

/// The software of one simulated node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// `getnetworkinfo.version`, e.g. 230102 or 240003; determines the available fields and methods.
    pub version: u32,
    /// `subversion`; `None`: that of the release.
    pub subversion: Option<String>,
    /// `protocolversion`; `None`: that of the release.
    pub protocol: Option<u32>,
    /// Transactions are relayed (`-blocksonly=0`).
    pub relay: bool,
    /// Compact block filters are served (`-peerblockfilters=1`).
    pub filters: bool,
    /// The index of the filters: synced or not; `None`: there is no such index.
    pub filter_index: Option<bool>,
    /// Started with `-deprecatedrpc=service`.
    pub shows_service: bool,
    /// Started with `-deprecatedrpc=softforks`.
    pub shows_softforks: bool,
    /// `getdeploymentinfo` has the keys `ehf` and `ehf_height`.
    pub shows_signal: bool,
}

impl Software {
    /// A release with default settings.
    #[must_use]
    pub fn release(version: u32) -> Self {
        Self {
            version,
            subversion: None,
            protocol: None,
            relay: true,
            filters: version >= DASH_24,
            filter_index: (version >= DASH_24).then_some(true),
            shows_service: version < DASH_24,
            shows_softforks: version < DASH_24,
            shows_signal: true,
        }
    }

    /// Whether it follows the fork.
    #[must_use]
    pub fn follows_fork(&self) -> bool {
        self.version >= DASH_24
    }
}
