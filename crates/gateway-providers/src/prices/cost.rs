//! What an answer cost.

use gateway_core::Usage;

use super::{Cost, PriceKind, Prices, ServiceTier};

/// See [`Prices::cost`].
pub(super) fn of(prices: &Prices, usage: &Usage, tier: ServiceTier) -> Option<Cost> {
    let input = usage.input_tokens?;
    let price = |kind| prices.price(kind, tier, input);
    let plain = price(PriceKind::Input)?;
    let read = usage.cache_read_tokens.unwrap_or_default().min(input);
    let written = usage
        .cache_write_tokens
        .unwrap_or_default()
        .min(input - read);
    let hour = usage.cache_write_1h_tokens.unwrap_or_default().min(written);
    let write = price(PriceKind::CacheWrite).unwrap_or(plain);
    let cost_of_input = [
        (input - read - written, plain),
        (read, price(PriceKind::CacheRead).unwrap_or(plain)),
        (written - hour, write),
        (hour, price(PriceKind::CacheWriteHour).unwrap_or(write)),
    ];
    Some(Cost {
        input: sum(&cost_of_input),
        output: output(usage, price)?,
    })
}

/// Nothing for an answer without tokens, such as an embedding.
fn output(usage: &Usage, price: impl Fn(PriceKind) -> Option<u64>) -> Option<u128> {
    let Some(tokens @ 1..) = usage.output_tokens else {
        return Some(0);
    };
    let plain = price(PriceKind::Output)?;
    let thoughts = usage.reasoning_tokens.unwrap_or_default().min(tokens);
    Some(sum(&[
        (tokens - thoughts, plain),
        (thoughts, price(PriceKind::Reasoning).unwrap_or(plain)),
    ]))
}

fn sum(parts: &[(u64, u64)]) -> u128 {
    parts
        .iter()
        .map(|(tokens, pico)| u128::from(*tokens) * u128::from(*pico))
        .sum()
}
