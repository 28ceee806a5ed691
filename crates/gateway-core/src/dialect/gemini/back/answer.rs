//! A whole answer.

use std::borrow::Cow;

use super::grounding::{Cited, citations};
use super::logprobs;
use crate::body::Malformed;
use crate::chat::Json;
use crate::chat::{Answer, Choice, Part, PartKind, Signature, Source};
use crate::dialect::Dialect;
use crate::dialect::gemini::{finish, wire};
use crate::json::object;
use crate::usage::Usage;

pub(super) fn read(text: &str) -> Result<Answer, Malformed> {
    let response: wire::Response<'_> = object(text).ok_or(NO_CANDIDATES)?;
    let id = wire::filled(&response.response_id);
    let mut ids = CallIds::default();
    let mut choices = Vec::new();
    for candidate in response.candidates.unwrap_or_default() {
        choices.push(choice(candidate, id, &mut ids)?);
    }
    let feedback = response.prompt_feedback.unwrap_or_default();
    if choices.is_empty()
        && let Some(word) = wire::filled(&feedback.block_reason)
    {
        let message = wire::filled(&feedback.block_reason_message);
        choices.push(Choice {
            parts: Vec::new(),
            finish: finish::blocked(word, message),
            logprobs: None,
        });
    }
    Ok(Answer {
        id: id.map(str::to_owned),
        model: wire::filled(&response.model_version).map(str::to_owned),
        created: None,
        choices,
        usage: response.usage_metadata.map(Usage::from).unwrap_or_default(),
        service_tier: None,
    })
}

fn choice(
    candidate: wire::Candidate<'_>,
    id: Option<&str>,
    ids: &mut CallIds,
) -> Result<Choice, Malformed> {
    let read = candidate
        .content
        .unwrap_or_default()
        .parts
        .unwrap_or_default();
    let mut parts = Vec::with_capacity(read.len());
    let mut called = false;
    for part in read {
        called |= part.call.is_some();
        parts.extend(kinds(part, id, ids)?.map(Part::new));
    }
    let cited = parts
        .iter_mut()
        .rev()
        .find_map(|part| match &mut part.kind {
            PartKind::Text {
                text, citations, ..
            } => Some((text, citations)),
            _ => None,
        });
    if let Some((text, into)) = cited {
        *into = citations(
            candidate.grounding_metadata,
            candidate.citation_metadata,
            Cited::Whole(text),
        );
    }
    let word = wire::filled(&candidate.finish_reason).unwrap_or("STOP");
    let message = wire::filled(&candidate.finish_message);
    Ok(Choice {
        parts,
        finish: finish::read(word, message, called),
        logprobs: candidate.logprobs_result.and_then(logprobs::read),
    })
}

/// What a part is; `None` if it says nothing.
fn kinds(
    part: wire::Part<'_>,
    id: Option<&str>,
    ids: &mut CallIds,
) -> Result<Option<PartKind>, Malformed> {
    let other = part.other();
    let signature = part.signature.map(|value| made(&value));
    if let Some(call) = part.call {
        let (name, arguments) = called(&call)?;
        return Ok(Some(PartKind::ToolCall {
            id: ids.of(&call, id).into_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            custom: false,
            signature,
        }));
    }
    if let Some(text) = part.text {
        let text = text.into_owned();
        if text.is_empty() && signature.is_none() {
            return Ok(None);
        }
        return Ok(Some(if part.thought {
            PartKind::Thinking {
                text,
                signature,
                id: None,
            }
        } else {
            PartKind::Text {
                text,
                citations: Vec::new(),
                signature,
            }
        }));
    }
    if let Some(blob) = part.inline {
        return Ok(Some(media(blob)));
    }
    Ok(other.and_then(Json::parse).map(|json| PartKind::Other {
        dialect: Dialect::Gemini,
        json,
    }))
}

/// Bytes that the model made.
fn media(blob: wire::Blob<'_>) -> PartKind {
    let media_type = blob.mime_type.0.into_owned();
    let kind = media_type.split('/').next().unwrap_or_default().to_owned();
    let source = Source::Base64 {
        media_type,
        data: blob.data.0.into_owned(),
    };
    match kind.as_str() {
        "audio" => PartKind::Audio { source },
        "video" => PartKind::Video { source },
        "image" => PartKind::Image {
            source,
            detail: None,
        },
        _ => PartKind::File {
            source,
            name: None,
            citations: None,
            context: None,
        },
    }
}

/// The name and the arguments of a call.
///
/// # Errors
/// They come in pieces by path, which nobody asked for.
pub(super) fn called<'c>(
    call: &'c wire::FunctionCall<'_>,
) -> Result<(&'c str, &'c str), Malformed> {
    if call.partial_args.is_some_and(crate::json::is_filled) {
        return Err(Malformed::WrongShape {
            missing: "functionCall.args",
        });
    }
    let name = wire::filled(&call.name).unwrap_or_default();
    let arguments = call.args.map_or("{}", |it| it.get());
    Ok((name, if arguments == "null" { "{}" } else { arguments }))
}

/// A signature of Google's.
pub(super) fn made(value: &str) -> Signature {
    Signature {
        by: Some(Dialect::Gemini),
        value: value.to_owned(),
    }
}

/// Ids for calls that come without one: unique within the answer by their number, beyond it by the answer's own id.
#[derive(Debug, Default)]
pub(super) struct CallIds(u32);

impl CallIds {
    pub(super) fn of<'c>(
        &mut self,
        call: &'c wire::FunctionCall<'_>,
        answer: Option<&str>,
    ) -> Cow<'c, str> {
        self.0 += 1;
        if let Some(id) = wire::filled(&call.id) {
            return Cow::Borrowed(id);
        }
        match answer {
            Some(answer) => Cow::Owned(format!("call_{answer}_{}", self.0)),
            None => {
                let args = call.args.map_or("", |it| it.get());
                let name = wire::filled(&call.name).unwrap_or_default();
                let hash = hash(name).rotate_left(1) ^ hash(args);
                Cow::Owned(format!("call_{hash:016x}_{}", self.0))
            }
        }
    }
}

/// FNV-1a: short, and the same in every process.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(super) const NO_CANDIDATES: Malformed = Malformed::WrongShape {
    missing: "candidates",
};
