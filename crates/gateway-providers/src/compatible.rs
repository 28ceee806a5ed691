//! How those who speak OpenAI's chat completions differ from OpenAI, as data; and what becomes of a request for them.

mod sampling;

use gateway_core::chat::Weight;
use gateway_core::{DeveloperRole, Dialect, Edit, Envelope, Lost, Policy, Quirks, TranslateError};
use serde_json::Value;

pub(crate) use sampling::Sampling;

/// What is special about a server that speaks OpenAI's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compatible {
    /// The dialects that it speaks.
    pub(crate) serves: &'static [Dialect],
    /// Parameters that it knows under another name: OpenAI's, and its own.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
    /// Parameters that it refuses, or passes over although they would change the answer.
    pub(crate) unknown: &'static [&'static str],
    /// Parameters that it refuses, but whose loss the client may prefer to its words.
    pub(crate) sampling: Sampling,
    /// What becomes of a developer's messages.
    pub(crate) developer: DeveloperRole,
    /// Whether content may be a list of parts; else it is a text.
    pub(crate) content_parts: bool,
    /// Where a model's thoughts go back to it.
    pub(crate) thoughts_field: Option<&'static str>,
    /// It knows `top_k`.
    pub(crate) top_k: bool,
    /// The path of its API, where a base is usually written without.
    pub(crate) path: &'static str,
    /// The header that carries the key; empty: `Authorization`, as Bearer.
    pub(crate) key_header: &'static str,
}

impl Compatible {
    /// As OpenAI itself.
    pub(crate) const OPENAI: Self = Self {
        serves: &[
            Dialect::OpenAiChat,
            Dialect::OpenAiCompletions,
            Dialect::OpenAiEmbeddings,
            Dialect::OpenAiResponses,
        ],
        renamed: &[],
        unknown: &[],
        sampling: Sampling::Free,
        developer: DeveloperRole::Kept,
        content_parts: true,
        thoughts_field: None,
        top_k: false,
        path: "",
        key_header: "",
    };

    /// As most who copied OpenAI's API some time ago.
    pub(crate) const COPY: Self = Self {
        serves: &[
            Dialect::OpenAiChat,
            Dialect::OpenAiCompletions,
            Dialect::OpenAiEmbeddings,
        ],
        renamed: &[(MAX_COMPLETION_TOKENS, MAX_TOKENS)],
        developer: DeveloperRole::System,
        ..Self::OPENAI
    };

    /// The same for those who write requests of other dialects.
    pub(crate) fn quirks(&self) -> Quirks {
        let longest = self
            .renamed
            .iter()
            .find(|(name, _)| *name == MAX_COMPLETION_TOKENS);
        Quirks {
            max_tokens_field: longest.map_or(MAX_COMPLETION_TOKENS, |(_, own)| own),
            developer: self.developer,
            stream_options: !self.unknown.contains(&"stream_options"),
            content_parts: self.content_parts,
            thoughts_field: self.thoughts_field,
            top_k: self.top_k,
            custom_tools: self.is_openai(),
        }
    }

    /// The server's name of a parameter.
    pub(crate) fn own_name<'a>(&self, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(openais, _)| *openais == name);
        renamed.map_or(name, |(_, own)| *own)
    }

    /// Whether every request can stay as it is.
    pub(crate) fn is_openai(&self) -> bool {
        self.renamed.is_empty()
            && self.unknown.is_empty()
            && matches!(self.sampling, Sampling::Free | Sampling::Thoughtless)
            && self.developer == DeveloperRole::Kept
            && self.content_parts
    }

    /// Whether a client's request has to be looked at. One that was translated says nothing of thoughts to a model that
    /// has none.
    pub(crate) fn adapts(&self) -> bool {
        !self.is_openai() || self.sampling != Sampling::Free
    }

    /// Makes a chat request one that the server understands. What is left out is told.
    ///
    /// # Errors
    /// A parameter would change the answer, and is not to be left out.
    pub(crate) fn adapt(
        &self,
        envelope: &Envelope,
        policy: impl FnOnce() -> Policy,
        edit: &mut Edit<'_>,
    ) -> Result<Vec<Lost>, TranslateError> {
        for (name, own) in self.renamed {
            if let Some(value) = envelope.field(name) {
                // Who says both has said it in the server's own words.
                if envelope.field(own).is_none() {
                    edit.set(own, value);
                }
                edit.remove(name);
            }
        }
        if let Some(messages) = self.messages(envelope) {
            edit.set("messages", messages);
        }
        let mut asked = self
            .unknown
            .iter()
            .filter(|name| envelope.field(name).is_some())
            .peekable();
        let mut sampled = self.sampling.refused(envelope).peekable();
        if asked.peek().is_none() && sampled.peek().is_none() {
            return Ok(Vec::new());
        }
        let policy = policy();
        let (mut lost, mut refused) = (Vec::new(), Vec::new());
        let allowed = |name: &str| policy.allowed.iter().any(|it| it == name);
        for name in sampled.filter(|name| policy.drop && !allowed(name)) {
            edit.remove(name);
            lost.push(Lost {
                name: name.into(),
                weight: weight(name),
            });
        }
        for name in asked.filter(|name| !allowed(name)) {
            let weight = weight(name);
            if weight == Weight::Parameter
                && !policy.drop
                && !policy.dropped.iter().any(|it| it == name)
            {
                refused.push((*name).to_owned());
                continue;
            }
            edit.remove(name);
            lost.push(Lost {
                name: (*name).into(),
                weight,
            });
        }
        if refused.is_empty() {
            return Ok(lost);
        }
        Err(TranslateError::Unsupported {
            params: refused,
            back: Dialect::OpenAiChat.name(),
        })
    }

    /// The messages, if they cannot stay as they are.
    fn messages(&self, envelope: &Envelope) -> Option<String> {
        let raw = envelope.field("messages")?;
        let developers = self.developer == DeveloperRole::System && has(raw, br#""developer""#);
        if self.content_parts && !developers {
            return None;
        }
        let Value::Array(mut messages) = serde_json::from_slice(raw).ok()? else {
            return None;
        };
        let mut changed = false;
        for message in messages.iter_mut().filter_map(Value::as_object_mut) {
            if developers && message.get("role").is_some_and(|role| role == "developer") {
                message.insert("role".to_owned(), Value::from("system"));
                changed = true;
            }
            if let Some(content) = message.get_mut("content").filter(|_| !self.content_parts)
                && let Some(text) = joined(content)
            {
                *content = Value::from(text);
                changed = true;
            }
        }
        changed.then(|| Value::Array(messages).to_string())
    }
}

/// The text of a list of parts that are nothing else.
fn joined(content: &Value) -> Option<String> {
    let texts = content.as_array()?.iter().map(|part| {
        let text = part.get("type").is_none_or(|kind| kind == "text");
        part.get("text").filter(|_| text)?.as_str()
    });
    texts.collect()
}

/// Whether leaving out a parameter makes another answer.
fn weight(name: &str) -> Weight {
    if HINTS.contains(&name) {
        Weight::Hint
    } else {
        Weight::Parameter
    }
}

fn has(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}

const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";
const MAX_TOKENS: &str = "max_tokens";
/// Without these the answer is as good.
const HINTS: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "user",
];

#[cfg(test)]
pub(super) mod tests {
    use super::Compatible;
    use bytes::Bytes;
    use gateway_core::{Envelope, Limits, Policy};

    pub(super) fn adapted(
        server: Compatible,
        policy: Policy,
        body: &'static str,
    ) -> Result<(String, String), String> {
        let envelope =
            Envelope::parse(Bytes::from_static(body.as_bytes()), Limits::default()).unwrap();
        let mut edit = envelope.edit();
        let lost = server
            .adapt(&envelope, || policy, &mut edit)
            .map_err(|error| error.to_string())?;
        let names: Vec<_> = lost.iter().map(|it| it.name.as_ref()).collect();
        let body = String::from_utf8(edit.finish().to_vec()).unwrap();
        Ok((body, names.join(",")))
    }

    #[test]
    fn a_copy_gets_its_own_words_and_roles() {
        let sent = |body| {
            adapted(Compatible::COPY, Policy::default(), body)
                .unwrap()
                .0
        };
        for (body, expected) in [
            (r#"{"max_completion_tokens":9}"#, r#"{"max_tokens":9}"#),
            (
                r#"{"max_completion_tokens":9,"max_tokens":8}"#,
                r#"{"max_tokens":8}"#,
            ),
            (
                r#"{"messages":[{"role":"developer","content":"x"}]}"#,
                r#"{"messages":[{"content":"x","role":"system"}]}"#,
            ),
            (
                r#"{"messages":[ {"role":"user","content":"\"developer\""} ]}"#,
                r#"{"messages":[ {"role":"user","content":"\"developer\""} ]}"#,
            ),
            (r#"{"messages":7}"#, r#"{"messages":7}"#),
        ] {
            let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(same(&sent(body)), same(expected), "{body}");
        }
    }

    #[test]
    fn parts_become_one_text_where_they_are_nothing_else() {
        let server = Compatible {
            content_parts: false,
            ..Compatible::OPENAI
        };
        let sent = |body| adapted(server, Policy::default(), body).unwrap().0;
        let parts =
            r#"{"messages":[{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#;
        assert_eq!(sent(parts), r#"{"messages":[{"content":"ab"}]}"#);
        let image = r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"x"}}]}]}"#;
        assert_eq!(sent(image), image);
    }

    #[test]
    fn what_the_server_does_not_know_is_refused_or_left_out_and_told() {
        let server = Compatible {
            unknown: &["logit_bias", "seed", "user"],
            ..Compatible::OPENAI
        };
        let body = r#"{"seed":1,"user":"u","logit_bias":{},"x":1}"#;
        let error = adapted(server, Policy::default(), body).unwrap_err();
        assert!(
            error.contains("logit_bias") && error.contains("seed") && !error.contains("user"),
            "{error}"
        );
        let policy = |drop, allowed: &[&str]| Policy {
            drop,
            allowed: allowed.iter().map(|it| (*it).to_owned()).collect(),
            ..Policy::default()
        };
        let sent = |policy| adapted(server, policy, body).unwrap();
        assert_eq!(
            sent(policy(true, &[])),
            (r#"{"x":1}"#.to_owned(), "logit_bias,seed,user".to_owned())
        );
        let (body, lost) = sent(policy(false, &["seed", "logit_bias"]));
        assert!(body.contains("seed") && !body.contains("user"), "{body}");
        assert_eq!(lost, "user");
    }
}
