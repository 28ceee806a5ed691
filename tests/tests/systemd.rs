//! What systemd is told, and sockets that it has opened.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use end_to_end::{Generations, PATIENCE, Setup, binary};
use gateway_testkit::client::{ConnectOptions, Http1Client, Request};
use gateway_testkit::process::{Process, ProcessConfig, free_address};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::Instant;

/// A provider that nobody asks.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What comes in where systemd would listen.
struct Systemd {
    socket: UnixDatagram,
    path: String,
    _dir: TempDir,
}

impl Systemd {
    fn listen() -> Self {
        let dir = TempDir::with_prefix("notify-").unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            path: path.display().to_string(),
            _dir: dir,
        }
    }

    /// The next message that is no beat of the watchdog.
    async fn told(&self) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut space = [0; 512];
            match self.socket.recv(&mut space) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&space[..length]).into_owned();
                    if text != "WATCHDOG=1" {
                        return text;
                    }
                }
                Err(_) => {
                    assert!(Instant::now() < until, "nothing was told");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    async fn beat(&self) {
        let until = Instant::now() + PATIENCE;
        let mut space = [0; 512];
        while !matches!(self.socket.recv(&mut space), Ok(length) if &space[..length] == b"WATCHDOG=1")
        {
            assert!(Instant::now() < until, "no beat came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn systemd_hears_of_readiness_reloads_the_next_process_and_the_end() {
    let systemd = Systemd::listen();
    let mut gateway = Generations::start(
        Setup::serving(NOWHERE),
        &[("NOTIFY_SOCKET", systemd.path.as_str())],
    )
    .await;
    assert_eq!(systemd.told().await, "READY=1\nSTATUS=serving");
    gateway.first.signal(Signal::HUP);
    let reloading = systemd.told().await;
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(systemd.told().await, "READY=1\nSTATUS=serving");
    let upgraded = gateway.upgrade().await.json();
    // From the old process first: nobody else may say who the main process is.
    assert_eq!(systemd.told().await, format!("MAINPID={}", upgraded["pid"]));
    assert_eq!(systemd.told().await, "READY=1\nSTATUS=serving");
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    let pid = i32::try_from(upgraded["pid"].as_i64().unwrap()).unwrap();
    gateway.signal(pid, Signal::TERM);
    assert_eq!(systemd.told().await, "STOPPING=1\nSTATUS=draining");
    gateway.living_at_most(0).await;
}

#[tokio::test]
async fn the_watchdog_is_fed_by_the_process_that_serves() {
    let systemd = Systemd::listen();
    let variables = [
        ("NOTIFY_SOCKET", systemd.path.as_str()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let mut gateway = Generations::start(Setup::serving(NOWHERE), &variables).await;
    systemd.beat().await;
    systemd.beat().await;
    assert_eq!(gateway.upgrade().await.status, 200);
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    while systemd.socket.recv(&mut [0; 512]).is_ok() {}
    systemd.beat().await;
}

#[tokio::test]
async fn a_socket_of_systemd_is_served_and_passed_on() {
    let activate = Path::new("/usr/bin/systemd-socket-activate");
    if !activate.exists() {
        eprintln!("skipped: {} is not installed", activate.display());
        return;
    }
    let (public, admin) = (free_address(), free_address());
    let setup = Setup::serving(NOWHERE)
        .set("gateway.listen.port", json!(1))
        .set("gateway.admin.port", json!(1));
    let file = setup.write();
    let mut config = ProcessConfig::new(activate).args([
        "--listen".to_owned(),
        public.to_string(),
        "--listen".to_owned(),
        admin.to_string(),
        "--fdname=public:admin".to_owned(),
        binary::gateway_server().display().to_string(),
        "--config".to_owned(),
        file.display().to_string(),
    ]);
    config.inherit_env = false;
    let mut process = Process::start(config).await;
    // The program is started by its first client, who waits in the queue.
    is_ready(public).await;
    let mut operator = Http1Client::connect(admin).await;
    operator.set_deadline(PATIENCE);
    let upgraded = operator
        .call(&Request::post("/admin/upgrade", &json!({})))
        .await;
    // The addresses of the configuration are not those of the sockets, and the new process goes by what it was passed.
    assert_eq!(
        upgraded.status,
        200,
        "{upgraded:?}\n{}",
        process.lines().join("\n")
    );
    drop(operator);
    let status = process.exited(PATIENCE).await.unwrap();
    assert_eq!(status.code(), Some(0));
    is_ready(public).await;
    let mut operator = Http1Client::connect(admin).await;
    let status = operator.call(&Request::get("/admin/status")).await.json();
    assert_eq!(status["pid"], upgraded.json()["pid"]);
    let pid = i32::try_from(status["pid"].as_i64().unwrap()).unwrap();
    ends(pid).await;
}

/// Checks that calls are taken there.
async fn is_ready(addr: SocketAddr) {
    let until = Instant::now() + PATIENCE;
    loop {
        match Http1Client::connect_with(addr, ConnectOptions::default()).await {
            Ok(mut client) => {
                client.set_deadline(PATIENCE);
                let view = client.call(&Request::get("/health/readiness")).await;
                assert_eq!(view.status, 200, "{view:?}");
                return;
            }
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Tells a process to end, and waits until it has.
async fn ends(pid: i32) {
    let pid = Pid::from_raw(pid).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let until = Instant::now() + PATIENCE;
    while test_kill_process(pid).is_ok() {
        assert!(Instant::now() < until, "it still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
