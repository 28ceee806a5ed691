//! Contents and their parts as Google reads them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::chat::Json;
use crate::dialect::gemini::args::Args;
use crate::dialect::gemini::back::media::Media;

/// What one side says at a time.
#[derive(Serialize)]
pub(in crate::dialect::gemini::back) struct Content<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    pub(super) parts: Vec<Written<'a>>,
    /// It consists of results of tools: these follow the calls at once, alone.
    #[serde(skip)]
    pub(super) results: bool,
}

/// One part of it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Written<'a> {
    Text(Text<'a>),
    Media(Media<'a>),
    Call(Call<'a>),
    Result(FunctionResponse<'a>),
    /// As Google wrote it.
    Raw(&'a Json),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Call<'a> {
    pub(super) function_call: FunctionCall<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct FunctionCall<'a> {
    pub(super) name: &'a str,
    pub(super) args: Args<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionResponse<'a> {
    pub(super) function_response: Response<'a>,
}

#[derive(Serialize)]
pub(super) struct Response<'a> {
    pub(super) name: &'a str,
    pub(super) response: Outcome<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Media<'a>>,
}

/// What a tool answered. Google takes an object with other members for the output as a whole.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Outcome<'a> {
    Object(Box<RawValue>),
    Output { output: Cow<'a, str> },
    Error { error: Cow<'a, str> },
}

pub(super) fn outcome<'a>(texts: &[&'a str], is_error: bool) -> Outcome<'a> {
    let text = match texts {
        [one] => Cow::Borrowed(*one),
        several => Cow::Owned(several.join("\n")),
    };
    if is_error {
        return Outcome::Error { error: text };
    }
    match RawValue::from_string(text.trim().to_owned()) {
        Ok(raw) if raw.get().starts_with('{') => Outcome::Object(raw),
        _ => Outcome::Output { output: text },
    }
}
