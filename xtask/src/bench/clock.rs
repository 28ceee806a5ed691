//! The monotonic clock that two processes share, and sleeps finer than a millisecond.

use std::os::fd::OwnedFd;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec,
};
use tokio::io::unix::AsyncFd;

use crate::failure::{Doing, Result};

/// Nanoseconds of `CLOCK_MONOTONIC`: comparable between processes of one machine.
pub(crate) fn now() -> u64 {
    let time = rustix::time::clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * SECOND + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// A kernel timer. The runtime's own timers have a resolution of one millisecond, which
/// would make bursts of what is meant to be paced.
#[derive(Debug)]
pub(crate) struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// A timer that is not set.
    ///
    /// # Errors
    /// No descriptor left.
    pub(crate) fn new() -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)
            .doing("cannot create a timer")?;
        // Deprecated because some types may return another descriptor later; an `OwnedFd`
        // cannot, and the successor is `unsafe`, which this workspace forbids.
        #[allow(deprecated)]
        AsyncFd::new(timer).map(Self).doing("cannot watch a timer")
    }

    /// Waits until `due`, in nanoseconds of [`now`]; at once if that is over.
    /// Dropping the future leaves the timer set, which the next call overwrites.
    ///
    /// # Errors
    /// The kernel refuses the timer.
    pub(crate) async fn until(&self, due: u64) -> Result<()> {
        if now() >= due {
            return Ok(());
        }
        let value = Timespec {
            tv_sec: i64::try_from(due / SECOND).doing("time stamp")?,
            tv_nsec: i64::try_from(due % SECOND).doing("time stamp")?,
        };
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: value,
        };
        rustix::time::timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &once)
            .doing("cannot set a timer")?;
        while now() < due {
            let mut ready = self.0.readable().await.doing("cannot wait for a timer")?;
            ready.clear_ready();
        }
        Ok(())
    }
}

/// Nanoseconds of one second.
pub(crate) const SECOND: u64 = 1_000_000_000;
