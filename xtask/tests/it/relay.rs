//! A gateway with the fault of the original report: at the end of each lifetime it closes what runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A relay of bytes that cuts all its connections again and again.
pub(crate) struct Relay {
    pub(crate) port: u16,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Relay {
    /// Listens, connects onward to `upstream`, and cuts everything each `lifetime` (never, if there is none).
    pub(crate) async fn start(upstream: SocketAddr, lifetime: Option<Duration>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let accepting = accept(listener, upstream, lifetime, tasks.clone());
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled(accepting).await });
        Self { port, stop, tasks }
    }

    /// Ends the relay and waits for its connections, which the clients have closed by now.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    lifetime: Option<Duration>,
    tasks: TaskTracker,
) {
    let mut ends = interval(lifetime.unwrap_or(Duration::from_secs(3600)));
    ends.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ends.tick().await;
    let mut pool = CancellationToken::new();
    loop {
        tokio::select! {
            _ = ends.tick() => {
                pool.cancel();
                pool = CancellationToken::new();
            }
            Ok((client, _)) = listener.accept() => {
                let evicted = pool.clone();
                tasks.spawn(async move { evicted.run_until_cancelled(relay(client, upstream)).await });
            }
        }
    }
}

async fn relay(mut client: TcpStream, upstream: SocketAddr) {
    if let Ok(mut onward) = TcpStream::connect(upstream).await {
        // Either side may be gone at any time; then the relay of this pair is over.
        copy_bidirectional(&mut client, &mut onward).await.ok();
    }
}
