//! What is told when a part, an item or the answer is over.

use super::super::echo::Status;
use super::super::events::{push, push_string};
use super::super::item::{Item, Kind, List, State, of_the_item_before};
use super::{Writer, status};
use crate::chat::{Finish, FinishReason, Opened, Signature};

impl Writer {
    /// The answer ends; a later end changes nothing.
    pub(super) fn end(&mut self, finish: Finish, out: &mut Vec<u8>) {
        if self.finish.is_some() {
            return;
        }
        if finish.reason == FinishReason::Refusal && !self.refused {
            // A refusal is one by its part: a client would take anything else for an answer.
            let told = finish.detail.as_deref().unwrap_or(DECLINED);
            self.open(u32::MAX, Opened::Refusal, out);
            self.piece(u32::MAX, told, out);
        }
        let status = match status(Some(&finish)) {
            Status::Completed => "completed",
            _ => "incomplete",
        };
        self.finish = Some(finish);
        for item in &mut self.open {
            item.state = State::Closed;
        }
        self.settle(status, out);
    }

    /// Tells that the items are done to which nothing more comes; the last one has this status.
    pub(super) fn settle(&mut self, status: &str, out: &mut Vec<u8>) {
        let last = self.output.len().saturating_sub(1);
        while let Some(at) = self.open.iter().position(|it| it.state == State::Closed) {
            let mut item = self.open.remove(at);
            let status = if item.place == last {
                status
            } else {
                "completed"
            };
            self.part_done(&mut item, out);
            self.item_done(&item, item.done(status), out);
            if item.kind.is_message()
                && let Some(signature) = item.signature.take()
            {
                self.signed(&signature, out);
            }
        }
    }

    /// The last item was signed by its maker, for which this dialect has no place but an item of its own.
    fn signed(&mut self, signature: &Signature, out: &mut Vec<u8>) {
        let place = self.output.len();
        self.output.push(Vec::new());
        let mut item = Item::new(place, u32::MAX, Kind::Reasoning, None, &self.base);
        self.added(&item, out);
        item.signature = Some(of_the_item_before(signature));
        self.item_done(&item, item.done("completed"), out);
    }

    fn item_done(&mut self, item: &Item, done: Vec<u8>, out: &mut Vec<u8>) {
        self.events.write("response.output_item.done", out, |out| {
            push(
                out,
                format_args!(",\"output_index\":{},\"item\":", item.place),
            );
            out.extend_from_slice(&done);
        });
        if let Some(place) = self.output.get_mut(item.place) {
            *place = done;
        }
    }

    /// The running part of an item is whole.
    pub(super) fn part_done(&mut self, item: &mut Item, out: &mut Vec<u8>) {
        let (event, member) = match item.kind {
            Kind::Text => ("response.output_text.done", "text"),
            Kind::Refusal => ("response.refusal.done", "refusal"),
            Kind::Reasoning if !item.text.is_empty() => {
                ("response.reasoning_summary_text.done", "text")
            }
            Kind::Function { .. } => ("response.function_call_arguments.done", "arguments"),
            Kind::Custom { .. } => ("response.custom_tool_call_input.done", "input"),
            Kind::Reasoning | Kind::Redacted | Kind::Search { .. } => return,
        };
        self.events.write(event, out, |out| {
            out.extend_from_slice(&item.place_members());
            push(out, format_args!(",\"{member}\":"));
            push_string(&item.text, out);
            match &item.kind {
                Kind::Text => {
                    out.extend_from_slice(b",\"logprobs\":[");
                    out.extend_from_slice(&item.logprobs);
                    out.push(b']');
                }
                Kind::Function { members } => out.extend_from_slice(members),
                _ => {}
            }
        });
        let event = match item.kind {
            Kind::Reasoning => "response.reasoning_summary_part.done",
            Kind::Text | Kind::Refusal => "response.content_part.done",
            _ => return,
        };
        let part = item.part_object(&item.text);
        self.events.write(event, out, |out| {
            out.extend_from_slice(&item.place_members());
            out.extend_from_slice(b",\"part\":");
            out.extend_from_slice(&part);
        });
        if item.kind.is_message() {
            item.contents.push(&part);
            item.text.clear();
            item.annotations = List::default();
            item.logprobs.clear();
        }
    }
}

/// What a refusal says for which the provider gave no words.
const DECLINED: &str = "The model declined to answer.";
