//! One chunk of a stream for a client.

use super::answer_write::{write_finish_details, write_signature};
use super::usage_write::write_usage;
use crate::chat::{Finish, Json, Signature, signed_id};
use crate::json::{Members, json_string, write_object, write_value};
use crate::translate::Asked;
use crate::usage::Usage;

/// What every chunk of a stream begins with.
#[derive(Debug)]
pub(in crate::dialect) struct Chunks {
    shape: Shape,
    id: String,
    model: Vec<u8>,
    created: u64,
    /// Up to the choices.
    head: Vec<u8>,
}

/// In what the chunks of chats and of text completions differ.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) struct Shape {
    /// The `object`.
    pub(in crate::dialect) object: &'static str,
    /// Before an id that the provider did not give.
    pub(in crate::dialect) prefix: &'static str,
}

impl Chunks {
    pub(in crate::dialect) fn new(shape: Shape, asked: &Asked) -> Self {
        let mut chunks = Self {
            shape,
            id: asked.id.clone(),
            model: json_string(&asked.model),
            created: asked.created,
            head: Vec::new(),
        };
        chunks.begin(None, None);
        chunks
    }

    /// Takes over what the provider says of its answer.
    pub(in crate::dialect) fn begin(&mut self, id: Option<&str>, created: Option<u64>) {
        let head = &mut self.head;
        head.clear();
        head.extend_from_slice(b"data: {\"id\":");
        match id {
            Some(id) => write_value(head, id),
            None => write_value(head, &format!("{}{}", self.shape.prefix, self.id)),
        }
        head.extend_from_slice(b",\"object\":");
        write_value(head, self.shape.object);
        head.extend_from_slice(b",\"created\":");
        write_value(head, &created.unwrap_or(self.created));
        head.extend_from_slice(b",\"model\":");
        head.extend_from_slice(&self.model);
        head.extend_from_slice(b",\"choices\":[");
    }

    /// A chunk with this delta.
    pub(super) fn delta(
        &self,
        choice: u32,
        fill: impl FnOnce(&mut Members<'_>),
        out: &mut Vec<u8>,
    ) {
        self.open(choice, out);
        write_object(out, fill);
        out.extend_from_slice(GOES_ON);
    }

    /// A chunk of probabilities alone.
    pub(super) fn logprobs(&self, choice: u32, json: &Json, out: &mut Vec<u8>) {
        self.open(choice, out);
        out.extend_from_slice(b"{},\"logprobs\":");
        out.extend_from_slice(json.text().as_bytes());
        out.extend_from_slice(GOES_ON);
    }

    /// The last chunk of a choice.
    pub(super) fn end(
        &self,
        (choice, word): (u32, &str),
        finish: &Finish,
        tier: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let fill = |members: &mut Members<'_>| {
            members.value("index", &choice);
            members.object("delta", |_| {});
            members.value("finish_reason", word);
            write_finish_details(members, finish);
        };
        self.choice(fill, tier, out);
    }

    /// A chunk of a choice with these members.
    pub(in crate::dialect) fn choice(
        &self,
        fill: impl FnOnce(&mut Members<'_>),
        tier: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(&self.head);
        write_object(out, fill);
        out.extend_from_slice(b"]");
        close(tier, out);
    }

    /// The chunk without choices that tells the cost.
    pub(in crate::dialect) fn usage(&self, usage: Usage, tier: Option<&str>, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"],\"usage\":");
        write_object(out, |members| write_usage(members, usage));
        close(tier, out);
    }

    fn open(&self, choice: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"{\"index\":");
        write_value(out, &choice);
        out.extend_from_slice(b",\"delta\":");
    }
}

fn close(tier: Option<&str>, out: &mut Vec<u8>) {
    if let Some(tier) = tier {
        out.extend_from_slice(b",\"service_tier\":");
        write_value(out, tier);
    }
    out.extend_from_slice(b"}\n\n");
}

/// Behind a delta that is not the last.
const GOES_ON: &[u8] = b",\"finish_reason\":null}]}\n\n";

/// A call that begins.
pub(super) struct Begun<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) custom: bool,
    pub(super) signature: Option<&'a Signature>,
}

impl Begun<'_> {
    pub(super) fn write(&self, index: u32, call: &mut Members<'_>) {
        call.value("index", &index);
        call.value("id", &*signed_id(self.id, self.signature));
        let (kind, member) = if self.custom {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        call.value("type", kind);
        call.object(kind, |it| {
            it.value("name", self.name);
            it.value(member, "");
        });
        write_signature(call, self.signature);
    }
}
