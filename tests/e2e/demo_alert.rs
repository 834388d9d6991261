//! The demo tells its whole story within two minutes: danger, ban, alert on the page, revival, and the end of the alert.
//!
//! Never here: messages; the demo has no receivers.

use std::time::{Duration, Instant};

use crate::process::{Running, exporter, free_port, get, wait_for};

#[test]
fn the_demo_shows_a_ban_as_an_alert_on_its_page_and_its_end_within_two_minutes() {
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let started = Instant::now();
    let _demo = Running::start(exporter().args(["demo", "--masternodes", "300", "--web.listen-address", &address]));
    let story = Duration::from_secs(120);
    let left = || story.saturating_sub(started.elapsed());
    // Several alerts of one name are one item with a list of them.
    let fires = |page: &str| {
        let alert = page.split("<strong>").find(|alert| alert.starts_with("MasternodePoSeBanned</strong>"));
        alert.is_some_and(|alert| alert.contains(">in-danger</a>"))
    };
    wait_for("the alert on the page", left(), || get(port, "/").filter(|page| fires(page)));
    let metrics = get(port, "/metrics").unwrap();
    let is_text = |line: &&str| line.starts_with("masternode_alert_text{alertname=\"MasternodePoSeBanned\"");
    let text = metrics.lines().filter(is_text).find(|line| line.contains("in-danger")).unwrap();
    assert!(text.contains("is banned since block") && text.contains("failed DKG sessions"), "{text}");
    wait_for("the end of the alert", left(), || get(port, "/").filter(|page| !fires(page)));
    assert!(!get(port, "/metrics").unwrap().lines().filter(is_text).any(|line| line.contains("in-danger")));
}
