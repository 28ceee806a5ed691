//! The timers of a stream that has been opened towards its client: which are due, and when the next one is.

use std::time::Duration;

use gateway_core::{EndReason, ErrorInfo, ErrorKind, TimerName};
use gateway_router::{Attempt, Timer};
use tokio::time::Instant;

use crate::respond::expiry;
use crate::upstream::Ending;

/// The timers of a stream that has been opened towards its client.
#[derive(Clone, Debug)]
pub(crate) struct StreamTimers {
    /// When the whole call must be over.
    pub call: (Instant, Timer),
    /// When the attempt that answers must be over.
    pub attempt: Option<(Instant, Timer)>,
    /// How long the provider may be silent between contents.
    pub idle: Option<Timer>,
    /// When the first content must be there, if it is not yet.
    pub first_content: Option<(Instant, Timer)>,
    /// How long the client may be left without a byte.
    pub heartbeat: Option<Duration>,
}

impl StreamTimers {
    /// The timers of a call that nobody has answered yet.
    pub(crate) fn of_call(call: (Instant, Timer), heartbeat: Option<Duration>) -> Self {
        Self {
            call,
            attempt: None,
            idle: None,
            first_content: None,
            heartbeat,
        }
    }

    /// The timers of what `attempt` answers.
    pub(crate) fn follow(&mut self, attempt: &Attempt) {
        let due = |timer: &Timer| (timer.from(attempt.started), timer.clone());
        self.attempt = attempt.timers.attempt.as_ref().map(due);
        self.first_content = attempt.timers.first_content.as_ref().map(due);
        self.idle = Some(attempt.timers.idle.clone());
    }
}

/// What the timers of a silent stream want.
pub(super) enum Due {
    Heartbeat,
    Expired(TimerName, Timer),
}

pub(super) fn expired_timer(
    timers: &StreamTimers,
    last_content: Option<Instant>,
    now: Instant,
) -> Option<Due> {
    let passed = |(due, timer): &(Instant, Timer), name| {
        (now >= *due).then(|| Due::Expired(name, timer.clone()))
    };
    passed(&timers.call, TimerName::Call)
        .or_else(|| passed(timers.attempt.as_ref()?, TimerName::Attempt))
        .or_else(|| match last_content {
            Some(last) => {
                let idle = timers.idle.as_ref()?;
                let expired = now >= idle.from(last);
                expired.then(|| Due::Expired(TimerName::Idle, idle.clone()))
            }
            None => passed(timers.first_content.as_ref()?, TimerName::FirstContent),
        })
}

/// The earliest moment at which a timer can be due. Activity only moves it later, so the alarm is not touched per
/// event: when it rings too early, it is set again.
pub(super) fn next_alarm(
    timers: &StreamTimers,
    last_content: Option<Instant>,
    last_sent: Instant,
) -> Instant {
    let due = |timer: &Option<(Instant, Timer)>| timer.as_ref().map(|(due, _)| *due);
    let content = match last_content {
        Some(last) => timers.idle.as_ref().map(|idle| idle.from(last)),
        None => due(&timers.first_content),
    };
    let beat = timers.heartbeat.map(|beat| last_sent + beat);
    [content, beat, due(&timers.attempt)]
        .into_iter()
        .flatten()
        .fold(timers.call.0, Instant::min)
}

pub(super) fn expired(name: TimerName, timer: &Timer) -> Ending {
    let message = expiry(name, timer);
    Ending::Broken {
        reason: EndReason::Timer(name),
        detail: message.clone(),
        error: ErrorInfo::new(ErrorKind::Timeout, message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_too_long_for_a_clock() {
        let now = Instant::now();
        let endless = Timer::by_default(Duration::MAX);
        let timers = StreamTimers {
            call: (endless.from(now), endless.clone()),
            attempt: None,
            idle: Some(endless),
            first_content: None,
            heartbeat: Some(Duration::from_secs(15)),
        };
        let beat = now + Duration::from_secs(15);
        assert_eq!(next_alarm(&timers, Some(now), now), beat);
        assert!(expired_timer(&timers, Some(now), beat).is_none());
    }
}
