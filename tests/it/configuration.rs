//! Configuration: each good text with what it means, each bad one with its exact mistakes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use masternode_exporter::config::{self, Loaded, Origin};
use masternode_exporter::metrics::Others;
use masternode_exporter::rpc::Credentials;

fn load(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exporter.yml");
    std::fs::write(&file, text).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    let origin = Origin { file: Some(file), environment, home: Some("/nonexistent".into()), overrides: vec![] };
    config::load(&origin).map_err(|errors| errors.to_string())
}

#[track_caller]
fn check_errors(text: &str, environment: &[(&str, &str)], expected: &[&str]) {
    let errors = load(text, environment).map(|loaded| loaded.config).unwrap_err();
    let errors: Vec<&str> = errors.lines().skip(1).map(str::trim).collect();
    assert_eq!(errors, expected, "{text}");
}

#[test]
fn nothing_at_all_is_the_dash_node_on_this_host() {
    let config = config::load(&Origin::default()).unwrap().config;
    assert_eq!(config.networks.len(), 1);
    let network = &config.networks[0];
    assert_eq!((network.name.as_str(), network.sources[0].url.as_str()), ("dash-main", "http://127.0.0.1:9998"));
    assert_eq!(network.sources[0].credentials, Credentials::FindCookie { home: None });
    assert_eq!(config.web.listen_addresses[0].to_string(), "127.0.0.1:10066");
    assert_eq!((network.poll_interval, network.stale_after), (Duration::from_secs(5), Duration::from_secs(900)));
}

#[test]
fn without_a_configuration_the_network_is_the_one_whose_cookie_is_there() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".dashcore/testnet3");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(".cookie"), "__cookie__:x").unwrap();
    let origin = Origin { home: Some(home.path().into()), ..Origin::default() };
    let config = config::load(&origin).unwrap().config;
    assert_eq!(
        (&*config.networks[0].name, &*config.networks[0].sources[0].url),
        ("dash-test", "http://127.0.0.1:19998")
    );
}

#[test]
fn the_example_is_good_and_means_what_it_says() {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/config.example.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let Loaded { config, warnings } = load(&text, &[]).unwrap();
    assert_eq!(config.networks[0].sources.len(), 2);
    assert_eq!(config.watch.len(), 2);
    assert_eq!(config.metrics.others, Others::AtRisk);
    assert_eq!(config.metrics.horizons[0], ("24h".to_string(), 86_400));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.watch_list("dash-main").entries().len(), 2);
}

#[test]
fn the_environment_wins_over_the_file_and_reaches_into_lists() {
    let text = "networks: [{name: one, sources: [{name: a, url: \"http://a:1\"}]}]";
    let environment = [
        ("MASTERNODE_EXPORTER__NETWORKS__0__SOURCES__0__URL", "http://b:2"),
        ("masternode_exporter__web__listen_address", "127.0.0.1:1234"),
        ("MASTERNODE_EXPORTER__SERIES__LIMIT", "77"),
        ("MASTERNODE_EXPORTER_OTHER", "ignored"),
    ];
    let config = load(text, &environment).unwrap().config;
    assert_eq!(config.networks[0].sources[0].url, "http://b:2");
    assert_eq!(config.web.listen_addresses[0].to_string(), "127.0.0.1:1234");
    assert_eq!(config.metrics.series_limit, 77);
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_key() {
    let text = "
networks:
- name: Main Net
  chain: doge
  pol_interval: 5s
  sources:
  - {name: a, url: \"ftp://x\"}
  - {name: a, url: \"http://user:hunter2@host:1\", cookie_file: c, username: u}
  stale_after: 1s
watch:
- {masternode: zz}
- {select: {}, alias: x}
series: {others: some, limit: 0}
web: {listen_address: nowhere}
histroy: {}
";
    check_errors(
        text,
        &[],
        &[
            "histroy: unknown key; did you mean history?",
            "networks[0].pol_interval: unknown key; did you mean poll_interval?",
            "networks[0].chain: \"doge\" is not a chain of this version; there is: dash",
            "networks[0].stale_after: 1s must be at least twice the poll_interval, 5s",
            "networks[0].name: \"Main Net\" is not a name: use a-z, 0-9, - and _, and begin with a letter or digit",
            "networks[0].sources[0].url: \"ftp://x\" is not an address such as http://127.0.0.1:9998",
            "networks[0].sources[1].url: holds a user or password; put them into username and password_file",
            "networks[0].sources[1].cookie_file: give either this or username and password_file, not both",
            "networks[0].sources[1].name: another source is called \"a\" already",
            "watch[0].masternode: expected 64 hexadecimal digits, found 2 characters",
            "watch[1].select: names no field: it would select every masternode",
            "watch[1].alias: use alias_prefix here",
            "series.others: \"some\" is none of all, at_risk, watched",
            "series.limit: \"0\" is not a whole number from 1 to 100000000",
            "web.listen_address: \"nowhere\" is not an address to listen on: it has no port; expected host:port, :port for all interfaces, or [IPv6 address]:port",
        ],
    );
    assert!(!load(text, &[]).unwrap_err().contains("hunter2"));
}

#[test]
fn entries_of_the_watch_list_may_not_contradict_each_other() {
    let id = "ab".repeat(32);
    let text = format!(
        "watch:\n- {{masternode: {id}, alias: one, groups: {{service: x, Bad: y}}}}\n- {{masternode: {id}, alias: one}}\n- {{masternode: {id}, network: nowhere}}\n"
    );
    check_errors(
        &text,
        &[],
        &[
            "watch[0].groups.Bad: a group key is a label: use a-z, 0-9 and _, and begin with a letter",
            "watch[0].groups.service: \"service\" is a label already; choose another group key",
            "watch[1].masternode: an earlier entry names the same masternode",
            "watch[1].alias: an earlier entry is called \"one\" too",
            "watch[2].network: no network is called \"nowhere\"; there are: dash-main",
            "watch[2].masternode: an earlier entry names the same masternode",
        ],
    );
}

#[test]
fn a_file_that_is_no_yaml_or_not_there_is_named() {
    assert!(load("networks: [", &[]).unwrap_err().contains("exporter.yml cannot be used"));
    let origin =
        Origin { file: Some("/nonexistent/exporter.yml".into()), environment: BTreeMap::new(), ..Origin::default() };
    let error = config::load(&origin).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/exporter.yml") && error.contains("cannot be read"), "{error}");
}

#[test]
fn what_is_allowed_but_odd_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    std::fs::write(&password, "x").unwrap();
    let text = format!(
        "networks: [{{name: one, sources: [{{name: a, url: \"http://a:1\", username: u, password_file: {}}}]}}]\nweb: {{listen_address: \":10066\"}}",
        password.display()
    );
    let warnings = load(&text, &[]).unwrap().warnings;
    assert!(warnings[0].contains("can be reached from other hosts"), "{warnings:?}");
    assert!(warnings[1].contains("chmod 600"), "{warnings:?}");
}
