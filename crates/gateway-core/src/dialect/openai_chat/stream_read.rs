//! Reads a provider's stream of chunks.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::answer_read::stop_sequence;
use super::assistant_read::{Sender, WireThinking};
use super::calls::{Calls, Way};
use super::chunk::{Chunk, Content, WireChoice, WireDelta, text_of};
use super::citations::found;
use super::finish::{Said, read_finish, settle};
use crate::body::Malformed;
use crate::chat::{Delta, Finish, FinishReason, Json, Opened, PartKind, PartTracker, Running};
use crate::dialect::Dialect;
use crate::json::object;
use crate::spoke::StreamReader;
use crate::sse::Event;
use crate::usage::Usage;

/// Reads one stream. A choice's end is told at the end of the stream: servers go on after it with usage, some with
/// content.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    begun: bool,
    tier_told: bool,
    choices: Vec<ChoiceReader>,
}

#[derive(Debug)]
struct ChoiceReader {
    choice: u32,
    tracker: PartTracker,
    calls: Calls,
    refused: bool,
    /// What was found on the web was told.
    cited: bool,
    finish: Option<Finish>,
}

impl StreamReader for ChatReader {
    fn event(
        &mut self,
        event: &Event<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let data = event.data();
        if !event.has_data() || data.trim() == "[DONE]" {
            return Ok(());
        }
        let chunk: Chunk<'_> = object(&data).ok_or(Malformed::NotJson)?;
        self.chunk(chunk, sink)
    }

    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        if !self.begun {
            begin(None, sink);
        }
        if self.choices.is_empty() {
            self.choices.push(ChoiceReader::of(0));
        }
        for choice in &mut self.choices {
            choice.end(sink);
        }
    }
}

impl ChatReader {
    fn chunk(
        &mut self,
        chunk: Chunk<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let choices = chunk.choices.unwrap_or_default();
        // Azure's first chunk speaks of the prompt's filters alone and has neither id nor model.
        let is_named = chunk.id.as_ref().is_some_and(|id| !id.0.is_empty());
        if !self.begun && (is_named || !choices.is_empty()) {
            self.begun = true;
            sink(Delta::Begin {
                id: chunk.id.map(|it| it.0).filter(|it| !it.is_empty()),
                model: chunk.model.map(|it| it.0).filter(|it| !it.is_empty()),
                created: chunk.created.and_then(|it| it.0),
            });
        }
        if let Some(tier) = chunk.service_tier.filter(|_| self.begun && !self.tier_told) {
            self.tier_told = true;
            sink(Delta::ServiceTier(tier.0));
        }
        let in_choices = choices.iter().find_map(|choice| choice.usage);
        for choice in choices {
            let number = choice.index.map_or(Some(0), |index| index.0);
            let reader = self.choice(number)?;
            reader.read(choice, sink)?;
            if number == Some(0) && reader.finish.is_some() && !reader.cited {
                reader.cite(chunk.search_results, sink);
            }
        }
        let in_vendor = chunk.x_groq.and_then(|it| it.usage);
        if let Some(usage) = chunk.usage.or(in_vendor).or(in_choices) {
            let usage = Usage::read(usage);
            if !usage.is_empty() {
                sink(Delta::Usage(usage));
            }
        }
        Ok(())
    }

    /// The choice of this number, and all before it: they are told apart by their place.
    fn choice(&mut self, number: Option<u64>) -> Result<&mut ChoiceReader, Malformed> {
        const WRONG: Malformed = Malformed::WrongShape {
            missing: "choices[].index",
        };
        let number = number
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number < MOST_CHOICES)
            .ok_or(WRONG)?;
        while self.choices.len() <= number {
            let next = u32::try_from(self.choices.len()).map_err(|_| WRONG)?;
            self.choices.push(ChoiceReader::of(next));
        }
        self.choices.get_mut(number).ok_or(WRONG)
    }
}

impl ChoiceReader {
    fn of(choice: u32) -> Self {
        Self {
            choice,
            tracker: PartTracker::of(choice),
            calls: Calls::default(),
            refused: false,
            cited: false,
            finish: None,
        }
    }

    fn read(
        &mut self,
        wire: WireChoice<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        for delta in [wire.delta, wire.message].into_iter().flatten() {
            self.delta(delta, sink)?;
        }
        if let Some(logprobs) = wire.logprobs {
            sink(Delta::Logprobs {
                choice: self.choice,
                json: Json::from(logprobs),
            });
        }
        let word = wire.finish_reason.filter(|word| !word.0.is_empty());
        if let Some(word) = word {
            if self.calls.some_nameless() {
                return Err(Malformed::WrongShape {
                    missing: "choices[].delta.tool_calls[].function.name",
                });
            }
            let stop_sequence = wire.stop_reason.and_then(stop_sequence);
            self.finish = Some(Finish {
                stop_sequence,
                ..read_finish(&word.0)
            });
        }
        Ok(())
    }

    fn delta(
        &mut self,
        delta: WireDelta<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        match delta.thinking_blocks {
            Some(blocks) if !blocks.is_empty() => self.blocks(blocks, sink),
            _ => {
                let reasoning = delta.reasoning_content.map(|it| it.0);
                let reasoning = reasoning.or_else(|| delta.reasoning.and_then(reasoning_text));
                self.piece(Running::Thinking, reasoning.unwrap_or_default(), sink);
            }
        }
        match delta.content {
            Some(Content::Text(text)) => self.piece(Running::Text, text, sink),
            Some(Content::Parts(parts)) => {
                for part in parts {
                    for thought in part.thinking.unwrap_or_default() {
                        let text = thought.text.unwrap_or_default();
                        self.piece(Running::Thinking, Cow::Owned(text), sink);
                    }
                    let text = part.text.map(|it| it.0).unwrap_or_default();
                    self.piece(Running::Text, text, sink);
                }
            }
            None => {}
        }
        if let Some(text) = delta.refusal {
            self.refused |= !text.0.is_empty();
            self.piece(Running::Refusal, text.0, sink);
        }
        for annotation in delta.annotations.unwrap_or_default() {
            self.citation(Json::from(annotation), sink);
        }
        for image in delta.images.unwrap_or_default() {
            self.other(image, sink);
        }
        let mut way = Way {
            choice: self.choice,
            tracker: &mut self.tracker,
            sink,
        };
        let calls = delta.tool_calls.unwrap_or_default();
        for (position, call) in calls.into_iter().enumerate() {
            self.calls.step(position, call, &mut way)?;
        }
        match delta.function_call {
            Some(call) => self.calls.legacy_step(call, &mut way),
            None => Ok(()),
        }
    }

    fn piece(&mut self, kind: Running, text: Cow<'_, str>, sink: &mut dyn FnMut(Delta<'_>)) {
        if text.is_empty() {
            return;
        }
        let part = self.running(kind, sink);
        sink(Delta::Piece {
            choice: self.choice,
            part,
            text,
        });
    }

    fn running(&mut self, kind: Running, sink: &mut dyn FnMut(Delta<'_>)) -> u32 {
        if !self.calls.is_empty() {
            self.calls.close_complete(&mut Way {
                choice: self.choice,
                tracker: &mut self.tracker,
                sink,
            });
        }
        self.tracker.running(kind, sink)
    }

    /// LiteLLM's pieces of Anthropic's thinking: a signature ends one.
    fn blocks(&mut self, blocks: Vec<WireThinking>, sink: &mut dyn FnMut(Delta<'_>)) {
        for block in blocks {
            match block.part(Sender::Provider).map(|part| part.kind) {
                Some(PartKind::Thinking {
                    text, signature, ..
                }) => {
                    self.piece(Running::Thinking, Cow::Owned(text), sink);
                    if let Some(signature) = signature {
                        let part = self.running(Running::Thinking, sink);
                        sink(Delta::Signature {
                            choice: self.choice,
                            part,
                            signature,
                        });
                        self.tracker.close_running(sink);
                    }
                }
                Some(PartKind::RedactedThinking { signature }) => {
                    self.whole(Opened::RedactedThinking { signature }, sink);
                }
                _ => {}
            }
        }
    }

    fn cite(&mut self, results: Option<&RawValue>, sink: &mut dyn FnMut(Delta<'_>)) {
        for json in found(results) {
            self.cited = true;
            self.citation(json, sink);
        }
    }

    fn citation(&mut self, json: Json, sink: &mut dyn FnMut(Delta<'_>)) {
        let part = self.running(Running::Text, sink);
        sink(Delta::Citation {
            choice: self.choice,
            part,
            dialect: Dialect::OpenAiChat,
            json,
        });
    }

    fn other(&mut self, raw: &RawValue, sink: &mut dyn FnMut(Delta<'_>)) {
        let opened = Opened::Other {
            dialect: Dialect::OpenAiChat,
            json: Json::from(raw),
        };
        self.whole(opened, sink);
    }

    /// A part that is whole at once.
    fn whole(&mut self, opened: Opened<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        let part = self.tracker.open(opened, sink);
        sink(Delta::Close {
            choice: self.choice,
            part,
        });
    }

    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        self.tracker.close_running(sink);
        self.calls.close_all(&mut Way {
            choice: self.choice,
            tracker: &mut self.tracker,
            sink,
        });
        let said = Said {
            calls: !self.calls.is_empty(),
            refusal: self.refused,
        };
        let finish = self.finish.take();
        let finish = finish.unwrap_or_else(|| Finish::new(FinishReason::Stop));
        sink(Delta::Finish {
            choice: self.choice,
            finish: Finish {
                reason: settle(finish.reason, said),
                ..finish
            },
        });
    }
}

fn begin(id: Option<Cow<'_, str>>, sink: &mut dyn FnMut(Delta<'_>)) {
    sink(Delta::Begin {
        id,
        model: None,
        created: None,
    });
}

/// The thoughts, where they are a text.
fn reasoning_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    raw.get().starts_with('"').then(|| text_of(raw))
}

/// OpenAI's limit.
const MOST_CHOICES: usize = 128;
