//! What the OpenAI dialects share: error shape, observer, and below it the chunks.

mod chunk;
pub(super) mod mock;

use bytes::Bytes;
use serde::Serialize;

use self::chunk::{ChoiceSet, Chunk};
use super::Dialect;
use crate::error::{ErrorInfo, ErrorKind, read_error_event};
use crate::json::object;
use crate::observe::{Observe, Seen};
use crate::quick::{Key, is_object_like, key};
use crate::sse::Event;
use crate::usage::Usage;

pub(super) const HEARTBEAT: &[u8] = b": keep-alive\n\n";
pub(super) const ERROR_EVENT_HEAD: &[u8] = b"data: ";
pub(super) const DONE: &[u8] = b"data: [DONE]\n\n";

/// `{"error":{"message","type","param","code"}}`: SDKs raise on the top-level `error` object, as an answer and in a
/// stream. `code` is the status as a string unless the upstream gave one, as LiteLLM has it; a prompt that is too long has
/// OpenAI's own, whoever refused it: agents and frameworks look for it, to shorten the conversation.
pub(super) fn write_error(error: &ErrorInfo) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        error: Inner<'a>,
    }

    #[derive(Serialize)]
    struct Inner<'a> {
        message: &'a str,
        r#type: &'static str,
        param: Option<&'a str>,
        code: &'a str,
    }

    let status = Dialect::OpenAiChat.status(error).to_string();
    let inner = Inner {
        message: &error.message,
        r#type: error.kind.openai_type(),
        param: error.param.as_deref(),
        code: match error.kind {
            ErrorKind::ContextWindow => "context_length_exceeded",
            _ => error.code.as_deref().unwrap_or(&status),
        },
    };
    serde_json::to_vec(&Body { error: inner }).expect("strings and options always serialize")
}

/// Watches one stream of chunks.
#[derive(Debug)]
pub(super) struct OpenAiObserver {
    dialect: Dialect,
    usage: Usage,
    /// Content, or a finish reason, was seen.
    started: bool,
    done: bool,
    choices: ChoiceSet,
}

impl OpenAiObserver {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            usage: Usage::default(),
            started: false,
            done: false,
            choices: ChoiceSet::default(),
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> Seen {
        for usage in chunk.usages() {
            self.usage.merge(Usage::read(usage));
        }
        let Some(choices) = &chunk.choices else {
            return Seen::Other;
        };
        self.usage.merge(choices.usage);
        self.choices.merge(choices.set);
        if choices.content || choices.set.some_finished() {
            self.started = true;
            return Seen::Content;
        }
        if self.started {
            Seen::Other
        } else {
            Seen::Preamble
        }
    }
}

impl Observe for OpenAiObserver {
    fn expect_choices(&mut self, count: u64) {
        self.choices.expect(count);
    }

    fn event(&mut self, event: &Event<'_>) -> Seen {
        let data = event.data();
        let data = data.trim();
        if self.choices.saw_first() && event.name().is_none() && is_plain_content(data) {
            self.started = true;
            return Seen::Content;
        }
        if data == "[DONE]" {
            self.done = true;
            return Seen::Terminal;
        }
        if event.name() == Some("error") {
            return Seen::Error(read_error_event(self.dialect, data));
        }
        if !event.has_data() {
            return Seen::Other;
        }
        let Some(chunk) = object::<Chunk<'_>>(data) else {
            return Seen::Malformed;
        };
        if chunk.speaks_of_an_error() {
            return Seen::Error(read_error_event(self.dialect, data));
        }
        self.chunk(&chunk)
    }

    fn usage(&self) -> Usage {
        self.usage
    }

    fn is_complete(&self) -> bool {
        self.done || self.choices.all_finished()
    }

    /// The marker, if the stream is complete by its finish reasons.
    fn closing(&self) -> Option<Bytes> {
        let lacks_marker = !self.done && self.choices.all_finished();
        lacks_marker.then(|| Bytes::from_static(DONE))
    }
}

/// Whether a chunk has text for the first choice, and nothing else that counts. When in doubt, no.
fn is_plain_content(data: &str) -> bool {
    static CONTENT: Key = key!("content");
    static TEXT: Key = key!("text");
    static FINISH: Key = key!("finish_reason");
    static USAGE: Key = key!("usage");
    static ERROR: Key = key!("error");
    static INDEX: Key = key!("index");
    is_object_like(data)
        && (CONTENT.has_text(data) || TEXT.has_text(data))
        && INDEX.is_only(data, b'0')
        && ![&FINISH, &USAGE, &ERROR].iter().any(|key| key.is_set(data))
}
