//! TLS with good and bad certificates.

use std::time::Duration;

use gateway_testkit::ca::{Leaf, ServerTls, TestCa};
use gateway_testkit::client::{BodyEnd, ConnectOptions, Http1Client, Http2Client, Request};
use gateway_testkit::http1::Framing;
use gateway_testkit::script::{ResponseHead, Script, Step};
use gateway_testkit::upstream::{Upstream, UpstreamConfig};

fn offers(alpn: &[&'static str]) -> ServerTls {
    ServerTls {
        alpn: alpn.to_vec(),
        client_ca: None,
    }
}

#[tokio::test]
async fn alpn_chooses_the_protocol() {
    let ca = TestCa::new();
    let tls = ca.server().server_config(&offers(&["h2", "http/1.1"]));
    let upstream = Upstream::start(UpstreamConfig::default().tls(tls)).await;
    assert!(upstream.url().starts_with("https://localhost:"));
    let mut one =
        Http1Client::connect_tls(upstream.addr(), ca.client_config(None, &["http/1.1"])).await;
    assert!(
        one.call(&Request::chat("x").streaming())
            .await
            .is_complete()
    );
    let mut two = Http2Client::connect_tls(upstream.addr(), ca.client_config(None, &["h2"])).await;
    assert!(
        two.call(&Request::chat("x").streaming())
            .await
            .is_complete()
    );
    let streams: Vec<_> = upstream
        .requests()
        .iter()
        .map(|request| request.stream)
        .collect();
    assert_eq!(streams, [None, Some(1)]);
    upstream.stop().await;
}

#[tokio::test]
async fn each_bad_certificate_is_refused_for_its_own_reason() {
    let ca = TestCa::new();
    let stranger = TestCa::new();
    for (identity, reason) in [
        (ca.server_with(Leaf::Expired), "Expired"),
        (ca.server_with(Leaf::NotYetValid), "NotValidYet"),
        (ca.server_with(Leaf::WrongName), "NotValidForName"),
        (stranger.server(), "UnknownIssuer"),
    ] {
        let tls = identity.server_config(&ServerTls::default());
        let upstream = Upstream::start(UpstreamConfig::default().tls(tls)).await;
        let options = ConnectOptions {
            tls: Some((ca.client_config(None, &[]), "localhost".to_owned())),
            receive_buffer: None,
        };
        let error = Http1Client::connect_with(upstream.addr(), options)
            .await
            .unwrap_err();
        assert!(format!("{error:?}").contains(reason), "{error:?}");
        upstream
            .connections_satisfy(|connections| connections.tls_failures == 1)
            .await;
    }
}

#[tokio::test]
async fn a_client_certificate_is_demanded() {
    let ca = TestCa::new();
    let tls = ServerTls {
        alpn: Vec::new(),
        client_ca: Some(ca.certificate()),
    };
    let upstream =
        Upstream::start(UpstreamConfig::default().tls(ca.server().server_config(&tls))).await;
    let identity = ca.client("gateway");
    let mut known =
        Http1Client::connect_tls(upstream.addr(), ca.client_config(Some(&identity), &[])).await;
    assert_eq!(known.call(&Request::chat("x")).await.status, 200);
    let shown = upstream.requests()[0].client_certificate.clone();
    assert_eq!(shown.as_deref(), Some(identity.chain()[0].as_ref()));
    let mut unknown = Http1Client::connect_tls(upstream.addr(), ca.client_config(None, &[])).await;
    assert_eq!(unknown.call(&Request::chat("x")).await.status, 0);
}

#[tokio::test]
async fn a_missing_close_notify_is_told_from_a_clean_close() {
    let ca = TestCa::new();
    for (step, expected) in [
        ((|| Step::Close) as fn() -> Step, BodyEnd::Clean),
        (
            || Step::CloseAbruptly,
            BodyEnd::Malformed("no close_notify".to_owned()),
        ),
    ] {
        let head = || ResponseHead::json(200).framed(Framing::Close);
        let tls = ca.server().server_config(&ServerTls::default());
        let config = UpstreamConfig::default()
            .tls(tls)
            .handler(move |_| Script::new().head(head()).bytes("{}").step(step()));
        let upstream = Upstream::start(config).await;
        let mut client =
            Http1Client::connect_tls(upstream.addr(), ca.client_config(None, &[])).await;
        assert_eq!(client.call(&Request::chat("x")).await.end, expected);
    }
}

#[tokio::test]
async fn pem_files_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let ca = TestCa::new();
    let root = ca.write_pem(dir.path());
    let files = ca.server().write_pem(dir.path(), "server");
    for (path, label) in [
        (&root, "CERTIFICATE"),
        (&files.cert, "CERTIFICATE"),
        (&files.key, "PRIVATE KEY"),
    ] {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            text.starts_with(&format!("-----BEGIN {label}-----")),
            "{path:?}"
        );
    }
    // Long enough ago that no clock skew matters.
    assert!(
        root.metadata()
            .unwrap()
            .modified()
            .unwrap()
            .elapsed()
            .unwrap()
            < Duration::from_secs(60)
    );
}
