//! LiteLLM's `least-busy`: fewest attempts under way.

use fastrand::Rng;

use super::{Candidate, least};

/// Picks one of those with the fewest attempts under way, streams included, all alike.
pub(super) fn pick<'c, 'd>(
    candidates: &'c [Candidate<'d>],
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    least(candidates, |it| it.view.in_flight, rng)
}
