//! `scripts/advisories` with a `cargo` that does what the case says: a tool or database that is missing is said, and an advisory or an
//! invalid configuration fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs the script with these commands for `cargo deny --version`, `fetch` and `check`. Returns its exit code and output.
fn run([version, fetch, check]: [&str; 3], arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*) {version};; *fetch*) {fetch};; *advisories*) {check};; *) exit 9;; esac\n"
    );
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/advisories");
    let output = Command::new(script).args(arguments).env("PATH", path).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn an_advisory_fails_and_a_missing_database_or_tool_is_said() {
    let unreachable = "echo '[ERROR] failed to fetch database'; exit 1";
    assert_eq!(run(["exit 0", "exit 0", "exit 0"], &[]), (0, String::new()));
    assert_eq!(run(["exit 0", "exit 0", "exit 1"], &[]).0, 1, "an advisory");
    assert_eq!(
        run(["exit 0", "echo 'failed to validate configuration file'; exit 1", "exit 0"], &[]),
        (1, String::new())
    );
    let missing =
        [["exit 0", unreachable, "exit 0"], ["exit 0", "exit 124", "exit 0"], ["exit 101", "exit 0", "exit 0"]];
    for commands in missing {
        for (arguments, expected) in [(&[][..], 0), (&["--required"], 1)] {
            let (code, said) = run(commands, arguments);
            assert!(code == expected && said.starts_with("NOT CHECKED"), "{commands:?} {code} {said}");
        }
    }
}
