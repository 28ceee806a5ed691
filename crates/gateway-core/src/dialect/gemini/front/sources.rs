//! Where texts come from, in Google's shape.

use serde_json::{Map, Value, json};

use crate::chat::Json;

/// The sources of one candidate as they become known.
#[derive(Debug, Default)]
pub(super) struct Sources {
    chunks: Vec<Value>,
    supports: Vec<Value>,
}

impl Sources {
    /// Adds a citation in the shape of OpenAI or Anthropic; `text` is the one that is cited, as far as it is known:
    /// Google counts its bytes, the others its characters.
    pub(super) fn add(&mut self, citation: &Json, text: Option<&str>) {
        let citation = citation.value();
        let fields = citation.get("url_citation").unwrap_or(&citation);
        let of = |keys: &[&str]| keys.iter().find_map(|key| fields.get(*key)?.as_str());
        let url = of(&["url", "uri"]);
        let title = of(&["title", "document_title"]).unwrap_or_default();
        let quoted = of(&["cited_text"]);
        let chunk = match url {
            Some(url) => json!({"web": {"uri": url, "title": title}}),
            None => {
                json!({"retrievedContext": {"title": title, "text": quoted.unwrap_or_default()}})
            }
        };
        let at = match self.chunks.iter().position(|it| *it == chunk) {
            Some(at) => at,
            None => {
                self.chunks.push(chunk);
                self.chunks.len() - 1
            }
        };
        let mut segment = Map::new();
        let place = |key: &str| usize::try_from(fields.get(key)?.as_u64()?).ok();
        if let (Some(text), Some(start), Some(end), true) = (
            text,
            place("start_index"),
            place("end_index"),
            url.is_some(),
        ) {
            segment.insert("startIndex".to_owned(), byte(text, start).into());
            segment.insert("endIndex".to_owned(), byte(text, end).into());
        } else if let Some(quoted) = quoted {
            segment.insert("text".to_owned(), quoted.into());
        }
        self.supports
            .push(json!({"segment": segment, "groundingChunkIndices": [at]}));
    }

    /// The `groundingMetadata`, if there is something to tell.
    pub(super) fn metadata(&self) -> Option<Value> {
        (!self.chunks.is_empty())
            .then(|| json!({"groundingChunks": self.chunks, "groundingSupports": self.supports}))
    }
}

/// Where the character with this number begins.
fn byte(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(at, _)| at)
}
