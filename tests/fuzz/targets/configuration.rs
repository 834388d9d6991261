//! Any file and any environment give a configuration or errors with their locations, and the same result each time.
//!
//! Never here: the meaning of a key.

use std::collections::BTreeMap;

use masternode_exporter::config::{Config, ConfigSources, LoadedConfig, load};

use super::common;

/// Separator between the file and the environment, which has one variable per line.
const ENVIRONMENT: &str = "\n%environment\n";

/// Prefix of variable names, so that the fuzzer need not find it.
const PREFIX: &str = "MASTERNODE_EXPORTER__";

/// See the module.
pub fn run(input: &[u8]) {
    // A value can name a file, and the fuzzer must not wait for a terminal or read the machine's memory.
    if [&b"/dev"[..], b"/proc", b"/sys"].iter().any(|bad| input.windows(bad.len()).any(|part| part == *bad)) {
        return;
    }
    let cut = input.windows(ENVIRONMENT.len()).position(|part| part == ENVIRONMENT.as_bytes());
    let (file, environment) = match cut {
        Some(at) => (&input[..at], &input[at + ENVIRONMENT.len()..]),
        None => (input, &b""[..]),
    };
    let environment: BTreeMap<String, String> = String::from_utf8_lossy(environment)
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (format!("{PREFIX}{name}"), value.to_string()))
        .collect();
    let _ = read(file, environment);
}

/// Reads a configuration twice, and checks the result.
pub(super) fn read(file: &[u8], environment: BTreeMap<String, String>) -> Option<Config> {
    let folder = common::folder();
    let path = folder.path().join("exporter.yml");
    std::fs::write(&path, file).expect("there is room");
    let origin = ConfigSources {
        file: Some(path),
        environment,
        home: Some(folder.path().to_path_buf()),
        ..ConfigSources::default()
    };
    let (first, second) = (load(&origin), load(&origin));
    match (first, second) {
        (Ok(LoadedConfig { config, warnings, .. }), Ok(again)) => {
            assert_eq!((&config, &warnings), (&again.config, &again.warnings), "it reads the same each time");
            usable(&config);
            Some(config)
        }
        (Err(errors), Err(again)) => {
            assert_eq!(errors, again, "it reads the same each time");
            let text = errors.to_string();
            let mistakes: Vec<&str> = text.lines().skip(1).filter(|line| line.starts_with("  ")).collect();
            assert!(!mistakes.is_empty(), "refused without a reason");
            None
        }
        (first, second) => panic!("once {first:?}, then {second:?}"),
    }
}

/// Invariants that all users of the configuration rely on.
fn usable(config: &Config) {
    assert!(!config.networks.is_empty(), "there is a network to follow");
    let mut names: Vec<&str> = config.networks.iter().map(|network| network.name.as_str()).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|one, next| one < next), "networks have names of their own: {names:?}");
    for network in &config.networks {
        assert!(!network.sources.is_empty(), "a network has a source");
        assert!(!network.poll_interval.is_zero(), "a pause has a length");
        assert!(network.sources.iter().all(|source| !source.timeout.is_zero()), "an answer has some time");
        // Passwords are in files.
        assert!(network.sources.iter().all(|source| !source.url.expose().contains('@')), "a URL with a password");
        let _ = config.watch_list(&network.name).resolve(common::list(), &[]);
    }
    assert!(!config.web.listen_addresses.is_empty(), "it listens somewhere");
}
