//! The messages of a request for a provider.

use super::assistant_write::write_assistant;
use super::content_write::{Place, Several, Takes, text_of, write_content};
use crate::chat::{Message, Part, PartKind, Role};
use crate::json::{Elements, Members};
use crate::translate::{DeveloperRole, Losses, Quirks};

/// What the loss of cache markers is called.
pub(super) const CACHE: &str = "cache_control";

/// Writes the elements of `messages`.
pub(super) fn write_messages(
    list: &mut Elements<'_>,
    messages: &[Message],
    quirks: &Quirks,
    losses: &mut Losses,
) {
    for (index, message) in messages.iter().enumerate() {
        let Message { role, parts, name } = message;
        if has_cache(parts) {
            losses.hint(CACHE);
        }
        let mut writer = MessageWriter {
            list,
            name: name.as_deref(),
            path: format!("messages[{index}]"),
            quirks,
            losses,
        };
        let all: Vec<&Part> = parts.iter().collect();
        match role {
            Role::System => writer.plain("system", &all, Takes::Text),
            Role::Developer => {
                let role = match quirks.developer {
                    DeveloperRole::Kept => "developer",
                    DeveloperRole::System => "system",
                };
                writer.plain(role, &all, Takes::Text);
            }
            Role::User => writer.user(parts),
            Role::Assistant => write_assistant(&mut writer, parts),
        }
    }
}

fn has_cache(parts: &[Part]) -> bool {
    parts.iter().any(|part| {
        let inside = match &part.kind {
            PartKind::ToolResult { parts, .. } => has_cache(parts),
            _ => false,
        };
        part.cache.is_some() || inside
    })
}

/// Writes one message, which may become several.
pub(super) struct MessageWriter<'w, 'o> {
    list: &'w mut Elements<'o>,
    name: Option<&'w str>,
    path: String,
    pub(super) quirks: &'w Quirks,
    pub(super) losses: &'w mut Losses,
}

impl MessageWriter<'_, '_> {
    /// The JSON text of `content`.
    pub(super) fn content(&mut self, parts: &[&Part], takes: Takes) -> Vec<u8> {
        let several = if self.quirks.content_parts {
            Several::Parts
        } else {
            Several::OneText
        };
        let mut out = Vec::new();
        let place = Place {
            path: &self.path,
            takes,
            several,
            losses: self.losses,
        };
        write_content(&mut out, parts, place);
        out
    }

    /// A message of this role, with what `fill` writes.
    pub(super) fn message(&mut self, role: &str, fill: impl FnOnce(&mut Members<'_>)) {
        let name = self.name;
        self.list.object(|message| {
            message.value("role", role);
            message.some("name", name);
            fill(message);
        });
    }

    /// A message of content and nothing else.
    fn plain(&mut self, role: &str, parts: &[&Part], takes: Takes) {
        let content = self.content(parts, takes);
        self.message(role, |message| message.raw("content", &content));
    }

    /// What tools answered comes first, as OpenAI has it directly behind the calls; then what the person says. Pictures
    /// that tools gave stand in the person's message, because a tool's message takes text alone.
    fn user(&mut self, parts: &[Part]) {
        let is_result = |part: &&Part| matches!(part.kind, PartKind::ToolResult { .. });
        let (results, own): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(is_result);
        let mut shown = Vec::new();
        for result in &results {
            self.result(&result.kind, &mut shown);
        }
        if !results.is_empty() && own.is_empty() && shown.is_empty() {
            return;
        }
        let headings: Vec<Part> = shown
            .iter()
            .map(|(id, _)| Part::text(format!("From the tool call {id}:")))
            .collect();
        let mut all = Vec::new();
        for ((_, media), heading) in shown.iter().zip(&headings) {
            all.push(heading);
            all.extend(media);
        }
        all.extend(own);
        self.plain("user", &all, Takes::Everything);
    }

    /// A tool's message; what of it is no text is left to `shown`.
    fn result<'p>(&mut self, kind: &'p PartKind, shown: &mut Vec<(&'p str, Vec<&'p Part>)>) {
        let PartKind::ToolResult {
            id,
            // The call's id says both.
            name: _,
            custom: _,
            parts,
            is_error,
        } = kind
        else {
            return;
        };
        let is_media = |part: &&Part| {
            let is_other = matches!(part.kind, PartKind::Other { .. });
            !is_other && text_of(part).is_none()
        };
        let (media, texts): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(is_media);
        let mut told = texts;
        let error = Part::text(ERROR);
        if *is_error && !speaks_of_an_error(&told) {
            told.insert(0, &error);
        }
        let moved = Part::text(MOVED);
        if !media.is_empty() {
            told.push(&moved);
            shown.push((id, media));
        }
        let content = self.content(&told, Takes::Text);
        self.message("tool", |message| {
            message.value("tool_call_id", id);
            message.raw("content", &content);
        });
    }
}

/// What tells the model that a tool failed: OpenAI has no member for it.
const ERROR: &str = "Error: the tool failed.";

/// What tells the model where the rest of a result is.
const MOVED: &str = "(What the tool returned besides text follows in the next message.)";

/// Whether the model sees the failure anyway.
fn speaks_of_an_error(texts: &[&Part]) -> bool {
    let first = texts.first().and_then(|part| text_of(part));
    first.is_some_and(|text| {
        let start = text.trim_start().get(..ERROR_WORD.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(ERROR_WORD))
    })
}

const ERROR_WORD: &str = "error";
