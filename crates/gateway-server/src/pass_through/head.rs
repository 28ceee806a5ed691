//! Heads and paths of requests that are handed on.

use gateway_core::Dialect;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::call::names;
use crate::record::Record;

/// The head of a provider's answer, with the call's name.
pub(super) fn of_answer(record: &Record, upstream: &HeaderMap) -> HeaderMap {
    let mut head = HeaderMap::with_capacity(upstream.len() + 4);
    for (name, value) in upstream {
        if !KEPT.contains(&name.as_str()) {
            head.append(name, value.clone());
        }
    }
    if let Ok(id) = HeaderValue::from_str(&record.call_id) {
        head.insert(names::CALL_ID, id);
    }
    head
}

pub(super) fn is_event_stream(head: &HeaderMap) -> bool {
    head.get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/event-stream"))
}

/// What a provider speaks on a path, if its streams are known.
pub(super) fn dialect_of(path: &str) -> Option<Dialect> {
    let known = ENDS.iter().find(|(end, _)| path.ends_with(end));
    known.map(|(_, dialect)| *dialect)
}

/// A query without the key that Google's clients may put there: it is ours.
pub(super) fn without_key(query: Option<&str>) -> Option<String> {
    let pairs = query?.split('&').filter(|pair| !pair.starts_with("key="));
    let rest = pairs.collect::<Vec<_>>().join("&");
    (!rest.is_empty()).then_some(rest)
}

const ENDS: &[(&str, Dialect)] = &[
    ("/chat/completions", Dialect::OpenAiChat),
    ("/completions", Dialect::OpenAiCompletions),
    ("/responses", Dialect::OpenAiResponses),
    ("/messages", Dialect::AnthropicMessages),
    (":streamRawPredict", Dialect::AnthropicMessages),
    (":streamGenerateContent", Dialect::Gemini),
];

/// What concerns one connection only (RFC 9110, section 7.6.1), and what would tie a client to a provider's site.
const KEPT: &[&str] = &[
    "alt-svc",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_in_a_query_stays_here() {
        assert_eq!(without_key(Some("key=a")), None);
        assert_eq!(
            without_key(Some("alt=sse&key=a&x=1")).as_deref(),
            Some("alt=sse&x=1")
        );
    }

    #[test]
    fn a_stream_is_observed_where_its_dialect_is_known() {
        for (path, dialect) in [
            ("/v1/messages", Some(Dialect::AnthropicMessages)),
            ("/v1/chat/completions", Some(Dialect::OpenAiChat)),
            (
                "/v1beta/models/x:streamGenerateContent",
                Some(Dialect::Gemini),
            ),
            ("/v1/threads/runs", None),
        ] {
            assert_eq!(dialect_of(path), dialect, "{path}");
        }
    }
}
