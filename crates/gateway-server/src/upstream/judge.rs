//! Judges the bytes of an upstream's stream: which of them are whole events, and how the stream ended. Without IO, so
//! that a test can cut it anywhere.

use bytes::Bytes;
use gateway_core::{
    Dialect, EndReason, ErrorInfo, ErrorKind, Event, Flow, FrameError, Framer, Seen,
    StreamObserver, Usage,
};
use gateway_transport::{BodyError, KilledBy};

/// Takes the bytes of one stream as they are read, and its end.
#[derive(Debug)]
pub(super) struct Judge {
    framer: Framer,
    observer: StreamObserver,
}

/// How the bytes of a stream ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    /// As the framing says that they end.
    Clean,
    /// Before that.
    Lost(&'a BodyError),
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

impl Judge {
    /// Of a stream of `dialect` with so many answers. One event may have `max_event` bytes.
    pub(super) fn new(dialect: Dialect, choices: Option<u64>, max_event: usize) -> Self {
        let mut observer = dialect.stream_observer();
        if let Some(choices) = choices {
            observer.expect_choices(choices);
        }
        Self {
            framer: Framer::new(max_event),
            observer,
        }
    }

    /// What one read brought. After an ending there is nothing more to come: it is dropped.
    pub(super) fn read(&mut self, data: Bytes) -> Batch {
        let observer = &mut self.observer;
        let mut batch = Batch::default();
        let mut watch = |event: Event<'_>| note(observer.event(&event), &mut batch);
        let fed = self.framer.feed(data, &mut watch);
        batch.ready = fed.ready;
        if let (None, Some(error)) = (&batch.ending, fed.error) {
            batch.ending = Some(unreadable(error));
        }
        batch
    }

    /// The bytes have ended. Even a clean end is not the stream's: only the terminal marker tells.
    pub(super) fn end(&mut self, end: End<'_>) -> Batch {
        match end {
            End::Clean => self.ended(),
            End::Lost(error) => Batch::ending(lost(error)),
        }
    }

    /// What the provider has said of its usage so far.
    pub(super) fn usage(&self) -> Usage {
        self.observer.usage()
    }

    fn ended(&mut self) -> Batch {
        let observer = &mut self.observer;
        let mut batch = Batch::default();
        // Some providers end their last event without its blank line. What makes the stream complete by that is taken
        // for whole; anything else is half an event, which no client must see.
        let mut watch = |event: Event<'_>| {
            let seen = observer.event(&event);
            let said = match seen {
                Seen::Error(_) => true,
                Seen::Malformed => false,
                _ => event.has_data() && observer.is_complete(),
            };
            if said {
                note(seen, &mut batch)
            } else {
                Flow::StopBefore
            }
        };
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

/// Adds to `batch` what an event of it was seen to be.
fn note(seen: Seen, batch: &mut Batch) -> Flow {
    match seen {
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

#[cfg(test)]
mod tests;
