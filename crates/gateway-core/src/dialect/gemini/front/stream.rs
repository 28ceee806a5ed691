//! A stream: each event is a response that holds what is new, and the last one tells why it ended and what it cost.

use serde_json::Value;

use super::answer::{logprobs_result, usage_metadata};
use super::signature;
use super::sources::Sources;
use crate::chat::{Delta, Finish, Opened, Signature};
use crate::dialect::Dialect;
use crate::dialect::gemini::args::Args;
use crate::dialect::gemini::finish;
use crate::json::json_string;
use crate::spoke::StreamWriter;
use crate::translate::Asked;
use crate::usage::Usage;

/// Writes one stream.
#[derive(Debug)]
pub(super) struct GeminiWriter {
    /// `"modelVersion":…,"responseId":…}` and the end of the event.
    tail: Vec<u8>,
    model: String,
    id: String,
    open: Vec<Open>,
    choices: Vec<Ended>,
    usage: Usage,
}

/// A part that is open.
#[derive(Debug)]
struct Open {
    choice: u32,
    part: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    /// Written whole, at its end.
    Call {
        id: String,
        name: String,
        arguments: String,
        custom: bool,
        signature: Option<Signature>,
    },
    /// Written already, or nothing that Google's clients know.
    Silent,
}

/// What is told of a choice at the end.
#[derive(Debug)]
struct Ended {
    choice: u32,
    finish: Option<Finish>,
    sources: Sources,
}

impl GeminiWriter {
    pub(super) fn new(asked: &Asked) -> Self {
        let mut writer = Self {
            tail: Vec::new(),
            model: asked.model.clone(),
            id: asked.id.clone(),
            open: Vec::new(),
            choices: Vec::new(),
            usage: Usage::default(),
        };
        writer.tail = writer.tail();
        writer
    }

    fn tail(&self) -> Vec<u8> {
        let mut tail = b",\"modelVersion\":".to_vec();
        tail.extend_from_slice(&json_string(&self.model));
        tail.extend_from_slice(b",\"responseId\":");
        tail.extend_from_slice(&json_string(&self.id));
        tail.extend_from_slice(b"}\n\n");
        tail
    }

    /// One event with one part, whose members `write` writes.
    fn event(&self, choice: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(b"data: {\"candidates\":[{\"content\":{\"parts\":[{");
        let start = out.len();
        write(out);
        // Line ends between the members of what is written as it came; inside of texts there are none.
        for byte in out.iter_mut().skip(start) {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        out.extend_from_slice(b"}],\"role\":\"model\"},\"index\":");
        push_json(out, &choice);
        out.extend_from_slice(b"}]");
        out.extend_from_slice(&self.tail);
    }

    fn choice(&mut self, choice: u32) -> &mut Ended {
        let at = match self.choices.iter().position(|it| it.choice == choice) {
            Some(at) => at,
            None => {
                self.choices.push(Ended {
                    choice,
                    finish: None,
                    sources: Sources::default(),
                });
                self.choices.len() - 1
            }
        };
        &mut self.choices[at]
    }

    fn position(&self, choice: u32, part: u32) -> Option<usize> {
        self.open
            .iter()
            .rposition(|it| it.choice == choice && it.part == part)
    }

    fn open(&mut self, choice: u32, part: u32, opened: Opened<'_>, out: &mut Vec<u8>) {
        self.choice(choice);
        let kind = match opened {
            Opened::Text | Opened::Refusal => Kind::Text,
            Opened::Thinking { id: _ } => Kind::Thinking,
            Opened::ToolCall {
                id,
                name,
                custom,
                signature,
            } => Kind::Call {
                id: id.into_owned(),
                name: name.into_owned(),
                arguments: String::new(),
                custom,
                signature,
            },
            Opened::RedactedThinking { signature } => {
                let text = signature::redacted(&signature);
                self.event(choice, out, |out| {
                    out.extend_from_slice(b"\"text\":\"\",\"thought\":true,\"thoughtSignature\":");
                    push_json(out, &text);
                });
                Kind::Silent
            }
            Opened::Other {
                dialect: Dialect::Gemini,
                json,
            } => {
                let members = json.text().trim();
                let members = members
                    .strip_prefix('{')
                    .and_then(|it| it.strip_suffix('}'));
                if let Some(members) = members {
                    self.event(choice, out, |out| out.extend_from_slice(members.as_bytes()));
                }
                Kind::Silent
            }
            Opened::Other { .. } => Kind::Silent,
        };
        self.open.push(Open { choice, part, kind });
    }

    fn piece(&mut self, choice: u32, part: u32, text: &str, out: &mut Vec<u8>) {
        let Some(at) = self.position(choice, part) else {
            return;
        };
        match &mut self.open[at].kind {
            Kind::Call { arguments, .. } => arguments.push_str(text),
            Kind::Silent => {}
            Kind::Text if text.is_empty() => {}
            Kind::Thinking if text.is_empty() => {}
            Kind::Text => self.event(choice, out, |out| push_text(out, text)),
            Kind::Thinking => self.event(choice, out, |out| {
                push_text(out, text);
                out.extend_from_slice(b",\"thought\":true");
            }),
        }
    }

    fn sign(&mut self, choice: u32, part: u32, signed: Signature, out: &mut Vec<u8>) {
        let Some(at) = self.position(choice, part) else {
            return;
        };
        let thought = match &mut self.open[at].kind {
            Kind::Call { signature, .. } => {
                *signature = Some(signed);
                return;
            }
            Kind::Silent => return,
            Kind::Text => false,
            Kind::Thinking => true,
        };
        self.event(choice, out, |out| {
            push_text(out, "");
            if thought {
                out.extend_from_slice(b",\"thought\":true");
            }
            out.extend_from_slice(b",\"thoughtSignature\":");
            push_json(out, &signature::written(&signed));
        });
    }

    fn close(&mut self, choice: u32, part: u32, out: &mut Vec<u8>) {
        let Some(at) = self.position(choice, part) else {
            return;
        };
        let Kind::Call {
            id,
            name,
            arguments,
            custom,
            signature,
        } = self.open.remove(at).kind
        else {
            return;
        };
        self.event(choice, out, |out| {
            out.extend_from_slice(b"\"functionCall\":{\"id\":");
            push_json(out, &id);
            out.extend_from_slice(b",\"name\":");
            push_json(out, &name);
            out.extend_from_slice(b",\"args\":");
            push_json(out, &Args::of(&arguments, custom));
            out.push(b'}');
            if let Some(signature) = signature {
                out.extend_from_slice(b",\"thoughtSignature\":");
                push_json(out, &signature::written(&signature));
            }
        });
    }
}

impl StreamWriter for GeminiWriter {
    fn delta(&mut self, delta: Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin { id, .. } => {
                if let Some(id) = id {
                    self.id = id.into_owned();
                    self.tail = self.tail();
                }
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
            } => self.sign(choice, part, signature, out),
            Delta::Citation { choice, json, .. } => self.choice(choice).sources.add(&json, None),
            Delta::Close { choice, part } => self.close(choice, part, out),
            Delta::Logprobs { choice, json } => {
                if let Some(result) = logprobs_result(&json) {
                    let candidate = serde_json::json!({
                        "content": {"parts": [{"text": ""}], "role": "model"},
                        "index": choice,
                        "logprobsResult": result,
                    });
                    self.last(&[candidate], out);
                }
            }
            Delta::Finish { choice, finish } => self.choice(choice).finish = Some(finish),
            Delta::Usage(usage) => self.usage.merge(usage),
            Delta::ServiceTier(_) => {}
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        for at in (0..self.open.len()).rev() {
            let Open { choice, part, .. } = self.open[at];
            self.close(choice, part, out);
        }
        if self.choices.is_empty() {
            self.choice(0);
        }
        let candidates: Vec<Value> = self.choices.iter().map(Ended::candidate).collect();
        if let Some(usage) = usage_metadata(self.usage) {
            let mut tail = b",\"usageMetadata\":".to_vec();
            push_json(&mut tail, &usage);
            tail.append(&mut self.tail);
            self.tail = tail;
        }
        self.last(&candidates, out);
    }
}

impl GeminiWriter {
    /// One event with these candidates.
    fn last(&self, candidates: &[Value], out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: {\"candidates\":");
        push_json(out, &candidates);
        out.extend_from_slice(&self.tail);
    }
}

impl Ended {
    /// Clients that keep a history drop the whole turn if one event of it has no part.
    fn candidate(&self) -> Value {
        let stop = Finish::new(crate::chat::FinishReason::Stop);
        let finish = self.finish.as_ref().unwrap_or(&stop);
        let mut candidate = serde_json::json!({
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": finish::word(finish),
            "index": self.choice,
        });
        if let Some(detail) = &finish.detail {
            candidate["finishMessage"] = detail.as_str().into();
        }
        if let Some(metadata) = self.sources.metadata() {
            candidate["groundingMetadata"] = metadata;
        }
        candidate
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"\"text\":");
    push_json(out, &text);
}

fn push_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Nothing that is written here can fail, and a vector takes every byte.
    serde_json::to_writer(out, value).expect("texts, numbers and values always serialize");
}
