//! The protected exporter with a real Prometheus, OpenSSL and promtool.
//!
//! Never here: the effect of each policy on each client; the integration tests cover that.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::certificates;
use crate::process::{Running, exporter, free_port, get, wait_for};
use crate::web_cases::{Promtool, web_cases};

const LONG: Duration = Duration::from_secs(60);

/// A web configuration with all features: client certificates and a password.
fn protected(folder: &Path) -> String {
    certificates::write(folder);
    let text = format!(
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_ca_file: clients.crt\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [prometheus.example]\n\
         basic_auth_users: {{alice: {}}}\n",
        bcrypt::hash("secret", 6).unwrap()
    );
    let path = folder.join("web.yml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn demo(port: u16, web_config: &str) -> Running {
    let address = format!("127.0.0.1:{port}");
    Running::start(exporter().args([
        "demo",
        "--masternodes",
        "20",
        "--web.listen-address",
        &address,
        "--web.config.file",
        web_config,
    ]))
}

fn healthcheck(port: u16, web_config: &str) -> Output {
    healthcheck_with(port, web_config, &[])
}

fn healthcheck_with(port: u16, web_config: &str, more: &[&str]) -> Output {
    let address = format!("127.0.0.1:{port}");
    let arguments = ["healthcheck", "--web.listen-address", &address, "--web.config.file", web_config];
    exporter().args(arguments).args(more).output().unwrap()
}

/// Exit code and output.
fn outcome(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn promtool_agrees_on_every_web_configuration() {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    for case in web_cases(folder.path()) {
        let promtool = Command::new("promtool").args(["check", "web-config"]).arg(&case.path).output().unwrap();
        let said = String::from_utf8([promtool.stdout, promtool.stderr].concat()).unwrap();
        let too_old = said.contains("not found in type web.");
        let expected = match case.promtool {
            Promtool::Agrees => case.error.is_none(),
            Promtool::MayBeTooOld if too_old => false,
            Promtool::MayBeTooOld => case.error.is_none(),
            Promtool::IsLenient => true,
        };
        assert_eq!(promtool.status.success(), expected, "{}: {said}", case.name);
        let ours = exporter().args(["check", "--web.config.file"]).arg(&case.path).output().unwrap();
        let said = String::from_utf8([ours.stdout, ours.stderr].concat()).unwrap();
        assert_eq!(ours.status.code(), Some(if case.error.is_none() { 0 } else { 2 }), "{}: {said}", case.name);
        assert!(case.error.is_none_or(|error| said.contains(&error)), "{}: {said}", case.name);
    }
}

#[test]
fn a_real_prometheus_scrapes_with_certificate_and_password_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let web_config = protected(folder.path());
    let (port, prometheus_port) = (free_port(), free_port());
    let _demo = demo(port, &web_config);
    wait_for("the exporter", LONG, || healthcheck(port, &web_config).status.success().then_some(()));
    let file = |name: &str| folder.path().join(name).display().to_string();
    let job = |name: &str, client: &str, password: &str| {
        format!(
            "- job_name: {name}\n  scheme: https\n  basic_auth: {{username: alice, password: {password}}}\n  \
             tls_config: {{ca_file: '{}', {client}server_name: localhost}}\n  \
             static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n",
            file("servers.crt")
        )
    };
    let shows = |name: &str| {
        format!("cert_file: '{}', key_file: '{}', ", file(&format!("{name}.crt")), file(&format!("{name}.key")))
    };
    let jobs = [
        job("good", &shows("client"), "secret"),
        job("wrong-password", &shows("client"), "guessed"),
        job("stranger", &shows("stranger"), "secret"),
        job("nobody", "", "secret"),
    ];
    let text = format!("global: {{scrape_interval: 1s}}\nscrape_configs:\n{}", jobs.concat());
    std::fs::write(folder.path().join("prometheus.yml"), text).unwrap();
    let _prometheus = Running::start(Command::new("prometheus").args([
        format!("--config.file={}", file("prometheus.yml")),
        format!("--storage.tsdb.path={}", file("data")),
        format!("--web.listen-address=127.0.0.1:{prometheus_port}"),
    ]));
    let target = |job: &str| {
        let answer: serde_json::Value = serde_json::from_str(&get(prometheus_port, "/api/v1/targets")?).ok()?;
        let targets = answer["data"]["activeTargets"].as_array()?.clone();
        let target = targets.into_iter().find(|target| target["labels"]["job"] == job)?;
        let text = |key: &str| target[key].as_str().map(str::to_string);
        Some((text("health")?, text("lastError")?)).filter(|(health, _)| health != "unknown")
    };
    for (job, health, error) in
        [("good", "up", ""), ("wrong-password", "down", "401"), ("stranger", "down", "tls"), ("nobody", "down", "tls")]
    {
        // In TLS 1.3 a client sends its request before it knows that it is refused, and the server reads for half a
        // second. A client that is delayed for longer may see a closed connection first. The test therefore checks
        // acceptance for each scrape, and the reason for one of them.
        let mut said = String::new();
        wait_for(&format!("{job} to be {health} for {error:?}"), LONG, || {
            let (seen, why) = target(job)?;
            // On a slow machine even a known client may wait.
            assert!(seen == health || health == "up", "{job} is {seen}: {why}");
            if said != why {
                said = why;
                eprintln!("{job}: {said}");
            }
            (seen == health && said.contains(error)).then_some(())
        });
    }
}

#[test]
fn openssl_sees_new_versions_only_http2_and_a_new_certificate_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let web_config = protected(folder.path());
    let port = free_port();
    let _demo = demo(port, &web_config);
    let connect = |more: &[&str]| {
        let (address, authority) = (format!("127.0.0.1:{port}"), folder.path().join("servers.crt"));
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &address, "-servername", "localhost", "-verify_return_error", "-CAfile"])
            .arg(authority)
            .args(more)
            .stdin(Stdio::null())
            .output()
            .expect("openssl is installed by scripts/test");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let name = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (name("client.crt"), name("client.key"));
    let known = ["-cert", &certificate, "-key", &key];
    wait_for("the exporter", LONG, || healthcheck(port, &web_config).status.success().then_some(()));
    for version in ["-tls1_2", "-tls1_3"] {
        let (good, said) = connect(&[&known[..], &[version, "-alpn", "h2,http/1.1"]].concat());
        assert!(
            good && said.contains("ALPN protocol: h2") && said.contains("Verify return code: 0"),
            "{version}: {said}"
        );
    }
    let (good, said) = connect(&[&known[..], &["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]].concat());
    assert!(!good && said.contains("Protocol  : TLSv1.1") && said.contains("alert"), "refused by us: {said}");
    let (good, said) = connect(&["-tls1_2"]);
    assert!(!good && said.contains("alert"), "without a certificate of ours: {said}");

    certificates::write_server(folder.path());
    wait_for("the new certificate", LONG, || connect(&known).0.then_some(()));
}

#[test]
fn the_health_check_works_with_tls_and_counts_a_refusal_as_alive() {
    let folder = tempfile::tempdir().unwrap();
    certificates::write(folder.path());
    let path = folder.path().join("open.yml");
    std::fs::write(&path, "tls_server_config: {cert_file: server.crt, key_file: server.key}\n").unwrap();
    let (port, web_config) = (free_port(), path.display().to_string());
    let _demo = demo(port, &web_config);
    wait_for("readiness", LONG, || healthcheck_with(port, &web_config, &["--ready"]).status.success().then_some(()));
    let address = format!("127.0.0.1:{port}");
    let unknowing = exporter().args(["healthcheck", "--web.listen-address", &address, "--ready"]).output().unwrap();
    assert_eq!(
        unknowing.status.code(),
        Some(0),
        "it detects TLS itself, as in a container that only knows the address"
    );
    let some_file = path.display().to_string();
    let plain = [&["--username", "alice", "--password-file"][..], &[&*some_file]].concat();
    let plain = exporter().args(["healthcheck", "--web.listen-address", &address]).args(plain).output().unwrap();
    assert_eq!(plain.status.code(), Some(3), "with a password it does not guess");

    let (port, web_config) = (free_port(), protected(folder.path()));
    assert_eq!(healthcheck(port, &web_config).status.code(), Some(3), "no server yet");
    let _demo = demo(port, &web_config);
    wait_for("the protected exporter", LONG, || {
        let found = healthcheck(port, &web_config);
        found.status.success().then(|| String::from_utf8(found.stdout).unwrap())
    });
}

#[test]
fn readiness_is_reported_to_an_authenticated_health_check() {
    let folder = tempfile::tempdir().unwrap();
    let (port, web_config) = (free_port(), protected(folder.path()));
    let _demo = demo(port, &web_config);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (password, certificate, key) = (file("password"), file("client.crt"), file("client.key"));
    std::fs::write(&password, "secret\n").unwrap();
    let user = ["--ready", "--username", "alice", "--password-file", &password];
    let both = [&user[..], &["--cert-file", &certificate, "--key-file", &key]].concat();
    wait_for("readiness", LONG, || healthcheck_with(port, &web_config, &both).status.success().then_some(()));

    let refused = |more: &[&str], code: i32, why: &str| {
        let (found, said) = outcome(healthcheck_with(port, &web_config, more));
        assert!(found == Some(code) && said.contains(why) && !said.contains("secret"), "{more:?}: {found:?} {said}");
    };
    refused(&["--ready"], 3, "asks for a certificate");
    refused(&both[5..], 0, "It is alive: it asks for a password");
    refused(&user, 3, "asks for a certificate");
    std::fs::write(&password, "guessed").unwrap();
    refused(&both, 3, "refuses user or password");
    refused(&["--username", "alice"], 2, "--password-file");
    refused(&["--cert-file", &certificate, "--key-file", &file("stranger.key")], 2, "stranger.key is not the key");

    // It keeps its settings, and an invalid file must not end it.
    std::fs::write(file("server.crt"), "").unwrap();
    refused(&[], 0, "It is alive: it asks for a certificate");
    refused(&both, 2, "server.crt is empty");
}
