//! Streams for Anthropic's clients, event by event: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

mod open_blocks;

use std::borrow::Cow;

use serde::Serialize;

use super::answer::{WireDetails, WireUsage, message_id, stop_reason};
use super::citations;
use crate::chat::{Delta, Finish, FinishReason, Json, Opened, signed_id};
use crate::dialect::Dialect;
use crate::spoke::StreamWriter;
use crate::translate::Asked;
use crate::usage::Usage;
use open_blocks::{Kind, OpenBlocks};

pub(super) fn new(asked: &Asked) -> Box<dyn StreamWriter> {
    Box::new(Writer {
        asked: asked.clone(),
        started: false,
        blocks: OpenBlocks::default(),
        calls: false,
        finish: None,
        usage: Usage::default(),
        service_tier: None,
    })
}

/// Anthropic's stream is one block after the other, each with its index. Blocks that overlap (only calls of tools do, at
/// some providers) are told apart by the index, by which the SDKs add up what they get.
#[derive(Debug)]
struct Writer {
    asked: Asked,
    started: bool,
    blocks: OpenBlocks,
    /// There was a call of a tool.
    calls: bool,
    finish: Option<Finish>,
    usage: Usage,
    service_tier: Option<String>,
}

impl StreamWriter for Writer {
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin { id, .. } => self.begin(id.as_deref(), out),
            Delta::Usage(usage) => self.usage.merge(usage),
            Delta::ServiceTier(tier) => self.service_tier = Some(tier.into_owned()),
            // A client of this dialect asks for one choice and for no probabilities.
            Delta::Open {
                choice: 0,
                part,
                opened,
            } => self.open(part, &opened, out),
            Delta::Piece {
                choice: 0,
                part,
                text,
            } => self.piece(part, &text, out),
            Delta::Close { choice: 0, part } => self.blocks.close(part, out),
            Delta::Finish { choice: 0, finish } => self.finish = Some(finish),
            Delta::Signature {
                choice: 0,
                part,
                signature,
            } => {
                if let Some((index, Kind::Thinking)) = self.blocks.find(part) {
                    let signature = signature.tagged(Dialect::AnthropicMessages);
                    let delta = BlockDelta::Signature {
                        signature: &signature,
                    };
                    event(out, &Event::ContentBlockDelta { index, delta });
                }
            }
            Delta::Citation {
                choice: 0,
                part,
                dialect,
                json,
            } => {
                let citation = (dialect, json);
                if let Some((index, Kind::Text)) = self.blocks.find(part)
                    && let Some(citation) = citations::shown(&citation)
                {
                    let delta = BlockDelta::Citations {
                        citation: &citation,
                    };
                    event(out, &Event::ContentBlockDelta { index, delta });
                }
            }
            Delta::Open { .. }
            | Delta::Piece { .. }
            | Delta::Close { .. }
            | Delta::Finish { .. }
            | Delta::Signature { .. }
            | Delta::Citation { .. }
            | Delta::Logprobs { .. } => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.begin(None, out);
        self.blocks.close_all(out);
        let otherwise = Finish::new(FinishReason::Stop);
        let finish = self.finish.as_ref().unwrap_or(&otherwise);
        let delta = MessageEnd {
            stop_reason: stop_reason(finish, self.calls),
            stop_sequence: finish.stop_sequence.as_deref(),
            stop_details: WireDetails::of(finish),
        };
        let usage = WireUsage::of(self.usage, None);
        event(out, &Event::MessageDelta { delta, usage });
        event(out, &Event::MessageStop {});
    }
}

impl Writer {
    fn begin(&mut self, id: Option<&str>, out: &mut Vec<u8>) {
        if self.started {
            return;
        }
        self.started = true;
        let message = Message {
            id: message_id(id, &self.asked),
            r#type: "message",
            role: "assistant",
            model: &self.asked.model,
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: WireUsage::of(self.usage, self.service_tier.as_deref()),
        };
        event(out, &Event::MessageStart { message });
    }

    fn open(&mut self, part: u32, opened: &Opened<'_>, out: &mut Vec<u8>) {
        self.begin(None, out);
        let front = Dialect::AnthropicMessages;
        let tagged;
        let (kind, block) = match opened {
            Opened::Text | Opened::Refusal => (Kind::Text, BlockStart::Text { text: "" }),
            Opened::Thinking { id: _ } => (
                Kind::Thinking,
                BlockStart::Thinking {
                    thinking: "",
                    signature: "",
                },
            ),
            Opened::RedactedThinking { signature } => {
                tagged = signature.tagged(front);
                (Kind::Whole, BlockStart::RedactedThinking { data: &tagged })
            }
            Opened::ToolCall {
                id,
                name,
                custom,
                signature,
            } => {
                self.calls = true;
                let block = BlockStart::ToolUse {
                    id: signed_id(id, signature.as_ref()),
                    name,
                    input: Empty {},
                };
                (Kind::call(*custom), block)
            }
            Opened::Other { dialect, json } => {
                // Only clients of that dialect understand it.
                if *dialect == front {
                    self.blocks.open(part, Kind::Whole, Started::Raw(json), out);
                }
                return;
            }
        };
        self.blocks.open(part, kind, Started::Known(block), out);
    }

    fn piece(&mut self, part: u32, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        match self.blocks.find(part) {
            Some((index, Kind::Text)) => text_delta(index, text, out),
            Some((index, Kind::Thinking)) => {
                let delta = BlockDelta::Thinking { thinking: text };
                event(out, &Event::ContentBlockDelta { index, delta });
            }
            Some((_, Kind::Arguments | Kind::FreeText)) => self.blocks.arguments(part, text, out),
            Some((_, Kind::Whole)) | None => {}
        }
    }
}

/// What most events are, without a detour.
fn text_delta(index: u32, text: &str, out: &mut Vec<u8>) {
    let delta = BlockDelta::Text { text };
    event(out, &Event::ContentBlockDelta { index, delta });
}

/// Appends one event.
fn event(out: &mut Vec<u8>, event: &Event<'_>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.name().as_bytes());
    out.extend_from_slice(b"\ndata: ");
    serde_json::to_writer(&mut *out, event).expect("texts, numbers and JSON always serialize");
    out.extend_from_slice(b"\n\n");
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart {
        message: Message<'a>,
    },
    ContentBlockStart {
        index: u32,
        content_block: Started<'a>,
    },
    ContentBlockDelta {
        index: u32,
        delta: BlockDelta<'a>,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: MessageEnd<'a>,
        usage: WireUsage<'a>,
    },
    MessageStop {},
}

impl Event<'_> {
    /// The same word as its `type`.
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop {} => "message_stop",
        }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    id: Cow<'a, str>,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: WireUsage<'a>,
}

/// A block as it is before its first piece.
#[derive(Serialize)]
#[serde(untagged)]
enum Started<'a> {
    Known(BlockStart<'a>),
    Raw(&'a Json),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockStart<'a> {
    Text {
        text: &'static str,
    },
    Thinking {
        thinking: &'static str,
        signature: &'static str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Empty,
    },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum BlockDelta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: &'a Json },
}

#[derive(Serialize)]
struct MessageEnd<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<WireDetails<'a>>,
}
