//! Beta features of Anthropic's API (`anthropic-beta`): which of them who knows, and under which name.
//!
//! Anthropic takes any value, or says which it does not take. Who else serves Claude answers 400 to every value that it does
//! not know, so what is not in the table is left out. What is refused all the same is left out of a second request.
//!
//! Source: Anthropic's "Beta headers"; AWS's "Anthropic Claude Messages API"; LiteLLM's `anthropic_beta_headers_config.json`.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};

/// `anthropic-beta`.
pub(crate) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Which values of `anthropic-beta` pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Betas {
    /// All, untouched.
    All,
    /// Those that this knows, under the name that it gives.
    Known(KnownBetas),
}

/// A provider's name of a beta; `None` if it has none.
pub(crate) type KnownBetas = fn(&str) -> Option<&'static str>;

/// What a client says in headers, but for the betas that a provider has refused it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) refused: &'a [String],
}

impl<'a> Client<'a> {
    /// The client's betas that `known` knows, by their names there; each once, in the client's order.
    pub(crate) fn known_betas(&self, known: KnownBetas) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for beta in self.betas() {
            match known(beta) {
                Some(name) if self.refuses(name) || names.contains(&name) => {}
                Some(name) => names.push(name),
                None => tracing::debug!(beta, "left out: the provider would refuse it"),
            }
        }
        names
    }

    /// All betas but the refused ones. `None` if there were none of these: then the values are as good as they are.
    pub(crate) fn betas_left(&self) -> Option<Vec<&'a str>> {
        if self.refused.is_empty() {
            return None;
        }
        Some(self.betas().filter(|beta| !self.refuses(beta)).collect())
    }

    /// All betas.
    pub(crate) fn betas(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let values = self.headers.get_all(ANTHROPIC_BETA).into_iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|beta| !beta.is_empty())
    }

    fn refuses(&self, beta: &str) -> bool {
        self.refused.iter().any(|refused| refused == beta)
    }
}

/// A header's value of a list of betas; `None` of an empty one.
pub(crate) fn value(betas: &[&str]) -> Option<HeaderValue> {
    (!betas.is_empty())
        .then(|| HeaderValue::try_from(betas.join(",")).ok())
        .flatten()
}

/// The betas among `sent` that a provider refuses by an answer with this status and body, and without which the same
/// request may be sent again. Anthropic and Vertex name them; Bedrock says only that one was wrong, and that means all.
pub fn refused_betas(status: u16, body: &[u8], sent: &[String]) -> Vec<String> {
    if status != 400 || sent.is_empty() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    if lower.contains("anthropic-beta") || lower.contains("anthropic_beta") {
        let named = sent.iter().filter(|beta| names(&text, beta));
        let named: Vec<String> = named.cloned().collect();
        if !named.is_empty() || !UNEXPECTED.iter().any(|words| lower.contains(words)) {
            return named;
        }
    } else if !lower.contains("invalid beta flag") {
        return Vec::new();
    }
    sent.to_vec()
}

/// Whether a text has a word as a whole.
fn names(text: &str, word: &str) -> bool {
    let part = |byte: Option<&u8>| {
        byte.is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
    };
    text.match_indices(word).any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !part(before) && !part(bytes.get(at + word.len()))
    })
}

/// The betas without which Anthropic does not take a body that the gateway has written, for clients whose dialect has none.
/// In a text of somebody's the quotes would be escaped.
pub(crate) fn needed(body: &[u8]) -> Vec<&'static str> {
    let has = |word: &str| body.windows(word.len()).any(|it| it == word.as_bytes());
    let needed = NEEDED.iter().filter(|(word, _)| has(word));
    needed.map(|(_, beta)| *beta).collect()
}

/// A client's headers with these betas.
pub(crate) fn with<'a>(headers: &'a HeaderMap, betas: &[&'static str]) -> Cow<'a, HeaderMap> {
    let mut headers = Cow::Borrowed(headers);
    for beta in betas {
        headers
            .to_mut()
            .append(ANTHROPIC_BETA, HeaderValue::from_static(beta));
    }
    headers
}

/// Vertex AI.
pub(crate) fn vertex(beta: &str) -> Option<&'static str> {
    column(beta, 0)
}

/// Bedrock's InvokeModel.
pub(crate) fn bedrock_invoke(beta: &str) -> Option<&'static str> {
    column(beta, 1)
}

/// Bedrock's Converse.
pub(crate) fn bedrock_converse(beta: &str) -> Option<&'static str> {
    column(beta, 2)
}

/// Microsoft Foundry.
pub(crate) fn foundry(beta: &str) -> Option<&'static str> {
    column(beta, 3)
}

fn column(beta: &str, column: usize) -> Option<&'static str> {
    let (name, names) = TABLE.iter().find(|(name, _)| *name == beta)?;
    match names.get(column)? {
        No => None,
        Same => Some(name),
        Other(other) => Some(other),
    }
}

/// How a provider knows a beta.
#[derive(Clone, Copy)]
enum Name {
    No,
    Same,
    Other(&'static str),
}

use Name::{No, Other, Same};

const TOOL_SEARCH: Name = Other("tool-search-tool-2025-10-19");

#[rustfmt::skip] // One beta, one line: Anthropic's name; Vertex, InvokeModel, Converse, Foundry.
static TABLE: &[(&str, [Name; 4])] = &[
    ("advanced-tool-use-2025-11-20",            [TOOL_SEARCH, TOOL_SEARCH, No,   Same]),
    ("code-execution-2025-08-25",               [No,          No,          No,   Same]),
    ("compact-2026-01-12",                      [Same,        Same,        No,   No]),
    ("compact-2026-09-04",                      [Same,        No,          No,   No]),
    ("computer-use-2025-01-24",                 [Same,        Same,        Same, Same]),
    ("computer-use-2025-11-24",                 [Same,        Same,        Same, Same]),
    ("context-1m-2025-08-07",                   [Same,        Same,        Same, Same]),
    ("context-management-2025-06-27",           [Same,        Same,        No,   Same]),
    ("dangerous-tool-use-2026-09-03",           [Same,        Same,        No,   Same]),
    ("effort-2025-11-24",                       [No,          Same,        Same, Same]),
    ("files-api-2025-04-14",                    [No,          No,          No,   Same]),
    ("fine-grained-tool-streaming-2025-05-14",  [No,          Same,        Same, No]),
    ("interleaved-thinking-2025-05-14",         [Same,        Same,        No,   Same]),
    ("mcp-client-2025-04-04",                   [No,          No,          No,   Same]),
    ("mcp-client-2025-11-20",                   [No,          No,          No,   Same]),
    ("mid-conversation-output-config-2026-07-01", [No,        Same,        No,   No]),
    ("mid-conversation-tool-changes-2026-07-01", [No,         Same,        No,   No]),
    ("per-turn-control-2026-07-01",             [Same,        No,          No,   Same]),
    ("prompt-caching-scope-2026-01-05",         [No,          No,          No,   Same]),
    ("skills-2025-10-02",                       [No,          No,          No,   Same]),
    ("structured-outputs-2025-11-13",           [No,          No,          Same, Same]),
    ("thinking-binding-controls-2026-08-01",    [Same,        Same,        Same, No]),
    ("thinking-display-updates-2026-08-18",     [Same,        Same,        Same, Same]),
    ("tool-search-tool-2025-10-19",             [Same,        Same,        No,   No]),
    ("web-fetch-2025-09-10",                    [No,          No,          No,   Same]),
    ("web-search-2025-03-05",                   [Same,        No,          No,   Same]),
];

/// What stands in a body, and the beta that it belongs to.
const NEEDED: &[(&str, &str)] = &[
    (r#""type":"file","file_id":"#, "files-api-2025-04-14"),
    (r#""mcp_servers":["#, "mcp-client-2025-11-20"),
    (r#""computer_20250124""#, "computer-use-2025-01-24"),
    (r#""computer_20251124""#, "computer-use-2025-11-24"),
];

/// What is said beside the header's name when no value is named that was sent.
const UNEXPECTED: &[&str] = &[
    "unexpected value",
    "unsupported value",
    "invalid value",
    "not supported",
    "invalid beta",
];

#[cfg(test)]
mod tests {
    use super::{
        ANTHROPIC_BETA, TABLE, bedrock_converse, bedrock_invoke, foundry, needed, refused_betas,
        vertex, with,
    };
    use http::{HeaderMap, HeaderValue};
    use std::collections::HashSet;

    #[test]
    fn every_beta_has_one_line_and_the_lines_are_in_order() {
        let names: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn what_is_written_for_others_has_its_betas() {
        let file = br#"{"source":{"type":"file","file_id":"file_1"}}"#;
        assert_eq!(needed(file), ["files-api-2025-04-14"]);
        let said = br#"{"text":"\"type\":\"file\",\"file_id\":\"x\""}"#;
        assert_eq!(needed(said), [""; 0]);
        let mut headers = HeaderMap::new();
        headers.insert(ANTHROPIC_BETA, HeaderValue::from_static("own"));
        let all = with(&headers, &needed(file));
        let all: Vec<_> = all.get_all(ANTHROPIC_BETA).iter().collect();
        assert_eq!(all, ["own", "files-api-2025-04-14"]);
    }

    #[test]
    fn each_provider_has_its_own_names() {
        let known = |beta| [vertex, bedrock_invoke, bedrock_converse, foundry].map(|it| it(beta));
        let search = Some("tool-search-tool-2025-10-19");
        let own = Some("advanced-tool-use-2025-11-20");
        assert_eq!(
            known("advanced-tool-use-2025-11-20"),
            [search, search, None, own]
        );
        let all = Some("context-1m-2025-08-07");
        assert_eq!(known("context-1m-2025-08-07"), [all; 4]);
        assert_eq!(known("never-heard-of"), [None; 4]);
    }

    #[test]
    fn what_is_refused_is_understood_in_the_words_of_each_provider() {
        let all = vec!["a-2025", "a-2025-01", "b"];
        let sent: Vec<String> = all.iter().map(|it| (*it).to_owned()).collect();
        for (status, body, refused) in [
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Unexpected value(s) `a-2025`, `b` for the `anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the header."}}"#,
                vec!["a-2025", "b"],
            ),
            (
                400,
                r#"{"error":{"message":"Unexpected value(s) `a-2025-01` for the `anthropic-beta` header."}}"#,
                vec!["a-2025-01"],
            ),
            (400, r#"{"message":"invalid beta flag"}"#, all.clone()),
            (
                400,
                r#"{"message":"Unexpected value(s) `tool-x` for the `anthropic-beta` header."}"#,
                all,
            ),
            (
                400,
                r#"{"error":{"message":"messages: text content blocks must be non-empty"}}"#,
                vec![],
            ),
            (
                400,
                r#"{"error":{"message":"this field needs the anthropic-beta header c-2025"}}"#,
                vec![],
            ),
            (429, r#"{"message":"invalid beta flag"}"#, vec![]),
            (400, "\u{fffd}", vec![]),
        ] {
            assert_eq!(
                refused_betas(status, body.as_bytes(), &sent),
                refused,
                "{body}"
            );
        }
        assert!(refused_betas(400, b"invalid beta flag", &[]).is_empty());
    }
}
