//! Tools that take free text, towards providers whose tools take JSON: functions with one text, and back.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use super::Losses;
use crate::chat::{Answer, Delta, Json, Message, Opened, PartKind, Request, Tool, ToolKind};

/// The tools that were made functions.
#[derive(Debug, Default)]
pub(super) struct CustomTools {
    names: Vec<String>,
}

/// Their calls in a stream.
#[derive(Debug, Default)]
pub(super) struct CustomCalls {
    tools: CustomTools,
    open: Vec<((u32, u32), Input)>,
}

impl CustomTools {
    /// Makes every custom tool of `request` a function, and the calls in its conversation calls of functions.
    pub(super) fn replace(request: &mut Request, losses: &mut Losses) -> Self {
        let mut tools = Self::default();
        for tool in &mut request.tools {
            if let ToolKind::Custom { format } = &tool.kind {
                let format = format.clone();
                tools.names.push(tool.name.clone());
                make_function(tool, format.as_ref(), losses);
            }
        }
        for message in &mut request.messages {
            wrap(message);
        }
        tools
    }

    /// Makes the calls in a whole answer what the client knows.
    pub(super) fn restore_answer(&self, answer: &mut Answer) {
        let parts = answer.choices.iter_mut().flat_map(|it| &mut it.parts);
        for part in parts {
            if let PartKind::ToolCall {
                name,
                arguments,
                custom,
                ..
            } = &mut part.kind
                && self.names.contains(name)
            {
                *custom = true;
                if let Ok(wrapped) = serde_json::from_str::<Wrapped>(arguments) {
                    *arguments = wrapped.input;
                }
            }
        }
    }

    pub(super) const fn into_calls(self) -> CustomCalls {
        CustomCalls {
            tools: self,
            open: Vec::new(),
        }
    }
}

impl CustomCalls {
    /// Tells `sink` what a step of the provider's stream is to the client.
    pub(super) fn restore(&mut self, mut delta: Delta<'_>, sink: &mut dyn FnMut(Delta<'_>)) {
        if self.tools.names.is_empty() {
            return sink(delta);
        }
        match &mut delta {
            Delta::Open {
                choice,
                part,
                opened: Opened::ToolCall { name, custom, .. },
            } if self.tools.names.iter().any(|it| it == name) => {
                *custom = true;
                self.open.push(((*choice, *part), Input::default()));
                sink(delta);
            }
            Delta::Piece { choice, part, text } => {
                let at = (*choice, *part);
                let Some((_, input)) = self.open.iter_mut().find(|(it, _)| *it == at) else {
                    return sink(delta);
                };
                let text = input.feed(text);
                piece(at, text, sink);
            }
            Delta::Close { choice, part } => {
                let at = (*choice, *part);
                if let Some(open) = self.open.iter().position(|(it, _)| *it == at) {
                    let (_, input) = self.open.remove(open);
                    piece(at, input.rest(), sink);
                }
                sink(delta);
            }
            _ => sink(delta),
        }
    }
}

fn piece((choice, part): (u32, u32), text: String, sink: &mut dyn FnMut(Delta<'_>)) {
    if !text.is_empty() {
        let text = Cow::Owned(text);
        sink(Delta::Piece { choice, part, text });
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    input: String,
}

fn make_function(tool: &mut Tool, format: Option<&Json>, losses: &mut Losses) {
    let format = format.map(Json::value).unwrap_or_default();
    let grammar = format.get("definition").and_then(|it| it.as_str());
    if let Some(grammar) = grammar {
        // The model is told, though nothing makes it obey.
        losses.hint("tools.format");
        let syntax = format.get("syntax").and_then(|it| it.as_str());
        let syntax = syntax.unwrap_or("following");
        let told = tool.description.get_or_insert_default();
        told.push_str(&format!(
            "\n\nThe input is a text that fits this {syntax} grammar:\n{grammar}"
        ));
    }
    let parameters = json!({
        "type": "object",
        "properties": {"input": {"type": "string", "description": "The whole input of the tool, as it is."}},
        "required": ["input"],
        "additionalProperties": false,
    });
    tool.kind = ToolKind::Function {
        parameters: Some(Json::from(&parameters)),
        strict: None,
    };
}

fn wrap(message: &mut Message) {
    for part in &mut message.parts {
        match &mut part.kind {
            PartKind::ToolCall {
                arguments, custom, ..
            } if *custom => {
                *custom = false;
                *arguments = json!({"input": arguments}).to_string();
            }
            PartKind::ToolResult { custom, .. } => *custom = false,
            _ => {}
        }
    }
}

/// The text in `{"input": "…"}`, of which pieces come.
#[derive(Debug)]
enum Input {
    /// What came before the text.
    Before(String),
    /// The text; of an escape, what came so far.
    Inside(String),
    /// The text is over.
    After,
    /// It is something else, and goes through as it comes.
    Other,
}

impl Default for Input {
    fn default() -> Self {
        Self::Before(String::new())
    }
}

impl Input {
    /// What of the text a piece brings.
    fn feed(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for (at, character) in piece.char_indices() {
            match self {
                Self::Before(head) => {
                    head.push(character);
                    match begins(head) {
                        Some(Begin::Text) => *self = Self::Inside(String::new()),
                        Some(Begin::Not) => {
                            out.push_str(head);
                            *self = Self::Other;
                        }
                        None => {}
                    }
                }
                Self::Inside(escape) if !escape.is_empty() => {
                    escape.push(character);
                    if let Some(text) = unescape(escape) {
                        out.push_str(&text);
                        escape.clear();
                    }
                }
                Self::Inside(escape) => match character {
                    '\\' => escape.push(character),
                    '"' => *self = Self::After,
                    _ => out.push(character),
                },
                Self::After => return out,
                Self::Other => {
                    out.push_str(piece.get(at..).unwrap_or_default());
                    return out;
                }
            }
        }
        out
    }

    /// What was held back of arguments that end here. Nothing is made up for what is missing.
    fn rest(self) -> String {
        match self {
            Self::Before(head) => head,
            Self::Inside(escape) => escape,
            Self::After | Self::Other => String::new(),
        }
    }
}

enum Begin {
    Text,
    Not,
}

/// Whether `head` is all that stands before the text, or cannot be; `None` if more must come.
fn begins(head: &str) -> Option<Begin> {
    let mut rest = head;
    for token in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start();
        match rest.strip_prefix(token) {
            Some(after) => rest = after,
            None if token.starts_with(rest) => return None,
            None => return Some(Begin::Not),
        }
    }
    Some(Begin::Text)
}

/// What an escape means, once it is whole: one of UTF-16's pairs needs both halves.
fn unescape(escape: &str) -> Option<String> {
    let is_whole = match escape.as_bytes() {
        [_] => false,
        [_, b'u', digits @ ..] => match digits {
            [
                b'd' | b'D',
                b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B',
                _,
                _,
                rest @ ..,
            ] => rest.len() == 6,
            digits => digits.len() == 4,
        },
        _ => true,
    };
    let broken = || escape.to_owned();
    is_whole.then(|| serde_json::from_str(&format!("\"{escape}\"")).unwrap_or_else(|_| broken()))
}

#[cfg(test)]
mod tests;
