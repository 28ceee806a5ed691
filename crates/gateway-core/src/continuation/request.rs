//! The request that begins the answer with what there is of it.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Prefill;
use crate::envelope::{Envelope, Limits};
use crate::json::is_filled;

/// `request` with the assistant's `text` as the last message. `None` if its messages are not such that one can stand
/// there.
pub(super) fn continued(request: &Envelope, text: &str, prefill: Prefill) -> Option<Bytes> {
    if text.is_empty() {
        return Some(request.body().clone());
    }
    let messages = std::str::from_utf8(request.field("messages")?).ok()?;
    let all: Vec<&RawValue> = serde_json::from_str(messages).ok()?;
    let last = all.last()?.get();
    let inside = messages.strip_suffix(']')?.trim_end();
    let message: Message<'_> = serde_json::from_str(last).ok()?;
    let messages = if message.role == "assistant" {
        let before = inside.strip_suffix(last)?;
        let extended = extended(last, &message, text, prefill)?;
        [before.as_bytes(), &extended, b"]"].concat()
    } else {
        let (role, content) = (r#"{"role":"assistant","content":"#, json_string(text));
        let flag = flag(prefill).map_or(String::new(), |flag| format!(r#","{flag}":true"#));
        format!("{inside},{role}{content}{flag}}}]").into_bytes()
    };
    let mut edit = request.edit();
    edit.set("messages", messages);
    if prefill == Prefill::ContinueFinalMessage {
        edit.set("continue_final_message", "true")
            .set("add_generation_prompt", "false");
    }
    Some(edit.finish())
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// The client's own beginning of the answer, gone on with.
fn extended(json: &str, message: &Message<'_>, text: &str, prefill: Prefill) -> Option<Bytes> {
    if message.tool_calls.is_some_and(is_filled) {
        return None;
    }
    let content = message.content?.get();
    let content = if content.starts_with('"') {
        let begun: String = serde_json::from_str(content).ok()?;
        json_string(&(begun + text)).into_bytes()
    } else {
        let parts: Vec<&RawValue> = serde_json::from_str(content).ok()?;
        let last = parts.last()?.get();
        let part: Part<'_> = serde_json::from_str(last).ok()?;
        if part.kind != "text" {
            return None;
        }
        let before = content.strip_suffix(']')?.trim_end().strip_suffix(last)?;
        let last = parse(last)?;
        let mut last = last.edit();
        last.set_string("text", &format!("{}{text}", part.text));
        [before.as_bytes(), &last.finish(), b"]"].concat()
    };
    let message = parse(json)?;
    let mut edit = message.edit();
    edit.set("content", content);
    if let Some(flag) = flag(prefill) {
        edit.set(flag, "true");
    }
    Some(edit.finish())
}

const fn flag(prefill: Prefill) -> Option<&'static str> {
    match prefill {
        Prefill::Prefix => Some("prefix"),
        Prefill::Partial => Some("partial"),
        Prefill::Plain | Prefill::ContinueFinalMessage => None,
    }
}

fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string always serializes")
}

fn parse(json: &str) -> Option<Envelope> {
    Envelope::parse(Bytes::copy_from_slice(json.as_bytes()), Limits::default()).ok()
}
