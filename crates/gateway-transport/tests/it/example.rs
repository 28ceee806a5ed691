//! The example program does what it says: it streams.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use gateway_transport::{ConnectSpec, Transport, TransportConfig};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_util::task::TaskTracker;

use crate::pipes::{frame, get, read_request, text};

/// Ends the program with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it runs or has ended");
        self.0.wait().expect("it was started here");
    }
}

/// Cargo builds examples beside the test binaries.
fn example() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples").join("reverse_proxy")
}

#[tokio::test]
async fn the_reverse_proxy_example_streams() {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", upstream.local_addr().unwrap());
    let mut child = Command::new(example())
        .args(["127.0.0.1:0", &target])
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo built it");
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _running = Running(child);
    let address = line
        .trim()
        .strip_prefix("listening on ")
        .unwrap()
        .to_owned();
    let transport = Transport::single(TransportConfig::default());
    let origin = transport
        .origin(&ConnectSpec::from_url(&format!("http://{address}")).unwrap())
        .unwrap();
    let shard = transport.shard(0);
    let (to, client) = (origin.clone(), shard.clone());
    let exchange = TaskTracker::new().spawn(async move { get(&client, &to, "/stream").await });
    let (mut stream, _) = upstream.accept().await.unwrap();
    assert!(
        read_request(&mut stream)
            .await
            .unwrap()
            .starts_with("get /stream http/1.1")
    );
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let mut body = exchange.await.unwrap().unwrap().into_body();
    for n in 0..10 {
        stream
            .write_all(format!("7\r\nevent {n}\r\n").as_bytes())
            .await
            .unwrap();
        assert_eq!(frame(&mut body).await.unwrap(), format!("event {n}"));
    }
    drop((body, stream, upstream));
    let error = get(&shard, &origin, "/").await.unwrap();
    assert_eq!(error.status(), 502);
    assert!(text(error).await.unwrap().contains("connect"));
}
