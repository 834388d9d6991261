//! `scripts/advisories` with a `cargo` that does what the case says: a database that cannot be fetched is said, and an advisory fails.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs the script with these exit codes of `cargo deny fetch` and `cargo deny check`. Returns its exit code and output.
fn run(fetch: u8, check: u8, arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let cargo = folder.path().join("cargo");
    let script =
        format!("#!/bin/sh\ncase \"$*\" in *fetch*) exit {fetch};; *advisories*) exit {check};; esac\nexit 9\n");
    fs::write(&cargo, script).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/advisories");
    let output = Command::new(script).args(arguments).env("PATH", path).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn an_advisory_fails_and_a_missing_database_is_said() {
    assert_eq!(run(0, 0, &[]), (0, String::new()));
    assert_eq!(run(0, 1, &[]).0, 1);
    let (code, said) = run(1, 0, &[]);
    assert!(code == 0 && said.starts_with("NOT CHECKED"), "{code} {said}");
    let (code, said) = run(1, 0, &["--required"]);
    assert!(code == 1 && said.starts_with("NOT CHECKED"), "{code} {said}");
}
