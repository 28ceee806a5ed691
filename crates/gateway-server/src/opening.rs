//! A stream that was opened towards its client before the provider has said anything: heartbeats until it does.
//!
//! Clients give a silent connection up after a while, and many providers send nothing, not even a head, while they think.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, ErrorInfo, ErrorKind};
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::Cut;
use crate::call::{Answer, Attempted};
use crate::relay::{Carrier, Relay};
use crate::respond::Failure;
use crate::upstream::{Batch, Ending};
use crate::worker::Worker;

/// An attempt that goes on while its client is kept awake. It has the open record, and its own timers.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Attempted> + Send>>;

/// The body of such a stream. Dropping it gives the attempt up.
pub(crate) struct Opening {
    state: State,
    dialect: Dialect,
    carrier: Carrier,
    worker: Arc<Worker>,
}

enum State {
    Waiting {
        attempt: Pending,
        beat: Duration,
        alarm: Pin<Box<Sleep>>,
    },
    Relaying(Pin<Box<Relay>>),
}

impl Opening {
    /// Waits for `attempt` with a heartbeat at once and then every `beat`.
    pub(crate) fn new(
        attempt: Pending,
        dialect: Dialect,
        beat: Duration,
        carrier: Carrier,
        worker: Arc<Worker>,
    ) -> Self {
        let state = State::Waiting {
            attempt,
            beat,
            alarm: Box::pin(sleep_until(Instant::now())),
        };
        Self {
            state,
            dialect,
            carrier,
            worker,
        }
    }

    /// The next piece for the client. See [`http_body::Body::poll_frame`].
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let State::Waiting {
            attempt,
            beat,
            alarm,
        } = &mut self.state
        {
            if let Carrier::Http2(watch) = &self.carrier {
                watch.asked();
            }
            let Poll::Ready(attempted) = attempt.as_mut().poll(cx) else {
                ready!(alarm.as_mut().poll(cx));
                alarm.as_mut().reset(Instant::now() + *beat);
                if let Carrier::Http2(watch) = &self.carrier {
                    watch.handed_over();
                }
                return Poll::Ready(Some(Ok(Frame::data(self.dialect.heartbeat()))));
            };
            self.state = State::Relaying(Box::pin(self.relay(attempted)));
        }
        match &mut self.state {
            State::Relaying(relay) => relay.as_mut().poll_frame(cx),
            State::Waiting { .. } => Poll::Pending,
        }
    }

    /// The client has its status already: what goes wrong now is an event.
    fn relay(&self, attempted: Attempted) -> Relay {
        let mut record = attempted.record;
        record.status = 200;
        let (upstream, held) = match attempted.outcome {
            Ok((_, Answer::Stream(upstream, held))) => (upstream, held),
            Ok((_, Answer::Whole(_))) => (None, broken(not_a_stream())),
            Err(mut failure) => {
                record.fired = failure.timer.take();
                (None, broken(failure))
            }
        };
        Relay::new(
            upstream,
            held,
            attempted.timers,
            self.carrier.clone(),
            record,
            Arc::clone(&self.worker),
        )
        .continued_by(attempted.continuation)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = matches!(self.state, State::Waiting { .. });
        f.debug_struct("Opening")
            .field("dialect", &self.dialect)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

fn broken(failure: Failure) -> Batch {
    let detail = failure
        .detail
        .unwrap_or_else(|| failure.error.message.clone());
    Batch {
        ending: Some(Ending::Broken {
            reason: failure.end,
            error: *failure.error,
            detail,
        }),
        ..Batch::default()
    }
}

fn not_a_stream() -> Failure {
    let error = ErrorInfo::new(ErrorKind::Upstream, "The provider's answer cannot be used.");
    Failure::new(EndReason::Malformed, error)
}
