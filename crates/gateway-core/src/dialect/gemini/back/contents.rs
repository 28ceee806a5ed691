//! The conversation as `contents` and `systemInstruction`.

mod written;

pub(super) use written::Content;
use written::{Call, FunctionCall, FunctionResponse, Response, Text, Written, outcome};

use super::generation::Generation;
use super::media::{Media, media};
use crate::chat::{Message, Part, PartKind, Role, Signature};
use crate::dialect::Dialect;
use crate::dialect::gemini::args::Args;
use crate::translate::{Losses, TranslateError};

/// Writes messages one after the other.
pub(super) struct Writer<'a, 'l> {
    generation: Generation,
    messages: &'a [Message],
    losses: &'l mut Losses,
    contents: Vec<Content<'a>>,
    instructions: Vec<Written<'a>>,
}

impl<'a, 'l> Writer<'a, 'l> {
    pub(super) const fn new(
        generation: Generation,
        messages: &'a [Message],
        losses: &'l mut Losses,
    ) -> Self {
        Self {
            generation,
            messages,
            losses,
            contents: Vec::new(),
            instructions: Vec::new(),
        }
    }

    /// The contents and the system's instruction. Google does not answer an instruction alone: then it is what the user
    /// says.
    pub(super) fn finish(mut self) -> (Vec<Content<'a>>, Option<Content<'a>>) {
        if self.contents.is_empty() && !self.instructions.is_empty() {
            for part in std::mem::take(&mut self.instructions) {
                self.push("user", part, Place::Said);
            }
        }
        let parts = self.instructions;
        let instruction = (!parts.is_empty()).then_some(Content {
            role: None,
            parts,
            results: false,
        });
        (self.contents, instruction)
    }

    /// A message of the system's or the developer's. Google has one place for all of them.
    pub(super) fn instruct(
        &mut self,
        index: usize,
        message: &'a Message,
    ) -> Result<(), TranslateError> {
        if !self.contents.is_empty() {
            self.losses.hint(format!("messages[{index}].position"));
        }
        self.hints(message);
        for (at, part) in message.parts.iter().enumerate() {
            match &part.kind {
                PartKind::Text { text, .. } => self.instructions.push(plain(text)),
                _ => {
                    return Err(TranslateError::invalid(
                        format!("messages[{index}].content[{at}]"),
                        "a system message can only hold text for this model's provider",
                    ));
                }
            }
        }
        Ok(())
    }

    /// A message of the user's or the model's.
    pub(super) fn say(&mut self, index: usize, message: &'a Message) -> Result<(), TranslateError> {
        self.hints(message);
        let role = match message.role {
            Role::Assistant => "model",
            _ => "user",
        };
        // Of calls at once, the first one carries the proof of all.
        let mut first_call = true;
        for (at, part) in message.parts.iter().enumerate() {
            let path = || format!("messages[{index}].content[{at}]");
            if let PartKind::ToolResult { .. } = &part.kind {
                self.result(index, part, &path())?;
                continue;
            }
            if let Some(written) = self.part(part, first_call, &path()) {
                first_call &= !matches!(written, Written::Call(_));
                self.push(role, written, Place::Said);
            }
        }
        Ok(())
    }

    fn hints(&mut self, message: &Message) {
        if message.name.is_some() {
            self.losses.hint("messages[].name");
        }
        if message.parts.iter().any(|part| part.cache.is_some()) {
            self.losses.hint("cache_control");
        }
    }

    fn push(&mut self, role: &'static str, part: Written<'a>, place: Place) {
        let results = place == Place::Results;
        match self.contents.last_mut() {
            Some(last) if last.role == Some(role) && last.results == results => {
                last.parts.push(part);
            }
            _ => self.contents.push(Content {
                role: Some(role),
                parts: vec![part],
                results,
            }),
        }
    }

    /// What a part is to Google; `None` if it is nothing, which is told.
    fn part(&mut self, part: &'a Part, first_call: bool, path: &str) -> Option<Written<'a>> {
        match &part.kind {
            PartKind::Text {
                text,
                citations: _,
                signature,
            } => self.text(text, signature.as_ref()),
            PartKind::Refusal { text } => Some(plain(text)),
            PartKind::Image { source, detail } => {
                if detail.as_deref().is_some_and(|it| it != "auto") {
                    self.losses.hint("image_url.detail");
                }
                self.media(source, path)
            }
            PartKind::File {
                source,
                name,
                citations,
                context,
            } => {
                if name.is_some() || citations.is_some() || context.is_some() {
                    self.losses.hint("file.filename");
                }
                self.media(source, path)
            }
            PartKind::Audio { source } | PartKind::Video { source } => self.media(source, path),
            PartKind::ToolCall {
                id: _,
                name,
                arguments,
                custom,
                signature,
            } => Some(Written::Call(Call {
                function_call: FunctionCall {
                    name,
                    args: Args::of(arguments, *custom),
                },
                thought_signature: self.proof(signature.as_ref(), first_call),
            })),
            PartKind::Thinking {
                text,
                signature,
                id: _,
            } => self.thought(text, signature.as_ref()),
            PartKind::RedactedThinking { .. } => {
                self.losses.hint("thinking");
                None
            }
            PartKind::Other {
                dialect: Dialect::Gemini,
                json,
            } => Some(Written::Raw(json)),
            PartKind::Other { .. } => {
                self.losses.hint(path.to_owned());
                None
            }
            PartKind::ToolResult { .. } => None,
        }
    }

    fn text(&mut self, text: &'a str, signature: Option<&'a Signature>) -> Option<Written<'a>> {
        let thought_signature = own(signature);
        // Google refuses parts that say nothing.
        if text.is_empty() && thought_signature.is_none() {
            return None;
        }
        Some(Written::Text(Text {
            text,
            thought: false,
            thought_signature,
        }))
    }

    /// Thoughts go back to whoever can prove that they are his.
    fn thought(&mut self, text: &'a str, signature: Option<&'a Signature>) -> Option<Written<'a>> {
        let Some(signature) = own(signature) else {
            self.losses.hint("thinking");
            return None;
        };
        Some(Written::Text(Text {
            text,
            thought: true,
            thought_signature: Some(signature),
        }))
    }

    /// The signature of a call. The third generation refuses a call without one; where another model called, or the
    /// client has lost it, Google's placeholder stands for it:
    /// <https://ai.google.dev/gemini-api/docs/thought-signatures>.
    fn proof(&self, signature: Option<&'a Signature>, first_call: bool) -> Option<&'a str> {
        own(signature)
            .or_else(|| (first_call && self.generation.is_third()).then_some(NO_SIGNATURE))
    }

    fn media(&mut self, source: &'a crate::chat::Source, path: &str) -> Option<Written<'a>> {
        let media = media(source);
        if media.is_none() {
            self.losses.parameter(path.to_owned());
        }
        media.map(Written::Media)
    }

    /// What a tool answered: text as its output, and what is no text beside it.
    fn result(&mut self, index: usize, part: &'a Part, path: &str) -> Result<(), TranslateError> {
        let PartKind::ToolResult {
            id,
            name,
            parts,
            is_error,
            custom: _,
        } = &part.kind
        else {
            return Ok(());
        };
        let called = called(&self.messages[..index], id).or(name.as_deref());
        let Some(name) = called else {
            return Err(TranslateError::invalid(
                path,
                format!("there is no tool call before it with the id `{id}`"),
            ));
        };
        let mut texts: Vec<&str> = Vec::new();
        let mut files = Vec::new();
        for inner in parts {
            match &inner.kind {
                PartKind::Text { text, .. } => texts.push(text),
                PartKind::Image { source, .. }
                | PartKind::File { source, .. }
                | PartKind::Audio { source }
                | PartKind::Video { source } => match media(source) {
                    Some(Media::Text(text)) => texts.push(text),
                    Some(media) => files.push(media),
                    None => self.losses.parameter(path.to_owned()),
                },
                PartKind::Other { json, .. } => texts.push(json.text()),
                _ => self.losses.parameter(path.to_owned()),
            }
        }
        let (inside, beside) = if self.generation.is_third() {
            (files, Vec::new())
        } else {
            (Vec::new(), files)
        };
        let response = Response {
            name,
            response: outcome(&texts, *is_error),
            parts: inside,
        };
        let written = Written::Result(FunctionResponse {
            function_response: response,
        });
        self.push("user", written, Place::Results);
        for media in beside {
            self.push("user", Written::Media(media), Place::Said);
        }
        Ok(())
    }
}

/// Which content a part belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Said,
    Results,
}

const fn plain(text: &str) -> Written<'_> {
    Written::Text(Text {
        text,
        thought: false,
        thought_signature: None,
    })
}

/// A signature that Google made.
fn own(signature: Option<&Signature>) -> Option<&str> {
    signature
        .filter(|it| it.is_of(Dialect::Gemini))
        .map(|it| it.value.as_str())
}

/// The tool that was called under an id; the last one, should it have been used twice.
fn called<'a>(messages: &'a [Message], id: &str) -> Option<&'a str> {
    let parts = messages.iter().rev().flat_map(|it| it.parts.iter().rev());
    parts.into_iter().find_map(|part| match &part.kind {
        PartKind::ToolCall { id: own, name, .. } if own == id => Some(name.as_str()),
        _ => None,
    })
}

/// What Google documents for calls that none of its models made.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";
