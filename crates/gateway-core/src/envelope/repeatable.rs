//! May a request be sent again when nobody knows whether it was carried out?

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Envelope;

impl Envelope {
    /// Whether carrying the request out twice has no effect but its cost: nothing is stored (`store`), nothing goes on in
    /// the background, and no tool runs on the provider's side. When in doubt, no: a tool of a type that is not the
    /// client's own, or what cannot be read, counts as one of the provider's.
    ///
    /// Reads `tools`, so it is to be asked when the answer matters, not for every call.
    pub fn is_repeatable(&self) -> bool {
        EFFECTS.iter().all(|field| self.is_off(field))
            && self.field("tools").is_none_or(runs_on_the_client)
    }

    /// Whether the member is absent, `null`, `false` or an empty array.
    fn is_off(&self, field: &str) -> bool {
        matches!(self.field(field), None | Some(b"null" | b"false" | b"[]"))
    }
}

/// What makes a request more than a question: OpenAI's, and Anthropic's remote servers and containers.
const EFFECTS: &[&str] = &[
    "store",
    "background",
    "web_search_options",
    "mcp_servers",
    "container",
    // OpenRouter's.
    "plugins",
];

/// Whether every tool of the list is one that the client runs.
fn runs_on_the_client(tools: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Tool<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }

    serde_json::from_slice::<Option<Vec<Tool<'_>>>>(tools).is_ok_and(|tools| {
        tools.unwrap_or_default().iter().all(|tool| {
            tool.kind
                .is_none_or(|kind| matches!(kind.get(), "null" | r#""function""# | r#""custom""#))
        })
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{Envelope, Limits};

    #[test]
    fn a_request_with_effects_is_not_repeatable() {
        for (body, repeatable) in [
            (r#"{"messages":[]}"#, true),
            (r#"{"store":false,"background":null,"plugins":[]}"#, true),
            (r#"{"store":true}"#, false),
            (r#"{"store":1}"#, false),
            (r#"{"background":true}"#, false),
            (r#"{"web_search_options":{}}"#, false),
            (
                r#"{"mcp_servers":[{"type":"url","url":"u","name":"n"}]}"#,
                false,
            ),
            (r#"{"container":"c"}"#, false),
            (r#"{"tools":null}"#, true),
            (r#"{"tools":[]}"#, true),
            (
                r#"{"tools":[{"name":"a","input_schema":{"type":"web_search"}}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"type":"custom","name":"a"},{"type":"function","function":{}}]}"#,
                true,
            ),
            (
                r#"{"tools":[{"type":"function"},{"type":"web_search_20250305"}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"bash_20250124","name":"bash"}]}"#,
                false,
            ),
            (
                r#"{"tools":[{"type":"function","type":"web_search"}]}"#,
                false,
            ),
            (r#"{"tools":[1]}"#, false),
            (r#"{"tools":{}}"#, false),
        ] {
            let envelope = Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default())
                .expect(body);
            assert_eq!(envelope.is_repeatable(), repeatable, "{body}");
        }
    }
}
