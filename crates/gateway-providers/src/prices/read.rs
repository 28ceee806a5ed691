//! The table, as text: one model in each line, sorted by name, so that nothing has to be built to look one up.
//!
//! A line is `name`, the longest input, the longest answer, flags and prices, with tabs between. A flag is a letter: `r`
//! reasons, `n` does not, `R` only by the Responses API. A price is `kind[tier][@thousands]=picodollars`.

use super::{ModelFacts, Price, PriceKind, Prices, ServiceTier};

/// The table.
static TABLE: &str = include_str!("table.tsv");

/// What the table says of a model of exactly this name.
pub(super) fn find(name: &str) -> Option<ModelFacts> {
    let mut rest = TABLE;
    while !rest.is_empty() {
        let middle = rest.floor_char_boundary(rest.len() / 2);
        let (before, after) = rest.split_at(middle);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after.find('\n').map_or(rest.len(), |end| middle + end);
        let line = rest.get(start..end)?;
        let (found, facts) = line.split_once('\t')?;
        rest = match found.cmp(name) {
            std::cmp::Ordering::Equal => return facts_of(facts),
            std::cmp::Ordering::Less => rest.get(end + 1..).unwrap_or_default(),
            std::cmp::Ordering::Greater => rest.get(..start.saturating_sub(1))?,
        };
    }
    None
}

/// Dollars for a token in picodollars; `None` if it is no price.
pub(super) fn pico(dollars: f64) -> Option<u64> {
    let pico = (dollars * super::DOLLAR).round();
    (0.0..1e15)
        .contains(&pico)
        .then(|| format!("{pico:.0}").parse().ok())?
}

fn facts_of(line: &str) -> Option<ModelFacts> {
    let mut columns = line.split('\t');
    let max_input_tokens = columns.next()?.parse().ok();
    let max_output_tokens = columns.next()?.parse().ok();
    let flags = columns.next()?;
    let prices = columns.next()?.split(' ').filter_map(price).collect();
    Some(ModelFacts {
        max_input_tokens,
        max_output_tokens,
        reasons: if flags.contains('r') {
            Some(true)
        } else {
            flags.contains('n').then_some(false)
        },
        responses_only: flags.contains('R'),
        prices: Prices(prices),
    })
}

fn price(text: &str) -> Option<Price> {
    let (what, pico) = text.split_once('=')?;
    let (what, above) = what.split_once('@').unwrap_or((what, "0"));
    let mut letters = what.chars();
    let kind = match letters.next()? {
        'i' => PriceKind::Input,
        'o' => PriceKind::Output,
        'r' => PriceKind::CacheRead,
        'w' => PriceKind::CacheWrite,
        'h' => PriceKind::CacheWriteHour,
        't' => PriceKind::Reasoning,
        _ => return None,
    };
    let tier = match letters.next() {
        None => ServiceTier::Default,
        Some('p') => ServiceTier::Priority,
        Some('f') => ServiceTier::Flex,
        Some(_) => return None,
    };
    Some(Price {
        kind,
        tier,
        above: above.parse::<u64>().ok()?.checked_mul(1000)?,
        pico: pico.parse().ok()?,
    })
}

#[cfg(test)]
pub(super) fn table() -> &'static str {
    TABLE
}
