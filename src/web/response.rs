//! Responses, and the body of a request.
//!
//! Never here: which response a request gets (`route`).

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use exporter_toolkit::Denial;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
    REFRESH, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use tokio::sync::OwnedSemaphorePermit;

use crate::metrics::{self, Body};
use crate::web::api::Reply;
use crate::web::body::Payload;
use crate::web::pages::Page;

/// Reads the body, so that the connection is ready for another request.
pub(super) async fn drain(mut body: Incoming, limit: usize) -> Result<Vec<u8>, Response<Payload>> {
    let mut read = Vec::new();
    // A declared length that is too large is rejected before the body is sent.
    let mut fits = body.size_hint().lower() <= limit as u64;
    while fits && let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(text(StatusCode::BAD_REQUEST, "The request body is incomplete.")) };
        let data = frame.data_ref().map_or(&[][..], |data| data);
        fits = data.len() <= limit - read.len();
        if fits {
            read.extend_from_slice(data);
        }
    }
    if fits {
        return Ok(read);
    }
    let mut refused =
        text(StatusCode::PAYLOAD_TOO_LARGE, &format!("The request body exceeds the limit of {limit} bytes."));
    refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Err(refused)
}

/// The same on every route, so that the response does not reveal which routes exist.
pub(super) fn denied(denial: Denial) -> Response<Payload> {
    match denial {
        Denial::RateLimited => text(StatusCode::TOO_MANY_REQUESTS, "Too many requests. Try again later."),
        Denial::TooManyChecks => {
            let reason = "Too many pending password checks. Try again later.";
            let mut response = text(StatusCode::TOO_MANY_REQUESTS, reason);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Denial::Unauthenticated => {
            let mut response = text(StatusCode::UNAUTHORIZED, "Authentication required: user name and password.");
            let challenge = HeaderValue::from_static("Basic realm=\"masternode-exporter\", charset=\"UTF-8\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            response
        }
    }
}

/// A page of metrics.
pub(super) fn exposition(reply: metrics::Page, permit: Option<OwnedSemaphorePermit>) -> Response<Payload> {
    let mut response = Response::new(Payload::new(reply.body).occupying(permit));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if reply.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// An answer of the API.
pub(super) fn send(reply: Reply) -> Response<Payload> {
    let mut response = Response::new(Payload::new(Body::Whole(vec![reply.body])));
    *response.status_mut() = reply.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(reply.cache_control));
    response
}

/// A page for a browser.
pub(super) fn html(page: Page, policy: HeaderValue) -> Response<Payload> {
    let mut response = Response::new(Payload::new(Body::Whole(vec![page.html.into()])));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(seconds) = page.refresh {
        headers.insert(REFRESH, HeaderValue::from(seconds));
    }
    response
}

/// A sentence.
pub(super) fn text(status: StatusCode, sentence: &str) -> Response<Payload> {
    let mut response = Response::new(Payload::new(Body::Whole(vec![format!("{sentence}\n").into()])));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Runs a handler; a panic becomes an error.
pub(super) async fn caught<T>(handler: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut handler = pin!(handler);
    // After a panic, only state behind locks and atomics is used.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
