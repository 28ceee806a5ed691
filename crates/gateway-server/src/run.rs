//! Puts the parts together, starts the planes, and ends them in order.

mod handover; // From one process to the next.
mod listeners; // Sockets that listen, wherever they come from.
mod notify; // What systemd is told.
mod planes; // Everything that runs.
mod serve; // What the process is told from outside, until it ends.
mod signals; // Those that mean something.
mod stop; // Ends everything, in order.
mod watchdog; // Tells systemd that the process is alive.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

use crate::config::{Digest, Environment, Settings, Sources, WatchedFile};
use crate::control::ConfigState;
use crate::edge;
use crate::log::{self, Lines};
use crate::reload::{Reloader, Standing};
use crate::wiring;
use handover::{MARKER, Predecessor, Started};
use listeners::Listeners;
use notify::Notify;
use planes::Begun;
use serve::Service;

pub use handover::Complaints;

/// What a process begins with: its settings, and where they came from, so that they can be read again.
#[derive(Debug)]
pub struct Launch {
    /// The settings to begin with.
    pub settings: Settings,
    /// The files that they were made of.
    pub files: Vec<WatchedFile>,
    /// What they say, in short.
    pub digest: Option<Digest>,
    /// Where they came from.
    pub sources: Sources,
    /// The variables of the process.
    pub environment: Environment,
}

impl Launch {
    /// The first file, if there is one.
    fn file(&self) -> Option<PathBuf> {
        let named = || self.environment.non_empty("CONFIG_FILE_PATH");
        let said = self.sources.file.clone();
        said.or_else(|| named().map(PathBuf::from))
    }
}

/// What a process got from who started it.
#[derive(Debug)]
pub struct Heritage {
    started: Started,
    listeners: Listeners,
    predecessor: Option<Predecessor>,
}

impl Heritage {
    /// Finds out. Must come first of all in a process: sockets of systemd are known by number only.
    ///
    /// # Errors
    /// The process was to take over from another one, and what that one passed on cannot be received.
    pub fn of(environment: &Environment) -> io::Result<Self> {
        let (predecessor, listeners) = match Predecessor::meet(environment.get(MARKER))? {
            Some((predecessor, listeners)) => (Some(predecessor), listeners),
            None => (None, Listeners::of_systemd(environment)),
        };
        Ok(Self {
            started: Started::as_this(),
            listeners,
            predecessor,
        })
    }

    /// Where to complain.
    pub fn complaints(&self) -> Complaints {
        Complaints::heard_by(self.predecessor.as_ref())
    }
}

/// Why the gateway cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The system refused a thread, a socket or a signal.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// Why not.
        source: io::Error,
    },
    /// The listener's certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] edge::TlsError),
    /// The log's level cannot be read, or logging was installed before.
    #[error("cannot start the log: {0}")]
    Log(Box<dyn std::error::Error + Send + Sync>),
}

/// Runs the gateway until it is told to stop and everything has ended.
///
/// # Errors
/// Why it cannot start.
pub fn run(mut launch: Launch, heritage: Heritage) -> Result<(), RunError> {
    let settings = &launch.settings;
    let colorless = launch.environment.non_empty("NO_COLOR").is_some();
    let format = log::Format::of(settings.log.format, colorless);
    let lines = Lines::new(format, settings.workers);
    let carrier = lines.carry(io::stdout()).map_err(system("start the log"))?;
    log::install(&lines, settings.log.level.as_str()).map_err(RunError::Log)?;
    lines.configure(&settings.log);
    let control = runtime()?;
    let demo = TaskTracker::new();
    let upstream = demo_upstream(&control, &demo, settings)?;
    if let Some(upstream) = upstream {
        wiring::add_demo(&mut launch.settings, upstream);
    }
    let notify = Notify::of(&launch.environment);
    let digest = launch.digest.map(|digest| digest.short());
    let state = ConfigState::first(launch.file(), digest);
    let listeners = heritage.listeners;
    let begun = planes::start(&control, &launch.settings, listeners, state, lines)?;
    let Begun {
        planes,
        books,
        identity,
        orders,
    } = begun;
    let standing = Standing {
        demo: upstream,
        shared: Arc::clone(&planes.shared),
        books,
        identity,
    };
    let reloader = Reloader::new(launch, standing, planes.environment.clone());
    let service = Service::new(&planes, reloader, notify, heritage.started);
    let outcome = control.block_on(service.run(heritage.predecessor, orders));
    planes.join();
    drop(carrier);
    outcome
}

/// Starts the embedded upstream, if it is wanted.
fn demo_upstream(
    control: &Runtime,
    tasks: &TaskTracker,
    settings: &Settings,
) -> Result<Option<SocketAddr>, RunError> {
    if !settings.demo {
        return Ok(None);
    }
    let started = control.block_on(crate::demo::start(tasks));
    started.map(Some).map_err(system("start the demo upstream"))
}

fn runtime() -> Result<Runtime, RunError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("start a runtime"))
}

fn system(doing: impl Into<String>) -> impl FnOnce(io::Error) -> RunError {
    let doing = doing.into();
    move |source| RunError::System { doing, source }
}
