//! The content of a message: a text, or a list of parts.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::assistant_read::{Sender, signature};
use super::media::{media_type_of_audio, media_type_of_name, part_of_file, source_of_url};
use crate::chat::{CacheMarker, Json, Part, PartKind, Source};
use crate::translate::TranslateError;

/// Appends what `raw` holds: a string, a list of parts, or null.
pub(super) fn read(
    raw: &RawValue,
    path: &str,
    sender: Sender,
    parts: &mut Vec<Part>,
) -> Result<(), TranslateError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => {
            let text: String = parse(raw, path)?;
            if !text.is_empty() {
                parts.push(Part::text(text));
            }
        }
        Some(b'[') => {
            let list: Vec<&RawValue> = parse(raw, path)?;
            for (index, raw) in list.into_iter().enumerate() {
                let path = format!("{path}[{index}]");
                let part: WirePart<'_> = match raw.get().as_bytes().first() {
                    Some(b'"') => WirePart::of_text(parse(raw, &path)?),
                    _ => parse(raw, &path)?,
                };
                parts.push(part.part(&path, sender)?);
            }
        }
        Some(b'n') => {}
        // Some clients send one part without the list around it.
        Some(b'{') => parts.push(parse::<WirePart<'_>>(raw, path)?.part(path, sender)?),
        _ => {
            return Err(TranslateError::invalid(
                path,
                "it must be a string or a list of parts",
            ));
        }
    }
    Ok(())
}

/// Reads a value at `path`.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    path: &str,
) -> Result<T, TranslateError> {
    serde_json::from_str(raw.get()).map_err(|error| wrong(path, &error))
}

/// What serde says of a value, without its place in a text that the client never saw.
pub(super) fn wrong(path: &str, error: &serde_json::Error) -> TranslateError {
    let said = error.to_string();
    let reason = said.split(" at line ").next().unwrap_or_default();
    TranslateError::invalid(path, reason)
}

/// Every kind of part, in OpenAI's shape and in those that LiteLLM takes besides.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct WirePart<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<WireUrl>,
    video_url: Option<WireUrl>,
    audio_url: Option<WireUrl>,
    input_audio: Option<WireAudio>,
    file: Option<WireFile>,
    source: Option<WireSource>,
    title: Option<String>,
    context: Option<String>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    /// Anthropic's thoughts as text, or Mistral's as a list of texts.
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    signature: Option<String>,
    data: Option<String>,
    cache_control: Option<WireCache>,
}

/// A URL with what is said about it, or alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireUrl {
    Alone(String),
    Told {
        url: String,
        detail: Option<String>,
        format: Option<String>,
    },
}

#[derive(Deserialize)]
struct WireAudio {
    data: String,
    format: Option<String>,
}

#[derive(Deserialize)]
struct WireFile {
    file_data: Option<String>,
    file_id: Option<String>,
    filename: Option<String>,
    format: Option<String>,
}

/// Anthropic's source of an image or a document.
#[derive(Deserialize)]
struct WireSource {
    #[serde(rename = "type")]
    kind: Option<String>,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    file_id: Option<String>,
}

/// Anthropic's marker, which LiteLLM's clients put on parts, messages and tools.
#[derive(Deserialize)]
pub(super) struct WireCache {
    ttl: Option<String>,
}

impl WireCache {
    pub(super) fn marker(self) -> CacheMarker {
        CacheMarker { ttl: self.ttl }
    }
}

impl WirePart<'_> {
    fn of_text(text: String) -> Self {
        Self {
            kind: Some("text".to_owned()),
            text: Some(text),
            ..Self::default()
        }
    }

    /// The part that it is.
    pub(super) fn part(mut self, path: &str, sender: Sender) -> Result<Part, TranslateError> {
        let cache = self.cache_control.take().map(WireCache::marker);
        let kind = self.kind.take().unwrap_or_default();
        let read = match kind.as_str() {
            "text" | "input_text" | "output_text" => {
                let text = self.text.take();
                return text
                    .map(|text| Part {
                        cache,
                        ..Part::text(text)
                    })
                    .ok_or_else(|| missing(path, "text"));
            }
            "refusal" => self.refusal.map(|text| PartKind::Refusal { text }),
            "image_url" | "input_image" => self.image_url.map(image),
            "video_url" => self.video_url.map(|url| PartKind::Video {
                source: url.split().0,
            }),
            "audio_url" => self.audio_url.map(|url| PartKind::Audio {
                source: url.split().0,
            }),
            "input_audio" => self.input_audio.map(audio),
            "file" => self.file.and_then(file),
            "image" | "document" => self.foreign(&kind),
            "thinking" | "redacted_thinking" => self.thoughts(&kind, sender),
            other => {
                let reason = format!("`{other}` is no kind of content that can be translated");
                return Err(TranslateError::invalid(format!("{path}.type"), reason));
            }
        };
        let kind = read.ok_or_else(|| missing(path, &kind))?;
        Ok(Part { kind, cache })
    }

    /// An image or a document in Anthropic's shape.
    fn foreign(self, kind: &str) -> Option<PartKind> {
        let source = self.source?;
        let media_type = source.media_type;
        let source = match source.kind.as_deref()? {
            "base64" => Source::Base64 {
                media_type: media_type?,
                data: source.data?,
            },
            "text" => Source::Text {
                media_type: media_type.unwrap_or_else(|| "text/plain".to_owned()),
                text: source.data?,
            },
            "url" => Source::Url {
                url: source.url?,
                media_type,
            },
            "file" => Source::FileId {
                id: source.file_id?,
            },
            _ => return None,
        };
        Some(if kind == "image" {
            PartKind::Image {
                source,
                detail: None,
            }
        } else {
            PartKind::File {
                source,
                name: self.title,
                citations: self.citations.map(Json::from),
                context: self.context,
            }
        })
    }

    fn thoughts(self, kind: &str, sender: Sender) -> Option<PartKind> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        if kind == "redacted_thinking" {
            let signature = signature(filled(self.data)?, sender);
            return Some(PartKind::RedactedThinking { signature });
        }
        Some(PartKind::Thinking {
            text: thinking_text(self.thinking?)?,
            signature: filled(self.signature).map(|it| signature(it, sender)),
            id: None,
        })
    }
}

impl WireUrl {
    fn split(self) -> (Source, Option<String>) {
        match self {
            Self::Alone(url) => (source_of_url(url, None), None),
            Self::Told {
                url,
                detail,
                format,
            } => (source_of_url(url, format), detail),
        }
    }
}

fn image(url: WireUrl) -> PartKind {
    let (source, detail) = url.split();
    match &source {
        // LiteLLM's clients send documents, too, where OpenAI has pictures.
        Source::Base64 { media_type, .. } if !media_type.starts_with("image/") => {
            part_of_file(source, None)
        }
        Source::Url {
            media_type: Some(media_type),
            ..
        } if !media_type.starts_with("image/") => part_of_file(source, None),
        _ => PartKind::Image { source, detail },
    }
}

fn audio(audio: WireAudio) -> PartKind {
    let media_type = media_type_of_audio(audio.format.as_deref().unwrap_or("wav"));
    PartKind::Audio {
        source: source_of_bytes(audio.data, media_type),
    }
}

/// A file's data as a data URL or without its head; an id that is an address is LiteLLM's way to name one.
fn file(file: WireFile) -> Option<PartKind> {
    let source = match (file.file_data, file.file_id) {
        (Some(data), _) if data.contains("://") => source_of_url(data, file.format),
        (Some(data), _) => {
            let guessed = || media_type_of_name(file.filename.as_deref()).to_owned();
            source_of_bytes(data, file.format.unwrap_or_else(guessed))
        }
        (None, Some(id)) if id.contains("://") || id.starts_with("data:") => {
            source_of_url(id, file.format)
        }
        (None, Some(id)) => Source::FileId { id },
        (None, None) => return None,
    };
    Some(part_of_file(source, file.filename))
}

/// Base64 text, perhaps with the head of a data URL, which knows its type best.
fn source_of_bytes(data: String, media_type: String) -> Source {
    if data.starts_with("data:") {
        return source_of_url(data, None);
    }
    Source::Base64 { media_type, data }
}

fn thinking_text(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Piece {
        text: String,
    }

    serde_json::from_str(raw.get()).ok().or_else(|| {
        let pieces: Vec<Piece> = serde_json::from_str(raw.get()).ok()?;
        Some(pieces.into_iter().map(|piece| piece.text).collect())
    })
}

fn missing(path: &str, member: &str) -> TranslateError {
    let reason = "it is missing or not what the part's type says";
    TranslateError::invalid(format!("{path}.{member}"), reason)
}
