//! Configuration: each valid text with its meaning, each invalid one with its exact errors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use domain::watch::WatchField;
use masternode_exporter::config::reference::{self, DefaultValue};
use masternode_exporter::config::{self, Config, ConfigSources, LoadedConfig, Override};
use masternode_exporter::metrics::Others;
use masternode_exporter::rpc::Credentials;

use crate::markdown;
use crate::support::{certificates, golden};

fn load(text: &str, environment: &[(&str, &str)]) -> Result<LoadedConfig, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exporter.yml");
    std::fs::write(&file, text).unwrap();
    let environment = environment.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
    let origin = ConfigSources { file: Some(file), environment, home: Some("/nonexistent".into()), overrides: vec![] };
    config::load(&origin).map_err(|errors| errors.to_string())
}

#[track_caller]
fn check_errors(text: &str, environment: &[(&str, &str)], expected: &[&str]) {
    let errors = load(text, environment).map(|loaded| loaded.config).unwrap_err();
    let errors: Vec<&str> = errors.lines().skip(1).map(str::trim).collect();
    assert_eq!(errors, expected, "{text}");
}

#[test]
fn an_empty_configuration_is_the_dash_node_on_this_host() {
    let config = config::load(&ConfigSources::default()).unwrap().config;
    assert_eq!(config.networks.len(), 1);
    let network = &config.networks[0];
    assert_eq!((network.name.as_str(), network.sources[0].url.expose()), ("dash-main", "http://127.0.0.1:9998"));
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
    let origin = ConfigSources { home: Some(home.path().into()), ..ConfigSources::default() };
    let config = config::load(&origin).unwrap().config;
    assert_eq!(
        (&*config.networks[0].name, config.networks[0].sources[0].url.expose()),
        ("dash-test", "http://127.0.0.1:19998")
    );
}

#[test]
fn the_example_is_valid_and_has_the_documented_meaning() {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/config.example.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let LoadedConfig { config, warnings, .. } = load(&text, &[]).unwrap();
    assert_eq!(config.networks[0].sources.len(), 2);
    assert_eq!(config.watch.len(), 3);
    let payouts = "XpayeeOfSeventyPercent 7000, XpayeeOfThirtyPercent 3000".to_string();
    assert_eq!(config.watch[1].1.expectations, [(WatchField::Payouts, payouts)]);
    assert_eq!(config.metrics.others, Others::AtRisk);
    assert_eq!(config.metrics.horizons[0], ("24h".to_string(), 86_400));
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(config.watch_list("dash-main").entries().len(), 3);
}

#[test]
fn the_environment_takes_precedence_over_the_file_even_in_lists() {
    let text = "networks: [{name: one, sources: [{name: a, url: \"http://a:1\"}]}]";
    let environment = [
        ("MASTERNODE_EXPORTER__NETWORKS__0__SOURCES__0__URL", "http://b:2"),
        ("masternode_exporter__web__listen_address", "127.0.0.1:1234"),
        ("MASTERNODE_EXPORTER__SERIES__LIMIT", "77"),
        ("MASTERNODE_EXPORTER_OTHER", "ignored"),
    ];
    let config = load(text, &environment).unwrap().config;
    assert_eq!(config.networks[0].sources[0].url.expose(), "http://b:2");
    assert_eq!(config.web.listen_addresses[0].to_string(), "127.0.0.1:1234");
    assert_eq!(config.metrics.series_limit, 77);
}

#[test]
fn all_errors_are_reported_together_each_with_its_key_in_the_order_of_the_file() {
    let text = "
networks:
- name: Main Net
  chain: doge
  pol_interval: 5s
  sources:
  - {name: a, url: \"ftp://x\"}
  - {name: a, url: \"http://user:hunter2@host:1\", cookie_file: c, username: u}
  - {name: c, url: \"https://host\", cookie_file: c, cert_file: c.pem}
  expect: \"main net\"
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
            "networks[0].name: \"Main Net\" is not a name: use a-z, 0-9, - and _, and begin with a letter or digit",
            "networks[0].chain: \"doge\" is not a known chain; known are dash, dimecoin, prcycoin, and those of `chains`",
            "networks[0].pol_interval: unknown key; did you mean poll_interval?",
            "networks[0].sources[0].url: is not an address such as http://127.0.0.1:9998: it must begin with http:// or https://",
            "networks[0].sources[1].name: another source is called \"a\" already",
            "networks[0].sources[1].url: holds a user or password; put them into username and password_file",
            "networks[0].sources[1].cookie_file: give either this or username and password_file, not both",
            "networks[0].sources[2].key_file: is missing: cert_file and key_file go together",
            "networks[0].expect: \"main net\" is neither the name of a chain, such as main, nor a hash of 64 hexadecimal digits",
            "networks[0].stale_after: 1s must be at least twice the poll_interval, 5s",
            "watch[0].masternode: expected 64 hexadecimal digits, found 2 characters",
            "watch[1].select: names no field: it would select every masternode",
            "watch[1].alias: use alias_prefix here",
            "series.others: \"some\" is none of all, at_risk, watched",
            "series.limit: \"0\" is not a whole number from 1 to 100000000",
            "web.listen_address: \"nowhere\" is not an address to listen on: it has no port; expected host:port, :port for all interfaces, or [IPv6 address]:port",
            "histroy: unknown key; did you mean history?",
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
            "watch[0].groups.service: \"service\" is a label already; choose another group key",
            "watch[0].groups.Bad: a group key is a label: use a-z, 0-9 and _, and begin with a letter",
            "watch[1].masternode: an earlier entry has the same masternode",
            "watch[1].alias: an earlier entry has the same alias \"one\"",
            "watch[2].masternode: an earlier entry has the same masternode",
            "watch[2].network: no network has the name \"nowhere\"; there are: dash-main",
        ],
    );
}

#[test]
fn an_invalid_or_missing_yaml_file_is_named() {
    assert!(load("networks: [", &[]).unwrap_err().contains("exporter.yml cannot be used"));
    let origin = ConfigSources {
        file: Some("/nonexistent/exporter.yml".into()),
        environment: BTreeMap::new(),
        ..ConfigSources::default()
    };
    let error = config::load(&origin).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/exporter.yml") && error.contains("cannot be read"), "{error}");
}

#[test]
fn unusual_but_valid_settings_cause_a_warning() {
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

#[test]
fn an_address_for_other_hosts_causes_one_warning_without_tls_and_authentication() {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    let path = folder.path().join("web.yml");
    let users = format!("basic_auth_users: {{alice: {}}}\n", bcrypt::hash("secret", 4).unwrap());
    let tls = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n";
    let known = "  client_ca_file: clients.crt\n  client_auth_type: RequireAndVerifyClientCert\n";
    for (file, fault) in [
        (String::new(), Some("no password is required, and nothing is encrypted")),
        (tls.to_string(), Some("no password or certificate is required")),
        (users.clone(), Some("passwords are sent unencrypted")),
        (format!("{tls}{users}"), None),
        (format!("{tls}{known}"), None),
    ] {
        std::fs::write(&path, &file).unwrap();
        let web = |address: &str| {
            let text = format!("{NETWORK}web: {{listen_address: {address}, config_file: {}}}", path.display());
            let warnings = load(&text, &[]).unwrap().warnings;
            warnings.into_iter().filter(|warning| warning.contains("other hosts")).collect::<Vec<String>>()
        };
        let found = web("[\":10066\", \"[::]:10067\", \"127.0.0.1:1\"]");
        assert_eq!(found.len(), usize::from(fault.is_some()), "{file}: {found:?}");
        assert!(fault.is_none_or(|fault| found[0].contains(fault) && found[0].starts_with(":10066, [::]:10067 can")));
        assert_eq!(web("\"127.0.0.1:10066\""), Vec::<String>::new(), "{file}");
    }
    for (file, error) in [
        ("tls_server_config: {cert_file: absent, key_file: server.key}\n", "web.yml: tls_server_config.cert_file: "),
        ("http: {}\n", "web.yml: http: unknown"),
    ] {
        std::fs::write(&path, file).unwrap();
        let found = load(&format!("{NETWORK}web: {{config_file: {}}}", path.display()), &[]).unwrap_err();
        assert!(found.contains(error), "{found}");
    }
}

#[cfg(unix)]
#[test]
fn a_cookie_or_key_that_all_users_can_read_causes_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    let (cookie, key) = (folder.path().join("cookie"), folder.path().join("server.key"));
    std::fs::write(&cookie, "x").unwrap();
    let web = folder.path().join("web.yml");
    std::fs::write(&web, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n").unwrap();
    let source = format!("{{name: a, url: \"http://a:1\", cookie_file: {}}}", cookie.display());
    let text = format!("networks: [{{name: one, sources: [{source}]}}]\nweb: {{config_file: {}}}", web.display());
    for (mode, count) in [(0o644, 2), (0o640, 0), (0o600, 0), (0o602, 2)] {
        for file in [&cookie, &key] {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let warnings = load(&text, &[]).unwrap().warnings;
        assert_eq!(warnings.len(), count, "{mode:o}: {warnings:?}");
    }
}

const NETWORK: &str = "networks: [{name: one, sources: [{name: a, url: \"http://a:1\"}]}]\n";

#[track_caller]
fn good(text: &str, environment: &[(&str, &str)]) -> Config {
    load(text, environment).unwrap().config
}

/// Every file in `tests/fixtures/config`, with its expected result in the file next to it.
#[test]
fn each_fixture_has_its_recorded_meaning_or_errors() {
    let folder = "tests/fixtures/config";
    let mut names: Vec<String> = std::fs::read_dir(markdown::root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let outcome = load(&markdown::read(&format!("{folder}/{name}")), &[]);
        assert_eq!(outcome.is_ok(), name.contains(".good."), "{name}: {:?}", outcome.err());
        let outcome_text = match outcome {
            Ok(loaded) => format!("{:#?}", loaded.config),
            Err(errors) => errors.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("\n"),
        };
        assert!(!outcome_text.contains("hunter2"), "{name} shows a password: {outcome_text}");
        golden(&format!("{folder}/{}", name.replace(".yaml", ".txt")), &(outcome_text + "\n"));
    }
}

#[test]
fn the_reference_of_keys_and_the_schema_match_the_loader() {
    let page = markdown::read("docs/configuration.md");
    let prose = page.lines().take_while(|line| !line.starts_with("| key |"));
    let prose: String = prose.map(|line| format!("{line}\n")).collect();
    golden("docs/configuration.md", &(prose + &reference::table()));
    golden("docs/configuration.schema.json", &reference::schema_text());
}

#[test]
fn every_key_of_the_page_is_read_and_settable_from_the_environment() {
    for key in reference::keys() {
        // A group is a table with arbitrary keys, and one key is needed to check that its value is read.
        let variable = key.variable().replace("<NAME>", "OPERATOR");
        let below = format!("{variable}__X");
        // Some keys are valid only together with another one.
        let together = match key.path.rsplit('.').next() {
            Some("username") => key.variable().replace("USERNAME", "PASSWORD_FILE"),
            Some("password_file") => key.variable().replace("PASSWORD_FILE", "USERNAME"),
            Some("alias_prefix") => "MASTERNODE_EXPORTER__WATCH__0__SELECT__ADDRESS".to_string(),
            _ => "OTHER".to_string(),
        };
        let errors = load(NETWORK, &[(&below, "1"), (&together, "x")]).map(|loaded| loaded.config).unwrap_err();
        let path = key.path.replace("[]", "[0]").replace("<name>", "operator");
        assert!(
            errors.lines().any(|line| line.trim().starts_with(&format!("{path}: expected")) || line.contains(&below)),
            "{path}: a table in its place is no mistake: {errors}"
        );
        assert!(!errors.contains(&format!("{path}: unknown key")), "{errors}");
    }
}

#[test]
fn a_documented_default_applies_if_the_key_is_omitted() {
    // Receivers have required keys, so that these must be present before others can be omitted.
    let text = format!(
        "{NETWORK}alerting:\n  alertmanagers: [{{url: 'http://a:1'}}]\n  webhooks: [{{name: w, url: 'http://w'}}]\n  \
         emails: [{{name: m, server: 'm:25', from: 'a@example.org', to: ['b@example.org']}}]\n  heartbeat: {{url: 'http://h'}}\n"
    );
    for key in reference::keys() {
        let DefaultValue::Value(value) = &key.default else { continue };
        let values: Vec<&str> = value.split(", ").collect();
        let named: Vec<(String, &str)> = match values.as_slice() {
            [single] => vec![(key.variable(), single)],
            several => {
                several.iter().enumerate().map(|(at, one)| (format!("{}__{at}", key.variable()), *one)).collect()
            }
        };
        let environment: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(good(&text, &environment), good(&text, &[]), "{}", key.path);
    }
}

#[test]
fn an_argument_takes_precedence_and_replaces_a_whole_list() {
    let listen = |values: &[&str]| Override {
        argument: "--web.listen-address",
        key: "web.listen_address",
        values: values.iter().map(ToString::to_string).collect(),
    };
    let variable = |name: &str, value: &str| (name.to_string(), value.to_string());
    let environments = [
        variable("MASTERNODE_EXPORTER__WEB__LISTEN_ADDRESS", "127.0.0.1:5"),
        variable("MASTERNODE_EXPORTER__WEB__LISTEN_ADDRESS__0", "127.0.0.1:5"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exporter.yml");
    std::fs::write(&file, "web: {listen_address: [\"127.0.0.1:1\", \"127.0.0.1:2\"]}").unwrap();
    for (environment, values) in environments.into_iter().zip([vec!["127.0.0.1:9"], vec![":7", "127.0.0.1:9"]]) {
        let origin = ConfigSources {
            file: Some(file.clone()),
            environment: [environment].into(),
            overrides: vec![listen(&values)],
            ..ConfigSources::default()
        };
        let addresses = config::load(&origin).unwrap().config.web.listen_addresses;
        assert_eq!(addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), values);
    }
    let origin = ConfigSources { overrides: vec![listen(&["nowhere"])], ..ConfigSources::default() };
    let error = config::load(&origin).unwrap_err().to_string();
    assert!(error.ends_with("(set by --web.listen-address)"), "{error}");
}

#[test]
fn an_unknown_variable_is_named() {
    // variable, the error.
    let cases = [
        ("NETWORKS__400000000__NAME", "index 400000000 is beyond the end of the list: the next free one is 1"),
        ("NETWORKS__99999999999999999999__NAME", "99999999999999999999 is not a list index"),
        ("__LOG", "has an empty part between two pairs of underscores, or after the last"),
        ("0", "begins with a list index: name the list"),
        ("NETWORKS__NAME", "key \"name\" cannot be set: the parent is a list or a single value"),
        ("NETWORKS__0__0", "0 is a list index, but the value is not a list"),
    ];
    for (name, mistake) in cases {
        let name = format!("MASTERNODE_EXPORTER__{name}");
        check_errors(NETWORK, &[(&name, "x")], &[&format!("{name}: {mistake}")]);
    }
    check_errors(
        NETWORK,
        &[("MASTERNODE_EXPORTER__LOG__LEVEL", "info"), ("masternode_exporter__log__level", "warn")],
        &["masternode_exporter__log__level: MASTERNODE_EXPORTER__LOG__LEVEL sets the same key: remove one of the two"],
    );
    check_errors(
        NETWORK,
        &[("MASTERNODE_EXPORTER__WEB__MAX_REQUEST", "1")],
        &["web.max_request: unknown key; did you mean max_requests? (set by MASTERNODE_EXPORTER__WEB__MAX_REQUEST)"],
    );
}

#[test]
fn a_list_grows_from_the_environment_in_the_order_of_its_numbers() {
    let names: Vec<String> = (0..12).map(|at| format!("MASTERNODE_EXPORTER__PAYMENT__HORIZONS__{at}")).collect();
    let spans: Vec<String> = (1..13).map(|hours| format!("{hours}h")).collect();
    let environment: Vec<(&str, &str)> =
        names.iter().zip(&spans).map(|(name, span)| (name.as_str(), span.as_str())).collect();
    let horizons = good(NETWORK, &environment).metrics.horizons;
    assert_eq!(horizons.into_iter().map(|(label, _)| label).collect::<Vec<_>>(), spans);
}

#[test]
fn an_unknown_file_is_refused_without_repeating_it() {
    let deep: String = (0..20_000).map(|level| format!("{}a:\n", " ".repeat(level % 300))).collect();
    let cases = [
        ("hunter2\n", "is not a table of keys and values"),
        ("- hunter2\n", "is not a table of keys and values"),
        (deep.as_str(), "line 65, column 65: is nested more than 64 levels deep"),
    ];
    for (text, mistake) in cases {
        check_errors(text, &[], &[mistake]);
    }
    let nested = load(&format!("a: {}", "[".repeat(100_000)), &[]).unwrap_err();
    assert!(nested.contains("is not YAML: line 1, column 132: recursion limit"), "{nested}");
    assert!(load(&format!("#{}", "x".repeat(16 << 20)), &[]).unwrap_err().contains("is larger than 16 MiB"));
}

#[test]
fn a_path_below_home_needs_a_home_and_a_password_file_must_be_readable() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("password"), "x").unwrap();
    let load_with = |keys: &str, home: Option<PathBuf>| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("networks: [{{name: one, sources: [{{name: a, url: \"http://a:1\", {keys}}}]}}]");
        std::fs::write(file.path(), text).unwrap();
        let origin = ConfigSources { file: Some(file.path().into()), home, ..ConfigSources::default() };
        config::load(&origin).map_err(|errors| errors.to_string())
    };
    let at_home = || Some(home.path().to_path_buf());
    let source = load_with("cookie_file: ~/.cookie", at_home()).unwrap().config.networks.remove(0).sources.remove(0);
    assert_eq!(source.credentials, Credentials::CookieFile(home.path().join(".cookie")));
    assert!(load_with("username: u, password_file: ~/password", at_home()).is_ok());
    let cases = [
        ("cookie_file: ~/.cookie", None, "cookie_file: begins with ~, and no home directory is known"),
        ("cookie_file: \"\"", at_home(), "cookie_file: names no file"),
        ("username: u, password_file: ~/absent", at_home(), "absent cannot be read"),
        ("username: u, password_file: \"~\"", at_home(), "is a directory"),
        ("username: \"a:b\", password_file: ~/password", at_home(), "username: a user name cannot contain a colon"),
        ("username: u", at_home(), "password_file: is missing"),
        ("password_file: ~/password", at_home(), "username: is missing"),
    ];
    for (keys, home, mistake) in cases {
        let error = load_with(keys, home).unwrap_err();
        assert!(error.contains(mistake), "{keys}: {error}");
    }
}

#[test]
fn masternodes_are_probed_only_if_enabled() {
    let probe = |text: &str| load(text, &[]).map(|loaded| (loaded.config.probe, loaded.config.metrics.probed));
    let on = masternode_exporter::probe::ProbeSettings::default();
    assert_eq!(probe("log: {}").unwrap(), (None, false));
    assert_eq!(probe("probe: {interval: 1m}").unwrap(), (None, false), "an interval alone switches nothing on");
    assert_eq!(probe("probe: {enabled: true}").unwrap(), (Some(on.clone()), true));
    let changed = masternode_exporter::probe::ProbeSettings {
        interval: Duration::from_secs(60),
        timeout: Duration::from_secs(2),
        max_parallel: 8,
        allow_private: true,
        controls: 0,
        ..on
    };
    let text = "probe: {enabled: true, interval: 1m, timeout: 2s, max_parallel: 8, allow_private: true, controls: 0}";
    assert_eq!(probe(text).unwrap().0, Some(changed));
    check_errors(
        "probe: {interval: 5s, timeout: 1m, max_parallel: 0}",
        &[],
        &[
            "probe.interval: 5s is not between 30s and 1d",
            "probe.timeout: 1m is not between 100ms and 30s",
            "probe.max_parallel: \"0\" is not a whole number from 1 to 64",
        ],
    );
}

#[test]
fn a_top_level_key_for_anchors_is_no_setting_and_one_below_is_a_mistake() {
    let text = "\u{feff}x-common: &common { timeout: 7s }\nnetworks:\n  - name: dash-main\n    sources:\n      \
                - { <<: *common, name: a, url: \"http://127.0.0.1:9998\" }\n";
    let config = load(text, &[]).unwrap().config;
    assert_eq!(config.networks[0].sources[0].timeout, Duration::from_secs(7));
    let below = load(&text.replace("name: a", "x-name: b, name: a"), &[]).err().unwrap();
    assert!(below.contains("x-name"), "{below}");
}

const TWO_GROUPS: &str = "watch:\n\
    - {masternode: 92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6, alias: a, groups: {operator: acme}, \
       thresholds: {recent: 2h}}\n\
    - {select: {payout_address: X}, groups: {operator: umbrella}}\n";

#[test]
fn an_entry_of_every_network_is_not_watched_where_its_identity_cannot_exist() {
    let hash = "92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6";
    let source = "sources: [{name: local, url: \"http://127.0.0.1:1\", cookie_file: none}]";
    let text = format!(
        "networks: [{{name: dash, {source}}}, {{name: dime, chain: dimecoin, {source}}}]\n\
         watch: [{{masternode: {hash}}}, {{masternode: {hash}-1}}]\n"
    );
    let config = load(&text, &[]).unwrap().config;
    let watched = |network| config.watch_list(network).entries().len();
    assert_eq!((config.watch.len(), watched("dash"), watched("dime")), (2, 1, 1));
}

#[test]
fn a_file_without_settings_is_refused_unless_it_says_so() {
    for text in ["", " \n\n", "\u{feff}\n"] {
        check_errors(text, &[], &["is empty: a file without settings has {}"]);
    }
    let packaged = std::fs::read_to_string(crate::support::running::project("scripts/packaging/config.yaml")).unwrap();
    for text in ["{}", &packaged] {
        assert!(load(text, &[]).is_ok(), "{text}");
    }
}

#[test]
fn thresholds_are_set_in_general_for_groups_and_for_an_entry() {
    let text = format!(
        "{TWO_GROUPS}alerting:\n  thresholds:\n    repeated_steps: 1.5\n    fork_near: 3d\n    overdue_blocks: 5\n    \
         shortest_cycle: 20\n    not_understood: 2d\n    source_silence: 1h\n    groups:\n    \
         - {{key: operator, group: acme, recent: 3h, group_nodes: 2}}\n    \
         - {{key: operator, group: umbrella, imminent_chance: 0.1}}\n"
    );
    let config = load(&text, &[]).unwrap().config;
    let thresholds = &config.alerting.thresholds;
    let general = &thresholds.general;
    assert_eq!((general.repeated_steps, general.fork_near_seconds), (1.5, 3 * 86_400));
    assert_eq!((general.overdue_blocks, general.shortest_cycle), (5, 20));
    assert_eq!((general.not_understood_seconds, general.source_silence_seconds), (2 * 86_400, 3_600));
    let acme = thresholds.of_group("operator", "acme");
    assert_eq!((acme.recent_seconds, acme.group_nodes, acme.imminent_chance), (10_800, 2, general.imminent_chance));
    let umbrella = thresholds.of_group("operator", "umbrella");
    assert_eq!((umbrella.recent_seconds, umbrella.group_nodes, umbrella.imminent_chance), (3_600, 3, 0.1));
    assert_eq!(config.watch[0].1.thresholds.recent_seconds, Some(7_200));
    let default = load("{}", &[]).unwrap().config.alerting.thresholds;
    assert_eq!(default, domain::condition::ThresholdSettings::default());
}

#[test]
fn a_threshold_out_of_range_or_of_no_group_is_an_error_at_its_place() {
    let text = "watch:\n\
        - {masternode: 92bc30f6af4cfc670ab899d4510dd2afd896eb61c6d0add85bd20cea486d02f6, groups: {operator: acme}, \
           thresholds: {recent: 1s, group_nodes: 2}}\n\
        alerting:\n  thresholds:\n    repeated_steps: 0.5\n    groups:\n    \
        - {key: operator, group: acne, recent: 3h}\n    - {key: oprator, group: acme}\n    \
        - {key: operator, group: acme, imminent_chance: 7}\n    - {group: acme}\n";
    check_errors(
        text,
        &[],
        &[
            "watch[0].thresholds.recent: 1s is not between 1m and 1d",
            "watch[0].thresholds.group_nodes: unknown key; known here are imminent_chance, recent, repeated_steps, overdue_blocks, shortest_cycle",
            "alerting.thresholds.repeated_steps: \"0.5\" is not a number from 1 to 100",
            "alerting.thresholds.groups[0].group: no entry of watch has the group operator=\"acne\"; did you mean acme?",
            "alerting.thresholds.groups[1].key: no entry of watch has a group \"oprator\"; did you mean operator?",
            "alerting.thresholds.groups[2].imminent_chance: \"7\" is not a number from 0 to 1",
            "alerting.thresholds.groups[3].key: is missing",
        ],
    );
}

#[test]
fn critical_alerts_that_no_receiver_gets_are_named() {
    let with = |receivers: &str| {
        let loaded = load(&format!("{TWO_GROUPS}alerting:\n  webhooks:\n{receivers}"), &[]).unwrap();
        (loaded.config.alerting.unrouted, loaded.warnings)
    };
    let (unrouted, warnings) = with("  - {name: acme, url: \"http://a/\", match: {groups: {operator: [acme]}}}\n");
    let expected = [
        "the exporter itself",
        "the network dash-main and its sources",
        "masternodes with operator=umbrella on dash-main",
    ];
    assert_eq!(unrouted, expected);
    assert!(expected.iter().all(|what| warnings.iter().any(|warning| warning.contains(what))), "{warnings:?}");
    let all = "  - {name: acme, url: \"http://a/\", match: {groups: {operator: [acme]}}}\n  - {name: all, url: \"http://a/\"}\n";
    assert_eq!(with(all).0, Vec::<String>::new());
    let warnings_only = "  - {name: w, url: \"http://a/\", match: {severity: warning}}\n";
    assert_eq!(with(warnings_only).0.len(), 4, "critical alerts go nowhere");
    assert_eq!(load(TWO_GROUPS, &[]).unwrap().config.alerting.unrouted, Vec::<String>::new(), "without a receiver");
}
