//! A stream that died in the middle goes on at another deployment: the text so far becomes the beginning of its answer.
//!
//! Only one plain text can be continued. [`TextCollector`] watches the first stream and keeps its text;
//! [`TextCollector::continue_request`] makes the request that goes on from it; [`Splicer`] turns the events of the new
//! stream into events of the first one. Whether a model accepts that its answer is begun for it is not known here.

mod anthropic;
mod openai;
mod request;
mod splice;

use crate::dialect::Dialect;
use crate::envelope::Envelope;
use crate::sse::Event;

pub use splice::Splicer;

/// Collects the text of one answer, as long as the answer is nothing else.
///
/// # The joint
/// White space at the end of the text does not go into the request: Anthropic refuses it, and for all models it is an
/// unlikely beginning of the next token. The model writes it again, and the splicer drops of it what the client has
/// already. If the model writes other white space, the client sees both.
///
/// # How to use it
/// Feed the collector with the events that go to the client. When the stream dies, send the continued request where a
/// begun answer is accepted, feed a new observer with the events of the new stream, and write to the client what the
/// splicer makes of them:
///
/// ```
/// use bytes::Bytes;
/// use gateway_core::{Dialect, Envelope, Flow, Framer, Limits, Prefill, TextCollector};
///
/// # let limits = Limits::default();
/// let request = Envelope::parse(Bytes::from_static(br#"{"messages":[{"role":"user","content":"?"}]}"#), limits)?;
/// let mut collector = TextCollector::new(Dialect::OpenAiChat, &request, 1 << 20);
/// let first = br#"data: {"id":"a","choices":[{"index":0,"delta":{"content":"One, "}}]}"#;
/// let first = [&first[..], b"\n\n"].concat();
/// let to_client = Framer::new(1 << 20).feed(first.into(), |event| {
///     collector.event(&event);
///     Flow::Continue
/// });
/// assert!(to_client.error.is_none());
/// // It dies here.
/// let body = collector.continue_request(&request, Prefill::Plain)?;
/// assert_eq!(body, r#"{"messages":[{"role":"user","content":"?"},{"role":"assistant","content":"One,"}]}"#);
///
/// let mut splicer = collector.into_splicer();
/// let second = br#"data: {"id":"b","choices":[{"index":0,"delta":{"role":"assistant","content":" two"}}]}"#;
/// let second = [&second[..], b"\n\n"].concat();
/// let mut to_client = Vec::new();
/// let fed = Framer::new(1 << 20).feed(second.into(), |event| {
///     to_client.extend_from_slice(&splicer.event(&event));
///     Flow::Continue
/// });
/// assert!(fed.error.is_none());
/// let expected = br#"data: {"id":"a","choices":[{"index":0,"delta":{"content":"two"}}]}"#;
/// assert_eq!(to_client, [&expected[..], b"\n\n"].concat());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is not the same
/// Token limits stay as the client set them, so that an answer can become longer by what there was before the cut. The
/// usage at the end is that of the continuation alone. Both deployments are paid.
pub struct TextCollector {
    text: String,
    limit: usize,
    impossible: Option<&'static str>,
    format: Format,
}

/// What was collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collected<'a> {
    /// All that was said so far. It can be continued.
    Text(&'a str),
    /// The answer cannot be continued, for this reason: the end of a sentence that begins "cannot be continued:".
    Impossible(&'static str),
}

/// How a provider wants to be told that the last message is one to go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Prefill {
    /// It stands last and is the assistant's: Anthropic, OpenRouter.
    #[default]
    Plain,
    /// The message says `prefix: true`: DeepSeek's beta API, Mistral.
    Prefix,
    /// The message says `partial: true`: Moonshot, Alibaba.
    Partial,
    /// The request says `continue_final_message: true` and `add_generation_prompt: false`: vLLM, SGLang.
    ContinueFinalMessage,
}

/// What the collector must remember of the stream besides its text.
enum Format {
    OpenAi(openai::Head),
    Anthropic(anthropic::Block),
    Other,
}

impl TextCollector {
    /// A collector for the answer to `request`, which holds at most `limit` bytes of text. Some requests rule a
    /// continuation out from the start: several choices, structured output, reasoning.
    pub fn new(dialect: Dialect, request: &Envelope, limit: usize) -> Self {
        let format = match dialect {
            Dialect::OpenAiChat => Format::OpenAi(openai::Head::default()),
            Dialect::AnthropicMessages => Format::Anthropic(anthropic::Block::default()),
            _ => Format::Other,
        };
        let impossible = match format {
            Format::OpenAi(_) => openai::is_ruled_out(request),
            Format::Anthropic(_) => anthropic::is_ruled_out(request),
            Format::Other => Some("this dialect has no continuation"),
        };
        Self {
            text: String::new(),
            limit,
            impossible,
            format,
        }
    }

    /// Takes one whole event of the stream, each in turn. Does nothing once a continuation is impossible.
    pub fn event(&mut self, event: &Event<'_>) {
        if self.impossible.is_some() || !event.has_data() {
            return;
        }
        let data = event.data();
        let said = match &mut self.format {
            Format::OpenAi(head) => openai::read(&data).map(|chunk| {
                head.remember(&chunk);
                chunk.said()
            }),
            Format::Anthropic(block) => {
                anthropic::read(event.name(), &data).map(|frame| block.follow(&frame))
            }
            Format::Other => return,
        };
        self.take(said.unwrap_or(Said::Else("an event cannot be read")));
    }

    /// The text so far, or why it cannot be continued.
    pub fn collected(&self) -> Collected<'_> {
        self.impossible
            .map_or(Collected::Text(&self.text), Collected::Impossible)
    }

    /// The body of the request that goes on from the text: its last message is the assistant's with the text in it. A
    /// message of the assistant that the client itself put last is extended. All else is as in `request`, the token limit
    /// included. With no text yet, or only white space, it is `request` as it is.
    ///
    /// # Errors
    /// Why the answer cannot be continued.
    pub fn continue_request(
        &self,
        request: &Envelope,
        prefill: Prefill,
    ) -> Result<bytes::Bytes, &'static str> {
        match self.collected() {
            Collected::Text(text) => request::continued(request, text.trim_end(), prefill)
                .ok_or("its messages do not end so that an answer can be begun"),
            Collected::Impossible(reason) => Err(reason),
        }
    }

    /// Ends the first stream; what comes next is that of [`TextCollector::continue_request`]. The splicer goes on
    /// collecting, so that a continuation that dies as well can be continued.
    pub fn into_splicer(self) -> Splicer {
        Splicer::new(self)
    }

    fn take(&mut self, said: Said) {
        match said {
            Said::Nothing => {}
            Said::Text(text) => self.add(&text),
            Said::End(text) => {
                self.add(&text);
                self.give_up("it had come to its end");
            }
            Said::Else(what) => self.give_up(what),
        }
    }

    fn add(&mut self, text: &str) {
        if self.impossible.is_some() {
            return;
        }
        if self.limit.saturating_sub(self.text.len()) < text.len() {
            self.give_up("its text is longer than the limit");
        } else {
            self.text.push_str(text);
        }
    }

    fn give_up(&mut self, reason: &'static str) {
        self.text = String::new();
        self.impossible.get_or_insert(reason);
    }
}

impl std::fmt::Debug for TextCollector {
    // Without the text: it is what somebody was told.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextCollector")
            .field("bytes", &self.text.len())
            .field("limit", &self.limit)
            .field("impossible", &self.impossible)
            .finish_non_exhaustive()
    }
}

/// What an event adds to an answer that is one text.
#[derive(Debug)]
enum Said {
    /// Nothing.
    Nothing,
    /// A piece of the text.
    Text(String),
    /// A last piece, and that the text is at its end.
    End(String),
    /// Something that is no text.
    Else(&'static str),
}

const TOOL_CALL: &str = "it holds a tool call";
const REASONING: &str = "it holds reasoning";
const REFUSAL: &str = "it holds a refusal";
const OTHER_CONTENT: &str = "it holds content of another kind than text";
const SEVERAL: &str = "it has more than one part";
const STRUCTURED: &str = "structured output was asked for";

#[cfg(test)]
mod tests;
