//! What a release needs: complete manifests, a workflow that only calls the script, and a script that says what is missing.
//!
//! Never here: the artifacts; `scripts/release verify` builds them twice and compares.

use std::process::Command;

use serde_json::Value;

use crate::markdown;

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&markdown::read(path)).unwrap()
}

/// The value of a key of a manifest.
fn toml(text: &str, key: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{key} = "))).unwrap_or_default();
    line.trim_matches(['[', ']', '"']).to_string()
}

#[test]
fn manifests_name_the_project_and_agree() {
    let (cargo, chart) = (markdown::read("Cargo.toml"), yaml("helm/masternode-exporter/Chart.yaml"));
    let repository = toml(&cargo, "repository");
    assert!(repository.starts_with("https://") && toml(&cargo, "homepage").starts_with("https://"), "{repository}");
    assert!(toml(&cargo, "authors").contains('@'));
    assert_eq!(chart["home"], toml(&cargo, "homepage"));
    assert_eq!(chart["sources"], serde_json::json!([repository]));
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&toml(&cargo, "version").into(), &toml(&cargo, "version").into())
    );
    let [maintainer] = &chart["maintainers"].as_array().unwrap()[..] else { panic!("one maintainer") };
    let named = format!("{} <{}>", maintainer["name"].as_str().unwrap(), maintainer["email"].as_str().unwrap());
    assert_eq!(named, toml(&cargo, "authors"));
    let icon = chart["icon"].as_str().unwrap();
    let path = icon.strip_prefix(&format!("{repository}/raw/main/")).unwrap();
    assert!(markdown::read(path).starts_with("<svg"), "{path}");
}

#[test]
fn the_workflow_of_the_forge_calls_the_script_and_nothing_else() {
    let workflow = yaml(".github/workflows/release.yml");
    let steps = workflow["jobs"]["release"]["steps"].as_array().unwrap();
    let run: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(run, ["scripts/release publish"]);
    let used: Vec<&str> = steps.iter().filter_map(|step| step["uses"].as_str()).collect();
    assert!(used.len() == 1 && used[0].starts_with("actions/checkout@"), "{used:?}");
}

#[test]
fn the_script_says_at_once_what_is_missing_and_builds_nothing() {
    let mut command = Command::new(markdown::root().join("scripts/release"));
    let output = command.env("RELEASE_TARGET", "sparc-none-musl").env("SOURCE_DATE_EPOCH", "1").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{errors}");
    for words in ["nothing was built", "sparc-none-musl is not installed: run rustup target add", "RELEASE_TARGET="] {
        assert!(errors.contains(words), "{errors}");
    }
}
