//! LiteLLM's `simple-shuffle`: weighted chance.

use fastrand::Rng;

use super::Candidate;
use crate::deployment::Deployment;

/// Picks one by chance: by the first of weight, `rpm` and `tpm` that any of them has non-zero, else all alike. Where a
/// deployment lacks what decides, its share is nothing.
pub(super) fn pick<'c, 'd>(
    candidates: &'c [Candidate<'d>],
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    if candidates.is_empty() {
        return None;
    }
    let deployments = || candidates.iter().map(|it| &**it.deployment);
    let Some((share, total)) = decisive(deployments) else {
        return candidates.get(rng.usize(..candidates.len()));
    };
    let mut left = rng.f64() * total;
    let chosen = candidates.iter().find(|it| {
        left -= share(it.deployment);
        left < 0.0
    });
    // Rounding may leave a crumb behind the last share: it is the last one's who has a share.
    chosen.or_else(|| candidates.iter().rfind(|it| share(it.deployment) > 0.0))
}

/// Which share of the calls `one` of `deployments` gets, 0 to 1.
pub(crate) fn share<'d, I: Iterator<Item = &'d Deployment>>(
    one: &Deployment,
    deployments: impl Fn() -> I,
) -> f64 {
    match decisive(&deployments) {
        Some((share, total)) => share(one) / total,
        None => 1.0 / f64::from(u32::try_from(deployments().count()).unwrap_or(u32::MAX)),
    }
}

/// What decides about the shares, and their sum.
fn decisive<'d, I: Iterator<Item = &'d Deployment>>(
    deployments: impl Fn() -> I,
) -> Option<(Share, f64)> {
    SHARES.into_iter().find_map(|share| {
        let total: f64 = deployments().map(share).sum();
        (total > 0.0).then_some((share, total))
    })
}

/// What a deployment's share is made of.
type Share = fn(&Deployment) -> f64;

const SHARES: [Share; 3] = [
    |deployment| deployment.weight.unwrap_or(0.0),
    |deployment| as_share(deployment.rpm),
    |deployment| as_share(deployment.tpm),
];

/// Limits above 2^32 per minute are all the same to a share.
fn as_share(limit: Option<u64>) -> f64 {
    f64::from(u32::try_from(limit.unwrap_or(0)).unwrap_or(u32::MAX))
}
