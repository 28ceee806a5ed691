//! The providers: where they are for the gateway, how their doubles answer, and whether a request asks what it should.

mod chat;
mod completions;
mod converse;
mod gemini;
mod messages;
mod responses;

use bytes::Bytes;
use gateway_testkit::dialect::{bedrock, google, named_event, openai};
use gateway_testkit::script::{ResponseHead, Script};
use gateway_testkit::upstream::Recorded;
use serde_json::{Value, json};

use crate::feature::{ANSWERED, Feature, PNG, SYSTEM, Said};
use crate::front::rename;

/// A column of the page's tables: a provider and the way in which it is asked.
#[derive(Debug)]
pub(crate) struct Back {
    /// The model group, and the column's head.
    pub(crate) name: &'static str,
    /// What its deployment says, without address and credentials.
    model: &'static str,
}

#[rustfmt::skip] // One provider, one line.
pub(crate) const BACKS: &[Back] = &[
    Back { name: "openai", model: "openai/gpt-5-mini" },
    Back { name: "azure", model: "azure/gpt-5-mini" },
    Back { name: "openai-responses", model: "openai/responses/gpt-5-mini" },
    Back { name: "anthropic", model: "anthropic/claude-sonnet-4-5" },
    Back { name: "vertex-claude", model: "vertex_ai/claude-sonnet-4-5@20250929" },
    Back { name: "vertex-gemini", model: "vertex_ai/gemini-2.5-flash" },
    Back { name: "gemini", model: "gemini/gemini-2.5-flash" },
    Back { name: "bedrock-converse", model: "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0" },
    Back { name: "bedrock-invoke", model: "bedrock/invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0" },
    Back { name: "together_ai", model: "together_ai/openai/gpt-oss-120b" },
];

/// What a request or an answer of a provider looks like, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Completions,
    Responses,
    Messages,
    /// Anthropic's messages in Amazon's frames.
    Invoke,
    Gemini,
    Converse,
    Embeddings,
}

/// A request as it came to a double.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) format: Format,
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// One event of a stream: its name, where the format has names, and its data.
type Event = (&'static str, Value);

impl Back {
    /// The deployment's parameters, with its double at `url`.
    pub(crate) fn params(&self, url: &str) -> Value {
        let mut params = json!({"model": self.model, "api_base": url, "api_key": "sk-provider"});
        match self.model.split('/').next() {
            Some("openai" | "together_ai") => params["api_base"] = json!(format!("{url}/v1")),
            Some("gemini") => params["api_base"] = json!(format!("{url}/v1beta")),
            Some("azure") => params["api_version"] = json!("2024-10-21"),
            Some("vertex_ai") => {
                let account = google::service_account(&format!("{url}/token"));
                params = json!({"model": self.model, "api_base": url, "vertex_project": "p",
                    "vertex_location": "europe-west1", "vertex_credentials": account.to_string()});
            }
            Some("bedrock") => {
                params = json!({"model": self.model, "aws_bedrock_runtime_endpoint": url,
                    "aws_region_name": "us-east-1", "aws_access_key_id": "AKIDEXAMPLE",
                    "aws_secret_access_key": "wJalrXUtnFEMI"});
            }
            _ => {}
        }
        params
    }

    /// Whether what it is asked by signs its thoughts, so that it wants them back.
    pub(crate) fn signs(&self, came: &Came) -> bool {
        !matches!(came.format, Format::Chat | Format::Completions)
    }

    /// Whether it tells its thoughts.
    pub(crate) fn thinks_aloud(&self, came: &Came) -> bool {
        came.format != Format::Chat || self.name == "together_ai"
    }
}

impl Came {
    /// What the first tool is called.
    pub(crate) fn tool_name(&self) -> Option<&str> {
        let tool = &self.body["tools"][0];
        let names = [
            &tool["name"],
            &tool["function"]["name"],
            &tool["functionDeclarations"][0]["name"],
            &self.body["toolConfig"]["tools"][0]["toolSpec"]["name"],
        ];
        names.into_iter().find_map(Value::as_str)
    }

    /// The same with another name.
    pub(crate) fn renamed(&self, to: &str) -> Self {
        let mut came = self.clone();
        if let Some(name) = self.tool_name() {
            rename(&mut came.body, name, to);
        }
        came
    }
}

impl Format {
    fn of(path: &str) -> Option<Self> {
        let ends = |end: &str| path.ends_with(end);
        Some(match path {
            _ if ends("/chat/completions") => Self::Chat,
            _ if ends("/completions") => Self::Completions,
            _ if ends("/embeddings") => Self::Embeddings,
            _ if ends("/responses") => Self::Responses,
            _ if ends("/converse") || ends("/converse-stream") => Self::Converse,
            _ if ends("/invoke") || ends("/invoke-with-response-stream") => Self::Invoke,
            _ if ends("enerateContent") || ends(":countTokens") => Self::Gemini,
            _ if ends("/messages") || ends("RawPredict") || ends(":rawPredict") => Self::Messages,
            _ if ends("/count_tokens") => Self::Messages,
            _ => return None,
        })
    }

    /// Whether the request asks for what the client asked for.
    pub(crate) fn has(self, feature: Feature, body: &Value) -> bool {
        match feature {
            Feature::LateSystem => return says(body, SYSTEM) && says(body, ANSWERED),
            Feature::ImageResult => return says(body, PNG),
            _ => {}
        }
        match self {
            Self::Embeddings => says(&body["input"], "[["),
            Self::Chat => chat::has(feature, body),
            Self::Completions => completions::has(feature, body),
            Self::Responses => responses::has(feature, body),
            Self::Messages | Self::Invoke => messages::has(feature, body),
            Self::Gemini => gemini::has(feature, body),
            Self::Converse => converse::has(feature, body),
        }
    }

    /// Whether the format says which stop sequence was found.
    pub(crate) fn tells_sequence(self) -> bool {
        matches!(self, Self::Messages | Self::Invoke | Self::Converse)
    }

    fn whole(self, said: &Said, request: &Value) -> Value {
        match self {
            Self::Embeddings => openai::embeddings_body(MODEL, request),
            Self::Chat => chat::whole(said, request),
            Self::Completions => completions::whole(said, request),
            Self::Responses => responses::whole(said),
            Self::Messages | Self::Invoke => messages::whole(said),
            Self::Gemini => gemini::whole(said, request),
            Self::Converse => converse::whole(said),
        }
    }

    fn events(self, said: &Said, request: &Value) -> Vec<Event> {
        match self {
            Self::Chat => chat::events(said, request),
            Self::Completions => completions::events(said),
            Self::Responses => responses::events(said),
            Self::Messages | Self::Invoke => messages::events(said),
            Self::Gemini => gemini::events(said),
            Self::Converse => converse::events(said),
            Self::Embeddings => Vec::new(),
        }
    }

    fn framed(self, (name, data): &Event) -> Bytes {
        match self {
            Self::Converse => bedrock::event(name, data),
            Self::Invoke => bedrock::chunk(&data.to_string()),
            _ if data.is_string() => {
                format!("data: {}\n\n", data.as_str().unwrap_or_default()).into()
            }
            _ if name.is_empty() => gateway_testkit::dialect::event(data),
            _ => named_event(name, data),
        }
    }

    fn head(self) -> ResponseHead {
        match self {
            Self::Converse | Self::Invoke => bedrock::stream_head(),
            _ => ResponseHead::sse(),
        }
    }

    fn error(self, feature: Feature) -> Script {
        let aws = matches!(self, Self::Converse | Self::Invoke);
        let (status, message) = match feature {
            Feature::Limited => (429, "Too many requests"),
            Feature::Overloaded => (503, "Overloaded"),
            Feature::Unknown => (404, "There is no such model"),
            Feature::Denied if aws => (403, "The security token is invalid"),
            Feature::Denied => (401, "The key is not valid"),
            _ => (400, self.too_long()),
        };
        let exception = match status {
            403 => "UnrecognizedClientException",
            404 => "ResourceNotFoundException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailableException",
            _ => "ValidationException",
        };
        let body = match (self, status) {
            _ if aws => json!({"message": message}),
            (Self::Messages, _) => gateway_testkit::dialect::anthropic::error_body(status, message),
            (Self::Gemini, _) => {
                let word = match status {
                    401 => "UNAUTHENTICATED",
                    404 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    503 => "UNAVAILABLE",
                    _ => "INVALID_ARGUMENT",
                };
                json!({"error": {"code": status, "message": message, "status": word}})
            }
            (_, 400) => json!({"error": {"message": message, "type": "invalid_request_error",
                "param": "messages", "code": "context_length_exceeded"}}),
            _ => openai::error_body(status, message),
        };
        let mut head = ResponseHead::json(status);
        if aws {
            head = head.with("x-amzn-errortype", exception);
        }
        if status == 429 {
            head = head.with("retry-after", "7");
        }
        Script::new().head(head).bytes(body.to_string()).end()
    }

    /// The provider's words for a context window that is too small.
    fn too_long(self) -> &'static str {
        match self {
            Self::Messages => "prompt is too long: 300000 tokens > 200000 maximum",
            Self::Invoke | Self::Converse => "Input is too long for requested model.",
            Self::Gemini => {
                "The input token count (300000) exceeds the maximum number of tokens allowed (200000)."
            }
            _ => "This model's maximum context length is 128000 tokens.",
        }
    }
}

/// What a request to a double is; `None` if it is for tokens of Google's.
pub(crate) fn came(request: &Recorded) -> Option<Came> {
    let path = request.path();
    Some(Came {
        format: Format::of(path)?,
        path: path.to_owned(),
        body: request.json(),
    })
}

/// The double's answer for a feature.
pub(crate) fn answer(came: &Came, feature: Feature) -> Script {
    let format = came.format;
    let counts = ["/count_tokens", ":countTokens", "count-tokens:rawPredict"];
    if counts.iter().any(|end| came.path.ends_with(end)) {
        let count = match format {
            Format::Gemini => json!({"totalTokens": crate::feature::INPUT}),
            _ => json!({"input_tokens": crate::feature::INPUT}),
        };
        return Script::json(200, &count);
    }
    if matches!(
        feature,
        Feature::Limited
            | Feature::Overloaded
            | Feature::TooLong
            | Feature::Unknown
            | Feature::Denied
    ) {
        return format.error(feature);
    }
    let said = feature.said();
    let streams = came.body["stream"] == true
        || ["-stream", ":streamGenerateContent", ":streamRawPredict"]
            .iter()
            .any(|end| came.path.ends_with(end));
    if !streams {
        let mut answer = format.whole(&said, &came.body);
        if let Some(name) = came.tool_name() {
            rename(&mut answer, "weather", name);
        }
        return Script::json(200, &answer);
    }
    let events = format.events(&said, &came.body);
    let begun = events
        .iter()
        .position(|(_, data)| data.to_string().contains(said.text.first().unwrap_or(&"")))
        .unwrap_or_default();
    let script = Script::new().head(format.head());
    if feature == Feature::Broken {
        let begun = events.iter().take(begun + 1);
        return script.all(begun.map(|event| format.framed(event))).close();
    }
    script
        .all(events.iter().map(|event| format.framed(event)))
        .end()
}

/// Whether something within a value is so.
fn within(value: &Value, is: &dyn Fn(&Value) -> bool) -> bool {
    is(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| within(item, is)),
            Value::Object(members) => members.values().any(|member| within(member, is)),
            _ => false,
        }
}

/// Whether a text within a value contains this one.
fn says(value: &Value, text: &str) -> bool {
    within(value, &|it| {
        it.as_str().is_some_and(|said| said.contains(text))
    })
}

/// Whether a JSON Schema for a city is within a value, however it is written.
fn has_schema(value: &Value) -> bool {
    within(value, &|it| {
        it["type"]
            .as_str()
            .is_some_and(|kind| kind.eq_ignore_ascii_case("object"))
            && it["properties"]["city"].is_object()
    })
}

/// A number within rounding.
fn is_half(value: &Value) -> bool {
    value.as_f64().is_some_and(|it| (it - 0.5).abs() < 1e-6)
}

/// The two halves of a call's arguments, as a stream brings them.
fn halves(arguments: &str) -> [&str; 2] {
    let (first, second) = arguments.split_at(arguments.len() / 2);
    [first, second]
}

/// What providers call their model.
const MODEL: &str = "the-providers-model";
