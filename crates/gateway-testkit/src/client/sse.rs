//! A reader of server-sent events for tests, written apart from the gateway's own.

use bytes::{Buf, BytesMut};
use serde_json::Value;

/// One event as a client dispatches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// The `event` field, empty if there is none.
    pub name: String,
    /// The `data` lines, joined with a line feed.
    pub data: String,
}

/// Takes events out of bytes.
#[derive(Debug, Default)]
pub struct SseReader {
    buffer: BytesMut,
    name: String,
    data: Option<String>,
    comments: Vec<String>,
    skip_line_feed: bool,
}

impl SseEvent {
    /// The data as JSON; `Null` if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_default()
    }

    /// Whether this event ends a complete stream, in OpenAI's or Anthropic's way, or has Google's finish reason.
    #[must_use]
    pub fn is_marker(&self) -> bool {
        match self.name.as_str() {
            "message_stop" | "response.completed" | "response.incomplete" => true,
            "" => self.data == "[DONE]" || self.json()["candidates"][0]["finishReason"].is_string(),
            _ => self.data == "[DONE]",
        }
    }

    /// Whether the SDKs raise on it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self.name.as_str(), "error" | "response.failed")
            || (self.name.is_empty() && self.json()["error"].is_object())
    }

    /// The text that a content event carries; empty for all other events.
    #[must_use]
    pub fn text(&self) -> String {
        let json = self.json();
        let text = match self.name.as_str() {
            "content_block_delta" => &json["delta"]["text"],
            "response.output_text.delta" => &json["delta"],
            "" if json["candidates"].is_array() => {
                &json["candidates"][0]["content"]["parts"][0]["text"]
            }
            "" if json["choices"][0]["text"].is_string() => &json["choices"][0]["text"],
            "" => &json["choices"][0]["delta"]["content"],
            _ => return String::new(),
        };
        text.as_str().unwrap_or_default().to_owned()
    }
}

impl SseReader {
    /// Takes more bytes and gives the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(line) = self.line() {
            self.take(&line, &mut events);
        }
        events
    }

    /// Comment lines so far, without the colon.
    #[must_use]
    pub fn comments(&self) -> &[String] {
        &self.comments
    }

    /// Whether part of an event was read that no blank line has ended.
    #[must_use]
    pub fn is_inside_event(&self) -> bool {
        self.data.is_some() || !self.name.is_empty() || !self.buffer.is_empty()
    }

    fn line(&mut self) -> Option<String> {
        if self.skip_line_feed && !self.buffer.is_empty() {
            self.skip_line_feed = false;
            if self.buffer.starts_with(b"\n") {
                self.buffer.advance(1);
            }
        }
        let end = memchr::memchr2(b'\r', b'\n', &self.buffer)?;
        let line = self.buffer.split_to(end + 1);
        self.skip_line_feed = line[end] == b'\r';
        Some(String::from_utf8_lossy(&line[..end]).into_owned())
    }

    fn take(&mut self, line: &str, events: &mut Vec<SseEvent>) {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            if let Some(data) = self.data.take() {
                events.push(SseEvent { name, data });
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments.push(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_whatever_the_split_and_the_line_end() {
        let text = "event: a\ndata: 1\ndata: 2\n\n: hello\n\ndata:3\n\nevent: b\n\ndata: half";
        for ending in ["\n", "\r\n", "\r"] {
            let wire = text.replace('\n', ending);
            for size in 1..wire.len() {
                let mut reader = SseReader::default();
                let chunks = wire.as_bytes().chunks(size);
                let events: Vec<SseEvent> = chunks.flat_map(|chunk| reader.push(chunk)).collect();
                let seen: Vec<(&str, &str)> = events
                    .iter()
                    .map(|event| (event.name.as_str(), event.data.as_str()))
                    .collect();
                assert_eq!(seen, [("a", "1\n2"), ("", "3")]);
                assert_eq!(reader.comments(), ["hello"]);
                assert!(reader.is_inside_event());
            }
        }
    }
}
