//! Parameters: some have fields of their own, some are the model's.

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use super::Body;
use super::content::{Block, Reasoning as Thought};
use crate::chat::{Effort, Json, Other, Parameters, Reasoning, ReasoningMode, Weight};
use crate::dialect::bedrock_converse::family::{Family, is_adaptive};
use crate::dialect::bedrock_converse::finish::STOP_SEQUENCE;
use crate::translate::{Losses, Target};

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Inference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

impl Inference<'_> {
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            max_tokens,
            temperature,
            top_p,
            stop_sequences,
        } = self;
        max_tokens.is_none()
            && temperature.is_none()
            && top_p.is_none()
            && stop_sequences.is_empty()
    }
}

#[derive(Serialize)]
pub(super) struct Tier<'a> {
    r#type: &'a str,
}

/// The schema of the answer, as a text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OutputConfig<'a> {
    text_format: TextFormat<'a>,
}

#[derive(Serialize)]
struct TextFormat<'a> {
    r#type: &'static str,
    structure: Structure<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Structure<'a> {
    json_schema: JsonSchema<'a>,
}

#[derive(Serialize)]
struct JsonSchema<'a> {
    schema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

impl<'a> OutputConfig<'a> {
    /// With a name and a description, if there are some.
    pub(super) fn of(
        schema: &Json,
        (name, description): (Option<&'a str>, Option<&'a str>),
    ) -> Self {
        let json_schema = JsonSchema {
            schema: schema.text().to_owned(),
            name,
            description,
        };
        Self {
            text_format: TextFormat {
                r#type: "json_schema",
                structure: Structure { json_schema },
            },
        }
    }
}

/// Writes the parameters, except for the form of the answer.
pub(super) fn parameters<'a>(
    parameters: &'a Parameters,
    target: &Target<'_>,
    body: &mut Body<'a>,
    losses: &mut Losses,
) {
    let family = Family::of(target.model);
    body.inference_config = Inference {
        max_tokens: parameters.max_tokens,
        temperature: parameters.temperature.as_ref(),
        top_p: parameters.top_p.as_ref(),
        stop_sequences: parameters.stop.iter().map(String::as_str).collect(),
    };
    if !parameters.stop.is_empty() && family == Family::Claude {
        let paths = &mut body.additional_model_response_field_paths;
        paths.push(json!(STOP_SEQUENCE));
    }
    if let Some(top_k) = &parameters.top_k {
        self::top_k(top_k, family, body, losses);
    }
    if let Some(reasoning) = &parameters.reasoning {
        self::reasoning(reasoning, target, body, losses);
    }
    if let Some(metadata) = &parameters.metadata {
        match labels(metadata) {
            Some(labels) => body.request_metadata = labels,
            None => losses.hint("metadata"),
        }
    }
    match parameters.service_tier.as_deref() {
        None | Some("auto" | "default" | "standard" | "standard_only") => {}
        Some(tier @ ("priority" | "flex" | "reserved")) => {
            body.service_tier = Some(Tier { r#type: tier });
        }
        Some(_) => losses.hint("service_tier"),
    }
    lost(parameters, losses);
}

/// What Bedrock has not.
fn lost(parameters: &Parameters, losses: &mut Losses) {
    let Parameters {
        max_tokens: _,
        temperature: _,
        top_p: _,
        top_k: _,
        stop: _,
        reasoning: _,
        metadata: _,
        service_tier: _,
        // Written with the tools.
        format: _,
        // Usage always comes.
        usage_in_stream: _,
        frequency_penalty,
        presence_penalty,
        seed,
        choices,
        logprobs,
        top_logprobs,
        logit_bias,
        verbosity,
        user,
        store,
        previous_response,
        prompt_cache_key,
        modalities,
        audio,
        prediction,
        web_search,
    } = parameters;
    let is_set =
        |number: &Option<Number>| number.as_ref().is_some_and(|it| it.as_f64() != Some(0.0));
    let is_more = |count: &Option<u64>, usual| count.is_some_and(|count| count > usual);
    let speaks = |it: &Json| it.value() != json!(["text"]);
    let parameters = [
        ("frequency_penalty", is_set(frequency_penalty)),
        ("presence_penalty", is_set(presence_penalty)),
        ("seed", seed.is_some()),
        ("n", is_more(choices, 1)),
        ("logprobs", *logprobs == Some(true)),
        ("top_logprobs", is_more(top_logprobs, 0)),
        ("logit_bias", logit_bias.is_some()),
        ("previous_response_id", previous_response.is_some()),
        ("modalities", modalities.as_ref().is_some_and(speaks)),
        ("audio", audio.is_some()),
        ("web_search_options", web_search.is_some()),
    ];
    let hints = [
        ("verbosity", verbosity.is_some()),
        ("prediction", prediction.is_some()),
        ("user", user.is_some()),
        ("store", *store == Some(true)),
        ("prompt_cache_key", prompt_cache_key.is_some()),
    ];
    let named = |all: &[(&'static str, bool)], weight| {
        let lost = all.iter().filter(|(_, is_lost)| *is_lost);
        lost.map(|(name, _)| (*name, weight)).collect::<Vec<_>>()
    };
    let parameters = named(&parameters, Weight::Parameter);
    for (name, weight) in parameters.into_iter().chain(named(&hints, Weight::Hint)) {
        losses.add(name, weight);
    }
}

/// Fields of Bedrock's own that are written from the model, too: what the client says of them is added.
pub(super) fn own(other: &[Other], body: &mut Body<'_>, losses: &mut Losses) {
    for Other { name, value, .. } in other {
        match (name.as_str(), value.value()) {
            ("additionalModelRequestFields", Value::Object(fields)) => {
                body.additional_model_request_fields.extend(fields);
            }
            ("additionalModelResponseFieldPaths", Value::Array(paths)) => {
                body.additional_model_response_field_paths.extend(paths);
            }
            _ => continue,
        }
        losses.written(name);
    }
}

fn top_k(top_k: &Number, family: Family, body: &mut Body<'_>, losses: &mut Losses) {
    let fields = &mut body.additional_model_request_fields;
    match family {
        Family::Claude | Family::Unknown => {
            fields.insert("top_k".to_owned(), json!(top_k));
        }
        Family::Nova | Family::Nova2 => {
            fields.insert("inferenceConfig".to_owned(), json!({"topK": top_k}));
        }
        Family::GptOss | Family::Other => losses.parameter("top_k"),
    }
}

/// How much to think, in the words of the model's maker.
fn reasoning(reasoning: &Reasoning, target: &Target<'_>, body: &mut Body<'_>, losses: &mut Losses) {
    let Reasoning {
        mode,
        effort,
        budget,
        summary,
    } = reasoning;
    if summary.is_some() {
        losses.hint("reasoning.summary");
    }
    let off = *mode == Some(ReasoningMode::Off) || *effort == Some(Effort::None);
    let wanted = mode.is_some() || effort.is_some() || budget.is_some();
    if !wanted {
        return;
    }
    let family = Family::of(target.model);
    let fields = &mut body.additional_model_request_fields;
    match family {
        // Nobody thinks unasked, except for those who cannot do otherwise.
        _ if off => {}
        _ if target.reasons == Some(false) => losses.hint("reasoning_effort"),
        Family::Claude | Family::Unknown => claude(reasoning, target, body, losses),
        Family::Nova2 => {
            let effort = three_steps(effort.unwrap_or(Effort::Medium));
            let config = json!({"type": "enabled", "maxReasoningEffort": effort});
            fields.insert("reasoningConfig".to_owned(), config);
        }
        Family::GptOss => {
            let effort = three_steps(effort.unwrap_or(Effort::Medium));
            fields.insert("reasoning_effort".to_owned(), json!(effort));
        }
        // A model that does not think answers all the same.
        Family::Nova | Family::Other => losses.hint("reasoning_effort"),
    }
}

fn claude(reasoning: &Reasoning, target: &Target<'_>, body: &mut Body<'_>, losses: &mut Losses) {
    if unsigned_call(body) {
        // Claude refuses to go on thinking where what it thought before its last call is gone.
        return losses.hint("reasoning_effort");
    }
    // An ARN does not say what its model can; the client does.
    let may_adapt = is_adaptive(target.model) || Family::of(target.model) == Family::Unknown;
    let adaptive = (reasoning.mode == Some(ReasoningMode::Adaptive) && may_adapt)
        || (reasoning.budget.is_none() && is_adaptive(target.model));
    let room = body.inference_config.max_tokens;
    let fields = &mut body.additional_model_request_fields;
    if adaptive {
        fields.insert("thinking".to_owned(), json!({"type": "adaptive"}));
        if let Some(effort) = reasoning.effort {
            let config = json!({"effort": four_steps(effort)});
            fields.insert("output_config".to_owned(), config);
        }
        return;
    }
    let effort = reasoning.effort.unwrap_or(Effort::Medium);
    let budget = reasoning.budget.unwrap_or_else(|| budget_of(effort));
    // The budget is a part of the longest answer.
    let budget = room.map_or(budget, |room| budget.min(room.saturating_sub(1)));
    if budget < LEAST_BUDGET {
        return losses.hint("reasoning_effort");
    }
    let thinking = json!({"type": "enabled", "budget_tokens": budget});
    fields.insert("thinking".to_owned(), thinking);
}

/// Whether the last turn of the model's has a call, and nothing that it thought stands before it.
fn unsigned_call(body: &Body<'_>) -> bool {
    let last = body.messages.iter().rfind(|turn| turn.role == "assistant");
    let Some(turn) = last else {
        return false;
    };
    let calls = turn
        .content
        .iter()
        .any(|it| matches!(it, Block::ToolUse(_)));
    let thought = turn.content.iter().any(|it| {
        matches!(
            it,
            Block::ReasoningContent(Thought::ReasoningText { .. } | Thought::RedactedContent(_))
        )
    });
    calls && !thought
}

/// LiteLLM's figures.
const fn budget_of(effort: Effort) -> u64 {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => 1024,
        Effort::Medium => 2048,
        Effort::High => 4096,
        Effort::XHigh => 8192,
        Effort::Max => 16384,
    }
}

const fn three_steps(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}

const fn four_steps(effort: Effort) -> &'static str {
    match effort {
        Effort::XHigh | Effort::Max => "max",
        _ => three_steps(effort),
    }
}

/// Labels as Bedrock takes them: at most sixteen short texts of few characters.
fn labels(metadata: &Json) -> Option<Map<String, Value>> {
    let Value::Object(labels) = metadata.value() else {
        return None;
    };
    let fits = |text: &str| {
        let taken = |it: char| it.is_ascii_alphanumeric() || " \t:_@$#=/+,-.".contains(it);
        text.len() <= 256 && text.chars().all(taken)
    };
    let fit = |(key, value): (&String, &Value)| {
        !key.is_empty() && fits(key) && value.as_str().is_some_and(fits)
    };
    ((1..=16).contains(&labels.len()) && labels.iter().all(fit)).then_some(labels)
}

/// The least that Claude takes.
const LEAST_BUDGET: u64 = 1024;
