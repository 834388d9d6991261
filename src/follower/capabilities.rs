//! What a node supports: decided by its dialect and version, until it refuses a method.
//!
//! Never here: calls to a node.

use crate::rpc::{Dialect, ErrorKind, RpcError, methods};

/// First version with `protx listdiff`, and with the selection rule of quorums that is computed here
/// (docs/spec/dash.md#protx-listdiff).
const LIST_DIFFS_SINCE: u32 = 200_000;

/// What a source supports, as far as known. Nothing before the source is identified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    /// `protx listdiff`.
    pub(super) list_diffs: bool,
    /// The quorum calls.
    pub(super) quorums: bool,
    /// The special transactions of a block.
    pub(super) special_transactions: bool,
    /// The payees of blocks, or their kind.
    pub(super) payees: bool,
    /// `protx diff`, and so the selection of the next quorums.
    pub(super) quorum_selection: bool,
    /// `protx diff`, and so the proof of the list.
    pub(super) list_proof: bool,
}

impl Capabilities {
    /// Those of a node of this version. A method that is newer than the node is not tried: that would only fill its log.
    pub(super) fn of(dialect: &Dialect, version: u32) -> Capabilities {
        let is_recent = version >= LIST_DIFFS_SINCE;
        let special_transactions = dialect.special.is_some();
        Capabilities {
            list_diffs: is_recent && dialect.diff().is_some(),
            quorums: dialect.quorums.is_some(),
            special_transactions,
            payees: dialect.payees.is_some(),
            quorum_selection: is_recent && special_transactions && dialect.sml_diff.is_some(),
            list_proof: is_recent && dialect.sml_diff.is_some(),
        }
    }

    /// Whether the outcomes of DKG sessions can be read.
    pub(super) fn dkg_outcomes(self) -> bool {
        self.quorums && self.special_transactions
    }

    /// Records that the node refuses a method of quorums, special transactions or payees, so that it is not asked again.
    pub(super) fn note_refusal(&mut self, error: &RpcError) {
        if is_refusal(error) {
            match error.method() {
                method if method == methods::GET_SPECIAL_TXES.name => self.special_transactions = false,
                method if method == methods::GET_BLOCK.name => self.payees = false,
                _ => self.quorums = false,
            }
        }
    }
}

/// Whether the node does not know the method, or forbids it.
pub(super) fn is_refusal(error: &RpcError) -> bool {
    matches!(error.kind(), ErrorKind::UnknownMethod | ErrorKind::Forbidden)
}
