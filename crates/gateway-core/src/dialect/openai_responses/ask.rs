//! A request to a provider.

mod conversation;
mod offered;

use serde::Serialize;
use serde_json::Number;

use self::conversation::Item;
use self::offered::{Choice, Offered};
use crate::chat::{Effort, Format, Json, Parameters, Reasoning, ReasoningMode, Request};
use crate::translate::{Losses, Target, TranslateError};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    store: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(flatten)]
    settings: Settings<'a>,
}

#[derive(Serialize)]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Thinking<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_response_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<FormatObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FormatObject<'a> {
    Text,
    JsonObject,
    JsonSchema {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        schema: &'a Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}

#[derive(Serialize)]
struct Thinking<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

/// Writes a request.
pub(super) fn write(
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, TranslateError> {
    let Request {
        model,
        stream,
        messages,
        tools,
        tool_choice,
        parallel_tool_calls,
        parameters,
        other: _,
    } = request;
    let mut offered = offered::tools(tools, losses)?;
    offered.extend(parameters.web_search.as_ref().map(offered::web_search));
    let body = Body {
        model,
        input: conversation::items(messages, target, losses),
        stream: *stream,
        // Nobody who speaks another dialect can ask for what is kept.
        store: parameters.store.unwrap_or(false),
        tool_choice: tool_choice
            .as_ref()
            .map(|choice| offered::choice(choice, tools)),
        parallel_tool_calls: *parallel_tool_calls,
        tools: offered,
        settings: settings(parameters, target, losses),
    };
    serde_json::to_vec(&body)
        .map_err(|error| TranslateError::invalid("request_body", error.to_string()))
}

fn settings<'a>(
    parameters: &'a Parameters,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Settings<'a> {
    let Parameters {
        max_tokens,
        temperature,
        top_p,
        // Told by `unsaid`.
        top_k: _,
        frequency_penalty: _,
        presence_penalty: _,
        seed: _,
        stop: _,
        choices: _,
        logit_bias: _,
        modalities: _,
        audio: _,
        prediction: _,
        logprobs,
        top_logprobs,
        format,
        reasoning,
        verbosity,
        user,
        metadata,
        service_tier,
        // Written beside the settings.
        store: _,
        previous_response,
        prompt_cache_key,
        // The last event always says it.
        usage_in_stream: _,
        // Written as a tool.
        web_search: _,
    } = parameters;
    unsaid(parameters, losses);
    let reasoning = thinking(reasoning.as_ref(), target, losses);
    let mut include = Vec::new();
    if reasoning.is_some() || target.reasons == Some(true) {
        include.push("reasoning.encrypted_content");
    }
    if *logprobs == Some(true) {
        include.push("message.output_text.logprobs");
    }
    Settings {
        max_output_tokens: limit(*max_tokens, losses),
        temperature: temperature.as_ref(),
        top_p: top_p.as_ref(),
        top_logprobs: *top_logprobs,
        text: text(format.as_ref(), verbosity.as_deref()),
        reasoning,
        include,
        user: user.as_deref(),
        metadata: labels(metadata.as_ref(), losses),
        service_tier: tier(service_tier.as_deref(), losses),
        prompt_cache_key: prompt_cache_key.as_deref(),
        previous_response_id: previous_response.as_deref(),
    }
}

/// Tells what the dialect has no words for.
fn unsaid(parameters: &Parameters, losses: &mut Losses) {
    let is_set = |penalty: &Option<Number>| penalty.as_ref().is_some_and(is_not_zero);
    let modalities = parameters.modalities.as_ref();
    for (name, is_set) in [
        ("top_k", parameters.top_k.is_some()),
        ("frequency_penalty", is_set(&parameters.frequency_penalty)),
        ("presence_penalty", is_set(&parameters.presence_penalty)),
        ("seed", parameters.seed.is_some()),
        ("stop", !parameters.stop.is_empty()),
        ("n", parameters.choices.is_some_and(|count| count > 1)),
        ("logit_bias", parameters.logit_bias.is_some()),
        (
            "modalities",
            modalities.is_some_and(|it| it.text().contains("audio")),
        ),
        ("audio", parameters.audio.is_some()),
        ("prediction", parameters.prediction.is_some()),
    ] {
        if is_set {
            losses.parameter(name);
        }
    }
}

fn is_not_zero(number: &Number) -> bool {
    number.as_f64() != Some(0.0)
}

/// The provider refuses a limit below its least one; clients use such limits to see whether a model is there.
fn limit(tokens: Option<u64>, losses: &mut Losses) -> Option<u64> {
    if tokens.is_some_and(|tokens| tokens < LEAST_LIMIT) {
        losses.hint("max_tokens");
    }
    tokens.map(|tokens| tokens.max(LEAST_LIMIT))
}

fn text<'a>(format: Option<&'a Format>, verbosity: Option<&'a str>) -> Option<Text<'a>> {
    let format = format.map(|format| match format {
        Format::Text => FormatObject::Text,
        Format::JsonObject => FormatObject::JsonObject,
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => FormatObject::JsonSchema {
            name: name.as_deref().unwrap_or("answer"),
            description: description.as_deref(),
            schema,
            strict: *strict,
        },
    });
    let says_something = format.is_some() || verbosity.is_some();
    says_something.then_some(Text { format, verbosity })
}

fn thinking<'a>(
    reasoning: Option<&'a Reasoning>,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Option<Thinking<'a>> {
    let Reasoning {
        mode,
        effort,
        budget,
        summary,
    } = reasoning?;
    if target.reasons == Some(false) {
        losses.hint("reasoning_effort");
        return None;
    }
    // A model that thinks by itself and one that cannot are asked for no thoughts in the same way: by not asking.
    if *mode == Some(ReasoningMode::Off) && effort.is_none() {
        return None;
    }
    let effort = effort.or_else(|| budget.map(of_budget));
    let summary = match (summary.as_deref(), mode) {
        (Some(known @ ("auto" | "concise" | "detailed")), _) => Some(known),
        (Some("omitted" | "none"), _) | (None, None) => None,
        (Some(_), _) | (None, Some(_)) => Some("auto"),
    };
    let effort = effort.map(Effort::as_str);
    (effort.is_some() || summary.is_some() || mode.is_some())
        .then_some(Thinking { effort, summary })
}

/// The effort that spends about so many tokens on thoughts.
const fn of_budget(tokens: u64) -> Effort {
    match tokens {
        0 => Effort::None,
        1..2_048 => Effort::Low,
        2_048..16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

/// Labels are texts; the provider refuses anything else.
fn labels<'a>(metadata: Option<&'a Json>, losses: &mut Losses) -> Option<&'a Json> {
    let value = metadata?.value();
    let labels = value.as_object()?;
    let are_taken = labels.len() <= 16
        && labels.iter().all(|(name, value)| {
            name.len() <= 64 && value.as_str().is_some_and(|text| text.len() <= 512)
        });
    if !are_taken {
        losses.hint("metadata");
    }
    metadata.filter(|_| are_taken)
}

fn tier<'a>(tier: Option<&'a str>, losses: &mut Losses) -> Option<&'a str> {
    match tier? {
        known @ ("auto" | "default" | "flex" | "priority" | "scale") => Some(known),
        "standard_only" | "standard" => Some("default"),
        _ => {
            losses.hint("service_tier");
            None
        }
    }
}

/// In tokens.
const LEAST_LIMIT: u64 = 16;
