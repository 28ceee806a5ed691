//! A client's request.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{input, tools};
use crate::chat::{
    Effort, Format, Json, Message, Other, Parameters, Part, Reasoning, Request, Role, Weight,
};
use crate::envelope::Envelope;
use crate::translate::TranslateError;

/// Reads a request. Whoever comes here is served by a provider that keeps no responses.
pub(super) fn read(envelope: &Envelope) -> Result<Request, TranslateError> {
    refuse_what_is_kept(envelope)?;
    let mut request = Request {
        model: envelope.model().unwrap_or_default().to_owned(),
        stream: envelope.stream(),
        parameters: parameters(envelope)?,
        parallel_tool_calls: field(envelope, "parallel_tool_calls")?,
        ..Request::default()
    };
    if let Some(raw) = raw(envelope, "tools") {
        tools::read(raw, "tools", &mut request)?;
    }
    if let Some(raw) = raw(envelope, "tool_choice") {
        tools::choice(raw, &mut request)?;
    }
    if let Some(instructions) = raw(envelope, "instructions") {
        let instructions: String = parse(instructions, "instructions")?;
        let system = Message::new(Role::System, vec![Part::text(instructions)]);
        request.messages.push(system);
    }
    match raw(envelope, "input") {
        Some(raw) => input::read(raw, &mut request)?,
        None => return Err(invalid("input", "it is missing")),
    }
    includes(envelope, &mut request)?;
    others(envelope, &mut request);
    Ok(request)
}

/// What only a provider can do that keeps responses. It must not be left out: the model would not know what was said.
fn refuse_what_is_kept(envelope: &Envelope) -> Result<(), TranslateError> {
    for name in ["previous_response_id", "conversation"] {
        if raw(envelope, name).is_some() {
            return Err(invalid(
                name,
                "this model's provider keeps no responses to go on from; send the whole conversation in `input`, with \
                 `store` set to false",
            ));
        }
    }
    if field::<bool>(envelope, "background")? == Some(true) {
        return Err(invalid(
            "background",
            "this model's provider keeps no responses to ask for later; leave it out",
        ));
    }
    Ok(())
}

fn parameters(envelope: &Envelope) -> Result<Parameters, TranslateError> {
    #[derive(Default, Deserialize)]
    struct Text {
        format: Option<FormatObject>,
        verbosity: Option<String>,
    }
    let text: Text = field(envelope, "text")?.unwrap_or_default();
    let user: Option<String> = field(envelope, "user")?;
    let top_logprobs: Option<u64> = field(envelope, "top_logprobs")?;
    Ok(Parameters {
        max_tokens: field(envelope, "max_output_tokens")?,
        temperature: field(envelope, "temperature")?,
        top_p: field(envelope, "top_p")?,
        logprobs: top_logprobs.filter(|count| *count > 0).map(|_| true),
        top_logprobs: top_logprobs.filter(|count| *count > 0),
        format: text.format.map(FormatObject::read).transpose()?,
        verbosity: text.verbosity,
        reasoning: reasoning(envelope)?,
        user: match user {
            Some(user) => Some(user),
            None => field(envelope, "safety_identifier")?,
        },
        metadata: field(envelope, "metadata")?,
        service_tier: field(envelope, "service_tier")?,
        store: field(envelope, "store")?,
        prompt_cache_key: field(envelope, "prompt_cache_key")?,
        // The last event always says it.
        usage_in_stream: envelope.stream().then_some(true),
        ..Parameters::default()
    })
}

#[derive(Deserialize)]
struct FormatObject {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    description: Option<String>,
    schema: Option<Json>,
    strict: Option<bool>,
}

impl FormatObject {
    fn read(self) -> Result<Format, TranslateError> {
        match (self.kind.as_str(), self.schema) {
            ("text", _) => Ok(Format::Text),
            ("json_object", _) => Ok(Format::JsonObject),
            ("json_schema", Some(schema)) => Ok(Format::JsonSchema {
                name: self.name,
                description: self.description,
                schema,
                strict: self.strict,
            }),
            ("json_schema", None) => Err(invalid("text.format.schema", "it is missing")),
            _ => Err(invalid(
                "text.format.type",
                "it must be `text`, `json_object` or `json_schema`",
            )),
        }
    }
}

fn reasoning(envelope: &Envelope) -> Result<Option<Reasoning>, TranslateError> {
    #[derive(Deserialize)]
    struct Object {
        effort: Option<String>,
        summary: Option<String>,
        generate_summary: Option<String>,
    }
    let Some(object) = field::<Object>(envelope, "reasoning")? else {
        return Ok(None);
    };
    let effort = match object.effort.as_deref() {
        Some(word) => Some(
            Effort::parse(word)
                .ok_or_else(|| invalid("reasoning.effort", format!("`{word}` is not an effort")))?,
        ),
        None => None,
    };
    let summary = object.summary.or(object.generate_summary);
    Ok(
        (effort.is_some() || summary.is_some()).then_some(Reasoning {
            mode: None,
            effort,
            budget: None,
            summary,
        }),
    )
}

/// What the answer shall include besides the usual. Encrypted reasoning always is.
fn includes(envelope: &Envelope, request: &mut Request) -> Result<(), TranslateError> {
    let include: Vec<String> = field(envelope, "include")?.unwrap_or_default();
    for word in include {
        match word.as_str() {
            "reasoning.encrypted_content" => {}
            "message.output_text.logprobs" => request.parameters.logprobs = Some(true),
            _ => hint(
                request,
                format!("include.{word}"),
                Json::from(&serde_json::Value::from(word.as_str())),
            ),
        }
    }
    Ok(())
}

/// Fields that are not read above, each with what it means if it is left out.
fn others(envelope: &Envelope, request: &mut Request) {
    for name in envelope.fields() {
        let Some(value) = raw(envelope, name) else {
            continue;
        };
        let means_nothing = match name {
            "stream_options" => !value.get().contains("true"),
            "truncation" => value.get() == "\"disabled\"",
            // It stands for the user, unless one is named.
            "safety_identifier" => raw(envelope, "user").is_none(),
            _ => READ.contains(&name),
        };
        if means_nothing {
            continue;
        }
        let weight = if HINTS.contains(&name) {
            Weight::Hint
        } else {
            Weight::Parameter
        };
        request.other.push(Other {
            name: name.to_owned(),
            value: value.into(),
            weight,
        });
    }
}

/// Notes that something is left out without which the answer is as good.
pub(super) fn hint(request: &mut Request, name: String, value: Json) {
    if !request.other.iter().any(|other| other.name == name) {
        request.other.push(Other {
            name,
            value,
            weight: Weight::Hint,
        });
    }
}

/// A field's JSON, unless it is null.
fn raw<'a>(envelope: &'a Envelope, name: &str) -> Option<&'a RawValue> {
    let raw: &RawValue = serde_json::from_slice(envelope.field(name)?).ok()?;
    (raw.get() != "null").then_some(raw)
}

fn field<T: DeserializeOwned>(
    envelope: &Envelope,
    name: &str,
) -> Result<Option<T>, TranslateError> {
    raw(envelope, name).map(|raw| parse(raw, name)).transpose()
}

/// Reads what stands at `path`.
pub(super) fn parse<T: DeserializeOwned>(raw: &RawValue, path: &str) -> Result<T, TranslateError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let told = error.to_string();
        // The place would be one in this value, and the path says where that is.
        let reason = told.split(" at line ").next().unwrap_or_default();
        invalid(path, reason)
    })
}

pub(super) fn invalid(path: &str, reason: impl Into<String>) -> TranslateError {
    TranslateError::invalid(path, reason)
}

/// The fields that are read.
const READ: [&str; 22] = [
    "model",
    "stream",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_logprobs",
    "text",
    "reasoning",
    "user",
    "metadata",
    "service_tier",
    "store",
    "prompt_cache_key",
    "include",
    "previous_response_id",
    "conversation",
    "background",
];

/// Of the others, those that do not change the answer.
const HINTS: [&str; 10] = [
    "client_metadata",
    "stream_options",
    "truncation",
    "max_tool_calls",
    "safety_identifier",
    "prompt_cache_retention",
    "prompt_cache_options",
    "context_management",
    "image",
    "access_programs",
];
