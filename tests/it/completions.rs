//! Completions: the description of the command line for a shell.
//!
//! Never here: running a shell.

#[test]
fn the_bash_completions_have_the_options_of_every_command() {
    let binary = env!("CARGO_BIN_EXE_masternode-exporter");
    let output = std::process::Command::new(binary).args(["completions", "bash"]).output().unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    let labels: Vec<&str> = script.lines().filter_map(|line| line.trim().strip_suffix(')')).collect();
    let jumps: Vec<&str> =
        script.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"")?.strip_suffix('"')).collect();
    assert!(jumps.iter().any(|jump| jump.ends_with("forecast__subcmd__payment")));
    for jump in jumps.iter().filter(|jump| !jump.is_empty()) {
        assert!(labels.contains(jump), "{jump} has no options");
    }
}
