//! Long responses, complete or streamed.
//!
//! Never here: their content.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const PIECE_BYTES: usize = 256 * 1024;

#[tokio::test]
async fn a_streamed_page_arrives_complete_and_in_order() {
    let pieces = || (0..1000).map(|number| Bytes::from(format!("sample {number}\n").repeat(100)));
    let server = Running::start(site(move |_| now(Ok(stream(pieces())))), WebSettings::default()).await;
    let reply = server.get("/metrics").await;
    assert_eq!((reply.status, reply.header("transfer-encoding")), (200, Some("chunked")));
    assert_eq!(reply.header("content-length"), None);
    let expected: Vec<u8> = pieces().flatten().collect();
    assert!(reply.body == expected, "{} bytes instead of {}", reply.body.len(), expected.len());
}

#[tokio::test]
async fn a_stream_is_produced_no_faster_than_it_is_read() {
    const PIECES: usize = 400;
    // A generous bound of the kernel's buffers of both ends.
    const IN_FLIGHT_BYTES: usize = 32 * 1024 * 1024;
    let produced = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&produced);
    let site = site(move |_| {
        let count = Arc::clone(&count);
        let piece = Bytes::from(vec![b'x'; PIECE_BYTES]);
        now(Ok(stream((0..PIECES).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            piece.clone()
        }))))
    });
    let server = Running::start(site, WebSettings::default()).await;
    let mut client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await;
    let mut buffer = vec![0; PIECE_BYTES];
    let mut received = 0;
    loop {
        let length = soon(client.read(&mut buffer)).await.unwrap();
        if length == 0 {
            break;
        }
        received += length;
        // The received bytes include the header and the chunk framing.
        let ahead = (produced.load(Ordering::Relaxed) * PIECE_BYTES).saturating_sub(received);
        assert!(ahead <= IN_FLIGHT_BYTES, "{ahead} bytes ahead of the reader");
    }
    assert!(received > PIECES * PIECE_BYTES, "{received} bytes");
}

#[tokio::test]
async fn a_scrape_that_is_still_being_sent_counts_as_one() {
    let site = site(|_| now(Ok(stream(std::iter::repeat_with(|| Bytes::from_static(&[b'x'; PIECE_BYTES]))))));
    let server = Running::start(site, WebSettings { max_requests: 1, ..WebSettings::default() }).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(client.readable()).await.unwrap();
    assert_eq!(server.get("/metrics").await.status, 503);
    drop(client);
    server.wait_for_meter("masternode_exporter_http_connections", "0").await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let mut start = [0; 12];
    soon(async { client.readable().await.and_then(|()| client.try_read(&mut start)) }).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
}

/// Sends a request whose response is not read.
async fn slow_reader(server: &Running) -> TcpStream {
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(client.readable()).await.unwrap();
    client
}

#[tokio::test]
async fn slow_readers_of_a_whole_page_keep_nobody_out() {
    let bytes = Bytes::from(vec![b'x'; 14_000_000]);
    let site = site(move |_| now(Ok(whole(vec![bytes.clone()]))));
    let server = Running::start(site, WebSettings { max_requests: 1, ..WebSettings::default() }).await;
    let _slow = [slow_reader(&server).await, slow_reader(&server).await, slow_reader(&server).await];
    assert_eq!(server.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_slow_reader_of_a_page_that_is_produced_keeps_others_out_for_a_moment_only() {
    let endless = |_: Request| now(Ok(stream(std::iter::repeat_with(|| Bytes::from_static(&[b'x'; PIECE_BYTES])))));
    let server = Running::start(site(endless), WebSettings { max_requests: 1, ..WebSettings::default() }).await;
    let _slow = slow_reader(&server).await;
    soon(async {
        loop {
            let next = slow_reader(&server).await;
            let mut start = [0; 12];
            assert!(next.try_read(&mut start).is_ok());
            if start == *b"HTTP/1.1 200" {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_large_whole_page_is_sent_without_damage_to_a_slow_reader() {
    let body: Vec<u8> = (0..14_000_000_u32).map(|number| (number % 251) as u8).collect();
    let bytes = Bytes::from(body.clone());
    let site = site(move |_| now(Ok(whole(vec![bytes.clone(), Bytes::from_static(b"# EOF\n")]))));
    let server = Running::start(site, WebSettings::default()).await;
    let mut client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await;
    let mut received = Vec::new();
    let mut buffer = [0; 10_000];
    loop {
        let length = soon(client.read(&mut buffer)).await.unwrap();
        if length == 0 {
            break;
        }
        received.extend_from_slice(&buffer[..length]);
        tokio::task::yield_now().await;
    }
    let reply = Reply::parse(&received);
    assert_eq!(reply.header("content-length"), Some("14000006"));
    assert!(reply.body.strip_suffix(b"# EOF\n") == Some(&body[..]), "{} bytes", reply.body.len());
}

#[tokio::test]
async fn a_stream_that_panics_breaks_its_own_connection_only() {
    let site = site(|request| {
        let healthy = request.filter.families.is_empty();
        now(Ok(stream((0..3).map(move |number| {
            assert!(healthy || number < 2, "the third piece panics");
            Bytes::from_static(b"piece\n")
        }))))
    });
    let server = Running::start(site, WebSettings::default()).await;
    let client = server.send("GET /metrics?collect[]=x HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").await;
    let torn = everything(client).await;
    assert!(!torn.ends_with(b"0\r\n\r\n"), "a torn page must not look complete");
    assert_eq!(server.get("/metrics").await.text(), "piece\npiece\npiece\n");
    server.wait_for_meter("masternode_exporter_http_connections", "0").await;
}
