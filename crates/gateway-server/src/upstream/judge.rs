//! Judges the bytes of an upstream's stream: which of them are whole events, and how the stream ended. Without IO, so
//! that a test can cut it anywhere.

use bytes::Bytes;
use gateway_core::{
    AwsEvents, Dialect, EndReason, ErrorInfo, ErrorKind, Event, Flow, FrameError, Framer,
    Malformed, Passage, Seen, StreamObserver, Usage,
};
use gateway_providers::Framing;
use gateway_transport::{BodyError, KilledBy};

/// Takes the bytes of one stream as they are read, and its end.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Unwraps the events where they do not come as text.
    frames: Option<AwsEvents>,
    framer: Framer,
    observer: StreamObserver,
    passage: Passage,
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
    /// Of a stream of `dialect` with so many answers, which goes this way to the client. One event may have `max_event`
    /// bytes.
    pub(crate) fn new(
        dialect: Dialect,
        framing: Framing,
        choices: Option<u64>,
        passage: Passage,
        max_event: usize,
    ) -> Self {
        let mut observer = dialect.stream_observer();
        if let Some(choices) = choices {
            observer.expect_choices(choices);
        }
        let frames = match framing {
            Framing::EventStream => None,
            Framing::AwsConverse => Some(AwsEvents::converse(max_event)),
            Framing::AwsInvoke => Some(AwsEvents::invoke(max_event)),
        };
        Self {
            frames,
            framer: Framer::new(max_event),
            observer,
            passage,
        }
    }

    /// What one read brought. After an ending there is nothing more to come: it is dropped.
    pub(super) fn read(&mut self, data: Bytes) -> Batch {
        let (data, bad_frame) = match &mut self.frames {
            None => (data, None),
            Some(frames) => {
                let unwrapped = frames.feed(&data);
                (unwrapped.text, unwrapped.error)
            }
        };
        let rewrites = self.passage.rewrites();
        let (observer, passage) = (&mut self.observer, &mut self.passage);
        let mut batch = Batch::default();
        // An event of one dialect is about as long as one of another.
        let room = if rewrites {
            data.len() + data.len() / 4
        } else {
            0
        };
        let mut out = Vec::with_capacity(room);
        let mut watch = |event: Event<'_>| {
            let seen = observer.event(&event);
            if seen == Seen::Malformed && passage.translates() {
                batch.ending = Some(not_understood(Malformed::NotJson));
                return Flow::StopBefore;
            }
            let flow = note(seen, &mut batch);
            if rewrites {
                pass(passage, &event, flow, &mut out, &mut batch)
            } else {
                flow
            }
        };
        let fed = self.framer.feed(data, &mut watch);
        if rewrites {
            if let Some(Ending::Complete { .. }) = batch.ending {
                passage.finish(&[], &mut out);
            }
            batch.ready = out.into();
        } else {
            batch.ready = passage.forward(fed.ready);
        }
        if let (None, Some(error)) = (&batch.ending, fed.error) {
            batch.ending = Some(unreadable(error));
        }
        if let (None, Some(error)) = (&batch.ending, bad_frame) {
            batch.ending = Some(not_understood(error));
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

    /// How a client that speaks `dialect` is told that the stream broke off.
    pub(super) fn error_event(&mut self, dialect: Dialect, error: &ErrorInfo) -> Bytes {
        self.passage.error(dialect, error)
    }

    /// What the provider has said of its usage so far.
    pub(super) fn usage(&self) -> Usage {
        self.observer.usage()
    }

    fn ended(&mut self) -> Batch {
        let rewrites = self.passage.rewrites();
        let (observer, passage) = (&mut self.observer, &mut self.passage);
        let mut batch = Batch::default();
        let mut out = Vec::new();
        // Some providers end their last event without its blank line. What makes the stream complete by that is taken
        // for whole; anything else is half an event, which no client must see.
        let mut watch = |event: Event<'_>| {
            let seen = observer.event(&event);
            let said = match seen {
                Seen::Error(_) => true,
                Seen::Malformed => false,
                _ => event.has_data() && observer.is_complete(),
            };
            if !said {
                return Flow::StopBefore;
            }
            let flow = note(seen, &mut batch);
            if rewrites {
                pass(passage, &event, flow, &mut out, &mut batch)
            } else {
                flow
            }
        };
        let fed = self.framer.finish(&mut watch);
        batch.ready = if rewrites {
            out.into()
        } else {
            passage.forward(fed.ready)
        };
        let mut rest = Vec::new();
        if batch.ending.is_some() {
            if let Some(Ending::Complete { rest: last }) = &mut batch.ending {
                passage.finish(&[], &mut rest);
                *last = rest.into();
            }
            return batch;
        }
        let half_frame = self.frames.as_ref().is_some_and(|it| !it.at_boundary());
        batch.ending = Some(match fed.error {
            Some(error) => unreadable(error),
            None if self.observer.is_complete() && !half_frame => {
                let marker = self.observer.closing().unwrap_or_default();
                passage.finish(&marker, &mut rest);
                Ending::Complete { rest: rest.into() }
            }
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

/// Adds to `out` what an event becomes. One that is not understood ends the stream.
fn pass(
    passage: &mut Passage,
    event: &Event<'_>,
    flow: Flow,
    out: &mut Vec<u8>,
    batch: &mut Batch,
) -> Flow {
    if flow == Flow::StopBefore {
        return flow;
    }
    match passage.event(event, out) {
        Ok(()) => flow,
        Err(error) => {
            batch.ending = Some(not_understood(error));
            Flow::StopBefore
        }
    }
}

fn not_understood(error: Malformed) -> Ending {
    Ending::Broken {
        reason: EndReason::Malformed,
        detail: error.to_string(),
        error: error.into(),
    }
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
