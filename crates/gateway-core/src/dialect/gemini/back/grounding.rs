//! Where a text comes from, in OpenAI's shape: Google's names its sources in one place and the sentences in another.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::chat::Json;
use crate::dialect::Dialect;

/// What is known of the text that is cited.
#[derive(Clone, Copy)]
pub(super) enum Cited<'t> {
    /// All of it: Google counts its bytes, OpenAI its characters.
    Whole(&'t str),
    /// Bytes are characters.
    Ascii,
    /// Nothing: places cannot be told.
    Unknown,
}

/// The citations in the metadata of a candidate.
pub(super) fn citations(
    grounding: Option<&RawValue>,
    citation: Option<&RawValue>,
    cited: Cited<'_>,
) -> Vec<(Dialect, Json)> {
    let mut found = Vec::new();
    let grounding: Grounding<'_> = parsed(grounding);
    for support in &grounding.supports {
        for index in &support.indices {
            let chunk = usize::try_from(*index)
                .ok()
                .and_then(|index| grounding.chunks.get(index));
            let source = chunk.and_then(|it| {
                it.web
                    .as_ref()
                    .or(it.maps.as_ref())
                    .or(it.retrieved.as_ref())
            });
            if let Some(source) = source {
                found.push(written(source, support.segment, cited));
            }
        }
    }
    let quoted: Quoted<'_> = parsed(citation);
    for quote in quoted.citations.iter().chain(&quoted.sources) {
        found.push(written(&quote.source, quote.segment, cited));
    }
    found
}

fn parsed<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn written(source: &Source<'_>, segment: Segment, cited: Cited<'_>) -> (Dialect, Json) {
    let mut citation = Map::new();
    let start = segment.start_index.unwrap_or_default();
    let place = |bytes: usize| match cited {
        Cited::Whole(text) => text
            .get(..bytes.min(text.len()))
            .map(|before| before.chars().count()),
        Cited::Ascii => Some(bytes),
        Cited::Unknown => None,
    };
    if let Some(end) = segment.end_index
        && let (Some(start), Some(end)) = (place(start), place(end))
    {
        citation.insert("start_index".to_owned(), start.into());
        citation.insert("end_index".to_owned(), end.into());
    }
    let text = |text: &Option<Cow<'_, str>>| Value::from(text.as_deref().unwrap_or_default());
    citation.insert("url".to_owned(), text(&source.uri));
    citation.insert("title".to_owned(), text(&source.title));
    let annotation = serde_json::json!({"type": "url_citation", "url_citation": citation});
    (Dialect::OpenAiChat, Json::from(&annotation))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Grounding<'a> {
    #[serde(borrow, rename = "groundingChunks")]
    chunks: Vec<Chunk<'a>>,
    #[serde(rename = "groundingSupports")]
    supports: Vec<Support>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    web: Option<Source<'a>>,
    #[serde(borrow)]
    maps: Option<Source<'a>>,
    #[serde(borrow, rename = "retrievedContext")]
    retrieved: Option<Source<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source<'a> {
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    title: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Support {
    segment: Segment,
    #[serde(rename = "groundingChunkIndices")]
    indices: Vec<u64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Segment {
    start_index: Option<usize>,
    end_index: Option<usize>,
}

/// What was quoted: the Gemini API's name of it, and Vertex AI's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Quoted<'a> {
    #[serde(borrow)]
    citations: Vec<Quote<'a>>,
    #[serde(borrow, rename = "citationSources")]
    sources: Vec<Quote<'a>>,
}

#[derive(Deserialize)]
struct Quote<'a> {
    #[serde(borrow, flatten)]
    source: Source<'a>,
    #[serde(flatten)]
    segment: Segment,
}
