//! Bodies of answers: within their bounds, or a kind of failure.
//!
//! Never here: what a body says.

use std::time::Duration;

use reqwest::Response;

use crate::outbound::cause;
use crate::rpc::error::ErrorKind;
use domain::ForeignText;

/// Refuses an answer that announces more than the limit, before any of it is read.
pub(super) fn refuse_longer(response: &Response, limit: u64) -> Result<(), ErrorKind> {
    match response.content_length() {
        Some(length) if length > limit => Err(ErrorKind::TooLarge { limit }),
        _ => Ok(()),
    }
}

/// A whole body within the limit.
pub(super) async fn collect(mut response: Response, limit: u64, timeout: Duration) -> Result<Vec<u8>, ErrorKind> {
    refuse_longer(&response, limit)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, timeout))? {
        if (body.len() + chunk.len()) as u64 > limit {
            return Err(ErrorKind::TooLarge { limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong with a connection. The URL is left out: it is the operator's affair, the source's name says enough.
pub(super) fn broken(error: &reqwest::Error, timeout: Duration) -> ErrorKind {
    if error.is_timeout() && !error.is_connect() {
        return ErrorKind::Timeout { after: timeout };
    }
    ErrorKind::Unreachable { cause: ForeignText::new(cause(error)) }
}
