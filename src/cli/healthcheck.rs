//! `healthcheck`: asks a running exporter whether it is alive, for containers that have no other tool.
//!
//! Never here: whether its data is fresh; alerts tell that.

use std::time::Duration;

use crate::app;
use crate::web;

/// Asks `address` for `path`. Ok is the answer's text.
pub(super) async fn run(address: &str, path: &str, timeout: Duration) -> Result<String, app::Error> {
    let (status, body) = web::probe::get(address, path, timeout).await?;
    let text = format!("{status} {}", body.trim());
    if status == 200 { Ok(text) } else { Err(text.into()) }
}
