//! Reads what upstreams write when they fail: OpenAI, Azure, vLLM, Anthropic, Google, AWS, FastAPI, and their kin.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::google;
use super::phrases::kind_of_message;
use super::{ErrorInfo, ErrorKind};
use crate::dialect::Dialect;
use crate::json::is_filled;

/// Where an error was found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum UpstreamError {
    /// In a body that came with this HTTP status.
    Status(u16),
    /// In a body or event of this dialect that came with a 2xx status: only its words tell what it means.
    InBand(Dialect),
}

/// Reads the data of an event that says that a stream of `dialect` has failed. Anything may stand in it, also nothing.
pub(crate) fn read_error_event(dialect: Dialect, data: &str) -> ErrorInfo {
    read_upstream_error(data, UpstreamError::InBand(dialect)).unwrap_or_else(|| {
        ErrorInfo::new(
            ErrorKind::Upstream,
            "The provider ended the stream with an error.",
        )
    })
}

/// Reads the data of an event whose name says that a stream of `dialect` has failed, and how.
pub(crate) fn read_named_error(dialect: Dialect, name: &str, data: &str) -> ErrorInfo {
    read_error(data, UpstreamError::InBand(dialect), Some(name)).unwrap_or_else(|| {
        let kind = kind_of_name(name).unwrap_or(ErrorKind::Upstream);
        ErrorInfo::new(kind, format!("The provider ended the stream with {name}."))
    })
}

/// The kind of an exception of AWS's, which may have a name space before it and a link behind it:
/// `com.amazon.coral.service#AccessDeniedException:http://…`.
fn kind_of_name(name: &str) -> Option<ErrorKind> {
    let name = name.split_once('#').map_or(name, |(_, name)| name);
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    ErrorKind::from_word(name.trim())
}

/// Reads an error in any of the known shapes. `None` if the text is none of them: HTML, plain text, a JSON value that
/// does not speak of an error.
pub(crate) fn read_upstream_error(json: &str, found: UpstreamError) -> Option<ErrorInfo> {
    read_error(json, found, None)
}

/// The same where the failure's name stands elsewhere: in a header, or in the name of an event.
pub(crate) fn read_error(
    json: &str,
    found: UpstreamError,
    name: Option<&str>,
) -> Option<ErrorInfo> {
    let json = json.trim();
    let outer = if json.starts_with('[') {
        // Google wraps the error of a stream that never began in an array.
        serde_json::from_str::<First<'_>>(json).ok()?.0?
    } else {
        serde_json::from_str::<Shape<'_>>(json).ok()?
    };
    let inner: Option<Shape<'_>> = outer
        .error
        .and_then(|error| serde_json::from_str(error.get()).ok());
    let plain = outer.error.and_then(text);
    if inner.is_none() && plain.is_none() && outer.message.is_none() && outer.detail.is_none() {
        return None;
    }
    let request_id = outer.request_id.and_then(text);
    let fields = inner.as_ref().unwrap_or(&outer);
    let message = plain
        .or_else(|| fields.message.and_then(any_text))
        .or_else(|| fields.detail.and_then(any_text));
    let code = fields.code.and_then(text);
    let words = fields.words();
    let status = match found {
        UpstreamError::Status(status) => Some(status),
        UpstreamError::InBand(_) => words.iter().flatten().find_map(|word| status_of(word)),
    };
    let own = outer.name.and_then(text);
    let name = name.or(own.as_deref());
    let mut known = (name.and_then(kind_of_name).into_iter())
        .chain((words.iter().flatten()).filter_map(|word| ErrorKind::from_word(word)));
    let first = known.clone().next();
    let word = known.find(|kind| kind.is_told_by_words_alone());
    let phrase = [
        &message,
        &fields.innererror.and_then(nested),
        &fields.metadata.and_then(nested),
    ]
    .into_iter()
    .flatten()
    .find_map(|text| kind_of_message(text));
    let kind = precise(kind_of(status, first), word, phrase);
    let usual = match found {
        UpstreamError::InBand(Dialect::AnthropicMessages) => kind.anthropic_status(),
        _ => kind.status(),
    };
    Some(ErrorInfo {
        status: match (status, kind) {
            // Google's status for a key that it does not know.
            (Some(400), ErrorKind::Authentication) | (None, _) => usual,
            (Some(status), _) if (400..=599).contains(&status) => status,
            (Some(_), _) => usual,
        },
        kind,
        message: shorten(without_credentials(
            message.unwrap_or_else(|| NO_MESSAGE.to_owned()),
        )),
        code: code.map(shorten),
        param: fields.param.and_then(text).map(shorten),
        request_id: request_id.map(shorten),
    })
}

/// The status that a word is.
fn status_of(word: &str) -> Option<u16> {
    let status = word.parse().ok()?;
    (400..=599).contains(&status).then_some(status)
}

/// What AWS says of a wrong signature, without the request that it repeats: session tokens are among its headers.
fn without_credentials(mut message: String) -> String {
    if let Some(end) = message.find("The Canonical String for this request") {
        message.truncate(end);
        message.truncate(message.trim_end().len());
    }
    message
}

/// Statuses with one meaning decide; where a status is vague, the upstream's words do.
fn kind_of(status: Option<u16>, said: Option<ErrorKind>) -> ErrorKind {
    match (status.map(ErrorKind::from_status), said) {
        (
            Some(vague @ (ErrorKind::InvalidRequest | ErrorKind::Upstream | ErrorKind::Internal)),
            said,
        ) => said.unwrap_or(vague),
        (Some(ErrorKind::Unavailable), Some(ErrorKind::Overloaded)) => ErrorKind::Overloaded,
        // AWS refuses keys that it does not know with a 403.
        (Some(ErrorKind::Permission), Some(ErrorKind::Authentication)) => ErrorKind::Authentication,
        (Some(clear), _) => clear,
        (None, said) => said.unwrap_or(ErrorKind::Upstream),
    }
}

/// The three kinds that no status tells. A word for exhausted credit decides alone, it comes with any status; the
/// others, and whatever prose says, make precise what stands for much.
fn precise(kind: ErrorKind, word: Option<ErrorKind>, phrase: Option<ErrorKind>) -> ErrorKind {
    use ErrorKind::{
        Billing, ContentPolicy, Internal, InvalidRequest, Permission, RateLimit, TooLarge, Upstream,
    };
    if word == Some(Billing) {
        return Billing;
    }
    match (kind, word.or(phrase)) {
        (InvalidRequest | TooLarge | Internal | Upstream, Some(said)) => said,
        (RateLimit | Permission, Some(Billing)) => Billing,
        (Permission, Some(ContentPolicy)) => ContentPolicy,
        (kind, _) => kind,
    }
}

/// The members that any of the shapes has, on either level.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, alias = "Message")]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    /// Google's reasons.
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    /// AWS's name of the exception.
    #[serde(borrow, rename = "__type")]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    param: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    /// Azure's reasons for a refusal.
    #[serde(borrow)]
    innererror: Option<&'a RawValue>,
    /// OpenRouter repeats in it what its own upstream said.
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

impl Shape<'_> {
    /// Where the words stand that tell the kind, the most precise one first.
    fn words(&self) -> [Option<String>; 4] {
        let reason = self.details.and_then(google::reason);
        let [code, kind, status] =
            [self.code, self.kind, self.status].map(|word| word.and_then(text));
        [reason, code, kind, status]
    }
}

/// The first element of an array; the others are skipped.
struct First<'a>(Option<Shape<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for First<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor;

        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = First<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<First<'de>, A::Error> {
                let first = seq.next_element()?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_seq(FirstVisitor)
    }
}

/// As [`text`], and of an array or object what a person may still read in it: FastAPI puts an array under `detail`.
fn any_text(raw: &RawValue) -> Option<String> {
    text(raw).or_else(|| {
        is_filled(raw)
            .then(|| raw.get().to_owned())
            .filter(|json| !json.starts_with('"'))
    })
}

/// A JSON string's text if it is not empty, or a number's.
fn text(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json)
            .ok()
            .filter(|text| !text.is_empty()),
        b'0'..=b'9' | b'-' => Some(json.to_owned()),
        _ => None,
    }
}

/// The JSON text of an object, to be searched.
fn nested(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    json.starts_with('{')
        .then(|| json.chars().take(MAX_TEXT).collect())
}

/// Bounds what a provider can make us repeat.
fn shorten(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT - CUT.len_utf8()));
        text.push(CUT);
    }
    text
}

/// In bytes. Real messages are far below; some providers repeat the whole prompt in theirs.
const MAX_TEXT: usize = 4096;

/// Stands for what was left out.
const CUT: char = '…';

const NO_MESSAGE: &str = "The provider reported an error without a message.";

#[cfg(test)]
mod tests;
