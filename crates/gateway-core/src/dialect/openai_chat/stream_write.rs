//! Writes a stream of chunks for a client: <https://platform.openai.com/docs/api-reference/chat-streaming>.

use super::answer_write::{CallShape, is_googles, write_image, write_signature};
use super::chunk_write::{Begun, Chunks, Shape};
use super::citations::{Citation, citation};
use super::finish::SaidRefusal;
use super::shown::{Shown, shown};
use super::usage_write::tier_word;
use crate::chat::{Delta, Finish, Json, Opened, Signature};
use crate::dialect::Dialect;
use crate::dialect::openai::DONE;
use crate::json::Members;
use crate::spoke::StreamWriter;
use crate::translate::Asked;
use crate::usage::Usage;

/// Writes one stream.
#[derive(Debug)]
pub(super) struct ChatWriter {
    chunks: Chunks,
    calls: CallShape,
    usage_in_stream: bool,
    tier: Option<String>,
    usage: Usage,
    choices: Vec<ChoiceWriter>,
}

#[derive(Debug, Default)]
struct ChoiceWriter {
    begun: bool,
    refused: bool,
    /// How many there are so far: those who put a stream together go by the indices of what is in lists.
    calls: u32,
    blocks: u32,
    annotations: u32,
    images: u32,
    /// How much text was said, in characters.
    said: usize,
    /// What the parts that are not closed are.
    open: Vec<(u32, OpenPart)>,
}

#[derive(Debug, Clone, Copy)]
enum OpenPart {
    /// With the place of its first character.
    Text(usize),
    /// With the index of its block.
    Thinking(u32),
    Refusal,
    Call {
        index: u32,
        custom: bool,
    },
    /// A call beyond the one that its client can take, or what it does not know.
    Silent,
}

impl ChatWriter {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            chunks: Chunks::new(SHAPE, asked),
            calls: CallShape::of(asked),
            usage_in_stream: asked.usage_in_stream,
            tier: None,
            usage: Usage::default(),
            choices: Vec::new(),
        }
    }
}

impl StreamWriter for ChatWriter {
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin {
                id,
                model: _,
                created,
            } => {
                self.chunks.begin(id.as_deref(), created);
                self.begin_choice(0, out);
            }
            Delta::Open {
                choice,
                part,
                opened,
            } => self.open(choice, part, opened, out),
            Delta::Piece { choice, part, text } => self.piece(choice, part, &text, out),
            Delta::Signature {
                choice,
                part,
                signature,
            } => self.signature(choice, part, &signature, out),
            Delta::Citation {
                choice,
                part,
                dialect: _,
                json,
            } => self.citation(choice, part, &json, out),
            Delta::Close { choice, part } => {
                self.choice(choice).open.retain(|(open, _)| *open != part);
            }
            Delta::Logprobs { choice, json } => self.logprobs(choice, &json, out),
            Delta::Finish { choice, finish } => self.end_choice(choice, &finish, out),
            Delta::Usage(usage) => self.usage.merge(usage),
            Delta::ServiceTier(tier) => self.tier = tier_word(&tier).map(str::to_owned),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.usage_in_stream && !self.usage.is_empty() {
            self.chunks.usage(self.usage, self.tier.as_deref(), out);
        }
        out.extend_from_slice(DONE);
    }
}

impl ChatWriter {
    fn choice(&mut self, choice: u32) -> &mut ChoiceWriter {
        let at = choice as usize;
        if self.choices.len() <= at {
            self.choices.resize_with(at + 1, ChoiceWriter::default);
        }
        &mut self.choices[at]
    }

    /// The first chunk of a choice says who speaks.
    fn begin_choice(&mut self, choice: u32, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.choice(choice).begun, true) {
            self.chunks.delta(
                choice,
                |delta| {
                    delta.value("role", "assistant");
                    delta.value("content", "");
                },
                out,
            );
        }
    }

    fn open(&mut self, choice: u32, part: u32, opened: Opened<'_>, out: &mut Vec<u8>) {
        self.begin_choice(choice, out);
        let open = match opened {
            Opened::Text => OpenPart::Text(self.choice(choice).said),
            Opened::Thinking { .. } => OpenPart::Thinking(next(&mut self.choice(choice).blocks)),
            Opened::Refusal => {
                self.choice(choice).refused = true;
                OpenPart::Refusal
            }
            Opened::RedactedThinking { signature } => {
                self.redacted(choice, &signature, out);
                OpenPart::Silent
            }
            Opened::ToolCall {
                id,
                name,
                custom,
                signature,
            } => {
                let call = Begun {
                    id: &id,
                    name: &name,
                    custom,
                    signature: signature.as_ref(),
                };
                self.call(choice, &call, out)
            }
            Opened::Other { dialect, json } => {
                self.other(choice, dialect, &json, out);
                OpenPart::Silent
            }
        };
        self.choice(choice).open.push((part, open));
    }

    fn piece(&mut self, choice: u32, part: u32, text: &str, out: &mut Vec<u8>) {
        let state = self.choice(choice);
        let Some((_, open)) = state.open.iter().rev().find(|(it, _)| *it == part).copied() else {
            return;
        };
        if let OpenPart::Text(_) = open {
            state.said += text.chars().count();
        }
        match open {
            OpenPart::Text(_) => {
                self.chunks
                    .delta(choice, |delta| delta.value("content", text), out)
            }
            OpenPart::Refusal => {
                self.chunks
                    .delta(choice, |delta| delta.value("refusal", text), out)
            }
            OpenPart::Thinking(index) => self.thoughts(choice, index, text, out),
            OpenPart::Call { index, custom } => self.arguments(choice, (index, custom), text, out),
            OpenPart::Silent => {}
        }
    }

    /// Both as `reasoning_content` and as LiteLLM's blocks, which clients put together again to send them back.
    fn thoughts(&self, choice: u32, index: u32, text: &str, out: &mut Vec<u8>) {
        let fill = |delta: &mut Members<'_>| {
            delta.value("reasoning_content", text);
            delta.array("thinking_blocks", |blocks| {
                blocks.object(|block| {
                    block.value("index", &index);
                    block.value("type", "thinking");
                    block.value("thinking", text);
                });
            });
        };
        self.chunks.delta(choice, fill, out);
    }

    fn redacted(&mut self, choice: u32, signature: &Signature, out: &mut Vec<u8>) {
        let index = next(&mut self.choice(choice).blocks);
        let fill = |delta: &mut Members<'_>| {
            delta.array("thinking_blocks", |blocks| {
                blocks.object(|block| {
                    block.value("index", &index);
                    block.value("type", "redacted_thinking");
                    block.value("data", &signature.tagged(Dialect::OpenAiChat));
                });
            });
        };
        self.chunks.delta(choice, fill, out);
    }

    fn signature(&mut self, choice: u32, part: u32, signature: &Signature, out: &mut Vec<u8>) {
        let open = self.choice(choice).open.iter().find(|(it, _)| *it == part);
        let open = open.map(|(_, open)| *open);
        let tagged = signature.tagged(Dialect::OpenAiChat);
        if !matches!(open, Some(OpenPart::Thinking(_))) && !is_googles(signature) {
            return;
        }
        let fill = |delta: &mut Members<'_>| match open {
            Some(OpenPart::Thinking(index)) => delta.array("thinking_blocks", |blocks| {
                blocks.object(|block| {
                    block.value("index", &index);
                    block.value("type", "thinking");
                    block.value("thinking", "");
                    block.value("signature", &tagged);
                });
            }),
            Some(OpenPart::Call { index, .. }) => delta.array("tool_calls", |calls| {
                calls.object(|call| {
                    call.value("index", &index);
                    write_signature(call, Some(signature));
                });
            }),
            _ => write_signature(delta, Some(signature)),
        };
        self.chunks.delta(choice, fill, out);
    }

    fn citation(&mut self, choice: u32, part: u32, json: &Json, out: &mut Vec<u8>) {
        let state = self.choice(choice);
        let index = next(&mut state.annotations);
        let said = state.said;
        let start = state.open.iter().find_map(|(it, open)| match open {
            OpenPart::Text(start) if *it == part => Some(*start),
            _ => None,
        });
        let told = citation(json, start.unwrap_or(said)..said);
        let fill = |delta: &mut Members<'_>| match &told {
            Citation::Page(page) => delta.array("annotations", |list| {
                list.object(|it| {
                    it.value("index", &index);
                    page.write(it);
                });
            }),
            Citation::Foreign(json) => delta.object("provider_specific_fields", |fields| {
                fields.value("citation", json);
            }),
        };
        self.chunks.delta(choice, fill, out);
    }

    fn call(&mut self, choice: u32, call: &Begun<'_>, out: &mut Vec<u8>) -> OpenPart {
        let state = self.choice(choice);
        let index = next(&mut state.calls);
        if self.calls == CallShape::Function {
            if index > 0 {
                return OpenPart::Silent;
            }
            let fill = |delta: &mut Members<'_>| {
                delta.object("function_call", |function| {
                    function.value("name", call.name);
                    function.value("arguments", "");
                });
            };
            self.chunks.delta(choice, fill, out);
        } else {
            let fill = |delta: &mut Members<'_>| {
                delta.array("tool_calls", |calls| {
                    calls.object(|it| call.write(index, it));
                });
            };
            self.chunks.delta(choice, fill, out);
        }
        OpenPart::Call {
            index,
            custom: call.custom,
        }
    }

    fn arguments(&self, choice: u32, (index, custom): (u32, bool), text: &str, out: &mut Vec<u8>) {
        if self.calls == CallShape::Function {
            let fill = |delta: &mut Members<'_>| {
                delta.object("function_call", |it| it.value("arguments", text));
            };
            return self.chunks.delta(choice, fill, out);
        }
        let (kind, member) = if custom {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        let fill = |delta: &mut Members<'_>| {
            delta.array("tool_calls", |calls| {
                calls.object(|call| {
                    call.value("index", &index);
                    call.object(kind, |it| it.value(member, text));
                });
            });
        };
        self.chunks.delta(choice, fill, out);
    }

    /// Of what is no text, pictures and sound can be told.
    fn other(&mut self, choice: u32, dialect: Dialect, json: &Json, out: &mut Vec<u8>) {
        let Some(shown) = shown(dialect, json) else {
            return;
        };
        let index = next(&mut self.choice(choice).images);
        let fill = |delta: &mut Members<'_>| match &shown {
            Shown::Image(url) => delta.array("images", |list| {
                list.object(|image| write_image(image, index, url));
            }),
            Shown::Audio(data) => delta.object("audio", |audio| audio.value("data", data)),
        };
        self.chunks.delta(choice, fill, out);
    }

    fn logprobs(&mut self, choice: u32, json: &Json, out: &mut Vec<u8>) {
        self.begin_choice(choice, out);
        self.chunks.logprobs(choice, json, out);
    }

    fn end_choice(&mut self, choice: u32, finish: &Finish, out: &mut Vec<u8>) {
        self.begin_choice(choice, out);
        let said_refusal = if self.choice(choice).refused {
            SaidRefusal::Yes
        } else {
            SaidRefusal::No
        };
        let word = self.calls.finish_word(finish.reason, said_refusal);
        self.chunks
            .end((choice, word), finish, self.tier.as_deref(), out);
    }
}

/// Counts one more; its number is how many there were.
const fn next(count: &mut u32) -> u32 {
    let index = *count;
    *count += 1;
    index
}

const SHAPE: Shape = Shape {
    object: "chat.completion.chunk",
    prefix: "chatcmpl-",
};
