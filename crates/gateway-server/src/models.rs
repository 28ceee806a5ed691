//! The models that clients may name, in OpenAI's, Anthropic's and Google's shape.

use gateway_core::{Dialect, ErrorInfo, ErrorKind};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;

use crate::api::ModelShape;
use crate::body::Outgoing;
use crate::respond::{json, refuse};
use crate::worker::Worker;

/// Whose shape a client expects: Anthropic's say which version of its API they speak, Google's send their key in a header
/// of their own.
pub(crate) fn dialect(headers: &HeaderMap, shape: ModelShape) -> Dialect {
    let google = ["x-goog-api-key", "x-goog-api-client"];
    if shape == ModelShape::Gemini || google.iter().any(|name| headers.contains_key(*name)) {
        Dialect::Gemini
    } else if headers.contains_key("anthropic-version") {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenAiChat
    }
}

/// All names.
pub(crate) fn list(worker: &Worker, dialect: Dialect) -> Response<Outgoing> {
    let snapshot = worker.shared.snapshot.load();
    let names: Vec<&str> = snapshot.catalog.names().collect();
    match dialect {
        Dialect::AnthropicMessages => json(
            StatusCode::OK,
            &AnthropicList {
                first_id: names.first().copied(),
                last_id: names.last().copied(),
                has_more: false,
                data: names.iter().map(|name| AnthropicModel::new(name)).collect(),
            },
        ),
        Dialect::Gemini => json(
            StatusCode::OK,
            &GeminiList {
                models: names.iter().map(|name| GeminiModel::new(name)).collect(),
            },
        ),
        _ => json(
            StatusCode::OK,
            &OpenAiList {
                object: "list",
                data: names.iter().map(|name| OpenAiModel::new(name)).collect(),
            },
        ),
    }
}

/// One name.
pub(crate) fn one(worker: &Worker, dialect: Dialect, id: &str) -> Response<Outgoing> {
    let snapshot = worker.shared.snapshot.load();
    if snapshot.catalog.resolve(id).is_none() {
        let message = format!("There is no model {id:?}. GET /v1/models lists those there are.");
        return refuse(dialect, &ErrorInfo::new(ErrorKind::NotFound, message));
    }
    match dialect {
        Dialect::AnthropicMessages => json(StatusCode::OK, &AnthropicModel::new(id)),
        Dialect::Gemini => json(StatusCode::OK, &GeminiModel::new(id)),
        _ => json(StatusCode::OK, &OpenAiModel::new(id)),
    }
}

#[derive(Serialize)]
struct OpenAiList<'a> {
    object: &'static str,
    data: Vec<OpenAiModel<'a>>,
}

#[derive(Serialize)]
struct OpenAiModel<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

impl<'a> OpenAiModel<'a> {
    fn new(id: &'a str) -> Self {
        Self {
            id,
            object: "model",
            created: CREATED,
            owned_by: "openai",
        }
    }
}

#[derive(Serialize)]
struct AnthropicList<'a> {
    data: Vec<AnthropicModel<'a>>,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
    has_more: bool,
}

#[derive(Serialize)]
struct AnthropicModel<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: &'static str,
}

impl<'a> AnthropicModel<'a> {
    fn new(id: &'a str) -> Self {
        Self {
            kind: "model",
            id,
            display_name: id,
            created_at: CREATED_AT,
        }
    }
}

#[derive(Serialize)]
struct GeminiList<'a> {
    models: Vec<GeminiModel<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GeminiModel<'a> {
    name: String,
    base_model_id: &'a str,
    version: &'static str,
    display_name: &'a str,
    supported_generation_methods: [&'static str; 3],
}

impl<'a> GeminiModel<'a> {
    fn new(id: &'a str) -> Self {
        Self {
            name: format!("models/{id}"),
            base_model_id: id,
            version: "1",
            display_name: id,
            supported_generation_methods: [
                "generateContent",
                "streamGenerateContent",
                "countTokens",
            ],
        }
    }
}

/// The moment that LiteLLM gives for every model, Unix seconds: nobody knows the real one.
const CREATED: u64 = 1_677_610_602;
/// The same as a date.
const CREATED_AT: &str = "2023-02-28T18:56:42Z";
