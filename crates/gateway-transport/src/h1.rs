//! One HTTP/1 connection, polled by whoever holds it: no driver task, no channel of ours.
//!
//! hyper's sender and connection are kept together. The exchange polls the connection first and its own end of
//! hyper's channels after it, with a waker that does nothing: only the connection can fill those channels, and it
//! was just polled, so a wake-up from them would only be one of ourselves.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::Full;
use hyper::{
    body::{Body, Incoming},
    client::conn::{TrySendError, http1},
    ext::on_informational,
};
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;

use crate::{
    config::Http1Config,
    connect::{ConnectTimings, Connected},
    error::{ConnectError, Phase},
    hush::Hush,
    lease::Lease,
};

/// An HTTP/1 connection. Dropping it closes the socket.
pub(crate) struct H1 {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` after it has ended.
    conn: Option<http1::Connection<TokioIo<crate::io::Io>, Full<Bytes>>>,
    /// Interim responses of the exchange that waits for its head.
    interim: Arc<AtomicU32>,
    /// A response has begun and nobody has looked at its body yet.
    primed: bool,
    /// The task that the lease wakes when its generation is killed.
    watched: Option<Waker>,
    hush: Hush,
    pub(crate) timings: ConnectTimings,
}

/// What answers a request that was tried on a connection.
pub(crate) type Answer = Result<Response<Incoming>, NoHead>;

/// Why no head of a response came.
pub(crate) enum NoHead {
    /// The connection or the stream failed; has the request, if it was never written.
    Failed(Box<TrySendError<Request<Full<Bytes>>>>),
    /// More than [`MAX_INTERIM`] came instead.
    TooManyInterim,
    /// It was one that changes the protocol, which nobody asked for.
    Switched,
    /// The generation was killed.
    Killed,
    /// The peer takes no streams, and has not answered this one.
    NoStreams,
    /// The head timer fired.
    TimedOut,
}

impl NoHead {
    pub(crate) fn of(error: TrySendError<Request<Full<Bytes>>>) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl H1 {
    pub(crate) async fn new(
        connected: Connected,
        config: &Http1Config,
    ) -> Result<Box<Self>, ConnectError> {
        let mut builder = http1::Builder::new();
        builder
            .max_headers(config.max_headers)
            .max_header_size(config.max_head);
        match config.exact_read_buffer {
            Some(size) => builder.read_buf_exact_size(Some(size)),
            None => builder.max_buf_size(config.read_buffer.max(8192)),
        };
        let timings = connected.timings;
        let handshake = builder.handshake(TokioIo::new(connected.io)).await;
        let (sender, conn) = handshake.map_err(|e| ConnectError::new(Phase::Handshake, e))?;
        Ok(Box::new(Self {
            sender,
            conn: Some(conn),
            interim: Arc::default(),
            primed: false,
            watched: None,
            hush: Hush::default(),
            timings,
        }))
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// Dropping the future leaves a connection that is good for nothing: drop it too.
    pub(crate) async fn exchange(
        &mut self,
        request: &mut Request<Full<Bytes>>,
        lease: &Lease,
    ) -> Answer {
        self.primed = true;
        self.interim.store(0, Ordering::Relaxed);
        let interim = Arc::clone(&self.interim);
        on_informational(request, move |_| {
            interim.fetch_add(1, Ordering::Relaxed);
        });
        // Without the budget of tokio's scheduler: a `Pending` for want of budget would wake the waker that does
        // nothing, and we would sleep for ever.
        let mut head = pin!(unconstrained(
            self.sender.try_send_request(std::mem::take(request))
        ));
        std::future::poll_fn(|cx| {
            self.drive(cx);
            // Before the head is looked at: the answer must not depend on how the bytes were split.
            if self.interim.load(Ordering::Relaxed) > MAX_INTERIM {
                return Poll::Ready(Err(NoHead::TooManyInterim));
            }
            let mut noop = Context::from_waker(Waker::noop());
            if let Poll::Ready(answer) = head.as_mut().poll(&mut noop) {
                return Poll::Ready(answer.map_err(NoHead::of));
            }
            self.poll_killed(lease, cx).map(|()| Err(NoHead::Killed))
        })
        .await
    }

    /// The next frame of the body that `incoming` reads from this connection.
    pub(crate) fn poll_body(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        // Only the connection fills the channel. Before the first look it may have done so with the head; later, what
        // it put there was taken right after.
        if std::mem::take(&mut self.primed)
            && let Poll::Ready(frame) = self.take(incoming)
        {
            return Poll::Ready(frame);
        }
        self.drive(cx);
        self.take(incoming)
    }

    /// After the end of a body: whether the connection can serve another exchange. Lets go of the task that polled it.
    pub(crate) fn settle(&mut self) -> bool {
        self.watched = None;
        self.hush.forget();
        self.probe();
        self.conn.is_some() && self.sender.is_ready()
    }

    /// Whether an idle connection is still good: sees a FIN, a reset and stray bytes that have arrived.
    pub(crate) fn is_open(&mut self) -> bool {
        self.probe();
        self.conn.is_some() && !self.sender.is_closed()
    }

    /// Ready when the generation of `lease` was killed; else the task is woken when it is.
    pub(crate) fn poll_killed(&mut self, lease: &Lease, cx: &Context<'_>) -> Poll<()> {
        lease.poll_killed(&mut self.watched, cx)
    }

    fn take(&self, incoming: &mut Incoming) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut noop = Context::from_waker(Waker::noop());
        self.hush
            .quietly(|| Pin::new(incoming).poll_frame(&mut noop))
    }

    /// Lets the connection do what it can, and wakes the task of `cx` when it can do more.
    fn drive(&mut self, cx: &Context<'_>) {
        if let Some(conn) = &mut self.conn
            && self
                .hush
                .forward(cx, |cx| Pin::new(conn).poll(cx))
                .is_ready()
        {
            self.end();
        }
    }

    /// Lets the connection do what it can now, and nobody is woken later.
    fn probe(&mut self) {
        if let Some(conn) = &mut self.conn
            && Pin::new(conn)
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        {
            self.end();
        }
    }

    /// The connection future has ended. An error is told through the channels of the exchange, and so is a request
    /// that is still queued in it: but only when it is dropped.
    fn end(&mut self) {
        self.conn = None;
    }
}

/// An honest origin sends one or two.
pub(crate) const MAX_INTERIM: u32 = 16;
