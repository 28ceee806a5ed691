//! A request body as the gateway needs it: what it must know, and where the bytes are that it must change.
//!
//! The body is checked once, strictly, and never taken apart: what the gateway does not know goes upstream as it came.

mod edit;
mod estimate;
mod fields;
mod repeatable;
mod scan;
mod text;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

pub use edit::Edit;
use fields::is_gateway_key;
pub use fields::{GATEWAY_FIELDS, is_gateway_field};

/// A JSON object that was checked against RFC 8259 in one pass, with the places of its members.
///
/// ```
/// use bytes::Bytes;
/// use gateway_core::{Envelope, Limits};
///
/// let body = Bytes::from_static(br#"{"model": "fast", "stream": true, "timeout": 3, "new_field": {}}"#);
/// let envelope = Envelope::parse(body, Limits::default())?;
/// assert_eq!((envelope.model(), envelope.stream()), (Some("fast"), true));
///
/// let mut edit = envelope.edit();
/// edit.set_string("model", "claude-x").remove_gateway_fields();
/// assert_eq!(edit.finish(), r#"{"model": "claude-x", "stream": true, "new_field": {}}"#);
/// # Ok::<(), gateway_core::EnvelopeError>(())
/// ```
#[derive(Clone)]
pub struct Envelope {
    body: Bytes,
    members: Vec<Member>,
    model: Option<Text>,
    stream: bool,
}

/// Bounds of what is read. The size of the body is bounded by who reads it from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How deep arrays and objects may nest, the body's own object included. At most 128; more counts as 128.
    pub max_depth: usize,
    /// How many members the body's object may have. They are compared with each other, so keep it in the hundreds.
    pub max_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 128,
            max_fields: 256,
        }
    }
}

/// Why a request body is refused, with the byte offset where it was noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The body breaks the grammar of JSON.
    #[error(
        "the request body is not valid JSON: expected {expected} at byte {offset}, found {found}"
    )]
    Syntax {
        /// Bytes before the one that is wrong.
        offset: usize,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there.
        found: Found,
    },
    /// The body starts with a byte order mark.
    #[error("the request body starts with a byte order mark, which JSON does not allow")]
    ByteOrderMark,
    /// The body is not UTF-8.
    #[error("the request body is not UTF-8: invalid byte sequence at byte {offset}")]
    InvalidUtf8 {
        /// Bytes before the invalid sequence.
        offset: usize,
    },
    /// A string holds half of a surrogate pair, which is no character.
    #[error("the request body holds an unpaired surrogate escape at byte {offset}")]
    LoneSurrogate {
        /// Bytes before the escape.
        offset: usize,
    },
    /// Arrays and objects nest too deeply.
    #[error("the request body nests deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// Bytes before the bracket that is too much.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// The body's object has too many members.
    #[error("the request body has more than {limit} fields")]
    TooManyFields {
        /// Bytes before the member that is too much.
        offset: usize,
        /// The limit.
        limit: usize,
    },
    /// A member stands twice in the body's object: two readers could see two different values.
    #[error("the request body has the field `{field}` twice, the second time at byte {offset}")]
    DuplicateField {
        /// Bytes before the second key.
        offset: usize,
        /// The key, escapes resolved, shortened if it is long.
        field: String,
    },
    /// A member that the gateway reads has the wrong type.
    #[error("the field `{field}` must be {expected}")]
    WrongType {
        /// Bytes before the value.
        offset: usize,
        /// The member.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl EnvelopeError {
    /// The request field that is to blame, for the `param` of an error body; `None` if it is the body as a whole.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::DuplicateField { field, .. } => Some(field),
            Self::WrongType { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Where in the body it was noticed, in bytes from its start.
    pub const fn offset(&self) -> usize {
        match self {
            Self::ByteOrderMark => 0,
            Self::Syntax { offset, .. }
            | Self::InvalidUtf8 { offset }
            | Self::LoneSurrogate { offset }
            | Self::TooDeep { offset, .. }
            | Self::TooManyFields { offset, .. }
            | Self::DuplicateField { offset, .. }
            | Self::WrongType { offset, .. } => *offset,
        }
    }
}

/// What stands where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The body ends there.
    End,
    /// This byte.
    Byte(u8),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end of the body"),
            Self::Byte(byte) if byte.is_ascii_graphic() => write!(f, "`{}`", char::from(*byte)),
            Self::Byte(byte) => write!(f, "byte 0x{byte:02x}"),
        }
    }
}

/// One member of the body's object, by its places in the body.
#[derive(Debug, Clone)]
struct Member {
    key: Text,
    /// From the key's opening quote to the end of the value.
    span: Range<usize>,
    value: Range<usize>,
}

/// A JSON string: where its characters lie, or, if some are escaped, what they are.
#[derive(Debug, Clone)]
enum Text {
    InPlace(Range<usize>),
    Unescaped(Box<str>),
}

impl Envelope {
    /// Checks and reads a body.
    ///
    /// # Errors
    /// The body is not one JSON object and nothing else, is over a limit, names a field twice, or has a `model` that is
    /// no string or a `stream` that is no boolean. `null` counts as absent for `stream`, not for `model`.
    pub fn parse(body: Bytes, limits: Limits) -> Result<Self, EnvelopeError> {
        if body.starts_with(b"\xEF\xBB\xBF") {
            return Err(EnvelopeError::ByteOrderMark);
        }
        // Most bodies are ASCII, which is found out several times faster than that they are UTF-8.
        if !body.is_ascii() {
            std::str::from_utf8(&body).map_err(|error| EnvelopeError::InvalidUtf8 {
                offset: error.valid_up_to(),
            })?;
        }
        let members = scan::members(&body, limits)?;
        let mut envelope = Self {
            body,
            members,
            model: None,
            stream: false,
        };
        envelope.model = envelope.read_model()?;
        envelope.stream = envelope.read_stream()?;
        Ok(envelope)
    }

    /// The `model` that the client named, escapes resolved.
    pub fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.as_str(&self.body))
    }

    /// Whether the client wants a stream.
    pub const fn stream(&self) -> bool {
        self.stream
    }

    /// The JSON text of a member's value.
    pub fn field(&self, key: &str) -> Option<&[u8]> {
        self.member(key)
            .map(|member| &self.body[member.value.clone()])
    }

    /// The keys that are present and mean something to the gateway only: they must not go upstream.
    pub fn gateway_fields(&self) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .filter(|member| is_gateway_key(member.key.as_bytes(&self.body)))
            .map(|member| member.key.as_str(&self.body))
    }

    /// The keys of the body's object, in its order, escapes resolved.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.members
            .iter()
            .map(|member| member.key.as_str(&self.body))
    }

    /// Begins a changed copy. The envelope itself never changes, so that every attempt starts from what the client sent.
    pub fn edit(&self) -> Edit<'_> {
        Edit::new(self)
    }

    /// The body as it came.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    fn member(&self, key: &str) -> Option<&Member> {
        self.members
            .iter()
            .find(|member| member.key.as_bytes(&self.body) == key.as_bytes())
    }

    fn read_model(&self) -> Result<Option<Text>, EnvelopeError> {
        let Some(Member { value, .. }) = self.member("model") else {
            return Ok(None);
        };
        if self.body[value.start] != b'"' {
            return Err(EnvelopeError::WrongType {
                offset: value.start,
                field: "model",
                expected: "a string",
            });
        }
        Ok(Some(Text::of_string(&self.body, value)))
    }

    fn read_stream(&self) -> Result<bool, EnvelopeError> {
        let Some(Member { value, .. }) = self.member("stream") else {
            return Ok(false);
        };
        match &self.body[value.clone()] {
            b"true" => Ok(true),
            b"false" | b"null" => Ok(false),
            _ => Err(EnvelopeError::WrongType {
                offset: value.start,
                field: "stream",
                expected: "true or false",
            }),
        }
    }
}

impl fmt::Debug for Envelope {
    // Without the values: they are what somebody asks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("bytes", &self.body.len())
            .field("model", &self.model())
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
