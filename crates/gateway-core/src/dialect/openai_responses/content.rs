//! The parts of messages and of what tools answered.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::OWN;
use super::request::{invalid, parse};
use crate::chat::{CacheMarker, Json, Part, PartKind, Source};
use crate::translate::TranslateError;

/// Reads content that is a text or a list of parts.
pub(super) fn read(raw: &RawValue, path: &str) -> Result<Vec<Part>, TranslateError> {
    if raw.get().starts_with('"') {
        return Ok(vec![Part::text(parse::<String>(raw, path)?)]);
    }
    if !raw.get().starts_with('[') {
        return Err(invalid(path, "it must be a text or a list of parts"));
    }
    let parts: Vec<Json> = parse(raw, path)?;
    let parts = parts.iter().enumerate();
    parts
        .map(|(at, json)| part(json, &format!("{path}[{at}]")))
        .collect()
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    annotations: Option<Vec<Json>>,
    image_url: Option<ImageUrl>,
    detail: Option<String>,
    file_id: Option<String>,
    file_data: Option<String>,
    file_url: Option<String>,
    filename: Option<String>,
    input_audio: Option<Audio>,
    prompt_cache_breakpoint: Option<Breakpoint>,
}

/// A text; some clients send the object of chat completions.
#[derive(Deserialize)]
#[serde(untagged)]
enum ImageUrl {
    Text(String),
    Object { url: String },
}

#[derive(Deserialize)]
struct Audio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct Breakpoint {}

fn part(json: &Json, path: &str) -> Result<Part, TranslateError> {
    let written: Written = serde_json::from_str(json.text())
        .map_err(|error| invalid(path, format!("it is no part of a message: {error}")))?;
    let missing = |name: &str| invalid(&format!("{path}.{name}"), "it is missing");
    let cache = written.prompt_cache_breakpoint.as_ref();
    let cache = cache.map(|Breakpoint {}| CacheMarker { ttl: None });
    let kind = match written.kind.as_str() {
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            let citations = written.annotations.unwrap_or_default();
            PartKind::Text {
                text: written.text.ok_or_else(|| missing("text"))?,
                citations: citations.into_iter().map(|it| (OWN, it)).collect(),
                signature: None,
            }
        }
        "refusal" => PartKind::Refusal {
            text: written.refusal.ok_or_else(|| missing("refusal"))?,
        },
        "input_image" | "computer_screenshot" => PartKind::Image {
            detail: written.detail,
            source: match (written.image_url, written.file_id) {
                (Some(ImageUrl::Text(url) | ImageUrl::Object { url }), _) => source(url),
                (None, Some(id)) => Source::FileId { id },
                (None, None) => return Err(missing("image_url")),
            },
        },
        "input_file" => PartKind::File {
            source: match (written.file_data, written.file_url, written.file_id) {
                (Some(data), ..) => file(data, written.filename.as_deref()),
                (None, Some(url), _) => source(url),
                (None, None, Some(id)) => Source::FileId { id },
                (None, None, None) => return Err(missing("file_data")),
            },
            name: written.filename,
            citations: None,
            context: None,
        },
        "input_audio" => {
            let Audio { data, format } =
                written.input_audio.ok_or_else(|| missing("input_audio"))?;
            PartKind::Audio {
                source: Source::Base64 {
                    media_type: audio_type(&format),
                    data,
                },
            }
        }
        other => {
            let reason = format!("`{other}` is no type that can be sent to this model's provider");
            return Err(invalid(&format!("{path}.type"), reason));
        }
    };
    Ok(Part { kind, cache })
}

/// An address: the bytes themselves if it is a `data:` URL.
pub(super) fn source(url: String) -> Source {
    match data_url(&url) {
        Some(source) => source,
        None => Source::Url {
            url,
            media_type: None,
        },
    }
}

fn data_url(url: &str) -> Option<Source> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    Some(Source::Base64 {
        media_type: media_type.split(';').next()?.to_owned(),
        data: data.to_owned(),
    })
}

/// A file's bytes; without a `data:` before them, its name tells the type.
fn file(data: String, name: Option<&str>) -> Source {
    let named = name.and_then(|name| name.rsplit_once('.'));
    data_url(&data).unwrap_or_else(|| Source::Base64 {
        media_type: match named.map(|(_, ending)| ending) {
            Some("txt") => "text/plain",
            Some("md") => "text/markdown",
            Some("csv") => "text/csv",
            Some("html") => "text/html",
            Some("json") => "application/json",
            _ => "application/pdf",
        }
        .to_owned(),
        data,
    })
}

fn audio_type(format: &str) -> String {
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        other => format!("audio/{other}"),
    }
}
