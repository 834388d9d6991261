//! A headless Chromium that acts as a reader of a page, through chromedriver: the WebDriver protocol is JSON over HTTP,
//! and the tests need seven commands.
//!
//! Never here: the expected content of a page.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Running, free_port, wait_for};

/// The path at which scripts/test installs it.
const AXE: &str = "target/axe/node_modules/axe-core/axe.min.js";

/// Folder for screenshots.
const PICTURES: &str = "target/pictures";

/// Maximum duration of a command: a page with its checks on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keys as WebDriver writes them.
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const ENTER: &str = "\u{e007}";

/// One window. The browser ends with it.
pub(crate) struct Browser {
    port: u16,
    session: String,
    _driver: Running,
    _profile: TempDir,
}

impl Browser {
    /// Starts with an empty profile, in a wide window.
    pub(crate) fn start() -> Browser {
        let (port, profile) = (free_port(), tempfile::tempdir().unwrap());
        let mut command = Command::new("chromedriver");
        let driver = Running::start(command.arg(format!("--port={port}")).env("HOME", profile.path()));
        wait_for("chromedriver", Duration::from_secs(30), || TcpStream::connect(("127.0.0.1", port)).ok().map(drop));
        let directory = format!("--user-data-dir={}", profile.path().join("profile").display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--window-size=1180,1120",
            &directory,
        ];
        let options = json!({ "binary": "/usr/bin/chromium", "args": arguments });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let answer = send(port, "POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        let session = answer["sessionId"].as_str().unwrap().to_string();
        Browser { port, session, _driver: driver, _profile: profile }
    }

    fn ask(&self, command: &str, body: &Value) -> Value {
        send(self.port, "POST", &format!("/session/{}/{command}", self.session), body)
    }

    /// Opens an address and waits until the page is loaded.
    pub(crate) fn open(&self, url: &str) {
        self.ask("url", &json!({ "url": url }));
    }

    /// The result of a script, run as the body of a function.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same as text.
    pub(crate) fn text(&self, script: &str) -> String {
        let answer = self.run(script);
        answer.as_str().unwrap_or_else(|| panic!("{script} says {answer}")).to_string()
    }

    /// The same as a list of texts.
    pub(crate) fn texts(&self, script: &str) -> Vec<String> {
        let answer = self.run(script);
        let items = answer.as_array().unwrap_or_else(|| panic!("{script} says {answer}"));
        items.iter().map(|item| item.as_str().unwrap().to_string()).collect()
    }

    /// Presses keys one after the other.
    pub(crate) fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })])
            .collect();
        self.ask("actions", &json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] }));
    }

    /// Width and height of the window as the page sees it, and the preferred colour scheme.
    pub(crate) fn look(&self, width: u32, height: u32, dark: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.protocol("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.protocol("Emulation.setEmulatedMedia", &media);
    }

    fn protocol(&self, command: &str, parameters: &Value) {
        self.ask("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    /// New messages of the console.
    pub(crate) fn console(&self) -> Vec<String> {
        let log = self.ask("se/log", &json!({ "type": "browser" }));
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The violations found by axe-core, rule by rule.
    pub(crate) fn violations(&self) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE);
        let axe = std::fs::read_to_string(&path);
        let axe = axe.unwrap_or_else(|error| panic!("{AXE} is installed by scripts/test: {error}"));
        self.texts(&format!(
            "{axe}; return axe.run(document).then(found => found.violations.map(wrong => wrong.id + ': ' + \
             wrong.nodes.map(node => node.html + ' ' + node.failureSummary).join(' ')))"
        ))
    }

    /// Stores a screenshot of the window.
    pub(crate) fn picture(&self, name: &str) {
        let answer = send(self.port, "GET", &format!("/session/{}/screenshot", self.session), &Value::Null);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(PICTURES);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), BASE64_STANDARD.decode(answer.as_str().unwrap()).unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium too, which outlives a chromedriver that is killed.
        let path = format!("/session/{}", self.session);
        let ended = std::panic::catch_unwind(|| send(self.port, "DELETE", &path, &Value::Null));
        if ended.is_err() {
            eprintln!("the browser may still run");
        }
    }
}

/// The value of the answer to a command.
fn send(port: u16, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let (head, body) = receive(stream);
    let mut value: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {head} {body}"));
    let short: String = body.chars().take(2000).collect();
    assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {short}");
    value["value"].take()
}

/// Head and body of an answer. The connection stays open.
fn receive(stream: TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}
