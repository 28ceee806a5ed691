//! What was said, in the order and the roles that Anthropic takes.

use std::borrow::Cow;

use serde::Serialize;

use super::super::blocks::{Block, BlockSource, CacheControl, Known, input};
use super::super::citations;
use crate::chat::{Json, Message, Part, PartKind, Role, Signature, Source, decode_base64};
use crate::dialect::Dialect;
use crate::translate::Losses;

/// What stands before the conversation, and the conversation.
pub(super) struct Prompt<'a> {
    pub(super) system: Vec<Block<'a>>,
    pub(super) messages: Vec<WireMessage<'a>>,
}

#[derive(Serialize)]
pub(super) struct WireMessage<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

/// Sorts the messages. Those of the operator that come first are the system prompt. A later one stays in its place,
/// because what follows it refers to it, as words of the user's that are marked: few models take a system's message in
/// the middle, and none at Amazon's or Google's. Where nobody else says anything, the operator's words are the user's.
pub(super) fn prompt<'a>(messages: &'a [Message], losses: &mut Losses) -> Prompt<'a> {
    let is_operators = |it: &Message| matches!(it.role, Role::System | Role::Developer);
    let mut prompt = Prompt {
        system: Vec::new(),
        messages: Vec::new(),
    };
    let alone = messages.iter().all(is_operators);
    let mut begun = alone;
    for (at, message) in messages.iter().enumerate() {
        let Message { role, parts, name } = message;
        if name.is_some() {
            losses.hint("messages.name");
        }
        begun |= !is_operators(message);
        let blocks = blocks(parts, *role, losses);
        match role {
            Role::System | Role::Developer if !begun => prompt.system.extend(blocks),
            Role::System | Role::Developer => {
                losses.hint("messages.role");
                let blocks = if alone { blocks } else { marked(blocks) };
                prompt.say("user", blocks);
            }
            // Without it the model would go on from its own words, or from none.
            Role::User if blocks.is_empty() && at + 1 == messages.len() && !prompt.is_asked() => {
                prompt.say("user", vec![Block::text(NOTHING)]);
            }
            Role::User => prompt.say("user", blocks),
            Role::Assistant => prompt.say("assistant", blocks),
        }
    }
    prompt.tidy();
    prompt
}

/// What a user says who sent nothing but white space.
const NOTHING: &str = ".";

impl<'a> Prompt<'a> {
    /// Whether the user spoke last.
    fn is_asked(&self) -> bool {
        self.messages.last().is_some_and(|it| it.role == "user")
    }

    /// Adds to the turn of a role, or begins it.
    fn say(&mut self, role: &'static str, blocks: Vec<Block<'a>>) {
        match self.messages.last_mut() {
            _ if blocks.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(blocks),
            _ => self.messages.push(WireMessage {
                role,
                content: blocks,
            }),
        }
    }

    /// Anthropic wants the results of tools before anything else in a turn, and no white space at the end of an answer
    /// that it shall go on from.
    fn tidy(&mut self) {
        for message in &mut self.messages {
            message
                .content
                .sort_by_key(|it| !matches!(it, Block::Known(Known::ToolResult { .. })));
        }
        let last = self.messages.last_mut().filter(|it| it.role == "assistant");
        if let Some(Block::Known(Known::Text { text, .. })) =
            last.and_then(|it| it.content.last_mut())
        {
            let length = text.trim_end().len();
            match text {
                Cow::Borrowed(text) => *text = text.trim_end(),
                Cow::Owned(text) => text.truncate(length),
            }
        }
    }
}

/// An operator's words among the user's.
fn marked(blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let mark = |block| match block {
        Block::Known(Known::Text {
            text,
            citations,
            cache_control,
        }) => Block::Known(Known::Text {
            text: Cow::Owned(format!("<system>\n{text}\n</system>")),
            citations,
            cache_control,
        }),
        other => other,
    };
    blocks.into_iter().map(mark).collect()
}

fn blocks<'a>(parts: &'a [Part], role: Role, losses: &mut Losses) -> Vec<Block<'a>> {
    parts
        .iter()
        .filter_map(|part| block(part, role, losses))
        .collect()
}

fn block<'a>(part: &'a Part, role: Role, losses: &mut Losses) -> Option<Block<'a>> {
    let Part { kind, cache } = part;
    let cache_control = CacheControl::of(cache.as_ref());
    let known = match kind {
        // Anthropic refuses texts of nothing.
        PartKind::Text { text, .. } | PartKind::Refusal { text } if text.trim().is_empty() => {
            return None;
        }
        PartKind::Text {
            text,
            citations,
            signature: _,
        } => Known::Text {
            text: Cow::Borrowed(text),
            citations: own_citations(citations, losses),
            cache_control,
        },
        PartKind::Refusal { text } => return Some(Block::text(text)),
        PartKind::Image { source, detail } => Known::Image {
            source: image(source, detail.as_deref(), losses)?,
            cache_control,
        },
        PartKind::File { .. } => return document(kind, cache_control, losses),
        PartKind::Audio { source: _ } => return lost("input_audio", losses),
        PartKind::Video { source: _ } => return lost("video", losses),
        PartKind::ToolCall { .. }
        | PartKind::ToolResult { .. }
        | PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. }
        | PartKind::Other { .. } => return work(part, role, losses),
    };
    Some(Block::Known(known))
}

/// What the model did and what came of it.
fn work<'a>(part: &'a Part, role: Role, losses: &mut Losses) -> Option<Block<'a>> {
    let cache_control = CacheControl::of(part.cache.as_ref());
    let known = match &part.kind {
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom,
            signature: _,
        } => Known::ToolUse {
            id: Cow::Borrowed(id),
            name,
            input: input(arguments, *custom),
            cache_control,
        },
        PartKind::ToolResult {
            id,
            name: _,
            parts,
            is_error,
            custom: _,
        } => Known::ToolResult {
            tool_use_id: id,
            content: blocks(parts, role, losses),
            is_error: *is_error,
            cache_control,
        },
        PartKind::Thinking {
            text,
            signature,
            id: _,
        } => Known::Thinking {
            thinking: text,
            signature: Cow::Borrowed(own(signature.as_ref(), losses)?),
        },
        PartKind::RedactedThinking { signature } => Known::RedactedThinking {
            data: Cow::Borrowed(own(Some(signature), losses)?),
        },
        PartKind::Other { dialect, json } => return other(*dialect, json, role, losses),
        _ => return None,
    };
    Some(Block::Known(known))
}

fn lost<'a>(name: &'static str, losses: &mut Losses) -> Option<Block<'a>> {
    losses.parameter(name);
    None
}

/// A signature of Anthropic's; thoughts of others, and those without one, are not shown to it.
fn own<'a>(signature: Option<&'a Signature>, losses: &mut Losses) -> Option<&'a str> {
    let own = signature.filter(|it| it.is_of(Dialect::AnthropicMessages));
    if own.is_none() {
        losses.hint("thinking");
    }
    own.map(|it| it.value.as_str())
}

fn own_citations<'a>(citations: &'a [(Dialect, Json)], losses: &mut Losses) -> Vec<Cow<'a, Json>> {
    let own: Vec<_> = citations
        .iter()
        .filter(|(by, json)| *by == Dialect::AnthropicMessages && citations::is_own(json))
        .map(|(_, json)| Cow::Borrowed(json))
        .collect();
    if own.len() < citations.len() {
        losses.hint("annotations");
    }
    own
}

/// What the model did by itself belongs to its maker; what the user gave is missed.
fn other<'a>(
    dialect: Dialect,
    json: &'a Json,
    role: Role,
    losses: &mut Losses,
) -> Option<Block<'a>> {
    if dialect == Dialect::AnthropicMessages {
        return Some(Block::Raw(json));
    }
    match role {
        Role::Assistant => losses.hint("messages.content"),
        _ => losses.parameter("messages.content"),
    }
    None
}

fn image<'a>(
    source: &'a Source,
    detail: Option<&str>,
    losses: &mut Losses,
) -> Option<BlockSource<'a>> {
    if detail.is_some_and(|it| it != "auto") {
        losses.hint("image_url.detail");
    }
    match source {
        Source::Base64 { media_type, data } => Some(BlockSource::Base64 { media_type, data }),
        Source::Url { url, .. } if is_web(url) => Some(BlockSource::Url { url }),
        Source::FileId { id } => Some(BlockSource::File { file_id: id }),
        Source::Url { .. } | Source::Text { .. } => {
            losses.parameter("image_url");
            None
        }
    }
}

/// Anthropic reads documents of the formats PDF and text; a picture that was sent as a file is a picture.
fn document<'a>(
    kind: &'a PartKind,
    cache_control: Option<CacheControl<'a>>,
    losses: &mut Losses,
) -> Option<Block<'a>> {
    let PartKind::File {
        source,
        name,
        citations,
        context,
    } = kind
    else {
        return None;
    };
    let source = match source {
        Source::Base64 { media_type, .. } if media_type.starts_with("image/") => {
            let source = image(source, None, losses)?;
            return Some(Block::Known(Known::Image {
                source,
                cache_control,
            }));
        }
        Source::Base64 { media_type, data } if is_text(media_type) => {
            let decoded = decode_base64(data).and_then(|it| String::from_utf8(it).ok());
            match decoded {
                Some(text) => BlockSource::Text {
                    media_type: "text/plain",
                    data: Cow::Owned(text),
                },
                None => BlockSource::Base64 { media_type, data },
            }
        }
        Source::Base64 { media_type, data } => BlockSource::Base64 { media_type, data },
        Source::Text {
            media_type: _,
            text,
        } => BlockSource::Text {
            media_type: "text/plain",
            data: Cow::Borrowed(text),
        },
        Source::Url { url, .. } if is_web(url) => BlockSource::Url { url },
        Source::FileId { id } => BlockSource::File { file_id: id },
        Source::Url { .. } => return lost("file", losses),
    };
    Some(Block::Known(Known::Document {
        source,
        title: name.as_deref(),
        context: context.as_deref(),
        citations: citations.as_ref(),
        cache_control,
    }))
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type == "application/json"
}
