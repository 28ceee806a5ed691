//! Which blocks of a stream are open, and when each is stopped.

use super::super::blocks::CUSTOM_INPUT;
use super::{BlockDelta, Event, Started, event};

/// The blocks that were opened, in order.
#[derive(Debug, Default)]
pub(super) struct OpenBlocks {
    open: Vec<Open>,
    next: u32,
}

/// What the pieces of a block are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text.
    Text,
    /// Thoughts.
    Thinking,
    /// JSON text.
    Arguments,
    /// Text that becomes the member of an input.
    FreeText,
    /// It has none.
    Whole,
}

#[derive(Debug)]
struct Open {
    part: u32,
    index: u32,
    kind: Kind,
    json: Progress,
}

/// How far a JSON text has come: so that a call is stopped as soon as its arguments are whole, though its provider says
/// so at the very end.
#[derive(Debug, Default)]
struct Progress {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Kind {
    pub(super) fn call(custom: bool) -> Self {
        if custom {
            Self::FreeText
        } else {
            Self::Arguments
        }
    }
}

impl OpenBlocks {
    /// Starts a block. Calls of which all arguments are there are stopped before; others stay open beside it.
    pub(super) fn open(&mut self, part: u32, kind: Kind, block: Started<'_>, out: &mut Vec<u8>) {
        self.open.retain_mut(|open| {
            let whole = open.kind == Kind::Arguments && open.json.is_whole();
            if whole {
                open.stop(out);
            }
            !whole
        });
        let index = self.next;
        self.next += 1;
        let started = Event::ContentBlockStart {
            index,
            content_block: block,
        };
        event(out, &started);
        if kind == Kind::FreeText {
            json_delta(index, &format!("{{\"{CUSTOM_INPUT}\":\""), out);
        }
        self.open.push(Open {
            part,
            index,
            kind,
            json: Progress::default(),
        });
    }

    /// The block of a part, if it is open.
    pub(super) fn find(&self, part: u32) -> Option<(u32, Kind)> {
        let open = self.open.iter().rfind(|it| it.part == part)?;
        Some((open.index, open.kind))
    }

    /// More of a call's arguments.
    pub(super) fn arguments(&mut self, part: u32, text: &str, out: &mut Vec<u8>) {
        let Some(open) = self.open.iter_mut().rfind(|it| it.part == part) else {
            return;
        };
        if open.kind == Kind::FreeText {
            let quoted = serde_json::to_string(text).expect("a string always serializes");
            let inside = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            json_delta(open.index, inside.unwrap_or_default(), out);
        } else {
            open.json.read(text);
            json_delta(open.index, text, out);
        }
    }

    /// Stops the block of a part.
    pub(super) fn close(&mut self, part: u32, out: &mut Vec<u8>) {
        if let Some(at) = self.open.iter().position(|it| it.part == part) {
            self.open.remove(at).stop(out);
        }
    }

    /// Stops what is still open.
    pub(super) fn close_all(&mut self, out: &mut Vec<u8>) {
        for open in std::mem::take(&mut self.open) {
            open.stop(out);
        }
    }
}

impl Open {
    fn stop(&self, out: &mut Vec<u8>) {
        if self.kind == Kind::FreeText {
            json_delta(self.index, "\"}", out);
        }
        event(out, &Event::ContentBlockStop { index: self.index });
    }
}

impl Progress {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.begun && self.depth == 0
    }
}

fn json_delta(index: u32, partial_json: &str, out: &mut Vec<u8>) {
    let delta = BlockDelta::InputJson { partial_json };
    event(out, &Event::ContentBlockDelta { index, delta });
}
