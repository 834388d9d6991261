//! Answers one HTTP request like a node of the Bitcoin family (`src/httprpc.cpp`, `src/httpserver.cpp`,
//! `src/rpc/server.cpp`).
//!
//! Never here: accepting connections; `server` does that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Body;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::body::AnswerBody;
use super::faults::{ActiveFault, Fault, Faults, lies};
use super::network_kind::{AnyNetwork, View};
use super::rpc::{Params, Reply, RpcError, full_name};
use super::software::Software;

/// Largest request that a node reads (`src/httpserver.cpp MAX_SIZE`).
const REQUEST_BYTES: usize = 32 * 1024 * 1024;
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=ISO-8859-1";

/// Shared state of all connections of a server.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) network: AnyNetwork,
    pub(super) faults: Faults,
    /// Accepted `user:password` pairs.
    pub(super) credentials: Vec<String>,
    /// The masternode that the answering node runs.
    pub(super) masternode: Option<String>,
    /// The node's software, if it differs from that of its network.
    pub(super) software: Mutex<Option<Software>>,
    /// Blocks that this server is behind the network.
    pub(super) lag: AtomicU32,
    pub(super) calls: Mutex<BTreeMap<String, u64>>,
    pub(super) requests: AtomicU32,
}

/// One call of a request.
struct Call {
    name: String,
    method: String,
    params: Params,
    id: Value,
}

type Answer = Response<AnswerBody>;

/// Answers a request.
pub(super) async fn respond<B>(shared: Arc<Shared>, request: Request<B>) -> Answer
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let path = request.uri().path();
    if path != "/" && !path.starts_with("/wallet/") {
        return plain(StatusCode::NOT_FOUND, "");
    }
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "JSONRPC server handles only POST requests");
    }
    if !authorized(&shared, request.headers()) {
        return unauthorized();
    }
    let Ok(body) = Limited::new(request.into_body(), REQUEST_BYTES).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "");
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
        return failure(&RpcError::new(-32700, "Parse error"), &Value::Null);
    };
    let calls: Vec<Result<Call, (RpcError, Value)>> = match &body {
        Value::Array(parts) => parts.iter().map(parse).collect(),
        single => vec![parse(single)],
    };
    let names: Vec<String> = calls.iter().flatten().map(|call| call.name.clone()).collect();
    count(&shared, &names);
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let faults = shared.faults.of(&names);
    if let Some(answer) = hindrance(&faults, &calls).await {
        return answer;
    }
    if body.is_array() && faults.iter().any(|active| active.fault == Fault::NoBatches) {
        return plain(StatusCode::FORBIDDEN, "");
    }
    let answer = if body.is_array() { batch(&shared, &faults, calls) } else { single(&shared, &faults, calls) };
    match faults.iter().find_map(|active| if let Fault::Torn(bytes) = active.fault { Some(bytes) } else { None }) {
        Some(bytes) => answer.map(|body| body.torn(bytes)),
        None => answer,
    }
}

/// The answer for a fault that prevents the call.
async fn hindrance(faults: &[ActiveFault], calls: &[Result<Call, (RpcError, Value)>]) -> Option<Answer> {
    for active in faults {
        match &active.fault {
            Fault::Hang => std::future::pending().await,
            Fault::Slow(delay) => tokio::time::sleep(*delay).await,
            Fault::Unauthorized => return Some(unauthorized()),
            Fault::Forbidden => return Some(plain(StatusCode::FORBIDDEN, "")),
            Fault::Busy => return Some(plain(StatusCode::SERVICE_UNAVAILABLE, "Work queue depth exceeded")),
            Fault::BusyOld => return Some(plain(StatusCode::INTERNAL_SERVER_ERROR, "Work queue depth exceeded")),
            Fault::Garbage => {
                return Some(with_type(StatusCode::OK, JSON, AnswerBody::whole("<html>not a node</html>")));
            }
            Fault::Oversized(bytes) => return Some(with_type(StatusCode::OK, JSON, AnswerBody::filler(*bytes))),
            Fault::WarmUp(message) => {
                let id = calls.iter().flatten().next().map_or(Value::Null, |call| call.id.clone());
                return Some(failure(&RpcError::new(-28, message.as_str()), &id));
            }
            _ => {}
        }
    }
    None
}

fn single(shared: &Shared, faults: &[ActiveFault], calls: Vec<Result<Call, (RpcError, Value)>>) -> Answer {
    let call = match calls.into_iter().next().expect("a request that is no batch is one call") {
        Ok(call) => call,
        Err((error, id)) => return failure(&error, &id),
    };
    match perform(shared, faults, &call) {
        Ok(reply) => {
            let end = format!(",\"error\":null,\"id\":{}}}\n", call.id);
            let body = match reply {
                Reply::Json(value) => AnswerBody::whole(format!("{{\"result\":{value}{end}")),
                Reply::Written(text) => AnswerBody::whole(format!("{{\"result\":{text}{end}")),
                Reply::Stream(pieces) => AnswerBody::pieces(b"{\"result\":".to_vec(), pieces, end.into_bytes()),
            };
            with_type(StatusCode::OK, JSON, body)
        }
        Err(error) => failure(&error, &call.id),
    }
}

/// A batch gets status 200, whatever its parts return.
fn batch(shared: &Shared, faults: &[ActiveFault], calls: Vec<Result<Call, (RpcError, Value)>>) -> Answer {
    let mut parts = Vec::with_capacity(calls.len());
    for call in calls {
        parts.push(match call {
            Ok(call) => match perform(shared, faults, &call) {
                Ok(Reply::Json(value)) => envelope(&value.to_string(), &call.id),
                Ok(Reply::Written(text)) => envelope(&text, &call.id),
                Ok(Reply::Stream(pieces)) => {
                    let bytes: Vec<u8> = pieces.flatten().collect();
                    envelope(&String::from_utf8(bytes).expect("JSON is written as UTF-8"), &call.id)
                }
                Err(error) => error_text(&error, &call.id),
            },
            Err((error, id)) => error_text(&error, &id),
        });
    }
    with_type(StatusCode::OK, JSON, AnswerBody::whole(format!("[{}]\n", parts.join(","))))
}

fn perform(shared: &Shared, faults: &[ActiveFault], call: &Call) -> Result<Reply, RpcError> {
    let view = View {
        frozen: faults.iter().find_map(|active| active.frozen.as_ref()),
        lag: shared.lag.load(Ordering::Relaxed),
        lies: lies(faults),
        masternode: shared.masternode.as_deref(),
        software: shared.software.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
    };
    shared.network.answer(&view, &call.method, &call.params)
}

fn parse(value: &Value) -> Result<Call, (RpcError, Value)> {
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    let refuse = |error: RpcError| (error, id.clone());
    if !value.is_object() {
        return Err(refuse(RpcError::new(-32600, "Invalid Request object")));
    }
    let method = match value.get("method") {
        Some(Value::String(method)) => method.clone(),
        None | Some(Value::Null) => return Err(refuse(RpcError::new(-32600, "Missing method"))),
        Some(_) => return Err(refuse(RpcError::new(-32600, "Method must be a string"))),
    };
    let params = Params::of(&method, value.get("params")).map_err(refuse)?;
    Ok(Call { name: full_name(&method, &params), method, params, id })
}

fn count(shared: &Shared, names: &[String]) {
    let mut calls = shared.calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for name in names {
        *calls.entry(name.clone()).or_default() += 1;
    }
}

fn authorized(shared: &Shared, headers: &HeaderMap) -> bool {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    given.is_some_and(|given| shared.credentials.contains(&given))
}

fn unauthorized() -> Answer {
    let mut answer = plain(StatusCode::UNAUTHORIZED, "");
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"jsonrpc\""));
    answer
}

/// 404 for an unknown method, 400 for a malformed request, 500 for any other error (`src/httprpc.cpp JSONErrorReply`).
fn failure(error: &RpcError, id: &Value) -> Answer {
    let status = match error.code {
        -32601 => StatusCode::NOT_FOUND,
        -32600 => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    with_type(status, JSON, AnswerBody::whole(format!("{}\n", error_text(error, id))))
}

fn error_text(error: &RpcError, id: &Value) -> String {
    let error = json!({ "code": error.code, "message": error.message });
    format!("{{\"result\":null,\"error\":{error},\"id\":{id}}}")
}

fn envelope(result: &str, id: &Value) -> String {
    format!("{{\"result\":{result},\"error\":null,\"id\":{id}}}")
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    with_type(status, HTML, AnswerBody::whole(text))
}

fn with_type(status: StatusCode, content_type: &'static str, body: AnswerBody) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
