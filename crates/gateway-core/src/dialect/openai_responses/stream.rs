//! The events of a stream, and the whole answer in which it ends.
//!
//! An item is told to be done when the next one begins or the answer ends: only then it is known whether it is whole.

mod done;

use super::annotation;
use super::echo::{Shell, Status};
use super::events::{Events, Form, push};
use super::item::{Item, Kind, State};
use super::tools::FlatNames;
use crate::chat::{Delta, Finish, FinishReason, Json, Opened, signed_id};
use crate::dialect::Dialect;
use crate::spoke::StreamWriter;
use crate::translate::Asked;
use crate::usage::Usage;

/// Writes one answer.
#[derive(Debug)]
pub(super) struct Writer {
    shell: Shell,
    names: FlatNames,
    /// What makes ids unique.
    base: String,
    events: Events,
    begun: bool,
    /// The items in their order: their JSON once they are done.
    output: Vec<Vec<u8>>,
    open: Vec<Item>,
    refused: bool,
    finish: Option<Finish>,
    usage: Usage,
}

impl StreamWriter for Writer {
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin { id, created, .. } => {
                self.shell.begin(id.as_deref(), created);
                self.begin(out);
            }
            Delta::Piece {
                choice: 0,
                part,
                text,
            } => self.piece(part, &text, out),
            Delta::Open {
                choice: 0,
                part,
                opened,
            } => self.open(part, opened, out),
            Delta::Signature {
                choice: 0,
                part,
                signature,
            } => {
                if let Some(item) = self.item(part) {
                    item.signature = Some(signature);
                }
            }
            Delta::Citation {
                choice: 0,
                part,
                dialect,
                json,
            } => {
                self.citation(part, dialect, &json, out);
            }
            Delta::Close { choice: 0, part } => {
                if let Some(item) = self.item(part) {
                    item.state = State::Closed;
                }
            }
            Delta::Logprobs { choice: 0, json } => self.logprobs(&json, out),
            Delta::Finish { choice: 0, finish } => self.end(finish, out),
            Delta::Usage(usage) => self.usage.merge(usage),
            Delta::ServiceTier(tier) => self.shell.service_tier = Some(tier.into_owned()),
            // The dialect has one choice, and nobody asked for more.
            _ => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        self.end(Finish::new(FinishReason::Stop), out);
        let event = match self.status() {
            Status::Incomplete(_) => "response.incomplete",
            Status::Failed(_) => "response.failed",
            _ => "response.completed",
        };
        let (shell, output, status) = (&self.shell, &self.output, status(self.finish.as_ref()));
        let usage = (!self.usage.is_empty()).then_some(&self.usage);
        self.events.write(event, out, |out| {
            out.extend_from_slice(b",\"response\":");
            shell.write(status, output, usage, out);
        });
    }
}

impl Writer {
    pub(super) fn new(asked: &Asked, form: Form) -> Self {
        Self {
            shell: Shell::new(asked),
            names: FlatNames::of(asked),
            base: asked.id.clone(),
            events: Events::new(form),
            begun: false,
            output: Vec::new(),
            open: Vec::new(),
            refused: false,
            finish: None,
            usage: Usage::default(),
        }
    }

    /// The whole answer.
    pub(super) fn into_response(mut self) -> Vec<u8> {
        let mut response = Vec::new();
        self.end(Finish::new(FinishReason::Stop), &mut Vec::new());
        let usage = (!self.usage.is_empty()).then_some(&self.usage);
        self.shell
            .write(self.status(), &self.output, usage, &mut response);
        response
    }

    fn status(&self) -> Status<'_> {
        status(self.finish.as_ref())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let shell = &self.shell;
        for event in ["response.created", "response.in_progress"] {
            self.events.write(event, out, |out| {
                out.extend_from_slice(b",\"response\":");
                shell.write(Status::InProgress, &[], None, out);
            });
        }
    }

    fn item(&mut self, part: u32) -> Option<&mut Item> {
        self.open.iter_mut().rev().find(|item| item.part == part)
    }

    fn open(&mut self, part: u32, opened: Opened<'_>, out: &mut Vec<u8>) {
        self.begin(out);
        let mut item_id = None;
        let mut signed = None;
        let kind = match opened {
            Opened::Text => Kind::Text,
            Opened::Refusal => {
                self.refused = true;
                Kind::Refusal
            }
            Opened::Thinking { id } => {
                item_id = id;
                Kind::Reasoning
            }
            Opened::RedactedThinking { signature } => {
                signed = Some(signature);
                Kind::Redacted
            }
            Opened::ToolCall {
                id,
                name,
                custom,
                signature,
            } => {
                let id = signed_id(&id, signature.as_ref());
                Kind::call(self.names.called(&name), &id, custom)
            }
            // What the provider's own tools did cannot be told in this dialect.
            Opened::Other { .. } => return,
        };
        if kind.is_message() && self.goes_on(part, &kind, out) {
            return;
        }
        self.settle("completed", out);
        let place = self.output.len();
        self.output.push(Vec::new());
        let mut item = Item::new(place, part, kind, item_id.as_deref(), &self.base);
        self.added(&item, out);
        item.signature = signed;
        self.open.push(item);
    }

    /// Goes on with the message that is open, if there is one: texts in a row are parts of one message.
    fn goes_on(&mut self, part: u32, kind: &Kind, out: &mut Vec<u8>) -> bool {
        let last = self.output.len().saturating_sub(1);
        let message = self.open.iter().position(|item| {
            item.place == last && item.kind.is_message() && item.state == State::Closed
        });
        let Some(at) = message else {
            return false;
        };
        let mut item = self.open.remove(at);
        if item.signature.is_some() {
            // The proof of the text must follow it at once.
            self.open.insert(at, item);
            return false;
        }
        self.part_done(&mut item, out);
        item.turn_to(part, kind.clone());
        self.part_added(&item, out);
        self.open.push(item);
        true
    }

    fn added(&mut self, item: &Item, out: &mut Vec<u8>) {
        self.events.write("response.output_item.added", out, |out| {
            push(
                out,
                format_args!(",\"output_index\":{},\"item\":", item.place),
            );
            out.extend_from_slice(&item.begun());
        });
        if item.kind.is_message() {
            self.part_added(item, out);
        }
    }

    fn part_added(&mut self, item: &Item, out: &mut Vec<u8>) {
        let event = match item.kind {
            Kind::Reasoning => "response.reasoning_summary_part.added",
            _ => "response.content_part.added",
        };
        self.events.write(event, out, |out| {
            out.extend_from_slice(&item.place_members());
            out.extend_from_slice(b",\"part\":");
            out.extend_from_slice(&item.part_object(""));
        });
    }

    fn piece(&mut self, part: u32, text: &str, out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().rposition(|item| item.part == part) else {
            return;
        };
        if text.is_empty() {
            return;
        }
        if self.open[at].kind == Kind::Reasoning && self.open[at].text.is_empty() {
            let item = self.open.remove(at);
            self.part_added(&item, out);
            self.open.insert(at, item);
        }
        let Some(item) = self.open.get_mut(at) else {
            return;
        };
        item.text.push_str(text);
        self.events.piece(item, text, b"", out);
    }

    /// The probabilities of what came last. They come behind it, so the event that tells them adds no text.
    fn logprobs(&mut self, json: &Json, out: &mut Vec<u8>) {
        let last = self.open.iter_mut().rev();
        let Some(item) = last.into_iter().find(|item| item.kind == Kind::Text) else {
            return;
        };
        let Some(tokens) = annotation::tokens(json) else {
            return;
        };
        if !item.logprobs.is_empty() {
            item.logprobs.push(b',');
        }
        item.logprobs.extend_from_slice(&tokens);
        self.events.piece(item, "", &tokens, out);
    }

    fn citation(&mut self, part: u32, dialect: Dialect, json: &Json, out: &mut Vec<u8>) {
        let Some(at) = self.open.iter().rposition(|item| item.part == part) else {
            return;
        };
        let item = &mut self.open[at];
        if item.kind != Kind::Text {
            return;
        }
        let Some(object) = annotation::write(dialect, json, item.text.chars().count()) else {
            return;
        };
        let index = item.annotations.length;
        item.annotations.push(&object);
        let members = item.place_members();
        self.events
            .write("response.output_text.annotation.added", out, |out| {
                out.extend_from_slice(&members);
                push(
                    out,
                    format_args!(",\"annotation_index\":{index},\"annotation\":"),
                );
                out.extend_from_slice(&object);
            });
    }
}

fn status(finish: Option<&Finish>) -> Status<'_> {
    match finish {
        Some(finish) => Status::of(finish.reason, finish.detail.as_deref()),
        None => Status::Completed,
    }
}
