//! `cargo xtask prices FILE`: makes the table of prices and context windows from LiteLLM's public data.
//!
//! The file is `model_prices_and_context_window.json` of the LiteLLM repository (MIT License). Nothing is fetched.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::failure::{Doing, Failure, Result};
use crate::shell;

/// Options of `cargo xtask prices`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// LiteLLM's `model_prices_and_context_window.json`.
    file: PathBuf,
}

/// Writes the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    let text = std::fs::read_to_string(&args.file)
        .doing(format!("cannot read {}", args.file.display()))?;
    let models: BTreeMap<String, Map<String, Value>> =
        serde_json::from_str(&text).doing("the file is no table of models")?;
    let table = table(&models);
    let lines = table.lines().count();
    if lines < FEWEST {
        return Err(Failure::new(format!(
            "only {lines} models are left, which cannot be the whole file"
        )));
    }
    let path = shell::root().join(TABLE);
    std::fs::write(&path, table).doing(format!("cannot write {}", path.display()))?;
    println!("{lines} models in {}", path.display());
    Ok(())
}

/// The lines of the models that can be asked here, sorted by name. The format is told where it is read.
fn table(models: &BTreeMap<String, Map<String, Value>>) -> String {
    let mut table = String::new();
    for (name, facts) in models {
        let mode = facts.get("mode").and_then(Value::as_str).unwrap_or("chat");
        if name.contains(['\t', '\n']) || name == "sample_spec" || !MODES.contains(&mode) {
            continue;
        }
        let number = |key: &str| {
            let number = facts.get(key).and_then(Value::as_f64);
            number.map_or_else(String::new, |it| format!("{it:.0}"))
        };
        let longest_input = match number("max_input_tokens") {
            none if none.is_empty() => number("max_tokens"),
            some => some,
        };
        let line = format!(
            "{name}\t{longest_input}\t{}\t{}\t{}\n",
            number("max_output_tokens"),
            flags(mode, facts),
            prices(facts)
        );
        table.push_str(&line);
    }
    table
}

fn flags(mode: &str, facts: &Map<String, Value>) -> String {
    let mut flags = String::new();
    match facts.get("supports_reasoning").and_then(Value::as_bool) {
        Some(true) => flags.push('r'),
        // A chat model of which much is known, and not that it reasons.
        _ if mode == "chat" && facts.contains_key("supports_function_calling") => flags.push('n'),
        _ => {}
    }
    if mode == "responses" {
        flags.push('R');
    }
    flags
}

fn prices(facts: &Map<String, Value>) -> String {
    let mut prices = String::new();
    for (key, value) in facts {
        let Some((what, dollars)) = price_of(key).zip(value.as_f64()) else {
            continue;
        };
        if !prices.is_empty() {
            prices.push(' ');
        }
        let _never = write!(prices, "{what}={:.0}", dollars * PICO);
    }
    prices
}

/// What a key of the file is a price for: kind, tier and thousands of tokens. `None` for any other key.
fn price_of(key: &str) -> Option<String> {
    let (kind, mut rest) = KINDS
        .iter()
        .find_map(|(start, kind)| Some((*kind, key.strip_prefix(start)?)))?;
    let mut above = None;
    if let Some(behind) = rest.strip_prefix("_above_") {
        let (thousands, tier) = behind.split_once("k_tokens")?;
        above = Some(thousands.parse::<u64>().ok()?);
        rest = tier;
    }
    let tier = match rest {
        "" => "",
        "_priority" => "p",
        "_flex" => "f",
        _ => return None,
    };
    let above = above.map_or_else(String::new, |thousands| format!("@{thousands}"));
    Some(format!("{kind}{tier}{above}"))
}

/// Beginnings of keys, a longer one before what it begins with.
const KINDS: &[(&str, char)] = &[
    ("input_cost_per_token", 'i'),
    ("output_cost_per_token", 'o'),
    ("output_cost_per_reasoning_token", 't'),
    ("cache_read_input_token_cost", 'r'),
    ("cache_creation_input_token_cost_above_1hr", 'h'),
    ("cache_creation_input_token_cost", 'w'),
];
const MODES: &[&str] = &["chat", "completion", "responses", "embedding"];
const PICO: f64 = 1e12;
/// A file with fewer models was cut.
const FEWEST: usize = 2_000;
const TABLE: &str = "crates/gateway-providers/src/prices/table.tsv";

#[cfg(test)]
mod tests {
    use super::{price_of, table};

    #[test]
    fn keys_are_prices_by_kind_tier_and_length() {
        for (key, price) in [
            ("input_cost_per_token", Some("i")),
            (
                "output_cost_per_token_above_200k_tokens_priority",
                Some("op@200"),
            ),
            ("cache_read_input_token_cost_flex", Some("rf")),
            ("cache_creation_input_token_cost_above_1hr", Some("h")),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                Some("h@200"),
            ),
            ("output_cost_per_reasoning_token", Some("t")),
            ("input_cost_per_token_batches", None),
            ("input_cost_per_audio_token", None),
        ] {
            assert_eq!(price_of(key).as_deref(), price, "{key}");
        }
    }

    #[test]
    fn a_model_is_one_line_and_what_is_no_model_none() {
        let models = serde_json::json!({
            "b": {"mode": "chat", "input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5, "max_input_tokens": 128000,
                "supports_reasoning": true},
            "a": {"mode": "responses", "max_output_tokens": 10.0},
            "c": {"mode": "image_generation"},
            "sample_spec": {"mode": "chat"},
        });
        let models = serde_json::from_value(models).unwrap();
        assert_eq!(
            table(&models),
            "a\t\t10\tR\t\nb\t128000\t\tr\ti=2500000 o=10000000\n"
        );
    }
}
