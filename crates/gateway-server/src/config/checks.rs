//! How deployments are probed, and how much is told of them.

use super::said::General;
use std::time::Duration;

/// How deployments are probed, and how much is told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    /// From the end of one round of probes to the next; `None`: only when somebody asks.
    pub interval: Option<Duration>,
    /// Probes at a time, at least one.
    pub concurrency: usize,
    /// How much is told of a deployment.
    pub details: Details,
}

/// How much is told of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// All that is no secret.
    All,
    /// Its names.
    Names,
}

impl Checks {
    pub(super) fn said(general: &General) -> Self {
        let seconds = general.health_check_interval.unwrap_or(INTERVAL_SECONDS);
        let interval = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        let details = match general.health_check_details {
            Some(false) => Details::Names,
            _ => Details::All,
        };
        Self {
            interval: general.background_health_checks.then_some(interval),
            concurrency: general.health_check_concurrency.unwrap_or(AT_A_TIME).max(1),
            details,
        }
    }
}

/// LiteLLM's default.
const INTERVAL_SECONDS: f64 = 300.0;
const AT_A_TIME: usize = 10;
