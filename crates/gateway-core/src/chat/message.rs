//! Messages and what they consist of.

use super::Json;
use crate::dialect::Dialect;

/// One message. What a tool answered is a part of a user's message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The speaker's name, where several share a role.
    pub name: Option<String>,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The operator of the application, at the beginning or in between.
    System,
    /// The same, by OpenAI's newer name.
    Developer,
    /// The person, or a tool.
    User,
    /// The model.
    Assistant,
}

/// One part of a message or of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// The prompt up to here shall be cached.
    pub cache: Option<CacheMarker>,
}

/// A request to cache the prompt up to a part or a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheMarker {
    /// For how long, in the words of Anthropic (`5m`, `1h`); `None` is the provider's default.
    pub ttl: Option<String>,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub enum PartKind {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Where it comes from: objects in the shape of the dialect that gave them.
        citations: Vec<(Dialect, Json)>,
        /// Gemini signs texts, too.
        signature: Option<Signature>,
    },
    /// A picture.
    Image {
        /// Where it is.
        source: Source,
        /// How closely to look (`low`, `high`, `auto`).
        detail: Option<String>,
    },
    /// A document.
    File {
        /// Where it is.
        source: Source,
        /// Its file name or title.
        name: Option<String>,
        /// Anthropic's switch for citations from it.
        citations: Option<Json>,
        /// Anthropic's words about it.
        context: Option<String>,
    },
    /// Sound.
    Audio {
        /// Where it is.
        source: Source,
    },
    /// A film.
    Video {
        /// Where it is.
        source: Source,
    },
    /// The model calls a tool.
    ToolCall {
        /// What links the call with its result.
        id: String,
        /// The tool.
        name: String,
        /// JSON text as the model wrote it, perhaps not valid; for a custom tool, any text.
        arguments: String,
        /// Whether `arguments` is free text for a custom tool.
        custom: bool,
        /// Gemini signs calls.
        signature: Option<Signature>,
    },
    /// What a tool answered.
    ToolResult {
        /// The call's id.
        id: String,
        /// The tool's name, where the dialect has it.
        name: Option<String>,
        /// What it answered: text, images, files.
        parts: Vec<Part>,
        /// The tool failed.
        is_error: bool,
        /// The call was one of a custom tool.
        custom: bool,
    },
    /// What the model thought.
    Thinking {
        /// The thoughts, or their summary. May be empty where only the signature is given.
        text: String,
        /// The maker's proof, or the thoughts in encrypted form.
        signature: Option<Signature>,
        /// The id of the item, where the dialect has one.
        id: Option<String>,
    },
    /// Thoughts that only their maker can read.
    RedactedThinking {
        /// The encrypted form.
        signature: Signature,
    },
    /// The model says that it will not.
    Refusal {
        /// Its words.
        text: String,
    },
    /// Something that only one dialect knows: a server's tool call and its result, a search result, a container.
    Other {
        /// Whose it is.
        dialect: Dialect,
        /// As it was written.
        json: Json,
    },
}

/// A proof that only its maker understands.
///
/// It travels through clients of other dialects in a tagged form ([`Signature::tagged`]), so that it finds its way back
/// and is never shown to a provider that did not make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who made it; `None` if nobody knows: then it belongs to whoever speaks the dialect it was found in.
    pub by: Option<Dialect>,
    /// As it was given.
    pub value: String,
}

/// Where bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Base64 {
        /// For example `image/png`.
        media_type: String,
        /// The bytes in Base64.
        data: String,
    },
    /// Here, as text.
    Text {
        /// For example `text/plain`.
        media_type: String,
        /// The text.
        text: String,
    },
    /// Anywhere; `gs://` and `s3://` are among the possible schemes.
    Url {
        /// The address.
        url: String,
        /// Its type, where the dialect says it.
        media_type: Option<String>,
    },
    /// At the provider, uploaded before.
    FileId {
        /// The provider's id.
        id: String,
    },
}

impl Part {
    /// A part without a cache marker.
    pub const fn new(kind: PartKind) -> Self {
        Self { kind, cache: None }
    }

    /// A text and nothing more.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(PartKind::Text {
            text: text.into(),
            citations: Vec::new(),
            signature: None,
        })
    }
}

impl Message {
    /// A message of these parts.
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self {
            role,
            parts,
            name: None,
        }
    }
}

impl Signature {
    /// The form for clients that speak `front`: with the maker's name before it, unless they speak the maker's dialect.
    pub fn tagged(&self, front: Dialect) -> String {
        match self.by {
            Some(by) if by != front => format!("{TAG}{}:{}", by.name(), self.value),
            _ => self.value.clone(),
        }
    }

    /// What a client that speaks `front` sent back.
    pub fn untagged(text: &str, front: Dialect) -> Self {
        let tagged = text.strip_prefix(TAG).and_then(|rest| rest.split_once(':'));
        let maker = tagged.and_then(|(name, value)| {
            let by = Dialect::ALL.into_iter().find(|it| it.name() == name)?;
            Some((by, value))
        });
        match maker {
            Some((by, value)) => Self {
                by: Some(by),
                value: value.to_owned(),
            },
            None => Self {
                by: Some(front),
                value: text.to_owned(),
            },
        }
    }

    /// Whether a provider that speaks `back` made it.
    pub fn is_of(&self, back: Dialect) -> bool {
        self.by.is_none_or(|by| by == back)
    }
}

/// Before the maker's name.
const TAG: &str = "gw1.";
