//! The frames of a stream's events.

use std::fmt::Arguments;
use std::io::Write;

use super::item::{Item, Kind};

/// Whether the events are wanted, or only what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Stream,
    Whole,
}

/// Numbers and frames the events.
#[derive(Debug)]
pub(super) struct Events {
    next: u64,
    form: Form,
}

impl Events {
    pub(super) const fn new(form: Form) -> Self {
        Self { next: 0, form }
    }

    /// Appends an event; `members` adds those that it has besides its type and number, each with a comma before it.
    pub(super) fn write(
        &mut self,
        event: &str,
        out: &mut Vec<u8>,
        members: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.form == Form::Whole {
            return;
        }
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        push(out, format_args!("{}", self.next));
        self.next += 1;
        members(out);
        out.extend_from_slice(b"}\n\n");
    }

    /// More of an item.
    pub(super) fn piece(&mut self, item: &Item, text: &str, logprobs: &[u8], out: &mut Vec<u8>) {
        if matches!(item.kind, Kind::Search { .. }) {
            // It is told as a whole.
            return;
        }
        self.write(item.kind.delta(), out, |out| {
            out.extend_from_slice(&item.head);
            push_string(text, out);
            if item.kind == Kind::Text {
                out.extend_from_slice(b",\"logprobs\":[");
                out.extend_from_slice(logprobs);
                out.push(b']');
            }
        });
    }
}

/// Appends a text as a JSON string.
pub(super) fn push_string(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string always serializes");
}

/// Appends what is formatted.
pub(super) fn push(out: &mut Vec<u8>, text: Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes everything");
}
