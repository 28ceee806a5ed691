//! The parameters of a request: OpenAI's, and what LiteLLM's clients send besides.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::wrong;
use crate::chat::{Effort, Format, Json, Other, Parameters, Reasoning, ReasoningMode, Weight};
use crate::envelope::{Envelope, is_gateway_field};
use crate::translate::TranslateError;

/// The members of a request, with the text of each; `null` counts as absent, as do the gateway's own.
pub(in crate::dialect) fn members(envelope: &Envelope) -> impl Iterator<Item = (&str, &str)> {
    envelope.fields().filter_map(|name| {
        let json = std::str::from_utf8(envelope.field(name)?).ok()?;
        (json != "null" && !is_gateway_field(name)).then_some((name, json))
    })
}

/// Reads a member's value.
pub(in crate::dialect) fn value<'a, T: Deserialize<'a>>(
    name: &str,
    json: &'a str,
) -> Result<T, TranslateError> {
    serde_json::from_str(json).map_err(|error| wrong(name, &error))
}

/// What kind of member it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Known {
    Yes,
    No,
}

/// Reads a member that stands for itself.
pub(in crate::dialect) fn read_parameter(
    to: &mut Parameters,
    name: &str,
    json: &str,
) -> Result<Known, TranslateError> {
    match name {
        // The newer name wins, whichever comes first.
        "max_completion_tokens" => to.max_tokens = Some(value(name, json)?),
        "max_tokens" => to.max_tokens = to.max_tokens.or(Some(value(name, json)?)),
        "temperature" => to.temperature = Some(value(name, json)?),
        "top_p" => to.top_p = Some(value(name, json)?),
        "top_k" => to.top_k = Some(value(name, json)?),
        "frequency_penalty" => to.frequency_penalty = Some(value(name, json)?),
        "presence_penalty" => to.presence_penalty = Some(value(name, json)?),
        "seed" => to.seed = Some(value(name, json)?),
        "stop" => to.stop = value::<OneOrMore>(name, json)?.into_vec(),
        "n" => to.choices = Some(value(name, json)?),
        "logit_bias" => to.logit_bias = filled(value(name, json)?),
        "user" => to.user = Some(value(name, json)?),
        "metadata" => to.metadata = filled(value(name, json)?),
        "service_tier" => to.service_tier = Some(value(name, json)?),
        "store" => to.store = Some(value(name, json)?),
        "prompt_cache_key" => to.prompt_cache_key = Some(value(name, json)?),
        "stream_options" => return stream_options(to, name, json),
        _ => return Ok(Known::No),
    }
    Ok(Known::Yes)
}

/// The same for members that only a chat has.
pub(super) fn read_chat_parameter(
    to: &mut Parameters,
    name: &str,
    json: &str,
) -> Result<Known, TranslateError> {
    match name {
        "logprobs" => to.logprobs = Some(value(name, json)?),
        "top_logprobs" => to.top_logprobs = Some(value(name, json)?),
        "response_format" => to.format = Some(format(json)?),
        "reasoning_effort" => reasoning_effort(to.reasoning.get_or_insert_default(), json)?,
        "thinking" => thinking(to.reasoning.get_or_insert_default(), json)?,
        "reasoning" => reasoning(to.reasoning.get_or_insert_default(), json)?,
        "verbosity" => to.verbosity = Some(value(name, json)?),
        "modalities" => to.modalities = Some(value(name, json)?),
        "audio" => to.audio = Some(value(name, json)?),
        "prediction" => to.prediction = Some(value(name, json)?),
        "web_search_options" => to.web_search = Some(value(name, json)?),
        "safety_identifier" if to.user.is_none() => to.user = Some(value(name, json)?),
        _ => return read_parameter(to, name, json),
    }
    Ok(Known::Yes)
}

/// A member that has no place in the model.
pub(in crate::dialect) fn other(name: &str, json: &str) -> Option<Other> {
    let weight = if HINTS.contains(&name) {
        Weight::Hint
    } else {
        Weight::Parameter
    };
    Some(Other {
        name: name.to_owned(),
        value: Json::parse(json)?,
        weight,
    })
}

/// What does not change the answer.
const HINTS: &[&str] = &[
    "safety_identifier",
    "stream_options",
    "prompt_cache_retention",
    "prompt_cache_options",
    "context_management",
    "client_metadata",
    "extra_body",
    "moderation",
];

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// An object that says something.
fn filled(json: Json) -> Option<Json> {
    (json.text() != "{}").then_some(json)
}

/// Only whether there is usage matters: what else stands there shapes the stream, not what it says.
fn stream_options(to: &mut Parameters, name: &str, json: &str) -> Result<Known, TranslateError> {
    #[derive(Deserialize)]
    struct Options {
        include_usage: Option<bool>,
    }

    let options: Options = value(name, json)?;
    to.usage_in_stream = options.include_usage.or(to.usage_in_stream);
    Ok(Known::Yes)
}

fn format(json: &str) -> Result<Format, TranslateError> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        json_schema: Option<Schema<'a>>,
        /// LiteLLM's second way to give one.
        #[serde(borrow)]
        response_schema: Option<&'a RawValue>,
    }

    #[derive(Deserialize)]
    struct Schema<'a> {
        name: Option<String>,
        description: Option<String>,
        #[serde(borrow)]
        schema: Option<&'a RawValue>,
        strict: Option<bool>,
    }

    const NAME: &str = "response_format";
    let wire: Wire<'_> = value(NAME, json)?;
    let any = || Json::parse("{}").ok_or_else(|| TranslateError::invalid(NAME, "no schema"));
    match (wire.kind.as_str(), wire.json_schema, wire.response_schema) {
        ("text", ..) => Ok(Format::Text),
        ("json_schema", Some(wire), _) => Ok(Format::JsonSchema {
            name: wire.name,
            description: wire.description,
            schema: wire.schema.map_or_else(any, |raw| Ok(Json::from(raw)))?,
            strict: wire.strict,
        }),
        ("json_object" | "json_schema", None, Some(schema)) => Ok(Format::JsonSchema {
            name: None,
            description: None,
            schema: Json::from(schema),
            strict: None,
        }),
        ("json_object", ..) => Ok(Format::JsonObject),
        ("json_schema", None, None) => Err(TranslateError::invalid(
            "response_format.json_schema",
            "it is missing",
        )),
        (other, ..) => Err(TranslateError::invalid(
            "response_format.type",
            format!("`{other}` is none of `text`, `json_object` and `json_schema`"),
        )),
    }
}

/// A word, or LiteLLM's object of a word and a summary.
fn reasoning_effort(to: &mut Reasoning, json: &str) -> Result<(), TranslateError> {
    if json.starts_with('{') {
        return reasoning(to, json);
    }
    let word: String = value("reasoning_effort", json)?;
    set_effort(to, "reasoning_effort", &word)
}

fn set_effort(to: &mut Reasoning, name: &str, word: &str) -> Result<(), TranslateError> {
    let effort = Effort::parse(word).ok_or_else(|| {
        let words: Vec<_> = Effort::ALL.into_iter().map(Effort::as_str).collect();
        TranslateError::invalid(name, format!("`{word}` is none of {}", words.join(", ")))
    })?;
    if effort == Effort::None {
        to.mode = Some(ReasoningMode::Off);
    }
    to.effort = Some(effort);
    Ok(())
}

/// Anthropic's `thinking`, as LiteLLM takes it; DeepSeek, Z.ai and Moonshot know the `type` alone.
fn thinking(to: &mut Reasoning, json: &str) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "type")]
        kind: String,
        budget_tokens: Option<u64>,
        display: Option<String>,
    }

    let wire: Wire = value("thinking", json)?;
    to.mode = Some(match wire.kind.as_str() {
        "enabled" => ReasoningMode::On,
        "disabled" => ReasoningMode::Off,
        "adaptive" | "auto" => ReasoningMode::Adaptive,
        other => {
            let reason = format!("`{other}` is none of `enabled`, `disabled` and `adaptive`");
            return Err(TranslateError::invalid("thinking.type", reason));
        }
    });
    to.budget = wire.budget_tokens.or(to.budget);
    to.summary = wire.display.or(to.summary.take());
    Ok(())
}

/// The object of OpenAI's responses and of OpenRouter.
fn reasoning(to: &mut Reasoning, json: &str) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct Wire {
        effort: Option<String>,
        max_tokens: Option<u64>,
        enabled: Option<bool>,
        summary: Option<String>,
    }

    let wire: Wire = value("reasoning", json)?;
    if let Some(enabled) = wire.enabled {
        to.mode = Some(if enabled {
            ReasoningMode::On
        } else {
            ReasoningMode::Off
        });
    }
    if let Some(word) = wire.effort {
        set_effort(to, "reasoning.effort", &word)?;
    }
    to.budget = wire.max_tokens.or(to.budget);
    to.summary = wire.summary.or(to.summary.take());
    Ok(())
}
