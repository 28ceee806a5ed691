//! A request for a provider: <https://platform.openai.com/docs/api-reference/chat/create>.

use super::messages_write::write_messages;
use super::tools_write::write_tools;
use crate::chat::{Effort, Format, Parameters, Reasoning, ReasoningMode, Request};
use crate::json::{Members, write_object};
use crate::translate::{Losses, Target, TranslateError};

/// Writes a request.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other dialects refuse what they cannot say"
)]
pub(super) fn write_request(
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
    let mut out = Vec::with_capacity(4096);
    write_object(&mut out, |members| {
        members.value("model", model);
        members.array("messages", |list| {
            write_messages(list, messages, target.quirks, losses);
        });
        let choice = (tool_choice.as_ref(), *parallel_tool_calls);
        write_tools(members, tools, choice, losses);
        write_parameters(members, parameters, target, losses);
        if *stream {
            members.value("stream", &true);
            if target.quirks.stream_options {
                members.object("stream_options", |options| {
                    options.value("include_usage", &true);
                });
            }
        }
    });
    Ok(out)
}

fn write_parameters(
    members: &mut Members<'_>,
    parameters: &Parameters,
    target: &Target<'_>,
    losses: &mut Losses,
) {
    let Parameters {
        max_tokens,
        temperature,
        top_p,
        top_k,
        frequency_penalty,
        presence_penalty,
        seed,
        stop,
        choices,
        logprobs,
        top_logprobs,
        logit_bias,
        format,
        reasoning,
        verbosity,
        // Written below.
        user: _,
        metadata: _,
        service_tier: _,
        store: _,
        previous_response: _,
        prompt_cache_key: _,
        // Every stream is asked for its usage.
        usage_in_stream: _,
        modalities,
        audio,
        prediction,
        web_search,
    } = parameters;
    members.some(target.quirks.max_tokens_field, max_tokens.as_ref());
    members.some("temperature", temperature.as_ref());
    members.some("top_p", top_p.as_ref());
    members.some("frequency_penalty", frequency_penalty.as_ref());
    members.some("presence_penalty", presence_penalty.as_ref());
    members.some("seed", seed.as_ref());
    members.some("stop", (!stop.is_empty()).then_some(stop));
    members.some("n", choices.as_ref());
    members.some("logprobs", logprobs.as_ref());
    members.some("top_logprobs", top_logprobs.as_ref());
    members.some("logit_bias", logit_bias.as_ref());
    if let Some(format) = format {
        members.object("response_format", |members| write_format(members, format));
    }
    if let Some(reasoning) = reasoning {
        write_reasoning(members, reasoning, target, losses);
    }
    members.some("verbosity", verbosity.as_ref());
    write_account(members, parameters, losses);
    members.some("modalities", modalities.as_ref());
    members.some("audio", audio.as_ref());
    members.some("prediction", prediction.as_ref());
    members.some("web_search_options", web_search.as_ref());
    if target.quirks.top_k {
        members.some("top_k", top_k.as_ref());
    } else if top_k.is_some() {
        losses.parameter("top_k");
    }
}

/// Anthropic's word for no faster tier is OpenAI's `default`.
fn tier(tier: &str) -> &str {
    match tier {
        "standard_only" | "standard" => "default",
        tier => tier,
    }
}

/// Who asks, what is kept, and where. OpenAI takes labels only of answers that it keeps.
fn write_account(members: &mut Members<'_>, parameters: &Parameters, losses: &mut Losses) {
    if let Some(user) = &parameters.user {
        let short = shortened(user);
        if short != *user {
            losses.hint("user");
        }
        members.value("user", short);
    }
    members.some("store", parameters.store.as_ref());
    match &parameters.metadata {
        Some(metadata) if parameters.store == Some(true) => members.value("metadata", metadata),
        Some(_) => losses.hint("metadata"),
        None => {}
    }
    let tier = parameters.service_tier.as_deref().map(tier);
    members.some("service_tier", tier);
    members.some("prompt_cache_key", parameters.prompt_cache_key.as_ref());
    if parameters.previous_response.is_some() {
        losses.parameter("previous_response_id");
    }
}

/// The beginning of a name that is too long: opaque names differ there.
fn shortened(user: &str) -> &str {
    let end = user.floor_char_boundary(LONGEST_USER);
    user.get(..end).unwrap_or(user)
}

/// In bytes; OpenAI counts characters.
const LONGEST_USER: usize = 64;

fn write_format(members: &mut Members<'_>, format: &Format) {
    match format {
        Format::Text => members.value("type", "text"),
        Format::JsonObject => members.value("type", "json_object"),
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => {
            members.value("type", "json_schema");
            members.object("json_schema", |it| {
                // It is required.
                it.value("name", name.as_deref().unwrap_or("answer"));
                it.some("description", description.as_ref());
                it.value("schema", schema);
                it.some("strict", strict.as_ref());
            });
        }
    }
}

/// As `reasoning_effort`. An effort that was asked for by its word is a parameter; a budget is a bound that models
/// without thoughts keep anyway.
fn write_reasoning(
    members: &mut Members<'_>,
    reasoning: &Reasoning,
    target: &Target<'_>,
    losses: &mut Losses,
) {
    let Reasoning {
        mode,
        effort,
        budget,
        summary,
    } = reasoning;
    if summary.is_some() {
        losses.hint("reasoning.summary");
    }
    let word = match (mode, effort, budget) {
        (_, Some(effort), _) => Some(*effort),
        (Some(ReasoningMode::Off), None, _) => Some(Effort::None),
        (_, None, Some(budget)) => Some(effort_of_budget(*budget)),
        (Some(ReasoningMode::On), None, None) => Some(Effort::Medium),
        (Some(ReasoningMode::Adaptive) | None, None, None) => None,
    };
    let Some(word) = word else {
        return;
    };
    match (target.reasons, effort) {
        // Not to think is what such a model does; and a model of which nobody knows need not know the word.
        (Some(false), _) | (None, None) if word == Effort::None => {}
        (Some(false), Some(_)) => losses.parameter("reasoning_effort"),
        (Some(false) | None, None) => losses.hint("thinking"),
        (Some(true), _) | (None, Some(_)) => {
            let word = if word == Effort::Max {
                Effort::XHigh
            } else {
                word
            };
            members.value("reasoning_effort", word.as_str());
        }
    }
}

/// The bounds between the efforts are LiteLLM's.
const fn effort_of_budget(budget: u64) -> Effort {
    match budget {
        10_000.. => Effort::High,
        5_000.. => Effort::Medium,
        2_000.. => Effort::Low,
        _ => Effort::Minimal,
    }
}
