//! `masternode-exporter maintenance`: the running exporter mutes alerts of masternodes, also after a restart.
//!
//! Never here: the effect of maintenance on notifications.

use std::process::Command;

use crate::support::running::Running;

const HISTORY: &str = "history: { path: history.db }\n";

fn config(running: &Running, more: &str) -> String {
    let ids = running.network.masternodes();
    let entries: String = (0..3)
        .map(|index| {
            let customer = if index == 0 { "acme" } else { "beta" };
            format!("- {{ masternode: \"{}\", alias: mn-{index}, groups: {{ customer: {customer} }} }}\n", ids[index])
        })
        .collect();
    format!("watch:\n{entries}{more}")
}

/// Exit code and output of a command line, with the address of the exporter.
async fn run(running: &Running, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
    let address = running.url.trim_start_matches("http://");
    let line = line
        .replace("maintenance ", &format!("--config.file=exporter.yml --web.listen-address={address} maintenance "));
    command.args(line.split_whitespace()).env_clear().current_dir(running.folder.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[track_caller]
fn good((code, text): (Option<i32>, String)) -> String {
    assert_eq!(code, Some(0), "{text}");
    text
}

/// The masternodes that are muted, as the metrics show it.
async fn muted(running: &Running, aliases: &[&str]) {
    let page = |(_, page): &(u16, String)| {
        let of = |alias: &str| {
            let lines = page.lines().filter(|line| line.starts_with("masternode_maintenance_until_timestamp_seconds{"));
            lines.into_iter().any(|line| line.contains(&format!("alias=\"{alias}\"")))
        };
        ["mn-0", "mn-1", "mn-2"].iter().all(|alias| of(alias) == aliases.contains(alias))
    };
    running.until(&format!("muted: {aliases:?}"), || running.get("/metrics"), page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_by_alias_group_and_selector_survives_a_restart_until_it_is_ended() {
    let mut running = Running::idle().await;
    running.configure(&config(&running, &format!("{HISTORY}web: {{ enable_maintenance: true }}\n")));
    running.start().await;
    muted(&running, &[]).await;
    let added = good(run(&running, "maintenance add --alias mn-0 --for 2h --comment disk").await);
    assert!(added.starts_with("added: maintenance 1 of alias=mn-0 (1 masternodes) until 20"), "{added}");
    assert!(!added.contains("restart"), "{added}");
    muted(&running, &["mn-0"]).await;
    good(run(&running, "maintenance add --group customer:beta --until 2027-01-01 --network dash-test").await);
    muted(&running, &["mn-0", "mn-1", "mn-2"]).await;
    let id = &running.network.masternodes()[2];
    good(run(&running, &format!("maintenance add --masternode {id} --for 1h")).await);
    // A reload of the configuration keeps them.
    running.reload().await;
    running.stop().await;
    running.start().await;
    muted(&running, &["mn-0", "mn-1", "mn-2"]).await;
    let list = good(run(&running, "maintenance list").await);
    for words in ["alias=mn-0", "group customer=beta", "disk", "dash-test", id] {
        assert!(list.contains(words), "{words} in {list}");
    }
    good(run(&running, "maintenance end 2").await);
    muted(&running, &["mn-0", "mn-2"]).await;
    good(run(&running, "maintenance end 1 3").await);
    muted(&running, &[]).await;
    assert_eq!(good(run(&running, "maintenance list").await), "no maintenance\n");
    running.stop().await;
    running.start().await;
    muted(&running, &[]).await;
    let again = good(run(&running, "maintenance add --alias mn-1 --for 1h").await);
    assert!(again.contains("maintenance 1 of") || again.contains("maintenance 4 of"), "{again}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_for_nobody_or_without_a_sane_end_or_permission_is_refused() {
    let mut running = Running::idle().await;
    running.configure(&config(&running, "web: { enable_maintenance: true }\n"));
    running.start().await;
    for (line, error) in [
        ("maintenance add --alias mn-9 --for 1h", "no watched masternode matches alias=mn-9; did you mean mn-"),
        ("maintenance add --group customer=acne --for 1h", "did you mean customer=acme?"),
        ("maintenance add --masternode zz --for 1h", "no watched masternode matches alias=zz"),
        (
            "maintenance add --select payout_address=Xnobody --for 1h",
            "no watched masternode matches payout_address=Xnobody",
        ),
        ("maintenance add --select colour=red --for 1h", "no field \"colour\" can select"),
        ("maintenance add --alias mn-0 --until 2020-01-01", "is in the past"),
        ("maintenance add --alias mn-0 --for 2400h", "more than 90 days ahead"),
        ("maintenance add --alias mn-0 --until tomorrow", "until must be a day"),
        ("maintenance add --alias mn-0 --for 1h --network other", "no network has the name \"other\""),
        ("maintenance end 7", "no maintenance has the number 7"),
    ] {
        let (code, text) = run(&running, line).await;
        assert!(code == Some(1) && text.contains(error), "{line}: {code:?} {text}");
    }
    let (code, text) = run(&running, "maintenance add --for 1h").await;
    assert!(code == Some(2) && text.contains("--alias"), "{text}");
    let lost = good(run(&running, "maintenance add --alias mn-0 --for 1h").await);
    assert!(lost.contains("a restart of the exporter ends it"), "{lost}");
    running.stop().await;
    running.configure(&config(&running, ""));
    running.start().await;
    let (code, text) = run(&running, "maintenance add --alias mn-0 --for 1h").await;
    assert!(code == Some(1) && text.contains("web.enable_maintenance"), "{text}");
    assert_eq!(running.ask("DELETE", "/api/v1/maintenance?id=1", None, "").await.0, 403);
    running.stop().await;
}
