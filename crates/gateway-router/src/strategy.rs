//! How one of several deployments that could all serve is chosen: values in, a choice out.

mod cost;
mod latency;
mod least_busy;
pub(crate) mod shuffle;
#[cfg(test)]
mod tests;
mod usage;

use std::sync::Arc;

use fastrand::Rng;
use tokio::time::Instant;

use crate::config::Strategy;
use crate::deployment::Deployment;
use crate::ledger::View;

/// A deployment that could serve, as it stands now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'d> {
    pub(crate) deployment: &'d Arc<Deployment>,
    pub(crate) view: View,
}

impl Strategy {
    /// Chooses one of `candidates`; `None` if there is none. `stream`: what is asked for is a stream.
    pub(crate) fn pick<'c, 'd>(
        self,
        candidates: &'c [Candidate<'d>],
        stream: bool,
        rng: &mut Rng,
        now: Instant,
    ) -> Option<&'c Candidate<'d>> {
        if let [only] = candidates {
            return Some(only);
        }
        match self {
            Self::SimpleShuffle => shuffle::pick(candidates, rng),
            Self::LeastBusy => least_busy::pick(candidates, rng),
            Self::Latency { buffer, ttl } => {
                let pace = |it: &Candidate<'_>| {
                    let pace = it.deployment.ledger.pace(now, ttl);
                    if stream {
                        pace.first_content
                    } else {
                        pace.whole
                    }
                };
                latency::pick(candidates, pace, buffer, rng)
            }
            Self::Usage => usage::pick(candidates, rng),
            Self::Cost => cost::pick(candidates, rng),
        }
    }

    /// Whether deployments at their limits per minute are left out, whatever is checked otherwise.
    pub(crate) const fn keeps_limits(self) -> bool {
        matches!(self, Self::Usage | Self::Latency { .. })
    }
}

/// One of those with the smallest key, all alike.
fn least<'c, 'd, K: PartialOrd>(
    candidates: &'c [Candidate<'d>],
    key: impl Fn(&Candidate<'d>) -> K,
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    let mut best: Option<(K, &'c Candidate<'d>)> = None;
    let mut equals = 1;
    for candidate in candidates {
        let key = key(candidate);
        match &best {
            Some((least, _)) if key > *least => {}
            Some((least, _)) if key == *least => {
                // The n-th equal one replaces its forerunner once in n times: all are as likely.
                equals += 1;
                if rng.u32(..equals) == 0 {
                    best = Some((key, candidate));
                }
            }
            _ => {
                equals = 1;
                best = Some((key, candidate));
            }
        }
    }
    best.map(|(_, candidate)| candidate)
}
