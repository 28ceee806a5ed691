//! A stream: each event is a response that holds what is new.

use std::borrow::Cow;

use super::answer::{CallIds, NO_CANDIDATES, called, made};
use super::grounding::{Cited, citations};
use super::logprobs;
use crate::body::Malformed;
use crate::chat::{Delta, Finish, Json, Opened, PartTracker, Running};
use crate::dialect::Dialect;
use crate::dialect::gemini::{finish, wire};
use crate::json::object;
use crate::spoke::StreamReader;
use crate::sse::Event;
use crate::usage::Usage;

/// Reads one stream.
///
/// Some models put a finish reason on every event, and the last one alone counts: so they are told at the end.
#[derive(Debug, Default)]
pub(super) struct GeminiReader {
    begun: bool,
    id: Option<String>,
    ids: CallIds,
    candidates: Vec<Candidate>,
    usage: Usage,
    blocked: Option<Finish>,
}

/// One of the answers.
#[derive(Debug)]
struct Candidate {
    choice: u32,
    parts: PartTracker,
    /// All text so far is ASCII.
    ascii: bool,
    called: bool,
    finish: Option<Finish>,
}

impl StreamReader for GeminiReader {
    fn event(
        &mut self,
        event: &Event<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        if !event.has_data() {
            return Ok(());
        }
        let data = event.data();
        let response: wire::Response<'_> = object(&data).ok_or(NO_CANDIDATES)?;
        self.begin(&response, sink);
        if let Some(usage) = response.usage_metadata {
            self.usage.merge(usage.into());
        }
        if let Some(feedback) = &response.prompt_feedback
            && let Some(word) = wire::filled(&feedback.block_reason)
        {
            let message = wire::filled(&feedback.block_reason_message);
            self.blocked = Some(finish::blocked(word, message));
        }
        for candidate in response.candidates.unwrap_or_default() {
            self.candidate(candidate, sink)?;
        }
        Ok(())
    }

    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        if !self.usage.is_empty() {
            sink(Delta::Usage(self.usage));
        }
        if self.candidates.is_empty()
            && let Some(finish) = self.blocked.take()
        {
            sink(Delta::Finish { choice: 0, finish });
        }
        for mut candidate in std::mem::take(&mut self.candidates) {
            candidate.parts.close_running(sink);
            if let Some(finish) = candidate.finish {
                let choice = candidate.choice;
                sink(Delta::Finish { choice, finish });
            }
        }
    }
}

impl GeminiReader {
    fn begin(&mut self, response: &wire::Response<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        if self.begun {
            return;
        }
        self.begun = true;
        self.id = wire::filled(&response.response_id).map(str::to_owned);
        sink(Delta::Begin {
            id: self.id.as_deref().map(Cow::Borrowed),
            model: wire::filled(&response.model_version).map(Cow::Borrowed),
            created: None,
        });
    }

    fn candidate(
        &mut self,
        read: wire::Candidate<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let choice = read
            .index
            .0
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or_default();
        let at = match self.candidates.iter().position(|it| it.choice == choice) {
            Some(at) => at,
            None => {
                self.candidates.push(Candidate::new(choice));
                self.candidates.len() - 1
            }
        };
        let Some(candidate) = self.candidates.get_mut(at) else {
            return Ok(());
        };
        let parts = read.content.and_then(|it| it.parts).unwrap_or_default();
        for part in &parts {
            candidate.part(part, self.id.as_deref(), &mut self.ids, sink)?;
        }
        candidate.cite(read.grounding_metadata, read.citation_metadata, sink);
        if let Some(json) = read.logprobs_result.and_then(logprobs::read) {
            sink(Delta::Logprobs { choice, json });
        }
        if let Some(word) = wire::filled(&read.finish_reason) {
            let message = wire::filled(&read.finish_message);
            candidate.finish = Some(finish::read(word, message, candidate.called));
        }
        Ok(())
    }
}

impl Candidate {
    fn new(choice: u32) -> Self {
        Self {
            choice,
            parts: PartTracker::of(choice),
            ascii: true,
            called: false,
            finish: None,
        }
    }

    fn part(
        &mut self,
        read: &wire::Part<'_>,
        id: Option<&str>,
        ids: &mut CallIds,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let choice = self.choice;
        let signature = read.signature.as_deref().map(made);
        if let Some(call) = &read.call {
            let (name, arguments) = called(call)?;
            self.called = true;
            let opened = Opened::ToolCall {
                id: ids.of(call, id),
                name: Cow::Borrowed(name),
                custom: false,
                signature,
            };
            let part = self.parts.open(opened, sink);
            sink(Delta::Piece {
                choice,
                part,
                text: Cow::Borrowed(arguments),
            });
            sink(Delta::Close { choice, part });
            return Ok(());
        }
        if let Some(text) = &read.text {
            self.text(text, read.thought, signature, sink);
            return Ok(());
        }
        if let Some(json) = whole(read) {
            let opened = Opened::Other {
                dialect: Dialect::Gemini,
                json,
            };
            let part = self.parts.open(opened, sink);
            sink(Delta::Close { choice, part });
        }
        Ok(())
    }

    fn text(
        &mut self,
        text: &str,
        thought: bool,
        signature: Option<crate::chat::Signature>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) {
        if text.is_empty() && signature.is_none() {
            return;
        }
        let kind = if thought {
            Running::Thinking
        } else {
            self.ascii &= text.is_ascii();
            Running::Text
        };
        let choice = self.choice;
        let part = self.parts.running(kind, sink);
        if !text.is_empty() {
            sink(Delta::Piece {
                choice,
                part,
                text: Cow::Borrowed(text),
            });
        }
        if let Some(signature) = signature {
            sink(Delta::Signature {
                choice,
                part,
                signature,
            });
        }
    }

    fn cite(
        &mut self,
        grounding: Option<&serde_json::value::RawValue>,
        citation: Option<&serde_json::value::RawValue>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) {
        if grounding.is_none() && citation.is_none() {
            return;
        }
        let cited = if self.ascii {
            Cited::Ascii
        } else {
            Cited::Unknown
        };
        for (dialect, json) in citations(grounding, citation, cited) {
            let choice = self.choice;
            let part = self.parts.running(Running::Text, sink);
            sink(Delta::Citation {
                choice,
                part,
                dialect,
                json,
            });
        }
    }
}

/// A part of a kind that nobody else has, as it was written.
fn whole(part: &wire::Part<'_>) -> Option<Json> {
    if let Some(blob) = &part.inline {
        let inline = serde_json::json!({"mimeType": blob.mime_type.0, "data": blob.data.0});
        return Some(Json::from(&serde_json::json!({"inlineData": inline})));
    }
    part.other().and_then(Json::parse)
}
