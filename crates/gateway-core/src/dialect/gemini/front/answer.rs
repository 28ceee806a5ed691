//! A whole answer.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::signature;
use super::sources::Sources;
use crate::chat::{Answer, Choice, Json, Part, PartKind, Source};
use crate::dialect::Dialect;
use crate::dialect::gemini::args::Args;
use crate::dialect::gemini::finish;
use crate::translate::Asked;
use crate::usage::Usage;

/// A `GenerateContentResponse`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    candidates: Vec<Candidate<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<Value>,
    model_version: &'a str,
    response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    content: Content<'a>,
    finish_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_message: Option<&'a str>,
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    grounding_metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs_result: Option<Value>,
}

#[derive(Serialize)]
struct Content<'a> {
    parts: Vec<Written<'a>>,
    role: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Part(Members<'a>),
    Raw(&'a Json),
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Members<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<String>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    name: &'a str,
    args: Args<'a>,
}

pub(super) fn write(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let Answer {
        id,
        model: _,
        created: _,
        choices,
        usage,
        service_tier: _,
    } = answer;
    let response = Response {
        candidates: choices.iter().enumerate().map(candidate).collect(),
        usage_metadata: usage_metadata(*usage),
        model_version: &asked.model,
        response_id: id.as_deref().unwrap_or(&asked.id),
    };
    serde_json::to_vec(&response).expect("texts, numbers and JSON always serialize")
}

fn candidate((index, choice): (usize, &Choice)) -> Candidate<'_> {
    let Choice {
        parts,
        finish,
        logprobs,
    } = choice;
    let mut sources = Sources::default();
    for part in parts {
        if let PartKind::Text {
            text, citations, ..
        } = &part.kind
        {
            for (_, citation) in citations {
                sources.add(citation, Some(text));
            }
        }
    }
    Candidate {
        content: Content {
            parts: parts.iter().filter_map(part).collect(),
            role: "model",
        },
        finish_reason: finish::word(finish),
        finish_message: finish.detail.as_deref(),
        index,
        grounding_metadata: sources.metadata(),
        logprobs_result: logprobs.as_ref().and_then(logprobs_result),
    }
}

/// What a part is to Google's clients; `None` if they have nothing like it.
fn part(part: &Part) -> Option<Written<'_>> {
    let mut members = Members::default();
    let signature = match &part.kind {
        PartKind::Text {
            text, signature, ..
        } => {
            members.text = Some(text);
            signature.as_ref()
        }
        PartKind::Thinking {
            text, signature, ..
        } => {
            members.text = Some(text);
            members.thought = true;
            signature.as_ref()
        }
        PartKind::RedactedThinking { signature } => {
            members.text = Some("");
            members.thought = true;
            members.thought_signature = Some(signature::redacted(signature));
            None
        }
        PartKind::Refusal { text } => {
            members.text = Some(text);
            None
        }
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature,
        } => {
            let args = Args::of(arguments, *custom);
            members.function_call = Some(Call { id, name, args });
            signature.as_ref()
        }
        PartKind::Image { source, .. }
        | PartKind::File { source, .. }
        | PartKind::Audio { source }
        | PartKind::Video { source } => {
            media(source, &mut members);
            None
        }
        PartKind::Other {
            dialect: Dialect::Gemini,
            json,
        } => return Some(Written::Raw(json)),
        PartKind::Other { .. } | PartKind::ToolResult { .. } => return None,
    };
    if let Some(signature) = signature {
        members.thought_signature = Some(signature::written(signature));
    }
    Some(Written::Part(members))
}

fn media<'a>(source: &'a Source, members: &mut Members<'a>) {
    match source {
        Source::Base64 { media_type, data } => {
            members.inline_data = Some(json!({"mimeType": media_type, "data": data}));
        }
        Source::Text { text, .. } => members.text = Some(text),
        Source::Url { url, media_type } => {
            members.file_data = Some(json!({"mimeType": media_type, "fileUri": url}));
        }
        Source::FileId { id } => members.file_data = Some(json!({"fileUri": id})),
    }
}

/// What it cost, in Google's way: thoughts are not among the tokens of the candidates.
pub(super) fn usage_metadata(usage: Usage) -> Option<Value> {
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens: _,
        cache_write_1h_tokens: _,
        reasoning_tokens,
    } = usage;
    if usage.is_empty() {
        return None;
    }
    let mut written = Map::new();
    let mut tell = |key: &str, count: Option<u64>| {
        if let Some(count) = count {
            written.insert(key.to_owned(), count.into());
        }
    };
    let spoken = output_tokens.map(|it| it.saturating_sub(reasoning_tokens.unwrap_or_default()));
    tell("promptTokenCount", input_tokens);
    tell("candidatesTokenCount", spoken);
    tell("thoughtsTokenCount", reasoning_tokens);
    tell("cachedContentTokenCount", cache_read_tokens);
    let total = input_tokens
        .unwrap_or_default()
        .saturating_add(output_tokens.unwrap_or_default());
    tell("totalTokenCount", Some(total));
    Some(written.into())
}

/// The tokens' probabilities, from OpenAI's shape.
pub(super) fn logprobs_result(logprobs: &Json) -> Option<Value> {
    let value = logprobs.value();
    let tokens = value.get("content")?.as_array()?;
    let token = |it: &Value| json!({"token": it["token"], "logProbability": it["logprob"]});
    let chosen: Vec<Value> = tokens.iter().map(token).collect();
    let top: Vec<Value> = tokens
        .iter()
        .map(|it| {
            let others = it["top_logprobs"].as_array().map_or(&[][..], Vec::as_slice);
            json!({"candidates": others.iter().map(token).collect::<Vec<_>>()})
        })
        .collect();
    Some(json!({"chosenCandidates": chosen, "topCandidates": top}))
}
