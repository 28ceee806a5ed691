//! Token counts as providers report them.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::object;

/// Token counts of one answer, each as the provider reported it; `None` where it said nothing.
///
/// Providers count differently: OpenAI's `input_tokens` (`prompt_tokens`) include what was read from a cache,
/// Anthropic's do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, reasoning included.
    pub output_tokens: Option<u64>,
    /// Prompt tokens that came from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Prompt tokens that were written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Of these, the ones that stay there for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Tokens of the answer that were reasoning.
    pub reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Takes over what `later` knows: streams report cumulative counts, so the later figure wins.
    pub fn merge(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.cache_read_tokens = later.cache_read_tokens.or(self.cache_read_tokens);
        self.cache_write_tokens = later.cache_write_tokens.or(self.cache_write_tokens);
        self.cache_write_1h_tokens = later.cache_write_1h_tokens.or(self.cache_write_1h_tokens);
        self.reasoning_tokens = later.reasoning_tokens.or(self.reasoning_tokens);
    }

    /// The same where the input counts what came from a cache and what went into one: from a provider that counts these
    /// beside it (Anthropic, Bedrock).
    #[must_use]
    pub fn with_cache_in_input(mut self) -> Self {
        self.input_tokens = self.input_tokens.map(|tokens| {
            tokens
                .saturating_add(self.cache_read_tokens.unwrap_or_default())
                .saturating_add(self.cache_write_tokens.unwrap_or_default())
        });
        self
    }

    /// The same where the input does not count them: what [`Usage::with_cache_in_input`] was made of.
    #[must_use]
    pub fn without_cache_in_input(mut self) -> Self {
        self.input_tokens = self.input_tokens.map(|tokens| {
            tokens
                .saturating_sub(self.cache_read_tokens.unwrap_or_default())
                .saturating_sub(self.cache_write_tokens.unwrap_or_default())
        });
        self
    }

    /// Whether the provider reported nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads a `usage` object of either family; what is not understood counts as not reported.
    pub(crate) fn read(raw: &RawValue) -> Self {
        let wire: WireUsage = object(raw.get()).unwrap_or_default();
        let input_details = wire
            .prompt_tokens_details
            .or(wire.input_tokens_details)
            .unwrap_or_default();
        let output_details = wire
            .completion_tokens_details
            .or(wire.output_tokens_details)
            .unwrap_or_default();
        Self {
            input_tokens: wire.prompt_tokens.0.or(wire.input_tokens.0),
            output_tokens: wire.completion_tokens.0.or(wire.output_tokens.0),
            cache_read_tokens: (wire.cache_read_input_tokens.0)
                .or(input_details.cached_tokens.0)
                .or(wire.prompt_cache_hit_tokens.0),
            cache_write_tokens: wire
                .cache_creation_input_tokens
                .0
                .or(input_details.cache_write_tokens.0),
            cache_write_1h_tokens: wire
                .cache_creation
                .and_then(|it| it.ephemeral_1h_input_tokens.0),
            reasoning_tokens: output_details.reasoning_tokens.0,
        }
    }
}

/// Every spelling in use: OpenAI's, Anthropic's and those of servers that are compatible with them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireUsage {
    prompt_tokens: Count,
    completion_tokens: Count,
    input_tokens: Count,
    output_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    prompt_cache_hit_tokens: Count,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
    cache_creation: Option<CacheCreation>,
}

/// Anthropic's split of what was written by how long it stays.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_1h_input_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    cached_tokens: Count,
    cache_write_tokens: Count,
    #[serde(alias = "thinking_tokens")]
    reasoning_tokens: Count,
}

/// A whole number, however written; anything else is `None` and no error, because a strange figure must not end a
/// stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl<'de> Visitor<'de> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a count")
    }

    fn visit_u64<E>(self, value: u64) -> Result<Count, E> {
        Ok(Count(Some(value)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Count, E> {
        // Floats hold every whole number up to 2^53; a count above that is nonsense.
        let whole = value.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&value);
        Ok(Count(
            whole.then(|| format!("{value:.0}").parse().ok()).flatten(),
        ))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_unit<E>(self) -> Result<Count, E> {
        Ok(Count(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Count, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Count(None))
    }
}

#[cfg(test)]
mod tests {
    use super::Usage;

    fn read(json: &str) -> Usage {
        Usage::read(serde_json::from_str(json).expect("the test's JSON is valid"))
    }

    #[test]
    fn openai_counts_are_read_with_their_details() {
        let usage = read(
            r#"{"prompt_tokens":10,"completion_tokens":20.0,"total_tokens":30,
                "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":7}}"#,
        );
        assert_eq!(usage.input_tokens, Some(10));
        assert_eq!(usage.output_tokens, Some(20));
        assert_eq!(usage.cache_read_tokens, Some(4));
        assert_eq!(usage.reasoning_tokens, Some(7));
    }

    #[test]
    fn anthropic_counts_are_read_with_both_cache_figures() {
        let usage = read(
            r#"{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":4}"#,
        );
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(1), Some(2))
        );
        assert_eq!(
            (usage.cache_read_tokens, usage.cache_write_tokens),
            (Some(3), Some(4))
        );
    }

    #[test]
    fn strange_counts_are_not_reported_and_no_error() {
        for json in [
            r#"{"prompt_tokens":-1,"completion_tokens":"2","input_tokens":1e300,"output_tokens":[{"a":1}]}"#,
            r#"{"prompt_tokens":null,"completion_tokens":1.5,"prompt_tokens_details":null}"#,
            r#"[1,2]"#,
            "null",
        ] {
            assert!(read(json).is_empty(), "{json}");
        }
    }

    #[test]
    fn a_later_figure_wins_and_silence_keeps_the_earlier_one() {
        let mut usage = read(r#"{"input_tokens":5,"output_tokens":1}"#);
        usage.merge(read(r#"{"output_tokens":9}"#));
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(5), Some(9))
        );
    }
}
