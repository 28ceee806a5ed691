//! Streams, event by event.

mod wire;

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::answer::{SCHEMA_TOOL, claudes};
use super::finish::finish;
use crate::body::Malformed;
use crate::chat::{Delta, FinishReason, Json, Opened, Signature};
use crate::dialect::Dialect;
use crate::json::{is_filled, object};
use crate::spoke::StreamReader;
use crate::sse::Event;
use crate::usage::Usage;
use wire::{Frame, Thought, raw};

/// Reads one stream. Blocks are told by their numbers; only some of them say that they begin.
#[derive(Debug, Default)]
pub(super) struct ConverseReader {
    begun: bool,
    next: u32,
    open: Vec<OpenBlock>,
    /// A tool was called that the client knows.
    called: bool,
}

#[derive(Debug)]
struct OpenBlock {
    /// The provider's number.
    index: u32,
    part: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    ToolCall {
        /// It has arguments.
        filled: bool,
    },
    /// The call that stands for a schema: its arguments are the answer.
    SchemaCall,
    /// What has no place in the model: collected, and passed on as a whole.
    Other {
        start: String,
        deltas: String,
    },
}

type Sink<'s> = &'s mut dyn FnMut(Delta<'_>);

impl StreamReader for ConverseReader {
    fn event(&mut self, event: &Event<'_>, sink: Sink<'_>) -> Result<(), Malformed> {
        let name = event.name().unwrap_or_default();
        if !EVENTS.contains(&name) {
            return Ok(());
        }
        let data = event.data();
        let frame: Frame<'_> = object(&data).ok_or(Malformed::NotJson)?;
        if !self.begun {
            self.begun = true;
            sink(Delta::Begin {
                id: None,
                model: None,
                created: None,
            });
        }
        match name {
            "contentBlockStart" => self.start(frame, &data, sink),
            "contentBlockDelta" => self.delta(frame, &data, sink),
            "contentBlockStop" => {
                self.close(frame.content_block_index, sink);
                Ok(())
            }
            "messageStop" => {
                self.stop(&frame, sink);
                Ok(())
            }
            "metadata" => {
                metadata(frame, sink);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, sink: Sink<'_>) {
        self.close_all(sink);
    }
}

impl ConverseReader {
    fn start(&mut self, frame: Frame<'_>, data: &str, sink: Sink<'_>) -> Result<(), Malformed> {
        let start = frame
            .start
            .ok_or(Malformed::WrongShape { missing: "start" })?;
        let index = frame.content_block_index;
        self.close(index, sink);
        let Some(call) = start.tool_use.filter(|call| call.kind.is_none()) else {
            let start = raw(data).start.filter(|start| is_filled(start));
            // An empty one begins a text.
            if let Some(start) = start {
                let start = start.get().to_owned();
                let deltas = String::new();
                self.push(index, Kind::Other { start, deltas });
            }
            return Ok(());
        };
        if call.name.0 == SCHEMA_TOOL {
            self.open(index, Kind::SchemaCall, Opened::Text, sink);
            return Ok(());
        }
        self.called = true;
        let opened = Opened::ToolCall {
            id: call.tool_use_id.0,
            name: call.name.0,
            custom: false,
            signature: None,
        };
        self.open(index, Kind::ToolCall { filled: false }, opened, sink);
        Ok(())
    }

    fn delta(&mut self, frame: Frame<'_>, data: &str, sink: Sink<'_>) -> Result<(), Malformed> {
        let missing = Malformed::WrongShape { missing: "delta" };
        let delta = frame.delta.ok_or(missing)?;
        let index = frame.content_block_index;
        if let Some(Kind::Other { deltas, .. }) = self.kind(index) {
            if !deltas.is_empty() {
                deltas.push(',');
            }
            deltas.push_str(raw(data).delta.map_or("{}", RawValue::get));
        } else if let Some(text) = delta.text {
            let part = self.running(index, Running::Text, sink);
            piece(part, text.0, sink);
        } else if let Some(call) = delta.tool_use {
            self.arguments(index, call.input.0, sink)?;
        } else if let Some(thought) = delta.reasoning_content {
            self.thought(index, thought, sink);
        } else if let Some(citation) = delta.citation {
            let part = self.running(index, Running::Text, sink);
            sink(Delta::Citation {
                choice: 0,
                part,
                dialect: Dialect::BedrockConverse,
                json: citation.into(),
            });
        } else if let Some(other) = raw(data).delta.filter(|delta| is_filled(delta)) {
            self.close(index, sink);
            let (start, deltas) = ("{}".to_owned(), other.get().to_owned());
            self.push(index, Kind::Other { start, deltas });
        }
        Ok(())
    }

    fn arguments(
        &mut self,
        index: u32,
        input: Cow<'_, str>,
        sink: Sink<'_>,
    ) -> Result<(), Malformed> {
        let block = self.open.iter_mut().find(|block| block.index == index);
        let block = block.ok_or(Malformed::WrongShape {
            missing: "contentBlockStart.start.toolUse",
        })?;
        if let Kind::ToolCall { filled } = &mut block.kind {
            *filled |= !input.is_empty();
        }
        piece(block.part, input, sink);
        Ok(())
    }

    fn thought(&mut self, index: u32, thought: Thought<'_>, sink: Sink<'_>) {
        if let Some(value) = thought.redacted_content {
            self.close(index, sink);
            let signature = Signature {
                by: Some(Dialect::BedrockConverse),
                value: value.0.into_owned(),
            };
            let part = self.take_number();
            sink(Delta::Open {
                choice: 0,
                part,
                opened: Opened::RedactedThinking { signature },
            });
            sink(Delta::Close { choice: 0, part });
            return;
        }
        let part = self.running(index, Running::Thinking, sink);
        if let Some(text) = thought.text {
            piece(part, text.0, sink);
        }
        if let Some(value) = thought.signature {
            sink(Delta::Signature {
                choice: 0,
                part,
                signature: claudes(value.0.into_owned()),
            });
        }
    }

    fn stop(&mut self, frame: &Frame<'_>, sink: Sink<'_>) {
        self.close_all(sink);
        let reason = frame.stop_reason.as_ref().map_or("end_turn", |it| &it.0);
        let mut finish = finish(reason, frame.additional_model_response_fields);
        if finish.reason == FinishReason::ToolCalls && !self.called {
            finish.reason = FinishReason::Stop;
        }
        sink(Delta::Finish { choice: 0, finish });
    }

    /// The part of a block whose beginning is not told, opened now if it was not.
    fn running(&mut self, index: u32, wanted: Running, sink: Sink<'_>) -> u32 {
        let block = self.open.iter().find(|block| block.index == index);
        match (block, wanted) {
            (
                Some(OpenBlock {
                    part,
                    kind: Kind::Text,
                    ..
                }),
                Running::Text,
            )
            | (
                Some(OpenBlock {
                    part,
                    kind: Kind::Thinking,
                    ..
                }),
                Running::Thinking,
            ) => *part,
            (_, Running::Text) => self.open(index, Kind::Text, Opened::Text, sink),
            (_, Running::Thinking) => {
                self.open(index, Kind::Thinking, Opened::Thinking { id: None }, sink)
            }
        }
    }

    fn open(&mut self, index: u32, kind: Kind, opened: Opened<'_>, sink: Sink<'_>) -> u32 {
        self.close(index, sink);
        let part = self.push(index, kind);
        sink(Delta::Open {
            choice: 0,
            part,
            opened,
        });
        part
    }

    fn push(&mut self, index: u32, kind: Kind) -> u32 {
        let part = match kind {
            // Numbered when it is whole.
            Kind::Other { .. } => u32::MAX,
            _ => self.take_number(),
        };
        self.open.push(OpenBlock { index, part, kind });
        part
    }

    fn take_number(&mut self) -> u32 {
        let part = self.next;
        self.next += 1;
        part
    }

    fn kind(&mut self, index: u32) -> Option<&mut Kind> {
        let block = self.open.iter_mut().find(|block| block.index == index);
        block.map(|block| &mut block.kind)
    }

    fn close(&mut self, index: u32, sink: Sink<'_>) {
        if let Some(at) = self.open.iter().position(|block| block.index == index) {
            let block = self.open.remove(at);
            self.closed(block, sink);
        }
    }

    fn close_all(&mut self, sink: Sink<'_>) {
        for block in std::mem::take(&mut self.open) {
            self.closed(block, sink);
        }
    }

    fn closed(&mut self, block: OpenBlock, sink: Sink<'_>) {
        let mut part = block.part;
        match block.kind {
            // A call without arguments has none to send; they are an empty object.
            Kind::ToolCall { filled: false } => piece(part, Cow::Borrowed("{}"), sink),
            Kind::Other { start, deltas } => {
                let text = format!(r#"{{"start":{start},"deltas":[{deltas}]}}"#);
                let Some(json) = Json::parse(text) else {
                    return;
                };
                part = self.take_number();
                sink(Delta::Open {
                    choice: 0,
                    part,
                    opened: Opened::Other {
                        dialect: Dialect::BedrockConverse,
                        json,
                    },
                });
            }
            _ => {}
        }
        sink(Delta::Close { choice: 0, part });
    }
}

fn piece(part: u32, text: Cow<'_, str>, sink: Sink<'_>) {
    if !text.is_empty() {
        sink(Delta::Piece {
            choice: 0,
            part,
            text,
        });
    }
}

fn metadata(frame: Frame<'_>, sink: Sink<'_>) {
    if let Some(usage) = frame.usage {
        sink(Delta::Usage(Usage::from(usage).with_cache_in_input()));
    }
    if let Some(tier) = frame.service_tier {
        sink(Delta::ServiceTier(tier.r#type.into()));
    }
}

#[derive(Clone, Copy)]
enum Running {
    Text,
    Thinking,
}

const EVENTS: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];
