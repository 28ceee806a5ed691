//! A stream of texts.

use super::answer::word;
use super::logprobs::write_logprobs;
use crate::chat::{Delta, Opened};
use crate::dialect::openai::DONE;
use crate::dialect::openai_chat::chunk_write::{Chunks, Shape};
use crate::json::Members;
use crate::spoke::StreamWriter;
use crate::translate::Asked;
use crate::usage::Usage;

/// Writes one stream.
#[derive(Debug)]
pub(super) struct CompletionWriter {
    chunks: Chunks,
    usage_in_stream: bool,
    usage: Usage,
    /// What is text, as choice and part.
    texts: Vec<(u32, u32)>,
    /// How much of each choice's text was told with probabilities, in characters.
    offsets: Vec<usize>,
    said: Vec<usize>,
}

impl CompletionWriter {
    pub(super) fn new(asked: &Asked) -> Self {
        Self {
            chunks: Chunks::new(SHAPE, asked),
            usage_in_stream: asked.usage_in_stream,
            usage: Usage::default(),
            texts: Vec::new(),
            offsets: Vec::new(),
            said: Vec::new(),
        }
    }

    fn piece(&mut self, choice: u32, text: &str, out: &mut Vec<u8>) {
        *place(&mut self.said, choice) += text.chars().count();
        let fill = |members: &mut Members<'_>| {
            members.value("text", text);
            members.value("index", &choice);
            members.value("logprobs", &None::<u8>);
            members.value("finish_reason", &None::<&str>);
        };
        self.chunks.choice(fill, None, out);
    }
}

impl StreamWriter for CompletionWriter {
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin {
                id,
                model: _,
                created,
            } => {
                self.chunks.begin(id.as_deref(), created);
                self.piece(0, "", out);
            }
            Delta::Open {
                choice,
                part,
                opened: Opened::Text | Opened::Refusal,
            } => self.texts.push((choice, part)),
            Delta::Piece { choice, part, text } if self.texts.contains(&(choice, part)) => {
                self.piece(choice, &text, out);
            }
            Delta::Close { choice, part } => self.texts.retain(|it| *it != (choice, part)),
            Delta::Logprobs { choice, json } => {
                let said = *place(&mut self.said, choice);
                let offset = std::mem::replace(place(&mut self.offsets, choice), said);
                let fill = |members: &mut Members<'_>| {
                    members.value("text", "");
                    members.value("index", &choice);
                    write_logprobs(members, &json, offset);
                    members.value("finish_reason", &None::<&str>);
                };
                self.chunks.choice(fill, None, out);
            }
            Delta::Finish { choice, finish } => {
                let fill = |members: &mut Members<'_>| {
                    members.value("text", "");
                    members.value("index", &choice);
                    members.value("logprobs", &None::<u8>);
                    members.value("finish_reason", word(finish.reason));
                    members.some("stop_reason", finish.stop_sequence.as_ref());
                };
                self.chunks.choice(fill, None, out);
            }
            Delta::Usage(usage) => self.usage.merge(usage),
            // What has no place in a text.
            Delta::Open { .. }
            | Delta::Piece { .. }
            | Delta::Signature { .. }
            | Delta::Citation { .. }
            | Delta::ServiceTier(_) => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.usage_in_stream && !self.usage.is_empty() {
            self.chunks.usage(self.usage, None, out);
        }
        out.extend_from_slice(DONE);
    }
}

/// A choice's figure.
fn place(figures: &mut Vec<usize>, choice: u32) -> &mut usize {
    let at = choice as usize;
    if figures.len() <= at {
        figures.resize(at + 1, 0);
    }
    &mut figures[at]
}

const SHAPE: Shape = Shape {
    object: "text_completion",
    prefix: "cmpl-",
};
