//! The HELP and TYPE lines of a family.
//!
//! Never here: samples.

use crate::catalog::Family;
use crate::metrics::page::Format;

/// Appends the HELP and TYPE lines of a family of the catalog.
pub(super) fn head(family: &Family, format: Format, out: &mut Vec<u8>) {
    write_head(family.name, family.help, family.kind.label(), format, out);
}

/// Appends the HELP and TYPE lines of a family. OpenMetrics names counters without `_total` there and escapes quotes.
pub(super) fn write_head(name: &str, help: &str, kind: &str, format: Format, out: &mut Vec<u8>) {
    let name = match (format, kind) {
        (Format::OpenMetrics, "counter") => name.strip_suffix("_total").unwrap_or(name),
        _ => name,
    };
    out.extend_from_slice(b"# HELP ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    for byte in help.bytes() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if format == Format::OpenMetrics => out.extend_from_slice(b"\\\""),
            _ => out.push(byte),
        }
    }
    out.extend_from_slice(b"\n# TYPE ");
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(kind.as_bytes());
    out.push(b'\n');
}
