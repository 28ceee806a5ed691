//! Content blocks, of requests and of answers, as parts.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::{CacheMarker, Json, Part, PartKind, Signature, Source, unsigned_id};
use crate::dialect::Dialect;
use crate::translate::TranslateError;

/// A text or a list of blocks.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Content<'a>(#[serde(borrow)] &'a RawValue);

/// Anthropic's marker for caches.
#[derive(Deserialize)]
pub(super) struct CacheControl {
    ttl: Option<String>,
}

impl CacheControl {
    pub(super) fn marker(self) -> CacheMarker {
        CacheMarker { ttl: self.ttl }
    }
}

/// The parts of what stands at `param`.
pub(super) fn parts(content: &Content<'_>, param: &str) -> Result<Vec<Part>, TranslateError> {
    let text = content.0.get();
    if text.starts_with('"') {
        let text: String = read(text, param)?;
        return Ok(vec![Part::text(text)]);
    }
    let blocks: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|_| TranslateError::invalid(param, "must be a text or a list of blocks"))?;
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.into_iter().enumerate() {
        parts.push(part(block, &format!("{param}[{at}]"))?);
    }
    Ok(parts)
}

/// The part that one block is.
pub(super) fn part(raw: &RawValue, param: &str) -> Result<Part, TranslateError> {
    let head: Head<'_> = read(raw.get(), param)?;
    let kind = match &*head.r#type {
        "text" => text(read(raw.get(), param)?),
        "image" => {
            let block: Image<'_> = read(raw.get(), param)?;
            image(&block.source).map(|source| PartKind::Image {
                source,
                detail: None,
            })
        }
        "document" => document(read(raw.get(), param)?),
        "tool_use" => Some(tool_use(read(raw.get(), param)?)),
        "tool_result" => Some(tool_result(&read(raw.get(), param)?, param)?),
        "thinking" => Some(thinking(read(raw.get(), param)?)),
        "redacted_thinking" => {
            let block: RedactedThinking = read(raw.get(), param)?;
            let signature = Signature::untagged(&block.data, Dialect::AnthropicMessages);
            Some(PartKind::RedactedThinking { signature })
        }
        _ => None,
    };
    Ok(Part {
        kind: kind.unwrap_or_else(|| PartKind::Other {
            dialect: Dialect::AnthropicMessages,
            json: raw.into(),
        }),
        cache: head.cache_control.map(CacheControl::marker),
    })
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, param: &str) -> Result<T, TranslateError> {
    serde_json::from_str(text).map_err(|error| {
        // The position is one inside of the block.
        let error = error.to_string();
        let reason = error.split(" at line").next().unwrap_or_default();
        TranslateError::invalid(param, reason)
    })
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    cache_control: Option<CacheControl>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    citations: Option<Vec<Json>>,
}

#[derive(Deserialize)]
struct Image<'a> {
    #[serde(borrow)]
    source: WireSource<'a>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    source: WireSource<'a>,
    title: Option<String>,
    context: Option<String>,
    citations: Option<Json>,
}

/// Every kind of source; which members it has depends on its type.
#[derive(Deserialize)]
struct WireSource<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    file_id: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolUse {
    id: String,
    name: String,
    input: Option<Json>,
}

#[derive(Deserialize)]
struct ToolResult<'a> {
    tool_use_id: String,
    #[serde(borrow)]
    content: Option<Content<'a>>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
struct Thinking {
    thinking: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct RedactedThinking {
    data: String,
}

fn text(block: Text) -> Option<PartKind> {
    let citations = block.citations.unwrap_or_default();
    Some(PartKind::Text {
        text: block.text,
        citations: citations
            .into_iter()
            .map(|json| (Dialect::AnthropicMessages, json))
            .collect(),
        signature: None,
    })
}

fn image(source: &WireSource<'_>) -> Option<Source> {
    match (&*source.r#type, &source.data, &source.url, &source.file_id) {
        ("base64", Some(data), ..) => Some(Source::Base64 {
            media_type: source.media_type.clone()?,
            data: data.clone(),
        }),
        ("text", Some(text), ..) => Some(Source::Text {
            media_type: source.media_type.clone()?,
            text: text.clone(),
        }),
        ("url", _, Some(url), _) => Some(Source::Url {
            url: url.clone(),
            media_type: None,
        }),
        ("file", .., Some(id)) => Some(Source::FileId { id: id.clone() }),
        _ => None,
    }
}

fn document(block: Document<'_>) -> Option<PartKind> {
    let source = match block.source.content {
        Some(content) => Source::Text {
            media_type: "text/plain".to_owned(),
            text: document_text(content)?,
        },
        None => image(&block.source)?,
    };
    Some(PartKind::File {
        source,
        name: block.title,
        citations: block.citations,
        context: block.context,
    })
}

/// A document that is given as blocks, if all of them are texts.
fn document_text(content: &RawValue) -> Option<String> {
    let parts = parts(&Content(content), "source.content").ok()?;
    let texts: Option<Vec<String>> = parts
        .into_iter()
        .map(|part| match part.kind {
            PartKind::Text { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    Some(texts?.join("\n"))
}

fn tool_use(block: ToolUse) -> PartKind {
    let (id, signature) = unsigned_id(&block.id);
    let arguments = block.input.as_ref().map_or("{}", Json::text);
    PartKind::ToolCall {
        id: id.to_owned(),
        name: block.name,
        arguments: arguments.to_owned(),
        custom: false,
        signature,
    }
}

fn tool_result(block: &ToolResult<'_>, param: &str) -> Result<PartKind, TranslateError> {
    let content = match &block.content {
        Some(content) if content.0.get() != "null" => parts(content, &format!("{param}.content"))?,
        _ => Vec::new(),
    };
    Ok(PartKind::ToolResult {
        id: unsigned_id(&block.tool_use_id).0.to_owned(),
        name: None,
        parts: content,
        is_error: block.is_error.unwrap_or_default(),
        custom: false,
    })
}

fn thinking(block: Thinking) -> PartKind {
    let signature = block.signature.filter(|it| !it.is_empty());
    PartKind::Thinking {
        text: block.thinking,
        signature: signature.map(|it| Signature::untagged(&it, Dialect::AnthropicMessages)),
        id: None,
    }
}
