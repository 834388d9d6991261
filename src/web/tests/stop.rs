//! Shutdown of the server.
//!
//! Never here: the end of one connection (`abuse`).

use tokio::sync::{Notify, mpsc};

use super::*;

#[tokio::test]
async fn stopping_lets_the_request_in_flight_finish_and_takes_no_more() {
    let (enter, mut entered) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let wait = Arc::clone(&release);
    let site = site(move |_| {
        let wait = Arc::clone(&wait);
        let _ = enter.send(());
        Box::pin(async move {
            wait.notified().await;
            Ok(whole(vec![Bytes::from_static(b"complete")]))
        })
    });
    let mut server = Running::start(site, WebSettings { stop_grace: PATIENCE, ..WebSettings::default() }).await;
    let mut resting = server.send("GET /-/healthy HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(resting.readable()).await.unwrap();
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    soon(entered.recv()).await.unwrap();

    server.stop.take().unwrap().send(()).unwrap();
    let mut rest = Vec::new();
    soon(resting.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(Reply::parse(&rest).status, 200, "a resting connection is closed in order");
    drop(resting);
    assert!(soon(TcpStream::connect(server.address)).await.is_err(), "a new connection is refused");

    release.notify_one();
    let reply = Reply::parse(&everything(client).await);
    assert_eq!((reply.status, reply.text(), reply.header("connection")), (200, "complete", Some("close")));
    soon(server.task).await.unwrap();
}

#[tokio::test]
async fn stopping_does_not_wait_for_those_who_never_finish() {
    let (enter, mut entered) = mpsc::unbounded_channel();
    let site = site(move |_| {
        let _ = enter.send(());
        Box::pin(std::future::pending())
    });
    let mut server = Running::start(site, WebSettings { stop_grace: SHORT, ..WebSettings::default() }).await;
    let client = server.send("GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n").await;
    let unfinished = server.send("GET /met").await;
    soon(entered.recv()).await.unwrap();
    server.stop.take().unwrap().send(()).unwrap();
    soon(&mut server.task).await.unwrap();
    assert_eq!(everything(client).await, b"");
    assert_eq!(everything(unfinished).await, b"");
    assert_eq!(server.meter("masternode_exporter_http_connections").as_deref(), Some("0"));
}

#[tokio::test]
async fn all_listeners_are_served_and_stopped() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
    let (stop, stopped) = oneshot::channel::<()>();
    let meters = Meters::new(&Registry::new());
    let shutdown = async { stopped.await.unwrap_or_default() };
    let site = Arc::new(page(&[]));
    let security = Arc::new(WebSecurity::open());
    let task = tokio::spawn(serve(vec![first, second], site, security, WebSettings::default(), meters, shutdown));
    for address in addresses {
        let mut client = soon(TcpStream::connect(address)).await.unwrap();
        soon(client.write_all(b"GET / HTTP/1.0\r\n\r\n")).await.unwrap();
        assert_eq!(Reply::parse(&everything(client).await).status, 200);
    }
    drop(stop);
    soon(task).await.unwrap();
    for address in addresses {
        assert!(soon(TcpStream::connect(address)).await.is_err());
    }
}
