//! The content of a message for a provider: a text, or a list of parts.

use std::borrow::Cow;

use super::media::{audio_format, name_of_media_type, url_of};
use crate::chat::{Json, Part, PartKind, Source};
use crate::dialect::Dialect;
use crate::json::{Elements, Members, write_array, write_value};
use crate::translate::Losses;

/// Whose content it is.
pub(super) struct Place<'p> {
    /// The message.
    pub(super) path: &'p str,
    pub(super) takes: Takes,
    pub(super) several: Several,
    pub(super) losses: &'p mut Losses,
}

/// What a role's content may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Everything,
    /// All but the person's messages.
    Text,
}

/// What becomes of several texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Several {
    Parts,
    /// One text: the provider takes no lists.
    OneText,
}

/// Appends a value for `content`.
pub(super) fn write_content(out: &mut Vec<u8>, parts: &[&Part], mut place: Place<'_>) {
    let texts: Option<Vec<Cow<'_, str>>> = parts.iter().map(|part| text_of(part)).collect();
    for part in parts {
        tell(part, place.losses);
    }
    match (texts.as_deref(), place.several) {
        (Some([]), _) => write_value(out, ""),
        (Some([text]), _) => write_value(out, text),
        (Some(texts), Several::OneText) => write_value(out, &texts.join("\n\n")),
        _ => write_array(out, |list| {
            for (index, part) in parts.iter().enumerate() {
                if write_part(list, part, place.takes).is_none() {
                    place.lose(index, part);
                }
            }
        }),
    }
}

/// A part as text, if it can be one.
pub(super) fn text_of(part: &Part) -> Option<Cow<'_, str>> {
    match &part.kind {
        PartKind::Text { text, .. } | PartKind::Refusal { text } => Some(Cow::Borrowed(text)),
        PartKind::File {
            source: Source::Text { text, .. },
            name,
            citations: _,
            context,
        } => {
            let about = [name, context].into_iter().flatten();
            let mut told: Vec<&str> = about.map(String::as_str).collect();
            told.push(text);
            Some(Cow::Owned(told.join("\n\n")))
        }
        _ => None,
    }
}

impl Place<'_> {
    fn lose(&mut self, index: usize, part: &Part) {
        match &part.kind {
            PartKind::Other { json, .. } => self.losses.parameter(kind_of(json)),
            _ => {
                let path = format!("{}.content[{index}]", self.path);
                self.losses.parameter(path);
            }
        }
    }
}

/// What of a part has no place here and changes nothing.
fn tell(part: &Part, losses: &mut Losses) {
    match &part.kind {
        PartKind::Text {
            text: _,
            citations,
            signature,
        } => {
            if !citations.is_empty() {
                losses.hint("citations");
            }
            if signature.is_some() {
                losses.hint("thought_signature");
            }
        }
        PartKind::File {
            citations: Some(_), ..
        } => losses.hint("citations"),
        _ => {}
    }
}

/// The type of a part that only its own dialect knows.
pub(super) fn kind_of(json: &Json) -> String {
    let value = json.value();
    let named = value.get("type").and_then(|it| it.as_str());
    named.unwrap_or("content").to_owned()
}

fn write_part(list: &mut Elements<'_>, part: &Part, takes: Takes) -> Option<()> {
    if let Some(text) = text_of(part) {
        write(list, "text", |it| it.value("text", &text));
        return Some(());
    }
    if takes == Takes::Text {
        return None;
    }
    match &part.kind {
        PartKind::Image { source, detail } => {
            let url = url_of(source)?;
            write(list, "image_url", |it| {
                it.object("image_url", |image| {
                    image.value("url", &url);
                    image.some("detail", detail.as_ref());
                });
            });
        }
        PartKind::Video { source } => {
            let url = url_of(source)?;
            write(list, "video_url", |it| {
                it.object("video_url", |video| video.value("url", &url));
            });
        }
        PartKind::Audio {
            source: Source::Base64 { media_type, data },
        } => write(list, "input_audio", |it| {
            it.object("input_audio", |audio| {
                audio.value("data", data);
                audio.value("format", audio_format(media_type));
            });
        }),
        PartKind::File {
            source,
            name,
            citations: _,
            context: None,
        } => return write_file(list, source, name.as_deref()),
        PartKind::Other {
            dialect: Dialect::OpenAiChat,
            json,
        } => list.value(json),
        _ => return None,
    }
    Some(())
}

/// OpenAI takes a file's bytes or its own ids, no addresses.
fn write_file(list: &mut Elements<'_>, source: &Source, name: Option<&str>) -> Option<()> {
    match source {
        Source::Base64 { media_type, .. } => {
            let data = url_of(source)?;
            let named =
                name.map_or_else(|| Cow::Owned(name_of_media_type(media_type)), Cow::Borrowed);
            write(list, "file", |it| {
                it.object("file", |file| {
                    file.value("filename", &named);
                    file.value("file_data", &data);
                });
            });
        }
        Source::FileId { id } => write(list, "file", |it| {
            it.object("file", |file| file.value("file_id", id));
        }),
        Source::Url { .. } | Source::Text { .. } => return None,
    }
    Some(())
}

fn write(list: &mut Elements<'_>, kind: &str, fill: impl FnOnce(&mut Members<'_>)) {
    list.object(|part| {
        part.value("type", kind);
        fill(part);
    });
}
