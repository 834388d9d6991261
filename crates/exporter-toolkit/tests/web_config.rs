//! Web configuration files: which are accepted, and the errors of the others.
//!
//! Never here: the effect of the settings on a server.

#![expect(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/web_cases.rs"]
mod web_cases;

use exporter_toolkit::web_config;

use crate::web_cases::{Promtool, web_cases};

#[test]
fn valid_files_are_accepted_and_invalid_ones_report_their_error() {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    for case in web_cases(folder.path()) {
        let errors = web_config::load(&case.path).errors;
        match &case.error {
            None => {
                assert_eq!(errors, Vec::<String>::new(), "{}", case.name);
                assert_ne!(case.promtool, Promtool::IsLenient, "{}: we take it too", case.name);
            }
            Some(error) => {
                assert!(errors.iter().any(|found| found.contains(error.as_str())), "{}: {errors:?}", case.name);
            }
        }
        let secret = std::fs::read_to_string(folder.path().join("server.key")).unwrap();
        let secret = secret.lines().nth(1).unwrap();
        assert!(!errors.iter().any(|error| error.contains(secret) || error.contains("doe")), "{errors:?}");
    }
}

/// All errors of a file with this content.
fn errors(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    let path = folder.path().join("web.yml");
    std::fs::write(&path, text).unwrap();
    web_config::load(&path).errors
}

#[test]
fn an_error_has_its_key_and_line_and_no_value() {
    let table = [
        ("rate_limit: {burst: secret}\n", "rate_limit.burst: is not of the type u32 (line 1)"),
        (
            "a: 1\n",
            "a: unknown key; known here are tls_server_config, http_server_config, basic_auth_users, rate_limit (line 1)",
        ),
        (
            "http_server_config:\n  headers:\n  - secret\n",
            "http_server_config.headers: expected keys with values (line 3)",
        ),
        ("rate_limit: {burst: \"1\n", "the file: is not YAML that can be used here (line 1)"),
        ("basic_auth_users: {alice: [secret]}\n", "basic_auth_users.alice: expected a text (line 1)"),
        ("", ""),
        ("---\n", ""),
        ("# nothing\n", ""),
        ("tls_server_config: {}\nrate_limit:\n", ""),
    ];
    for (text, error) in table {
        assert_eq!(errors(text).join("\n"), error, "{text}");
    }
}

#[test]
fn all_errors_other_than_syntax_are_reported_together() {
    let found = errors(
        "tls_server_config: {cert_file: absent, key_file: server.key, client_auth_type: x, min_version: TLS1}\n\
         basic_auth_users: {alice: x, bob: x}\nrate_limit: {interval: often}\n",
    );
    let keys: Vec<&str> = found.iter().filter_map(|error| error.split(": ").next()).collect();
    assert_eq!(
        keys,
        [
            "tls_server_config.client_auth_type",
            "tls_server_config.cert_file",
            "tls_server_config.min_version",
            "basic_auth_users.alice",
            "basic_auth_users.bob",
            "rate_limit.interval"
        ],
        "{found:?}"
    );
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "basic_auth_users:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_string();
    for (name, before) in
        ["b", "c", "d", "e", "f", "g", "h", "i"].into_iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        text += &format!("  {name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "));
    }
    for text in [text.clone(), text.replace("basic_auth_users", "http_server_config")] {
        assert_eq!(errors(&text).len(), 1, "{text}");
    }
    // Each expands to half a megabyte.
    let aliases = |count: usize| {
        let long = "x".repeat(1 << 19);
        errors(&format!(
            "tls_server_config: {{cert: &a {long}, client_allowed_sans: [{}]}}\n",
            vec!["*a"; count].join(", ")
        ))
    };
    let found = aliases(17);
    assert!(found.len() == 1 && found[0].contains("repeats itself too often by aliases"), "{found:?}");
    assert!(aliases(16).iter().all(|error| !error.contains("aliases")), "a few are fine");
}

#[test]
fn files_are_read_up_to_a_limit_and_only_if_they_are_regular() {
    let large = format!("# {}\n", "x".repeat(1 << 20));
    assert_eq!(errors(&large), ["cannot be read: it is larger than 1024 KiB"]);
    let found = errors("tls_server_config: {cert_file: ., key_file: large.key}\n");
    assert!(found[0].contains("cert_file: ") && found[0].ends_with("it is not a regular file"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn a_fifo_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    assert_eq!(web_config::load(&fifo).errors, ["cannot be read: it is not a regular file"]);
    let path = folder.path().join("web.yml");
    std::fs::write(&path, "tls_server_config: {cert_file: server.crt, key_file: fifo}\n").unwrap();
    let found = web_config::load(&path).errors;
    assert!(found.len() == 1 && found[0].ends_with("it is not a regular file"), "{found:?}");
}
