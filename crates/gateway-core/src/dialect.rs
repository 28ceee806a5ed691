//! The wire formats that the gateway speaks: each is one file below, and one line in [`Dialect::wire`].

mod anthropic;
mod anthropic_count_tokens;
mod bedrock_converse;
mod gemini;
mod gemini_count_tokens;
mod openai;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod structured;

use bytes::Bytes;

use crate::body::{self, AnswerShape, BodyFacts, Malformed};
use crate::envelope::Envelope;
use crate::error::{ANTHROPIC_OVERLOADED, ErrorInfo, ErrorKind, UpstreamError, read_error};
use crate::mock::MockAnswer;
use crate::observe::StreamObserver;
use crate::spoke::{Back, Front};

pub(crate) use openai_chat::read_parameters;

/// A wire format, for a client (then it is called a front end) or for an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI's chat completions.
    OpenAiChat,
    /// OpenAI's text completions.
    OpenAiCompletions,
    /// OpenAI's embeddings; they never stream.
    OpenAiEmbeddings,
    /// OpenAI's responses.
    OpenAiResponses,
    /// Anthropic's messages.
    AnthropicMessages,
    /// Anthropic's counting of a request's tokens; never a stream.
    AnthropicCountTokens,
    /// Google's `generateContent` and `streamGenerateContent`.
    Gemini,
    /// Google's counting of a request's tokens; never a stream.
    GeminiCountTokens,
    /// Amazon Bedrock's Converse and ConverseStream, its binary events as text.
    BedrockConverse,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 9] = [
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiEmbeddings,
        Self::OpenAiResponses,
        Self::AnthropicMessages,
        Self::AnthropicCountTokens,
        Self::Gemini,
        Self::GeminiCountTokens,
        Self::BedrockConverse,
    ];

    /// The word for logs and metric labels.
    pub const fn name(self) -> &'static str {
        self.wire().name
    }

    /// Whether an answer may come as a stream; else a request's wish for one means nothing.
    pub const fn streams(self) -> bool {
        !matches!(
            self,
            Self::OpenAiEmbeddings | Self::AnthropicCountTokens | Self::GeminiCountTokens
        )
    }

    /// Whether its usage counts what came from a cache, and what went into one, beside the input and not in it.
    pub const fn counts_caches_apart(self) -> bool {
        matches!(self, Self::AnthropicMessages | Self::BedrockConverse)
    }

    /// How many answers a request asks for, if it says so.
    pub fn choices_asked(self, request: &Envelope) -> Option<u64> {
        match self {
            Self::Gemini => gemini::choices_asked(request),
            _ => serde_json::from_slice(request.field("n")?).ok(),
        }
    }

    /// Whether its answers are counts of tokens.
    pub const fn counts_tokens(self) -> bool {
        matches!(self, Self::AnthropicCountTokens | Self::GeminiCountTokens)
    }

    /// The status to send for `error` in this dialect: 529 is Anthropic's own for an overload, OpenAI's clients know
    /// 503.
    pub const fn status(self, error: &ErrorInfo) -> u16 {
        match (self, error.kind, error.status) {
            (Self::AnthropicMessages | Self::AnthropicCountTokens, ErrorKind::Overloaded, 503) => {
                ANTHROPIC_OVERLOADED
            }
            (Self::AnthropicMessages | Self::AnthropicCountTokens, _, status) => status,
            (_, _, ANTHROPIC_OVERLOADED) => 503,
            (_, _, status) => status,
        }
    }

    /// The JSON body of a plain error answer.
    pub fn error_body(self, error: &ErrorInfo) -> Bytes {
        Bytes::from((self.wire().write_error)(error))
    }

    /// An error inside a stream: one whole event, blank line included, in the shape that the dialect's SDKs raise on.
    /// The terminal marker must not follow it.
    pub fn error_event(self, error: &ErrorInfo) -> Bytes {
        if self == Self::OpenAiResponses {
            // Its clients look in two places of one event.
            return Bytes::from(openai_responses::error_event(error));
        }
        let wire = self.wire();
        // JSON text has no raw line end, so one `data:` line holds it.
        Bytes::from([wire.error_event_head, &(wire.write_error)(error), b"\n\n"].concat())
    }

    /// What keeps a silent stream alive: one whole event that SDKs skip. Empty where they skip nothing.
    pub const fn heartbeat(self) -> Bytes {
        Bytes::from_static(self.wire().heartbeat)
    }

    /// An observer for one stream of this dialect.
    pub fn stream_observer(self) -> StreamObserver {
        (self.wire().observer)()
    }

    /// The made-up answer to `request`, in the form that it asks for: a whole JSON body, or a whole stream with role, several
    /// pieces of text, usage and terminal marker (never for embeddings). The official SDKs read it as a provider's.
    pub fn mock_answer(self, mock: &MockAnswer<'_>, request: &Envelope) -> Bytes {
        Bytes::from((self.wire().mock_answer)(mock, request))
    }

    /// Reads a plain 2xx answer without building a tree.
    ///
    /// # Errors
    /// The body is not a whole JSON object of this dialect: cut, HTML, empty, something else.
    pub fn read_body(self, body: &[u8]) -> Result<BodyFacts, Malformed> {
        body::read(self, self.wire().answer, body)
    }

    /// Reads the body that came with an upstream's error status. All known shapes are understood whatever the dialect,
    /// because compatible servers mix them. `None` for HTML, plain text and JSON that does not speak of an error: then
    /// the status is all there is to tell.
    pub fn read_error_body(self, status: u16, body: &[u8]) -> Option<ErrorInfo> {
        self.read_named_error(status, None, body)
    }

    /// The same where a header names the failure: AWS's `x-amzn-errortype`.
    pub fn read_named_error(
        self,
        status: u16,
        name: Option<&str>,
        body: &[u8],
    ) -> Option<ErrorInfo> {
        let found = if (400..=599).contains(&status) {
            UpstreamError::Status(status)
        } else {
            UpstreamError::InBand(self)
        };
        let text = std::str::from_utf8(body::without_bom(body)).ok()?;
        read_error(text, found, name)
    }

    /// How clients speak it to any provider, if they can.
    pub(crate) const fn front(self) -> Option<&'static Front> {
        self.wire().front
    }

    /// How providers are asked in it by any client, if they can be.
    pub(crate) const fn back(self) -> Option<&'static Back> {
        self.wire().back
    }

    /// Whether its tools may take free text.
    pub(crate) const fn has_custom_tools(self) -> bool {
        matches!(self, Self::OpenAiChat | Self::OpenAiResponses)
    }

    /// Fields that it has and the canonical model has not, by the names under which clients of other dialects may give
    /// them, each with its own name.
    pub(crate) const fn own_fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::AnthropicMessages => anthropic::OWN_FIELDS,
            Self::Gemini => gemini::OWN_FIELDS,
            Self::BedrockConverse => bedrock_converse::OWN_FIELDS,
            Self::OpenAiResponses => openai_responses::OWN_FIELDS,
            _ => &[],
        }
    }

    const fn wire(self) -> &'static Wire {
        match self {
            Self::OpenAiChat => &openai_chat::WIRE,
            Self::OpenAiCompletions => &openai_completions::WIRE,
            Self::OpenAiEmbeddings => &openai_embeddings::WIRE,
            Self::OpenAiResponses => &openai_responses::WIRE,
            Self::AnthropicMessages => &anthropic::WIRE,
            Self::AnthropicCountTokens => &anthropic_count_tokens::WIRE,
            Self::Gemini => &gemini::WIRE,
            Self::GeminiCountTokens => &gemini_count_tokens::WIRE,
            Self::BedrockConverse => &bedrock_converse::WIRE,
        }
    }
}

/// What a dialect's file says of it.
struct Wire {
    name: &'static str,
    heartbeat: &'static [u8],
    write_error: fn(&ErrorInfo) -> Vec<u8>,
    /// What stands before the error's JSON in an event.
    error_event_head: &'static [u8],
    observer: fn() -> StreamObserver,
    mock_answer: fn(&MockAnswer<'_>, &Envelope) -> Vec<u8>,
    /// What every plain answer has.
    answer: AnswerShape,
    /// For clients of other providers.
    front: Option<&'static Front>,
    /// For providers of other clients.
    back: Option<&'static Back>,
}

#[cfg(test)]
mod tests;
