//! The tool calls of one choice of a stream: pieces belong to the call whose index they name.

use std::borrow::Cow;

use super::assistant_read::{Sender, legacy_id};
use super::chunk::{WireCall, WireFunction, text_of};
use crate::body::Malformed;
use crate::chat::{Delta, Opened, PartTracker, Signature};

/// The calls so far, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    index: u64,
    id: String,
    state: State,
    scan: Scan,
    custom: bool,
}

#[derive(Debug)]
enum State {
    /// Its name has not come yet; what came of its arguments.
    Nameless(String, Option<Signature>),
    Open(u32),
    Closed,
}

/// What a delta says of one call.
struct Step<'a> {
    index: u64,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    arguments: Cow<'a, str>,
    custom: bool,
    signature: Option<Signature>,
}

/// Where the steps of a choice go.
pub(super) struct Way<'w> {
    pub(super) choice: u32,
    pub(super) tracker: &'w mut PartTracker,
    pub(super) sink: &'w mut dyn FnMut(Delta<'_>),
}

impl Calls {
    /// Takes what a delta says of a call; `position` is the call's place in the delta's list.
    pub(super) fn step(
        &mut self,
        position: usize,
        wire: WireCall<'_>,
        way: &mut Way<'_>,
    ) -> Result<(), Malformed> {
        let index = wire.index.and_then(|it| it.0).unwrap_or(position as u64);
        let custom = wire.custom.is_some();
        let (name, arguments) = match (wire.function, wire.custom) {
            (_, Some(custom)) => (custom.name, custom.input.map(|it| it.0)),
            (Some(WireFunction { name, arguments }), None) => (name, arguments.map(text_of)),
            (None, None) => (None, None),
        };
        self.take(
            Step {
                index,
                id: wire.id.map(|it| it.0).unwrap_or_default(),
                name: name.map(|it| it.0).unwrap_or_default(),
                arguments: arguments.unwrap_or_default(),
                custom,
                signature: wire
                    .extra_content
                    .and_then(|it| it.signature(Sender::Provider)),
            },
            way,
        )
    }

    /// The same for the one call of the time before there were several.
    pub(super) fn legacy_step(
        &mut self,
        wire: WireFunction<'_>,
        way: &mut Way<'_>,
    ) -> Result<(), Malformed> {
        let name = wire.name.map(|it| it.0).unwrap_or_default();
        let id = if name.is_empty() {
            String::new()
        } else {
            legacy_id(&name)
        };
        let arguments = wire.arguments.map(text_of).unwrap_or_default();
        let step = Step {
            index: 0,
            id: Cow::Owned(id),
            name,
            arguments,
            custom: false,
            signature: None,
        };
        self.take(step, way)
    }

    /// Closes what has come to its end: something else begins.
    pub(super) fn close_complete(&mut self, way: &mut Way<'_>) {
        for call in &mut self.0 {
            if call.scan.is_complete() {
                call.close(way);
            }
        }
    }

    /// Closes everything.
    ///
    /// # Errors
    /// A call never got a name.
    pub(super) fn close_all(&mut self, way: &mut Way<'_>) {
        for call in &mut self.0 {
            call.close(way);
        }
    }

    /// Whether there is one without a name.
    pub(super) fn some_nameless(&self) -> bool {
        let mut calls = self.0.iter();
        calls.any(|call| matches!(call.state, State::Nameless(..)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, step: Step<'_>, way: &mut Way<'_>) -> Result<(), Malformed> {
        let last = self.0.iter().rposition(|call| call.index == step.index);
        let known = last.filter(|&at| {
            // Some servers give every call the index 0: an id and a name of its own make it another one.
            let call = &self.0[at];
            step.id.is_empty() || step.name.is_empty() || call.id.is_empty() || call.id == step.id
        });
        let at = known.unwrap_or_else(|| {
            self.close_complete(way);
            self.0.push(Call::new(&step));
            self.0.len() - 1
        });
        let is_last = at + 1 == self.0.len();
        let call = &mut self.0[at];
        call.take(step, way)?;
        if !is_last && call.scan.is_complete() {
            call.close(way);
        }
        Ok(())
    }
}

impl Call {
    fn new(step: &Step<'_>) -> Self {
        Self {
            index: step.index,
            id: step.id.clone().into_owned(),
            state: State::Nameless(String::new(), None),
            scan: Scan::default(),
            custom: step.custom,
        }
    }

    fn take(&mut self, step: Step<'_>, way: &mut Way<'_>) -> Result<(), Malformed> {
        if !self.custom {
            self.scan.text(&step.arguments);
        }
        match &mut self.state {
            State::Nameless(before, signature) => {
                if self.id.is_empty() {
                    self.id.push_str(&step.id);
                }
                let signature = step.signature.or_else(|| signature.take());
                if step.name.is_empty() {
                    before.push_str(&step.arguments);
                    self.state = State::Nameless(std::mem::take(before), signature);
                    return Ok(());
                }
                let before = std::mem::take(before);
                let part = self.open(&step.name, signature, way);
                piece(part, Cow::Owned(before), way);
                piece(part, step.arguments, way);
            }
            State::Open(part) => {
                let part = *part;
                if let Some(signature) = step.signature {
                    let choice = way.choice;
                    (way.sink)(Delta::Signature {
                        choice,
                        part,
                        signature,
                    });
                }
                piece(part, step.arguments, way);
            }
            State::Closed if step.arguments.trim().is_empty() => {}
            State::Closed => {
                return Err(Malformed::WrongShape {
                    missing: "tool call that was not yet complete",
                });
            }
        }
        Ok(())
    }

    fn open(&mut self, name: &str, signature: Option<Signature>, way: &mut Way<'_>) -> u32 {
        if self.id.is_empty() {
            self.id = format!("call_{}_{}", way.choice, self.index);
        }
        let opened = Opened::ToolCall {
            id: Cow::Borrowed(&self.id),
            name: Cow::Borrowed(name),
            custom: self.custom,
            signature,
        };
        let part = way.tracker.open(opened, way.sink);
        self.state = State::Open(part);
        part
    }

    fn close(&mut self, way: &mut Way<'_>) {
        if let State::Open(part) = self.state {
            let choice = way.choice;
            (way.sink)(Delta::Close { choice, part });
            self.state = State::Closed;
        }
    }
}

fn piece(part: u32, text: Cow<'_, str>, way: &mut Way<'_>) {
    if !text.is_empty() {
        let choice = way.choice;
        (way.sink)(Delta::Piece { choice, part, text });
    }
}

/// Follows the arguments of a call far enough to know when their object is closed: then nothing can follow, and a client
/// whose dialect has one part after the other need not wait for the end of the stream.
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    const fn is_complete(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}
