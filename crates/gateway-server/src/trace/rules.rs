//! What the configuration says of traces.

use crate::config::{Propagate, Sampler, Settings};
use gateway_providers::Environment;
#[cfg(feature = "otlp")]
use std::sync::Arc;

#[cfg(feature = "otlp")]
use super::export::Target;

/// What the configuration says of traces.
#[derive(Debug)]
pub(crate) struct TraceRules {
    /// Where spans go; `None`: none are made.
    #[cfg(feature = "otlp")]
    pub target: Option<Arc<Target>>,
    /// Which providers see the trace that a call belongs to.
    pub propagate: Propagate,
    /// Whether clients speak TLS with the gateway.
    pub encrypted: bool,
    sampler: Sampler,
}

impl TraceRules {
    /// As `settings` say.
    pub(crate) fn new(settings: &Settings, environment: &Environment) -> Self {
        let said = &settings.tracing;
        #[cfg(not(feature = "otlp"))]
        let _nothing_to_connect_to = environment;
        Self {
            #[cfg(feature = "otlp")]
            target: Target::new(said.export.as_ref(), environment),
            propagate: said.propagate,
            encrypted: settings.listen.tls.is_some(),
            sampler: said.sampler,
        }
    }

    /// Whether spans are made of calls.
    pub(crate) fn collects(&self) -> bool {
        #[cfg(feature = "otlp")]
        {
            self.target.is_some()
        }
        #[cfg(not(feature = "otlp"))]
        {
            false
        }
    }

    /// Whether spans are made of a call. `by_caller` is the caller's decision, if there is a caller with a trace. The rest
    /// is decided by the id, so that all who see the trace decide alike.
    pub(super) fn samples(&self, by_caller: Option<bool>, trace_id: u128) -> bool {
        let Sampler { by_parent, ratio } = self.sampler;
        if let Some(sampled) = by_caller.filter(|_| by_parent) {
            return sampled;
        }
        // A mantissa has 53 bits.
        let low = u64::try_from(trace_id & u128::from(u64::MAX)).unwrap_or_default() >> 11;
        #[expect(
            clippy::cast_precision_loss,
            reason = "it has no more bits than a mantissa"
        )]
        let share = low as f64 / (1_u64 << 53) as f64;
        share < ratio
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(by_parent: bool, ratio: f64) -> TraceRules {
        TraceRules {
            #[cfg(feature = "otlp")]
            target: None,
            propagate: Propagate::Auto,
            encrypted: false,
            sampler: Sampler { by_parent, ratio },
        }
    }

    #[test]
    fn the_callers_decision_counts_where_it_is_asked_for() {
        for (by_parent, ratio, by_caller, expected) in [
            (true, 1.0, None, true),
            (true, 1.0, Some(false), false),
            (true, 0.0, Some(true), true),
            (true, 0.0, None, false),
            (false, 0.0, Some(true), false),
            (false, 1.0, Some(false), true),
        ] {
            let rules = rules(by_parent, ratio);
            for id in [1, u128::MAX, 1 << 127, u128::from(u64::MAX)] {
                let sampled = rules.samples(by_caller, id);
                assert_eq!(
                    sampled, expected,
                    "{by_parent} {ratio} {by_caller:?} {id:x}"
                );
            }
        }
    }

    #[test]
    fn a_share_of_the_traces_is_that_share() {
        let rules = rules(true, 0.25);
        let mut random = fastrand::Rng::with_seed(7);
        let sampled = (0..10_000)
            .filter(|_| rules.samples(None, random.u128(..)))
            .count();
        assert!((2_300..2_700).contains(&sampled), "{sampled}");
    }
}
