//! Errors of calls: a kind for code that branches, and a sentence with place and remedy for the log.
//!
//! Never here: credentials, or a URL.

use std::fmt;
use std::time::Duration;

use domain::ForeignText;

/// JSON-RPC code `RPC_MISC_ERROR` (`src/rpc/protocol.h` of Dash Core), which proxies and nodes give for what they cannot explain.
const MISC_ERROR: i64 = -1;

/// A failed call.
#[derive(Clone, Debug)]
pub struct RpcError {
    pub(super) source: String,
    pub(super) method: &'static str,
    pub(super) kind: ErrorKind,
}

/// Kinds of failures that the follower treats differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection, or a broken one.
    Unreachable {
        /// The error of the connection; the peer may control parts of the text.
        cause: ForeignText,
    },
    /// No answer before the timeout.
    Timeout {
        /// The timeout.
        after: Duration,
    },
    /// 401: wrong user or password.
    Unauthorized {
        /// The credentials, without the secret.
        used: String,
    },
    /// The file with the credentials cannot be read; nothing was sent.
    NoCredentials {
        /// The file and the reason.
        cause: String,
    },
    /// 403: the address is not in `rpcallowip`, or the method not in `rpcwhitelist`.
    Forbidden,
    /// −28: the node is starting.
    WarmingUp {
        /// Its current step.
        message: ForeignText,
    },
    /// 503, or 500 before v20: the node's work queue is full. 429 of a proxy is treated the same.
    Refused,
    /// 503 without that text: the node is stopping (`http_reject_request_cb` in `src/httpserver.cpp`). Or a proxy does not reach
    /// it: 408, 502, 504 and any other status from 500 on without an error of the node.
    NotServing {
        /// The HTTP status.
        status: u16,
    },
    /// The node does not know the method or its subcommand.
    UnknownMethod,
    /// Any other error that the node reports.
    Call {
        /// JSON-RPC code.
        code: i64,
        /// Its first line.
        message: ForeignText,
    },
    /// The peer is not the RPC of a node.
    WrongPeer {
        /// What it is instead, and what to do.
        what: ForeignText,
    },
    /// The answer has an unexpected form.
    Malformed {
        /// The error in it.
        what: ForeignText,
    },
    /// The answer is longer than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

impl ErrorKind {
    /// Whether the node, or a proxy before it, answers, but not this call at this moment.
    pub fn is_momentary(&self) -> bool {
        matches!(
            self,
            ErrorKind::Refused
                | ErrorKind::NotServing { .. }
                | ErrorKind::WarmingUp { .. }
                | ErrorKind::Call { code: MISC_ERROR, .. }
        )
    }

    /// The value of the label `outcome`, from a fixed set.
    pub fn label(&self) -> &'static str {
        match self {
            ErrorKind::Unreachable { .. } => "unreachable",
            ErrorKind::Timeout { .. } => "timeout",
            ErrorKind::Unauthorized { .. } | ErrorKind::NoCredentials { .. } | ErrorKind::Forbidden => "denied",
            ErrorKind::WarmingUp { .. } => "warming_up",
            ErrorKind::Refused | ErrorKind::NotServing { .. } => "refused",
            ErrorKind::UnknownMethod => "unknown_method",
            ErrorKind::Call { .. } => "error",
            ErrorKind::WrongPeer { .. } | ErrorKind::Malformed { .. } => "malformed",
            ErrorKind::TooLarge { .. } => "too_large",
        }
    }

    /// Classifies the member `error` of an answer. An unknown subcommand is −8 with a fixed text, or before v21 −1 with
    /// the help text (docs/spec/dash.md#transport, docs/spec/recorded-answers.md#refusals).
    pub(super) fn reported(code: i64, message: &str) -> ErrorKind {
        let line = ForeignText::new(message.lines().next().unwrap_or_default());
        match code {
            -28 => ErrorKind::WarmingUp { message: line },
            -32601 => ErrorKind::UnknownMethod,
            -8 if line.starts_with("Must be a valid command") => ErrorKind::UnknownMethod,
            -1 if message.contains("Available commands:") => ErrorKind::UnknownMethod,
            _ => ErrorKind::Call { code, message: line },
        }
    }

    pub(super) fn malformed(what: impl fmt::Display) -> ErrorKind {
        ErrorKind::Malformed { what: ForeignText::new(what) }
    }
}

impl RpcError {
    /// The method that was called.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The kind of failure.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at source {}: ", self.method, self.source)?;
        match &self.kind {
            ErrorKind::Unreachable { cause } if cause.contains("CertificateRequired") => {
                write!(f, "no connection ({cause}): the server asks for a client certificate; set cert_file and key_file of the source")
            }
            // A certificate error proves that a server answered.
            ErrorKind::Unreachable { cause } if cause.contains("certificate") => write!(f, "no connection ({cause})"),
            ErrorKind::Unreachable { cause } => {
                write!(f, "no connection ({cause}); check that the node runs with server=1 and that the URL is right")
            }
            ErrorKind::Timeout { after } => {
                write!(f, "no answer within {after:?}; the node is overloaded or stuck, or the timeout of the source is too short")
            }
            ErrorKind::Unauthorized { used } => write!(f, "the node refused the credentials (401): {used}"),
            ErrorKind::NoCredentials { cause } => write!(f, "nothing sent, the credentials are unavailable: {cause}"),
            ErrorKind::Forbidden => f.write_str(
                "forbidden (403): add the method to the user's rpcwhitelist, or this host's address to rpcallowip, and restart the node",
            ),
            ErrorKind::WarmingUp { message } => write!(f, "the node is starting ({message})"),
            ErrorKind::Refused => f.write_str("the node's work queue is full; raise rpcworkqueue, or reduce the load of its other clients"),
            ErrorKind::NotServing { status } => {
                write!(f, "the node accepts no calls ({status}): it is stopping, or a proxy does not reach it")
            }
            ErrorKind::UnknownMethod => f.write_str("the node does not know this method: it is too old, or of another chain"),
            ErrorKind::Call { code, message } => write!(f, "the node returned error {code}: {message}"),
            ErrorKind::WrongPeer { what } => write!(f, "this is not the RPC of a node: {what}"),
            ErrorKind::Malformed { what } => write!(f, "the answer cannot be used: {what}"),
            ErrorKind::TooLarge { limit } => write!(f, "the answer exceeds the limit of {limit} bytes"),
        }
    }
}

impl std::error::Error for RpcError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_subcommand_is_an_unknown_method_whatever_the_version() {
        let cases = [
            (-32601, "Method not found"),
            (-8, "Must be a valid command"),
            (-1, "protx \"command\" ...\nSet of commands\nAvailable commands:\n  register"),
        ];
        for (code, message) in cases {
            assert_eq!(ErrorKind::reported(code, message), ErrorKind::UnknownMethod, "{code} {message}");
        }
        let long = ErrorKind::reported(-5, &"é".repeat(100_000));
        assert_eq!(long, ErrorKind::Call { code: -5, message: ForeignText::new("é".repeat(100_000)) });
        let orders = ErrorKind::malformed("a\u{1b}[2Jb\rc");
        assert_eq!(orders, ErrorKind::Malformed { what: "a\u{fffd}[2Jb\u{fffd}c".into() });
        let other = ErrorKind::Call { code: -8, message: "invalid height specified".into() };
        assert_eq!(ErrorKind::reported(-8, "invalid height specified"), other);
    }
}
