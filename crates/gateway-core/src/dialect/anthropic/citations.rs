//! Where a text comes from, for Anthropic's clients.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::json;

use super::answer::Citation;
use crate::chat::Json;
use crate::dialect::Dialect;

/// What a client is shown of a citation: Anthropic's own as they are; an address that another provider cites as a result
/// of a web search. Others have no counterpart.
pub(super) fn shown(citation: &Citation) -> Option<Cow<'_, Json>> {
    let (dialect, json) = citation;
    if *dialect == Dialect::AnthropicMessages {
        return Some(Cow::Borrowed(json));
    }
    let address = address(json)?;
    Some(Cow::Owned(Json::from(&json!({
        "type": "web_search_result_location",
        "url": address.url,
        "title": address.title,
        "cited_text": "",
        "encrypted_index": "",
    }))))
}

/// What Anthropic's web search cites is not what the gateway cites in its name.
pub(super) fn is_own(json: &Json) -> bool {
    #[derive(Deserialize)]
    struct Location {
        encrypted_index: Option<String>,
    }

    let location: Option<Location> = serde_json::from_str(json.text()).ok();
    location.and_then(|it| it.encrypted_index).as_deref() != Some("")
}

#[derive(Deserialize)]
struct Address {
    url: String,
    title: Option<String>,
}

/// In the shape of OpenAI's chat completions, or of its responses.
fn address(json: &Json) -> Option<Address> {
    #[derive(Deserialize)]
    struct Nested {
        url_citation: Address,
    }

    let nested: Option<Nested> = serde_json::from_str(json.text()).ok();
    match nested {
        Some(nested) => Some(nested.url_citation),
        None => serde_json::from_str(json.text()).ok(),
    }
}
