//! Hostile and broken clients, and their cost.
//!
//! Never here: well-behaved requests (`routes`).

use tokio::sync::mpsc;

use super::*;

/// Sends a message when it is dropped.
struct DropNotice(mpsc::UnboundedSender<()>);

impl Drop for DropNotice {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut() {
    let server = Running::start(page(&[]), WebSettings { header_timeout: SHORT, ..WebSettings::default() }).await;
    for beginning in ["", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: t\r\n"] {
        let client = server.send(beginning).await;
        assert_eq!(everything(client).await, b"", "{beginning:?}");
    }
}

#[tokio::test]
async fn a_further_header_that_never_ends_is_cut() {
    let server = Running::start(page(&[]), WebSettings { header_timeout: SHORT, ..WebSettings::default() }).await;
    let mut client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon(client.read_u8()).await.unwrap());
    }
    soon(client.write_all(b"GET /metr")).await.unwrap();
    assert_eq!(everything(client).await, b"");
}

#[tokio::test]
async fn a_connection_that_rests_too_long_is_closed() {
    let server = Running::start(page(&[]), WebSettings { idle_timeout: SHORT, ..WebSettings::default() }).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    assert_eq!(Reply::parse(&everything(client).await).status, 200);
}

#[tokio::test]
async fn a_reader_that_stalls_is_cut_and_its_page_let_go() {
    let (notify, mut dropped) = mpsc::unbounded_channel();
    let site = site(move |_| {
        let dropped = DropNotice(notify.clone());
        let piece = Bytes::from(vec![b'x'; 256 * 1024]);
        now(Ok(stream(std::iter::repeat_with(move || {
            let _ = &dropped;
            piece.clone()
        }))))
    });
    let server = Running::start(site, WebSettings { write_stall_timeout: SHORT, ..WebSettings::default() }).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(dropped.recv()).await.unwrap();
    server.wait_for_meter("masternode_exporter_http_connections", "0").await;
    drop(client);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut() {
    let site = site(|_| Box::pin(std::future::pending()));
    let server = Running::start(site, WebSettings { request_timeout: SHORT, ..WebSettings::default() }).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    assert_eq!(everything(client).await, b"");
    let client = server.send("POST /-/reload HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(everything(client).await, b"", "a body that never ends");
}

#[tokio::test]
async fn nobody_works_for_a_client_that_left() {
    let (notify, mut dropped) = mpsc::unbounded_channel();
    let (enter, mut entered) = mpsc::unbounded_channel();
    let site = site(move |_| {
        let dropped = DropNotice(notify.clone());
        let _ = enter.send(());
        Box::pin(async move {
            let _dropped = dropped;
            std::future::pending().await
        })
    });
    let server = Running::start(site, WebSettings::default()).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(entered.recv()).await.unwrap();
    drop(client);
    soon(dropped.recv()).await.unwrap();
}

#[tokio::test]
async fn silent_connections_evict_each_other_and_keep_no_other_client_out() {
    let server = Running::start(page(&["a 1\n"]), WebSettings { max_connections: 8, ..WebSettings::default() }).await;
    let mut scraper = server.connect().await;
    scrape(&mut scraper).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        for _ in 0..10 {
            silent.push(server.connect().await);
        }
        assert_eq!(server.get("/metrics").await.status, 200, "a newcomer among them");
        scrape(&mut scraper).await;
    }
    assert_eq!(server.meter("masternode_exporter_http_connections_rejected_total").as_deref(), Some("0"));
    let displaced: usize =
        server.meter("masternode_exporter_http_connections_displaced_total").unwrap().parse().unwrap();
    assert!((390..=440).contains(&displaced), "{displaced} of 400 silent ones, and of those that were answered");
    let open = server.meter("masternode_exporter_http_connections").unwrap();
    assert!(open.parse::<usize>().unwrap() <= 8, "{open} are open");
    for old in silent.drain(..300) {
        assert_eq!(everything(old).await, b"", "the oldest are closed");
    }
}

/// A request on a persistent connection.
async fn scrape(connection: &mut TcpStream) {
    soon(connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n")).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"a 1\n") {
        answer.push(soon(connection.read_u8()).await.expect("the connection stays"));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn resting_connections_of_others_make_room_before_one_that_is_used() {
    let server = Running::start(page(&["a 1\n"]), WebSettings { max_connections: 4, ..WebSettings::default() }).await;
    let mut scraper = server.connect().await;
    for _ in 0..2 {
        scrape(&mut scraper).await;
    }
    let mut resting = Vec::new();
    for _ in 0..20 {
        let mut other = server.connect().await;
        scrape(&mut other).await;
        resting.push(other);
    }
    scrape(&mut scraper).await;
    assert_eq!(everything(resting.remove(0)).await, b"", "the oldest of those that were asked once is closed");
}

#[tokio::test]
async fn while_all_connections_wait_for_answers_a_further_one_is_closed_at_once() {
    let (enter, mut entered) = mpsc::unbounded_channel();
    let site = site(move |_| {
        let _ = enter.send(());
        Box::pin(std::future::pending())
    });
    let server = Running::start(site, WebSettings { max_connections: 2, ..WebSettings::default() }).await;
    let request = "GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n";
    let (first, second) = (server.send(request).await, server.send(request).await);
    for _ in 0..2 {
        soon(entered.recv()).await.unwrap();
    }
    let third = server.connect().await;
    assert_eq!(everything(third).await, b"");
    assert_eq!(server.meter("masternode_exporter_http_connections_rejected_total").as_deref(), Some("1"));
    assert_eq!(server.meter("masternode_exporter_http_connections_displaced_total").as_deref(), Some("0"));
    drop((first, second));
    server.wait_for_meter("masternode_exporter_http_connections", "0").await;
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn too_large_a_header_is_refused() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let large = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(15 * 1024));
    assert_eq!(server.ask(&large).await.status, 200, "15 KiB are allowed");
    let larger = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(17 * 1024));
    assert_eq!(server.ask(&larger).await.status, 431);
    let long = format!("GET /metrics?{} HTTP/1.1", "x".repeat(17 * 1024));
    assert_eq!(server.ask(&long).await.status, 431);
    // Each request has two more headers.
    let many = format!("GET /metrics HTTP/1.1{}", "\r\nX: x".repeat(62));
    assert_eq!(server.ask(&many).await.status, 200, "64 lines are allowed");
    let more = format!("GET /metrics HTTP/1.1{}", "\r\nX: x".repeat(63));
    assert_eq!(server.ask(&more).await.status, 431);
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    for garbage in ["GET /metrics HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", "GET\r\n\r\n"] {
        let client = server.send(garbage).await;
        assert_eq!(Reply::parse(&everything(client).await).status, 400, "{garbage:?}");
    }
    assert_eq!(server.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_small_body_is_thrown_away_and_the_connection_kept() {
    let server = Running::start(page(&["page"]), WebSettings::default()).await;
    let body = "x".repeat(64 * 1024);
    let client = server
        .send(&format!(
            "POST /metrics HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n{body}\
             GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
            body.len()
        ))
        .await;
    let text = String::from_utf8(everything(client).await).unwrap();
    assert!(text.starts_with("HTTP/1.1 405 ") && text.ends_with("\r\n\r\npage"), "{text}");
}

#[tokio::test]
async fn too_large_a_body_is_refused() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let announced = "POST /-/reload HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n";
    let reply = Reply::parse(&everything(server.send(announced).await).await);
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")), "before it is sent");

    let sent = format!("POST /-/reload HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000));
    assert_eq!(Reply::parse(&everything(server.send(&sent).await).await).status, 413, "while it is sent");

    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let chunked = format!(
        "POST /-/reload HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunk.repeat(17)
    );
    assert_eq!(Reply::parse(&everything(server.send(&chunked).await).await).status, 413, "as it adds up");
}
