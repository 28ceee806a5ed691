//! What the answer repeats of the request, and the object around the answer.

use super::input::tools_in;
use crate::chat::{FinishReason, Json};
use crate::envelope::Envelope;
use crate::json::json_string;
use crate::translate::Asked;
use crate::usage::Usage;

/// The fields that the answer repeats, with what stands there if the request does not say it: OpenAI's defaults, `null`
/// where they depend on the model.
const REPEATED: [(&str, &str); 18] = [
    ("background", "false"),
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("previous_response_id", "null"),
    ("prompt_cache_key", "null"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("safety_identifier", "null"),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "null"),
    ("truncation", r#""disabled""#),
    ("user", "null"),
];

/// Tools that came with the conversation; not repeated, but calls of them must be told.
const LATER_TOOLS: &str = "input.tools";

/// Reads what the answer will need of the request.
pub(super) fn fields(request: &Envelope) -> Vec<(&'static str, Json)> {
    let value = |name: &str| {
        let text = std::str::from_utf8(request.field(name)?).ok()?;
        Json::parse(text).filter(|value| value.text() != "null")
    };
    let mut fields: Vec<_> = REPEATED
        .iter()
        .filter_map(|(name, _)| Some((*name, value(name)?)))
        .collect();
    if let Some(input) = value("input") {
        let later = tools_in(&input).into_iter();
        fields.extend(later.map(|tools| (LATER_TOOLS, tools)));
    }
    fields
}

/// The object around an answer: all that is known of it before it is over.
#[derive(Debug)]
pub(super) struct Shell {
    id: Vec<u8>,
    model: Vec<u8>,
    created: u64,
    /// Members, each with a comma before it.
    repeated: Vec<u8>,
    pub(super) service_tier: Option<String>,
}

/// What an answer has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status<'a> {
    InProgress,
    Completed,
    /// Why not.
    Incomplete(&'static str),
    /// The provider's words.
    Failed(&'a str),
}

impl Status<'_> {
    /// The word on the wire.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }

    /// What a finish is to this dialect.
    pub(super) fn of(reason: FinishReason, detail: Option<&str>) -> Status<'_> {
        match reason {
            FinishReason::Stop
            | FinishReason::ToolCalls
            | FinishReason::Refusal
            | FinishReason::Pause => Status::Completed,
            FinishReason::Length | FinishReason::ContextWindow => {
                Status::Incomplete("max_output_tokens")
            }
            FinishReason::ContentFilter => Status::Incomplete("content_filter"),
            FinishReason::Failed => Status::Failed(detail.unwrap_or("The model failed.")),
        }
    }
}

impl Shell {
    pub(super) fn new(asked: &Asked) -> Self {
        let mut repeated = Vec::new();
        for (name, default) in REPEATED {
            let said = asked.echo.iter().find(|(said, _)| *said == name);
            let value = said.map_or(default, |(_, value)| value.text());
            repeated.extend_from_slice(format!(",\"{name}\":").as_bytes());
            // Events are lines.
            repeated.extend(value.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        }
        Self {
            id: json_string(&format!("resp_{}", asked.id)),
            model: json_string(&asked.model),
            created: asked.created,
            repeated,
            service_tier: None,
        }
    }

    /// What the provider says of it.
    pub(super) fn begin(&mut self, id: Option<&str>, created: Option<u64>) {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            self.id = json_string(id);
        }
        self.created = created.unwrap_or(self.created);
    }

    /// Appends the whole object.
    pub(super) fn write(
        &self,
        status: Status<'_>,
        output: &[Vec<u8>],
        usage: Option<&Usage>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"{\"id\":");
        out.extend_from_slice(&self.id);
        let created = self.created;
        out.extend_from_slice(
            format!(",\"object\":\"response\",\"created_at\":{created},\"status\":\"").as_bytes(),
        );
        out.extend_from_slice(status.word().as_bytes());
        out.extend_from_slice(b"\",\"error\":");
        out.extend_from_slice(&error(status));
        out.extend_from_slice(b",\"incomplete_details\":");
        match status {
            Status::Incomplete(reason) => {
                out.extend_from_slice(format!("{{\"reason\":\"{reason}\"}}").as_bytes());
            }
            _ => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"model\":");
        out.extend_from_slice(&self.model);
        out.extend_from_slice(b",\"output\":[");
        out.extend_from_slice(&output.join(&b","[..]));
        out.push(b']');
        out.extend_from_slice(&self.repeated);
        out.extend_from_slice(b",\"store\":false,\"service_tier\":");
        match &self.service_tier {
            Some(tier) => out.extend_from_slice(&json_string(tier)),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"usage\":");
        out.extend_from_slice(
            usage
                .map_or_else(|| "null".to_owned(), usage_object)
                .as_bytes(),
        );
        out.push(b'}');
    }
}

fn error(status: Status<'_>) -> Vec<u8> {
    let Status::Failed(message) = status else {
        return b"null".to_vec();
    };
    let head = &br#"{"code":"server_error","type":"server_error","param":null,"message":"#[..];
    [head, &json_string(message), b"}"].concat()
}

/// Readers require every member, so what is not known is 0.
fn usage_object(usage: &Usage) -> String {
    let known = |count: Option<u64>| count.unwrap_or_default();
    let (input, output) = (known(usage.input_tokens), known(usage.output_tokens));
    format!(
        "{{\"input_tokens\":{input},\"input_tokens_details\":{{\"cached_tokens\":{},\"cache_write_tokens\":{}}},\
         \"output_tokens\":{output},\"output_tokens_details\":{{\"reasoning_tokens\":{}}},\"total_tokens\":{}}}",
        known(usage.cache_read_tokens),
        known(usage.cache_write_tokens),
        known(usage.reasoning_tokens),
        input.saturating_add(output),
    )
}
