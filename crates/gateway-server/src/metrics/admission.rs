//! Who found no place, and who waits for one.

use std::fmt;
use std::sync::atomic::AtomicU64;

use super::calls::count;
use super::exposition::Exposition;
use super::families;
use super::series::Series;
use crate::admission::{Admission, Refused};

/// Counters of the way in.
#[derive(Debug)]
pub(super) struct AdmissionMetrics {
    refused: Series<AtomicU64, 1>,
}

impl AdmissionMetrics {
    pub(super) fn new() -> Self {
        Self {
            refused: Series::new(&families::REFUSED, AtomicU64::default),
        }
    }

    pub(super) fn refused(&self, why: &Refused) {
        count(&self.refused.at([why.as_str().into()]));
    }

    pub(super) fn write(&self, admission: &Admission, page: &mut Exposition<'_>) -> fmt::Result {
        page.family(&families::QUEUED, |samples| {
            samples.level(&[], admission.waiting())
        })?;
        self.refused.write(page)
    }
}
