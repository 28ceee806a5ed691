//! Server-sent events: bytes in as they were read, whole events out, observed in place.
//!
//! The rules are those of the WHATWG HTML standard, section "Server-sent events", applied to bytes, with limits.

mod event;
mod line_ends;

use std::fmt;

use bytes::Bytes;
use memchr::memchr;

pub use event::Event;
use line_ends::LineEnds;

/// Cuts a byte stream into events, whatever the sizes of the reads.
///
/// What comes out does not depend on how the bytes were split on arrival. Line ends become LF, a BOM at the start is
/// removed; every other byte comes out as it came in. The memory it holds is at most one unfinished event, so at most
/// the limit; with nothing unfinished it holds none.
///
/// ```
/// use bytes::Bytes;
/// use gateway_core::{Flow, Framer};
///
/// let mut framer = Framer::new(16 * 1024 * 1024);
/// let mut seen = Vec::new();
/// let fed = framer.feed(Bytes::from_static(b"event: ping\ndata: {}\n\ndata: hal"), |event| {
///     seen.push((event.name().map(str::to_owned), event.data().into_owned()));
///     Flow::Continue
/// });
/// assert_eq!(seen, [(Some("ping".to_owned()), "{}".to_owned())]);
/// assert_eq!(fed.ready, "event: ping\ndata: {}\n\n");
/// assert!(!framer.at_boundary());
/// ```
pub struct Framer {
    limit: usize,
    /// The bytes of the event that is not whole yet. Never starts with LF: that would be a whole (blank) event.
    carry: Vec<u8>,
    line_ends: LineEnds,
    over: Option<Over>,
    discarded: bool,
}

/// What one read, or the end of the body, brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "the ready bytes are to be forwarded, the error is to be told"]
pub struct Fed {
    /// Whole events, to be forwarded. A slice of the chunk that was fed when nothing was held back and it had LF line
    /// ends only.
    pub ready: Bytes,
    /// What ended the stream *after* `ready`. It comes back with every later call.
    pub error: Option<FrameError>,
}

/// What the observer of an event wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// This event is the last that is forwarded. What follows, now and in later reads, is dropped.
    Stop,
    /// This event and what follows it is dropped.
    StopBefore,
}

/// Why a stream cannot be framed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// An event is longer than the limit, in bytes.
    #[error("an event of the stream is longer than {limit} bytes")]
    TooLong {
        /// The limit that was given to [`Framer::new`].
        limit: usize,
    },
    /// An event is not UTF-8.
    #[error("an event of the stream is not UTF-8")]
    InvalidUtf8,
}

#[derive(Clone, Copy)]
enum Over {
    Stopped,
    Failed(FrameError),
}

impl Framer {
    /// A framer at the start of a body. `max_event_bytes` bounds one event, its blank line included.
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            limit: max_event_bytes,
            carry: Vec::new(),
            line_ends: LineEnds::default(),
            over: None,
            discarded: false,
        }
    }

    /// Takes what one read brought. Calls `each` once per whole event, in order; blank lines between events are no
    /// events but are forwarded. An event that is not whole is kept for the next read.
    pub fn feed(&mut self, chunk: Bytes, mut each: impl FnMut(Event<'_>) -> Flow) -> Fed {
        if let Some(over) = self.over {
            return over.fed();
        }
        let chunk = self.line_ends.unify(chunk, &mut self.carry);
        if self.carry.is_empty() {
            let first = event_end(&chunk, 0);
            return self.walk(&chunk, first, &mut each);
        }
        let Some(end) = carried_end(&self.carry, &chunk) else {
            return self.hold(&chunk);
        };
        let first = self.carry.len() + end;
        let mut joined = std::mem::take(&mut self.carry);
        joined.reserve_exact(chunk.len());
        joined.extend_from_slice(&chunk);
        self.walk(&Bytes::from(joined), Some(first), &mut each)
    }

    /// Takes the *clean* end of the body. An event whose lines are whole and whose blank line is missing is completed
    /// and comes out; half a line, and the event it belongs to, is discarded, as the standard wants it.
    pub fn finish(&mut self, mut each: impl FnMut(Event<'_>) -> Flow) -> Fed {
        if let Some(over) = self.over {
            return over.fed();
        }
        let mut rest = std::mem::take(&mut self.carry);
        self.discarded =
            self.line_ends.is_inside_bom() || rest.last().is_some_and(|&byte| byte != b'\n');
        if self.discarded || rest.is_empty() {
            return Fed::default();
        }
        rest.push(b'\n');
        let end = rest.len();
        self.walk(&Bytes::from(rest), Some(end), &mut each)
    }

    /// Whether nothing of a half event is held, nor was discarded at the end.
    pub fn at_boundary(&self) -> bool {
        self.carry.is_empty() && !self.line_ends.is_inside_bom() && !self.discarded
    }

    /// Goes over the events of `bytes`, the first of which ends at `next`, and keeps what is left.
    fn walk(
        &mut self,
        bytes: &Bytes,
        mut next: Option<usize>,
        each: &mut impl FnMut(Event<'_>) -> Flow,
    ) -> Fed {
        let mut start = 0;
        while let Some(end) = next {
            if end - start > self.limit {
                return self.fail(
                    bytes.slice(..start),
                    FrameError::TooLong { limit: self.limit },
                );
            }
            let Ok(text) = std::str::from_utf8(&bytes[start..end]) else {
                return self.fail(bytes.slice(..start), FrameError::InvalidUtf8);
            };
            let flow = if text == "\n" {
                Flow::Continue
            } else {
                each(Event::parse(text))
            };
            match flow {
                Flow::Continue => start = end,
                Flow::Stop => return self.stop(bytes.slice(..end)),
                Flow::StopBefore => return self.stop(bytes.slice(..start)),
            }
            next = event_end(bytes, start);
        }
        let ready = bytes.slice(..start);
        let mut fed = self.hold(&bytes[start..]);
        fed.ready = ready;
        fed
    }

    /// Keeps the bytes of an unfinished event, in a buffer that never grows past the limit.
    fn hold(&mut self, bytes: &[u8]) -> Fed {
        let held = self.carry.len() + bytes.len();
        if held > self.limit {
            return self.fail(Bytes::new(), FrameError::TooLong { limit: self.limit });
        }
        if held > self.carry.capacity() {
            // Doubling keeps a trickle of single bytes linear; a first piece is kept as it is.
            let capacity = (self.carry.capacity() * 2).clamp(held, self.limit);
            self.carry.reserve_exact(capacity - self.carry.len());
        }
        self.carry.extend_from_slice(bytes);
        Fed::default()
    }

    fn stop(&mut self, ready: Bytes) -> Fed {
        self.over = Some(Over::Stopped);
        Fed { ready, error: None }
    }

    fn fail(&mut self, ready: Bytes, error: FrameError) -> Fed {
        self.over = Some(Over::Failed(error));
        self.carry = Vec::new();
        Fed {
            ready,
            error: Some(error),
        }
    }
}

impl fmt::Debug for Framer {
    // Without the bytes: they are what somebody asked or was told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer")
            .field("limit", &self.limit)
            .field("held", &self.carry.len())
            .finish_non_exhaustive()
    }
}

impl Over {
    fn fed(self) -> Fed {
        let error = match self {
            Self::Stopped => None,
            Self::Failed(error) => Some(error),
        };
        Fed {
            ready: Bytes::new(),
            error,
        }
    }
}

/// The end of the event that starts at `start`, where every line end is LF. A blank line at the start is an event of
/// its own.
fn event_end(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start) == Some(&b'\n') {
        return Some(start + 1);
    }
    blank_line_end(bytes, start)
}

/// Where `chunk` ends the event that `carry` began.
fn carried_end(carry: &[u8], chunk: &[u8]) -> Option<usize> {
    if carry.last() == Some(&b'\n') && chunk.first() == Some(&b'\n') {
        return Some(1);
    }
    blank_line_end(chunk, 0)
}

fn blank_line_end(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let line_end = from + memchr(b'\n', bytes.get(from..)?)?;
        if *bytes.get(line_end + 1)? == b'\n' {
            return Some(line_end + 2);
        }
        from = line_end + 1;
    }
}

#[cfg(test)]
mod tests;
