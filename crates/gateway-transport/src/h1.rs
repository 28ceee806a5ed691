//! One HTTP/1 connection, polled by whoever holds it: no driver task, no channel of ours.
//!
//! hyper's sender and connection are kept together. The exchange polls the connection first and its own end of
//! hyper's channels after it, with a waker that does nothing: only the connection can fill those channels, and it
//! was just polled, so a wake-up from them would only be one of ourselves.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::Full;
use hyper::{
    body::{Body, Incoming},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::{
    config::Http1Config,
    connect::{ConnectTimings, Connected},
    error::{ConnectError, Phase},
    generation::Generation,
};

/// An HTTP/1 connection. Dropping it closes the socket.
pub(crate) struct H1 {
    sender: http1::SendRequest<Full<Bytes>>,
    conn: http1::Connection<TokioIo<crate::io::Io>, Full<Bytes>>,
    /// The connection future has ended and must not be polled again.
    finished: bool,
    kill: Option<KillWatch>,
    pub(crate) generation: Arc<Generation>,
    pub(crate) timings: ConnectTimings,
}

/// What answers a request that was tried on a connection.
pub(crate) type Answer = Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>>;

impl H1 {
    pub(crate) async fn new(
        connected: Connected,
        config: &Http1Config,
        generation: &Arc<Generation>,
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
            conn,
            finished: false,
            kill: None,
            generation: Arc::clone(generation),
            timings,
        }))
    }

    /// Sends a request and waits for the head of the response. `None`: the generation was killed.
    ///
    /// Dropping the future leaves a connection that is good for nothing: drop it too.
    pub(crate) async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Option<Answer> {
        // Without the budget of tokio's scheduler: a `Pending` for want of budget would wake the waker that does
        // nothing, and we would sleep for ever.
        let mut head = pin!(unconstrained(self.sender.try_send_request(request)));
        std::future::poll_fn(|cx| {
            self.drive(cx);
            if let Poll::Ready(answer) = head.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                return Poll::Ready(Some(answer));
            }
            match self.poll_killed(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// The next frame of the body that `incoming` reads from this connection.
    pub(crate) fn poll_body(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut noop = Context::from_waker(Waker::noop());
        if let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(&mut noop) {
            return Poll::Ready(frame);
        }
        self.drive(cx);
        Pin::new(incoming).poll_frame(&mut noop)
    }

    /// After the end of a body: whether the connection can serve another exchange. Lets go of the task that polled it.
    pub(crate) fn settle(&mut self) -> bool {
        self.kill = None;
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.finished && self.sender.is_ready()
    }

    /// Whether an idle connection is still good: sees a FIN, a reset and stray bytes that have arrived.
    pub(crate) fn is_open(&mut self) -> bool {
        self.drive(&mut Context::from_waker(Waker::noop()));
        !self.finished && !self.sender.is_closed()
    }

    /// Ready when the generation was killed; else the task is woken when it is.
    pub(crate) fn poll_killed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.generation.killed().is_some() {
            return Poll::Ready(());
        }
        // Registered once per task, not once per poll: the token's list of wakers is behind a lock of all shards.
        if self
            .kill
            .as_ref()
            .is_some_and(|kill| kill.waker.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        let mut future = match self.kill.take() {
            Some(kill) => kill.future,
            None => Box::pin(self.generation.kill.clone().cancelled_owned()),
        };
        let killed = pin!(unconstrained(future.as_mut())).poll(cx);
        self.kill = Some(KillWatch {
            future,
            waker: cx.waker().clone(),
        });
        killed
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.finished {
            // An error is told through the channels of the exchange; an idle connection with one is just over.
            self.finished = Pin::new(&mut self.conn).poll(cx).is_ready();
        }
    }
}

/// Wakes the task of an exchange when its generation is killed.
struct KillWatch {
    future: Pin<Box<WaitForCancellationFutureOwned>>,
    waker: Waker,
}
