//! Who found no place, and who waits for one.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::names;
use crate::admission::{Admission, Refused};

/// Counters of the way in.
#[derive(Debug)]
pub(super) struct AdmissionMetrics {
    refused: Family<Labels, Counter>,
    queued: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    reason: &'static str,
}

impl AdmissionMetrics {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let refused = Family::default();
        let queued = Gauge::default();
        registry.register(
            names::REFUSED,
            "Calls that found no place",
            Family::clone(&refused),
        );
        registry.register(
            names::QUEUED,
            "Calls that wait for a place",
            Gauge::clone(&queued),
        );
        Self { refused, queued }
    }

    pub(super) fn refused(&self, why: &Refused) {
        let reason = why.as_str();
        self.refused.get_or_create(&Labels { reason }).inc();
    }

    /// Looks at who is waiting now.
    pub(super) fn read(&self, admission: &Admission) {
        self.queued.set(admission.waiting().into());
    }
}
