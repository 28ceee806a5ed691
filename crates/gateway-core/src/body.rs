//! Plain JSON answers: is it a whole answer of the dialect, what did it cost, is it an error in disguise?

use std::str::Utf8Error;

use bytes::{Buf, Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Dialect;
use crate::error::{ErrorInfo, ErrorKind, UpstreamError, read_upstream_error};
use crate::json::{is_cut_object, is_filled, object};
use crate::usage::Usage;

/// What the gateway must know of a plain answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// What the answer reports of its cost.
    pub usage: Usage,
    /// The error that came under a 2xx status, if it is no answer at all. Its status is what its words mean.
    pub error: Option<ErrorInfo>,
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
    #[error("the provider's answer has no `{missing}` array")]
    WrongShape {
        /// The member that every answer of the dialect has.
        missing: &'static str,
    },
}

/// The array that every plain answer of a dialect has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AnswerArray {
    Choices,
    Content,
    Data,
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
    answer: AnswerArray,
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
            usage: Usage::default(),
            error: Some(error),
        });
    }
    let (missing, present) = match answer {
        AnswerArray::Choices => ("choices", parsed.choices),
        AnswerArray::Content => ("content", parsed.content),
        AnswerArray::Data => ("data", parsed.data),
    };
    if !present.is_some_and(|value| value.get().starts_with('[')) {
        return Err(Malformed::WrongShape { missing });
    }
    Ok(BodyFacts {
        usage: parsed.usage.map(Usage::read).unwrap_or_default(),
        error: None,
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
