//! Small texts that operators and nodes write: identities, times, durations, addresses and paths are restored exactly.
//!
//! Never here: where these texts occur.

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::time::Duration;

use domain::{BlockHash, MasternodeId, UnixSeconds, rfc3339};
use masternode_exporter::config::parse_duration;
use masternode_exporter::web::handlers::TelemetryPath;
use masternode_exporter::web::listen::ListenAddress;

/// See the module.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    written::<MasternodeId>(text);
    written::<BlockHash>(text);
    written::<ListenAddress>(text);
    if let Some((first, last)) = rfc3339::span(text) {
        assert!(first <= last);
        assert_eq!(rfc3339::span(&rfc3339::text(first)), Some((first, first)), "{text}");
        assert!(rfc3339::text(first).starts_with(text.trim_end_matches('Z')), "{text}");
    }
    if let Some(bytes) = input.first_chunk() {
        // Every time that the header of a block can contain.
        let moment = UnixSeconds(u64::from(u32::from_le_bytes(*bytes)));
        assert_eq!(rfc3339::span(&rfc3339::text(moment)), Some((moment, moment)));
    }
    if let Ok(span) = parse_duration(text) {
        let seconds = span.as_secs().min(u64::from(u32::MAX));
        assert_eq!(parse_duration(&format!("{seconds}s")), Ok(Duration::from_secs(seconds)), "{text}");
        assert!(text.bytes().any(|byte| byte.is_ascii_digit()), "{text:?} has no number");
    }
    if let Ok(path) = TelemetryPath::new(text) {
        assert_eq!(path.as_str(), text);
        assert!(text.is_ascii() && text.starts_with('/'));
    }
}

/// A decoded value survives writing and reading.
fn written<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().expect("we wrote it"), value, "{text}");
    }
}
