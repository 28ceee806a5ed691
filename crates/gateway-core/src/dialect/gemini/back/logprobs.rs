//! The tokens' probabilities, in OpenAI's shape.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

use crate::chat::Json;

/// What a `logprobsResult` is to OpenAI; `None` if it cannot be read.
pub(super) fn read(raw: &RawValue) -> Option<Json> {
    let result: LogprobsResult<'_> = serde_json::from_str(raw.get()).ok()?;
    let tops = result.top.iter().map(Some).chain(std::iter::repeat(None));
    let content: Vec<Value> = result
        .chosen
        .iter()
        .zip(tops)
        .map(|(chosen, top)| {
            let mut token = written(chosen);
            let alternatives = top.map_or(&[][..], |it| &it.candidates);
            token["top_logprobs"] = alternatives.iter().map(written).collect();
            token
        })
        .collect();
    Some(Json::from(&json!({"content": content, "refusal": null})))
}

fn written(it: &Token<'_>) -> Value {
    let token = it.token.as_deref().unwrap_or_default();
    json!({"token": token, "logprob": it.log_probability, "bytes": token.as_bytes()})
}

#[derive(Deserialize)]
struct LogprobsResult<'a> {
    #[serde(borrow, default, rename = "chosenCandidates")]
    chosen: Vec<Token<'a>>,
    #[serde(borrow, default, rename = "topCandidates")]
    top: Vec<Top<'a>>,
}

#[derive(Deserialize)]
struct Top<'a> {
    #[serde(borrow, default)]
    candidates: Vec<Token<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token<'a> {
    #[serde(borrow, default)]
    token: Option<Cow<'a, str>>,
    #[serde(default)]
    log_probability: Option<Number>,
}
