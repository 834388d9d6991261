//! A relay in front of a simulated node that reports v24 like a release of Dash Core: an old one, one with `softforks`,
//! or one with `getdeploymentinfo` only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use simulator::{Network, RunningServer, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How a node reports its forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A release before v24: not at all.
    Old,
    /// In `softforks` of `getblockchaininfo`; the method for it is unknown.
    Softforks,
    /// By `getdeploymentinfo` only.
    Deployments,
    /// Absent from `getblockchaininfo`, and `getdeploymentinfo` is not allowed.
    Forbidden,
}

/// The current state of a node.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) form: Form,
    pub(crate) version: u32,
    pub(crate) down: bool,
    /// Percentage of calls that it refuses, and its answer to them.
    pub(crate) refused: u64,
    pub(crate) refusal: &'static str,
    /// The node prints `ehf` and `ehf_height`.
    pub(crate) says_signal: bool,
    /// Further deployments that it reports.
    pub(crate) others: Vec<&'static str>,
    /// Version of coinbases.
    pub(crate) coinbase: u16,
    /// A special transaction of this type in each block.
    pub(crate) special: Option<u8>,
    /// The time that it says of each block.
    pub(crate) time: Option<u64>,
    /// Blocks that it adds to each height of its chain; it does not know the heights below.
    pub(crate) ahead: u32,
}

impl Node {
    pub(crate) fn old() -> Node {
        let others = Vec::new();
        Node {
            form: Form::Old,
            version: 230_102,
            down: false,
            refused: 0,
            refusal: REFUSED,
            says_signal: true,
            others,
            coinbase: 3,
            special: None,
            time: None,
            ahead: 0,
        }
    }

    pub(crate) fn new(form: Form) -> Node {
        Node { form, version: 240_003, ..Node::old() }
    }
}

/// Blocks of a window, the block of the signal, and the first block of each state.
pub(crate) const WINDOW: u32 = 24;
pub(crate) const SIGNAL: u32 = 545;
pub(crate) const STARTED: u32 = 552;
pub(crate) const LOCKED_IN: u32 = 576;
pub(crate) const ACTIVE: u32 = 600;

/// The answer of a node whose work queue is full.
pub(crate) const REFUSED: &str =
    "HTTP/1.1 503 x\r\nConnection: close\r\nContent-Length: 25\r\n\r\nWork queue depth exceeded";

/// The answer to a batch, as of software that forwards single calls only.
const FORBIDDEN: &str = "HTTP/1.1 403 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// See the module.
pub(crate) struct Relay {
    pub(crate) network: Network,
    pub(crate) node: Arc<Mutex<Node>>,
    pub(crate) url: String,
    calls: Arc<Mutex<BTreeMap<String, u32>>>,
    _server: RunningServer,
}

impl Relay {
    pub(crate) async fn start(network: Network, node: Node) -> Relay {
        let server = Server::bind(network.clone(), "127.0.0.1:0").await.unwrap().spawn();
        let behind = server.handle().address();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (node, calls) = (Arc::new(Mutex::new(node)), Arc::<Mutex<BTreeMap<String, u32>>>::default());
        let (shared, counted, chain) = (node.clone(), calls.clone(), network.clone());
        let mut random = 7_u64;
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let Some(request) = read(&mut client).await else { continue };
                let body: Value = serde_json::from_slice(&request.1).unwrap();
                let Some(method) = body["method"].as_str().map(str::to_string) else {
                    // A batch.
                    let _ = client.write_all(FORBIDDEN.as_bytes()).await;
                    continue;
                };
                *counted.lock().unwrap().entry(method.clone()).or_default() += 1;
                let node = shared.lock().unwrap().clone();
                if node.down {
                    continue;
                }
                // The same calls in each run: the upper bits of a linear congruential generator.
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (random >> 33) % 100 < node.refused {
                    let _ = client.write_all(node.refusal.as_bytes()).await;
                    continue;
                }
                let mut upstream = TcpStream::connect(behind).await.unwrap();
                let sent = if node.ahead > 0 { lowered(body, node.ahead) } else { request.1 };
                let length = format!("\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", sent.len());
                let lines = request.0.trim_end().split("\r\n");
                let head: Vec<&str> =
                    lines.filter(|line| !line.to_lowercase().starts_with("content-length:")).collect();
                upstream.write_all((head.join("\r\n") + &length).as_bytes()).await.unwrap();
                upstream.write_all(&sent).await.unwrap();
                let mut answer = Vec::new();
                upstream.read_to_end(&mut answer).await.unwrap();
                let answer = rewritten(&method, &node, &chain, answer);
                // A client that disconnects is not an error.
                let _ = client.write_all(&answer).await;
            }
        });
        Relay { network, node, url, calls, _server: server }
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Node)) {
        change(&mut self.node.lock().unwrap());
    }

    /// How often a method was called since the last query.
    pub(crate) fn calls(&self, method: &str) -> u32 {
        self.calls.lock().unwrap().remove(method).unwrap_or(0)
    }
}

/// A request's head and body.
async fn read(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = client.read(&mut piece).await.ok().filter(|length| *length > 0)?;
        read.extend_from_slice(&piece[..length]);
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(read[..end + 4].to_vec()).unwrap();
        let length =
            head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())?;
        let body: &[u8] = &read[end + 4..];
        if body.len() >= length {
            return Some((head, body.to_vec()));
        }
    }
}

/// A request with the true heights of the chain.
fn lowered(mut body: Value, ahead: u32) -> Vec<u8> {
    for parameter in body["params"].as_array_mut().into_iter().flatten() {
        if let Some(height) = parameter.as_u64().filter(|height| *height > 1) {
            *parameter = json!(height.checked_sub(ahead.into()).unwrap_or(99_999_999));
        }
    }
    body.to_string().into_bytes()
}

fn rewritten(method: &str, node: &Node, network: &Network, answer: Vec<u8>) -> Vec<u8> {
    let (tip, _) = network.tip();
    let whole = |status: &str, body: String| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
    };
    if method == "getdeploymentinfo" {
        return match node.form {
            Form::Forbidden => whole("403 Forbidden", String::new()),
            Form::Deployments => {
                let result = json!({ "hash": network.tip().1, "height": tip, "deployments": forks(node, tip, true) });
                whole("200 OK", json!({ "result": result, "error": null, "id": "x" }).to_string())
            }
            Form::Old | Form::Softforks => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                whole("404 Not Found", json!({ "result": null, "error": error, "id": "x" }).to_string())
            }
        };
    }
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    let Ok(mut body) = serde_json::from_slice::<Value>(&answer[end..]) else { return answer };
    for name in ["height", "blocks", "headers"] {
        let height = body["result"].get_mut(name).filter(|_| matches!(method, "getblockheader" | "getblockchaininfo"));
        if let Some(height) = height {
            *height = json!(height.as_u64().unwrap() + u64::from(node.ahead));
        }
    }
    match method {
        "getnetworkinfo" => body["result"]["version"] = json!(node.version),
        "getblockheader" | "getblockchaininfo" if node.time.is_some() => {
            let result = body["result"].as_object_mut().unwrap();
            for name in ["time", "mediantime"] {
                result.insert(name.into(), json!(node.time));
            }
        }
        "getblockchaininfo" => match node.form {
            Form::Old => {}
            Form::Softforks => {
                let ours = body["result"]["softforks"].as_object_mut().unwrap();
                ours.extend(forks(node, tip, false).as_object().unwrap().clone());
            }
            Form::Deployments | Form::Forbidden => drop(body["result"].as_object_mut().unwrap().remove("softforks")),
        },
        "getspecialtxes" => {
            let Some(transactions) = body["result"].as_array_mut() else { return answer };
            for transaction in transactions.iter_mut().filter(|transaction| transaction["type"] == 5) {
                transaction["cbTx"] = json!({ "version": node.coinbase });
            }
            transactions.extend(node.special.map(
                |kind| json!({ "type": kind, "qcTx": {}, "mnhfTx": { "version": 1, "signal": { "versionBit": 12 } } }),
            ));
        }
        "getblockheader" if node.ahead > 0 => {}
        _ => return answer,
    }
    whole("200 OK", body.to_string())
}

/// A node's report of its forks at the given tip.
fn forks(node: &Node, tip: u32, with_next: bool) -> Value {
    let next = tip + 1;
    let buried = json!({ "type": "buried", "active": true, "height": 1 });
    let (status, since) = match next {
        _ if next >= ACTIVE => ("active", ACTIVE),
        _ if next >= LOCKED_IN => ("locked_in", LOCKED_IN),
        _ if next >= STARTED => ("started", STARTED),
        _ => ("defined", 0),
    };
    let mut bip9 = json!({ "start_time": 0, "timeout": u64::MAX >> 1, "status": status, "since": since });
    if with_next {
        // Of the tip itself, which is not the state of the next block.
        bip9["status"] = json!(if next == since { "earlier" } else { status });
        bip9["status_next"] = json!(status);
    }
    if node.says_signal {
        bip9["ehf"] = json!(true);
        if tip >= SIGNAL {
            bip9["ehf_height"] = json!(SIGNAL);
        }
    }
    let elapsed = next % WINDOW;
    match status {
        "started" => {
            bip9["bit"] = json!(12);
            bip9["statistics"] =
                json!({ "period": WINDOW, "elapsed": elapsed, "count": elapsed, "threshold": 19, "possible": true });
        }
        "locked_in" => {
            bip9["activation_height"] = json!(ACTIVE);
            bip9["statistics"] = json!({ "period": WINDOW, "elapsed": elapsed, "count": elapsed });
        }
        _ => {}
    }
    let mut forks = json!({ "v19": buried, "v20": buried, "mn_rr": buried });
    forks["v24"] = json!({ "type": "bip9", "active": status == "active", "bip9": bip9 });
    for name in &node.others {
        forks[*name] = json!({ "type": "bip9", "active": false, "bip9": { "status": "defined" } });
    }
    forks
}
