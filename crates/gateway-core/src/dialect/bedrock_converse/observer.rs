//! Watches one stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireUsage;
use crate::dialect::Dialect;
use crate::error::read_named_error;
use crate::json::{is_filled, object};
use crate::observe::{Observe, Seen};
use crate::quick::{Key, is_object_like, key};
use crate::sse::Event;
use crate::usage::Usage;

/// Watches one stream: it is complete with `messageStop`, and `metadata` with the usage follows.
#[derive(Debug, Default)]
pub(super) struct ConverseObserver {
    usage: Usage,
    started: bool,
    stopped: bool,
}

impl Observe for ConverseObserver {
    fn event(&mut self, event: &Event<'_>) -> Seen {
        let name = event.name().unwrap_or_default();
        let data = event.data();
        if is_failure(name) {
            return Seen::Error(read_named_error(Dialect::BedrockConverse, name, &data));
        }
        if !event.has_data() {
            return Seen::Other;
        }
        if self.started && name == "contentBlockDelta" && is_filled_delta(&data) {
            return Seen::Content;
        }
        let Some(frame) = object::<Frame<'_>>(&data) else {
            return Seen::Malformed;
        };
        self.frame(name, &frame)
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }
}

impl ConverseObserver {
    fn frame(&mut self, name: &str, frame: &Frame<'_>) -> Seen {
        match name {
            "messageStart" | "contentBlockStop" => self.content_if(false),
            "contentBlockStart" => self.content_if(frame.start.is_some_and(is_filled)),
            "contentBlockDelta" => self.content_if(frame.delta.is_some_and(says_something)),
            "messageStop" => {
                self.stopped = true;
                // A message that stops without having said anything is complete, not empty.
                match self.started {
                    true => Seen::Other,
                    false => self.content_if(true),
                }
            }
            "metadata" => {
                if let Some(usage) = frame.usage {
                    self.usage.merge(usage.into());
                }
                match self.stopped {
                    true => Seen::Terminal,
                    false => Seen::Other,
                }
            }
            _ => Seen::Other,
        }
    }

    fn content_if(&mut self, filled: bool) -> Seen {
        Seen::content_if(filled, &mut self.started)
    }
}

/// Exceptions have their names, and whatever else fails is an error.
fn is_failure(name: &str) -> bool {
    name == "error" || name.ends_with("Exception")
}

/// Whether a delta has text of one of the usual kinds. When in doubt, no.
fn is_filled_delta(data: &str) -> bool {
    static TEXT: Key = key!("text");
    static INPUT: Key = key!("input");
    is_object_like(data) && (TEXT.has_text(data) || INPUT.has_text(data))
}

/// Whether a delta holds more than empty text.
fn says_something(delta: &RawValue) -> bool {
    let json = delta.get();
    let is_empty = |text: Option<&RawValue>| text.is_some_and(|it| !is_filled(it));
    let Ok(delta) = serde_json::from_str::<Delta<'_>>(json) else {
        return is_filled(delta);
    };
    let nothing = is_empty(delta.text)
        || delta.tool_use.is_some_and(|it| is_empty(it.input))
        || delta.reasoning_content.is_some_and(|it| is_empty(it.text));
    !nothing && json.trim() != "{}"
}

#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    start: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<WireUsage<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Reasoning<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
struct ToolUse<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Deserialize)]
struct Reasoning<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}
