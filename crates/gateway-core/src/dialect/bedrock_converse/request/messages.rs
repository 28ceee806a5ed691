//! Messages: two roles, which must take turns.

use std::borrow::Cow;

use serde::Serialize;

use super::content::{Block, CachePoint, Cited, CitedText, Input, Reasoning, ToolResult, ToolUse};
use super::media::{Document, FILMS, IMAGES, Media, SOUNDS};
use crate::chat::{CacheMarker, Json, Message, Part, PartKind, Role, Signature};
use crate::dialect::Dialect;
use crate::dialect::bedrock_converse::family::Family;
use crate::translate::Losses;

/// What one side said, until the other one spoke.
#[derive(Serialize)]
pub(super) struct Turn<'a> {
    pub(super) role: &'static str,
    pub(super) content: Vec<Block<'a>>,
}

/// A block of the system prompt.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SystemBlock<'a> {
    Text(&'a str),
    CachePoint(CachePoint<'a>),
}

/// Writes messages.
pub(super) struct Writer<'a, 'l> {
    family: Family,
    losses: &'l mut Losses,
    system: Vec<SystemBlock<'a>>,
    turns: Vec<Turn<'a>>,
    /// Of the documents.
    names: Vec<String>,
}

/// A text of a user's who said nothing.
const NOTHING: &str = ".";

/// Documents want a text beside them, and Claude no white space at the end of an answer that it shall go on from.
fn tidy(turns: &mut [Turn<'_>], family: Family) {
    for turn in turns.iter_mut() {
        let has = |test: fn(&Block<'_>) -> bool| turn.content.iter().any(test);
        if has(|it| matches!(it, Block::Document(_))) && !has(|it| matches!(it, Block::Text(_))) {
            turn.content.push(Block::Text(Cow::Borrowed(NOTHING)));
        }
    }
    let last = turns.last_mut().filter(|it| it.role == "assistant");
    if let Some(Block::Text(text)) = last.and_then(|it| it.content.last_mut())
        && family.may_be_claude()
    {
        *text = Cow::Owned(text.trim_end().to_owned());
    }
}

impl<'a> From<SystemBlock<'a>> for Block<'a> {
    fn from(block: SystemBlock<'a>) -> Self {
        match block {
            SystemBlock::Text(text) => Self::Text(Cow::Borrowed(text)),
            SystemBlock::CachePoint(point) => Self::CachePoint(point),
        }
    }
}

impl<'a, 'l> Writer<'a, 'l> {
    pub(super) const fn new(family: Family, losses: &'l mut Losses) -> Self {
        Self {
            family,
            losses,
            system: Vec::new(),
            turns: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Writes the message with this number.
    pub(super) fn message(&mut self, message: &'a Message, index: usize) {
        let Message { role, parts, name } = message;
        if name.is_some() {
            self.losses.hint(format!("messages[{index}].name"));
        }
        let place = |at: usize| format!("messages[{index}].content[{at}]");
        let role = match role {
            Role::System | Role::Developer if !self.turns.is_empty() => {
                return self.later(parts, index);
            }
            Role::System | Role::Developer => {
                for (at, part) in parts.iter().enumerate() {
                    self.system(part, &place(at));
                }
                return;
            }
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut content = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            self.part(part, &place(at), &mut content);
        }
        self.say(role, content);
    }

    /// The system prompt and the turns. Blank text is refused by Bedrock and left out; a user who
    /// said nothing else says a period.
    pub(super) fn finish(self) -> (Vec<SystemBlock<'a>>, Vec<Turn<'a>>) {
        let mut turns: Vec<Turn<'a>> = Vec::with_capacity(self.turns.len());
        for mut turn in self.turns {
            let said = !turn.content.is_empty();
            turn.content.retain(|block| !block.is_blank());
            if said && turn.content.is_empty() && turn.role == "user" {
                turn.content.push(Block::Text(Cow::Borrowed(NOTHING)));
            }
            match turns.last_mut() {
                _ if turn.content.is_empty() => {}
                Some(last) if last.role == turn.role => last.content.append(&mut turn.content),
                _ => turns.push(turn),
            }
        }
        if turns.is_empty() && !self.system.is_empty() {
            // Where nobody else says anything, the operator's words are the user's.
            let content: Vec<_> = self.system.into_iter().map(Block::from).collect();
            self.losses.hint("messages.role");
            let role = "user";
            return (Vec::new(), vec![Turn { role, content }]);
        }
        tidy(&mut turns, self.family);
        (self.system, turns)
    }

    /// What an operator says later stays in its place, because what follows it refers to it: as words of the user's that
    /// are marked.
    fn later(&mut self, parts: &'a [Part], index: usize) {
        self.losses.hint("messages.role");
        let mut content = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            match &part.kind {
                PartKind::Text { text, .. } if text.trim().is_empty() => continue,
                PartKind::Text { text, .. } => {
                    let text = format!("<system>\n{text}\n</system>");
                    content.push(Block::Text(Cow::Owned(text)));
                }
                _ => {
                    self.lost(&format!("messages[{index}].content[{at}]"));
                }
            }
            if let Some(point) = self.cache(part.cache.as_ref()) {
                content.push(Block::CachePoint(point));
            }
        }
        self.say("user", content);
    }

    /// Adds to the turn of a role, or begins it.
    fn say(&mut self, role: &'static str, mut content: Vec<Block<'a>>) {
        match self.turns.last_mut() {
            Some(last) if last.role == role => last.content.append(&mut content),
            _ => self.turns.push(Turn { role, content }),
        }
    }

    fn system(&mut self, part: &'a Part, place: &str) {
        match &part.kind {
            PartKind::Text { text, .. } if text.trim().is_empty() => {}
            PartKind::Text { text, .. } => self.system.push(SystemBlock::Text(text)),
            _ => self.losses.parameter(place.to_owned()),
        }
        if let Some(point) = self.cache(part.cache.as_ref())
            && !self.system.is_empty()
        {
            self.system.push(SystemBlock::CachePoint(point));
        }
    }

    fn part(&mut self, part: &'a Part, place: &str, out: &mut Vec<Block<'a>>) {
        let Part { kind, cache } = part;
        match self.kind(kind, place) {
            Some(block) => out.push(block),
            None => return,
        }
        let inside = match kind {
            // A result has no place for cache points inside of it.
            PartKind::ToolResult { parts, .. } => parts.iter().find_map(|it| it.cache.as_ref()),
            _ => None,
        };
        if let Some(point) = self.cache(cache.as_ref().or(inside)) {
            out.push(Block::CachePoint(point));
        }
    }

    fn cache(&mut self, marker: Option<&'a CacheMarker>) -> Option<CachePoint<'a>> {
        let marker = marker?;
        if !self.family.caches() {
            self.losses.hint("cache_control");
            return None;
        }
        Some(CachePoint::of(marker))
    }

    /// `None` if it was left out, which has been told.
    fn kind(&mut self, kind: &'a PartKind, place: &str) -> Option<Block<'a>> {
        match kind {
            PartKind::Text {
                text,
                citations,
                signature,
            } => {
                if signature.is_some() {
                    self.losses.hint("thought_signature");
                }
                Some(self.text(text, citations))
            }
            PartKind::Refusal { text } => Some(Block::Text(Cow::Borrowed(text))),
            PartKind::ToolCall {
                id,
                name,
                arguments,
                custom,
                signature,
            } => {
                if signature.is_some() {
                    self.losses.hint("thought_signature");
                }
                Some(Block::ToolUse(ToolUse {
                    tool_use_id: id,
                    name,
                    input: Input::of(arguments, *custom),
                }))
            }
            PartKind::ToolResult {
                id,
                name: _,
                parts,
                is_error,
                custom: _,
            } => Some(self.result(id, parts, *is_error, place)),
            PartKind::Thinking {
                text, signature, ..
            } => self.thinking(text, signature.as_ref()),
            PartKind::RedactedThinking { signature } => self.redacted(signature),
            PartKind::Other {
                dialect: Dialect::BedrockConverse,
                json,
            } => Some(Block::Own(json)),
            PartKind::Other { .. } => self.lost(place),
            _ => self.media(kind).or_else(|| self.lost(place)),
        }
    }

    /// `None` if Bedrock has no place for it.
    fn media(&mut self, kind: &'a PartKind) -> Option<Block<'a>> {
        match kind {
            PartKind::Image { source, detail } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.losses.hint("detail");
                }
                Media::of(source, IMAGES).map(Block::Image)
            }
            PartKind::Audio { source } => Media::of(source, SOUNDS).map(Block::Audio),
            PartKind::Video { source } => Media::of(source, FILMS).map(Block::Video),
            PartKind::File {
                source,
                name,
                citations,
                context,
            } => {
                let extra = (context.as_deref(), citations.as_ref());
                Document::of(source, name.as_deref(), extra, &mut self.names).map(Block::Document)
            }
            _ => None,
        }
    }

    fn text(&mut self, text: &'a str, citations: &'a [(Dialect, Json)]) -> Block<'a> {
        let own: Vec<_> = citations
            .iter()
            .filter(|(dialect, _)| *dialect == Dialect::BedrockConverse)
            .map(|(_, json)| json)
            .collect();
        if own.len() < citations.len() {
            self.losses.hint("citations");
        }
        if own.is_empty() {
            return Block::Text(Cow::Borrowed(text));
        }
        Block::CitationsContent(Cited {
            content: [CitedText { text }],
            citations: own,
        })
    }

    fn result(&mut self, id: &'a str, parts: &'a [Part], error: bool, place: &str) -> Block<'a> {
        let mut content = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let place = format!("{place}.content[{at}]");
            match &part.kind {
                PartKind::ToolCall { .. }
                | PartKind::ToolResult { .. }
                | PartKind::Audio { .. } => {
                    self.losses.parameter(place);
                }
                // Citations have no place in it.
                PartKind::Text { text, .. } => {
                    content.push(Block::Text(Cow::Borrowed(text)));
                }
                kind => content.extend(self.kind(kind, &place)),
            }
        }
        content.retain(|block| !block.is_blank());
        Block::ToolResult(ToolResult {
            tool_use_id: id,
            content,
            status: error.then_some("error"),
        })
    }

    /// Claude wants back what it thought with its proof. Nobody takes thoughts without one.
    fn thinking(&mut self, text: &'a str, signature: Option<&'a Signature>) -> Option<Block<'a>> {
        let own = signature.filter(|it| {
            it.is_of(Dialect::AnthropicMessages) || it.is_of(Dialect::BedrockConverse)
        });
        match own {
            Some(signature) if self.family.may_be_claude() => {
                Some(Block::ReasoningContent(Reasoning::ReasoningText {
                    text,
                    signature: &signature.value,
                }))
            }
            _ => {
                self.losses.hint("thinking");
                None
            }
        }
    }

    fn redacted(&mut self, signature: &'a Signature) -> Option<Block<'a>> {
        if signature.by == Some(Dialect::BedrockConverse) && self.family.may_be_claude() {
            let redacted = Reasoning::RedactedContent(&signature.value);
            return Some(Block::ReasoningContent(redacted));
        }
        self.losses.hint("thinking");
        None
    }

    fn lost(&mut self, place: &str) -> Option<Block<'a>> {
        self.losses.parameter(place.to_owned());
        None
    }
}
