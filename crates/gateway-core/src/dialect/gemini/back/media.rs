//! Images, sound, films and documents.

use std::borrow::Cow;

use serde::Serialize;

use crate::chat::Source;

/// Bytes, or where they are.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Media<'a> {
    /// Here.
    InlineData(Blob<'a>),
    /// Elsewhere.
    FileData(FileData<'a>),
    /// They are a text.
    #[serde(rename = "text")]
    Text(&'a str),
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob<'a> {
    mime_type: &'a str,
    data: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<Cow<'a, str>>,
    file_uri: Cow<'a, str>,
}

/// What a source is to Google; `None` if Google cannot reach it. Google fetches public addresses, files of its Cloud
/// Storage and files that were uploaded to it; which models do is told by it:
/// <https://ai.google.dev/gemini-api/docs/file-input-methods>.
pub(super) fn media(source: &Source) -> Option<Media<'_>> {
    match source {
        Source::Base64 { media_type, data } => Some(Media::InlineData(Blob {
            mime_type: media_type,
            data,
        })),
        Source::Text { text, .. } => Some(Media::Text(text)),
        Source::Url { url, media_type } => at(url, media_type.as_deref()),
        Source::FileId { id } if id.starts_with("files/") => {
            let uri = format!("https://generativelanguage.googleapis.com/v1beta/{id}");
            Some(file(Cow::Owned(uri), None))
        }
        Source::FileId { id } => at(id, None),
    }
}

fn at<'a>(url: &'a str, media_type: Option<&'a str>) -> Option<Media<'a>> {
    if let Some(data) = url.strip_prefix("data:") {
        let (head, data) = data.split_once(',')?;
        let mime_type = head.strip_suffix(";base64")?;
        return Some(Media::InlineData(Blob { mime_type, data }));
    }
    let reachable = ["https://", "http://", "gs://"];
    if !reachable.iter().any(|scheme| url.starts_with(scheme)) {
        return None;
    }
    // Where neither the client nor the name tells the type, Google finds out or says that it cannot.
    let mime_type = media_type.map(Cow::Borrowed).or_else(|| by_name(url));
    Some(file(Cow::Borrowed(url), mime_type))
}

const fn file<'a>(file_uri: Cow<'a, str>, mime_type: Option<Cow<'a, str>>) -> Media<'a> {
    Media::FileData(FileData {
        mime_type,
        file_uri,
    })
}

/// The type that the end of a name means.
fn by_name(url: &str) -> Option<Cow<'static, str>> {
    let path = url.split(['?', '#']).next()?;
    let name = path.rsplit('/').next()?;
    let end = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let found = TYPES.iter().find(|(it, _)| *it == end);
    if found.is_none()
        && ["youtube.com", "youtu.be"]
            .iter()
            .any(|it| url.contains(it))
    {
        return Some(Cow::Borrowed("video/*"));
    }
    found.map(|(_, media_type)| Cow::Borrowed(*media_type))
}

/// What Google reads: <https://ai.google.dev/gemini-api/docs/file-input-methods>.
const TYPES: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("html", "text/html"),
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("xml", "text/xml"),
    ("mp3", "audio/mp3"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/opus"),
    ("m4a", "audio/m4a"),
    ("aac", "audio/aac"),
    ("aiff", "audio/aiff"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("mov", "video/quicktime"),
    ("avi", "video/x-msvideo"),
    ("webm", "video/webm"),
    ("wmv", "video/wmv"),
    ("flv", "video/x-flv"),
    ("3gp", "video/3gpp"),
];
