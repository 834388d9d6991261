//! No error, warning or debug text contains a value from a place that may hold a secret.
//!
//! Never here: valid files.

use std::collections::BTreeMap;

use exporter_toolkit::web_config;
use masternode_exporter::config::{ConfigSources, load};

use super::common;

/// Shorter ones may be part of a sentence by chance.
const SHORTEST: usize = 12;

/// See the module. The input is the secret.
pub fn run(input: &[u8]) {
    let Ok(secret) = std::str::from_utf8(input) else { return };
    let harmless = "0123456789abcdef";
    // Other inputs are not checked: a part of our own sentences, or a time span.
    if secret.trim().len() < SHORTEST || secret.len() > 2_000 || said(harmless).contains(secret.trim()) {
        return;
    }
    let text = said(secret);
    for form in [secret.trim().to_string(), secret.trim().escape_debug().to_string()] {
        assert!(!text.contains(&form), "{form:?} in {text}");
    }
}

/// All messages about configurations with a secret at wrong and at right places.
fn said(secret: &str) -> String {
    let mut messages = String::new();
    let quoted = serde_json::Value::from(secret).to_string();
    let folder = common::folder();
    for (place, network) in [
        ("networks__0__sources__0__url", format!("http://user:{secret}@127.0.0.1:9998")),
        ("networks__0__sources__0__url", format!("http://{secret}:x@127.0.0.1:9998")),
        ("alerting__webhooks__0__url", format!("https://hooks.example/{secret}")),
        ("alerting__webhooks__0__url", format!("ftp://hooks.example/{secret}")),
        ("alerting__webhooks__0__url", secret.to_string()),
        ("alerting__alertmanagers__0__url", format!("http://user:{secret}@127.0.0.1:9093")),
        ("alerting__heartbeat__url", format!("http//{secret}")),
    ] {
        let environment = BTreeMap::from([(format!("MASTERNODE_EXPORTER__{}", place.to_uppercase()), network)]);
        let origin = ConfigSources { environment, home: Some(folder.path().to_path_buf()), ..ConfigSources::default() };
        match load(&origin) {
            Ok(loaded) => messages += &format!("{:?}\n", loaded),
            Err(errors) => messages += &format!("{errors}\n"),
        }
    }
    let web = folder.path().join("web.yml");
    for file in [
        format!("basic_auth_users: {{ alice: {quoted} }}\n"),
        format!("tls_server_config: {{ cert: {quoted}, key: {quoted} }}\n"),
        format!("tls_server_config: {{ cert_file: missing.crt, key: {quoted} }}\n"),
        // A file that is not YAML may contain anything: the parser's error must not show it.
        format!("password: {secret}\n  broken: [\n"),
        format!("{quoted}\n"),
    ] {
        std::fs::write(&web, &file).expect("there is room");
        let found = web_config::load(&web);
        messages += &format!("{:?} {:?}\n", found.errors, found.warnings);
        messages += &load(&ConfigSources { file: Some(web.clone()), ..ConfigSources::default() })
            .map_or_else(|errors| errors.to_string(), |loaded| format!("{loaded:?}"));
    }
    messages
}
