//! What was said so far, as items.

use std::borrow::Cow;

use serde::Serialize;

use super::super::OWN;
use crate::chat::{Json, Message, Part, PartKind, Role, Signature, Source};
use crate::translate::{DeveloperRole, Losses, Target};

/// An item as the provider is told it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: Content<'a>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        summary: Vec<Written<'a>>,
        encrypted_content: &'a str,
    },
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    CustomToolCall {
        call_id: &'a str,
        name: &'a str,
        input: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: Content<'a>,
    },
    CustomToolCallOutput {
        call_id: &'a str,
        output: Content<'a>,
    },
    #[serde(untagged)]
    Other(&'a Json),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Written<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Written<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: &'a str,
        annotations: Vec<&'a Json>,
    },
    SummaryText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
    InputImage {
        #[serde(skip_serializing_if = "Option::is_none")]
        image_url: Option<Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<&'a str>,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_id: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
    },
    InputAudio {
        input_audio: Audio<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct Audio<'a> {
    data: &'a str,
    format: &'a str,
}

/// The items of a conversation.
pub(super) fn items<'a>(
    messages: &'a [Message],
    target: &Target<'_>,
    losses: &mut Losses,
) -> Vec<Item<'a>> {
    let mut items = Vec::with_capacity(messages.len());
    for message in messages {
        let Message { role, parts, name } = message;
        if name.is_some() {
            losses.hint("messages.name");
        }
        let role = match (role, target.quirks.developer) {
            (Role::System, _) | (Role::Developer, DeveloperRole::System) => "system",
            (Role::Developer, DeveloperRole::Kept) => "developer",
            (Role::User, _) => "user",
            (Role::Assistant, _) => "assistant",
        };
        let mut said = Vec::new();
        for part in parts {
            if part.cache.is_some() {
                losses.hint("cache_control");
            }
            match item(part, losses) {
                Some(item) => {
                    flush(role, &mut said, &mut items);
                    items.push(item);
                }
                None => said.extend(content(part, role, losses)),
            }
        }
        flush(role, &mut said, &mut items);
    }
    items
}

/// What was said without anything else in between is one message.
fn flush<'a>(role: &'static str, said: &mut Vec<Written<'a>>, items: &mut Vec<Item<'a>>) {
    if !said.is_empty() {
        let content = short(std::mem::take(said));
        items.push(Item::Message { role, content });
    }
}

/// A single text needs no list; every server takes it.
fn short(mut parts: Vec<Written<'_>>) -> Content<'_> {
    match (parts.pop(), parts.is_empty()) {
        (Some(Written::InputText { text }), true) => Content::Text(text),
        (Some(Written::OutputText { text, annotations }), true) if annotations.is_empty() => {
            Content::Text(Cow::Borrowed(text))
        }
        (last, _) => {
            parts.extend(last);
            Content::Parts(parts)
        }
    }
}

/// A part that is an item of its own.
fn item<'a>(part: &'a Part, losses: &mut Losses) -> Option<Item<'a>> {
    Some(match &part.kind {
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom: false,
            signature: _,
        } => Item::FunctionCall {
            call_id: id,
            name,
            arguments,
        },
        PartKind::ToolCall {
            id,
            name,
            arguments,
            custom: true,
            signature: _,
        } => Item::CustomToolCall {
            call_id: id,
            name,
            input: arguments,
        },
        PartKind::ToolResult {
            id,
            name: _,
            parts,
            is_error,
            custom,
        } => {
            let output = output(parts, *is_error, losses);
            if *custom {
                Item::CustomToolCallOutput {
                    call_id: id,
                    output,
                }
            } else {
                Item::FunctionCallOutput {
                    call_id: id,
                    output,
                }
            }
        }
        PartKind::Thinking {
            text,
            signature: Some(Signature { by, value }),
            id,
        } if by.is_none_or(|by| by == OWN) => Item::Reasoning {
            id: id.as_deref(),
            summary: if text.is_empty() {
                Vec::new()
            } else {
                vec![Written::SummaryText { text }]
            },
            encrypted_content: value,
        },
        PartKind::Other { dialect: OWN, json } => Item::Other(json),
        _ => return None,
    })
}

/// What a tool answered. The dialect has no mark for a failure, so the words say it.
fn output<'a>(parts: &'a [Part], is_error: bool, losses: &mut Losses) -> Content<'a> {
    let mut written: Vec<_> = parts
        .iter()
        .filter_map(|part| content(part, "user", losses))
        .collect();
    if is_error {
        let text = Cow::Borrowed(FAILED);
        match written.first_mut() {
            Some(Written::InputText { text }) => *text = Cow::Owned(format!("{FAILED} {text}")),
            _ => written.insert(0, Written::InputText { text }),
        }
    }
    if written.is_empty() {
        return Content::Text(Cow::Borrowed(""));
    }
    short(written)
}

/// A part of a message.
fn content<'a>(part: &'a Part, role: &str, losses: &mut Losses) -> Option<Written<'a>> {
    match &part.kind {
        PartKind::Text {
            text,
            citations,
            signature: _,
        } => Some(if role == "assistant" {
            let own = citations.iter().filter(|(dialect, _)| *dialect == OWN);
            Written::OutputText {
                text,
                annotations: own.map(|(_, json)| json).collect(),
            }
        } else {
            let text = Cow::Borrowed(text.as_str());
            Written::InputText { text }
        }),
        PartKind::Refusal { text } => Some(Written::Refusal { refusal: text }),
        PartKind::Image { source, detail } => Some(image(source, detail.as_deref())),
        PartKind::File {
            source,
            name,
            citations,
            context,
        } => {
            if citations.is_some() || context.is_some() {
                losses.hint("citations");
            }
            Some(file(source, name.as_deref()))
        }
        PartKind::Audio {
            source: Source::Base64 { media_type, data },
        } => {
            let format = media_type.rsplit_once('/').map_or("wav", |(_, it)| it);
            let format = if format == "mpeg" { "mp3" } else { format };
            let input_audio = Audio { data, format };
            Some(Written::InputAudio { input_audio })
        }
        PartKind::Audio { .. } => {
            losses.parameter("messages.audio");
            None
        }
        PartKind::Video { .. } => {
            losses.parameter("messages.video");
            None
        }
        // Only their maker can read them, and the model thinks anew.
        PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => {
            losses.hint("thinking");
            None
        }
        PartKind::Other { .. } => {
            losses.hint("messages.content");
            None
        }
        PartKind::ToolCall { .. } | PartKind::ToolResult { .. } => None,
    }
}

fn image<'a>(source: &'a Source, detail: Option<&'a str>) -> Written<'a> {
    let (image_url, file_id) = match source {
        Source::Base64 { media_type, data } => (Some(Cow::Owned(data_url(media_type, data))), None),
        Source::Text { media_type, text } => {
            (Some(Cow::Owned(format!("data:{media_type},{text}"))), None)
        }
        Source::Url { url, .. } => (Some(Cow::Borrowed(url.as_str())), None),
        Source::FileId { id } => (None, Some(id.as_str())),
    };
    Written::InputImage {
        image_url,
        file_id,
        detail,
    }
}

fn file<'a>(source: &'a Source, name: Option<&'a str>) -> Written<'a> {
    let (mut file_data, mut file_url, mut file_id, mut filename) = (None, None, None, name);
    match source {
        Source::Text { text, .. } => {
            // Bytes would have to be encoded; the model reads the same text this way.
            let text = match name {
                Some(name) => Cow::Owned(format!("{name}:\n{text}")),
                None => Cow::Borrowed(text.as_str()),
            };
            return Written::InputText { text };
        }
        Source::Base64 { media_type, data } => {
            file_data = Some(data_url(media_type, data));
            // Bytes without a name are refused.
            filename = Some(name.unwrap_or("document.pdf"));
        }
        Source::Url { url, .. } => file_url = Some(url.as_str()),
        Source::FileId { id } => file_id = Some(id.as_str()),
    }
    Written::InputFile {
        file_data,
        file_url,
        file_id,
        filename,
    }
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

/// Before what a tool answered that failed.
const FAILED: &str = "Error:";
