//! Amazon Bedrock's Converse and ConverseStream:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>. Only providers are spoken
//! to in it. Its binary events come as text, from [`AwsEvents`](crate::AwsEvents).

mod answer;
mod family;
mod finish;
mod mock;
mod observer;
mod request;
mod stream;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Wire;
use crate::body::AnswerShape;
use crate::error::{ErrorInfo, ErrorKind};
use crate::observe::StreamObserver;
use crate::spoke::Back;
use crate::translate::NameRule;
use crate::usage::{Count, Usage};
use observer::ConverseObserver;

pub(super) static WIRE: Wire = Wire {
    name: "bedrock_converse",
    heartbeat: b"",
    write_error,
    error_event_head: b"event: error\ndata: ",
    observer: || StreamObserver::new(ConverseObserver::default()),
    mock_answer: mock::message,
    answer: AnswerShape::Own(answer::facts),
    front: None,
    back: Some(&BACK),
};

static BACK: Back = Back {
    write_request: request::write,
    read_answer: answer::read,
    stream_reader: || Box::new(stream::ConverseReader::default()),
    tool_names: NameRule::plain(64),
    // Bedrock takes more punctuation, Claude behind it does not.
    call_ids: NameRule::plain(64),
};

/// Fields of requests that the model of a chat has not.
pub(super) const OWN_FIELDS: &[(&str, &str)] = &[
    ("guardrailConfig", "guardrailConfig"),
    ("performanceConfig", "performanceConfig"),
    ("promptVariables", "promptVariables"),
    ("requestMetadata", "requestMetadata"),
];

/// `{"__type", "message"}`: AWS's clients find the type in a header or here.
fn write_error(error: &ErrorInfo) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        __type: &'static str,
        message: &'a str,
    }

    let body = Body {
        __type: exception(error.kind),
        message: &error.message,
    };
    serde_json::to_vec(&body).expect("strings always serialize")
}

/// The exception of a kind.
const fn exception(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Authentication => "UnrecognizedClientException",
        ErrorKind::Permission | ErrorKind::Billing => "AccessDeniedException",
        ErrorKind::NotFound => "ResourceNotFoundException",
        ErrorKind::RateLimit => "ThrottlingException",
        ErrorKind::Timeout => "ModelTimeoutException",
        ErrorKind::Overloaded | ErrorKind::Unavailable => "ServiceUnavailableException",
        ErrorKind::Upstream => "ModelErrorException",
        ErrorKind::Internal => "InternalServerException",
        _ => "ValidationException",
    }
}

/// What an answer cost. The input does not count what came from a cache and what went into one.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireUsage<'a> {
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_write_input_tokens: Count,
    #[serde(borrow)]
    cache_details: Option<&'a serde_json::value::RawValue>,
}

/// A part of what went into a cache, by how long it stays.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CacheDetail<'a> {
    #[serde(borrow)]
    ttl: Cow<'a, str>,
    input_tokens: Count,
}

impl From<WireUsage<'_>> for Usage {
    fn from(wire: WireUsage<'_>) -> Self {
        let details: Vec<CacheDetail<'_>> = wire
            .cache_details
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let hour = details.iter().find(|detail| detail.ttl == "1h");
        Self {
            input_tokens: wire.input_tokens.0,
            output_tokens: wire.output_tokens.0,
            cache_read_tokens: wire.cache_read_input_tokens.0,
            cache_write_tokens: wire.cache_write_input_tokens.0,
            cache_write_1h_tokens: hour.and_then(|detail| detail.input_tokens.0),
            reasoning_tokens: None,
        }
    }
}

/// The tier that served a call.
#[derive(Deserialize)]
struct ServiceTier {
    r#type: String,
}

#[cfg(test)]
mod tests;
