//! How the double answers one request: a list of steps, right or wrong ones.
//!
//! ```
//! use gateway_testkit::script::{Gate, ResponseHead, Script};
//! let gate = Gate::new();
//! let script = Script::new()
//!     .head(ResponseHead::sse())
//!     .bytes("data: {}\n\n")
//!     .wait(&gate) // until the test calls `gate.open()`
//!     .reset();
//! # assert_eq!(script.len(), 4);
//! ```

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::http1::{Framing, Header};

mod frame;

pub use frame::{Frame, LastStream};

/// The steps of one answer, in order.
///
/// A script that runs out of steps before its body has ended closes the connection with FIN, which
/// truncates the answer. After a complete answer the connection stays open for the next request.
#[derive(Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

/// One thing that the double does. On HTTP/2 "the connection" is the whole connection unless a step says "stream".
#[non_exhaustive]
pub enum Step {
    /// Sends a final response head.
    Head(ResponseHead),
    /// Sends an informational response (1xx).
    Interim(u16, Vec<Header>),
    /// Sends body bytes in the framing of the head: one chunk, or DATA frames; flushed.
    Bytes(Bytes),
    /// Sends what the source gives, until it gives `None`.
    Events(Events),
    /// Sends the bytes `size` at a time as body bytes, with a pause after each piece.
    Trickle {
        /// All bytes.
        bytes: Bytes,
        /// Bytes per piece.
        size: usize,
        /// Pause after each piece.
        pause: Duration,
    },
    /// Sends the same body bytes for ever.
    Flood(Bytes),
    /// Puts bytes on the wire without framing; on HTTP/2 between two frames.
    Raw(Bytes),
    /// Like `Trickle`, without framing. HTTP/1 only.
    RawTrickle {
        /// All bytes.
        bytes: Bytes,
        /// Bytes per piece.
        size: usize,
        /// Pause after each piece.
        pause: Duration,
    },
    /// Puts the same bytes on the wire for ever, without framing.
    RawFlood(Bytes),
    /// Ends the body properly, with trailers if there are some.
    End(Vec<Header>),
    /// Waits.
    Sleep(Duration),
    /// Waits until the test opens the gate.
    Wait(Gate),
    /// Opens a gate: tells the test that the script came to this point.
    Open(Gate),
    /// Waits for bytes that belong to the next request (HTTP/1 only).
    NextInput,
    /// Stops reading from the socket, so that the client's writes stall.
    StopReading,
    /// Does nothing more, until the client goes or the double is stopped.
    Stall,
    /// Closes the connection with FIN (and `close_notify` over TLS).
    Close,
    /// Closes the connection with FIN, over TLS without `close_notify`.
    CloseAbruptly,
    /// Closes the connection with RST.
    Reset,
    /// Resets this HTTP/2 stream with an error code.
    ResetStream(u32),
    /// Puts an HTTP/2 frame on the wire behind the back of the protocol library.
    Frame(Frame),
}

/// Status, headers and framing of an answer.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    /// Status code; not checked.
    pub status: u16,
    /// Headers, sent as they are. On HTTP/2 those that cannot be expressed there are left out.
    pub headers: Vec<Header>,
    /// How the end of the body is told; adds the header that goes with it. Of no meaning on HTTP/2, except for `Length`.
    pub framing: Framing,
}

/// A source of body bytes that are made when they are due.
pub struct Events {
    /// Gives the next event, or `None` at the end.
    pub next: Box<dyn FnMut() -> Option<Bytes> + Send>,
    /// How fast.
    pub pace: Pace,
}

/// How fast events go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Time between two bursts; zero sends without a pause.
    pub every: Duration,
    /// Events per burst, joined into one write. At least 1.
    pub burst: usize,
}

/// Something that a test opens once and a script waits for, or the other way round. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Script {
    /// A script without steps: closes the connection without an answer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A complete answer with a `content-length`.
    #[must_use]
    pub fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let head = ResponseHead::new(status)
            .framed(Framing::Length(body.len() as u64))
            .with("content-type", content_type);
        Self::new().head(head).bytes(body).end()
    }

    /// A complete JSON answer.
    #[must_use]
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::answer(status, "application/json", body.to_string())
    }

    /// A complete event stream, as fast as it goes, one chunk per event.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = Bytes>) -> Self {
        events
            .into_iter()
            .fold(Self::new().head(ResponseHead::sse()), Self::bytes)
            .end()
    }

    /// Adds any step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds [`Step::Head`].
    #[must_use]
    pub fn head(self, head: ResponseHead) -> Self {
        self.step(Step::Head(head))
    }

    /// Adds [`Step::Bytes`].
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Adds [`Step::Bytes`] for each of `all`.
    #[must_use]
    pub fn all(self, all: impl IntoIterator<Item = Bytes>) -> Self {
        all.into_iter().fold(self, Self::bytes)
    }

    /// Adds [`Step::Raw`].
    #[must_use]
    pub fn raw(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Raw(bytes.into()))
    }

    /// Adds [`Step::End`] without trailers.
    #[must_use]
    pub fn end(self) -> Self {
        self.step(Step::End(Vec::new()))
    }

    /// Adds [`Step::Sleep`].
    #[must_use]
    pub fn sleep(self, time: Duration) -> Self {
        self.step(Step::Sleep(time))
    }

    /// Adds [`Step::Wait`].
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.step(Step::Wait(gate.clone()))
    }

    /// Adds [`Step::Open`].
    #[must_use]
    pub fn open(self, gate: &Gate) -> Self {
        self.step(Step::Open(gate.clone()))
    }

    /// Adds [`Step::Stall`].
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Adds [`Step::Close`].
    #[must_use]
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Adds [`Step::Reset`].
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps.
    #[must_use]
    pub fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}

impl ResponseHead {
    /// A head with this status, no header, and a chunked body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            framing: Framing::Chunked,
        }
    }

    /// The head of an event stream.
    #[must_use]
    pub fn sse() -> Self {
        Self::new(200)
            .with("content-type", "text/event-stream; charset=utf-8")
            .with("cache-control", "no-cache")
    }

    /// The head of a JSON answer whose body is chunked.
    #[must_use]
    pub fn json(status: u16) -> Self {
        Self::new(status).with("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the framing.
    #[must_use]
    pub fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// The head as HTTP/1.1 bytes, with the header of its framing.
    #[must_use]
    pub fn to_http1(&self) -> Bytes {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        match self.framing {
            Framing::None => {}
            Framing::Length(n) => text.push_str(&format!("content-length: {n}\r\n")),
            Framing::Chunked => text.push_str("transfer-encoding: chunked\r\n"),
            Framing::Close => text.push_str("connection: close\r\n"),
        }
        text.push_str("\r\n");
        crate::http1::latin1(&text)
    }
}

impl Pace {
    /// Everything at once, one write per event.
    pub const NONE: Self = Self {
        every: Duration::ZERO,
        burst: 1,
    };
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Opens it, for good.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is open.
    pub async fn opened(&self) {
        self.0
            .subscribe()
            .wait_for(|open| *open)
            .await
            .expect("we hold the sender ourselves");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Head(head) => return write!(f, "Head({})", head.status),
            Self::Interim(status, _) => return write!(f, "Interim({status})"),
            Self::Bytes(bytes) => return write!(f, "Bytes({})", bytes.len()),
            Self::Frame(frame) => return write!(f, "{frame:?}"),
            Self::ResetStream(code) => return write!(f, "ResetStream({code})"),
            Self::Sleep(time) => return write!(f, "Sleep({time:?})"),
            Self::Events(_) => "Events",
            Self::Trickle { .. } => "Trickle",
            Self::Flood(_) => "Flood",
            Self::Raw(_) => "Raw",
            Self::RawTrickle { .. } => "RawTrickle",
            Self::RawFlood(_) => "RawFlood",
            Self::End(_) => "End",
            Self::Wait(_) => "Wait",
            Self::Open(_) => "Open",
            Self::NextInput => "NextInput",
            Self::StopReading => "StopReading",
            Self::Stall => "Stall",
            Self::Close => "Close",
            Self::CloseAbruptly => "CloseAbruptly",
            Self::Reset => "Reset",
        })
    }
}

fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Whatever")
}
