//! What models cost, how much they take, and what they can do: a table from public data, compiled in.
//!
//! The table is `prices/table.tsv`, made by `cargo xtask prices FILE` from LiteLLM's `model_prices_and_context_window.json`
//! (MIT License; see NOTICE). It is never fetched. A model that it does not have costs an unknown amount, not nothing.

mod cost;
mod known;
mod read;

use gateway_core::Usage;

pub(crate) use known::KnownModel;

/// What is known of a model. Prices are in picodollars per token, so that they are whole numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Tokens of input that it takes.
    pub max_input_tokens: Option<u64>,
    /// The longest answer, in tokens.
    pub max_output_tokens: Option<u64>,
    /// Whether it can be told how much to think; `None` if nobody knows.
    pub reasons: Option<bool>,
    /// Whether only the Responses API has it.
    pub responses_only: bool,
    /// What its tokens cost.
    pub prices: Prices,
}

/// What the tokens of a model cost, by the length of the input and the tier of service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices(Vec<Price>);

/// One price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Price {
    kind: PriceKind,
    tier: ServiceTier,
    /// Holds for inputs of more tokens than this.
    above: u64,
    /// Picodollars for each token.
    pico: u64,
}

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceKind {
    /// A token of the input.
    Input,
    /// A token of the answer.
    Output,
    /// A token of the input that came from a cache.
    CacheRead,
    /// A token of the input that went into a cache.
    CacheWrite,
    /// The same, to stay for an hour.
    CacheWriteHour,
    /// A token of thoughts, where it has a price of its own.
    Reasoning,
}

/// How fast, and so how dear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServiceTier {
    /// As always.
    #[default]
    Default,
    /// OpenAI's `priority`.
    Priority,
    /// OpenAI's `flex`.
    Flex,
}

/// What an answer cost, in picodollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// For the input, caches included.
    pub input: u128,
    /// For the answer.
    pub output: u128,
}

impl ModelFacts {
    /// What is known of `model` at `provider`, by the names that LiteLLM has for both. With another name for the model
    /// where the operator knows better (`base_model`).
    pub fn of(provider: &str, model: &str) -> Option<Self> {
        names(provider, model).find_map(|name| read::find(&name))
    }
}

impl Prices {
    /// The same, with this price for all tiers and lengths: the operator's word.
    #[must_use]
    pub fn with(mut self, kind: PriceKind, dollars_per_token: f64) -> Self {
        if let Some(pico) = read::pico(dollars_per_token) {
            self.0.retain(|price| price.kind != kind);
            self.0.push(Price {
                kind,
                tier: ServiceTier::Default,
                above: 0,
                pico,
            });
        }
        self
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Dollars for a token, for short inputs at the usual tier.
    pub fn dollars(&self, kind: PriceKind) -> Option<f64> {
        let pico = self.price(kind, ServiceTier::Default, 0)?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a price is far below 2^53 picodollars"
        )]
        let dollars = pico as f64 / DOLLAR;
        Some(dollars)
    }

    /// What `usage` cost, whose input counts what came from a cache and what went into one. `None` if a price or a count
    /// is not known.
    pub fn cost(&self, usage: &Usage, tier: ServiceTier) -> Option<Cost> {
        cost::of(self, usage, tier)
    }

    /// The price for a token of an input of `length` tokens, or of the answer to it.
    fn price(&self, kind: PriceKind, tier: ServiceTier, length: u64) -> Option<u64> {
        let of = |tier| {
            let fitting = self
                .0
                .iter()
                .filter(|it| it.kind == kind && it.tier == tier)
                .filter(|it| it.above == 0 || length > it.above);
            fitting.max_by_key(|it| it.above).map(|it| it.pico)
        };
        of(tier).or_else(|| of(ServiceTier::Default))
    }
}

impl ServiceTier {
    /// The tier that a request asks for.
    pub fn named(word: &str) -> Self {
        match word {
            "priority" => Self::Priority,
            "flex" => Self::Flex,
            _ => Self::Default,
        }
    }
}

impl Cost {
    /// Both together, in dollars.
    pub fn dollars(&self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "sixteen digits are enough for a bill"
        )]
        let pico = (self.input + self.output) as f64;
        pico / DOLLAR
    }
}

/// Under which names a model may stand in the table, best first.
fn names(provider: &str, model: &str) -> impl Iterator<Item = String> {
    let bare = model.rsplit('/').next().unwrap_or(model);
    // Bedrock's inference profiles begin with a place.
    let placeless = bare
        .split_once('.')
        .filter(|(place, _)| PLACES.contains(place))
        .map(|(_, rest)| rest);
    let mut names = vec![format!("{provider}/{model}"), model.to_owned()];
    if bare != model {
        names.push(format!("{provider}/{bare}"));
        names.push(bare.to_owned());
    }
    names.extend(placeless.map(str::to_owned));
    names.into_iter()
}

const PLACES: [&str; 7] = ["us", "eu", "apac", "global", "jp", "au", "us-gov"];
/// Picodollars.
const DOLLAR: f64 = 1e12;

#[cfg(test)]
mod tests;
