//! A whole exporter in this process, by a configuration file in a folder, with a simulated network behind one node.
//!
//! Never here: the expected content of answers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use masternode_exporter::app::{App, Environment};
use masternode_exporter::config::{self, ConfigSources};
use simulator::{Network, Options, RunningServer, Server};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::support::harness::present;

/// Longest wait for something that comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Running {
    pub(crate) folder: TempDir,
    pub(crate) network: Network,
    pub(crate) url: String,
    node: RunningServer,
    process: Option<(oneshot::Sender<()>, mpsc::Sender<()>, JoinHandle<()>)>,
}

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

impl Running {
    /// A network behind a node, and an empty folder; the exporter does not run yet.
    pub(crate) async fn idle() -> Running {
        let network = Network::new(Options { clock: present(), ..Options::default() }).unwrap();
        let node = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rpc-password"), "password").unwrap();
        Running { folder, network, url: String::new(), node, process: None }
    }

    /// The address of the node.
    pub(crate) fn node_url(&self) -> String {
        self.node.handle().url()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as editors do: completely, under another name, which is then replaced.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let draft = path.with_extension("draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, path).unwrap();
    }

    /// Writes the configuration: the network, and further lines.
    pub(crate) fn configure(&self, more: &str) {
        let url = self.node.handle().url();
        self.write(
            "exporter.yml",
            &format!(
                "networks: [{{name: dash-test, poll_interval: 200ms, sources: [{{name: node, url: \"{url}\", username: user, \
                 password_file: rpc-password}}]}}]\n{more}"
            ),
        );
    }

    pub(crate) fn sources(&self) -> ConfigSources {
        ConfigSources { file: Some(self.path("exporter.yml")), ..ConfigSources::default() }
    }

    /// Starts the exporter, and waits for its first list.
    pub(crate) async fn start(&mut self) {
        let sources = self.sources();
        let loaded = config::load(&sources).unwrap();
        let app = App::start(&loaded.config, Environment::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let (hangup, hangups) = mpsc::channel(1);
        let config = loaded.config;
        let task = tokio::spawn(async move {
            let load = || config::load(&sources).map_err(|errors| errors.to_string());
            app.serve(vec![listener], &config, load, hangups, async { drop(stopped.await) }).await;
        });
        self.process = Some((stop, hangup, task));
        self.until("a list", || self.ask("GET", "/-/ready", Some("root"), ""), |(status, _)| *status == 200).await;
    }

    /// Ends the exporter.
    pub(crate) async fn stop(&mut self) {
        let (stop, _, task) = self.process.take().unwrap();
        drop(stop);
        task.await.unwrap();
    }

    /// Reloads the configuration.
    pub(crate) async fn reload(&self) {
        self.process.as_ref().unwrap().1.send(()).await.unwrap();
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, None, "").await
    }

    pub(crate) async fn ask(&self, method: &str, target: &str, user: Option<&str>, body: &str) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request =
            reqwest::Client::new().request(method, format!("{}{target}", self.url)).body(body.to_string());
        if let Some(user) = user {
            let token = BASE64_STANDARD.encode(format!("{user}:password"));
            request = request.header("authorization", format!("Basic {token}"));
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The first answer that is as wanted.
    pub(crate) async fn until<F: Future<Output = Answer>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
        wanted: impl Fn(&Answer) -> bool,
    ) -> String {
        let started = Instant::now();
        loop {
            let answer = ask().await;
            if wanted(&answer) {
                return answer.1;
            }
            assert!(started.elapsed() < PATIENCE, "{what}: {answer:?}");
            tokio::task::yield_now().await;
        }
    }

    /// The first page of metrics that has this line.
    pub(crate) async fn until_line(&self, line: &str) -> String {
        self.until(line, || self.get("/metrics"), |(_, page)| page.lines().any(|other| other == line)).await
    }
}

/// A folder of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
