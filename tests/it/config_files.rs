//! Configuration files in practice: YAML features, special files, and the effect of a reload.
//!
//! Never here: single keys (`configuration`).

use std::collections::BTreeMap;
use std::path::Path;

use domain::watch::Selector;
use masternode_exporter::config::reference;
use masternode_exporter::config::{self, Config, ConfigSources, LoadedConfig};

use crate::markdown;

const NETWORK: &str = "networks: [{name: one, sources: [{name: a, url: \"http://a:1\"}]}]\n";

fn load_with(text: &str, environment: &[(&str, &str)]) -> Result<LoadedConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exporter.yml");
    std::fs::write(&file, text).unwrap();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    let origin = ConfigSources { file: Some(file), environment, home: Some("/nonexistent".into()), overrides: vec![] };
    config::load(&origin).map_err(|errors| errors.to_string())
}

#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    let errors = load_with(text, &[]).map(|loaded| loaded.config).unwrap_err();
    errors.lines().skip(1).map(|line| line.trim().to_string()).collect()
}

#[track_caller]
fn good(text: &str) -> Config {
    load_with(text, &[]).unwrap().config
}

fn id(number: usize) -> String {
    format!("{number:064x}")
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_key() {
    assert_eq!(good(&format!("\u{feff}{NETWORK}")), good(NETWORK));
}

#[test]
fn merge_keys_share_what_entries_have_in_common() {
    let shared = format!(
        "{NETWORK}watch:\n- &acme {{masternode: \"{}\", alias: a, groups: {{operator: acme}}}}\n- {{<<: *acme, masternode: \"{}\", alias: b}}\n",
        id(1),
        id(2)
    );
    let written = format!(
        "{NETWORK}watch:\n- {{masternode: \"{}\", alias: a, groups: {{operator: acme}}}}\n- {{masternode: \"{}\", alias: b, groups: {{operator: acme}}}}\n",
        id(1),
        id(2)
    );
    assert_eq!(good(&shared), good(&written));
}

#[test]
fn one_anchor_can_be_used_by_thousands_of_entries() {
    let entries: String =
        (0..5000).map(|number| format!("- {{masternode: \"{}\", groups: *groups}}\n", id(number + 1))).collect();
    let first = format!("- {{masternode: \"{}\", groups: &groups {{operator: acme}}}}\n", id(0));
    let config = good(&format!("{NETWORK}watch:\n{first}{entries}"));
    assert_eq!(config.watch.len(), 5001);
    assert_eq!(config.watch[5000].1.groups["operator"], "acme");
}

#[test]
fn nested_aliases_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let found = mistakes(&text);
    assert!(found[0].contains("aliases (*name) expand to more than 300000 values"), "{found:?}");
    assert!(found[0].starts_with("line "), "{found:?}");
}

#[test]
fn a_syntax_error_has_its_line_and_column_and_no_secret() {
    for (text, place) in [
        ("log: {level: info}\nweb:\n  telemetry_path: \"/hunter2\n", "is not YAML: line 3, column "),
        ("log: {level: info\nweb: {}\n", "is not YAML: line 2, column "),
        ("log: {}\nlog: {level: hunter2}\n", "is not YAML: line 2, column 1: "),
        ("log: *hunter\n", "is not YAML: line 1, column "),
    ] {
        let found = mistakes(text);
        assert!(found[0].starts_with(place) && !found[0].contains("hunter2"), "{text}: {found:?}");
    }
}

#[test]
fn one_typo_in_many_entries_is_one_error_with_a_count() {
    let entries: String =
        (0..67).map(|number| format!("- {{masternode: \"{}\", grups: {{operator: acme}}}}\n", id(number))).collect();
    let text = format!("{NETWORK}watch:\n{entries}log: {{level: loud}}\n");
    assert_eq!(
        mistakes(&text),
        [
            "watch[0].grups: unknown key; did you mean groups? (67 times, the last at watch[66].grups)",
            "log.level: \"loud\" is none of trace, debug, info, warn, error",
        ]
    );
    let wrong: String = (0..3000).map(|_| "- {masternode: zz}\n").collect();
    let found = mistakes(&format!("{NETWORK}watch:\n{wrong}"));
    assert!(found.len() == 2 && found[0].contains("(100 times") && found[1].starts_with("and more"), "{found:?}");
}

#[test]
fn a_variable_with_one_underscore_causes_a_warning() {
    let environment = [
        ("MASTERNODE_EXPORTER_WEB__MAX_REQUESTS", "1"),
        ("MASTERNODE_EXPORTER_LOG_LEVEL", "debug"),
        // The variables that Kubernetes sets for a service of this name.
        ("MASTERNODE_EXPORTER_SERVICE_PORT_WEB", "10066"),
        ("MASTERNODE_EXPORTER_PORT", "tcp://10.0.0.1:10066"),
    ];
    let LoadedConfig { config, warnings, .. } = load_with(NETWORK, &environment).unwrap();
    assert_eq!(config, good(NETWORK));
    assert_eq!(
        warnings,
        [
            "MASTERNODE_EXPORTER_LOG_LEVEL has no effect: variables begin with MASTERNODE_EXPORTER__, with two underscores between all parts",
            "MASTERNODE_EXPORTER_WEB__MAX_REQUESTS has no effect: variables begin with MASTERNODE_EXPORTER__, with two underscores between all parts",
        ]
    );
}

fn source(keys: &str) -> String {
    format!("networks: [{{name: one, sources: [{{name: a, {keys}}}]}}]\n")
}

#[test]
fn the_url_of_a_source_can_be_in_a_file_and_its_path_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "https://rpc.example.org/hunter2\n").unwrap();
    let config = good(&source(&format!("url_file: {}", file.display())));
    assert_eq!(config.networks[0].sources[0].url.expose(), "https://rpc.example.org/hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    let place = "networks[0].sources[0].url_file: ";
    let both = mistakes(&source(&format!("url: 'http://a:1', url_file: {}", file.display())));
    assert_eq!(both, [format!("{place}give either this or url, not both")]);
    std::fs::write(&file, "ftp://hunter2").unwrap();
    let wrong = mistakes(&source(&format!("url_file: {}", file.display())));
    assert_eq!(
        wrong,
        [format!("{place}is not an address such as http://127.0.0.1:9998: it must begin with http:// or https://")]
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_with_a_secret_is_a_small_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    std::fs::write(path("large"), "x".repeat(100_000)).unwrap();
    let check = |file: &Path, expected: &str| {
        let shown = file.display();
        let text = format!(
            "{}alerting: {{webhooks: [{{name: w, url: 'http://w', token_file: {shown}}}], heartbeat: {{url_file: {shown}}}}}\n",
            source(&format!("url: 'http://a:1', username: u, password_file: {shown}"))
        );
        let keys =
            ["networks[0].sources[0].password_file", "alerting.webhooks[0].token_file", "alerting.heartbeat.url_file"];
        assert_eq!(mistakes(&text), keys.map(|key| format!("{key}: {shown} {expected}")));
    };
    check(&path("fifo"), "is a FIFO, not a regular file");
    check(folder.path(), "is a directory, not a regular file");
    check(&path("large"), "is larger than 64 KiB: it must hold nothing else");
    check(Path::new("/dev/zero"), "is a device, not a regular file");
}

#[test]
fn the_schema_agrees_with_the_loader() {
    let schema = jsonschema::validator_for(&reference::schema()).unwrap();
    let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
    let folder = markdown::root().join("tests/fixtures/config");
    let mut texts = vec![markdown::read("docs/config.example.yaml")];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".good.yaml") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    let page = markdown::read("docs/configuration.md");
    let examples = page.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    for example in examples {
        let networks = if example.contains("networks:") { "" } else { NETWORK };
        // The files with secrets are not here; nothing else may be wrong.
        let errors = load_with(&format!("{networks}{example}"), &[]).err().unwrap_or_default();
        let wrong: Vec<&str> =
            errors.lines().skip(1).filter(|line| !line.contains("cannot be read: No such file")).collect();
        assert!(wrong.is_empty(), "an example of docs/configuration.md: {wrong:?}\n{example}");
        texts.push(example.into());
    }
    assert!(texts.len() >= 10, "{} files", texts.len());
    for text in texts {
        let errors: Vec<String> =
            schema.iter_errors(&read(&text)).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{text}");
    }
    for wrong in [
        "histroy: {}",
        "networks: dash",
        "networks: [{sources: []}]",
        "networks: [{name: a, sources: [{name: b}]}]",
        "networks: [{name: a, poll_interval: 5 s}]",
        "networks: [{name: a, sources: [{name: b, url: \"http://me:secret@dashd:9998\"}]}]",
        "series: {others: some}",
        "web: {max_requests: -1}",
        "watch: [{masternode: x}]",
        "chains: {x: {spacing: 1s}}",
    ] {
        assert!(!schema.is_valid(&read(wrong)), "{wrong}");
    }
}

#[test]
fn a_change_that_needs_a_restart_is_named_by_its_key() {
    let before = good(NETWORK);
    let after = |text: &str| before.needs_restart(&good(&format!("{NETWORK}{text}")));
    assert_eq!(after("series: {limit: 5}\nwatch: []\nhistory: {max_gap_blocks: 7}\n"), Vec::<&str>::new());
    let text = "web: {listen_address: ':1', telemetry_path: /m, max_requests: 1, enable_reload: true}\n\
                history: {path: /x, retention: 1d}\nlog: {level: warn, format: json}\n";
    assert_eq!(
        after(text),
        [
            "web.listen_address",
            "web.telemetry_path",
            "web.max_requests",
            "web.enable_reload",
            "history.path",
            "history.retention",
            "log.level",
            "log.format",
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_reload_names_keys_that_need_a_restart_and_repeats_its_warnings() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let (file, password) = (folder.path().join("exporter.yml"), folder.path().join("password"));
    std::fs::write(&password, "x").unwrap();
    let write = |rest: &str| {
        let url = format!("url: 'http://127.0.0.1:1', username: u, password_file: {}", password.display());
        std::fs::write(&file, format!("{}{rest}", source(&url))).unwrap();
    };
    write("web: {listen_address: '127.0.0.1:0'}\n");
    let mut child = Command::new(env!("CARGO_BIN_EXE_masternode-exporter"))
        .arg(format!("--config.file={}", file.display()))
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut until = |last: &str| -> Vec<String> {
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let is_last = line.contains(last);
            seen.push(line);
            if is_last {
                return seen;
            }
        }
        panic!("it ended without {last:?}: {seen:?}");
    };
    let hang_up = |child: &std::process::Child| {
        let process = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(process, rustix::process::Signal::HUP).unwrap();
    };
    let is_warned = |seen: &[String]| seen.iter().any(|line| line.contains("can be read by other users"));
    let started = until("serving http://");
    assert!(is_warned(&started), "{started:?}");
    let address =
        started.last().and_then(|line| line.split("http://").nth(1)).and_then(|url| url.split('/').next()).unwrap();
    // It answers once it handles signals.
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(format!("GET /-/healthy HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    assert!(std::io::read_to_string(stream).unwrap().starts_with("HTTP/1.1 200"));
    write("web: {listen_address: '127.0.0.1:0', telemetry_path: /prom, enable_reload: true}\nseries: {limit: 5}\n");
    hang_up(&child);
    let seen = until("Configuration reloaded");
    assert!(is_warned(&seen), "{seen:?}");
    let all = seen.join("\n");
    assert!(all.contains("take effect with the next start only: web.telemetry_path, web.enable_reload"), "{all}");
    assert!(all.contains("Configuration reloaded, except web.telemetry_path, web.enable_reload"), "{all}");
    write("web: {listen_adress: x}\n");
    hang_up(&child);
    let seen = until("Configuration not reloaded, the previous one stays in force").join("\n");
    assert!(!seen.contains("Configuration reloaded"), "{seen}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn paths_in_a_file_are_relative_to_it_and_those_of_variables_to_the_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pw"), "hunter2").unwrap();
    std::fs::write(
        folder.path().join("c.yml"),
        "networks: [{name: a, sources: [{name: n, url: 'http://a:1', username: u, password_file: pw}]}]\n\
         history: {path: h.db}\nwatch: [{self: true, alias_prefix: own}]\n",
    )
    .unwrap();
    let mut sources = ConfigSources { file: Some(folder.path().join("c.yml")), ..ConfigSources::default() };
    let loaded = config::load(&sources).unwrap();
    assert_eq!(loaded.config.history.path, Some(folder.path().join("h.db")));
    assert!(
        loaded.settings.iter().any(|line| line == "networks[0].sources[0].password_file: pw"),
        "{:?}",
        loaded.settings
    );
    assert!(loaded.settings.iter().any(|line| line == "networks[0].poll_interval: 5s"), "{:?}", loaded.settings);
    assert!(!loaded.settings.concat().contains("hunter2"));
    sources.environment.insert("MASTERNODE_EXPORTER__HISTORY__PATH".into(), "h.db".into());
    assert_eq!(config::load(&sources).unwrap().config.history.path, Some("h.db".into()));
}

#[test]
fn a_configuration_without_a_watch_list_watches_the_masternodes_of_its_sources() {
    let selectors = |text: &str| -> Vec<Selector> {
        let loaded = load_with(text, &[]).unwrap();
        loaded.config.watch.into_iter().map(|(_, entry)| entry.selector).collect()
    };
    assert_eq!(selectors(NETWORK), [Selector::Own]);
    assert_eq!(selectors(&format!("{NETWORK}\nwatch:\n")), [Selector::Own], "an empty key counts as omitted");
    assert_eq!(selectors(&format!("{NETWORK}\nwatch: [{{self: true}}]")), [Selector::Own]);
    assert_eq!(selectors(&format!("{NETWORK}\nwatch: []")), []);
    let id = "ab".repeat(32);
    for (entries, error) in [
        (format!("[{{self: true, masternode: {id}}}]"), "watch[0].self: give either this, masternode or select"),
        ("[{self: true, alias: a}]".into(), "watch[0].alias: use alias_prefix here"),
        ("[{self: true}, {self: true}]".into(), "watch[1].self: an earlier entry"),
        ("[{self: false}]".into(), "watch[0]: give either masternode"),
    ] {
        let refused = load_with(&format!("{NETWORK}\nwatch: {entries}"), &[]).unwrap_err().to_string();
        assert!(refused.contains(error), "{refused}");
    }
}

#[test]
fn maintenance_is_of_an_alias_a_group_or_a_selection() {
    let targets = |entry: &str| {
        let loaded = load_with(&format!("{NETWORK}\nalerting: {{maintenance: [{{{entry}, until: 2030-01-01}}]}}"), &[]);
        loaded.map(|loaded| loaded.config.maintenance[0].1.target.to_string()).map_err(|errors| errors.to_string())
    };
    assert_eq!(targets("alias: mn-1").unwrap(), "alias=mn-1");
    for group in ["customer=acme", "'customer:acme'"] {
        assert_eq!(targets(&format!("group: {group}")).unwrap(), "group customer=acme");
    }
    assert!(targets("group: customer").unwrap_err().contains("maintenance[0].group: \"customer\" is no group"));
    let two = targets("alias: a, group: b=c").unwrap_err();
    assert!(two.contains("maintenance[0]: give one of masternode, alias, group and select"), "{two}");
}
