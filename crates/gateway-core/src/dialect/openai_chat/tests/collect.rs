//! A streamed answer in one piece.

use bytes::Bytes;

use crate::chat::{Answer, Choice, Delta, Finish, FinishReason, Json, Opened, Part, PartKind};
use crate::sse::{Flow, Framer};

/// Puts the parts of an answer together.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) answer: Answer,
}

impl Collector {
    /// Reads a stream in pieces of `size` bytes.
    pub(super) fn read(&mut self, stream: &[u8], size: usize) {
        let mut reader = (super::super::BACK.stream_reader)();
        let mut framer = Framer::new(1 << 20);
        for piece in stream.chunks(size) {
            let fed = framer.feed(Bytes::copy_from_slice(piece), |event| {
                reader.event(&event, &mut |delta| self.take(delta)).unwrap();
                Flow::Continue
            });
            assert!(fed.error.is_none());
        }
        reader.end(&mut |delta| self.take(delta));
    }

    fn take(&mut self, delta: Delta<'_>) {
        match delta {
            Delta::Begin { id, model, created } => {
                self.answer.id = id.map(Into::into);
                self.answer.model = model.map(Into::into);
                self.answer.created = created;
            }
            Delta::Open {
                choice,
                part,
                opened,
            } => {
                let parts = &mut self.choice(choice).parts;
                assert_eq!(parts.len(), part as usize);
                parts.push(Part::new(begun(opened)));
            }
            Delta::Piece { choice, part, text } => match self.part(choice, part) {
                PartKind::Text { text: all, .. }
                | PartKind::Thinking { text: all, .. }
                | PartKind::Refusal { text: all }
                | PartKind::ToolCall { arguments: all, .. } => all.push_str(&text),
                other => panic!("{other:?}"),
            },
            Delta::Signature {
                choice,
                part,
                signature: proof,
            } => match self.part(choice, part) {
                PartKind::Text { signature, .. } | PartKind::Thinking { signature, .. } => {
                    *signature = Some(proof);
                }
                other => panic!("{other:?}"),
            },
            Delta::Citation {
                choice,
                part,
                dialect,
                json,
            } => match self.part(choice, part) {
                PartKind::Text { citations, .. } => {
                    // Its place in the stream is not its own.
                    let mut value = json.value();
                    value.as_object_mut().unwrap().remove("index");
                    citations.push((dialect, Json::from(&value)));
                }
                other => panic!("{other:?}"),
            },
            Delta::Close { .. } => {}
            Delta::Logprobs { choice, json } => self.choice(choice).logprobs = Some(json),
            Delta::Finish { choice, finish } => self.choice(choice).finish = finish,
            Delta::Usage(usage) => self.answer.usage.merge(usage),
            Delta::ServiceTier(tier) => self.answer.service_tier = Some(tier.into()),
        }
    }

    fn choice(&mut self, choice: u32) -> &mut Choice {
        let choices = &mut self.answer.choices;
        while choices.len() <= choice as usize {
            choices.push(Choice {
                parts: Vec::new(),
                finish: Finish::new(FinishReason::Failed),
                logprobs: None,
            });
        }
        &mut choices[choice as usize]
    }

    fn part(&mut self, choice: u32, part: u32) -> &mut PartKind {
        &mut self.choice(choice).parts[part as usize].kind
    }
}

fn begun(opened: Opened<'_>) -> PartKind {
    let text = String::new();
    match opened {
        Opened::Text => Part::text(text).kind,
        Opened::Thinking { id } => PartKind::Thinking {
            text,
            signature: None,
            id: id.map(Into::into),
        },
        Opened::RedactedThinking { signature } => PartKind::RedactedThinking { signature },
        Opened::ToolCall {
            id,
            name,
            custom,
            signature,
        } => PartKind::ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: text,
            custom,
            signature,
        },
        Opened::Refusal => PartKind::Refusal { text },
        Opened::Other { dialect, json } => PartKind::Other { dialect, json },
    }
}
