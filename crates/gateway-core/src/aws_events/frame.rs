//! One frame: its lengths before it is whole, its content afterwards.

use aws_smithy_eventstream::frame::read_message_from;
use bytes::Bytes;

use crate::body::Malformed;

/// What a frame says.
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) payload: Bytes,
}

/// The three kinds of messages.
pub(super) enum Kind {
    /// A part of the answer, by its name.
    Event(String),
    /// A failure that the service's model knows, by its name. The payload says more.
    Exception(String),
    /// A failure that it does not know. There is no payload.
    Error { code: String, message: String },
}

impl Frame {
    /// Reads one whole frame.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let message = read_message_from(&mut bytes).map_err(|_| CONTENT)?;
        let text = |name: &str| {
            let mut headers = message.headers().iter();
            let header = headers.find(|header| header.name().as_str() == name)?;
            header.value().as_string().ok().map(|it| it.as_str())
        };
        let named = |name: &str| text(name).filter(|it| is_name(it)).map(str::to_owned);
        let kind = match text(":message-type") {
            Some("event") => Kind::Event(named(":event-type").ok_or(HEADERS)?),
            Some("exception") => Kind::Exception(named(":exception-type").ok_or(HEADERS)?),
            Some("error") => Kind::Error {
                code: named(":error-code").unwrap_or_default(),
                message: text(":error-message").unwrap_or_default().to_owned(),
            },
            _ => return Err(HEADERS),
        };
        Ok(Self {
            kind,
            payload: message.payload().clone(),
        })
    }
}

/// The length of the frame that begins here, once its prelude is there. The prelude has a checksum of its own so that a
/// wrong length is found at once, and not after having waited for so many bytes.
pub(super) fn frame_length(bytes: &[u8], limit: usize) -> Result<Option<usize>, Malformed> {
    let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE>() else {
        return Ok(None);
    };
    let [a, b, c, d, lengths @ .., p, q, r, s] = *prelude;
    let [e, f, g, h] = lengths;
    if crc32fast::hash(&[a, b, c, d, e, f, g, h]) != u32::from_be_bytes([p, q, r, s]) {
        return Err(Malformed::BadFrame {
            why: "the checksum of its lengths is wrong",
        });
    }
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length < PRELUDE + CHECKSUM {
        return Err(Malformed::BadFrame {
            why: "its length is wrong",
        });
    }
    if length > limit {
        return Err(Malformed::BadFrame {
            why: "it is longer than the limit",
        });
    }
    Ok(Some(length))
}

/// Whether it can stand in a line.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Two lengths and their checksum.
pub(super) const PRELUDE: usize = 12;

/// At the end of the frame.
const CHECKSUM: usize = 4;

const CONTENT: Malformed = Malformed::BadFrame {
    why: "its checksum or its headers are wrong",
};

const HEADERS: Malformed = Malformed::BadFrame {
    why: "its headers do not say what it is",
};
