//! Where a text comes from, and how probable its tokens were, in the shapes of this dialect.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::OWN;
use crate::chat::Json;
use crate::dialect::Dialect;

/// A citation as an annotation of a text of so many characters. `None` if it names nothing that an annotation can name.
pub(super) fn write(dialect: Dialect, json: &Json, length: usize) -> Option<Vec<u8>> {
    let value = json.value();
    let annotation = match dialect {
        OWN => value,
        _ => translated(&value, length)?,
    };
    Some(annotation.to_string().into_bytes())
}

/// Web pages and documents are named alike nearly everywhere.
fn translated(value: &Value, length: usize) -> Option<Value> {
    let inner = ["url_citation", "web", "retrievedContext", "webPage"]
        .iter()
        .find_map(|name| value.get(name))
        .unwrap_or(value);
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| inner.get(name)?.as_str());
        found.map(str::to_owned)
    };
    let place = |names: &[&str], default: usize| {
        let found = names.iter().find_map(|name| inner.get(name)?.as_u64());
        found.unwrap_or(default as u64)
    };
    let title = text(&["title", "document_title", "filename"]);
    if let Some(url) = text(&["url", "uri"]) {
        return Some(json!({
            "type": "url_citation",
            "start_index": place(&["start_index", "startIndex"], 0),
            "end_index": place(&["end_index", "endIndex"], length),
            "title": title.unwrap_or_else(|| url.clone()),
            "url": url,
        }));
    }
    Some(json!({
        "type": "file_citation",
        "file_id": text(&["file_id"]).unwrap_or_default(),
        "filename": title?,
        "index": place(&["document_index", "index"], length),
    }))
}

/// The tokens of OpenAI's log probabilities, with commas between them.
pub(super) fn tokens(json: &Json) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Logprobs<'a> {
        #[serde(borrow)]
        content: Option<&'a RawValue>,
    }
    let logprobs: Logprobs<'_> = serde_json::from_str(json.text()).ok()?;
    let list = logprobs.content?.get();
    let inside = list.strip_prefix('[')?.strip_suffix(']')?.trim();
    let line = inside.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r'));
    (!inside.is_empty()).then(|| line.collect())
}
