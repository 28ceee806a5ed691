//! The client's name of the model in the events of a stream that is passed on as it came.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::dialect::Dialect;
use crate::json::{json_string, object, string_in};
use crate::sse::Event;

/// Puts one name in the place of another, wherever events name the model.
#[derive(Debug)]
pub(crate) struct Restamp {
    /// As a JSON string.
    name: Vec<u8>,
    /// Only the first event names the model.
    once: bool,
    /// What was found last, key and value, and the length of the value: most events have the same.
    found: Vec<u8>,
    value: usize,
    /// Finds keys. Made once: making it costs more than searching an event.
    key: memmem::Finder<'static>,
    is_done: bool,
}

impl Restamp {
    /// Of a stream of `dialect` whose client calls the model `model`.
    pub(crate) fn new(dialect: Dialect, model: &str) -> Self {
        Self {
            name: json_string(model),
            once: dialect == Dialect::AnthropicMessages,
            found: Vec::new(),
            value: 0,
            key: memmem::Finder::new(KEY),
            is_done: false,
        }
    }

    /// Whole events, with the client's name of the model. The same bytes if they have it already, or none.
    pub(crate) fn events(&mut self, events: Bytes) -> Bytes {
        let (mut out, mut copied, mut at) = (Vec::new(), 0, 0);
        while !self.is_done
            && let Some(next) = self.key.find(&events[at..])
        {
            let key = at + next;
            let Some(value) = self.value_behind(&events, key) else {
                at = key + KEY.len();
                continue;
            };
            self.is_done = self.once || events[value.clone()] == *self.name;
            if out.is_empty() {
                out.reserve(events.len() + events.len() / 32 + self.name.len());
            }
            out.extend_from_slice(&events[copied..value.start]);
            out.extend_from_slice(&self.name);
            (copied, at) = (value.end, value.end);
        }
        if copied == 0 {
            return events;
        }
        out.extend_from_slice(&events[copied..]);
        out.into()
    }

    /// Where the model's name stands whose key may begin at `key`.
    fn value_behind(&mut self, events: &[u8], key: usize) -> Option<Range<usize>> {
        if !self.found.is_empty() && events[key..].starts_with(&self.found) {
            let end = key + self.found.len();
            return Some(end - self.value..end);
        }
        // Another spelling or another name, or not the model's: only parsing tells.
        let start = memmem::rfind(&events[..key], b"\n\n").map_or(0, |end| end + 2);
        let end = memmem::find(&events[key..], b"\n\n").map_or(events.len(), |end| key + end + 2);
        let text = std::str::from_utf8(&events[start..end]).ok()?;
        let value = model_in(&Event::parse(text))?;
        let value = start + value.start..start + value.end;
        if value.start <= key || memmem::find(&events[key + 1..value.start], KEY).is_some() {
            return None;
        }
        self.found = events[key..value.end].to_vec();
        self.value = value.len();
        Some(value)
    }
}

/// Where in the event's bytes the model's name stands. Data in several lines is left alone: nobody sends it.
fn model_in(event: &Event<'_>) -> Option<Range<usize>> {
    let std::borrow::Cow::Borrowed(data) = event.data() else {
        return None;
    };
    let frame: Frame<'_> = object(data)?;
    let nested = [frame.message, frame.response];
    let model = frame
        .model
        .or(frame.model_version)
        .or_else(|| nested.into_iter().flatten().find_map(|it| it.model))?;
    let text = std::str::from_utf8(event.raw()).ok()?;
    string_in(text, model)
}

/// How the keys begin under which dialects name the model.
const KEY: &[u8] = b"\"model";

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

    fn restamped(dialect: Dialect, stream: &str) -> (String, bool) {
        let mut restamp = Restamp::new(dialect, "my \"group\"");
        let out = restamp.events(stream.to_owned().into());
        // Wherever the reads end between events, the same comes out.
        let mut one_by_one = Restamp::new(dialect, "my \"group\"");
        let each = stream
            .split_inclusive("\n\n")
            .flat_map(|event| one_by_one.events(event.to_owned().into()).to_vec());
        assert_eq!(out, each.collect::<Vec<u8>>());
        (String::from_utf8(out.to_vec()).unwrap(), !restamp.is_done)
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
