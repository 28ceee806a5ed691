//! LiteLLM's `latency-based-routing`: fastest of late.

use std::time::Duration;

use fastrand::Rng;

use super::Candidate;

/// Picks one of those that are at most the share `buffer` slower than the fastest, all alike.
///
/// Who has no samples is tried first, by one call at a time: until that one tells, the others go to those that are
/// known. If nobody is known, chance decides.
pub(super) fn pick<'c, 'd>(
    candidates: &'c [Candidate<'d>],
    pace: impl Fn(&Candidate<'d>) -> Option<Duration>,
    buffer: f64,
    rng: &mut Rng,
) -> Option<&'c Candidate<'d>> {
    let mut fastest: Option<Duration> = None;
    let mut unknown = Reservoir::default();
    for candidate in candidates {
        match pace(candidate) {
            Some(pace) => fastest = Some(fastest.map_or(pace, |it| it.min(pace))),
            None if candidate.view.in_flight == 0 => unknown.offer(candidate, rng),
            None => {}
        }
    }
    let mut chosen = Reservoir::default();
    match fastest {
        _ if unknown.kept.is_some() => return unknown.kept,
        Some(fastest) => {
            let limit = fastest.as_secs_f64() * (1.0 + buffer.max(0.0));
            for candidate in candidates {
                let fast = |pace: Duration| pace <= fastest || pace.as_secs_f64() <= limit;
                if pace(candidate).is_some_and(fast) {
                    chosen.offer(candidate, rng);
                }
            }
        }
        None => candidates.iter().for_each(|it| chosen.offer(it, rng)),
    }
    chosen.kept
}

/// One of those that were offered, all alike.
#[derive(Default)]
struct Reservoir<'c, 'd> {
    kept: Option<&'c Candidate<'d>>,
    offered: u32,
}

impl<'c, 'd> Reservoir<'c, 'd> {
    fn offer(&mut self, candidate: &'c Candidate<'d>, rng: &mut Rng) {
        self.offered += 1;
        if rng.u32(..self.offered) == 0 {
            self.kept = Some(candidate);
        }
    }
}
