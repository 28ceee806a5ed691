//! The upstream's side of a stream: bytes in, whole observed events out, and how it ended.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, ErrorInfo, ErrorKind, FrameError, Framer, Seen};
use gateway_core::{Event, Flow, StreamObserver, Usage};
use gateway_transport::{BodyError, KilledBy, ResponseBody};
use http_body::Body;

/// A stream of events from an upstream.
#[derive(Debug)]
pub(crate) struct UpstreamStream {
    body: ResponseBody,
    framer: Framer,
    observer: StreamObserver,
}

/// What one read of the upstream brought.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Whole events, ready to be forwarded. May be empty.
    pub ready: Bytes,
    /// How many events `ready` holds.
    pub events: u64,
    /// There was meaningful content among them.
    pub content: bool,
    /// The stream has ended behind `ready`.
    pub ending: Option<Ending>,
}

/// How an upstream's stream ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The terminal marker was seen. `rest` is what the stream still lacks of a proper end.
    Complete {
        /// For example OpenAI's `[DONE]` after a finish reason.
        rest: Bytes,
    },
    /// Anything else: the client must be told.
    Broken {
        /// For the record.
        reason: EndReason,
        /// For the client.
        error: ErrorInfo,
        /// For the operator.
        detail: String,
    },
}

impl UpstreamStream {
    /// Observes `body` as a stream of `dialect` with so many answers. One event may have `max_event` bytes.
    pub(crate) fn new(
        dialect: Dialect,
        choices: Option<u64>,
        body: ResponseBody,
        max_event: usize,
    ) -> Self {
        let mut observer = dialect.stream_observer();
        if let Some(choices) = choices {
            observer.expect_choices(choices);
        }
        Self {
            body,
            framer: Framer::new(max_event),
            observer,
        }
    }

    /// What one read brings. Polled again after an ending, it waits for the end of the framing only.
    pub(crate) fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Batch> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(frame) => frame,
            };
            let batch = match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.observe(data),
                    Err(_trailers) => continue,
                },
                Some(Err(error)) => Batch::ending(lost(&error)),
                None => self.ended(),
            };
            if batch.ending.is_some() || !batch.ready.is_empty() || batch.content {
                return Poll::Ready(batch);
            }
        }
    }

    /// Whether the framing has ended too, so that the connection serves the next call. Data behind the terminal
    /// marker is dropped.
    pub(crate) fn poll_end_of_framing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(frame) = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            if frame.is_err() {
                break;
            }
        }
        Poll::Ready(())
    }

    /// What the provider has said of its usage so far.
    pub(crate) fn usage(&self) -> Usage {
        self.observer.usage()
    }

    fn observe(&mut self, data: Bytes) -> Batch {
        let observer = &mut self.observer;
        let mut batch = Batch::default();
        let mut watch = |event: Event<'_>| watch_event(observer, &event, &mut batch);
        let fed = self.framer.feed(data, &mut watch);
        batch.ready = fed.ready;
        if let (None, Some(error)) = (&batch.ending, fed.error) {
            batch.ending = Some(unreadable(error));
        }
        batch
    }

    /// The framing ended cleanly: only the terminal marker tells whether the stream did, too.
    fn ended(&mut self) -> Batch {
        let observer = &mut self.observer;
        let mut batch = Batch::default();
        let mut watch = |event: Event<'_>| watch_event(observer, &event, &mut batch);
        let fed = self.framer.finish(&mut watch);
        batch.ready = fed.ready;
        if batch.ending.is_some() {
            return batch;
        }
        batch.ending = Some(match fed.error {
            Some(error) => unreadable(error),
            None if self.observer.is_complete() => Ending::Complete {
                rest: self.observer.closing().unwrap_or_default(),
            },
            None => broken(
                EndReason::Truncated,
                "The provider ended the stream before it was complete.",
                "the stream ended without its terminal marker",
            ),
        });
        batch
    }
}

fn watch_event(observer: &mut StreamObserver, event: &Event<'_>, batch: &mut Batch) -> Flow {
    match observer.event(event) {
        Seen::Content => batch.content = true,
        Seen::Preamble | Seen::Other | Seen::Malformed => {}
        Seen::Terminal => {
            batch.events += 1;
            batch.content = true;
            batch.ending = Some(Ending::Complete { rest: Bytes::new() });
            return Flow::Stop;
        }
        Seen::Error(error) => {
            batch.ending = Some(Ending::Broken {
                reason: EndReason::UpstreamError,
                detail: format!("the provider sent an error event: {}", error.message),
                error,
            });
            return Flow::StopBefore;
        }
    }
    batch.events += 1;
    Flow::Continue
}

fn lost(error: &BodyError) -> Ending {
    if let BodyError::Killed { by, .. } = error {
        let (reason, told) = told_of_kill(*by);
        return Ending::Broken {
            reason,
            error: told,
            detail: error.to_string(),
        };
    }
    broken(
        EndReason::Truncated,
        "The connection to the provider was lost before the stream was complete.",
        &error.to_string(),
    )
}

/// How a call ends that was cut on purpose, and what its client is told.
pub(crate) fn told_of_kill(by: KilledBy) -> (EndReason, ErrorInfo) {
    match by {
        KilledBy::Shutdown => (
            EndReason::ShutdownDeadline,
            ErrorInfo::new(
                ErrorKind::Unavailable,
                "The gateway is shutting down and its drain time is over.",
            ),
        ),
        _ => (
            EndReason::Cancelled,
            ErrorInfo::new(
                ErrorKind::Upstream,
                "The gateway's operator ended this call.",
            ),
        ),
    }
}

fn unreadable(error: FrameError) -> Ending {
    Ending::Broken {
        reason: EndReason::Malformed,
        detail: error.to_string(),
        error: error.into(),
    }
}

fn broken(reason: EndReason, message: &str, detail: &str) -> Ending {
    Ending::Broken {
        reason,
        error: ErrorInfo::new(ErrorKind::Upstream, message),
        detail: detail.to_owned(),
    }
}

impl Batch {
    /// Adds what the next read brought.
    pub(crate) fn append(&mut self, next: Self) {
        self.ready = match (self.ready.is_empty(), next.ready.is_empty()) {
            (true, _) => next.ready,
            (false, true) => std::mem::take(&mut self.ready),
            (false, false) => [&*self.ready, &*next.ready].concat().into(),
        };
        self.events += next.events;
        self.content |= next.content;
        self.ending = next.ending;
    }

    fn ending(ending: Ending) -> Self {
        Self {
            ending: Some(ending),
            ..Self::default()
        }
    }
}
