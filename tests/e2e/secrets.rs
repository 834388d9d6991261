//! Secrets of the process: searched for in all its output and answers, at the most verbose level.
//!
//! Never here: refused secrets; the tests of `config` cover those.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use crate::process::{Running, exporter, free_port, get, wait_for};

const LONG: Duration = Duration::from_secs(60);

/// Part of every secret of the test.
const SECRET: &str = "hunter2";

/// Every kind of secret, each in its file.
const CONFIGURATION: &str = r#"
networks: [{name: dash-demo, poll_interval: 100ms, sources: [{name: away, url: "http://ADDRESS", username: rpc, password_file: FOLDER/password}]}]
alerting:
  longest_hold: 0s
  alertmanagers: [{name: manager, url: "http://ADDRESS", token_file: FOLDER/token}]
  webhooks:
    - {name: own, url_file: FOLDER/url, token_file: FOLDER/token}
    - {name: team, kind: slack, url_file: FOLDER/url}
    - {name: pager, kind: pagerduty, url: "http://ADDRESS/v2", token_file: FOLDER/token}
    - {name: phone, kind: telegram, url: "http://ADDRESS", token_file: FOLDER/token, chat_id: "1"}
  heartbeat: {url_file: FOLDER/url, interval: 1s}
"#;

/// Answers everything with bytes that are not HTTP, so that clients log an error.
fn babbler() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // The client may have disconnected.
            let _ = stream.write_all(b"hello\r\n\r\n");
        }
    });
    address
}

#[test]
fn no_log_and_no_page_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (port, address) = (free_port(), babbler().to_string());
    std::fs::write(place("password"), format!("rpc-{SECRET}\n")).unwrap();
    std::fs::write(place("token"), format!("token-{SECRET}\n")).unwrap();
    std::fs::write(place("url"), format!("http://{address}/{SECRET}?key={SECRET}\n")).unwrap();
    let text = CONFIGURATION.replace("ADDRESS", &address).replace("FOLDER", &folder.path().display().to_string());
    std::fs::write(place("exporter.yml"), text).unwrap();

    let log = File::create(place("log")).unwrap();
    let mut command = exporter();
    command.arg("--config.file").arg(place("exporter.yml"));
    command.args(["--log.level", "trace", "--web.listen-address", &format!("127.0.0.1:{port}")]);
    let mut exporter = Running::start_logging(&mut command, Stdio::from(log));
    let failed = |receiver: &str| {
        let page = get(port, "/metrics")?;
        let start = "masternode_exporter_notifications_total{";
        let mut lines = page.lines().filter(|line| line.starts_with(start) && line.contains("outcome=\"failed\""));
        lines.find(|line| line.contains(&format!("receiver=\"{receiver}\"")) && !line.ends_with(" 0")).map(drop)
    };
    for receiver in ["manager", "own", "team", "pager", "phone"] {
        wait_for(receiver, LONG, || failed(receiver));
    }
    for path in ["/", "/metrics", "/api/v1/status", "/api/v1/masternodes", "/api/v1/events"] {
        let page = get(port, path).unwrap_or_default();
        assert!(!page.contains(SECRET), "{path}: {page}");
    }
    exporter.hang_up();
    wait_for("the heartbeat's complaint", LONG, || {
        std::fs::read_to_string(place("log")).unwrap().contains("heartbeat").then_some(())
    });
    assert!(exporter.terminate().success());
    let log = std::fs::read_to_string(place("log")).unwrap();
    for receiver in ["manager", "own", "team", "pager", "phone"] {
        assert!(log.contains(receiver), "{receiver} is complained of, without its secret: {log}");
    }
    let shown: Vec<&str> = log.lines().filter(|line| line.contains(SECRET)).collect();
    assert!(shown.is_empty(), "{shown:#?}");
}
