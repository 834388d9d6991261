//! A node whose answers about masternodes have no end: what the exporter reads of them, and how much memory that takes.
//!
//! A process of its own makes the calls, so that no other test's memory is counted.

use std::fmt::Write;
use std::process::Command;
use std::time::Duration;

use domain::{Block, BlockHash, Hash, Height, UnixSeconds};
use masternode_exporter::meters::Meters;
use masternode_exporter::rpc::{Client, Credentials, RpcError, RpcSettings};
use masternode_exporter::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Says to the child which lie to use.
const LIE: &str = "MASTERNODE_EXPORTER_TEST_LIE";

/// What `docs/reliability.md` promises, in KiB.
const MOST_KIB: u64 = 192 * 1024;

/// Entries of a list without an end.
const ENTRIES: usize = 10_000_000;

/// What a node claims: its count, and a text in each of its entries.
fn lie(name: &str) -> (u32, String) {
    match name {
        "many" => (3_000, String::new()),
        "many-counted" => (u32::MAX, String::new()),
        _ => (u32::MAX, "x".repeat(250)),
    }
}

fn entry(number: usize, text: &str, out: &mut String) {
    let state = format!(
        r#"{{"PoSePenalty":0,"registeredHeight":1,"lastPaidHeight":0,"PoSeRevivedHeight":-1,"PoSeBanHeight":-1,"service":"{text}","ownerAddress":"{text}","votingAddress":"{text}","payoutAddress":"{text}"}}"#
    );
    write!(out, r#"{{"type":"Regular","proTxHash":"{number:064x}","state":{state}}}"#).unwrap();
}

/// Sends a list until the client has enough.
async fn send_list(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"result\":[").await?;
    for first in (0..ENTRIES).step_by(500) {
        let mut chunk = String::new();
        for number in first..first + 500 {
            chunk.push_str(if number == 0 { "" } else { "," });
            entry(number, text, &mut chunk);
        }
        stream.write_all(chunk.as_bytes()).await?;
    }
    stream.write_all(b"],\"error\":null}").await
}

/// Sends changes of a block until the client has enough.
async fn send_diff(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"result\":{\"baseHeight\":1,\"blockHeight\":2,\"addedMNs\":[],\"removedMNs\":[],\"updatedMNs\":[{}")
        .await?;
    let id = if text.is_empty() { String::new() } else { "0".repeat(64) };
    let chunk = format!(",{{\"{id}\":{{}}}}").repeat(10_000);
    for _ in 0..ENTRIES / 10_000 {
        stream.write_all(chunk.as_bytes()).await?;
    }
    stream.write_all(b"]},\"error\":null}").await
}

async fn node(name: &str) -> String {
    let (count, text) = lie(name);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            // A client that has enough closes the connection.
            let _ = if request.contains("\"count\"") {
                let body = json!({"result": {"total": count, "enabled": count}, "error": Value::Null}).to_string();
                stream.write_all(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}").as_bytes()).await
            } else if request.contains("listdiff") {
                send_diff(&mut stream, &text).await
            } else {
                send_list(&mut stream, &text).await
            };
        }
    });
    url
}

async fn calls(name: &str) -> Vec<RpcError> {
    let settings = RpcSettings {
        url: node(name).await,
        credentials: Credentials::Password { user: "a".into(), password: Secret::new("b") },
        timeout: Duration::from_secs(60),
        ..RpcSettings::default()
    };
    let client = Client::new(settings, Meters::new(&prometheus::Registry::new()).rpc("net", "node")).unwrap();
    let block = |height| Block { height: Height(height), hash: BlockHash(Hash([1; 32])), time: UnixSeconds(1) };
    let mut errors = Vec::new();
    for _ in 0..2 {
        let expected = client.masternode_count().await.unwrap().total as usize;
        errors.push(client.registered(Height(1), expected).await.map(drop).unwrap_err());
        errors.push(client.list_diff(&block(1), &block(2)).await.map(drop).unwrap_err());
    }
    errors
}

#[test]
fn a_list_without_an_end_takes_no_more_memory_than_is_promised() {
    for name in ["many", "many-counted", "long"] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "lying_node::what_a_process_of_its_own_takes", "--nocapture"]).env(LIE, name);
        let output = child.output().unwrap();
        let output_text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && output_text.contains("1 passed"),
            "{name}: {output_text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        println!("{name}: {}", output_text.lines().find(|line| line.contains("KiB")).unwrap_or_default());
    }
}

/// The child's part of the test above; without a lie there is nothing to do.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the parent says through the environment which lie to use")]
async fn what_a_process_of_its_own_takes() {
    let Ok(name) = std::env::var(LIE) else { return };
    let errors = calls(&name).await;
    println!("{}", errors[0]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("most memory {peak} KiB");
    assert!(peak < MOST_KIB, "{peak} KiB, {}", errors[0]);
}
