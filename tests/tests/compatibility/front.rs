//! The clients: how each front end asks for a feature, and what its client understands of an answer.

mod chat;
mod completions;
mod gemini;
mod messages;
mod responses;

use gateway_testkit::client::{ClientView, Request};
use serde_json::{Value, json};

use crate::feature::{End, Feature, LONG_NAME};

/// A client's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Front {
    Chat,
    Completions,
    Responses,
    Messages,
    Gemini,
}

pub(crate) const FRONTS: [(Front, &str); 5] = [
    (Front::Chat, "OpenAI chat completions"),
    (Front::Responses, "OpenAI responses"),
    (Front::Messages, "Anthropic messages"),
    (Front::Gemini, "Gemini"),
    (Front::Completions, "OpenAI completions"),
];

/// What a client understood.
#[derive(Debug, Default, Clone)]
pub(crate) struct Heard {
    pub(crate) model: Value,
    pub(crate) text: String,
    /// Pieces of text that came one by one.
    pub(crate) pieces: usize,
    pub(crate) thought: String,
    /// Ids and arguments of calls.
    pub(crate) calls: Vec<(String, Value)>,
    /// Whether the text came before the calls.
    pub(crate) end: Option<End>,
    /// The stop sequence, where the dialect tells it.
    pub(crate) sequence: Option<String>,
    /// Input, output, and what of the input was cached.
    pub(crate) usage: [u64; 3],
    /// How many answers there are.
    pub(crate) choices: usize,
    /// What of the answer the client sends back with its next turn.
    pub(crate) turn: Value,
}

impl Heard {
    /// The arguments of the calls.
    pub(crate) fn called(&self) -> Vec<Value> {
        let arguments = self.calls.iter().map(|(_, arguments)| arguments);
        arguments.cloned().collect()
    }
}

impl Front {
    /// A request for a feature of the model group; the user says `mark`. `None` if the dialect has no such thing.
    pub(crate) fn request(self, feature: Feature, model: &str, mark: &str) -> Option<Request> {
        let mut body = match self {
            Self::Chat => chat::body(feature.plain(), mark),
            Self::Completions => completions::body(feature.plain(), mark),
            Self::Responses => responses::body(feature.plain(), mark),
            Self::Messages => messages::body(feature.plain(), mark),
            Self::Gemini => gemini::body(feature.plain(), mark),
        }?;
        if feature == Feature::LongName {
            rename(&mut body, "weather", LONG_NAME);
        }
        Some(self.send(&mut body, feature, model))
    }

    /// The next turn after an answer that called a tool.
    pub(crate) fn next_turn(self, first: &Heard, model: &str, mark: &str) -> Option<Request> {
        let mut body = match self {
            Self::Chat => chat::next(first, mark),
            Self::Completions => return None,
            Self::Responses => responses::next(first, mark),
            Self::Messages => messages::next(first, mark),
            Self::Gemini => gemini::next(first, mark),
        };
        Some(self.send(&mut body, Feature::Signature, model))
    }

    fn send(self, body: &mut Value, feature: Feature, model: &str) -> Request {
        if self == Self::Gemini {
            let method = match feature {
                Feature::Count => "countTokens",
                _ if feature.streams() => "streamGenerateContent?alt=sse",
                _ => "generateContent",
            };
            return Request::post(&format!("/v1beta/models/{model}:{method}"), body);
        }
        body["model"] = json!(model);
        if feature.streams() {
            body["stream"] = json!(true);
        }
        let path = match self {
            Self::Chat if feature == Feature::Embeddings => "/v1/embeddings",
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Responses => "/v1/responses",
            _ if feature == Feature::Count => "/v1/messages/count_tokens",
            _ => "/v1/messages",
        };
        Request::post(path, body)
    }

    /// What the client understands of a plain answer or a stream.
    pub(crate) fn heard(self, view: &ClientView) -> Heard {
        let whole = view.events.is_empty();
        match self {
            Self::Chat if whole => chat::whole(&view.json()),
            Self::Chat => chat::streamed(&view.events),
            Self::Completions if whole => completions::whole(&view.json()),
            Self::Completions => completions::streamed(&view.events),
            Self::Responses if whole => responses::whole(&view.json()),
            Self::Responses => responses::streamed(&view.events),
            Self::Messages if whole => messages::whole(&view.json()),
            Self::Messages => messages::streamed(&view.events),
            Self::Gemini if whole => gemini::whole(&[view.json()]),
            Self::Gemini => {
                let chunks: Vec<_> = view.events.iter().map(|event| event.json()).collect();
                gemini::whole(&chunks)
            }
        }
    }

    /// Whether a stream ended as this dialect's streams do.
    pub(crate) fn is_complete(self, view: &ClientView) -> bool {
        let last = view.events.last().map(|event| event.json());
        let last = last.unwrap_or_default();
        match self {
            Self::Responses => last["type"] == "response.completed",
            Self::Gemini => last["candidates"][0]["finishReason"].is_string(),
            _ => view.is_complete(),
        }
    }

    /// Whether a stream ended with one error of this dialect and no mark of a whole stream.
    pub(crate) fn is_broken(self, view: &ClientView) -> bool {
        let last = view.events.last().map(|event| event.json());
        let last = last.unwrap_or_default();
        let said = match self {
            Self::Responses => last["type"] == "error" || last["type"] == "response.failed",
            _ => last["error"].is_object(),
        };
        said && !view.has_marker()
    }

    /// What is wrong with an error, if something is.
    pub(crate) fn wrong_with(self, error: &Value, feature: Feature) -> Option<String> {
        let error = &error["error"];
        let fits = match (self, feature) {
            (Self::Messages, Feature::Limited) => error["type"] == "rate_limit_error",
            (Self::Messages, Feature::Overloaded) => {
                matches!(
                    error["type"].as_str(),
                    Some("overloaded_error" | "api_error")
                )
            }
            (Self::Messages, Feature::Unknown) => error["type"] == "not_found_error",
            (Self::Messages, Feature::Denied) => {
                matches!(
                    error["type"].as_str(),
                    Some("authentication_error" | "permission_error")
                )
            }
            (Self::Messages, _) => {
                let text = error["message"].as_str().unwrap_or_default();
                error["type"] == "invalid_request_error" && text.contains("prompt is too long")
            }
            (Self::Gemini, Feature::Limited) => error["status"] == "RESOURCE_EXHAUSTED",
            (Self::Gemini, Feature::Overloaded) => error["status"] == "UNAVAILABLE",
            (Self::Gemini, Feature::Unknown) => error["status"] == "NOT_FOUND",
            (Self::Gemini, Feature::Denied) => {
                matches!(
                    error["status"].as_str(),
                    Some("UNAUTHENTICATED" | "PERMISSION_DENIED")
                )
            }
            (Self::Gemini, _) => error["status"] == "INVALID_ARGUMENT",
            (_, Feature::TooLong) => error["code"] == "context_length_exceeded",
            _ => error["message"].is_string() && error["type"].is_string(),
        };
        (!fits).then(|| format!("the error is {error}"))
    }
}

/// Puts one text in the place of another, wherever it is.
pub(crate) fn rename(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Value::Object(members) => members.values_mut().for_each(|it| rename(it, from, to)),
        _ => {}
    }
}

/// A JSON Schema for `{"city": …}`.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false})
}

/// The same for tools.
pub(crate) fn arguments() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Arguments that are a JSON text.
fn parsed(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap_or_default()).unwrap_or_default()
}
