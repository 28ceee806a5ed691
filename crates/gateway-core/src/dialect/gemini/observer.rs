//! What the gateway must know of a stream and of a plain answer.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::wire::UsageMetadata;
use crate::body::{BodyFacts, Malformed};
use crate::dialect::Dialect;
use crate::error::read_error_event;
use crate::json::{is_filled, object, string_in};
use crate::observe::{Observe, Seen};
use crate::sse::Event;
use crate::usage::{Count, Usage};

/// Watches one stream. It has no terminal marker: it is complete if every candidate has its finish reason, or the
/// prompt was blocked, and the body ends cleanly there.
#[derive(Debug, Default)]
pub(super) struct GeminiObserver {
    usage: Usage,
    started: bool,
    blocked: bool,
    candidates: CandidateSet,
}

impl Observe for GeminiObserver {
    fn expect_choices(&mut self, count: u64) {
        for index in 0..count.min(TRACKED) {
            self.candidates.add(Some(index), false);
        }
    }

    fn event(&mut self, event: &Event<'_>) -> Seen {
        if event.name() == Some("error") {
            return Seen::Error(read_error_event(Dialect::Gemini, &event.data()));
        }
        if !event.has_data() {
            return bare_error(event).unwrap_or(Seen::Other);
        }
        let data = event.data();
        if data.trim_start().starts_with('[') {
            return Seen::Error(read_error_event(Dialect::Gemini, &data));
        }
        let Some(frame) = object::<Frame<'_>>(&data) else {
            return Seen::Malformed;
        };
        if frame.error.is_some_and(is_filled) {
            return Seen::Error(read_error_event(Dialect::Gemini, &data));
        }
        self.frame(&frame)
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn is_complete(&self) -> bool {
        self.blocked || self.candidates.all_finished()
    }
}

impl GeminiObserver {
    fn frame(&mut self, frame: &Frame<'_>) -> Seen {
        if let Some(usage) = frame.usage_metadata {
            self.usage.merge(usage.into());
        }
        let mut content = false;
        if let Some(feedback) = &frame.prompt_feedback
            && feedback.block_reason.is_some_and(is_filled)
        {
            self.blocked = true;
            content = true;
        }
        if let Some(candidates) = &frame.candidates {
            self.candidates.merge(candidates.set);
            content |= candidates.content;
        }
        self.started |= content;
        match (content, self.started) {
            (true, _) => Seen::Content,
            (false, true) => Seen::Other,
            (false, false) => Seen::Preamble,
        }
    }
}

/// Google ends a stream that fails with an error's JSON, which is no event at all.
fn bare_error(event: &Event<'_>) -> Option<Seen> {
    let text = std::str::from_utf8(event.raw()).ok()?.trim();
    let json = text.trim_start_matches(',').trim();
    if !json.starts_with(['{', '[']) {
        return None;
    }
    Some(Seen::Error(read_error_event(Dialect::Gemini, json)))
}

/// Reads a plain answer: one object with candidates, or with the reason for which there are none.
pub(super) fn read_facts(text: &str) -> Result<BodyFacts, Malformed> {
    let missing = Malformed::WrongShape {
        missing: "candidates",
    };
    let answer: Facts<'_> = object(text).ok_or(missing)?;
    let candidates = answer
        .candidates
        .is_some_and(|it| it.get().starts_with('['));
    let feedback = answer
        .prompt_feedback
        .is_some_and(|it| it.get().starts_with('{'));
    if !candidates && !feedback {
        return Err(missing);
    }
    Ok(BodyFacts {
        usage: answer.usage_metadata.map(Usage::from).unwrap_or_default(),
        error: None,
        model: answer.model_version.and_then(|raw| string_in(text, raw)),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts<'a> {
    #[serde(borrow)]
    candidates: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_feedback: Option<&'a RawValue>,
    usage_metadata: Option<UsageMetadata>,
    #[serde(borrow)]
    model_version: Option<&'a RawValue>,
}

/// The members of an event that say something to the gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    candidates: Option<Candidates>,
    #[serde(borrow)]
    prompt_feedback: Option<Feedback<'a>>,
    usage_metadata: Option<UsageMetadata>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback<'a> {
    #[serde(borrow)]
    block_reason: Option<&'a RawValue>,
}

/// The candidates of one event, summed up while they are parsed.
#[derive(Default)]
struct Candidates {
    set: CandidateSet,
    content: bool,
}

/// Which candidates were seen, and which have their finish reason. Google allows eight.
#[derive(Debug, Clone, Copy, Default)]
struct CandidateSet {
    seen: u64,
    finished: u64,
    /// An index beyond what is tracked was seen.
    untracked: bool,
}

impl CandidateSet {
    fn add(&mut self, index: Option<u64>, finished: bool) {
        match index.filter(|index| *index < TRACKED) {
            Some(index) => {
                self.seen |= 1 << index;
                self.finished |= u64::from(finished) << index;
            }
            None => self.untracked = true,
        }
    }

    fn merge(&mut self, other: Self) {
        self.seen |= other.seen;
        self.finished |= other.finished;
        self.untracked |= other.untracked;
    }

    fn all_finished(self) -> bool {
        self.finished != 0 && self.finished == self.seen && !self.untracked
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    index: Option<Count>,
    content: Option<Content>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Parts>,
}

impl<'de> Deserialize<'de> for Candidates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CandidatesVisitor;

        impl<'de> Visitor<'de> for CandidatesVisitor {
            type Value = Candidates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of candidates")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Candidates, A::Error> {
                let mut sum = Candidates::default();
                while let Some(candidate) = seq.next_element::<Candidate<'de>>()? {
                    let index = candidate.index.map_or(Some(0), |index| index.0);
                    let finished = candidate.finish_reason.is_some_and(|reason| {
                        is_filled(reason) && reason.get() != r#""FINISH_REASON_UNSPECIFIED""#
                    });
                    sum.set.add(index, finished);
                    let parts = candidate.content.and_then(|content| content.parts);
                    sum.content |= finished || parts.is_some_and(|parts| parts.filled);
                }
                Ok(sum)
            }
        }

        deserializer.deserialize_seq(CandidatesVisitor)
    }
}

/// Whether any part of a list says something besides how it is to be taken.
struct Parts {
    filled: bool,
}

/// As [`Parts`], of one.
struct Part {
    filled: bool,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PartKey {
    Thought,
    ThoughtSignature,
    #[serde(other)]
    Content,
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartsVisitor;

        impl<'de> Visitor<'de> for PartsVisitor {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of parts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Parts, A::Error> {
                let mut filled = false;
                while let Some(part) = seq.next_element::<Part>()? {
                    filled |= part.filled;
                }
                Ok(Parts { filled })
            }
        }

        deserializer.deserialize_seq(PartsVisitor)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PartVisitor;

        impl<'de> Visitor<'de> for PartVisitor {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
                let mut filled = false;
                while let Some((key, value)) = map.next_entry::<PartKey, &'de RawValue>()? {
                    filled |= matches!(key, PartKey::Content) && is_filled(value);
                }
                Ok(Part { filled })
            }
        }

        deserializer.deserialize_map(PartVisitor)
    }
}

/// Candidates that are told apart.
const TRACKED: u64 = 64;

#[cfg(test)]
mod tests;
