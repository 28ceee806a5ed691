//! Relays a stream to its client: event by event as they come, heartbeats while nothing comes, and an end that says
//! what kind of end it is.

mod carrier;
mod order;
mod timers;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, ErrorInfo};
use http_body::Frame;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use crate::body::Cut;
use crate::call::{Continuation, Continued, GoingOn};
use crate::record::OpenRecord;
use crate::upstream::{Batch, Ending, UpstreamStream};
use crate::worker::Worker;
use timers::{Due, expired, expired_timer, next_alarm};

pub(crate) use carrier::Carrier;
pub(crate) use timers::StreamTimers;

pin_project! {
    /// The body of a streamed response.
    #[derive(Debug)]
    pub struct Relay {
        dialect: Dialect,
        upstream: Option<Box<UpstreamStream>>,
        held: Option<Batch>,
        state: State,
        carrier: Carrier,
        timers: StreamTimers,
        last_content: Option<Instant>,
        last_sent: Instant,
        #[pin]
        alarm: Sleep,
        record: OpenRecord,
        continuation: Option<Box<Continuation>>,
        worker: Arc<Worker>,
    }

    impl PinnedDrop for Relay {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(upstream) = this.upstream {
                this.record.usage = upstream.usage();
            }
            if let Some(continuation) = this.continuation {
                this.record.journal.append(continuation.attempts());
            }
        }
    }
}

/// Where a stream stands towards its client.
#[derive(Debug)]
enum State {
    /// The provider is still talking.
    Open,
    /// The stream broke off like this, and somebody else is asked to go on.
    GoingOn(GoingOn, Box<Break>),
    /// The last piece is about to go out, then the end of this kind.
    LastPiece(Bytes, Last),
    /// Everything was handed over; the kernel must have it before the connection may be cut.
    Flushing { since: u64, reason: EndReason },
    /// Nothing is left to do.
    Ended,
}

/// How a stream ended that is not complete.
#[derive(Debug)]
struct Break {
    reason: EndReason,
    error: ErrorInfo,
    detail: String,
}

/// What follows the last piece.
#[derive(Clone, Copy, Debug)]
enum Last {
    Complete,
    Broken(EndReason),
}

impl Relay {
    /// Relays `upstream`, of which `held` was read before the response was opened. Without an upstream, `held` has the
    /// end.
    pub(crate) fn new(
        upstream: Option<Box<UpstreamStream>>,
        held: Batch,
        timers: StreamTimers,
        carrier: Carrier,
        mut record: OpenRecord,
        worker: Arc<Worker>,
    ) -> Self {
        record.streams();
        let now = Instant::now();
        // A client that was left without a byte until now has waited for one period already.
        let silence = timers.heartbeat.filter(|_| held.ready.is_empty());
        let last_sent = now - silence.unwrap_or_default();
        let mut relay = Self {
            dialect: record.dialect,
            upstream,
            state: State::Open,
            carrier,
            timers,
            last_content: held.content.then_some(now),
            held: Some(held),
            last_sent,
            alarm: sleep_until(now),
            record,
            continuation: None,
            worker,
        };
        relay.alarm = sleep_until(next_alarm(&relay.timers, relay.last_content, last_sent));
        relay
    }

    /// Goes on by this when the stream breaks off.
    pub(crate) fn continued_by(mut self, continuation: Option<Box<Continuation>>) -> Self {
        self.continuation = continuation;
        self
    }

    /// The next piece for the client. See [`http_body::Body::poll_frame`].
    pub(crate) fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Carrier::Http2(watch) = &self.carrier {
            watch.asked();
        }
        self.as_mut().obey();
        let polled = self.as_mut().poll_piece(cx);
        if polled.is_pending() && self.is_open() && self.record.poll_cut(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        if let (Carrier::Http2(watch), Poll::Ready(_)) = (&self.carrier, &polled) {
            watch.handed_over();
        }
        polled
    }

    fn poll_piece(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            match std::mem::replace(self.as_mut().project().state, State::Ended) {
                State::Open => {
                    *self.as_mut().project().state = State::Open;
                    if let Some(piece) = ready!(self.as_mut().poll_open(cx)) {
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                State::GoingOn(mut going, broken) => match going.poll(cx) {
                    Poll::Ready(Some(continued)) => self.as_mut().go_on(continued, broken.reason),
                    Poll::Ready(None) => {
                        let (event, last) = self.as_mut().broken(*broken);
                        *self.as_mut().project().state = State::LastPiece(event, last);
                    }
                    Poll::Pending => {
                        *self.as_mut().project().state = State::GoingOn(going, broken);
                        let due = ready!(self.as_mut().poll_due(cx));
                        if let Some(piece) = self.as_mut().take_due(due) {
                            return Poll::Ready(Some(Ok(Frame::data(piece))));
                        }
                    }
                },
                State::LastPiece(piece, last) => {
                    self.as_mut().last_piece(last);
                    if !piece.is_empty() {
                        self.as_mut().project().record.bytes += piece.len() as u64;
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                }
                State::Flushing { since, reason } => {
                    if let Carrier::Http1(socket) = &self.carrier
                        && socket.poll_flushed(since, cx).is_pending()
                    {
                        *self.project().state = State::Flushing { since, reason };
                        return Poll::Pending;
                    }
                    return Poll::Ready(Some(Err(Cut(reason))));
                }
                State::Ended => {
                    self.release_upstream(cx);
                    return Poll::Ready(None);
                }
            }
        }
    }

    /// A piece to send, or `None` when the state has changed.
    fn poll_open(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = self.as_mut().project();
        let batch = match (this.held.take(), this.upstream.as_mut()) {
            (Some(held), _) => Poll::Ready(held),
            (None, Some(upstream)) => upstream.poll_batch(cx),
            (None, None) => return Poll::Ready(None),
        };
        match batch {
            Poll::Ready(batch) => Poll::Ready(self.take_batch(batch)),
            Poll::Pending => {
                let due = ready!(self.as_mut().poll_due(cx));
                Poll::Ready(self.take_due(due))
            }
        }
    }

    fn take_due(self: Pin<&mut Self>, due: Due) -> Option<Bytes> {
        match due {
            Due::Heartbeat => Some(self.dialect.heartbeat()),
            Due::Expired(name, timer) => self.take_batch(Batch {
                ending: Some(expired(name, &timer)),
                ..Batch::default()
            }),
        }
    }

    fn take_batch(mut self: Pin<&mut Self>, batch: Batch) -> Option<Bytes> {
        let this = self.as_mut().project();
        let now = Instant::now();
        // What was held may be nothing but the fact that nothing came: the client has got no byte by it.
        if !batch.ready.is_empty() {
            *this.last_sent = now;
        }
        if batch.content {
            if this.last_content.is_none() {
                this.record.content_arrived(now);
            }
            *this.last_content = Some(now);
        }
        this.record.events += batch.events;
        let mut ready = batch.ready;
        if let Some(continuation) = this.continuation.as_mut() {
            ready = continuation.pass(ready);
        }
        this.record.bytes += ready.len() as u64;
        this.record.show();
        if let Some(ending) = batch.ending {
            self.take_ending(ending);
        }
        (!ready.is_empty()).then_some(ready)
    }

    fn take_ending(mut self: Pin<&mut Self>, ending: Ending) {
        let this = self.as_mut().project();
        if let Some(upstream) = this.upstream.as_ref() {
            this.record.usage = upstream.usage();
        }
        let (rest, last) = match ending {
            Ending::Complete { rest } => (rest, Last::Complete),
            Ending::Broken {
                reason,
                error,
                detail,
            } => {
                let broken = Break {
                    reason,
                    error,
                    detail,
                };
                if let Some(going) = self.as_mut().begin_again(&broken) {
                    *self.project().state = State::GoingOn(going, Box::new(broken));
                    return;
                }
                self.as_mut().broken(broken)
            }
        };
        *self.project().state = State::LastPiece(rest, last);
    }

    /// Somebody else is asked to go on, if that is possible: meanwhile only the call's own timer runs.
    fn begin_again(self: Pin<&mut Self>, broken: &Break) -> Option<GoingOn> {
        let this = self.project();
        let attempt = this.record.attempt.as_ref();
        let deployment = attempt.map(|attempt| &*attempt.deployment);
        let continuation = this.continuation.as_mut()?;
        let going = continuation.begin(broken.reason, &broken.error, deployment)?;
        *this.upstream = None;
        this.timers.attempt = None;
        this.timers.first_content = None;
        this.timers.idle = None;
        Some(going)
    }

    /// The stream goes on elsewhere.
    fn go_on(self: Pin<&mut Self>, continued: Continued, reason: EndReason) {
        let mut this = self.project();
        this.timers.follow(&continued.attempt);
        // Its content is noted when it is handed over.
        *this.last_content = None;
        *this.upstream = continued.upstream;
        *this.held = Some(continued.held);
        this.record
            .continued_by(continued.attempt, continued.shown, reason);
        if let Some(continuation) = this.continuation {
            this.record.journal.append(continuation.attempts());
        }
        let next = next_alarm(this.timers, *this.last_content, *this.last_sent);
        this.alarm.as_mut().reset(next);
        *this.state = State::Open;
    }

    /// The stream is not complete: what the client is told.
    fn broken(self: Pin<&mut Self>, broken: Break) -> (Bytes, Last) {
        let this = self.project();
        this.record.error = Some(broken.detail);
        this.record.error_kind = Some(broken.error.kind);
        let (dialect, error) = (*this.dialect, &broken.error);
        let event = match this.upstream {
            Some(upstream) => upstream.error_event(dialect, error),
            None => dialect.error_event(error),
        };
        (event, Last::Broken(broken.reason))
    }

    fn last_piece(self: Pin<&mut Self>, last: Last) {
        let this = self.project();
        *this.state = match last {
            Last::Complete => {
                this.record.ends(EndReason::Complete);
                State::Ended
            }
            Last::Broken(reason) => {
                // The connection to the provider is of no more use: let it go before the client has the news.
                *this.upstream = None;
                this.record.ends(reason);
                match this.carrier {
                    Carrier::Http1(socket) => State::Flushing {
                        since: socket.flushes(),
                        reason,
                    },
                    Carrier::Http2(_) => State::Ended,
                }
            }
        };
    }

    /// The client has its end. Whatever the provider still has to say of the framing is waited for elsewhere, and
    /// not for long, so that the connection can serve the next call.
    fn release_upstream(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let this = self.project();
        let Some(mut upstream) = this.upstream.take() else {
            return;
        };
        if upstream.poll_end_of_framing(cx).is_pending() {
            let linger = timeout(
                LINGER,
                std::future::poll_fn(move |cx| upstream.poll_end_of_framing(cx)),
            );
            this.worker.tasks.spawn(linger);
        }
    }

    fn poll_due(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Due> {
        let mut this = self.project();
        loop {
            ready!(this.alarm.as_mut().poll(cx));
            let now = Instant::now();
            let timers = &this.timers;
            let due = expired_timer(timers, *this.last_content, now).or_else(|| {
                let beat = timers.heartbeat?;
                (now >= *this.last_sent + beat).then(|| {
                    *this.last_sent = now;
                    Due::Heartbeat
                })
            });
            let next = next_alarm(timers, *this.last_content, *this.last_sent);
            this.alarm.as_mut().reset(next);
            if let Some(due) = due {
                return Poll::Ready(due);
            }
        }
    }
}

/// How long the end of the framing is waited for behind the terminal marker.
const LINGER: Duration = Duration::from_secs(1);
