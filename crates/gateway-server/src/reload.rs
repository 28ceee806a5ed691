//! A new configuration: everything is read and built first, then one snapshot is swapped. What is wrong changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use gateway_providers::Environment;
use gateway_router::MemoryBooks;

use crate::config::{self, Drain};
use crate::control::{ConfigState, MarkKind, ReloadCause, ReloadOutcome, Reloaded, seconds};
use crate::run::Launch;
use crate::wiring;
use crate::worker::Shared;

/// Reads the configuration again when it is told to.
#[derive(Debug)]
pub(crate) struct Reloader {
    launch: Launch,
    /// Where the embedded upstream listens, if there is one.
    demo: Option<SocketAddr>,
    shared: Arc<Shared>,
    environment: Environment,
    books: MemoryBooks,
}

impl Reloader {
    /// Of a process that began like this.
    pub(crate) fn new(
        launch: Launch,
        demo: Option<SocketAddr>,
        shared: Arc<Shared>,
        environment: Environment,
        books: MemoryBooks,
    ) -> Self {
        Self {
            launch,
            demo,
            shared,
            environment,
            books,
        }
    }

    /// How the process ends, as the configuration in force says.
    pub(crate) fn drain(&self) -> Drain {
        self.launch.settings.drain
    }

    /// Reads the configuration again. Calls keep the one that they began with.
    pub(crate) async fn reload(&mut self, cause: ReloadCause) -> Arc<Reloaded> {
        let loaded = config::load(&self.launch.sources, &self.launch.environment);
        let control = &self.shared.control;
        let before = control.config.load_full();
        let outcome = match loaded.settings {
            None => ReloadOutcome::Refused,
            Some(mut settings) => {
                if let Some(demo) = self.demo {
                    wiring::add_demo(&mut settings, demo);
                }
                let snapshot = wiring::snapshot(
                    &settings,
                    &self.environment,
                    &self.shared.transport,
                    &self.books,
                );
                self.shared.snapshot.store(Arc::new(snapshot));
                self.launch.settings = settings;
                ReloadOutcome::Taken
            }
        };
        let generation = before.generation + u64::from(outcome == ReloadOutcome::Taken);
        let reloaded = Arc::new(Reloaded {
            at: seconds(SystemTime::now()),
            cause,
            outcome,
            generation,
            problems: Vec::new(),
            needs_restart: Vec::new(),
        });
        control.config.store(Arc::new(ConfigState {
            generation,
            last_reload: Some(Arc::clone(&reloaded)),
            ..ConfigState::clone(&before)
        }));
        let kind = match outcome {
            ReloadOutcome::Refused => MarkKind::ReloadRefused,
            ReloadOutcome::Taken | ReloadOutcome::Unchanged => MarkKind::Reload,
        };
        control
            .marks
            .add(kind, "", format!("configuration {generation}"));
        reloaded
    }
}
