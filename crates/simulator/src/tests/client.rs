//! A plain HTTP client over a socket, which shows the received bytes.

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::ServerHandle;

/// The received response.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// The body ended as its header announced.
    pub(super) complete: bool,
}

impl Response {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("answers are UTF-8")
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends a request unchanged.
pub(super) async fn send(server: &ServerHandle, request: &str) -> Response {
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("the request is taken");
    let mut bytes = Vec::new();
    // A torn answer may end in a reset: the data before it counts.
    let _ = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let status = head[9..12].parse().expect("a status is a number");
    let raw = bytes[end + 4..].to_vec();
    let mut response = Response { status, head, body: Vec::new(), complete: false };
    if response.header("transfer-encoding") == Some("chunked") {
        (response.body, response.complete) = unchunk(&raw);
    } else {
        let length: usize = response.header("content-length").expect("a length").parse().expect("a number");
        response.complete = raw.len() == length;
        response.body = raw;
    }
    response
}

/// A POST with credentials and a body.
pub(super) async fn post(server: &ServerHandle, credentials: &str, body: &str) -> Response {
    let basic = base64::engine::general_purpose::STANDARD.encode(credentials);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: node\r\nConnection: close\r\nAuthorization: Basic {basic}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send(server, &request).await
}

/// A call with the default credentials.
pub(super) async fn call(server: &ServerHandle, method: &str, params: Value) -> Response {
    let body = json!({ "method": method, "params": params, "id": "x" }).to_string();
    post(server, "user:password", &body).await
}

/// The result of a call that must succeed.
pub(super) async fn result(server: &ServerHandle, method: &str, params: Value) -> Value {
    let mut answer = call(server, method, params.clone()).await.json();
    assert_eq!(answer["error"], Value::Null, "{method} {params}");
    answer["result"].take()
}

/// The code of a call that must fail.
pub(super) async fn error_code(server: &ServerHandle, method: &str, params: Value) -> i64 {
    let answer = call(server, method, params.clone()).await.json();
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method} {params} should fail: {answer}"))
}

fn unchunk(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = raw.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let line = std::str::from_utf8(&raw[..end]).expect("a chunk size is text");
        let Ok(size) = usize::from_str_radix(line, 16) else { return (body, false) };
        raw = &raw[end + 2..];
        if size == 0 {
            return (body, true);
        }
        let taken = size.min(raw.len());
        body.extend_from_slice(&raw[..taken]);
        let Some(rest) = raw.get(size + 2..) else { return (body, false) };
        raw = rest;
    }
}
