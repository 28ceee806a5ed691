//! An upstream for volume: thousands of streams, little work for each.
//!
//! For benchmarks and for the soak, where the [double](crate::upstream) would be the bottleneck. Answers are
//! rendered once and written as they are; paced streams are written by one ticker per runtime, without waking
//! a task per event. HTTP/1.1 over plain TCP only.
//!
//! What a request gets is said by a path segment after `/m/` (so that it can be part of an `api_base`), or by the
//! header `x-volume`; see [`Mode`]. A request that says nothing gets 64 flushed events if its body asks for a
//! stream, else a plain answer. `GET /volume/counters` gives [`Counters`] as JSON, `POST /volume/release` ends
//! all idle streams.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod connection;
mod counters;
mod mode;
mod request;
mod wheel;

pub use counters::Counters;
pub use mode::Mode;

use counters::Cells;
use mode::Answer;
use wheel::Wheel;

/// A running volume upstream. Dropping it ends its connections.
#[derive(Debug)]
pub struct Volume {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// What all runtimes of one volume upstream share.
#[derive(Debug)]
struct Shared {
    counters: Cells,
    answers: Mutex<HashMap<(Mode, Family), Arc<Answer>>>,
    released: watch::Sender<u64>,
}

/// One runtime.
#[derive(Debug)]
struct Node {
    shared: Arc<Shared>,
    wheel: Wheel,
}

/// The dialect of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Family {
    OpenAi,
    Anthropic,
}

impl Volume {
    /// Serves on the current runtime.
    ///
    /// # Panics
    /// If the address cannot be bound.
    #[must_use]
    pub fn start(bind: SocketAddr) -> Self {
        let (listener, addr) = listen(bind);
        let listener =
            TcpListener::from_std(listener).expect("the upstream is started inside a runtime");
        let volume = Self::new(addr);
        let serve = serve(listener, volume.shared.clone(), volume.tasks.clone());
        let stop = volume.stop.clone();
        volume.tasks.spawn(stop.run_until_cancelled_owned(serve));
        volume
    }

    /// Serves on threads of its own, each with a runtime and a listening socket. Must not be dropped inside a
    /// runtime's task that the threads wait for; there is none.
    ///
    /// # Panics
    /// If the address cannot be bound or a thread cannot be started.
    #[must_use]
    pub fn on_threads(bind: SocketAddr, threads: usize) -> Self {
        let (first, addr) = listen(bind);
        let mut listeners = vec![first];
        listeners.extend((1..threads).map(|_| listen(addr).0));
        let mut volume = Self::new(addr);
        for listener in listeners {
            let shared = volume.shared.clone();
            let stop = volume.stop.clone();
            let run = move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime can be built");
                runtime.block_on(async {
                    let listener = TcpListener::from_std(listener).expect("this is a runtime");
                    let tasks = TaskTracker::new();
                    stop.run_until_cancelled(serve(listener, shared, tasks))
                        .await;
                });
            };
            let thread = std::thread::Builder::new().name("volume".to_owned());
            volume
                .threads
                .push(thread.spawn(run).expect("a thread can be started"));
        }
        volume
    }

    fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            shared: Arc::new(Shared {
                counters: Cells::default(),
                answers: Mutex::default(),
                released: watch::Sender::new(0),
            }),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            threads: Vec::new(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port/m/<mode>`: what to put before `/v1/...`.
    #[must_use]
    pub fn url(&self, mode: Mode) -> String {
        format!("http://{}/m/{mode}", self.addr)
    }

    /// The counters now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters.read()
    }

    /// Ends all streams that are idle now, properly.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Stops listening, ends all connections and waits for the tasks of this runtime; threads end by themselves.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Blocks until the threads of [`Self::on_threads`] have ended, which is never unless it is stopped.
    /// For a process that does nothing else.
    pub fn join(mut self) {
        for thread in std::mem::take(&mut self.threads) {
            // A thread that panicked has said so.
            thread.join().ok();
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn answer(&self, mode: Mode, family: Family) -> Arc<Answer> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .entry((mode, family))
            .or_insert_with(|| Arc::new(Answer::render(mode, family)))
            .clone()
    }

    fn release(&self) {
        self.released.send_modify(|count| *count += 1);
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    let node = Arc::new(Node {
        shared,
        wheel: Wheel::new(),
    });
    let connections = CancellationToken::new();
    // Ends all connections when this future is dropped.
    let _guard = connections.clone().drop_guard();
    let ticker = node.clone();
    let ticking = async move { ticker.wheel.run(&ticker.shared.counters).await };
    tasks.spawn(connections.clone().run_until_cancelled_owned(ticking));
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of descriptors: leave the connection in the backlog for a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tcp.set_nodelay(true).ok();
        let connection = connection::run(tcp, node.clone());
        tasks.spawn(connections.clone().run_until_cancelled_owned(connection));
    }
}

fn listen(bind: SocketAddr) -> (std::net::TcpListener, SocketAddr) {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(bind), Type::STREAM, Some(Protocol::TCP))
        .expect("a socket can be made");
    let set = socket
        .set_reuse_address(true)
        .and_then(|()| socket.set_reuse_port(true))
        .and_then(|()| socket.set_nonblocking(true))
        .and_then(|()| socket.bind(&bind.into()))
        .and_then(|()| socket.listen(8192));
    set.unwrap_or_else(|error| panic!("cannot listen on {bind}: {error}"));
    let listener = std::net::TcpListener::from(socket);
    let addr = listener
        .local_addr()
        .expect("a bound socket has an address");
    (listener, addr)
}

/// A whole small answer of the volume upstream itself.
fn small(status: &str, body: &str) -> Bytes {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}
