//! Requests for providers that speak Anthropic's messages: <https://docs.anthropic.com/en/api/messages>.

mod format;
mod generation;
mod messages;
mod sampling;
mod thinking;
mod tools;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::answer::read_answer;
use super::blocks::Block;
use super::stream_reader;
use crate::chat::{Json, Parameters, Request};
use crate::spoke::Back;
use crate::translate::{Losses, NameRule, Target, TranslateError};
use format::OutputFormat;
use generation::Generation;
use messages::WireMessage;
use sampling::Sampling;
use thinking::{Thinking, WireThinking};
use tools::{WireChoice, WireTool};

pub(super) static BACK: Back = Back {
    write_request,
    read_answer,
    stream_reader: stream_reader::new,
    tool_names: NameRule::plain(64),
    call_ids: NameRule::plain(256),
};

#[derive(Serialize)]
struct WireRequest<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<WireMessage<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<WireThinking<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<WireFormat<'a>>,
}

#[derive(Serialize)]
struct WireFormat<'a> {
    r#type: &'static str,
    schema: &'a Json,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: Cow<'a, str>,
}

/// The one label that Anthropic knows, too.
#[derive(Deserialize)]
struct Labels {
    user_id: Option<String>,
}

fn write_request(
    request: &Request,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, TranslateError> {
    let Request {
        model: _,
        stream,
        messages,
        tools: _,
        tool_choice: _,
        parallel_tool_calls: _,
        parameters,
        other: _,
    } = request;
    let generation = Generation::of(target.model);
    let mut prompt = messages::prompt(messages, losses);
    let format = OutputFormat::of(request, generation, losses);
    let tools = tools::tools(request, &format, losses);
    let choice = tools::choice(request, &format, &tools, generation, losses);
    let limit = parameters
        .max_tokens
        .or(target.max_output_tokens)
        .unwrap_or(DEFAULT_MAX_TOKENS);
    let thinking = Thinking::of(request, target, generation, limit, choice.as_ref(), losses);
    if let Some(instruction) = format.instruction() {
        prompt.system.push(Block::text(instruction));
    }
    let sampling = Sampling::of(parameters, generation, thinking.is_on(), losses);
    say_losses(parameters, losses);
    let effort = thinking.effort;
    let format = format.schema().map(|schema| WireFormat {
        r#type: "json_schema",
        schema,
    });
    let body = WireRequest {
        model: target.model,
        max_tokens: thinking.max_tokens,
        system: prompt.system,
        messages: prompt.messages,
        tools,
        tool_choice: choice,
        thinking: thinking.wire,
        output_config: (effort.is_some() || format.is_some())
            .then_some(OutputConfig { effort, format }),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        top_k: sampling.top_k,
        stop_sequences: stop_sequences(&parameters.stop, losses),
        metadata: metadata(parameters, losses),
        service_tier: service_tier(parameters.service_tier.as_deref(), losses),
        stream: *stream,
    };
    Ok(serde_json::to_vec(&body).expect("texts, numbers and JSON always serialize"))
}

/// What LiteLLM takes where neither the client nor the price table says how long an answer may be.
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// Names what Anthropic has not. What is written elsewhere is not looked at here.
fn say_losses(parameters: &Parameters, losses: &mut Losses) {
    let Parameters {
        max_tokens: _,
        temperature: _,
        top_p: _,
        top_k: _,
        frequency_penalty,
        presence_penalty,
        seed,
        stop: _,
        choices,
        logprobs,
        top_logprobs,
        logit_bias,
        format: _,
        reasoning: _,
        verbosity,
        user: _,
        metadata,
        service_tier: _,
        store,
        previous_response,
        prompt_cache_key,
        usage_in_stream: _,
        modalities,
        audio,
        prediction,
        web_search: _,
    } = parameters;
    let is_set =
        |number: &Option<Number>| number.as_ref().is_some_and(|it| it.as_f64() != Some(0.0));
    let lost = [
        ("frequency_penalty", is_set(frequency_penalty)),
        ("presence_penalty", is_set(presence_penalty)),
        ("seed", seed.is_some()),
        ("n", choices.is_some_and(|it| it > 1)),
        ("logprobs", *logprobs == Some(true)),
        ("top_logprobs", top_logprobs.is_some_and(|it| it > 0)),
        ("logit_bias", logit_bias.as_ref().is_some_and(is_filled)),
        ("previous_response_id", previous_response.is_some()),
        (
            "modalities",
            modalities.as_ref().is_some_and(wants_more_than_text),
        ),
        ("audio", audio.is_some()),
    ];
    for (name, _) in lost.into_iter().filter(|(_, lost)| *lost) {
        losses.parameter(name);
    }
    let hints = [
        ("verbosity", verbosity.is_some()),
        ("metadata", metadata.as_ref().is_some_and(has_labels)),
        ("store", *store == Some(true)),
        ("prompt_cache_key", prompt_cache_key.is_some()),
        ("prediction", prediction.is_some()),
    ];
    for (name, _) in hints.into_iter().filter(|(_, lost)| *lost) {
        losses.hint(name);
    }
}

/// Whether there is more than the name of the user, which is written.
fn has_labels(metadata: &Json) -> bool {
    match metadata.value() {
        Value::Object(labels) => labels
            .iter()
            .any(|(key, value)| key != "user_id" || !value.is_string()),
        _ => true,
    }
}

fn parse(metadata: &Json) -> Option<Labels> {
    serde_json::from_str(metadata.text()).ok()
}

fn is_filled(json: &Json) -> bool {
    !matches!(json.text(), "{}" | "[]")
}

fn wants_more_than_text(modalities: &Json) -> bool {
    modalities.value() != serde_json::json!(["text"])
}

/// Anthropic refuses sequences of white space alone.
fn stop_sequences<'a>(stop: &'a [String], losses: &mut Losses) -> Vec<&'a str> {
    let (kept, blank): (Vec<&str>, Vec<&str>) = stop
        .iter()
        .map(String::as_str)
        .partition(|it| !it.trim().is_empty());
    if !blank.is_empty() {
        losses.parameter("stop");
    }
    kept
}

/// Anthropic wants an opaque name, and refuses what looks like an address or the number of a telephone.
fn metadata<'a>(parameters: &'a Parameters, losses: &mut Losses) -> Option<Metadata<'a>> {
    let user = parameters.user.as_deref().map(Cow::Borrowed);
    let labeled = || {
        let Labels { user_id } = parse(parameters.metadata.as_ref()?)?;
        user_id.map(Cow::Owned)
    };
    let user_id = user.or_else(labeled).filter(|it| !it.is_empty())?;
    let number = user_id
        .bytes()
        .all(|it| it.is_ascii_digit() || b"+-() ".contains(&it));
    if user_id.len() > LONGEST_USER || user_id.contains('@') || (number && user_id.len() >= 7) {
        losses.hint("user");
        return None;
    }
    Some(Metadata { user_id })
}

/// In bytes.
const LONGEST_USER: usize = 256;

/// OpenAI's default is what Anthropic calls standard; the other tiers are bought in advance.
fn service_tier(tier: Option<&str>, losses: &mut Losses) -> Option<&'static str> {
    match tier? {
        "auto" => Some("auto"),
        "default" | "standard_only" | "standard" => Some("standard_only"),
        _ => {
            losses.hint("service_tier");
            None
        }
    }
}
