//! A provider's stream.

mod frames;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use self::frames::{Annotated, OfItem, Piece, Place, Typed, Whole};
use super::OWN;
use super::answer::{BETWEEN, Item, Response, Said, inside};
use crate::body::Malformed;
use crate::chat::{Delta, Json, Opened, Part};
use crate::json::object;
use crate::spoke::StreamReader;
use crate::sse::Event;

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    begun: bool,
    finished: bool,
    /// The number of the next part.
    next: u32,
    open: Vec<Open>,
    said: Said,
}

/// A part of an item that is not done yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// The item.
    output: u64,
    /// The part of a message; 0 for other items.
    content: u64,
    part: u32,
    /// Pieces came.
    filled: bool,
    /// It was closed, though its item is not done.
    closed: bool,
    /// The part of a summary that came last.
    summary: u64,
}

impl StreamReader for Reader {
    fn event(
        &mut self,
        event: &Event<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let data = event.data();
        if !event.has_data() {
            return Ok(());
        }
        match event.name() {
            Some(name) => self.named(name, &data, sink),
            None => {
                let Some(Typed { kind: Some(kind) }) = object(&data) else {
                    return Ok(());
                };
                self.named(&kind.0, &data, sink)
            }
        }
    }

    fn end(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        self.close_all(sink);
    }
}

impl Reader {
    fn named(
        &mut self,
        name: &str,
        data: &str,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        match name {
            "response.output_text.delta" => self.text(data, Opened::Text, sink),
            "response.refusal.delta" => self.text(data, Opened::Refusal, sink),
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                let piece: Piece<'_> = read(data)?;
                if let Some(at) = self.find(piece.output_index, 0) {
                    self.piece(at, &piece.delta, sink);
                }
                Ok(())
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.thought(data, sink)
            }
            "response.created" | "response.in_progress" | "response.queued" => {
                let frame: Whole<'_> = read(data)?;
                self.begin(Some(&frame.response), sink);
                Ok(())
            }
            "response.output_item.added" => {
                let frame: OfItem<'_> = read(data)?;
                let item: Item<'_> = read(frame.item.get())?;
                self.added(frame.output_index, &item, sink);
                Ok(())
            }
            "response.output_item.done" => {
                let frame: OfItem<'_> = read(data)?;
                let item: Item<'_> = read(frame.item.get())?;
                self.done(frame.output_index, item, frame.item, sink);
                Ok(())
            }
            "response.content_part.done" => {
                let place: Place = read(data)?;
                if let Some(at) = self.find(place.output_index, place.content_index) {
                    self.close(at, sink);
                }
                Ok(())
            }
            "response.output_text.annotation.added" => self.citation(data, sink),
            "response.completed" | "response.incomplete" => self.ended(data, sink),
            // Progress of the provider's own tools; what they did comes with their items.
            _ => Ok(()),
        }
    }

    fn begin(&mut self, response: Option<&Response<'_>>, sink: &mut dyn FnMut(Delta<'_>)) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        sink(Delta::Begin {
            id: response.and_then(|it| it.id.as_deref()).map(Cow::Borrowed),
            model: response
                .and_then(|it| it.model.as_deref())
                .map(Cow::Borrowed),
            created: response.and_then(Response::created),
        });
    }

    /// Where in `open` a part is that can still be added to.
    fn find(&self, output: u64, content: u64) -> Option<usize> {
        let is_it = |it: &Open| it.output == output && it.content == content && !it.closed;
        self.open.iter().rposition(is_it)
    }

    fn open(
        &mut self,
        (output, content): (u64, u64),
        opened: Opened<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> usize {
        self.begin(None, sink);
        self.said = self.said.and(match opened {
            Opened::ToolCall { .. } => Said::Call,
            Opened::Refusal => Said::Refusal,
            _ => Said::Text,
        });
        let part = self.next;
        self.next += 1;
        sink(Delta::Open {
            choice: 0,
            part,
            opened,
        });
        self.open.push(Open {
            output,
            content,
            part,
            filled: false,
            closed: false,
            summary: 0,
        });
        self.open.len() - 1
    }

    fn piece(&mut self, at: usize, text: &str, sink: &mut dyn FnMut(Delta<'_>)) {
        let Some(open) = self.open.get_mut(at).filter(|_| !text.is_empty()) else {
            return;
        };
        open.filled = true;
        sink(Delta::Piece {
            choice: 0,
            part: open.part,
            text: Cow::Borrowed(text),
        });
    }

    fn close(&mut self, at: usize, sink: &mut dyn FnMut(Delta<'_>)) {
        let Some(open) = self.open.get_mut(at).filter(|it| !it.closed) else {
            return;
        };
        open.closed = true;
        sink(Delta::Close {
            choice: 0,
            part: open.part,
        });
    }

    fn close_all(&mut self, sink: &mut dyn FnMut(Delta<'_>)) {
        for at in 0..self.open.len() {
            self.close(at, sink);
        }
        self.open.clear();
    }

    fn text(
        &mut self,
        data: &str,
        opened: Opened<'_>,
        sink: &mut dyn FnMut(Delta<'_>),
    ) -> Result<(), Malformed> {
        let piece: Piece<'_> = read(data)?;
        let place = (piece.output_index, piece.content_index);
        let at = match self.find(place.0, place.1) {
            Some(at) => at,
            None => self.open(place, opened, sink),
        };
        self.piece(at, &piece.delta, sink);
        if let Some(tokens) = piece.logprobs.and_then(inside)
            && let Some(json) = Json::parse(format!(r#"{{"content":[{tokens}],"refusal":null}}"#))
        {
            sink(Delta::Logprobs { choice: 0, json });
        }
        Ok(())
    }

    fn thought(&mut self, data: &str, sink: &mut dyn FnMut(Delta<'_>)) -> Result<(), Malformed> {
        let piece: Piece<'_> = read(data)?;
        let at = match self.find(piece.output_index, 0) {
            Some(at) => at,
            None => self.open((piece.output_index, 0), Opened::Thinking { id: None }, sink),
        };
        let last = self.open.get_mut(at).map(|open| {
            let begins = open.filled && open.summary != piece.summary_index;
            open.summary = piece.summary_index;
            begins
        });
        if last == Some(true) {
            self.piece(at, BETWEEN, sink);
        }
        self.piece(at, &piece.delta, sink);
        Ok(())
    }

    fn added(&mut self, output: u64, item: &Item<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        if let Some(opened) = opened(item) {
            self.open((output, 0), opened, sink);
        }
    }

    /// The item is whole. What did not come in pieces comes now.
    fn done(
        &mut self,
        output: u64,
        item: Item<'_>,
        raw: &RawValue,
        sink: &mut dyn FnMut(Delta<'_>),
    ) {
        if let Some(open) = opened(&item) {
            let at = match self.find(output, 0) {
                Some(at) => at,
                None => self.open((output, 0), open, sink),
            };
            if self.open.get(at).is_some_and(|open| !open.filled) {
                match item.kind.as_str() {
                    "reasoning" => self.piece(at, &item.thoughts(), sink),
                    _ => self.piece(at, item.argument(), sink),
                }
            }
            if let (Some(signature), Some(open)) = (item.signature(), self.open.get(at)) {
                sink(Delta::Signature {
                    choice: 0,
                    part: open.part,
                    signature,
                });
            }
        } else if !self.open.iter().any(|open| open.output == output) {
            self.whole(&item.parts(raw), sink);
        }
        for at in 0..self.open.len() {
            if self.open.get(at).is_some_and(|open| open.output == output) {
                self.close(at, sink);
            }
        }
        self.open.retain(|open| open.output != output);
    }

    /// Parts that come in one piece.
    fn whole(&mut self, parts: &[Part], sink: &mut dyn FnMut(Delta<'_>)) {
        self.begin(None, sink);
        for part in parts {
            self.said = self.said.and(Said::of(std::slice::from_ref(part)));
            part.replay((0, self.next), sink);
            self.next += 1;
        }
    }

    fn citation(&mut self, data: &str, sink: &mut dyn FnMut(Delta<'_>)) -> Result<(), Malformed> {
        let frame: Annotated<'_> = read(data)?;
        let at = self.find(frame.output_index, frame.content_index);
        if let Some(open) = at.and_then(|at| self.open.get(at)) {
            sink(Delta::Citation {
                choice: 0,
                part: open.part,
                dialect: OWN,
                json: frame.annotation.into(),
            });
        }
        Ok(())
    }

    fn ended(&mut self, data: &str, sink: &mut dyn FnMut(Delta<'_>)) -> Result<(), Malformed> {
        let frame: Whole<'_> = read(data)?;
        let response = &frame.response;
        self.begin(Some(response), sink);
        self.close_all(sink);
        if self.next == 0 {
            for raw in &response.output {
                let item: Item<'_> = read(raw.get())?;
                self.whole(&item.parts(raw), sink);
            }
        }
        if let Some(tier) = &response.service_tier {
            sink(Delta::ServiceTier(Cow::Borrowed(tier)));
        }
        if !std::mem::replace(&mut self.finished, true) {
            sink(Delta::Finish {
                choice: 0,
                finish: response.finish(self.said),
            });
        }
        sink(Delta::Usage(response.usage()));
        Ok(())
    }
}

/// How an item begins that is one part.
fn opened<'a>(item: &'a Item<'_>) -> Option<Opened<'a>> {
    let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
    match item.kind.as_str() {
        "reasoning" => Some(Opened::Thinking { id: text(&item.id) }),
        kind @ ("function_call" | "custom_tool_call") => Some(Opened::ToolCall {
            id: text(&item.call_id)
                .or_else(|| text(&item.id))
                .unwrap_or_default(),
            name: text(&item.name).unwrap_or_default(),
            custom: kind == "custom_tool_call",
            signature: None,
        }),
        _ => None,
    }
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, Malformed> {
    object(data).ok_or(Malformed::NotJson)
}
