//! An item of the output while it is being written, and as it is when it is done.

use super::OWN;
use super::input::{BEFORE, REDACTED};
use super::tools::Called;
use crate::chat::Signature;
use crate::json::json_string;

/// An item to which is still added.
#[derive(Debug)]
pub(super) struct Item {
    /// Its index in the output.
    pub(super) place: usize,
    /// The part of the answer that is added to.
    pub(super) part: u32,
    pub(super) state: State,
    pub(super) kind: Kind,
    /// As a JSON string.
    id: Vec<u8>,
    /// What was said of the running part.
    pub(super) text: String,
    /// What stands in each event of a piece, up to the piece: `"item_id":…,"delta":`.
    pub(super) head: Vec<u8>,
    /// Of the running part, if it is a text: objects with commas between them.
    pub(super) annotations: List,
    pub(super) logprobs: Vec<u8>,
    /// The parts of a message that are whole.
    pub(super) contents: List,
    pub(super) signature: Option<Signature>,
}

/// Whether something may still come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// Nothing more comes, but the item is not told to be done: the end of the answer may say that it is incomplete.
    Closed,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message whose running part is a text.
    Text,
    /// A message whose running part is a refusal.
    Refusal,
    Reasoning,
    Redacted,
    /// Its members that do not change, each with a comma before it.
    Function {
        members: Vec<u8>,
    },
    Custom {
        members: Vec<u8>,
    },
    /// A search of tools, which the client runs.
    Search {
        members: Vec<u8>,
    },
}

/// JSON values with commas between them.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) text: Vec<u8>,
    pub(super) length: usize,
}

impl List {
    pub(super) fn push(&mut self, value: &[u8]) {
        if self.length > 0 {
            self.text.push(b',');
        }
        self.text.extend_from_slice(value);
        self.length += 1;
    }
}

impl Kind {
    /// The item for a tool's call.
    pub(super) fn call(called: Called<'_>, call_id: &str, custom: bool) -> Self {
        let mut members = b",\"call_id\":".to_vec();
        members.extend_from_slice(&json_string(call_id));
        match called {
            Called::Search => {
                members.extend_from_slice(b",\"execution\":\"client\"");
                Self::Search { members }
            }
            Called::Function { namespace, name } => {
                members.extend_from_slice(b",\"name\":");
                members.extend_from_slice(&json_string(name));
                if let Some(namespace) = namespace {
                    members.extend_from_slice(b",\"namespace\":");
                    members.extend_from_slice(&json_string(namespace));
                }
                if custom {
                    Self::Custom { members }
                } else {
                    Self::Function { members }
                }
            }
        }
    }

    pub(super) const fn is_message(&self) -> bool {
        matches!(self, Self::Text | Self::Refusal)
    }

    /// What ids of it begin with.
    const fn prefix(&self) -> &'static str {
        match self {
            Self::Text | Self::Refusal => "msg",
            Self::Reasoning | Self::Redacted => "rs",
            Self::Function { .. } => "fc",
            Self::Custom { .. } => "ctc",
            Self::Search { .. } => "tsc",
        }
    }

    /// The event in which pieces of it come.
    pub(super) const fn delta(&self) -> &'static str {
        match self {
            Self::Text => "response.output_text.delta",
            Self::Refusal => "response.refusal.delta",
            Self::Reasoning | Self::Redacted => "response.reasoning_summary_text.delta",
            Self::Function { .. } => "response.function_call_arguments.delta",
            Self::Custom { .. } => "response.custom_tool_call_input.delta",
            Self::Search { .. } => "",
        }
    }
}

impl Item {
    pub(super) fn new(place: usize, part: u32, kind: Kind, id: Option<&str>, base: &str) -> Self {
        let id = match id.filter(|id| !id.is_empty()) {
            Some(id) => json_string(id),
            None => json_string(&format!("{}_{base}_{place}", kind.prefix())),
        };
        let mut item = Self {
            place,
            part,
            state: State::Running,
            kind,
            id,
            text: String::new(),
            head: Vec::new(),
            annotations: List::default(),
            logprobs: Vec::new(),
            contents: List::default(),
            signature: None,
        };
        item.head = item.heading();
        item
    }

    /// Goes on with the next part of a message.
    pub(super) fn turn_to(&mut self, part: u32, kind: Kind) {
        self.part = part;
        self.kind = kind;
        self.state = State::Running;
        self.head = self.heading();
    }

    fn heading(&self) -> Vec<u8> {
        let mut head = self.place_members();
        head.extend_from_slice(b",\"delta\":");
        head
    }

    /// Where events of the running part belong, each member with a comma before it.
    pub(super) fn place_members(&self) -> Vec<u8> {
        let mut members = b",\"item_id\":".to_vec();
        members.extend_from_slice(&self.id);
        members.extend_from_slice(format!(",\"output_index\":{}", self.place).as_bytes());
        let inner = match self.kind {
            Kind::Text | Kind::Refusal => {
                format!(",\"content_index\":{}", self.contents.length)
            }
            Kind::Reasoning | Kind::Redacted => ",\"summary_index\":0".to_owned(),
            _ => String::new(),
        };
        members.extend_from_slice(inner.as_bytes());
        members
    }

    /// The running part of a message, or the summary of thoughts.
    pub(super) fn part_object(&self, text: &str) -> Vec<u8> {
        let text = json_string(text);
        match self.kind {
            Kind::Text => {
                let annotations = &self.annotations.text;
                let (head, logprobs) =
                    (&b"{\"type\":\"output_text\",\"text\":"[..], &self.logprobs);
                [
                    head,
                    &text,
                    b",\"annotations\":[",
                    annotations,
                    b"],\"logprobs\":[",
                    logprobs,
                    b"]}",
                ]
                .concat()
            }
            Kind::Refusal => [b"{\"type\":\"refusal\",\"refusal\":", &text[..], b"}"].concat(),
            _ => [b"{\"type\":\"summary_text\",\"text\":", &text[..], b"}"].concat(),
        }
    }

    /// The item as it begins: nothing was said yet.
    pub(super) fn begun(&self) -> Vec<u8> {
        self.object("in_progress", b"", "")
    }

    /// The item as it is now; the running part of a message must be among its contents.
    pub(super) fn done(&self, status: &str) -> Vec<u8> {
        match self.kind {
            Kind::Reasoning if !self.text.is_empty() => {
                self.object(status, &self.part_object(&self.text), "")
            }
            _ => self.object(status, &self.contents.text, &self.text),
        }
    }

    fn object(&self, status: &str, contents: &[u8], text: &str) -> Vec<u8> {
        let mut out = b"{\"id\":".to_vec();
        out.extend_from_slice(&self.id);
        match &self.kind {
            Kind::Text | Kind::Refusal => {
                out.extend_from_slice(b",\"type\":\"message\"");
                push_status(status, &mut out);
                out.extend_from_slice(b",\"role\":\"assistant\",\"content\":[");
                out.extend_from_slice(contents);
                out.push(b']');
            }
            Kind::Reasoning | Kind::Redacted => {
                out.extend_from_slice(b",\"type\":\"reasoning\",\"summary\":[");
                out.extend_from_slice(contents);
                out.extend_from_slice(b"],\"encrypted_content\":");
                out.extend_from_slice(&self.encrypted());
            }
            Kind::Function { members } => {
                call("function_call", status, members, &mut out);
                out.extend_from_slice(b",\"arguments\":");
                out.extend_from_slice(&json_string(text));
            }
            Kind::Custom { members } => {
                call("custom_tool_call", status, members, &mut out);
                out.extend_from_slice(b",\"input\":");
                out.extend_from_slice(&json_string(text));
            }
            Kind::Search { members } => {
                call("tool_search_call", status, members, &mut out);
                out.extend_from_slice(b",\"arguments\":");
                out.extend_from_slice(&value_of(text));
            }
        }
        out.push(b'}');
        out
    }

    fn encrypted(&self) -> Vec<u8> {
        let Some(signature) = &self.signature else {
            return b"null".to_vec();
        };
        if self.kind == Kind::Redacted {
            return json_string(&marked(signature, REDACTED));
        }
        json_string(&signature.tagged(OWN))
    }
}

/// A signature that belongs to the item before it.
pub(super) fn of_the_item_before(signature: &Signature) -> Signature {
    let value = format!("{BEFORE}{}", signature.value);
    Signature {
        by: signature.by,
        value,
    }
}

fn marked(signature: &Signature, mark: &str) -> String {
    match signature.by {
        Some(by) if by != OWN => {
            let value = format!("{mark}{}", signature.value);
            Signature {
                by: Some(by),
                value,
            }
            .tagged(OWN)
        }
        _ => signature.value.clone(),
    }
}

fn call(kind: &str, status: &str, members: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!(",\"type\":\"{kind}\"").as_bytes());
    push_status(status, out);
    out.extend_from_slice(members);
}

fn push_status(status: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"status\":\"");
    out.extend_from_slice(status.as_bytes());
    out.push(b'"');
}

/// Arguments that are an object on the wire: the JSON that the model wrote, or its text if it is none.
fn value_of(text: &str) -> Vec<u8> {
    let is_object = crate::json::object::<serde_json::Value>(text).is_some();
    match (is_object, text.trim().is_empty()) {
        (true, _) => text
            .bytes()
            .filter(|byte| !matches!(byte, b'\n' | b'\r'))
            .collect(),
        (false, true) => b"{}".to_vec(),
        (false, false) => json_string(text),
    }
}
