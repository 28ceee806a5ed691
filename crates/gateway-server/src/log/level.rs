//! What the log takes, changed while the process runs.

use std::fmt;
use std::sync::{Mutex, OnceLock};

use tokio::time::Instant;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::lock;

/// The filter of the log's events: the configured one, or another one for a while.
#[derive(Default)]
pub(crate) struct Level {
    handle: OnceLock<reload::Handle<EnvFilter, Registry>>,
    now: Mutex<Now>,
}

/// What holds now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    /// What the configuration says.
    pub configured: String,
    /// What somebody said at run time.
    pub said: Option<Said>,
}

/// A filter that was set at run time.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The filter.
    pub level: String,
    /// When the configured one comes back; `None`: when the configuration says another one.
    pub until: Option<Instant>,
}

impl Level {
    /// From now on `handle` is told. `level` is what the configuration says.
    pub(super) fn installed(&self, handle: reload::Handle<EnvFilter, Registry>, level: &str) {
        // There is one log, and one level of it.
        let _first = self.handle.set(handle);
        lock(&self.now).configured = level.to_owned();
    }

    /// What holds now.
    pub(crate) fn now(&self) -> Now {
        lock(&self.now).clone()
    }

    /// Takes another filter, for good or up to a moment.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn say(&self, level: String, until: Option<Instant>) -> Result<(), String> {
        let filter = EnvFilter::try_new(&level).map_err(|error| error.to_string())?;
        let mut now = lock(&self.now);
        self.take(filter);
        now.said = Some(Said { level, until });
        Ok(())
    }

    /// Goes back to what the configuration says.
    pub(crate) fn reset(&self) {
        let mut now = lock(&self.now);
        self.back(&mut now);
    }

    /// The configuration was read again. What was said at run time holds unless the configuration says something new.
    pub(crate) fn configure(&self, level: &str) {
        let mut now = lock(&self.now);
        if now.configured != level {
            level.clone_into(&mut now.configured);
            self.back(&mut now);
        }
    }

    /// Goes back to what the configuration says if it is time.
    pub(super) fn tick(&self) {
        let mut now = lock(&self.now);
        let until = now.said.as_ref().and_then(|it| it.until);
        if until.is_some_and(|it| it <= Instant::now()) {
            self.back(&mut now);
        }
    }

    fn back(&self, now: &mut Now) {
        now.said = None;
        // The configuration's filters have been checked.
        if let Ok(filter) = EnvFilter::try_new(&now.configured) {
            self.take(filter);
        }
    }

    fn take(&self, filter: EnvFilter) {
        if let Some(handle) = self.handle.get() {
            // The subscriber lives as long as the process.
            let _lives = handle.reload(filter);
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Level")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn level() -> Level {
        let level = Level::default();
        lock(&level.now).configured = "info".to_owned();
        level
    }

    #[test]
    fn a_level_that_was_said_for_a_while_ends_by_itself() {
        let level = level();
        level
            .say(
                "debug".to_owned(),
                Some(Instant::now() + Duration::from_secs(60)),
            )
            .unwrap();
        level.tick();
        assert_eq!(level.now().said.unwrap().level, "debug");
        level.say("trace".to_owned(), Some(Instant::now())).unwrap();
        level.tick();
        assert!(level.now().said.is_none());
    }

    #[test]
    fn a_configuration_sets_back_only_what_it_changes() {
        let level = level();
        level.say("debug".to_owned(), None).unwrap();
        level.configure("info");
        assert!(level.now().said.is_some());
        level.configure("warn");
        let now = level.now();
        assert!(now.said.is_none());
        assert_eq!(now.configured, "warn");
    }

    #[test]
    fn what_is_no_filter_changes_nothing() {
        let level = level();
        assert!(level.say("info,=".to_owned(), None).is_err());
        assert!(level.now().said.is_none());
    }
}
