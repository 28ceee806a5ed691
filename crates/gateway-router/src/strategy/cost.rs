//! LiteLLM's `cost-based-routing`: cheapest first.

use fastrand::Rng;

use super::{Candidate, least};

/// Picks one of those whose tokens of input and output cost least together, all alike; who has no price comes last.
pub(super) fn pick<'c, 'd>(
    candidates: &'c [Candidate<'d>],
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    let cost = |it: &Candidate<'_>| {
        let price = it.deployment.price;
        price.map_or(f64::INFINITY, |price| price.input + price.output)
    };
    least(candidates, cost, rng)
}
