//! Reads bodies of answers within a limit, or returns an error kind.
//!
//! Never here: the content of a body.

use std::time::Duration;

use reqwest::Response;

use crate::outbound::cause;
use crate::rpc::error::ErrorKind;
use domain::ForeignText;

/// Refuses an answer whose announced length exceeds the limit, before it is read.
pub(super) fn refuse_longer(response: &Response, limit: u64) -> Result<(), ErrorKind> {
    match response.content_length() {
        Some(length) if length > limit => Err(ErrorKind::TooLarge { limit }),
        _ => Ok(()),
    }
}

/// A complete body within the limit.
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

/// The error of a connection. The URL is omitted: it may be secret, and the name of the source is sufficient.
pub(super) fn broken(error: &reqwest::Error, timeout: Duration) -> ErrorKind {
    if error.is_timeout() && !error.is_connect() {
        return ErrorKind::Timeout { after: timeout };
    }
    ErrorKind::Unreachable { cause: ForeignText::new(cause(error)) }
}
