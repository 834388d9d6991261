//! Each route: status, headers, body, and counters.
//!
//! Never here: hostile clients (`abuse`), long pages (`streaming`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;
use crate::metrics::page::{Filter, Shard};
use crate::metrics::{Format, Request};
use crate::web::api::{AlertsOf, Api, Firing};
use domain::masternode::UnixSeconds;

#[tokio::test]
async fn the_page_is_sent_whole_with_its_length() {
    let server = Running::start(page(&["a 1\n", "b 2\n"]), WebSettings::default()).await;
    let reply = server.get("/metrics").await;
    assert_eq!((reply.status, reply.text()), (200, "a 1\nb 2\n"));
    assert_eq!(reply.header("content-length"), Some("8"));
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4"));
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn an_empty_page_is_a_page() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let reply = server.get("/metrics").await;
    assert_eq!((reply.status, reply.text(), reply.header("content-length")), (200, "", Some("0")));
}

#[tokio::test]
async fn the_page_hears_what_the_scrape_asks_for() {
    let heard = Arc::new(Mutex::new(None));
    let store = Arc::clone(&heard);
    let site = site(move |request| {
        let reply = Page { gzip: request.gzip, ..whole(vec![Bytes::from_static(b"packed")]) };
        *store.lock().unwrap() = Some(request);
        now(Ok(reply))
    });
    let server = Running::start(site, WebSettings::default()).await;
    let reply = server
        .ask(
            "GET /metrics?collect[]=a&shard=1%2F4&collect[]=b HTTP/1.1\r\n\
             Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2\r\n\
             Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10",
        )
        .await;
    assert_eq!((reply.status, reply.header("content-encoding")), (200, Some("gzip")));
    let filter = Filter {
        families: vec!["a".to_owned(), "b".to_owned()],
        shard: Some(Shard { index: 1, total: 4 }),
        groups: vec![],
    };
    let expected = Request { format: Format::OpenMetrics, gzip: true, filter };
    assert_eq!(heard.lock().unwrap().take(), Some(expected));

    assert_eq!(server.get("/metrics").await.header("content-encoding"), None);
    assert_eq!(heard.lock().unwrap().take(), Some(Request::default()));
}

#[tokio::test]
async fn head_is_answered_like_get_without_the_body() {
    let server = Running::start(page(&["a 1\n"]), WebSettings::default()).await;
    for target in ["/metrics", "/", "/-/healthy", "/-/ready", "/nowhere"] {
        let get = server.get(target).await;
        let head = server.ask(&format!("HEAD {target} HTTP/1.1")).await;
        assert!(head.body.is_empty() && !get.body.is_empty(), "{target}");
        for name in ["content-length", "content-type", "vary", "x-content-type-options"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {target}");
        }
        assert_eq!(head.status, get.status, "{target}");
    }
}

#[tokio::test]
async fn head_of_a_streamed_page_produces_none_of_it() {
    let server =
        Running::start(site(|_| now(Ok(stream(std::iter::from_fn(|| panic!("asked for")))))), WebSettings::default())
            .await;
    let reply = server.ask("HEAD /metrics HTTP/1.1").await;
    assert_eq!((reply.status, reply.header("content-length"), reply.body.len()), (200, None, 0));
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let mut site = page(&[]);
    site.reload = Some(Box::new(|| now(Ok(()))));
    let server = Running::start(site, WebSettings::default()).await;
    for (method, target, allow) in [
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("PUT", "/-/healthy", "GET, HEAD"),
        ("OPTIONS", "/-/ready", "GET, HEAD"),
        ("BREW", "/-/ready", "GET, HEAD"),
        ("GET", "/-/reload", "POST, PUT"),
        ("HEAD", "/-/reload", "POST, PUT"),
    ] {
        let reply = server.ask(&format!("{method} {target} HTTP/1.1")).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some(allow)), "{method} {target}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    for target in ["/metrics/", "/METRICS", "/-/", "/-/metrics", "//", "/../metrics", "/%6detrics"] {
        let reply = server.get(target).await;
        assert_eq!((reply.status, reply.text()), (404, "Not found.\n"), "{target}");
    }
    assert_eq!(server.ask("OPTIONS * HTTP/1.1").await.status, 404);
}

#[tokio::test]
async fn the_telemetry_path_is_a_choice_and_may_be_the_root() {
    for path in ["/other", "/"] {
        let mut site = page(&["a 1\n"]);
        site.landing.telemetry_path = TelemetryPath::new(path).unwrap();
        let server = Running::start(site, WebSettings::default()).await;
        assert_eq!(server.get(path).await.text(), "a 1\n");
        assert_eq!(server.get("/metrics").await.status, 404);
    }
}

#[tokio::test]
async fn behind_a_proxy_with_a_path_every_link_begins_with_it() {
    let mut site = page(&[]);
    site.landing.path_prefix = "/mn".to_owned();
    let server = Running::start(site, WebSettings::default()).await;
    for path in ["/", "/runbooks", "/runbooks/MasternodeX"] {
        let reply = server.get(path).await;
        let text = reply.text();
        let links = text.split("href=\"").skip(1).chain(text.split("action=\"").skip(1));
        let wrong: Vec<&str> = links.filter(|link| link.starts_with('/') && !link.starts_with("/mn/")).collect();
        assert!(wrong.is_empty() && text.contains("href=\"/mn/metrics\""), "{path}: {wrong:?}");
    }
}

#[tokio::test]
async fn the_landing_page_is_safe_and_leads_on() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let reply = server.get("/").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(reply.header("refresh"), None, "nothing on it changes");
    for expected in [
        "<h1>masternode-exporter</h1>",
        "Version 1.2.3",
        "Shows &lt;how close&gt; a masternode",
        "href=\"/metrics\"",
        "href=\"/-/healthy\"",
        "href=\"/-/ready\"",
        "<a href=\"/api/v1/status\">Status</a>",
    ] {
        assert!(reply.text().contains(expected), "{expected} in {}", reply.text());
    }
}

#[tokio::test]
async fn readiness_names_what_is_missing_and_health_does_not_care() {
    let missing = Arc::new(Mutex::new(vec!["no list of dash-main yet".to_owned(), "history is opening".to_owned()]));
    let current = Arc::clone(&missing);
    let mut site = page(&[]);
    site.ready = Box::new(move || Readiness { missing: current.lock().unwrap().clone() });
    let server = Running::start(site, WebSettings::default()).await;
    let reply = server.get("/-/ready").await;
    assert_eq!((reply.status, reply.text()), (503, "Not ready:\nno list of dash-main yet\nhistory is opening\n"));
    assert_eq!(server.get("/-/healthy").await.status, 200);
    missing.lock().unwrap().clear();
    assert_eq!(server.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let mut site = page(&[]);
    site.ready = Box::new(|| Readiness { missing: vec!["a list".to_owned()] });
    let server = Running::start(site, WebSettings::default()).await;
    let reply = server.get("/-/ready").await;
    assert_eq!((reply.status, reply.text()), (503, "Not ready:\na list\n"));
}

#[tokio::test]
async fn reload_is_forbidden_unless_it_is_enabled() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let reply = server.ask("POST /-/reload HTTP/1.1").await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("SIGHUP"), "{}", reply.text());
}

#[tokio::test]
async fn reload_says_whether_it_worked() {
    let good = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&good);
    let mut site = page(&[]);
    site.reload = Some(Box::new(move || {
        now(if asked.load(Ordering::Relaxed) { Ok(()) } else { Err("watch[0]: no such key".to_owned()) })
    }));
    let server = Running::start(site, WebSettings::default()).await;
    assert_eq!(server.ask("POST /-/reload HTTP/1.1\r\nContent-Length: 0").await.status, 200);
    assert_eq!(server.ask("PUT /-/reload HTTP/1.1").await.status, 200);
    good.store(false, Ordering::Relaxed);
    let reply = server.ask("POST /-/reload HTTP/1.1").await;
    assert_eq!(reply.status, 500);
    assert!(reply.text().contains("watch[0]: no such key"), "{}", reply.text());
}

#[tokio::test]
async fn a_refusal_reaches_the_client_as_its_sentence() {
    let site = site(|request| now(Err(format!("there is no family {}", request.filter.families[0]))));
    let server = Running::start(site, WebSettings::default()).await;
    let reply = server.get("/metrics?collect[]=x").await;
    assert_eq!((reply.status, reply.text()), (400, "there is no family x\n"));
    let reply = server.get("/metrics?shard=3").await;
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("index/total"), "{}", reply.text());
}

#[tokio::test]
async fn a_page_that_is_not_ready_in_time_is_refused_rather_than_torn() {
    let server = Running::start(site(|_| Box::pin(std::future::pending())), WebSettings::default()).await;
    let reply = server.ask("GET /metrics HTTP/1.1\r\nX-Prometheus-Scrape-Timeout-Seconds: 0.05").await;
    assert_eq!(reply.status, 503);
    assert!(reply.text().contains("scrape timeout of 50ms"), "{}", reply.text());
}

#[tokio::test]
async fn scrapes_beyond_the_limit_are_refused_until_one_ends() {
    let entered = Arc::new(AtomicUsize::new(0));
    let release = Arc::new(Notify::new());
    let (count, wait) = (Arc::clone(&entered), Arc::clone(&release));
    let site = site(move |_| {
        let (count, wait) = (Arc::clone(&count), Arc::clone(&wait));
        Box::pin(async move {
            if count.fetch_add(1, Ordering::Relaxed) < 2 {
                wait.notified().await;
            }
            Ok(whole(Vec::new()))
        })
    });
    let server = Running::start(site, WebSettings { max_requests: 2, ..WebSettings::default() }).await;
    let request = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    let running = [server.send(request).await, server.send(request).await];
    soon(async {
        while entered.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let refused = server.get("/metrics").await;
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("limit 2"), "{}", refused.text());
    assert_eq!(server.get("/-/healthy").await.status, 200, "the limit is on scrapes only");
    release.notify_waiters();
    for stream in running {
        assert_eq!(Reply::parse(&everything(stream).await).status, 200);
    }
    assert_eq!(server.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_panicking_page_is_an_error_of_this_request_only() {
    let first = AtomicBool::new(true);
    let site = site(move |_| {
        assert!(!first.swap(false, Ordering::Relaxed), "the first one panics");
        now(Ok(whole(vec![Bytes::from_static(b"fine")])))
    });
    let server = Running::start(site, WebSettings::default()).await;
    let stream = server
        .send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\nGET /metrics HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        .await;
    let text = String::from_utf8(everything(stream).await).unwrap();
    assert!(text.starts_with("HTTP/1.1 500 ") && text.ends_with("\r\n\r\nfine"), "{text}");
    assert_eq!(server.meter("masternode_exporter_http_requests_total{code=\"500\",handler=\"metrics\"}").unwrap(), "1");
}

#[tokio::test]
async fn requests_are_counted_by_handler_and_code() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    let metrics = "masternode_exporter_http_requests_total{code=\"200\",handler=\"metrics\"}";
    assert_eq!(server.meter(metrics).as_deref(), Some("0"), "before the first scrape");
    for target in ["/metrics", "/metrics", "/metrics?shard=x", "/", "/nowhere", "/elsewhere"] {
        server.get(target).await;
    }
    let counted = |handler: &str, code: &str| {
        server.meter(&format!("masternode_exporter_http_requests_total{{code=\"{code}\",handler=\"{handler}\"}}"))
    };
    assert_eq!(counted("metrics", "200").as_deref(), Some("2"));
    assert_eq!(counted("metrics", "400").as_deref(), Some("1"));
    assert_eq!(counted("landing", "200").as_deref(), Some("1"));
    assert_eq!(counted("other", "404").as_deref(), Some("2"));
    server.wait_for_meter("masternode_exporter_http_connections", "0").await;
}

pub(super) fn with_api(networks: impl Fn() -> Vec<Arc<domain::NetworkState>> + Send + Sync + 'static) -> Handlers {
    let networks = Box::new(networks);
    let alerts = Box::new(|_: AlertsOf<'_>, _| Firing::default());
    let api = Api {
        version: "1.2.3".into(),
        networks,
        alerts,
        history: None,
        clock: || UnixSeconds(0),
        is_restricted: false,
    };
    Handlers { api: Some(Arc::new(api)), ..page(&[]) }
}

#[tokio::test]
async fn the_api_answers_json_whatever_the_status() {
    let server = Running::start(with_api(Vec::new), WebSettings::default()).await;
    let table = [
        ("GET /api/v1/status HTTP/1.1", 200),
        ("HEAD /api/v1/status HTTP/1.1", 200),
        ("GET /api/v1/openapi.json HTTP/1.1", 200),
        ("GET /api/v1/status?x=%00 HTTP/1.1", 400),
        ("HEAD /api/v1/events?limit=0 HTTP/1.1", 400),
        ("GET /api/v2 HTTP/1.1", 404),
        ("GET /api/v1/masternodes HTTP/1.1", 503),
        ("POST /api/v1/status HTTP/1.1", 405),
    ];
    for (request, status) in table {
        let reply = server.ask(request).await;
        assert_eq!((reply.status, reply.header("content-type")), (status, Some("application/json; charset=utf-8")));
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{request}");
        assert_eq!(reply.header("allow"), (status == 405).then_some("GET, HEAD"), "{request}");
        if request.starts_with("HEAD") {
            let length: usize = reply.header("content-length").unwrap().parse().unwrap();
            assert!(length > 0 && reply.body.is_empty(), "{request}");
            continue;
        }
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(body["error"].is_string(), status != 200, "{request}: {body}");
    }
    let answered = "masternode_exporter_http_requests_total{code=\"200\",handler=\"api\"}";
    assert_eq!(server.meter(answered).as_deref(), Some("3"));
}

#[tokio::test]
async fn without_an_api_its_paths_are_not_found() {
    let server = Running::start(page(&[]), WebSettings::default()).await;
    assert_eq!(server.get("/api/v1/status").await.status, 404);
    assert_eq!(server.get("/masternodes/x").await.status, 404);
}
