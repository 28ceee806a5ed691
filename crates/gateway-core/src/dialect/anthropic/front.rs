//! What clients of Anthropic's messages ask: <https://docs.anthropic.com/en/api/messages>.

mod strict;
mod tools;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::answer::write_answer;
use super::parts::{Content, parts};
use super::stream_writer;
use crate::chat::{
    Effort, Format, Json, Message, Other, Part, PartKind, Reasoning, ReasoningMode, Request, Role,
    Weight,
};
use crate::envelope::{Envelope, is_gateway_field};
use crate::spoke::Front;
use crate::translate::TranslateError;
use strict::is_strict_everywhere;

pub(super) static FRONT: Front = Front {
    read_request,
    echo: |_| Vec::new(),
    write_answer,
    stream_writer: stream_writer::new,
};

fn read_request(envelope: &Envelope) -> Result<Request, TranslateError> {
    let mut request = Request {
        model: envelope.model().unwrap_or_default().to_owned(),
        stream: envelope.stream(),
        ..Request::default()
    };
    // A stream of this dialect always ends with its usage.
    request.parameters.usage_in_stream = envelope.stream().then_some(true);
    let mut messages = Vec::new();
    for key in envelope.fields().filter(|key| !is_gateway_field(key)) {
        let Some(value) = value_of(envelope, key) else {
            continue;
        };
        match key {
            "model" | "stream" => {}
            "system" => {
                let system = system(value, &mut request)?;
                request.messages.extend(system);
            }
            "messages" => messages = read_messages(value)?,
            _ => field(&mut request, key, value)?,
        }
    }
    request.messages.extend(messages);
    if envelope.field("messages").is_none() {
        return Err(TranslateError::invalid("messages", "field required"));
    }
    if request.parameters.max_tokens.is_none() {
        return Err(TranslateError::invalid("max_tokens", "field required"));
    }
    Ok(request)
}

/// A field's value, unless it is `null`.
fn value_of<'a>(envelope: &'a Envelope, key: &str) -> Option<&'a RawValue> {
    let value: &RawValue = serde_json::from_slice(envelope.field(key)?).ok()?;
    (value.get() != "null").then_some(value)
}

/// Reads a value that must be of a certain form.
fn expect<'a, T: Deserialize<'a>>(
    param: &str,
    value: &'a RawValue,
    form: &str,
) -> Result<T, TranslateError> {
    serde_json::from_str(value.get())
        .map_err(|_| TranslateError::invalid(param, format!("must be {form}")))
}

fn field(request: &mut Request, key: &str, value: &RawValue) -> Result<(), TranslateError> {
    let to = &mut request.parameters;
    let number = |form| expect::<Number>(key, value, form).map(Some);
    match key {
        "max_tokens" => to.max_tokens = Some(expect(key, value, "a whole number")?),
        "temperature" => to.temperature = number("a number")?,
        "top_p" => to.top_p = number("a number")?,
        "top_k" => to.top_k = number("a number")?,
        "stop_sequences" => to.stop = expect(key, value, "a list of texts")?,
        "service_tier" => to.service_tier = Some(expect(key, value, "a text")?),
        "metadata" => metadata(request, value)?,
        "thinking" => thinking(to.reasoning.get_or_insert_default(), value)?,
        "output_config" => output_config(request, value)?,
        "output_format" => to.format = Some(format(key, value)?),
        "tools" => tools::tools(request, value)?,
        "tool_choice" => tools::tool_choice(request, value)?,
        _ => request.other.push(Other {
            name: key.to_owned(),
            value: value.into(),
            weight: weight(key),
        }),
    }
    Ok(())
}

/// Fields that have no place in the model. What is not known may change the answer.
fn weight(key: &str) -> Weight {
    if HINTS.contains(&key) {
        Weight::Hint
    } else {
        Weight::Parameter
    }
}

/// What a context holds, costs and reports, not what is asked.
const HINTS: &[&str] = &[
    "anthropic_beta",
    "anthropic_version",
    "betas",
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "speed",
    "user_profile_id",
    "workspace_id",
];

fn metadata(request: &mut Request, value: &RawValue) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct Metadata {
        user_id: Option<String>,
    }

    let metadata: Metadata = expect("metadata", value, "an object")?;
    request.parameters.user = metadata.user_id;
    Ok(())
}

fn thinking(reasoning: &mut Reasoning, value: &RawValue) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct Thinking {
        r#type: String,
        budget_tokens: Option<u64>,
        display: Option<String>,
    }

    let thinking: Thinking = expect("thinking", value, "an object with a `type`")?;
    reasoning.mode = Some(match thinking.r#type.as_str() {
        "enabled" => ReasoningMode::On,
        "disabled" => ReasoningMode::Off,
        "adaptive" | "between_tools" => ReasoningMode::Adaptive,
        _ => {
            let reason = "must be `enabled`, `disabled`, `adaptive` or `between_tools`";
            return Err(TranslateError::invalid("thinking.type", reason));
        }
    });
    reasoning.budget = thinking.budget_tokens;
    reasoning.summary = thinking.display;
    Ok(())
}

fn output_config(request: &mut Request, value: &RawValue) -> Result<(), TranslateError> {
    const PARAM: &str = "output_config";
    let members: serde_json::Map<String, Value> = expect(PARAM, value, "an object")?;
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let param = format!("{PARAM}.{key}");
        match key.as_str() {
            "effort" => {
                let effort = value.as_str().and_then(Effort::parse);
                let reason = "must be `low`, `medium`, `high`, `xhigh` or `max`";
                let effort = effort.ok_or_else(|| TranslateError::invalid(param, reason))?;
                let reasoning = request.parameters.reasoning.get_or_insert_default();
                reasoning.effort = Some(effort);
            }
            "format" => {
                let raw = Json::from(value);
                let raw = serde_json::from_str(raw.text()).unwrap_or(RawValue::NULL);
                request.parameters.format = Some(format(&param, raw)?);
            }
            // A budget of tokens for a task is advice.
            _ => request.other.push(Other {
                name: param,
                value: value.into(),
                weight: Weight::Hint,
            }),
        }
    }
    Ok(())
}

fn format(param: &str, value: &RawValue) -> Result<Format, TranslateError> {
    #[derive(Deserialize)]
    struct OutputFormat {
        r#type: String,
        schema: Json,
    }

    let form = "an object with `type` and `schema`";
    let format: OutputFormat = expect(param, value, form)?;
    if format.r#type != "json_schema" {
        let param = format!("{param}.type");
        return Err(TranslateError::invalid(param, "must be `json_schema`"));
    }
    Ok(Format::JsonSchema {
        name: None,
        description: None,
        strict: is_strict_everywhere(&format.schema).then_some(true),
        schema: format.schema,
    })
}

/// The system prompt, without the block in which Claude Code tells Anthropic who pays: it means nothing to others, and
/// is another one in every session.
fn system(value: &RawValue, request: &mut Request) -> Result<Option<Message>, TranslateError> {
    let content: Content<'_> = expect("system", value, "a text or a list of blocks")?;
    let mut system = parts(&content, "system")?;
    let before = system.len();
    system.retain(|part| !is_attribution(part));
    if system.len() < before {
        request.other.push(Other {
            name: ATTRIBUTION.to_owned(),
            value: Json::from(&Value::Null),
            weight: Weight::Hint,
        });
    }
    Ok((!system.is_empty()).then(|| Message::new(Role::System, system)))
}

fn is_attribution(part: &Part) -> bool {
    matches!(&part.kind, PartKind::Text { text, .. } if text.starts_with(ATTRIBUTION))
}

const ATTRIBUTION: &str = "x-anthropic-billing-header";

fn read_messages(value: &RawValue) -> Result<Vec<Message>, TranslateError> {
    #[derive(Deserialize)]
    struct WireMessage<'a> {
        role: String,
        #[serde(borrow)]
        content: Content<'a>,
    }

    let raw: Vec<&RawValue> = expect("messages", value, "a list")?;
    let mut messages = Vec::with_capacity(raw.len());
    for (at, raw) in raw.into_iter().enumerate() {
        let param = format!("messages[{at}]");
        let form = "an object with `role` and `content`";
        let message: WireMessage<'_> = expect(&param, raw, form)?;
        let role = match message.role.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => {
                let reason = "must be `user`, `assistant` or `system`";
                return Err(TranslateError::invalid(format!("{param}.role"), reason));
            }
        };
        let content = parts(&message.content, &format!("{param}.content"))?;
        messages.push(Message::new(role, content));
    }
    Ok(messages)
}
