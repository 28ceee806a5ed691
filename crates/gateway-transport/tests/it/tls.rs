//! TLS over sockets: what is trusted, what is shown, what is agreed on.

use std::{net::SocketAddr, path::Path, sync::Arc};

use gateway_transport::{
    BodyError, ClientIdentity, ConnectSpec, Delivery, Http2Mode, Origin, Phase, Protocol, Roots,
    SocketOptions, SpecError, Transport, TransportConfig, Verify,
};
use http_body_util::BodyExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    HandshakeKind, RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::task::TaskTracker;

use crate::pipes::{frame, get, read_request, text};

/// A certificate authority of one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key, as PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (
            params.signed_by(&key, &self.0).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    pub(crate) fn server_config(
        &self,
        name: &str,
        alpn: &[&[u8]],
        clients: Option<&Self>,
    ) -> ServerConfig {
        let (certificate, key) = self.issue(name);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
                    .unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }
}

/// A TLS server whose accepted streams the test gets.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) accepted: mpsc::Receiver<TlsStream<TcpStream>>,
    tasks: TaskTracker,
}

impl Server {
    pub(crate) async fn new(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (sender, accepted) = mpsc::channel(100);
        let tasks = TaskTracker::new();
        tasks.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(stream) = acceptor.accept(stream).await
                    && sender.send(stream).await.is_err()
                {
                    return;
                }
            }
        });
        Self {
            address,
            accepted,
            tasks,
        }
    }

    /// Answers every HTTP/1 request of every connection with the number of the connection.
    fn answer_all(mut self) -> SocketAddr {
        let tasks = self.tasks.clone();
        self.tasks.spawn(async move {
            let mut number = 0;
            while let Some(mut stream) = self.accepted.recv().await {
                number += 1;
                let kind = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
                tasks.spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        let body = format!("{number} resumed={kind}");
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        );
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        self.address
    }
}

pub(crate) fn spec(address: SocketAddr, roots: &Authority) -> ConnectSpec {
    let mut spec = ConnectSpec::from_url(&format!("https://{address}")).unwrap();
    spec.tls.server_name = Some("origin.test".to_owned());
    spec.tls.roots = Roots::Pem(roots.pem().into());
    spec.http2 = Http2Mode::Never;
    spec
}

fn transport() -> Transport {
    Transport::single(TransportConfig::default())
}

fn origin(transport: &Transport, spec: &ConnectSpec) -> Origin {
    transport.origin(spec).unwrap()
}

#[tokio::test]
async fn a_certificate_of_the_given_roots_is_trusted_and_sessions_resume_over_generations() {
    let authority = Authority::new();
    let server = Server::new(authority.server_config("origin.test", &[b"http/1.1"], None)).await;
    let address = server.answer_all();
    let transport = transport();
    let origin = origin(&transport, &spec(address, &authority));
    let shard = transport.shard(0);
    let first = get(&shard, &origin, "/").await.unwrap();
    let timings = first.body().lease().connect.unwrap();
    assert!(timings.connect.is_some() && timings.tls.is_some() && timings.resolve.is_none());
    assert_eq!(text(first).await.unwrap(), "1 resumed=false");
    let options = gateway_transport::RotateOptions::default();
    transport
        .rotate(
            &gateway_transport::Selector::All,
            gateway_transport::RotateReason::Command,
            options,
        )
        .await;
    let second = get(&shard, &origin, "/").await.unwrap();
    assert_eq!(text(second).await.unwrap(), "2 resumed=true");
}

#[tokio::test]
async fn a_certificate_of_somebody_else_or_for_another_name_is_refused_before_anything_is_sent() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let right = Server::new(authority.server_config("origin.test", &[], None))
        .await
        .answer_all();
    let wrong_name = Server::new(authority.server_config("other.test", &[], None))
        .await
        .answer_all();
    let transport = transport();
    for spec in [spec(right, &stranger), spec(wrong_name, &authority)] {
        let error = get(&transport.shard(0), &origin(&transport, &spec), "/")
            .await
            .unwrap_err();
        assert_eq!(
            (error.delivery, error.phase),
            (Delivery::NotSent, Phase::Tls)
        );
        assert!(error.handshake_refused(), "{error:?}");
    }
}

#[tokio::test]
async fn verification_can_be_switched_off_but_only_by_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let address = Server::new(authority.server_config("other.test", &[], None))
        .await
        .answer_all();
    let transport = transport();
    let mut spec = spec(address, &stranger);
    spec.tls.verify = Verify::DangerouslyOff;
    get(&transport.shard(0), &origin(&transport, &spec), "/")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let address = Server::new(authority.server_config("origin.test", &[], Some(&clients)))
        .await
        .answer_all();
    let transport = transport();
    let mut spec = spec(address, &authority);
    let without = get(&transport.shard(0), &origin(&transport, &spec), "/")
        .await
        .unwrap_err();
    // TLS 1.3: the client learns of the refusal only with the first answer.
    assert!(
        matches!(without.phase, Phase::Tls | Phase::Head | Phase::Send),
        "{without:?}"
    );
    let (certificate, key) = clients.issue("client");
    spec.tls.client_identity = Some(ClientIdentity::Pem {
        certificate: certificate.into(),
        key: key.into(),
    });
    let with = get(&transport.shard(0), &origin(&transport, &spec), "/")
        .await
        .unwrap();
    assert!(text(with).await.unwrap().starts_with('1'));
}

#[tokio::test]
async fn alpn_decides_the_protocol_and_can_be_overruled() {
    let authority = Authority::new();
    let cases: [(Http2Mode, &[&[u8]], Protocol); 4] = [
        (Http2Mode::Auto, &[b"h2", b"http/1.1"], Protocol::Http2),
        (Http2Mode::Auto, &[b"http/1.1"], Protocol::Http1),
        (Http2Mode::Never, &[b"h2", b"http/1.1"], Protocol::Http1),
        (Http2Mode::PriorKnowledge, &[], Protocol::Http2),
    ];
    for (mode, alpn, expected) in cases {
        let mut server = Server::new(authority.server_config("origin.test", alpn, None)).await;
        let transport = transport();
        let mut spec = spec(server.address, &authority);
        spec.http2 = mode;
        let origin = origin(&transport, &spec);
        let exchange =
            TaskTracker::new().spawn(async move { get(&transport.shard(0), &origin, "/x").await });
        let mut stream = server.accepted.recv().await.unwrap();
        if expected == Protocol::Http2 {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            let (request, mut respond) = connection.accept().await.unwrap().unwrap();
            assert_eq!(
                request.uri().to_string(),
                format!("https://{}/x", server.address)
            );
            respond
                .send_response(http::Response::new(()), true)
                .unwrap();
            server
                .tasks
                .spawn(async move { while connection.accept().await.is_some() {} });
        } else {
            read_request(&mut stream).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
        }
        let response = exchange.await.unwrap().unwrap();
        assert_eq!(response.body().lease().protocol, expected, "{mode:?}");
    }
}

#[tokio::test]
async fn a_close_delimited_body_without_close_notify_is_truncated() {
    let authority = Authority::new();
    let mut server = Server::new(authority.server_config("origin.test", &[], None)).await;
    let transport = transport();
    let origin = origin(&transport, &spec(server.address, &authority));
    for notify in [true, false] {
        let (shard, origin) = (transport.shard(0), origin.clone());
        let exchange = server
            .tasks
            .spawn(async move { get(&shard, &origin, "/").await });
        let mut stream = server.accepted.recv().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\n\r\nsome")
            .await
            .unwrap();
        stream.flush().await.unwrap();
        let mut body = exchange.await.unwrap().unwrap().into_body();
        assert_eq!(frame(&mut body).await.unwrap(), "some");
        if notify {
            stream.shutdown().await.unwrap();
            assert!(body.frame().await.is_none());
        } else {
            drop(stream.into_inner().0);
            let error = frame(&mut body).await.unwrap_err();
            assert!(matches!(error, BodyError::Truncated(_)), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_handshake_ends_with_the_connect_timer_in_its_phase() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = Authority::new();
    let config = TransportConfig {
        connect_timeout: std::time::Duration::from_millis(200),
        ..TransportConfig::default()
    };
    let transport = Transport::single(config);
    let origin = origin(
        &transport,
        &spec(listener.local_addr().unwrap(), &authority),
    );
    let error = get(&transport.shard(0), &origin, "/").await.unwrap_err();
    assert_eq!(
        (error.delivery, error.phase),
        (Delivery::NotSent, Phase::Tls)
    );
    assert_eq!(error.timer, Some(gateway_transport::Timer::Connect));
    assert!(!error.handshake_refused());
}

#[tokio::test]
async fn a_spec_that_cannot_work_is_refused_with_its_reason() {
    let transport = transport();
    let mut missing = ConnectSpec::from_url("https://origin.test").unwrap();
    missing.tls.roots = Roots::File(Path::new("/nonexistent/roots.pem").to_owned());
    assert!(matches!(
        transport.origin(&missing),
        Err(SpecError::File { .. })
    ));
    let mut empty = missing;
    empty.tls.roots = Roots::Pem("no certificate".into());
    assert!(matches!(
        transport.origin(&empty),
        Err(SpecError::Certificate { .. })
    ));
    assert!(ConnectSpec::from_url("ftp://origin.test").is_err());
    assert!(ConnectSpec::from_url("/relative").is_err());
}

#[tokio::test]
async fn equal_specs_are_one_origin_and_others_are_not() {
    let transport = transport();
    let mut bundled = ConnectSpec::from_url("https://Origin.test:443/path").unwrap();
    bundled.tls.roots = Roots::Bundled;
    let mut same = ConnectSpec::from_url("https://origin.test/other").unwrap();
    same.tls.roots = Roots::Bundled;
    assert_eq!(origin(&transport, &bundled), origin(&transport, &same));
    let differing = ConnectSpec {
        socket: SocketOptions {
            keepalive: None,
            ..SocketOptions::default()
        },
        ..same
    };
    assert_ne!(origin(&transport, &bundled), origin(&transport, &differing));
}
