//! How the answer shall be made: `generationConfig`.

use serde::Serialize;
use serde_json::{Number, Value};

use super::generation::{Generation, Thinking};
use crate::chat::{Effort, Format, Json, Parameters, Reasoning, ReasoningMode};
use crate::translate::{Losses, Target};

#[derive(Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a Number>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_modalities: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speech_config: Option<Value>,
}

#[derive(PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// What of the parameters stands elsewhere.
pub(super) struct Elsewhere {
    /// The provider shall search the web.
    pub(super) search: bool,
    /// The tier that shall serve it.
    pub(super) service_tier: Option<&'static str>,
}

impl GenerationConfig<'_> {
    pub(super) fn is_empty(&self) -> bool {
        *self == GenerationConfig::default()
    }
}

/// Writes the parameters; what Google does not know is lost.
pub(super) fn write<'a>(
    parameters: &'a Parameters,
    generation: Generation,
    target: &Target<'_>,
    losses: &mut Losses,
) -> (GenerationConfig<'a>, Elsewhere) {
    let elsewhere = rest(parameters, losses);
    let (response_mime_type, response_json_schema) = form(parameters.format.as_ref(), losses);
    let reasoning = parameters.reasoning.as_ref();
    let config = GenerationConfig {
        max_output_tokens: parameters.max_tokens,
        temperature: parameters.temperature.as_ref(),
        top_p: parameters.top_p.as_ref(),
        top_k: parameters.top_k.as_ref(),
        frequency_penalty: parameters.frequency_penalty.as_ref(),
        presence_penalty: parameters.presence_penalty.as_ref(),
        seed: parameters.seed.as_ref(),
        stop_sequences: &parameters.stop,
        candidate_count: parameters.choices.filter(|count| *count != 1),
        response_logprobs: parameters.logprobs.filter(|wanted| *wanted),
        logprobs: parameters.top_logprobs,
        response_mime_type,
        response_json_schema,
        thinking_config: reasoning.and_then(|it| think(it, generation, target, losses)),
        response_modalities: parameters
            .modalities
            .as_ref()
            .map(spoken)
            .unwrap_or_default(),
        speech_config: parameters.audio.as_ref().and_then(|it| speech(it, losses)),
    };
    (config, elsewhere)
}

/// What of the parameters is not part of the config: said elsewhere, or lost.
fn rest(parameters: &Parameters, losses: &mut Losses) -> Elsewhere {
    let Parameters {
        max_tokens: _,
        temperature: _,
        top_p: _,
        top_k: _,
        frequency_penalty: _,
        presence_penalty: _,
        seed: _,
        stop: _,
        choices: _,
        logprobs: _,
        top_logprobs: _,
        logit_bias,
        format: _,
        reasoning: _,
        verbosity,
        user,
        metadata,
        service_tier,
        store,
        previous_response,
        prompt_cache_key,
        // Google always tells it.
        usage_in_stream: _,
        modalities: _,
        audio: _,
        prediction,
        web_search,
    } = parameters;
    for (name, given) in [
        ("logit_bias", logit_bias.is_some()),
        ("previous_response_id", previous_response.is_some()),
    ] {
        if given {
            losses.parameter(name);
        }
    }
    for (name, given) in [
        ("verbosity", verbosity.is_some()),
        ("user", user.is_some()),
        ("metadata", metadata.is_some()),
        // Nothing is kept anyway.
        ("store", *store == Some(true)),
        ("prompt_cache_key", prompt_cache_key.is_some()),
        ("prediction", prediction.is_some()),
    ] {
        if given {
            losses.hint(name);
        }
    }
    Elsewhere {
        search: web_search.as_ref().is_some_and(|it| search(it, losses)),
        service_tier: tier(service_tier.as_deref(), losses),
    }
}

/// A search of the web. Google takes no options for it.
fn search(options: &Json, losses: &mut Losses) -> bool {
    for key in options
        .value()
        .as_object()
        .into_iter()
        .flat_map(|it| it.keys())
    {
        losses.hint(format!("web_search_options.{key}"));
    }
    true
}

fn form<'a>(
    format: Option<&'a Format>,
    losses: &mut Losses,
) -> (Option<&'static str>, Option<&'a Json>) {
    match format {
        None | Some(Format::Text) => (None, None),
        Some(Format::JsonObject) => (Some(JSON), None),
        Some(Format::JsonSchema {
            name: _,
            description,
            schema,
            strict: _,
        }) => {
            if description.is_some() {
                losses.hint("response_format.json_schema.description");
            }
            (Some(JSON), Some(schema))
        }
    }
}

/// How much to think: <https://ai.google.dev/gemini-api/docs/thinking>.
fn think(
    reasoning: &Reasoning,
    generation: Generation,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Option<ThinkingConfig> {
    let Reasoning {
        mode,
        effort,
        budget,
        summary,
    } = reasoning;
    let off = *mode == Some(ReasoningMode::Off)
        || (mode.is_none() && (*effort == Some(Effort::None) || *budget == Some(0)));
    let thinking = if target.reasons == Some(false) {
        Thinking::Never
    } else {
        generation.thinking()
    };
    let hidden = matches!(summary.as_deref(), Some("omitted" | "none"));
    let (thinking_budget, thinking_level) = match thinking {
        Thinking::Never if off => return None,
        Thinking::Never => {
            // A model that does not think answers all the same.
            losses.hint("reasoning_effort");
            return None;
        }
        Thinking::Budget { least, most: _ } if off => {
            if least > 0 {
                losses.hint("reasoning_effort");
            }
            (Some(least), None)
        }
        Thinking::Budget { least, most } => {
            let budget = budget.or_else(|| effort.map(|effort| tokens(effort, most)));
            (budget.map(|it| it.clamp(least, most)), None)
        }
        Thinking::Level { least, .. } if off => {
            losses.hint("reasoning_effort");
            (None, Some(least))
        }
        Thinking::Level { least, middle } => {
            let effort = effort.or_else(|| budget.map(meant));
            if effort > Some(Effort::High) {
                losses.hint("reasoning_effort");
            }
            (None, effort.map(|it| level(it, least, middle)))
        }
    };
    Some(ThinkingConfig {
        include_thoughts: !off && !hidden,
        thinking_budget,
        thinking_level,
    })
}

/// The budget that Google itself takes for an effort: <https://ai.google.dev/gemini-api/docs/openai>.
const fn tokens(effort: Effort, most: u64) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 8192,
        Effort::High => 24_576,
        Effort::XHigh | Effort::Max => most,
    }
}

/// The effort that a budget means, by the same table.
const fn meant(budget: u64) -> Effort {
    match budget {
        0..=4096 => Effort::Low,
        4097..=16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

const fn level(effort: Effort, least: &'static str, middle: &'static str) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal => least,
        Effort::Low => "LOW",
        Effort::Medium => middle,
        Effort::High | Effort::XHigh | Effort::Max => "HIGH",
    }
}

/// `["text","audio"]` in Google's words.
fn spoken(modalities: &Json) -> Vec<String> {
    let Value::Array(words) = modalities.value() else {
        return Vec::new();
    };
    let words: Vec<String> = words
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_ascii_uppercase)
        .collect();
    // It is what comes anyway, and not every model takes the field.
    if words == ["TEXT"] { Vec::new() } else { words }
}

/// The voice. Google speaks in samples of 16 bits and nothing else.
fn speech(audio: &Json, losses: &mut Losses) -> Option<Value> {
    let value = audio.value();
    let format = value.get("format").and_then(Value::as_str);
    if format.is_some_and(|it| it != "pcm16") {
        losses.parameter("audio.format");
    }
    let voice = value.get("voice").and_then(Value::as_str)?;
    Some(serde_json::json!({
        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}
    }))
}

/// Google's word for a tier.
fn tier(tier: Option<&str>, losses: &mut Losses) -> Option<&'static str> {
    match tier? {
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        "auto" | "default" => None,
        "standard" | "standard_only" => Some("standard"),
        _ => {
            losses.hint("service_tier");
            None
        }
    }
}

const JSON: &str = "application/json";
