//! LiteLLM's `simple-shuffle`: weighted chance.

use std::sync::Arc;

use fastrand::Rng;

use crate::deployment::Deployment;

/// Picks one of `candidates` by chance: among those of the lowest `order` that any of them has, by the first of
/// weight, `rpm` and `tpm` that any of those has non-zero, else all alike. Where a deployment lacks what decides,
/// its share is nothing.
pub(crate) fn pick<'d>(
    candidates: &'d [Arc<Deployment>],
    rng: &mut Rng,
) -> Option<&'d Arc<Deployment>> {
    if let [only] = candidates {
        return Some(only);
    }
    let level = candidates.iter().filter_map(|it| it.order).min();
    let eligible = || {
        candidates
            .iter()
            // Who has no level is out as soon as somebody has one.
            .filter(|it| level.is_none() || it.order == level)
    };
    for share in SHARES {
        let total: f64 = eligible().map(|it| share(it)).sum();
        if total > 0.0 {
            let mut left = rng.f64() * total;
            let chosen = eligible().find(|it| {
                left -= share(it);
                left < 0.0
            });
            // Rounding may leave a crumb behind the last share: it is the last one's who has a share.
            return chosen.or_else(|| eligible().rfind(|it| share(it) > 0.0));
        }
    }
    let count = eligible().count();
    if count == 0 {
        return None;
    }
    eligible().nth(rng.usize(..count))
}

const SHARES: [fn(&Deployment) -> f64; 3] = [
    |deployment| deployment.weight.unwrap_or(0.0),
    |deployment| as_share(deployment.rpm),
    |deployment| as_share(deployment.tpm),
];

/// Limits above 2^32 per minute are all the same to a share.
fn as_share(limit: Option<u64>) -> f64 {
    f64::from(u32::try_from(limit.unwrap_or(0)).unwrap_or(u32::MAX))
}
