//! The value types: their syntax and their range. An error never quotes an address, which may contain a token.
//!
//! Never here: keys and their defaults.

use std::time::Duration;

use schemars::{Schema, json_schema};

use crate::alerting::settings::check_address;
use crate::config::duration::{Span, parse_duration};
use crate::config::leaf::{DAY, Kind, MINUTE, Preset};
use crate::web::handlers::TelemetryPath;
use crate::web::listen::ListenAddress;
use crate::web::route_prefix::RoutePrefix;
use domain::{Hash, MasternodeId, UnixSeconds, rfc3339};

/// A text of the operator's choice.
pub(super) struct TextKind;

impl Kind for TextKind {
    type Value = String;
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        Ok(text.to_string())
    }

    fn write(text: &String) -> serde_json::Value {
        text.as_str().into()
    }
}

/// A text that becomes the value of a label.
pub(super) struct LabelTextKind;

impl Kind for LabelTextKind {
    type Value = String;
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        if text.chars().any(char::is_control) || text.chars().count() > 100 {
            return Err("use at most 100 characters, none of them a control character".into());
        }
        Ok(text.to_string())
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "title": "text", "maxLength": 100})
    }
}

/// The name of a configured object, a label value.
pub(super) struct NameKind;

impl Kind for NameKind {
    type Value = String;
    const TITLE: &'static str = "name";
    const PATTERN: &'static str = "^[a-z0-9][a-z0-9_-]*$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        let good =
            |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "-_".contains(character);
        if text.is_empty() || !text.chars().all(good) || text.starts_with(['-', '_']) {
            return Err(format!("{text:?} is not a name: use a-z, 0-9, - and _, and begin with a letter or digit"));
        }
        Ok(text.to_string())
    }
}

/// The path of a file, as it is written.
pub(super) struct FileKind;

impl Kind for FileKind {
    type Value = String;
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        if text.is_empty() { Err("names no file".into()) } else { Ok(text.to_string()) }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "title": "path", "minLength": 1})
    }
}

/// `true` or `false`.
pub(super) struct FlagKind;

impl Kind for FlagKind {
    type Value = bool;

    fn read(text: &str) -> Result<bool, String> {
        text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
    }

    fn schema() -> Schema {
        json_schema!({"type": "boolean", "title": "`true` or `false`"})
    }

    fn write(flag: &bool) -> serde_json::Value {
        (*flag).into()
    }
}

impl Preset for FlagKind {
    fn preset() -> bool {
        false
    }
}

/// A whole number in a range.
pub(super) struct WholeKind<const LEAST: u64, const MOST: u64, const DEFAULT: u64>;

impl<const LEAST: u64, const MOST: u64, const DEFAULT: u64> Kind for WholeKind<LEAST, MOST, DEFAULT> {
    type Value = u64;

    fn read(text: &str) -> Result<u64, String> {
        let number = text.parse().ok().filter(|number| (LEAST..=MOST).contains(number));
        number.ok_or_else(|| format!("{text:?} is not a whole number from {LEAST} to {MOST}"))
    }

    fn schema() -> Schema {
        if MOST == u64::MAX {
            return json_schema!({"type": "integer", "title": format!("whole number, at least {LEAST}"), "minimum": LEAST});
        }
        let title = format!("whole number, {LEAST}–{MOST}");
        json_schema!({"type": "integer", "title": title, "minimum": LEAST, "maximum": MOST})
    }

    fn write(number: &u64) -> serde_json::Value {
        (*number).into()
    }
}

impl<const LEAST: u64, const MOST: u64, const DEFAULT: u64> Preset for WholeKind<LEAST, MOST, DEFAULT> {
    fn preset() -> u64 {
        const { assert!(LEAST <= DEFAULT && DEFAULT <= MOST, "the default is out of range") };
        DEFAULT
    }
}

/// A number from 0 to 1.
pub(super) struct RatioKind;

impl Kind for RatioKind {
    type Value = f64;

    fn read(text: &str) -> Result<f64, String> {
        let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
        number.ok_or_else(|| format!("{text:?} is not a number from 0 to 1"))
    }

    fn schema() -> Schema {
        json_schema!({"type": "number", "title": "number, 0–1", "minimum": 0, "maximum": 1})
    }

    fn write(number: &f64) -> serde_json::Value {
        (*number).into()
    }
}

/// A duration between two, in milliseconds, both included.
pub(super) struct SpanKind<const LEAST: u64, const MOST: u64, const DEFAULT: u64>;

impl<const LEAST: u64, const MOST: u64, const DEFAULT: u64> SpanKind<LEAST, MOST, DEFAULT> {
    const LEAST: Span = Span(Duration::from_millis(LEAST));
    const MOST: Span = Span(Duration::from_millis(MOST));

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = parse_duration(text)?;
        if (Self::LEAST.0..=Self::MOST.0).contains(&duration) {
            Ok(duration)
        } else {
            Err(format!("{text} is not between {} and {}", Self::LEAST, Self::MOST))
        }
    }
}

impl<const LEAST: u64, const MOST: u64, const DEFAULT: u64> Kind for SpanKind<LEAST, MOST, DEFAULT> {
    type Value = Duration;

    fn read(text: &str) -> Result<Duration, String> {
        Self::parse(text)
    }

    fn schema() -> Schema {
        let title = format!("duration, {}–{}", Self::LEAST, Self::MOST);
        json_schema!({"type": "string", "title": title, "pattern": "^([0-9]+(ms|s|m|h|d))+$"})
    }

    fn write(duration: &Duration) -> serde_json::Value {
        Span(*duration).to_string().into()
    }
}

impl<const LEAST: u64, const MOST: u64, const DEFAULT: u64> Preset for SpanKind<LEAST, MOST, DEFAULT> {
    fn preset() -> Duration {
        const { assert!(LEAST <= DEFAULT && DEFAULT <= MOST, "the default is out of range") };
        Duration::from_millis(DEFAULT)
    }
}

/// A horizon of payment probabilities: its text, and its seconds.
pub(super) struct HorizonKind;

type HorizonSpan = SpanKind<MINUTE, { 400 * DAY }, DAY>;

impl Kind for HorizonKind {
    type Value = (String, u64);

    fn read(text: &str) -> Result<(String, u64), String> {
        Ok((text.to_string(), HorizonSpan::parse(text)?.as_secs()))
    }

    fn schema() -> Schema {
        HorizonSpan::schema()
    }

    fn write((text, _): &(String, u64)) -> serde_json::Value {
        text.as_str().into()
    }
}

/// A URL that may contain a token or a password.
pub(super) struct AddressKind;

impl Kind for AddressKind {
    type Value = String;
    const TITLE: &'static str = "URL";
    const PATTERN: &'static str = "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]+([/?#].*)?$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        check_address(text).map(|()| text.to_string())
    }
}

/// A URL for people; empty for none.
pub(super) struct LinkKind;

impl Kind for LinkKind {
    type Value = String;
    const TITLE: &'static str = "URL";
    const PATTERN: &'static str = "^([Hh][Tt][Tt][Pp][Ss]?://[^/?#]+([/?#].*)?)?$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        if !text.is_empty() {
            check_address(text)?;
        }
        Ok(text.trim_end_matches('/').to_string())
    }
}

/// A URL for people of a command line: as [`LinkKind`], and without the braces of a template.
pub fn parse_link(text: &str) -> Result<String, String> {
    match LinkKind::read(text)? {
        link if link.contains(['{', '}']) => Err("has braces, which start a template in an annotation".into()),
        link => Ok(link),
    }
}

/// The identity of a masternode.
pub(super) struct IdentityKind;

impl Kind for IdentityKind {
    type Value = MasternodeId;
    const TITLE: &'static str = "proTxHash, or `txid-n` of the collateral on the older chains";
    const PATTERN: &'static str = "^[0-9a-fA-F]{64}(-[0-9]+)?$";

    fn read(text: &str) -> Result<MasternodeId, String> {
        text.parse()
    }
}

/// A day, up to its end, or a time.
pub(super) struct EndKind;

impl Kind for EndKind {
    type Value = UnixSeconds;
    const TITLE: &'static str = "`2026-01-31` or `2026-01-31T12:00:00Z`";
    const PATTERN: &'static str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$";

    fn read(text: &str) -> Result<UnixSeconds, String> {
        let end = rfc3339::span(text).map(|(_, last)| last);
        end.ok_or_else(|| {
            format!("{text:?} is neither a day such as 2026-01-31 nor a time such as 2026-01-31T12:00:00Z")
        })
    }
}

/// The name of a host, without a scheme and a port.
pub(super) struct HostKind;

impl Kind for HostKind {
    type Value = String;
    const TITLE: &'static str = "host name";
    const PATTERN: &'static str = "^[A-Za-z0-9._-]+$";
    const VERBATIM: bool = true;

    fn read(text: &str) -> Result<String, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match text.bytes().all(plain) && !text.is_empty() {
            true => Ok(text.trim_end_matches('.').to_string()),
            false => Err(format!("{text:?} is not the name of a host: leave out scheme, port and path")),
        }
    }
}

/// A listen address.
pub(super) struct ListenKind;

impl Kind for ListenKind {
    type Value = ListenAddress;
    const TITLE: &'static str = "address";
    const PATTERN: &'static str = ":[0-9]+$";

    fn read(text: &str) -> Result<ListenAddress, String> {
        text.parse()
    }

    fn write(address: &ListenAddress) -> serde_json::Value {
        address.to_string().into()
    }
}

/// Path of the metrics.
pub(super) struct TelemetryKind;

impl Kind for TelemetryKind {
    type Value = TelemetryPath;
    const TITLE: &'static str = "path";
    const PATTERN: &'static str = "^/[A-Za-z0-9/._~-]*$";

    fn read(text: &str) -> Result<TelemetryPath, String> {
        TelemetryPath::new(text)
    }

    fn write(path: &TelemetryPath) -> serde_json::Value {
        path.as_str().into()
    }
}

/// Path below which the routes are served.
pub(super) struct RoutePrefixKind;

impl Kind for RoutePrefixKind {
    type Value = RoutePrefix;
    const TITLE: &'static str = "path";
    const PATTERN: &'static str = "^[A-Za-z0-9/._~%-]*$";

    fn read(text: &str) -> Result<RoutePrefix, String> {
        RoutePrefix::new(text)
    }

    fn write(prefix: &RoutePrefix) -> serde_json::Value {
        prefix.to_string().into()
    }
}

/// A hash, as nodes write it.
pub(super) struct HashKind;

impl Kind for HashKind {
    type Value = Hash;
    const TITLE: &'static str = "hash";
    const PATTERN: &'static str = "^[0-9a-fA-F]{64}$";

    fn read(text: &str) -> Result<Hash, String> {
        text.parse()
    }
}
