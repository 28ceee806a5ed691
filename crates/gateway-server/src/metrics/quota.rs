//! What providers say is left of their rate limits, as the last answer had it.

use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// What is left of one deployment's rate limit.
#[derive(Debug)]
pub(crate) struct Quota {
    requests: AtomicU64,
    tokens: AtomicU64,
}

impl Quota {
    /// Notes what a header of an answer says, if it is about that.
    pub(crate) fn note(&self, name: &str, value: &HeaderValue) {
        let left = match name {
            "x-ratelimit-remaining-requests" | "anthropic-ratelimit-requests-remaining" => {
                &self.requests
            }
            "x-ratelimit-remaining-tokens" | "anthropic-ratelimit-tokens-remaining" => &self.tokens,
            _ => return,
        };
        if let Some(count) = value.to_str().ok().and_then(|it| it.trim().parse().ok()) {
            left.store(count, Ordering::Relaxed);
        }
    }

    /// What is known, by the label's value.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [("requests", &self.requests), ("tokens", &self.tokens)]
            .into_iter()
            .map(|(of, left)| (of, left.load(Ordering::Relaxed)))
            .filter(|(_, left)| *left != UNKNOWN)
    }
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(UNKNOWN),
            tokens: AtomicU64::new(UNKNOWN),
        }
    }
}

/// Nobody has said anything yet.
const UNKNOWN: u64 = u64::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_the_provider_counts_and_nonsense_does_not() {
        let quota = Quota::default();
        assert_eq!(quota.known().count(), 0);
        for (name, value) in [
            ("x-ratelimit-remaining-requests", "12"),
            ("x-ratelimit-remaining-requests", "many"),
            ("anthropic-ratelimit-tokens-remaining", "90"),
            ("anthropic-ratelimit-tokens-remaining", "80"),
            ("x-ratelimit-limit-tokens", "1"),
        ] {
            quota.note(name, &HeaderValue::from_static(value));
        }
        let known: Vec<_> = quota.known().collect();
        assert_eq!(known, [("requests", 12), ("tokens", 80)]);
    }
}
