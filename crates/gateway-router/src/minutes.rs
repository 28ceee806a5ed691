//! Fixed minutes and seconds, counted from a start.

use std::time::Duration;

use tokio::time::Instant;

/// When minutes begin and end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Minutes {
    start: Instant,
}

/// The minute that counts are of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Minute(u64);

impl Minutes {
    /// The first one begins at `start`; what is before belongs to it, too.
    pub(crate) fn from(start: Instant) -> Self {
        Self { start }
    }

    /// When the minute that `now` is in is over.
    pub(crate) fn end(self, now: Instant) -> Instant {
        self.start + Duration::from_secs((self.number(now) + 1) * MINUTE)
    }

    /// Whole seconds from the start to `now`.
    pub(crate) fn seconds(self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs()
    }

    fn number(self, now: Instant) -> u64 {
        self.seconds(now) / MINUTE
    }
}

impl Minute {
    /// Goes on to the minute that `now` is in. True: it is another one, and counts begin anew. A thread that is a
    /// little late does not turn the minute back.
    pub(crate) fn turn(&mut self, minutes: Minutes, now: Instant) -> bool {
        let number = minutes.number(now);
        let later = number > self.0;
        if later {
            self.0 = number;
        }
        later
    }
}

const MINUTE: u64 = 60;
