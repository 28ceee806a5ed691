//! Correct answers of LLM providers: streams, plain bodies, errors.
//!
//! [`Dialects`] is the default handler of the double. What a single request wants (number of events,
//! their size, their pace) it says with a marker anywhere in its body, which survives every gateway,
//! for instance in the text of a message: `[[double events=10 bytes=40 pace_us=1000]]`. See [`Knobs`].

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::script::{Events, Pace, ResponseHead, Script, Step};
use crate::upstream::Recorded;

pub mod anthropic;
pub mod bedrock;
pub mod gemini;
pub mod google;
mod knobs;
pub mod openai;
pub mod responses;

pub use knobs::{Knobs, Texts};

use google::TokenEndpoint;

/// An event stream that is made while it is sent.
pub type EventStream = Box<dyn Iterator<Item = Bytes> + Send>;

/// The wire formats that the double speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// OpenAI chat completions.
    OpenAiChat,
    /// The same as Azure sends it: a frame with empty `choices` first.
    AzureChat,
    /// OpenAI completions (text).
    OpenAiCompletions,
    /// OpenAI embeddings.
    OpenAiEmbeddings,
    /// OpenAI responses.
    OpenAiResponses,
    /// Anthropic messages, also on Vertex.
    AnthropicMessages,
    /// Google's `generateContent`.
    Gemini,
}

/// Answers by path, in the dialect that belongs there.
#[derive(Debug, Clone, Default)]
pub struct Dialects {
    /// What holds unless a request says otherwise.
    pub knobs: Knobs,
    /// The Google token endpoint, `POST /token`.
    pub token: Arc<TokenEndpoint>,
}

impl Wire {
    /// The dialect of a path; `None` if there is none.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        if path.ends_with("/chat/completions") {
            return Some(if path.contains("/openai/") {
                Self::AzureChat
            } else {
                Self::OpenAiChat
            });
        }
        if path.ends_with("/completions") {
            return Some(Self::OpenAiCompletions);
        }
        if path.ends_with("/embeddings") {
            return Some(Self::OpenAiEmbeddings);
        }
        if path.ends_with("/responses") {
            return Some(Self::OpenAiResponses);
        }
        if path.ends_with(":generateContent") || path.ends_with(STREAMS_GEMINI) {
            return Some(Self::Gemini);
        }
        let anthropic = ["/messages", ":rawPredict", ":streamRawPredict"];
        anthropic
            .iter()
            .any(|end| path.ends_with(end))
            .then_some(Self::AnthropicMessages)
    }

    /// The whole stream that answers this request.
    #[must_use]
    pub fn stream(self, request: &Recorded, knobs: &Knobs) -> EventStream {
        let body = request.json();
        let model = body["model"].as_str().unwrap_or("double").to_owned();
        match self {
            Self::OpenAiChat | Self::AzureChat => {
                let usage = body["stream_options"]["include_usage"] == true;
                openai::chat_stream(&model, knobs, usage, self == Self::AzureChat)
            }
            Self::OpenAiCompletions | Self::OpenAiEmbeddings => {
                openai::completion_stream(&model, knobs)
            }
            Self::OpenAiResponses => responses::stream(&model, knobs),
            Self::AnthropicMessages => anthropic::message_stream(&model, knobs),
            Self::Gemini => gemini::stream(knobs),
        }
    }

    /// The plain body that answers this request.
    #[must_use]
    pub fn body(self, request: &Recorded, knobs: &Knobs) -> Value {
        let body = request.json();
        let model = body["model"].as_str().unwrap_or("double");
        match self {
            Self::OpenAiChat | Self::AzureChat => openai::chat_body(model, knobs),
            Self::OpenAiCompletions => openai::completion_body(model, knobs),
            Self::OpenAiEmbeddings => openai::embeddings_body(model, &body),
            Self::OpenAiResponses => responses::body(model, knobs),
            Self::AnthropicMessages => anthropic::message_body(model, knobs),
            Self::Gemini => gemini::answer_body(knobs),
        }
    }

    /// An error body with this status' usual type.
    #[must_use]
    pub fn error_body(self, status: u16, message: &str) -> Value {
        match self {
            Self::AnthropicMessages => anthropic::error_body(status, message),
            Self::Gemini => gemini::error_body(status, message),
            _ => openai::error_body(status, message),
        }
    }

    /// An error inside a stream, in the form that this dialect's clients raise on.
    #[must_use]
    pub fn error_event(self, status: u16, message: &str) -> Bytes {
        match self {
            Self::OpenAiResponses => responses::error_event(status, message),
            Self::AnthropicMessages => anthropic::error_event(status, message),
            Self::Gemini => gemini::error_event(status, message),
            _ => openai::error_event(status, message),
        }
    }

    /// The event that says that a stream is complete.
    #[must_use]
    pub fn marker(self) -> Bytes {
        match self {
            Self::OpenAiResponses => responses::marker(),
            Self::AnthropicMessages => anthropic::marker(),
            Self::Gemini => gemini::marker(),
            _ => openai::marker(),
        }
    }

    /// The path that clients and OpenAI-compatible upstreams use for this dialect.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::OpenAiChat => "/v1/chat/completions",
            Self::AzureChat => "/openai/deployments/double/chat/completions?api-version=2024-10-21",
            Self::OpenAiCompletions => "/v1/completions",
            Self::OpenAiEmbeddings => "/v1/embeddings",
            Self::OpenAiResponses => "/v1/responses",
            Self::AnthropicMessages => "/v1/messages",
            Self::Gemini => "/v1beta/models/double:generateContent",
        }
    }
}

impl Dialects {
    /// With these knobs.
    #[must_use]
    pub fn with(knobs: Knobs) -> Self {
        Self {
            knobs,
            token: Arc::default(),
        }
    }

    /// The knobs of one request.
    #[must_use]
    pub fn knobs_of(&self, request: &Recorded) -> Knobs {
        self.knobs.clone().overridden_by(request)
    }

    /// The answer to a request.
    #[must_use]
    pub fn answer(&self, request: &Recorded) -> Script {
        let path = request.path();
        if path.ends_with("/token") && request.method == "POST" {
            return self.token.answer(request);
        }
        if path.ends_with("/models") && request.method == "GET" {
            if path.contains("/v1beta/") {
                return Script::json(200, &gemini::models_body(&["double", "double-large"]));
            }
            return Script::json(200, &openai::models_body(&["double", "double-large"]));
        }
        if path.ends_with("/count_tokens") {
            return Script::json(200, &json!({"input_tokens": 11}));
        }
        if let Some(operation) = bedrock::Operation::of_path(path) {
            return operation.answer(request, &self.knobs_of(request));
        }
        if let Some(operation) = gemini::Operation::of(request) {
            return operation.answer(request, &self.knobs_of(request));
        }
        let Some(wire) = Wire::of_path(path) else {
            let message = format!("the double has no {} {path}", request.method);
            return Script::json(404, &openai::error_body(404, &message));
        };
        let knobs = self.knobs_of(request);
        if wants_stream(request) {
            stream_script(wire.stream(request, &knobs), &knobs)
        } else {
            Script::json(200, &wire.body(request, &knobs))
        }
    }
}

/// Whether the request asks for a stream.
#[must_use]
pub fn wants_stream(request: &Recorded) -> bool {
    let path = request.path();
    let streams = path.ends_with(":streamRawPredict") || path.ends_with(STREAMS_GEMINI);
    streams || request.json()["stream"] == true
}

/// A complete stream at the pace of the knobs.
#[must_use]
pub fn stream_script(mut events: EventStream, knobs: &Knobs) -> Script {
    let head = ResponseHead::sse().with("x-request-id", "req_double");
    let events = Events {
        next: Box::new(move || events.next()),
        pace: Pace {
            every: knobs.pace,
            burst: knobs.burst,
        },
    };
    Script::new().head(head).step(Step::Events(events)).end()
}

/// One event with a name.
#[must_use]
pub fn named_event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// One event without a name.
#[must_use]
pub fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// How the path of a stream of Google's ends.
const STREAMS_GEMINI: &str = ":streamGenerateContent";
