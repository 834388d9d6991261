//! Numbers as the templates of Prometheus show them, so that both ways of an alert read the same.
//!
//! Never here: which number.

/// As `humanizeDuration`: `1h 2m 3s`; below a minute with four digits.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{}s", digits(seconds.max(0.0))),
        (0, 0, _) => format!("{minutes}m {rest}s"),
        (0, _, _) => format!("{hours}h {minutes}m {rest}s"),
        _ => format!("{days}d {hours}h {minutes}m {rest}s"),
    }
}

/// As `humanizePercentage`: of a ratio in 0…1, with four digits.
pub(super) fn percent(ratio: f64) -> String {
    format!("{}%", digits(ratio * 100.0))
}

/// A number in 0…9999 with four digits, zeros at the end left away.
fn digits(number: f64) -> String {
    let before = if number < 1.0 { 1 } else { number.log10() as usize + 1 };
    let text = format!("{number:.*}", 4_usize.saturating_sub(before));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_prometheus_writes_them() {
        for (seconds, text) in
            [(0.0, "0s"), (45.0, "45s"), (930.0, "15m 30s"), (3_661.0, "1h 1m 1s"), (90_061.0, "1d 1h 1m 1s")]
        {
            assert_eq!(duration(seconds), text);
        }
        for (ratio, text) in [(0.5, "50%"), (0.873_21, "87.32%"), (1.0, "100%"), (0.0, "0%")] {
            assert_eq!(percent(ratio), text);
        }
    }
}
