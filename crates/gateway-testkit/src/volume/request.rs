//! As much of a request as is needed to answer it, without an allocation.

use super::{Family, Mode};

/// A request that is whole in the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) target: &'a str,
    pub(super) mode: Option<&'a str>,
    pub(super) body: &'a [u8],
    /// Length of head and body.
    pub(super) length: usize,
    pub(super) close: bool,
}

impl<'a> Request<'a> {
    /// `Ok(None)`: more bytes are needed.
    pub(super) fn parse(buffer: &'a [u8]) -> Result<Option<Self>, &'static str> {
        let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&buffer[..end]).map_err(|_| "the head is not UTF-8")?;
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default();
        let target = start.split(' ').nth(1).ok_or("no request line")?;
        let (mut body_length, mut mode, mut close) = (0, None, start.ends_with("1.0"));
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                return Err("a header without a colon");
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                body_length = value.parse().map_err(|_| "a bad content-length")?;
            } else if name.eq_ignore_ascii_case("x-volume") {
                mode = Some(value);
            } else if name.eq_ignore_ascii_case("connection") {
                close = value.eq_ignore_ascii_case("close");
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err("chunked requests are not supported");
            }
        }
        let length = end + 4 + body_length;
        let Some(body) = buffer.get(end + 4..length) else {
            return Ok(None);
        };
        Ok(Some(Self {
            target,
            mode,
            body,
            length,
            close,
        }))
    }

    pub(super) fn family(&self) -> Family {
        let path = self.target.split('?').next().unwrap_or_default();
        if path.ends_with("/messages") || path.ends_with("awPredict") {
            Family::Anthropic
        } else {
            Family::OpenAi
        }
    }

    /// What it asks for.
    pub(super) fn mode(&self) -> Result<Mode, String> {
        let in_path = self
            .target
            .split_once("/m/")
            .map(|(_, rest)| rest.split(['/', '?', ':']).next().unwrap_or_default());
        match self.mode.or(in_path) {
            Some(text) => text.parse(),
            None if asks_for_stream(self.body) || self.target.ends_with(":streamRawPredict") => {
                Ok(Mode::Events {
                    count: 64,
                    bytes: 24,
                })
            }
            None => Ok(Mode::Plain { bytes: 24 }),
        }
    }
}

fn asks_for_stream(body: &[u8]) -> bool {
    [&b"\"stream\":true"[..], b"\"stream\": true"]
        .iter()
        .any(|text| memchr::memmem::find(body, text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_only_when_it_is_whole() {
        let wire =
            b"POST /m/events-3/v1/messages?beta=true HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET";
        for end in 0..wire.len() - 3 {
            assert_eq!(Request::parse(&wire[..end]), Ok(None));
        }
        let request = Request::parse(wire).unwrap().unwrap();
        assert_eq!((request.body, request.length), (&b"{}"[..], wire.len() - 3));
        assert_eq!(request.family(), Family::Anthropic);
        assert_eq!(
            request.mode(),
            Ok(Mode::Events {
                count: 3,
                bytes: 24
            })
        );
    }

    #[test]
    fn modes_read_back_as_they_are_written() {
        for text in [
            "plain-5",
            "events-64-10",
            "burst-64-10",
            "paced-100-20-30",
            "idle",
        ] {
            assert_eq!(text.parse::<Mode>().unwrap().to_string(), text);
        }
        for text in ["", "paced-1", "events", "idle-1", "plain-x", "what"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }
}
