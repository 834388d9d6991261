//! The files of `watch_files`: each is refused alone, with all its mistakes, and its last good content stays in force.
//!
//! Never here: the keys of an entry.

use masternode_exporter::config::{self, Config};

use crate::support::running::Running;
use crate::support::terminal::Session;

fn entry(running: &Running, index: usize, alias: &str, customer: &str) -> String {
    format!(
        "- {{ masternode: \"{}\", alias: {alias}, groups: {{ customer: {customer} }} }}\n",
        running.network.masternodes()[index]
    )
}

fn file(running: &Running, entries: &[(usize, &str, &str)]) -> String {
    let entries = entries.iter().map(|(index, alias, customer)| entry(running, *index, alias, customer));
    format!("watch:\n{}", entries.collect::<String>())
}

fn load(running: &Running) -> Config {
    config::load(&running.sources()).unwrap().config
}

fn aliases(config: &Config) -> Vec<&str> {
    config.watch.iter().map(|(_, entry)| entry.alias.as_str()).collect()
}

const PATTERN: &str = "watch_files: [\"watch.d/*.yml\"]\n";

#[tokio::test]
async fn a_file_with_mistakes_is_refused_alone_and_each_mistake_has_its_line() {
    let running = Running::idle().await;
    running.configure(PATTERN);
    running.write("watch.d/acme.yml", &file(&running, &[(0, "mn-0", "acme")]));
    let id = &running.network.masternodes()[1];
    let broken = format!(
        "# customer beta\nwatch:\n  - masternode: \"{id}\"\n    grups: {{ customer: beta }}\n\n  - masternode: zz\n    alias: b\n  - select: {{}}\n"
    );
    running.write("watch.d/beta.yml", &broken);
    for (name, text) in [
        ("syntax", "watch:\n  - { masternode: \"x\n"),
        ("empty", ""),
        ("null", "watch:\n"),
        ("list", "- alias: x\n"),
        ("other", "watch: []\nweb: {}\n"),
        ("twice", &file(&running, &[(2, "x", "x"), (2, "y", "x")])),
    ] {
        running.write(&format!("watch.d/{name}.yml"), text);
    }
    let config = load(&running);
    assert_eq!(aliases(&config), ["mn-0"]);
    let mistakes = |name: &str| {
        let name = format!("watch.d/{name}.yml");
        let file = config.watch_files.files().iter().find(|file| file.name == name).unwrap();
        assert!(file.mistakes.iter().all(|mistake| mistake.starts_with(&format!("{name}:"))), "{:?}", file.mistakes);
        file.mistakes.join("\n")
    };
    let beta = mistakes("beta");
    for line in [
        "watch.d/beta.yml:4: watch[0].grups: unknown key; did you mean groups?",
        "watch.d/beta.yml:6: watch[1].masternode: ",
        "watch.d/beta.yml:8: watch[2].select: names no field",
    ] {
        assert!(beta.lines().any(|mistake| mistake.starts_with(line)), "{line} in {beta}");
    }
    assert!(mistakes("syntax").contains("is not YAML: line "), "{}", mistakes("syntax"));
    assert!(mistakes("empty").contains("watch.d/empty.yml:1: watch: has no entries"), "{}", mistakes("empty"));
    assert!(mistakes("null").contains("watch: has no entries"));
    assert!(mistakes("list").contains("is not a table"));
    assert!(mistakes("other").contains("watch.d/other.yml:2: web: unknown key"), "{}", mistakes("other"));
    assert!(mistakes("twice").contains("watch.d/twice.yml:3: watch[1].masternode: an earlier entry"));
    assert_eq!(mistakes("acme"), "");
}

#[tokio::test]
async fn the_same_masternode_or_alias_in_two_files_is_reported_with_both_places() {
    let running = Running::idle().await;
    running.configure(&format!("{PATTERN}{}", file(&running, &[(3, "own", "us")])));
    running.write("watch.d/a.yml", &file(&running, &[(0, "mn-0", "acme")]));
    running.write("watch.d/b.yml", &file(&running, &[(1, "mn-0", "beta"), (0, "mine", "beta"), (3, "x", "beta")]));
    let config = load(&running);
    let (first, fourth) = (&running.network.masternodes()[0], &running.network.masternodes()[3]);
    assert_eq!(
        config.watch_files.problems(),
        [
            "watch.d/b.yml:2: alias mn-0 is in watch.d/a.yml:2 already".to_string(),
            format!("watch.d/b.yml:3: {first} is in watch.d/a.yml:2 already"),
            format!("watch.d/b.yml:4: {fourth} is in watch already"),
        ]
    );
    assert_eq!(config.watch.len(), 5, "all of them stay watched");
}

#[tokio::test]
async fn a_group_that_only_a_refused_file_has_does_not_stop_the_exporter() {
    let running = Running::idle().await;
    let thresholds = "alerting: {thresholds: {groups: [{key: customer, group: acme, group_nodes: 3}]}, webhooks: [{name: chat, \
                      url: \"http://127.0.0.1:1/\", match: {groups: {customer: acme}}}]}\n";
    running.configure(&format!("{PATTERN}{thresholds}"));
    running.write("watch.d/acme.yml", "watch: [{}]\n");
    assert_eq!(load(&running).watch.len(), 0);
    running.configure(thresholds);
    config::load(&running.sources()).expect_err("without files, it is a mistake");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_watched_and_the_last_good_content_stays_in_force() {
    let mut running = Running::idle().await;
    running.configure(&format!("{PATTERN}history: {{ path: history.db }}\n"));
    running.write("watch.d/acme.yml", &file(&running, &[(0, "mn-0", "acme")]));
    running.write("watch.d/beta.yml", &file(&running, &[(1, "mn-1", "beta")]));
    running.start().await;
    let ids = running.network.masternodes();
    let name = |index: usize, alias: &str| {
        let id = &ids[index];
        format!("masternode_pose_banned{{network=\"dash-test\",masternode=\"{id}\",alias=\"{alias}\"}} 0")
    };
    let good =
        |file: &str, good: u8| format!("masternode_exporter_watch_file_good{{file=\"watch.d/{file}.yml\"}} {good}");
    running.until_line(&name(0, "mn-0")).await;
    running.write("watch.d/acme.yml", "watch: [{ masternode: zz }]\n");
    running.write("watch.d/beta.yml", &file(&running, &[(1, "renamed", "beta")]));
    running.until_line(&name(1, "renamed")).await;
    let page = running.until_line(&good("acme", 0)).await;
    let lines: Vec<&str> = page.lines().collect();
    for line in
        [&name(0, "mn-0"), &good("beta", 1), "masternode_exporter_watch_file_entries{file=\"watch.d/acme.yml\"} 1"]
    {
        assert!(lines.contains(&line), "{line} in {page}");
    }
    let condition =
        "masternode_alert_condition{alertname=\"MasternodeExporterWatchFileRefused\",severity=\"warning\"} 1";
    running.until_line(condition).await;
    // The reload of the whole configuration, a restart with the history, and a folder that is gone change nothing.
    running.reload().await;
    running.stop().await;
    running.start().await;
    running.until_line(&good("acme", 0)).await;
    running.until_line(&name(0, "mn-0")).await;
    std::fs::rename(running.path("watch.d"), running.path("away")).unwrap();
    running.reload().await;
    running.until_line(condition).await;
    running.until_line(&name(1, "renamed")).await;
    // Nor does a restart without the folder, and another one.
    for _ in 0..2 {
        running.stop().await;
        running.start().await;
        running.until_line(condition).await;
        running.until_line(&name(1, "renamed")).await;
    }
    for (is_hidden, alias) in [(true, "renamed"), (true, "mn-0"), (false, "mn-0")] {
        if !is_hidden {
            std::fs::rename(running.path("away"), running.path("watch.d")).unwrap();
        }
        let mut events = std::process::Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        events.args(["--config.file=exporter.yml", "events", "--alias", alias]);
        events.env_clear().current_dir(running.folder.path());
        let output = tokio::task::spawn_blocking(move || events.output().unwrap()).await.unwrap();
        let noted = String::from_utf8(output.stderr).unwrap();
        let says = noted.contains("watch.d/acme.yml is refused, its last good content with 1 entries stays in force");
        assert!(output.status.success() && says, "{alias}: {noted}");
    }
    // A file that is removed ends its entries.
    std::fs::remove_file(running.path("watch.d/acme.yml")).unwrap();
    let gone = |(_, page): &(u16, String)| !page.contains("watch.d/acme.yml") && !page.contains("alias=\"mn-0\"");
    let page = running.until("acme is gone", || running.get("/metrics"), gone).await;
    assert!(page.contains("alias=\"renamed\""), "{page}");
    running.until_line(&condition.replace(" 1", " 0")).await;
    running.stop().await;
}

/// The fenced blocks of the guide in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(crate::support::running::project("docs/guide/fleet.md")).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| Some(block.strip_prefix(language)?.strip_prefix('\n')?.to_string())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_fleet_guide_work_in_its_order() {
    let mut running = Running::idle().await;
    let yaml = blocks("yaml");
    // Without users: the commands of the guide give none.
    let text = yaml[0]
        .split("  config_file")
        .next()
        .unwrap()
        .replace("password_file: password", "password_file: rpc-password");
    let text = text.replace("\"http://127.0.0.1:9998\"", &format!("\"{}\"", running.node_url()));
    running
        .write("exporter.yml", &text.replace("dash-main", "dash-test").replace("username: exporter", "username: user"));
    running.write("watch.d/acme.yml", &yaml[1].replace("<proTxHash>", &running.network.masternodes()[0]));
    running.start().await;
    running.until("the masternode is watched", || running.get("/metrics"), |(_, page)| page.contains("acme-1")).await;
    let commands: Vec<String> =
        blocks("").iter().flat_map(|block| block.lines().map(str::to_string).collect::<Vec<_>>()).collect();
    assert_eq!(commands.len(), 8, "{commands:?}");
    let mut session = Session::default();
    for line in commands {
        let words = line.split_whitespace().skip(1).map(str::to_string);
        let mut words: Vec<String> = words.collect();
        if line.contains(" maintenance ") {
            words.insert(1, format!("--web.listen-address={}", running.url.trim_start_matches("http://")));
        }
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_masternode-exporter"));
        command.args(words).env_clear().current_dir(running.folder.path());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "{line}: {said}");
        session.add(&line, output.status.code(), &said);
    }
    session.compare("fleet", &[running.folder.path()]);
    // The part with users is a good configuration as well.
    running.stop().await;
    let hash = bcrypt::hash("password", 4).unwrap();
    running.write(
        "web.yml",
        &format!("basic_auth_users: {{ root: \"{hash}\", prometheus: \"{hash}\", acme: \"{hash}\" }}\n"),
    );
    running.write("acme-token", "0123456789abcdefghij");
    running.write("password", "password");
    running.write("exporter.yml", &yaml[0]);
    let loaded = config::load(&running.sources()).unwrap();
    assert!(!loaded.warnings.iter().any(|warning| warning.contains("web.views")), "{:?}", loaded.warnings);
}
