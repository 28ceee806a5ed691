//! Rotations that the outside world causes: certificate files and name resolution.

use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway_transport::{
    ConnectSpec, DnsWatch, ResolveFuture, Resolver, Roots, RotateReason, Transport, TransportConfig,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_util::task::TaskTracker;

use crate::{
    pipes::{get, read_request, text},
    tls::{Authority, spec},
};

fn rotations(transport: &Transport, reason: RotateReason) -> u64 {
    let metrics = transport.snapshot().origins.remove(0).metrics;
    metrics
        .rotations
        .iter()
        .find(|(name, _)| *name == reason.as_str())
        .unwrap()
        .1
}

async fn until(mut condition: impl FnMut() -> bool) {
    let patient = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), patient)
        .await
        .expect("it happens in time");
}

#[tokio::test]
async fn changed_certificate_files_rotate_and_unusable_ones_do_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    fs::write(&file, old.pem()).unwrap();
    let transport = Transport::single(TransportConfig {
        identity_check: Some(Duration::from_millis(10)),
        maintenance_interval: Duration::from_millis(10),
        min_rotation_interval: Duration::from_millis(20),
        ..TransportConfig::default()
    });
    let address: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let mut spec = spec(address, &old);
    spec.tls.roots = Roots::File(file.clone());
    let origin = transport.origin(&spec).unwrap();
    fs::write(&file, "not a certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(origin.generation(), 1);
    fs::write(&file, new.pem()).unwrap();
    until(|| rotations(&transport, RotateReason::Identity) == 1).await;
    // The same content again is the same identity.
    fs::write(&file, new.pem()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(rotations(&transport, RotateReason::Identity), 1);
}

#[tokio::test]
async fn files_are_looked_at_on_demand_and_what_cannot_be_used_changes_nothing() {
    let (old, new) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    fs::write(&file, old.pem()).unwrap();
    let transport = Transport::single(TransportConfig::default());
    let mut spec = spec("127.0.0.1:9".parse().unwrap(), &old);
    spec.tls.roots = Roots::File(file.clone());
    let origins = [transport.origin(&spec).unwrap()];
    assert!(transport.renewals(&origins).unwrap().is_empty());
    fs::write(&file, "not a certificate").unwrap();
    let error = transport.renewals(&origins).unwrap_err();
    assert!(error.to_string().contains("roots"), "{error}");
    fs::write(&file, new.pem()).unwrap();
    let renewals = transport.renewals(&origins).unwrap();
    assert_eq!(origins[0].generation(), 1);
    assert_eq!(transport.renew(renewals.clone()).await.len(), 1);
    assert_eq!(rotations(&transport, RotateReason::Identity), 1);
    // Whoever was slower has nothing left to do.
    assert!(transport.renew(renewals).await.is_empty());
    assert_eq!(origins[0].generation(), 2);
}

/// A resolver whose answer the test changes.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Vec<SocketAddr>>>);

impl Resolver for Answers {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> ResolveFuture<'a> {
        let answer = self.0.lock().unwrap().clone();
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn an_address_that_vanished_from_all_answers_rotates() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = TaskTracker::new();
    tasks.spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while read_request(&mut stream).await.is_some() {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await
                    .unwrap();
            }
        }
    });
    let answers = Answers::default();
    *answers.0.lock().unwrap() = vec![address];
    let transport = Transport::single(TransportConfig {
        dns: Some(DnsWatch {
            interval: Duration::from_millis(10),
            grace: Duration::from_millis(100),
        }),
        maintenance_interval: Duration::from_millis(10),
        resolver: Some(Arc::new(answers.clone())),
        ..TransportConfig::default()
    });
    let origin = transport
        .origin(&ConnectSpec::from_url("http://name.test").unwrap())
        .unwrap();
    let response = get(&transport.shard(0), &origin, "/").await.unwrap();
    assert_eq!(text(response).await.unwrap(), "ok");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rotations(&transport, RotateReason::Dns), 0);
    // An empty answer is a broken name, not a moved one.
    *answers.0.lock().unwrap() = Vec::new();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(rotations(&transport, RotateReason::Dns), 0);
    *answers.0.lock().unwrap() = vec!["127.0.0.9:1".parse().unwrap()];
    until(|| rotations(&transport, RotateReason::Dns) == 1).await;
}
