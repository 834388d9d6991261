//! Requests that a page of another site can make a browser send.
//!
//! Never here: other clients, except for requests that only a browser may not send.

use tokio::sync::mpsc;

use super::*;

#[tokio::test]
async fn a_page_of_another_site_neither_reloads_nor_reads() {
    let (count, reloads) = mpsc::unbounded_channel();
    let mut site = page(&["page"]);
    site.reload = Some(Box::new(move || {
        let _ = count.send(());
        now(Ok(()))
    }));
    let settings = WebSettings { allowed_hosts: vec!["exporter.example".to_owned()], ..WebSettings::default() };
    let server = Running::start(site, settings).await;
    for foreign in
        ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]
    {
        assert_eq!(server.ask(&format!("POST /-/reload HTTP/1.1\r\n{foreign}")).await.status, 403, "{foreign}");
    }
    assert_eq!(server.ask("POST /-/reload HTTP/1.1\r\nOrigin: http://test").await.status, 200);
    assert_eq!(reloads.len(), 1, "only the last one reached it");
    // Whether a request with this name is answered: from a browser, from another client.
    let table = [
        ("127.0.0.1:10066", 200, 200),
        ("localhost:10066", 200, 200),
        ("exporter.example", 200, 200),
        ("evil.example:10066", 403, 200),
        ("dash.monitoring.svc.cluster.local:10066", 403, 200),
    ];
    for (host, browser, other) in table {
        for (mark, expected) in [("Accept-Language: en\r\n", browser), ("User-Agent: Prometheus/3.5.0\r\n", other)] {
            let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n{mark}Connection: close\r\n\r\n");
            let reply = Reply::parse(&everything(server.send(&request).await).await);
            assert_eq!(reply.status, expected, "{host} {mark}");
            assert!(expected == 200 || reply.text().contains("web.allowed_hosts"), "{}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_request_with_no_host_or_two_is_refused() {
    let server = Running::start(page(&["page"]), WebSettings::default()).await;
    for (lines, expected) in [("", 400), ("Host: a\r\nHost: a\r\n", 400), ("Host: a\r\n", 200)] {
        let request = format!("GET /metrics HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        let reply = Reply::parse(&everything(server.send(&request).await).await);
        assert_eq!(reply.status, expected, "{lines:?}");
    }
    let old = server.send("GET /metrics HTTP/1.0\r\n\r\n").await;
    assert_eq!(Reply::parse(&everything(old).await).status, 200, "HTTP/1.0 has no such rule");
}
