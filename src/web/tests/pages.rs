//! The status pages next to the API: refresh, Content-Security-Policy, panics, separate permits.
//!
//! Never here: content of the pages.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::routes::with_api;
use super::*;

#[tokio::test]
async fn pages_are_read_anew_unless_the_reader_does_not_want_it() {
    let server = Running::start(with_api(Vec::new), WebSettings::default()).await;
    for (target, status, refresh) in [
        ("/", 200, Some("30")),
        ("/?q=x&refresh=off", 200, None),
        ("/masternodes/x", 404, Some("30")),
        ("/masternodes/x?refresh=off", 404, None),
    ] {
        let reply = server.get(target).await;
        assert_eq!((reply.status, reply.header("refresh")), (status, refresh), "{target}");
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"), "{target}");
        assert!(reply.header("content-security-policy").unwrap().starts_with("default-src 'none'"), "{target}");
    }
    let absent = format!("/masternodes/{}", "0".repeat(64));
    assert_eq!(server.get(&absent).await.status, 503, "there is no list");
    assert_eq!(server.get("/masternodes/").await.status, 404);
    assert_eq!(server.ask("POST /masternodes/x HTTP/1.1").await.status, 405);
    let counted = "masternode_exporter_http_requests_total{code=\"404\",handler=\"masternode\"}";
    assert_eq!(server.meter(counted).as_deref(), Some("2"));
}

#[tokio::test]
async fn a_panic_behind_the_api_costs_one_answer() {
    let server = Running::start(with_api(|| panic!("on purpose")), WebSettings::default()).await;
    for _ in 0..5 {
        let reply = server.get("/api/v1/status").await;
        assert_eq!(reply.status, 500, "the fifth has a permit as the first had");
        assert!(reply.text().contains("error"));
        assert_eq!(server.get("/").await.status, 500);
    }
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn a_page_does_not_wait_for_questions_to_the_api() {
    let calls = Arc::new(AtomicUsize::new(0));
    let (gate, opened) = std::sync::mpsc::channel::<()>();
    let (count, opened) = (Arc::clone(&calls), Mutex::new(opened));
    let networks = move || {
        if count.fetch_add(1, Ordering::SeqCst) < 4 {
            // Ends with an error when the gate is dropped.
            let _ = opened.lock().unwrap().recv();
        }
        Vec::new()
    };
    let server = Running::start(with_api(networks), WebSettings { max_questions: 4, ..WebSettings::default() }).await;
    let mut questions = Vec::new();
    for _ in 0..8 {
        questions.push(server.send("GET /api/v1/status HTTP/1.1\r\nHost: t\r\n\r\n").await);
    }
    soon(async {
        while calls.load(Ordering::SeqCst) < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(server.get("/").await.status, 200);
    drop(gate);
}

#[tokio::test]
async fn a_runbook_is_a_page_under_the_policy_of_the_pages() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let policy = server.get("/").await.header("content-security-policy").map(str::to_string);
    assert!(policy.is_some());
    for (target, status) in
        [("/runbooks", 200), ("/runbooks/MasternodeX", 200), ("/runbooks/x", 404), ("/runbooksx", 404)]
    {
        let reply = server.get(target).await;
        assert_eq!(reply.status, status, "{target}");
        let is_page = target != "/runbooksx";
        assert_eq!(
            reply.header("content-security-policy").map(str::to_string),
            policy.clone().filter(|_| is_page),
            "{target}"
        );
    }
}
