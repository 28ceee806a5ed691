//! The client's name of the model in the events of a stream that is passed on as it came.

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Dialect;
use crate::json::{json_string, object, string_in};
use crate::sse::Event;

/// Puts one name in the place of another, in each event that names the model.
#[derive(Debug)]
pub(crate) struct Restamp {
    /// As a JSON string.
    name: Vec<u8>,
    /// Only the first event names the model.
    once: bool,
    /// What was found first, key and value: most events have the same.
    found: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No event has named the model yet.
    Searching,
    /// Events may name it.
    Found,
    /// There is nothing more to do.
    Done,
}

impl Restamp {
    /// Of a stream of `dialect` whose client calls the model `model`.
    pub(crate) fn new(dialect: Dialect, model: &str) -> Self {
        Self {
            name: json_string(model),
            once: dialect == Dialect::AnthropicMessages,
            found: Vec::new(),
            state: State::Searching,
        }
    }

    /// Whether events may still change.
    pub(crate) fn is_active(&self) -> bool {
        self.state != State::Done
    }

    /// Appends the event, changed or not.
    pub(crate) fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let raw = event.raw();
        if self.state == State::Found
            && let Some(at) = memmem::find(raw, &self.found)
        {
            let end = at + self.found.len();
            let value = end - self.value_length();
            return self.splice(raw, value..end, out);
        }
        match self.state {
            State::Done => out.extend_from_slice(raw),
            _ => self.search(event, out),
        }
    }

    /// Looks for the model by parsing, and remembers how it is written.
    fn search(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let raw = event.raw();
        let Some(value) = model_in(event) else {
            return out.extend_from_slice(raw);
        };
        if raw.get(value.clone()) == Some(&self.name) || self.once {
            self.state = State::Done;
        } else {
            let key = memmem::rfind(&raw[..value.start], b"\"model");
            self.found = raw[key.unwrap_or(value.start)..value.end].to_vec();
            self.state = State::Found;
        }
        self.splice(raw, value, out);
    }

    /// The length of the JSON string at the end of what was found.
    fn value_length(&self) -> usize {
        let colon = memchr::memchr(b':', &self.found).map_or(0, |colon| colon + 1);
        let space = self.found[colon..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        self.found.len() - colon - space
    }

    fn splice(&self, raw: &[u8], value: std::ops::Range<usize>, out: &mut Vec<u8>) {
        out.reserve(raw.len() + self.name.len());
        out.extend_from_slice(&raw[..value.start]);
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&raw[value.end..]);
    }
}

/// Where in the event's bytes the model's name stands. Data in several lines is left alone: nobody sends it.
fn model_in(event: &Event<'_>) -> Option<std::ops::Range<usize>> {
    let std::borrow::Cow::Borrowed(data) = event.data() else {
        return None;
    };
    memmem::find(data.as_bytes(), b"\"model")?;
    let frame: Frame<'_> = object(data)?;
    let nested = [frame.message, frame.response];
    let model = frame
        .model
        .or(frame.model_version)
        .or_else(|| nested.into_iter().flatten().find_map(|it| it.model))?;
    let text = std::str::from_utf8(event.raw()).ok()?;
    string_in(text, model)
}

/// The places in which the dialects name the model.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow, rename = "modelVersion")]
    model_version: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<Inner<'a>>,
    #[serde(borrow)]
    response: Option<Inner<'a>>,
}

#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Flow, Framer};

    fn restamped(dialect: Dialect, stream: &str) -> (String, bool) {
        let mut restamp = Restamp::new(dialect, "my \"group\"");
        let mut out = Vec::new();
        let fed = Framer::new(1 << 16).feed(stream.to_owned().into(), |event| {
            restamp.event(&event, &mut out);
            Flow::Continue
        });
        assert!(fed.error.is_none());
        (String::from_utf8(out).unwrap(), restamp.is_active())
    }

    #[test]
    fn every_chunk_names_the_clients_model_and_nothing_else_changes() {
        let stream = "data: {\"id\":\"a\",\"model\": \"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"\\\"model\\\": \\\"gpt-4o\\\"\"}}]}\n\n\
                      : note\n\n\
                      data: {\"model\": \"gpt-4o\",\"choices\":[]}\n\n\
                      data: {\"model\":\"other\"}\n\n\
                      data: {\"error\":{\"model\":\"gpt-4o\"}}\n\n\
                      data: [DONE]\n\n";
        let (out, _) = restamped(Dialect::OpenAiChat, stream);
        let expected = stream
            .replacen("\"gpt-4o\"", "\"my \\\"group\\\"\"", 1)
            .replace("{\"model\": \"gpt-4o\"", "{\"model\": \"my \\\"group\\\"\"")
            .replace("\"other\"", "\"my \\\"group\\\"\"");
        assert_eq!(out, expected);
    }

    #[test]
    fn a_message_names_its_model_once() {
        let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"content\":[]}}\n\n\
                      event: ping\ndata: {\"type\":\"ping\",\"model\":\"claude-x\"}\n\n";
        let (out, active) = restamped(Dialect::AnthropicMessages, stream);
        assert_eq!(
            out,
            stream.replacen("\"claude-x\"", "\"my \\\"group\\\"\"", 1)
        );
        assert!(!active);
    }

    #[test]
    fn a_name_that_is_right_already_ends_the_search() {
        let stream = "data: {\"model\":\"my \\\"group\\\"\"}\n\n";
        assert_eq!(
            restamped(Dialect::OpenAiChat, stream),
            (stream.to_owned(), false)
        );
    }
}
