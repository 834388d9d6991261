//! The command line: completions, the flags of each command, the version.
//!
//! Never here: running a shell; what a command does.

/// Exit code and all that was printed.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let binary = env!("CARGO_BIN_EXE_masternode-exporter");
    let output = std::process::Command::new(binary).env_clear().args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_command_has_the_flags_that_it_uses_and_no_others() {
    for (command, flag, has) in [
        ("run", "--log.level", true),
        ("healthcheck", "--web.listen-address", true),
        ("healthcheck", "--log.level", false),
        ("events", "--history.path", true),
        ("events", "--web.config.file", false),
        ("demo", "--web.telemetry-path", true),
        ("demo", "--config.file", false),
        ("metrics", "--config.file", false),
        ("man", "--config.file", false),
        ("version", "--log.level", false),
    ] {
        let (_, help) = run(&[command, "--help"]);
        assert_eq!(help.contains(flag), has, "{command}: {help}");
    }
    // Existing command lines keep working: before the command and behind it.
    for arguments in [["--log.level=debug", "version"], ["version", "--log.level=debug"]] {
        let (code, text) = run(&arguments);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("--log.level is ignored: version does not use it"), "{text}");
    }
    let (_, help) = run(&["forecast", "payment", "--help"]);
    assert!(help.contains("--config.file") && !help.contains("--log.level"), "{help}");
    let (code, text) = run(&["--config.file", "/nonexistent", "check", "--config.file", "/absent"]);
    assert!(code == Some(2) && text.contains("/absent"), "the flag behind the command counts: {text}");
}

#[test]
fn the_version_is_the_same_by_flag_and_by_command() {
    assert_eq!(run(&["version"]), (Some(0), format!("masternode-exporter {}\n", env!("CARGO_PKG_VERSION"))));
    assert_eq!(run(&["version"]), run(&["--version"]));
}

#[test]
fn the_completions_of_bash_know_the_options_of_every_command() {
    let (_, script) = run(&["completions", "bash"]);
    let labels: Vec<&str> = script.lines().filter_map(|line| line.trim().strip_suffix(')')).collect();
    let jumps: Vec<&str> =
        script.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"")?.strip_suffix('"')).collect();
    assert!(jumps.iter().any(|jump| jump.ends_with("forecast__subcmd__payment")));
    for jump in jumps.iter().filter(|jump| !jump.is_empty()) {
        assert!(labels.contains(jump), "{jump} has no options");
    }
}
