//! Every command and every address that takes a selector of masternodes, asked by alias, identity, address and group.
//!
//! Never here: what each answers of the masternodes.

use std::process::Command;

use simulator::Action;

use crate::support::harness::fail;
use crate::support::running::Running;

/// What a place takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// An alias, an identity or an address.
    Name,
    Alias,
    Group,
}

use Takes::{Alias, Group, Name};

/// Command lines with `{}` for the selector.
const COMMANDS: &[(&str, Takes)] = &[
    ("events --masternode {}", Name),
    ("events --alias {}", Alias),
    ("events --group {}", Group),
    ("earnings --masternode {}", Name),
    ("earnings --alias {}", Alias),
    ("earnings --by masternode --group {}", Group),
    ("duties --masternode {}", Name),
    ("restart-check --masternode {}", Name),
    ("restart-plan --masternode {}", Name),
    ("restart-plan --group {}", Group),
    ("maintenance add --for 1h --masternode {}", Name),
    ("maintenance add --for 1h --alias {}", Alias),
    ("maintenance add --for 1h --group {}", Group),
];

/// Addresses with `{}` for the selector.
const ADDRESSES: &[(&str, Takes)] = &[
    ("/api/v1/masternodes?masternode={}", Name),
    ("/api/v1/masternodes?alias={}", Alias),
    ("/api/v1/masternodes?group={}", Group),
    ("/api/v1/masternodes?format=csv&masternode={}", Name),
    ("/api/v1/masternodes/{}", Name),
    ("/api/v1/masternodes/{}/duties", Name),
    ("/api/v1/masternodes/{}/duties.ics", Name),
    ("/api/v1/duties.ics?masternode={}", Name),
    ("/api/v1/duties.ics?alias={}", Alias),
    ("/api/v1/duties.ics?group={}", Group),
    ("/api/v1/restart-plan?masternode={}", Name),
    ("/api/v1/restart-plan?alias={}", Alias),
    ("/api/v1/restart-plan?group={}", Group),
    ("/api/v1/events?masternode={}", Name),
    ("/api/v1/events?alias={}", Alias),
    ("/api/v1/events?group={}", Group),
    ("/api/v1/earnings?masternode={}", Name),
    ("/api/v1/earnings?alias={}", Alias),
    ("/api/v1/earnings?group={}", Group),
    ("/metrics?group={}", Group),
    ("/masternodes/{}", Name),
    ("/events?masternode={}", Name),
    ("/events?group={}", Group),
];

/// Exit code and output of a command line with the configuration and the address of the exporter.
async fn run(running: &Running, line: &str) -> (Option<i32>, String) {
    let (command, arguments) = line.split_once(' ').unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
    process.arg("--config.file=exporter.yml");
    if command == "maintenance" {
        process.arg(format!("--web.listen-address={}", running.url.trim_start_matches("http://")));
    }
    process.arg(command).args(arguments.split(' ')).env_clear().current_dir(running.folder.path());
    let output = tokio::task::spawn_blocking(move || process.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Masternodes 0 and 1 by identity, 2 by its payout address.
async fn serving() -> (Running, Vec<String>, Vec<String>) {
    let mut running = Running::idle().await;
    let ids = running.network.masternodes();
    running.configure("");
    running.start().await;
    let mut addresses = Vec::new();
    let mut payout = String::new();
    for id in &ids[..3] {
        let (_, text) = running.get(&format!("/api/v1/masternodes/{id}")).await;
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        addresses.push(whole["address"].as_str().unwrap().to_string());
        payout = whole["payout_address"].as_str().unwrap().to_string();
    }
    running.stop().await;
    let entry = |index: usize| {
        format!("- {{ masternode: \"{}\", alias: mn-{index}, groups: {{ customer: acme }} }}\n", ids[index])
    };
    running.configure(&format!(
        "watch:\n{}{}- {{ select: {{ payout_address: {payout} }}, alias_prefix: treasury, groups: {{ customer: treasury }} }}\n\
         history: {{ path: history.db }}\nweb: {{ enable_maintenance: true }}\n",
        entry(0),
        entry(1)
    ));
    running.start().await;
    for _ in 0..2 {
        let actions: Vec<Action> = ids[..4].iter().map(|id| fail(id, 1)).collect();
        running.network.mine_with(&actions).unwrap();
    }
    let tip = format!("\"height\":{}", running.network.tip().0);
    running.until("the tip", || running.get("/api/v1/status"), |(_, text)| text.contains(&tip)).await;
    let recorded =
        || async { (u16::from(run(&running, "events --group customer=treasury").await.0 == Some(0)), String::new()) };
    running.until("the record of the selected masternodes", recorded, |(good, _)| *good == 1).await;
    (running, ids, addresses)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_place_takes_every_selector_and_names_the_nearest_of_an_unknown_one() {
    let (mut running, ids, addresses) = serving().await;
    let good = |takes: Takes| match takes {
        Name => vec!["mn-0".to_string(), ids[0].clone(), addresses[0].clone()],
        Alias => vec!["mn-0".to_string()],
        Group => vec!["customer=acme".to_string(), "customer:acme".to_string()],
    };
    let unknown = |takes: Takes| match takes {
        Name | Alias => ("mn-00", "did you mean mn-0?"),
        Group => ("customer:acne", "did you mean customer=acme?"),
    };
    for (line, takes) in COMMANDS {
        let is_asked_of_exporter = line.starts_with("maintenance");
        for selector in good(*takes) {
            let (code, text) = run(&running, &line.replace("{}", &selector)).await;
            let is_answer = code == Some(0) || code == Some(3) && line.starts_with("restart-");
            assert!(is_answer, "{line} {selector}: {code:?} {text}");
        }
        let (selector, hint) = unknown(*takes);
        let (code, text) = run(&running, &line.replace("{}", selector)).await;
        let expected = if is_asked_of_exporter { 1 } else { 2 };
        assert!(code == Some(expected) && text.contains(hint), "{line} {selector}: {code:?} {text}");
    }
    for (address, takes) in ADDRESSES {
        for selector in good(*takes) {
            let (status, text) = running.get(&address.replace("{}", &selector)).await;
            assert_eq!(status, 200, "{address} {selector}: {text}");
        }
        if *takes == Name {
            let (status, text) = running.get(&address.replace("{}", &addresses[0].replace(':', "%3A"))).await;
            assert_eq!(status, 200, "{address}, percent-encoded: {text}");
            let (status, _) = running.get(&address.replace("{}", "mn-0%26x%3D1")).await;
            assert_eq!(status, 404, "{address}: separators mean themselves");
        }
        let (selector, hint) = unknown(*takes);
        let (status, text) = running.get(&address.replace("{}", selector)).await;
        let expected = if address.starts_with("/metrics") { 400 } else { 404 };
        assert!(status == expected && text.contains(hint), "{address} {selector}: {status} {text}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_knows_the_masternodes_that_an_entry_selects_by_their_fields() {
    let (mut running, ids, addresses) = serving().await;
    let printed = |text: &str| -> Vec<String> {
        let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        events.map(|event| event["masternode"].as_str().unwrap().to_string()).collect()
    };
    let alias = format!("treasury-{}", &ids[2][..8]);
    let events = |selector: String| format!("events --format json --kind ban {selector}");
    running.stop().await;
    for selector in [
        "--group customer=treasury".to_string(),
        "--group customer:treasury".into(),
        format!("--alias {alias}"),
        format!("--masternode {alias}"),
        format!("--masternode {}", addresses[2]),
        format!("--masternode {} --group customer=treasury", ids[2]),
    ] {
        let (code, text) = run(&running, &events(selector.clone())).await;
        assert_eq!((code, printed(&text)), (Some(0), vec![ids[2].clone()]), "{selector}: {text}");
        assert!(text.contains(&alias), "{selector}: {text}");
    }
    let (_, text) = run(&running, &events("--limit 9".into())).await;
    let mut watched = printed(&text);
    watched.sort();
    let mut expected = ids[..3].to_vec();
    expected.sort();
    assert_eq!(watched, expected, "without a filter, those that are watched");
    let (code, text) = run(&running, "earnings --by group --group customer=treasury").await;
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&running, &events(format!("--alias {alias}x"))).await;
    assert!(code == Some(2) && text.contains(&format!("did you mean {alias}?")), "{text}");
}
