//! What providers of every dialect say in a stream, step by step, and what a client hears of it.

pub(super) mod anthropic;
pub(super) mod chat;
pub(super) mod converse;
mod frames;
pub(super) mod gemini;
pub(super) mod responses;

use gateway_core::Dialect;
use gateway_providers::Framing;
use serde_json::Value;

/// One stream.
pub(super) struct Story {
    pub(super) name: &'static str,
    pub(super) back: Dialect,
    pub(super) framing: Framing,
    pub(super) steps: Vec<Step>,
    pub(super) end: Fate,
}

/// How a stream is meant to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Whole,
    Fails,
}

/// One event of it, and what a client hears by it.
pub(super) struct Step {
    pub(super) bytes: Vec<u8>,
    pub(super) text: &'static str,
    /// Of tool calls.
    pub(super) arguments: &'static str,
}

impl Story {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.steps
            .iter()
            .flat_map(|step| &step.bytes)
            .copied()
            .collect()
    }

    /// Text and arguments of the first steps.
    pub(super) fn said(&self, steps: usize) -> (String, String) {
        let steps = &self.steps[..steps];
        (
            steps.iter().map(|step| step.text).collect(),
            steps.iter().map(|step| step.arguments).collect(),
        )
    }
}

fn step(bytes: impl Into<Vec<u8>>) -> Step {
    Step {
        bytes: bytes.into(),
        text: "",
        arguments: "",
    }
}

impl Step {
    fn says(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    fn calls(self, arguments: &'static str) -> Self {
        Self { arguments, ..self }
    }
}

/// Half of the arguments of a call, cut inside of a string.
const HALF: &str = "{\"city\":\"Pa";
const OTHER_HALF: &str = "ris\"}";
const BOTH: &str = "{\"city\":\"Paris\"}";
const ODD: &str = "na\u{ef}ve \n\n\u{1f600}\"\\";
const MORE: &str = " and on";

/// An event without a name.
fn data(data: &Value) -> Step {
    step(format!("data: {data}\n\n"))
}

/// An event named as its type.
fn typed(data: &Value) -> Step {
    let name = data["type"].as_str().unwrap();
    step(format!("event: {name}\ndata: {data}\n\n"))
}
