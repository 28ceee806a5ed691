//! HTTP/1.1 heads and bodies, parsed leniently and by our own code.
//!
//! The double and the raw client must be able to see and to say what a correct library refuses, so
//! neither uses one. Names keep their case and order, bytes above 127 become the Latin-1 characters
//! of the same number: nothing is lost.

use bytes::{Buf, Bytes, BytesMut};

/// A header as it was on the wire.
pub type Header = (String, String);

/// The first line and the headers of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Request line or status line, without its line end.
    pub start: String,
    /// Headers in wire order.
    pub headers: Vec<Header>,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body and no framing header.
    None,
    /// `content-length`.
    Length(u64),
    /// `transfer-encoding: chunked`.
    Chunked,
    /// The body ends with the connection.
    Close,
}

/// One step of reading a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Some bytes of the body.
    Data(Bytes),
    /// The buffer holds nothing more: read from the connection.
    NeedMore,
    /// The body ended as its framing says; these are its trailers.
    End(Vec<Header>),
}

/// What could not be understood, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

/// Takes a body out of a buffer, one piece at a time.
#[derive(Debug)]
pub struct BodyReader {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

impl Head {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// How the body of a message with this head is framed; `without` is what holds if nothing is said.
    ///
    /// # Errors
    /// If `content-length` is not a number.
    pub fn framing(&self, without: Framing) -> Result<Framing, Malformed> {
        if let Some(coding) = self.header("transfer-encoding") {
            if coding.to_ascii_lowercase().contains("chunked") {
                return Ok(Framing::Chunked);
            }
            return Ok(without);
        }
        match self.header("content-length") {
            None => Ok(without),
            Some(text) => text
                .trim()
                .parse()
                .map(Framing::Length)
                .map_err(|_| Malformed(format!("content-length {text:?}"))),
        }
    }

    /// Takes a whole head off the front of `buffer`; `None` while it is incomplete.
    ///
    /// # Errors
    /// If a line has no colon.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, Malformed> {
        // Empty lines before a start line are skipped, as RFC 9112 section 2.2 asks.
        while buffer.starts_with(b"\r\n") {
            buffer.advance(2);
        }
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else {
            return Ok(None);
        };
        let text: String = buffer
            .split_to(end + 4)
            .iter()
            .map(|byte| char::from(*byte))
            .collect();
        let mut lines = text.trim_end_matches("\r\n").split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines.map(header_line).collect::<Result<_, _>>()?;
        Ok(Some(Self { start, headers }))
    }
}

impl BodyReader {
    /// A reader for a body framed like this.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(n) => State::Length(n),
            Framing::Chunked => State::ChunkSize,
            Framing::Close => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the body is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the end of the connection is the proper end of the body here.
    #[must_use]
    pub fn may_end_here(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Takes the next piece out of `buffer`.
    ///
    /// # Errors
    /// If the chunked framing is broken.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Decoded, Malformed> {
        loop {
            match self.state {
                State::Done => return Ok(Decoded::End(Vec::new())),
                State::UntilClose if buffer.is_empty() => return Ok(Decoded::NeedMore),
                State::UntilClose => return Ok(Decoded::Data(buffer.split().freeze())),
                State::Length(left) => return Ok(self.data(buffer, left, State::Length)),
                State::ChunkData(left) => return Ok(self.data(buffer, left, State::ChunkData)),
                State::ChunkSize => match take_line(buffer) {
                    None => return Ok(Decoded::NeedMore),
                    Some(line) => {
                        let size = chunk_size(&line)?;
                        self.state = if size == 0 {
                            State::Trailers
                        } else {
                            State::ChunkData(size)
                        };
                    }
                },
                State::ChunkEnd => {
                    if buffer.len() < 2 {
                        return Ok(Decoded::NeedMore);
                    }
                    if !buffer.starts_with(b"\r\n") {
                        return Err(Malformed("no line end after a chunk".to_owned()));
                    }
                    buffer.advance(2);
                    self.state = State::ChunkSize;
                }
                State::Trailers => return self.trailers(buffer),
            }
        }
    }

    fn data(&mut self, buffer: &mut BytesMut, left: u64, next: fn(u64) -> State) -> Decoded {
        if buffer.is_empty() {
            return Decoded::NeedMore;
        }
        let take = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let data = buffer.split_to(take).freeze();
        let left = left - take as u64;
        let in_chunk = matches!(self.state, State::ChunkData(_));
        self.state = match (left, in_chunk) {
            (0, true) => State::ChunkEnd,
            (0, false) => State::Done,
            _ => next(left),
        };
        Decoded::Data(data)
    }

    fn trailers(&mut self, buffer: &mut BytesMut) -> Result<Decoded, Malformed> {
        if buffer.starts_with(b"\r\n") {
            buffer.advance(2);
            self.state = State::Done;
            return Ok(Decoded::End(Vec::new()));
        }
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else {
            return Ok(Decoded::NeedMore);
        };
        let text: String = buffer
            .split_to(end + 4)
            .iter()
            .map(|byte| char::from(*byte))
            .collect();
        self.state = State::Done;
        let lines = text.trim_end_matches("\r\n").split("\r\n");
        Ok(Decoded::End(
            lines.map(header_line).collect::<Result<_, _>>()?,
        ))
    }
}

/// The first header of this name, whatever its case.
#[must_use]
pub fn header<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// One chunk of the chunked coding. An empty `data` gives no bytes, because an empty chunk is the end.
#[must_use]
pub fn chunk(data: &[u8]) -> Bytes {
    if data.is_empty() {
        return Bytes::new();
    }
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out.into()
}

/// The last chunk with these trailers.
#[must_use]
pub fn last_chunk(trailers: &[Header]) -> Bytes {
    let mut out = "0\r\n".to_owned();
    for (name, value) in trailers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    latin1(&out)
}

/// The bytes of a Latin-1 text; characters above U+00FF are written as UTF-8.
#[must_use]
pub fn latin1(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) => out.push(byte),
            Err(_) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.into()
}

fn header_line(line: &str) -> Result<Header, Malformed> {
    line.split_once(':')
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .ok_or_else(|| Malformed(format!("header line without a colon: {line:?}")))
}

fn take_line(buffer: &mut BytesMut) -> Option<String> {
    let end = memchr::memmem::find(buffer, b"\r\n")?;
    let line = buffer.split_to(end + 2);
    Some(line[..end].iter().map(|byte| char::from(*byte)).collect())
}

fn chunk_size(line: &str) -> Result<u64, Malformed> {
    let digits = line.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(digits, 16).map_err(|_| Malformed(format!("chunk size {line:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(
        framing: Framing,
        wire: &[u8],
        step: usize,
    ) -> Result<(Vec<u8>, Vec<Header>), Malformed> {
        let mut reader = BodyReader::new(framing);
        let mut buffer = BytesMut::new();
        let mut out = Vec::new();
        let mut pieces = wire.chunks(step);
        loop {
            match reader.decode(&mut buffer)? {
                Decoded::Data(data) => out.extend_from_slice(&data),
                Decoded::End(trailers) => return Ok((out, trailers)),
                Decoded::NeedMore => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return Err(Malformed("ended early".to_owned())),
                },
            }
        }
    }

    #[test]
    fn a_chunked_body_reads_the_same_whatever_the_split() {
        let mut wire = chunk(b"hello ").to_vec();
        wire.extend_from_slice(&chunk(b"world"));
        wire.extend_from_slice(&last_chunk(&[("x-end".to_owned(), "yes".to_owned())]));
        for step in 1..wire.len() {
            let (body, trailers) = read_all(Framing::Chunked, &wire, step).unwrap();
            assert_eq!(body, b"hello world");
            assert_eq!(trailers, [("x-end".to_owned(), "yes".to_owned())]);
        }
    }

    #[test]
    fn a_cut_chunk_is_not_an_end() {
        assert!(read_all(Framing::Chunked, b"5\r\nhell", 3).is_err());
        assert!(read_all(Framing::Chunked, b"5\r\nhello\r\n", 3).is_err());
        assert!(read_all(Framing::Length(5), b"hell", 3).is_err());
        assert!(read_all(Framing::Chunked, b"5\r\nhelloXX", 3).is_err());
    }

    #[test]
    fn a_head_keeps_case_order_and_repetition() {
        let mut buffer = BytesMut::from(&b"GET / HTTP/1.1\r\nA: 1\r\na:2\r\n\r\nrest"[..]);
        let head = Head::take(&mut buffer).unwrap().unwrap();
        assert_eq!(head.start, "GET / HTTP/1.1");
        let expected = [("A", "1"), ("a", "2")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(head.headers, expected);
        assert_eq!(&buffer[..], b"rest");
    }
}
