//! Plain JSON answers: is it a whole answer of the dialect, what did it cost, is it an error in disguise?

use std::ops::Range;
use std::str::Utf8Error;

use bytes::{Buf, Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Dialect;
use crate::error::{ErrorInfo, ErrorKind, UpstreamError, read_upstream_error};
use crate::json::{is_cut_object, is_filled, json_string, object, string_in};
use crate::usage::Usage;

/// What the gateway must know of a plain answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// What the answer reports of its cost.
    pub usage: Usage,
    /// The error that came under a 2xx status, if it is no answer at all. Its status is what its words mean.
    pub error: Option<ErrorInfo>,
    /// Where its model's name stands, as a JSON string.
    pub model: Option<Range<usize>>,
}

impl BodyFacts {
    /// The body that these facts were read from, with another name of the model, if it has one at all.
    pub fn restamped(&self, body: Bytes, model: &str) -> Bytes {
        let Some(range) = &self.model else {
            return body;
        };
        let name = json_string(model);
        match (
            body.get(..range.start),
            body.get(range.clone()),
            body.get(range.end..),
        ) {
            (Some(before), Some(old), Some(after)) if old != name => {
                Bytes::from([before, &name, after].concat())
            }
            _ => body,
        }
    }
}

/// Why a body that came with a 2xx status is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// There are no bytes.
    #[error("the provider's answer is empty")]
    Empty,
    /// There are bytes that are not UTF-8.
    #[error("the provider's answer is not UTF-8")]
    InvalidUtf8,
    /// It begins as a JSON object and ends before the object does: the rest is missing.
    #[error("the provider's answer is cut short")]
    Cut,
    /// It is no JSON object: HTML, text, JSON that is wrong.
    #[error("the provider's answer is not a whole JSON object")]
    NotJson,
    /// It is an object, but not an answer of this dialect.
    #[error("the provider's answer has no `{missing}`")]
    WrongShape {
        /// The member that every answer of the dialect has.
        missing: &'static str,
    },
    /// A frame of a binary stream is damaged, or is none.
    #[error("a frame of the provider's stream is damaged: {why}")]
    BadFrame {
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What every plain answer of a dialect has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerShape {
    /// An array `choices`.
    Choices,
    /// An array `content`.
    Content,
    /// An array `data`.
    Data,
    /// What this finds in the text of a whole JSON object.
    Own(fn(&str) -> Result<BodyFacts, Malformed>),
}

/// The body without the byte order mark that some servers put in front.
pub fn strip_bom(mut body: Bytes) -> Bytes {
    body.advance(body.len() - without_bom(&body).len());
    body
}

pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Reads the facts in one pass; members that do not matter are skipped without being built.
pub(crate) fn read(
    dialect: Dialect,
    answer: AnswerShape,
    body: &[u8],
) -> Result<BodyFacts, Malformed> {
    let body = without_bom(body);
    let text = std::str::from_utf8(body).map_err(|error| unreadable(body, error))?;
    if text.trim().is_empty() {
        return Err(Malformed::Empty);
    }
    let parsed: Answer<'_> = object(text).ok_or_else(|| unparsed(text))?;
    if parsed.speaks_of_an_error() {
        let error =
            read_upstream_error(text, UpstreamError::InBand(dialect)).unwrap_or_else(|| {
                ErrorInfo::new(
                    ErrorKind::Upstream,
                    "The provider answered with an error that cannot be read.",
                )
            });
        return Ok(BodyFacts {
            error: Some(error),
            ..BodyFacts::default()
        });
    }
    let (missing, present) = match answer {
        AnswerShape::Choices => ("choices", parsed.choices),
        AnswerShape::Content => ("content", parsed.content),
        AnswerShape::Data => ("data", parsed.data),
        AnswerShape::Own(read) => return read(text),
    };
    if !present.is_some_and(|value| value.get().starts_with('[')) {
        return Err(Malformed::WrongShape { missing });
    }
    Ok(BodyFacts {
        usage: parsed.usage.map(Usage::read).unwrap_or_default(),
        error: None,
        model: parsed.model.and_then(|raw| string_in(text, raw)),
    })
}

/// What is wrong with bytes that are not UTF-8: they may end inside a character.
fn unreadable(body: &[u8], error: Utf8Error) -> Malformed {
    let whole = body.get(..error.valid_up_to()).map(std::str::from_utf8);
    match whole {
        Some(Ok(text)) if error.error_len().is_none() && is_cut_object(text) => Malformed::Cut,
        _ => Malformed::InvalidUtf8,
    }
}

/// What is wrong with a text that is no JSON object.
fn unparsed(text: &str) -> Malformed {
    if is_cut_object(text) {
        Malformed::Cut
    } else {
        Malformed::NotJson
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

impl Answer<'_> {
    fn speaks_of_an_error(&self) -> bool {
        self.error.is_some_and(is_filled)
            || [self.object, self.kind]
                .into_iter()
                .flatten()
                .any(|word| word.get() == r#""error""#)
    }
}

#[cfg(test)]
mod tests;
