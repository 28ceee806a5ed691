//! LiteLLM's `usage-based-routing-v2`: fewest tokens in this minute.

use fastrand::Rng;

use super::{Candidate, least};

/// Picks one of those that used the fewest tokens in this minute; among equals those with the fewest requests, whose
/// tokens are not known before they have ended. Who is at a limit is no candidate any more.
pub(super) fn pick<'c, 'd>(
    candidates: &'c [Candidate<'d>],
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    least(candidates, |it| (it.view.tokens, it.view.requests), rng)
}
