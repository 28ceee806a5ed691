//! Pictures, sound, films and documents.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::chat::{Json, Source};

/// A picture, a sound or a film.
#[derive(Serialize)]
pub(super) struct Media<'a> {
    format: &'static str,
    source: Place<'a>,
}

/// A document. Bedrock wants a name for each, another one for each, of few characters.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    format: &'static str,
    name: String,
    source: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    citations: Option<&'a Json>,
}

/// Where the bytes are.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Place<'a> {
    Bytes(Cow<'a, str>),
    S3Location { uri: &'a str },
}

/// Media types and endings of names, with Bedrock's word for the format.
pub(super) type Formats = &'static [(&'static str, &'static str)];

impl<'a> Media<'a> {
    /// `None` if Bedrock does not take such a source or such a format.
    pub(super) fn of(source: &'a Source, formats: Formats) -> Option<Self> {
        let (format, source) = placed(source, None, formats)?;
        Some(Self { format, source })
    }
}

impl<'a> Document<'a> {
    /// `None` if Bedrock does not take such a source or such a format. `names` are those that are taken.
    pub(super) fn of(
        source: &'a Source,
        name: Option<&str>,
        (context, citations): (Option<&'a str>, Option<&'a Json>),
        names: &mut Vec<String>,
    ) -> Option<Self> {
        let (format, source) = placed(source, name, DOCUMENTS)?;
        let plain = plain_name(name.unwrap_or_default());
        let mut name = plain.clone();
        let mut number = 2;
        while names.contains(&name) {
            name = format!("{plain} ({number})");
            number += 1;
        }
        names.push(name.clone());
        Some(Self {
            format,
            name,
            source,
            context,
            citations,
        })
    }
}

/// The format and the place of a source.
fn placed<'a>(
    source: &'a Source,
    name: Option<&str>,
    formats: Formats,
) -> Option<(&'static str, Place<'a>)> {
    match source {
        Source::Base64 { media_type, data } => {
            let format = format_of(Some(media_type), name, formats)?;
            Some((format, Place::Bytes(Cow::Borrowed(data))))
        }
        Source::Text { media_type, text } => {
            let format = format_of(Some(media_type), name, formats)?;
            Some((format, Place::Bytes(Cow::Owned(STANDARD.encode(text)))))
        }
        Source::Url { url, media_type } if url.starts_with("s3://") => {
            let format = format_of(media_type.as_deref(), Some(url), formats)?;
            Some((format, Place::S3Location { uri: url }))
        }
        Source::Url { .. } | Source::FileId { .. } => None,
    }
}

/// By the media type, else by the ending of the name.
fn format_of(
    media_type: Option<&str>,
    name: Option<&str>,
    formats: Formats,
) -> Option<&'static str> {
    let plain = media_type.and_then(|it| it.split(';').next());
    let ending = || name?.rsplit_once('.').map(|(_, ending)| ending);
    let find = |word: &str| {
        let word = word.trim().to_ascii_lowercase();
        let found = formats.iter().find(|(known, _)| *known == word);
        found.map(|(_, format)| *format)
    };
    plain.and_then(find).or_else(|| find(ending()?))
}

/// Letters, digits, single spaces, hyphens and brackets: without the ending, which the format says.
fn plain_name(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut plain = String::new();
    for character in stem.trim().chars() {
        let taken = character.is_ascii_alphanumeric() || " -()[]".contains(character);
        let character = if taken { character } else { '-' };
        if character != ' ' || !plain.ends_with(' ') {
            plain.push(character);
        }
        // Room for a number.
        if plain.len() >= 190 {
            break;
        }
    }
    match plain.as_str() {
        "" => "document".to_owned(),
        _ => plain,
    }
}

pub(super) const IMAGES: Formats = &[
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("png", "png"),
    ("jpeg", "jpeg"),
    ("jpg", "jpeg"),
    ("gif", "gif"),
    ("webp", "webp"),
];

pub(super) const SOUNDS: Formats = &[
    ("audio/mpeg", "mp3"),
    ("audio/mp3", "mp3"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("audio/opus", "opus"),
    ("audio/aac", "aac"),
    ("audio/flac", "flac"),
    ("audio/ogg", "ogg"),
    ("audio/mp4", "m4a"),
    ("audio/webm", "webm"),
    ("mp3", "mp3"),
    ("wav", "wav"),
    ("opus", "opus"),
    ("aac", "aac"),
    ("flac", "flac"),
    ("ogg", "ogg"),
    ("m4a", "m4a"),
];

pub(super) const FILMS: Formats = &[
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/mpeg", "mpeg"),
    ("video/x-ms-wmv", "wmv"),
    ("video/3gpp", "three_gp"),
    ("mp4", "mp4"),
    ("mov", "mov"),
    ("mkv", "mkv"),
    ("webm", "webm"),
    ("flv", "flv"),
    ("mpeg", "mpeg"),
    ("mpg", "mpg"),
    ("wmv", "wmv"),
    ("3gp", "three_gp"),
];

const DOCUMENTS: Formats = &[
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("pdf", "pdf"),
    ("csv", "csv"),
    ("doc", "doc"),
    ("docx", "docx"),
    ("xls", "xls"),
    ("xlsx", "xlsx"),
    ("html", "html"),
    ("txt", "txt"),
    ("md", "md"),
];
