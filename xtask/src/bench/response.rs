//! Just enough of HTTP/1.1 to see where an answer ends.
//!
//! A real client would cost more than the proxy that is measured.

/// One answer, fed with what the socket brings.
#[derive(Debug)]
pub(crate) struct Response {
    state: State,
    head: Vec<u8>,
    /// Status code; 0 until the head is whole.
    pub(crate) status: u16,
    /// Bytes of the body so far, without chunk framing.
    pub(crate) body_bytes: u64,
    /// Blank lines of the body so far: whole events, if it is a stream.
    pub(crate) events: u64,
    last: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(u64),
    ChunkSize { size: u64, extension: bool },
    ChunkData(u64),
    ChunkEnd,
    Trailer { line: usize },
    UntilClose,
    Done,
}

impl Response {
    /// Waits for the head of an answer.
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Head,
            head: Vec::new(),
            status: 0,
            body_bytes: 0,
            events: 0,
            last: 0,
        }
    }

    /// Forgets the answer; keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.head.clear();
        self.state = State::Head;
        self.status = 0;
        self.body_bytes = 0;
        self.events = 0;
        self.last = 0;
    }

    /// Whether the answer is whole.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether a close by the peer is a proper end here.
    pub(crate) fn ends_by_close(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Takes what one read brought; `each` sees the pieces of the body in order.
    ///
    /// # Errors
    /// Framing that is not HTTP/1.1, and bytes after the end (nobody pipelines here).
    pub(crate) fn feed(
        &mut self,
        input: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), &'static str> {
        let mut rest = input;
        while !rest.is_empty() {
            rest = match self.state {
                State::Head => self.feed_head(rest)?,
                State::Length(left) => {
                    let (piece, rest) = self.body(rest, left, &mut each);
                    self.state = match left - piece {
                        0 => State::Done,
                        left => State::Length(left),
                    };
                    rest
                }
                State::ChunkData(left) => {
                    let (piece, rest) = self.body(rest, left, &mut each);
                    self.state = match left - piece {
                        0 => State::ChunkEnd,
                        left => State::ChunkData(left),
                    };
                    rest
                }
                State::UntilClose => self.body(rest, u64::MAX, &mut each).1,
                State::Done => return Err("bytes after the end of the answer"),
                _ => self.feed_framing(rest)?,
            };
        }
        Ok(())
    }

    fn body<'a>(
        &mut self,
        input: &'a [u8],
        limit: u64,
        each: &mut impl FnMut(&[u8]),
    ) -> (u64, &'a [u8]) {
        let length = usize::try_from(limit).map_or(input.len(), |limit| limit.min(input.len()));
        let (piece, rest) = input.split_at(length);
        if self.last == b'\n' && piece.first() == Some(&b'\n') {
            self.events += 1;
        }
        self.events += memchr::memmem::find_iter(piece, b"\n\n").count() as u64;
        self.last = piece.last().copied().unwrap_or(self.last);
        self.body_bytes += length as u64;
        each(piece);
        (length as u64, rest)
    }

    fn feed_head<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], &'static str> {
        let before = self.head.len();
        self.head.extend_from_slice(input);
        let Some(end) = memchr::memmem::find(&self.head, b"\r\n\r\n") else {
            return if self.head.len() > 64 * 1024 {
                Err("endless head")
            } else {
                Ok(&[])
            };
        };
        let head = &self.head[..end];
        self.status = head
            .get(9..12)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| digits.parse().ok())
            .ok_or("no status line")?;
        self.state = framing(head)?;
        Ok(&input[end + 4 - before..])
    }

    fn feed_framing<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], &'static str> {
        let (byte, rest) = input.split_first().expect("the caller has input");
        self.state = match (self.state, *byte) {
            (State::ChunkSize { size: 0, .. }, b'\n') => State::Trailer { line: 0 },
            (State::ChunkSize { size, .. }, b'\n') => State::ChunkData(size),
            (State::ChunkSize { size, .. }, b'\r' | b';') => State::ChunkSize {
                size,
                extension: true,
            },
            (
                state @ State::ChunkSize {
                    extension: true, ..
                },
                _,
            ) => state,
            (State::ChunkSize { size, .. }, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or("bad chunk size")?;
                State::ChunkSize {
                    size: size * 16 + u64::from(digit),
                    extension: false,
                }
            }
            (State::ChunkEnd, b'\r') => State::ChunkEnd,
            (State::ChunkEnd, b'\n') => NEXT_CHUNK,
            (State::Trailer { line: 0 }, b'\n') => State::Done,
            (State::Trailer { .. }, b'\n') => State::Trailer { line: 0 },
            (State::Trailer { line }, b'\r') => State::Trailer { line },
            (State::Trailer { line }, _) => State::Trailer { line: line + 1 },
            _ => return Err("bad chunk framing"),
        };
        Ok(rest)
    }
}

const NEXT_CHUNK: State = State::ChunkSize {
    size: 0,
    extension: false,
};

fn framing(head: &[u8]) -> Result<State, &'static str> {
    let mut state = State::UntilClose;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        if let Some(value) = value_of(line, b"content-length:") {
            let length = value.parse().map_err(|_| "bad content length")?;
            state = if length == 0 {
                State::Done
            } else {
                State::Length(length)
            };
        } else if value_of(line, b"transfer-encoding:").is_some() {
            return Ok(NEXT_CHUNK);
        }
    }
    Ok(state)
}

/// The trimmed value, if the line is that header; `name` is in lower case and ends with its colon.
pub(crate) fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let (start, value) = line.split_at_checked(name.len())?;
    if !start.eq_ignore_ascii_case(name) {
        return None;
    }
    std::str::from_utf8(value).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Dialect;
    use super::super::payload::{Answers, EVENTS};
    use super::*;

    fn read(bytes: &[u8], step: usize) -> Response {
        let mut response = Response::new();
        for piece in bytes.chunks(step) {
            assert!(!response.is_done());
            response.feed(piece, |_| ()).unwrap();
        }
        response
    }

    #[test]
    fn the_end_is_found_however_the_bytes_are_split() {
        let answers = Answers::new(Dialect::Chat);
        for step in [1, 2, 7, 100, 1_000_000] {
            let stream = read(&answers.burst, step);
            assert!(stream.is_done());
            assert_eq!((stream.status, stream.events), (200, EVENTS as u64));
            let plain = read(&answers.plain, step);
            assert!(plain.is_done());
            assert!(plain.body_bytes > 400);
        }
    }

    #[test]
    fn an_answer_that_lacks_its_last_chunk_is_not_done() {
        let mut bytes = Answers::new(Dialect::Chat).burst;
        bytes.truncate(bytes.len() - 5);
        assert!(!read(&bytes, 64).is_done());
    }

    #[test]
    fn bytes_after_the_end_are_an_error() {
        let mut response = Response::new();
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX";
        assert!(response.feed(bytes, |_| ()).is_err());
    }
}
