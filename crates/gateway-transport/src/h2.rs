//! HTTP/2 connections: shared, so driven by tasks, which belong to their generation.
//!
//! hyper runs the protocol in a task of *our* executor and ends its `Connection` future before the socket is closed.
//! Every task goes through [`GenerationExecutor`]: the tracker is empty only when every socket is closed.
//!
//! A stream is free again when the response has ended. The request cannot be asked: it is one `Bytes`, which h2 has
//! taken long before. If the peer answers in full before it has read it, h2 counts the stream until the peer reads the
//! rest or resets the stream, as RFC 9113, section 8.1 wants. One that does neither takes a stream of its own limit
//! away; beyond that limit requests wait in h2, and the first whose head timer fires retires the connection.
//!
//! Interim responses are not counted here, as those of HTTP/1 are: hyper does not show them. h2 drops each when it
//! looks for the head, so they cost the peer's time and ours, but no memory; the head timer ends it.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError, Weak, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Http2Config,
    connect::{ConnectTimings, Connected},
    error::{ConnectError, Phase},
    generation::Generation,
    h1::{Answer, NoHead},
    io::Io,
};

/// A handle to an HTTP/2 connection. The connection ends when all handles are dropped and all streams have ended.
#[derive(Clone)]
pub(crate) struct H2 {
    sender: http2::SendRequest<Full<Bytes>>,
    /// The driver has it; here it is only asked what the peer allows now.
    driven: Weak<Mutex<Driven>>,
    cap: usize,
    pub(crate) failure_counted: Arc<AtomicBool>,
    pub(crate) timings: ConnectTimings,
}

impl H2 {
    pub(crate) async fn new(
        connected: Connected,
        config: &Http2Config,
        generation: &Generation,
        handle: &Handle,
    ) -> Result<Self, ConnectError> {
        let executor = GenerationExecutor {
            tasks: generation.tasks.clone(),
            kill: generation.kill.clone(),
            handle: handle.clone(),
        };
        let mut builder = http2::Builder::new(executor.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(config.stream_window)
            .initial_connection_window_size(config.connection_window)
            .initial_max_send_streams(BEFORE_SETTINGS)
            .max_header_list_size(config.max_header_list)
            .keep_alive_interval(config.ping_interval)
            .keep_alive_timeout(config.ping_timeout);
        let timings = connected.timings;
        let handshake = builder.handshake(TokioIo::new(connected.io)).await;
        let (sender, conn) = handshake.map_err(|e| ConnectError::new(Phase::Handshake, e))?;
        let driver = Arc::new(Mutex::new(conn));
        let driven = Arc::downgrade(&driver);
        executor.run(poll_fn(move |cx| {
            let mut conn = driver.lock().unwrap_or_else(PoisonError::into_inner);
            // The end of the connection is told to every stream; nobody else wants to hear of it.
            Pin::new(&mut *conn).poll(cx).map(drop)
        }));
        Ok(Self {
            sender,
            driven,
            cap: config.max_streams.max(1),
            failure_counted: Arc::default(),
            timings,
        })
    }

    /// Sends a request and waits for the head of the response. Dropping the future resets the stream.
    pub(crate) fn exchange(
        mut self,
        request: &mut Request<Full<Bytes>>,
    ) -> impl Future<Output = Answer> + use<> {
        // The sender ends with this call: it must not keep a retired connection open for as long as the head takes.
        let head = self.sender.try_send_request(std::mem::take(request));
        let driven = self.driven;
        async move {
            let mut head = pin!(head);
            if matches!(allowed(&driven), 0 | BEFORE_SETTINGS) {
                // A peer that takes no streams says so only now, and h2 would keep the request until it takes some.
                match Box::pin(timeout(SETTLING, head.as_mut())).await {
                    Ok(answer) => return answer.map_err(NoHead::of),
                    Err(_) if allowed(&driven) == 0 => return Err(NoHead::NoStreams),
                    Err(_) => {}
                }
            }
            head.await.map_err(NoHead::of)
        }
    }

    /// Streams that may run at a time: our cap, or less if the peer says so.
    pub(crate) fn streams(&self) -> usize {
        match allowed(&self.driven) {
            BEFORE_SETTINGS => self.cap,
            allowed => allowed.min(self.cap),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }
}

/// Streams that the peer allows at a time; none of a connection that has ended.
fn allowed(driven: &Weak<Mutex<Driven>>) -> usize {
    let Some(driven) = driven.upgrade() else {
        return 0;
    };
    let conn = driven.lock().unwrap_or_else(PoisonError::into_inner);
    conn.current_max_send_streams()
}

/// hyper's end of a connection, which takes requests; the protocol itself runs in another task.
type Driven = http2::Connection<TokioIo<Io>, Full<Bytes>, GenerationExecutor>;

/// Runs the tasks of a generation's HTTP/2 connections; holds the generation's tracker, not the generation.
#[derive(Clone)]
struct GenerationExecutor {
    tasks: TaskTracker,
    kill: CancellationToken,
    handle: Handle,
}

impl GenerationExecutor {
    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let until_killed = self.kill.clone().run_until_cancelled_owned(task);
        self.tasks.spawn_on(until_killed, &self.handle);
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for GenerationExecutor {
    fn execute(&self, task: F) {
        self.run(task);
    }
}

/// Streams that are opened before the peer's SETTINGS came; more wait inside h2 for that moment, so that a peer with
/// a low limit is not run over. An odd number, because it also says "not known yet": a peer that really allows so many
/// gets the excess queued in h2, which is slower but not wrong.
const BEFORE_SETTINGS: usize = 3;

/// How long a request that was handed over before the peer's SETTINGS were read may be without a head, if these allow no
/// stream at all. Longer than a round trip: a peer may well answer what reached it before it has said so.
const SETTLING: Duration = Duration::from_secs(1);
