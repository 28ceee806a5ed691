//! Plain sockets: resets, closed peers, proxies, several addresses, several runtimes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gateway_transport::{
    BodyError, ConnectSpec, Delivery, Phase, ProxySpec, ResolveFuture, Resolver, Transport,
    TransportConfig,
};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::TaskTracker;

use crate::pipes::{frame, get, read_request, text};

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn plain(address: SocketAddr) -> ConnectSpec {
    ConnectSpec::from_url(&format!("http://{address}")).unwrap()
}

async fn answer(stream: &mut TcpStream, body: &str) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(stream);
}

#[tokio::test]
async fn a_refused_connect_was_not_sent() {
    let (listener, address) = listen().await;
    drop(listener);
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&plain(address)).unwrap();
    let error = get(&transport.shard(0), &origin, "/").await.unwrap_err();
    assert_eq!(
        (error.delivery, error.phase),
        (Delivery::NotSent, Phase::Connect)
    );
}

#[tokio::test]
async fn a_reset_in_the_middle_is_told_as_a_reset_after_what_was_read() {
    let (listener, address) = listen().await;
    let tasks = TaskTracker::new();
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&plain(address)).unwrap();
    let shard = transport.shard(0);
    let exchange = tasks.spawn(async move { get(&shard, &origin, "/").await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        .await
        .unwrap();
    let mut body = exchange.await.unwrap().unwrap().into_body();
    assert_eq!(frame(&mut body).await.unwrap(), "one");
    reset(stream);
    let error = frame(&mut body).await.unwrap_err();
    assert!(matches!(error, BodyError::Reset(_)), "{error:?}");
}

#[tokio::test]
async fn idle_connections_that_the_peer_closes_are_never_noticed_by_callers() {
    let (listener, address) = listen().await;
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        loop {
            // One answer per connection, then FIN or RST without a word.
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            answer(&mut stream, "once").await;
            let mut rest = [0; 1];
            if fastrand::bool() {
                reset(stream);
            } else {
                stream.shutdown().await.unwrap();
                drop(stream.read(&mut rest).await);
            }
        }
    });
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&plain(address)).unwrap();
    for n in 0..100 {
        let response = get(&transport.shard(0), &origin, "/").await.unwrap();
        assert_eq!(text(response).await.unwrap(), "once", "exchange {n}");
        // The peer's FIN is on its way; give it the time that a client would.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn an_http1_stream_over_two_runtimes_wakes_its_reader() {
    // The transport's shard lives on another runtime than the caller: slower, but it must work.
    let other = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (listener, address) = listen().await;
    let transport = Transport::new(TransportConfig::default(), vec![other.handle().clone()]);
    let origin = transport.origin(&plain(address)).unwrap();
    let shard = transport.shard(0);
    let exchange = TaskTracker::new().spawn(async move { get(&shard, &origin, "/").await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await.unwrap();
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let mut body = exchange.await.unwrap().unwrap().into_body();
    for n in 0..100 {
        let event = format!("event {n}");
        stream
            .write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
            .await
            .unwrap();
        assert_eq!(frame(&mut body).await.unwrap(), event);
    }
    drop(body);
    other.shutdown_background();
}

/// Two addresses, of which the first refuses.
struct Two([SocketAddr; 2]);

impl Resolver for Two {
    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> ResolveFuture<'a> {
        Box::pin(async move {
            match host {
                "two.test" => Ok(self.0.to_vec()),
                "none.test" => Ok(Vec::new()),
                _ => Err(std::io::Error::other("no such name")),
            }
        })
    }
}

#[tokio::test]
async fn the_addresses_of_a_name_are_tried_in_turn() {
    let (dead, refuses) = listen().await;
    drop(dead);
    let (listener, address) = listen().await;
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        answer(&mut stream, "second").await;
    });
    let resolver = Some(Arc::new(Two([refuses, address])) as Arc<dyn Resolver>);
    let transport = Transport::single(TransportConfig {
        resolver,
        ..TransportConfig::default()
    });
    let origin = |url| {
        transport
            .origin(&ConnectSpec::from_url(url).unwrap())
            .unwrap()
    };
    let response = get(&transport.shard(0), &origin("http://two.test"), "/")
        .await
        .unwrap();
    assert!(response.body().lease().connect.unwrap().resolve.is_some());
    assert_eq!(text(response).await.unwrap(), "second");
    for url in ["http://none.test", "http://unknown.test"] {
        let error = get(&transport.shard(0), &origin(url), "/")
            .await
            .unwrap_err();
        assert_eq!(
            (error.delivery, error.phase),
            (Delivery::NotSent, Phase::Resolve),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_proxy_opens_a_tunnel_and_its_refusal_was_not_sent() {
    let (listener, address) = listen().await;
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = read_request(&mut stream).await.unwrap();
        assert!(
            head.starts_with("connect origin.test:80 http/1.1\r\nhost: origin.test:80\r\n"),
            "{head}"
        );
        assert!(
            head.contains("proxy-authorization: basic dtpw\r\n"),
            "{head}"
        );
        // The tunnel's first bytes may come with the proxy's answer: they must not be lost.
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n")
            .await
            .unwrap();
        let inner = read_request(&mut stream).await.unwrap();
        assert!(
            inner.starts_with("get / http/1.1\r\nhost: origin.test\r\n"),
            "{inner}"
        );
        answer(&mut stream, "through").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            .await
            .unwrap();
    });
    let mut spec = ConnectSpec::from_url("http://origin.test").unwrap();
    spec.proxy = Some(ProxySpec::parse(&format!("u:p@{address}")).unwrap());
    let transport = Transport::single(TransportConfig::default());
    let origin = transport.origin(&spec).unwrap();
    let response = get(&transport.shard(0), &origin, "/").await.unwrap();
    assert_eq!(text(response).await.unwrap(), "through");
    transport
        .rotate(
            &gateway_transport::Selector::All,
            gateway_transport::RotateReason::Command,
            gateway_transport::RotateOptions::default(),
        )
        .await;
    let error = get(&transport.shard(0), &origin, "/").await.unwrap_err();
    assert_eq!(
        (error.delivery, error.phase),
        (Delivery::NotSent, Phase::Proxy)
    );
}
