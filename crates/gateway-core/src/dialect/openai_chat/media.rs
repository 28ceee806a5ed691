//! Images, files and sound: data URLs and what OpenAI calls their formats.

use crate::chat::{PartKind, Source};

/// A URL as a client gives it: the bytes themselves if it is a data URL.
pub(super) fn source_of_url(url: String, media_type: Option<String>) -> Source {
    match split_data_url(&url) {
        Some((named, data)) => Source::Base64 {
            media_type: media_type.unwrap_or_else(|| named.to_owned()),
            data: data.to_owned(),
        },
        None => Source::Url { url, media_type },
    }
}

/// The media type and the Base64 text of a data URL: <https://www.rfc-editor.org/rfc/rfc2397>.
fn split_data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    let media_type = media_type.split(';').next().unwrap_or_default();
    let known = if media_type.is_empty() {
        "application/octet-stream"
    } else {
        media_type
    };
    Some((known, data))
}

/// The URL of a source; a data URL if its bytes are at hand. `None` for what only a provider can find.
pub(super) fn url_of(source: &Source) -> Option<String> {
    match source {
        Source::Base64 { media_type, data } => Some(format!("data:{media_type};base64,{data}")),
        Source::Url { url, .. } => Some(url.clone()),
        Source::Text { .. } | Source::FileId { .. } => None,
    }
}

/// What a file is by its media type: pictures, sound and films have parts of their own.
pub(super) fn part_of_file(source: Source, name: Option<String>) -> PartKind {
    let media_type = match &source {
        Source::Base64 { media_type, .. } | Source::Text { media_type, .. } => Some(media_type),
        Source::Url { media_type, .. } => media_type.as_ref(),
        Source::FileId { .. } => None,
    };
    let family = media_type.and_then(|it| it.split('/').next());
    match family {
        Some("image") => PartKind::Image {
            source,
            detail: None,
        },
        Some("audio") => PartKind::Audio { source },
        Some("video") => PartKind::Video { source },
        _ => PartKind::File {
            source,
            name,
            citations: None,
            context: None,
        },
    }
}

/// The media type of OpenAI's audio format (`wav`, `mp3`).
pub(super) fn media_type_of_audio(format: &str) -> String {
    if format.contains('/') {
        return format.to_owned();
    }
    match format {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    }
}

/// OpenAI's audio format for a media type.
pub(super) fn audio_format(media_type: &str) -> &str {
    match media_type {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        other => other.strip_prefix("audio/").unwrap_or(other),
    }
}

/// The media type that a file's name speaks of.
pub(super) fn media_type_of_name(name: Option<&str>) -> &'static str {
    let end = name
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, end)| end.to_ascii_lowercase());
    let known = NAME_ENDS.iter().find(|(it, _)| Some(*it) == end.as_deref());
    known.map_or("application/pdf", |(_, media_type)| media_type)
}

/// A file name for bytes that came without one: OpenAI requires it.
pub(super) fn name_of_media_type(media_type: &str) -> String {
    let known = NAME_ENDS.iter().find(|(_, it)| *it == media_type);
    format!("file.{}", known.map_or("bin", |(end, _)| end))
}

const NAME_ENDS: &[(&str, &str)] = &[
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("mp3", "audio/mpeg"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
];
