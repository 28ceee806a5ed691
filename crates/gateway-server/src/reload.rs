//! A new configuration: everything is read and built first, then one snapshot is swapped. What is wrong changes nothing.

mod prepare; // Read and built, and nothing touched.
mod restart; // What only a restart changes.
mod told; // Problems, for machines and for the log.
mod watch; // The files that it was made of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use gateway_providers::Environment;
use gateway_router::MemoryBooks;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use crate::config::{Digest, Drain, Settings};
use crate::control::{ConfigState, ReloadCause, ReloadOutcome, Reloaded, seconds};
use crate::edge::ServerIdentity;
use crate::run::Launch;
use crate::wiring;
use crate::worker::Shared;
use prepare::{Candidate, Ground, Prepared, Refusal, prepare};
use watch::Watch;

/// Reads the configuration again when it is told to, or when its files change.
#[derive(Debug)]
pub(crate) struct Reloader {
    ground: Arc<Ground>,
    /// What the process was built with.
    launched: Settings,
    /// How it ends.
    drain: Drain,
    in_force: InForce,
    /// Settings that changed and wait for a restart.
    pending: Vec<String>,
    watch: Watch,
    tasks: TaskTracker,
}

/// What stays as it is, whatever the configuration says.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Where the embedded upstream listens, if there is one.
    pub demo: Option<SocketAddr>,
    /// What all workers share.
    pub shared: Arc<Shared>,
    /// What is known of deployments.
    pub books: MemoryBooks,
    /// Who the listener is, if it has an identity.
    pub identity: Option<Arc<ServerIdentity>>,
}

/// The configuration in force, as far as the next one is compared with it.
#[derive(Clone, Debug)]
struct InForce {
    digest: Option<Digest>,
    environment: Environment,
}

impl Reloader {
    /// Of a process that began like this.
    pub(crate) fn new(launch: Launch, standing: Standing, environment: Environment) -> Self {
        let Launch {
            settings,
            files,
            digest,
            sources,
            environment: process,
        } = launch;
        let ground = Ground {
            sources,
            process,
            standing,
            public: settings.listen.address,
        };
        Self {
            ground: Arc::new(ground),
            drain: settings.drain,
            watch: Watch::new(files, settings.watch),
            launched: settings,
            in_force: InForce {
                digest,
                environment,
            },
            pending: Vec::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// How the process ends, as the configuration in force says.
    pub(crate) fn drain(&self) -> Drain {
        self.drain
    }

    /// Resolves when a file of the configuration has changed and does not change any more.
    ///
    /// # Cancel safety
    /// Nothing that was seen is forgotten.
    pub(crate) async fn changed(&mut self) {
        self.watch.changed().await;
    }

    /// Reads the configuration again. Calls keep the one that they began with.
    ///
    /// Dropping the future while files are read changes nothing; after that it is done without a pause.
    pub(crate) async fn reload(&mut self, cause: ReloadCause) -> Arc<Reloaded> {
        let (ground, in_force) = (Arc::clone(&self.ground), self.in_force.clone());
        let reading = self
            .tasks
            .spawn_blocking(move || prepare(&ground, &in_force));
        let prepared = match reading.await {
            Ok(prepared) => prepared,
            Err(panicked) => Prepared::failed(&panicked),
        };
        let Prepared { files, verdict } = prepared;
        if let Some(files) = files {
            self.watch.follow(files);
        }
        let (outcome, problems) = match verdict {
            Ok(None) => (ReloadOutcome::Unchanged, Vec::new()),
            Ok(Some(candidate)) => (ReloadOutcome::Taken, self.take(*candidate).await),
            Err(Refusal { problems, made }) => {
                let transport = &self.ground.standing.shared.transport;
                transport.forget(&made).await;
                (ReloadOutcome::Refused, problems)
            }
        };
        self.tell(cause, outcome, problems)
    }

    /// Puts a configuration in force.
    async fn take(&mut self, candidate: Candidate) -> Vec<Value> {
        let Candidate {
            settings,
            digest,
            environment,
            snapshot,
            unused,
            renewals,
            identity,
            problems,
        } = candidate;
        let Standing {
            shared,
            identity: own,
            ..
        } = &self.ground.standing;
        let timers = settings.routing.timers.clone();
        shared.admission.change(settings.admission, timers);
        shared.adopt(snapshot);
        shared.lines.configure(&settings.log);
        if let (Some(own), Some(new)) = (own, &identity) {
            own.become_as(new);
        }
        let transport = &shared.transport;
        transport.configure(wiring::transport(&settings)).await;
        transport.renew(renewals).await;
        transport.forget(&unused).await;
        self.drain = settings.drain;
        self.watch.switch(settings.watch);
        self.in_force = InForce {
            digest: Some(digest),
            environment,
        };
        self.pending = restart::needed(&self.launched, &settings);
        problems
    }

    fn tell(
        &self,
        cause: ReloadCause,
        outcome: ReloadOutcome,
        problems: Vec<Value>,
    ) -> Arc<Reloaded> {
        let control = &self.ground.standing.shared.control;
        let before = control.config.load_full();
        let at = seconds(SystemTime::now());
        let mut state = ConfigState::clone(&before);
        if outcome == ReloadOutcome::Taken {
            state.generation += 1;
            state.since = at;
            state.digest = self.in_force.digest.map(|digest| digest.short());
        }
        let reloaded = Arc::new(Reloaded {
            at,
            cause,
            outcome,
            generation: state.generation,
            problems,
            needs_restart: self.pending.clone(),
        });
        told::log(&reloaded, state.digest.as_deref());
        if let Some((kind, text)) = told::mark(&reloaded) {
            control.marks.add(kind, "", text);
        }
        state.last_reload = Some(Arc::clone(&reloaded));
        control.config.store(Arc::new(state));
        reloaded
    }
}
