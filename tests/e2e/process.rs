//! Processes of the tests, and requests to them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that is stopped when the test ends in any way.
pub(crate) struct Running(Child);

impl Running {
    /// Starts it; its output is shown only if the test fails.
    pub(crate) fn start(command: &mut Command) -> Running {
        Running::start_logging(command, Stdio::null())
    }

    /// Starts it with a log to the given place.
    pub(crate) fn start_logging(command: &mut Command, log: Stdio) -> Running {
        let child = command.stdout(Stdio::null()).stderr(log).spawn();
        Running(child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// Stops it like a service manager does, and waits for its end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        self.0.wait().unwrap()
    }

    /// Makes it reload its configuration.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The binary named by the variable EXPORTER, else that of this build, with an empty environment, so that no configuration of the
/// machine affects it.
pub(crate) fn exporter() -> Command {
    let built = || env!("CARGO_BIN_EXE_masternode-exporter").into();
    let mut command = Command::new(std::env::var_os("EXPORTER").unwrap_or_else(built));
    command.env_clear().env("HOME", "/nonexistent");
    command
}

/// A Prometheus that scrapes an exporter and evaluates rules every second, with additions to its configuration.
pub(crate) fn start_prometheus(folder: &Path, exporter: u16, port: u16, more: &str) -> Running {
    start_scraping(folder, exporter, port, "1s", more)
}

/// The same with another interval of scrapes, which is also their timeout.
pub(crate) fn start_scraping(folder: &Path, exporter: u16, port: u16, scrape: &str, more: &str) -> Running {
    let file = folder.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: {scrape}, evaluation_interval: 1s}}\n{more}\n\
         scrape_configs:\n- job_name: masternode\n  static_configs:\n  - targets: ['127.0.0.1:{exporter}']\n"
    );
    std::fs::write(&file, text).unwrap();
    let running = Running::start(Command::new("prometheus").args([
        format!("--config.file={}", file.display()),
        format!("--storage.tsdb.path={}", folder.join("data").display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ]));
    wait_for("Prometheus", Duration::from_secs(30), || get(port, "/-/ready"));
    running
}

/// The rules of the release, as an entry of the configuration of Prometheus.
pub(crate) const RULES: &str = concat!("rule_files: ['", env!("CARGO_MANIFEST_DIR"), "/alerts/masternode.rules.yml']");

/// An unused port on loopback.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Body of a successful answer to a GET; `None` for anything else.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).filter(|status| *status == "200")?;
    Some(body.to_string())
}

/// Requests until there is an answer, because another process cannot signal that it is ready.
pub(crate) fn wait_for<T>(what: &str, longest: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < longest, "{what} did not come within {longest:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
