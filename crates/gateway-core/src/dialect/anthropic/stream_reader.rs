//! Streams of Anthropic's, event by event.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{StopDetails, read_finish, service_tier};
use super::format_tool;
use crate::body::Malformed;
use crate::chat::{Delta, Json, Opened, Signature, unsigned_id};
use crate::dialect::Dialect;
use crate::json::object;
use crate::spoke::StreamReader;
use crate::sse::Event;
use crate::usage::Usage;

pub(super) fn new() -> Box<dyn StreamReader> {
    Box::new(Reader::default())
}

#[derive(Debug, Default)]
struct Reader {
    usage: Usage,
    /// The blocks that are open, by their index; the providers have one at a time.
    open: Vec<Open>,
    /// How many parts there were.
    parts: u32,
    /// The model called a tool of the client's.
    calls: bool,
    /// It answered by the gateway's.
    answers: bool,
}

#[derive(Debug)]
struct Open {
    index: u32,
    part: u32,
    /// What is told when it is whole: a block that only Anthropic's clients know, and its input.
    held: Option<(Json, String)>,
    /// It is a call, and nothing of its input has come.
    bare: bool,
}

impl StreamReader for Reader {
    fn event(
        &mut self,
        event: &Event<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        if !event.has_data() {
            return Ok(());
        }
        let data = event.data();
        match event.name() {
            Some("content_block_delta") => self.block_delta(&data, sink),
            Some("ping") => Ok(()),
            Some(name) => self.other(name, &data, sink),
            None => {
                let head: Head<'_> = read(&data)?;
                match &*head.r#type {
                    "content_block_delta" => self.block_delta(&data, sink),
                    name => self.other(name, &data, sink),
                }
            }
        }
    }

    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        // A provider that forgot to close its blocks has said all of them.
        for open in std::mem::take(&mut self.open) {
            close(open, sink);
        }
    }
}

impl Reader {
    fn other(
        &mut self,
        name: &str,
        data: &str,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        match name {
            "message_start" => self.start(&read::<Start<'_>>(data)?.message, sink),
            "content_block_start" => {
                let start: BlockStart<'_> = read(data)?;
                self.block_start(start.index, start.content_block, sink)?;
            }
            "content_block_stop" => {
                let stop: BlockStop = read(data)?;
                if let Some(at) = self.open.iter().position(|it| it.index == stop.index) {
                    close(self.open.remove(at), sink);
                }
            }
            "message_delta" => self.message_delta(read(data)?, sink),
            // What is new means nothing to clients of other dialects.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, message: &Message<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        sink(Delta::Begin {
            id: message.id.as_deref().map(Cow::Borrowed),
            model: message.model.as_deref().map(Cow::Borrowed),
            created: None,
        });
        if let Some(usage) = message.usage {
            self.usage(usage, sink);
            if let Some(tier) = service_tier(usage) {
                sink(Delta::ServiceTier(Cow::Owned(tier)));
            }
        }
    }

    /// Figures are cumulative, and each event has some of them.
    fn usage(&mut self, raw: &RawValue, sink: &mut dyn FnMut(Delta<'_>)) {
        self.usage.merge(Usage::read(raw));
        sink(Delta::Usage(self.usage.with_cache_in_input()));
    }

    fn block_start(
        &mut self,
        index: u32,
        raw: &RawValue,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let head: Head<'_> = read(raw.get())?;
        let block: BlockHead<'_> = match &*head.r#type {
            "text" | "thinking" | "redacted_thinking" | "tool_use" => read(raw.get())?,
            _ => BlockHead::default(),
        };
        let mut held = None;
        let input = block.input.map(RawValue::get).filter(|it| is_input(it));
        let bare = &*head.r#type == "tool_use" && input.is_none();
        let opened = match &*head.r#type {
            "text" => Opened::Text,
            "thinking" => Opened::Thinking { id: None },
            "redacted_thinking" => Opened::RedactedThinking {
                signature: own(block.data.into_owned()),
            },
            "tool_use" if block.name == format_tool::NAME => {
                self.answers = true;
                Opened::Text
            }
            "tool_use" => {
                self.calls = true;
                // Only another gateway has signed it.
                let (id, signature) = unsigned_id(&block.id);
                Opened::ToolCall {
                    id: Cow::Borrowed(id),
                    name: block.name,
                    custom: false,
                    signature,
                }
            }
            _ => {
                held = Some((Json::from(raw), String::new()));
                Opened::Text
            }
        };
        let part = self.parts;
        self.parts += 1;
        if held.is_none() {
            sink(Delta::Open {
                choice: 0,
                part,
                opened,
            });
            // Some servers say the beginning here.
            for text in [block.text, block.thinking] {
                piece(part, text, sink);
            }
            if let Some(input) = input {
                piece(part, Cow::Borrowed(input), sink);
            }
        }
        self.open.push(Open {
            index,
            part,
            held,
            bare,
        });
        Ok(())
    }

    fn block_delta(
        &mut self,
        data: &str,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let BlockDelta { index, delta } = read(data)?;
        let missing = Malformed::WrongShape {
            missing: "content_block_start",
        };
        let open = self.open.iter_mut().rfind(|it| it.index == index);
        let open = open.ok_or(missing)?;
        let part = open.part;
        if let Some((_, input)) = &mut open.held {
            input.push_str(&delta.partial_json);
            return Ok(());
        }
        open.bare &= delta.partial_json.is_empty();
        match &*delta.r#type {
            "text_delta" => piece(part, delta.text, sink),
            "thinking_delta" => piece(part, delta.thinking, sink),
            "input_json_delta" => piece(part, delta.partial_json, sink),
            "signature_delta" => sink(Delta::Signature {
                choice: 0,
                part,
                signature: own(delta.signature.into_owned()),
            }),
            "citations_delta" => {
                if let Some(citation) = delta.citation {
                    sink(Delta::Citation {
                        choice: 0,
                        part,
                        dialect: Dialect::AnthropicMessages,
                        json: Json::from(citation),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn message_delta(&mut self, event: MessageDelta<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        if let Some(usage) = event.usage {
            self.usage(usage, sink);
        }
        let Some(stop_reason) = event.delta.stop_reason else {
            return;
        };
        let mut finish = read_finish(
            Some(&stop_reason),
            event.delta.stop_sequence,
            event.delta.stop_details,
        );
        if self.answers && !self.calls {
            finish.reason = format_tool::reason(finish.reason);
        }
        sink(Delta::Finish { choice: 0, finish });
    }
}

fn piece(part: u32, text: Cow<'_, str>, sink: &mut dyn FnMut(Delta<'_>)) {
    if !text.is_empty() {
        sink(Delta::Piece {
            choice: 0,
            part,
            text,
        });
    }
}

/// Whether the input that stands in the beginning of a block is one: it is `{}` where it follows.
fn is_input(input: &str) -> bool {
    let inside = input.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
    inside.is_some_and(|it| !it.trim().is_empty())
}

fn close(open: Open, sink: &mut dyn FnMut(Delta<'_>)) {
    let Open {
        part, held, bare, ..
    } = open;
    if bare {
        // That is what its beginning said of its input.
        piece(part, Cow::Borrowed("{}"), sink);
    }
    if let Some((block, input)) = held {
        sink(Delta::Open {
            choice: 0,
            part,
            opened: Opened::Other {
                dialect: Dialect::AnthropicMessages,
                json: with_input(block, &input),
            },
        });
    }
    sink(Delta::Close { choice: 0, part });
}

/// A server's tool call is whole when its input has come.
fn with_input(block: Json, input: &str) -> Json {
    let Ok(input) = serde_json::from_str::<serde_json::Value>(input) else {
        return block;
    };
    let mut value = block.value();
    value["input"] = input;
    Json::from(&value)
}

fn own(value: String) -> Signature {
    Signature {
        by: Some(Dialect::AnthropicMessages),
        value,
    }
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Malformed> {
    object(data).ok_or(Malformed::NotJson)
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<String>,
    model: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BlockStart<'a> {
    index: u32,
    #[serde(borrow)]
    content_block: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BlockHead<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    thinking: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BlockDelta<'a> {
    index: u32,
    #[serde(borrow)]
    delta: DeltaBody<'a>,
}

#[derive(Deserialize)]
struct DeltaBody<'a> {
    #[serde(borrow, default)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    thinking: Cow<'a, str>,
    #[serde(borrow, default)]
    partial_json: Cow<'a, str>,
    #[serde(borrow, default)]
    signature: Cow<'a, str>,
    #[serde(borrow, default)]
    citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BlockStop {
    index: u32,
}

#[derive(Deserialize)]
struct MessageDelta<'a> {
    delta: MessageEnd,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageEnd {
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    stop_details: Option<StopDetails>,
}
