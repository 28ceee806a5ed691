//! How many calls may be under way at once, and what becomes of one too many.
//!
//! A call has its place before its body is read, and keeps it until its response has ended. Beyond the places there is a
//! line of bounded length, first come, first served; whoever finds it full is refused at once. Without bounds nothing is
//! counted.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use gateway_core::{EndReason, ErrorInfo, ErrorKind, TimerName};
use gateway_router::{Origin, RequestTimers, RouterTimers, Slot, Slots, Timer};
use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use crate::config::Admission as Bounds;
use crate::respond::Failure;

/// The places of the process, all workers together.
#[derive(Debug)]
pub(crate) struct Admission(ArcSwap<Rules>);

/// What holds for calls that come in now.
#[derive(Debug)]
struct Rules {
    bounds: Bounds,
    timers: RouterTimers,
    in_flight: Option<Arc<Slots>>,
    parallel: Option<Arc<Slots>>,
}

/// A call's places. Dropping them gives each to the call that has waited longest.
pub(crate) type Places = [Option<Slot>; 2];

/// Why a call has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The line is full.
    Full,
    /// It has waited in line for as long as calls may.
    Waited(Duration),
    /// The call's own timer fired before that.
    Expired(Timer),
    /// More calls than may run in parallel.
    Parallel,
    /// The process has nearly no descriptors left.
    Crowded,
}

impl Admission {
    /// So many places, for calls that have this much time.
    pub(crate) fn new(bounds: Bounds, timers: RouterTimers) -> Self {
        Self(ArcSwap::from_pointee(Rules::new(bounds, timers, None)))
    }

    /// Other bounds from now on. Calls keep the places that they have, and those in line stay there; a bound that is new
    /// does not count the calls that came in without a place.
    pub(crate) fn change(&self, bounds: Bounds, timers: RouterTimers) {
        let before = self.0.load_full();
        self.0
            .store(Arc::new(Rules::new(bounds, timers, Some(&before))));
    }

    /// Waits for the places of a call that came in at `started`. `None`: nothing is bounded.
    ///
    /// # Errors
    /// Why there is none.
    ///
    /// # Cancel safety
    /// Dropping this leaves the line.
    pub(crate) async fn enter(
        &self,
        headers: &HeaderMap,
        started: Instant,
    ) -> Result<Option<Box<Places>>, Refused> {
        let rules = self.0.load();
        if rules.in_flight.is_none() && rules.parallel.is_none() {
            return Ok(None);
        }
        let rules = Guard::into_inner(rules);
        let parallel = match &rules.parallel {
            Some(slots) => Some(slots.try_acquire().ok_or(Refused::Parallel)?),
            None => None,
        };
        let in_flight = match &rules.in_flight {
            Some(slots) => Some(rules.line_up(slots, headers, started).await?),
            None => None,
        };
        Ok(Some(Box::new([parallel, in_flight])))
    }

    /// Calls that wait in line.
    pub(crate) fn waiting(&self) -> u32 {
        let rules = self.0.load();
        rules.in_flight.as_ref().map_or(0, |slots| slots.waiting())
    }
}

impl Rules {
    /// With the slots of those `before`, where both are bounded.
    fn new(bounds: Bounds, timers: RouterTimers, before: Option<&Self>) -> Self {
        let slots = |limit: Option<usize>, queue, before: Option<&Arc<Slots>>| {
            let (limit, queue) = (count(limit?), count(queue));
            Some(match before {
                Some(slots) => {
                    slots.set_limits(limit, queue);
                    Arc::clone(slots)
                }
                None => Arc::new(Slots::new(limit, queue)),
            })
        };
        let in_flight = before.and_then(|it| it.in_flight.as_ref());
        let parallel = before.and_then(|it| it.parallel.as_ref());
        Self {
            in_flight: slots(bounds.max_in_flight, bounds.max_queued, in_flight),
            parallel: slots(bounds.max_parallel, 0, parallel),
            bounds,
            timers,
        }
    }

    async fn line_up(
        &self,
        slots: &Arc<Slots>,
        headers: &HeaderMap,
        started: Instant,
    ) -> Result<Slot, Refused> {
        if let Some(slot) = slots.try_acquire() {
            return Ok(slot);
        }
        let patience = self.bounds.queue_timeout;
        // What the body says of timers is not read yet.
        let call = self.timers.call(&RequestTimers {
            timeout: own_timer(headers),
            ..RequestTimers::default()
        });
        let limit = call.limit.min(patience);
        match timeout_at(started + limit, slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_full)) => Err(Refused::Full),
            Err(_elapsed) if call.limit < patience => Err(Refused::Expired(call)),
            Err(_elapsed) => Err(Refused::Waited(patience)),
        }
    }
}

impl Refused {
    /// For metrics.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Full => "queue_full",
            Self::Waited(_) => "queue_timeout",
            Self::Expired(_) => "deadline",
            Self::Parallel => "parallel",
            Self::Crowded => "descriptors",
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let (kind, message) = match &refused {
            Refused::Expired(timer) => return Self::timer(TimerName::Call, timer),
            Refused::Full => (
                ErrorKind::Unavailable,
                "The gateway has as many calls under way as it takes.".to_owned(),
            ),
            Refused::Waited(patience) => (
                ErrorKind::Unavailable,
                format!(
                    "The gateway has as many calls under way as it takes, and none ended within {} s.",
                    patience.as_secs_f64()
                ),
            ),
            Refused::Parallel => (
                ErrorKind::RateLimit,
                "More calls in parallel than the gateway's operator allows.".to_owned(),
            ),
            Refused::Crowded => (
                ErrorKind::Unavailable,
                "The gateway has no room for more connections.".to_owned(),
            ),
        };
        let mut failure = Self::new(EndReason::Rejected, ErrorInfo::new(kind, message));
        failure.detail = Some(format!("not admitted: {}", refused.as_str()));
        // Spread: all that are refused in one moment would be back in one moment.
        failure.retry_after = Some(Duration::from_secs(fastrand::u64(RETRY_AFTER)));
        failure
    }
}

/// The time that a client gives its call in a header, if it can be read: what cannot is refused later, with the reason.
fn own_timer(headers: &HeaderMap) -> Option<Timer> {
    let seconds = headers.get(TIMEOUT)?.to_str().ok()?.trim().parse().ok()?;
    Some(Timer {
        limit: Duration::try_from_secs_f64(seconds).ok()?,
        origin: Origin::Header(TIMEOUT),
    })
}

fn count(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

const TIMEOUT: &str = "x-litellm-timeout";
/// Seconds after which a refused client may ask again.
const RETRY_AFTER: std::ops::RangeInclusive<u64> = 1..=3;

#[cfg(test)]
mod tests;
