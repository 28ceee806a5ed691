//! The request that a fault answers, and the correct parts of its answer.

use std::time::Duration;

use bytes::Bytes;

use super::At;
use crate::dialect::{Knobs, Wire};
use crate::http1::Framing;
use crate::script::{ResponseHead, Script};
use crate::upstream::Recorded;

/// A request, the moment when things go wrong, and what a correct answer would have been.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The request.
    pub request: &'a Recorded,
    /// The moment.
    pub at: At,
    /// The pause of everything slow.
    pub pause: Duration,
    /// The dialect.
    pub wire: Wire,
    knobs: Knobs,
}

impl<'a> Scene<'a> {
    /// For a request in a known dialect; others count as OpenAI chat.
    #[must_use]
    pub fn new(request: &'a Recorded, at: At, pause: Duration) -> Self {
        Self {
            request,
            at,
            pause,
            wire: Wire::of_path(request.path()).unwrap_or(Wire::OpenAiChat),
            knobs: Knobs::default().overridden_by(request),
        }
    }

    /// All events of the correct stream.
    #[must_use]
    pub fn events(&self) -> Vec<Bytes> {
        self.wire.stream(self.request, &self.knobs).collect()
    }

    /// The events before the fault: none, or those up to the second content event.
    #[must_use]
    pub fn before(&self) -> Vec<Bytes> {
        let mut events = self.events();
        events.truncate(self.cut());
        events
    }

    /// The events that are left then.
    #[must_use]
    pub fn rest(&self) -> Vec<Bytes> {
        self.events().split_off(self.cut())
    }

    /// The correct plain body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.wire.body(self.request, &self.knobs).to_string().into()
    }

    /// The whole correct body: JSON, or the stream.
    #[must_use]
    pub fn whole(&self) -> Bytes {
        match self.at {
            At::Plain => self.body(),
            At::BeforeFirstEvent | At::AfterFirstEvent => self.events().concat().into(),
        }
    }

    /// The head of the correct answer, with a chunked body.
    #[must_use]
    pub fn head(&self) -> ResponseHead {
        match self.at {
            At::Plain => ResponseHead::json(200),
            At::BeforeFirstEvent | At::AfterFirstEvent => ResponseHead::sse(),
        }
    }

    /// What comes before the fault: the head, and half of the JSON or the events before the fault.
    ///
    /// A short pause at its end lets the receiver read it: an RST discards what is unread.
    #[must_use]
    pub fn begin(&self) -> Script {
        self.begin_framed(Framing::Chunked)
    }

    /// The same with another framing.
    #[must_use]
    pub fn begin_framed(&self, framing: Framing) -> Script {
        let script = Script::new().head(self.head().framed(framing));
        let script = match self.at {
            At::Plain => script.bytes(self.half_body()),
            At::BeforeFirstEvent => script,
            At::AfterFirstEvent => script.all(self.before()),
        };
        script.sleep(READ_TIME)
    }

    /// The head, and the events of a stream before its first content.
    #[must_use]
    pub fn preamble(&self) -> Script {
        let events = match self.wire {
            Wire::AnthropicMessages => 3,
            Wire::AzureChat => 2,
            Wire::OpenAiChat => 1,
            Wire::OpenAiResponses => 4,
            Wire::OpenAiCompletions | Wire::OpenAiEmbeddings | Wire::Gemini => 0,
        };
        let events = self.events().into_iter().take(events);
        Script::new().head(self.head()).all(events)
    }

    /// The first half of the JSON.
    #[must_use]
    pub fn half_body(&self) -> Bytes {
        let body = self.body();
        body.slice(..body.len() / 2)
    }

    /// What is left of the answer after [`Self::begin`].
    #[must_use]
    pub fn rest_of_body(&self) -> Bytes {
        match self.at {
            At::Plain => {
                let body = self.body();
                body.slice(body.len() / 2..)
            }
            At::BeforeFirstEvent | At::AfterFirstEvent => self.rest().concat().into(),
        }
    }

    /// A correct answer, complete.
    #[must_use]
    pub fn good(&self) -> Script {
        self.good_with(self.head())
    }

    /// A correct answer under this head.
    #[must_use]
    pub fn good_with(&self, head: ResponseHead) -> Script {
        match self.at {
            At::Plain => Script::new().head(head).bytes(self.body()).end(),
            At::BeforeFirstEvent | At::AfterFirstEvent => {
                Script::new().head(head).all(self.events()).end()
            }
        }
    }

    /// A plain error answer in the dialect.
    #[must_use]
    pub fn error(&self, status: u16) -> Script {
        self.error_with(ResponseHead::json(status))
    }

    /// The same under this head.
    #[must_use]
    pub fn error_with(&self, head: ResponseHead) -> Script {
        let body = self.wire.error_body(head.status, "the double says no");
        Script::new().head(head).bytes(body.to_string()).end()
    }

    /// A content event of the dialect with this JSON string (quotes included) as its text.
    #[must_use]
    pub fn content(&self, json_text: &[u8]) -> Bytes {
        let (before, after): (&[u8], &[u8]) = match self.wire {
            Wire::AnthropicMessages => (
                b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":",
                b"}}\n\n",
            ),
            Wire::OpenAiCompletions => (
                b"data: {\"id\":\"cmpl-double\",\"object\":\"text_completion\",\"created\":0,\"model\":\"double\",\"choices\":[{\"index\":0,\"finish_reason\":null,\"text\":",
                b"}]}\n\n",
            ),
            Wire::OpenAiResponses => (
                b"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_double\",\"output_index\":0,\"content_index\":0,\"delta\":",
                b"}\n\n",
            ),
            Wire::Gemini => (
                b"data: {\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":",
                b"}]}}]}\n\n",
            ),
            Wire::OpenAiChat | Wire::AzureChat | Wire::OpenAiEmbeddings => (
                b"data: {\"id\":\"chatcmpl-double\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"double\",\"choices\":[{\"index\":0,\"finish_reason\":null,\"delta\":{\"content\":",
                b"}}]}\n\n",
            ),
        };
        [before, json_text, after].concat().into()
    }

    /// Something that is no content and keeps a stream alive.
    #[must_use]
    pub fn ping(&self) -> Bytes {
        match self.wire {
            Wire::AnthropicMessages => crate::dialect::anthropic::ping(),
            _ => Bytes::from_static(b": ping\n\n"),
        }
    }

    fn cut(&self) -> usize {
        match (self.at, self.wire) {
            (At::Plain | At::BeforeFirstEvent, _) => 0,
            // What comes before the content, and two contents.
            (At::AfterFirstEvent, Wire::AnthropicMessages) => 5,
            (At::AfterFirstEvent, Wire::AzureChat) => 4,
            (At::AfterFirstEvent, Wire::OpenAiChat) => 3,
            (At::AfterFirstEvent, Wire::OpenAiResponses) => 6,
            (
                At::AfterFirstEvent,
                Wire::OpenAiCompletions | Wire::OpenAiEmbeddings | Wire::Gemini,
            ) => 2,
        }
    }
}

const READ_TIME: Duration = Duration::from_millis(20);
