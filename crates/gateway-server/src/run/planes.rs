//! Everything that runs: workers, listeners, what they share.

use std::net::TcpListener as StdListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_providers::Environment;
use gateway_router::MemoryBooks;
use gateway_transport::Transport;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::listeners::{Listener, Listeners, Open, Role};
use super::{RunError, runtime, system};
use crate::admission::Admission;
use crate::config::Settings;
use crate::control::{ConfigState, Control, Order};
use crate::edge::{self, Descriptors, Door, Leave, Scope, ServerIdentity};
use crate::health;
use crate::log::Lines;
use crate::metrics::Metrics;
use crate::wiring;
use crate::worker::{Shared, Worker};

/// Everything that runs.
pub(super) struct Planes {
    pub(super) shared: Arc<Shared>,
    pub(super) environment: Environment,
    workers: Vec<Arc<Worker>>,
    handles: Vec<Handle>,
    threads: Vec<JoinHandle<()>>,
    /// What is accepted from, until accepting ends.
    listeners: Mutex<Open>,
    /// Who comes in where calls do.
    public: Way,
    /// Who comes in where operators do, if that is elsewhere.
    operators: Way,
    /// Whether calls come in encrypted.
    tls: bool,
    /// Begin to accept.
    open: CancellationToken,
    /// End the workers' runtimes.
    quit: CancellationToken,
    /// What the control plane does beside them, to its own end.
    #[cfg(feature = "otlp")]
    tasks: TaskTracker,
}

/// A way in, and how it is closed.
#[derive(Default)]
struct Way {
    /// Stop accepting.
    stop: CancellationToken,
    /// Those who are in go when they have been served.
    leave: Leave,
    /// Those who are in.
    connections: TaskTracker,
}

impl Planes {
    /// Begins to accept.
    pub(super) fn open(&self) {
        self.open.cancel();
    }

    /// Clients go when they have been served, or when they have asked for nothing for `linger`. New ones come in still.
    pub(super) fn leave(&self, linger: Duration) {
        self.public.leave.begin(linger);
    }

    /// Nobody comes in any more, but for operators where they have a listener of their own.
    pub(super) fn stop_accepting(&self) {
        self.public.stop.cancel();
        *self.listeners() = Open::default();
    }

    /// Operators go, too.
    pub(super) fn dismiss_operators(&self, linger: Duration) {
        self.operators.stop.cancel();
        self.operators.leave.begin(linger);
    }

    /// Resolves when no operator is left.
    pub(super) async fn operators_idle(&self) {
        self.operators.connections.close();
        self.operators.connections.wait().await;
    }

    /// Resolves when no client connection and nothing behind one is left.
    pub(super) async fn idle(&self) {
        for worker in &self.workers {
            worker.connections.close();
            worker.connections.wait().await;
        }
        for worker in &self.workers {
            worker.tasks.close();
            worker.tasks.wait().await;
        }
    }

    /// What is accepted from.
    pub(super) fn listeners(&self) -> MutexGuard<'_, Open> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The event loops that serve clients.
    pub(super) fn handles(&self) -> &[Handle] {
        &self.handles
    }

    pub(super) fn join(self) {
        self.quit.cancel();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended with a panic");
            }
        }
    }
}

/// What has been started.
pub(super) struct Begun {
    pub(super) planes: Planes,
    /// What is known of deployments, over all configurations.
    pub(super) books: MemoryBooks,
    /// Who the public listener is, if it has an identity.
    pub(super) identity: Option<Arc<ServerIdentity>>,
    /// What the process is told by its own routes.
    pub(super) orders: mpsc::Receiver<Order>,
}

/// Starts everything. Nobody is accepted before [`Planes::open`].
pub(super) fn start(
    control: &Runtime,
    settings: &Settings,
    mut passed: Listeners,
    state: ConfigState,
    lines: Arc<Lines>,
) -> Result<Begun, RunError> {
    let listener = passed.listener(Role::Public, settings.listen.address)?;
    let admin = settings.admin.listen.filter(|_| settings.admin.enabled);
    let admin = admin.map(|address| passed.listener(Role::Admin, address));
    let admin = admin.transpose()?;
    let tls = settings.listen.tls.as_ref();
    let tls = tls.map(|tls| ServerIdentity::read(&tls.certificate, &tls.key));
    let tls = tls.transpose()?.map(Arc::new);
    let runtimes: Vec<Runtime> = (0..settings.workers)
        .map(|_| runtime())
        .collect::<Result<_, _>>()?;
    let handles: Vec<Handle> = runtimes.iter().map(|it| it.handle().clone()).collect();
    let transport = Transport::with_control(
        wiring::transport(settings),
        handles.clone(),
        control.handle(),
    );
    let environment = wiring::environment(settings);
    let books = MemoryBooks::default();
    let snapshot = wiring::snapshot(settings, &environment, &transport, &books);
    snapshot.tell_left_out();
    let (told, orders) = Control::new(state);
    let mut planes = Planes {
        shared: Arc::new(Shared::new(
            snapshot,
            Admission::new(settings.admission, settings.routing.timers.clone()),
            transport,
            Metrics::new(&handles),
            lines,
            told,
        )),
        environment,
        workers: Vec::new(),
        handles,
        threads: Vec::new(),
        listeners: Mutex::default(),
        public: Way::default(),
        operators: Way::default(),
        tls: tls.is_some(),
        open: CancellationToken::new(),
        quit: CancellationToken::new(),
        #[cfg(feature = "otlp")]
        tasks: TaskTracker::new(),
    };
    planes.staff(runtimes, listener, tls.as_ref(), settings)?;
    if let Some(admin) = admin {
        planes.admit_operators(control, admin)?;
    }
    #[cfg(feature = "otlp")]
    crate::trace::start(&planes.shared, &planes.tasks, control.handle());
    planes.look_on(control);
    planes.ask_after_deployments(control);
    Ok(Begun {
        planes,
        books,
        identity: tls,
        orders,
    })
}

impl Planes {
    /// Starts the workers, who all accept from `listener`.
    fn staff(
        &mut self,
        runtimes: Vec<Runtime>,
        listener: Listener,
        tls: Option<&Arc<ServerIdentity>>,
        settings: &Settings,
    ) -> Result<(), RunError> {
        let descriptors = Descriptors::claim();
        for runtime in runtimes {
            let door = Door {
                tls: tls.cloned(),
                scope: wiring::public_scope(settings),
                descriptors,
                connections: TaskTracker::new(),
                leave: self.public.leave.clone(),
            };
            self.hire(runtime, &listener.socket, door)?;
        }
        self.listeners().add(listener);
        Ok(())
    }

    /// Starts one more worker.
    fn hire(
        &mut self,
        runtime: Runtime,
        listener: &StdListener,
        door: Door,
    ) -> Result<(), RunError> {
        let number = self.workers.len();
        let worker = Arc::new(Worker::new(
            Arc::clone(&self.shared),
            number,
            door.connections.clone(),
        ));
        let seat = Seat {
            worker: Arc::clone(&worker),
            listener: listener.try_clone().map_err(system("share the listener"))?,
            door,
            open: self.open.clone(),
            stop: self.public.stop.clone(),
            quit: self.quit.clone(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || seat.run(&runtime))
            .map_err(system("start a worker"))?;
        self.workers.push(worker);
        self.threads.push(thread);
        Ok(())
    }

    /// Has deployments probed, if that is wanted, for as long as calls come in.
    fn ask_after_deployments(&self, control: &Runtime) {
        if let Some(worker) = self.workers.first() {
            let rounds = health::checks::run(Arc::clone(worker), self.public.stop.clone());
            worker.tasks.spawn_on(rounds, control.handle());
        }
    }

    /// Has somebody look at everything once a second.
    fn look_on(&self, control: &Runtime) {
        let watch = crate::status::watch(Arc::clone(&self.shared));
        let quit = self.quit.clone();
        TaskTracker::new().spawn_on(quit.run_until_cancelled_owned(watch), control.handle());
    }

    /// Opens the operators' own listener, which stays open while the process drains.
    fn admit_operators(&self, control: &Runtime, listener: Listener) -> Result<(), RunError> {
        let Some(worker) = self.workers.first().cloned() else {
            return Ok(());
        };
        let door = Door {
            tls: None,
            scope: Scope::Admin,
            descriptors: Descriptors::claim(),
            connections: self.operators.connections.clone(),
            leave: self.operators.leave.clone(),
        };
        let socket = listener.socket.try_clone();
        let socket = socket.map_err(system("share the listener"))?;
        self.listeners().add(listener);
        let (open, stop) = (self.open.clone(), self.operators.stop.clone());
        let tasks = door.connections.clone();
        tasks.spawn_on(
            async move {
                open.cancelled().await;
                match TcpListener::from_std(socket) {
                    Ok(listener) => edge::accept(worker, listener, door, stop).await,
                    Err(error) => tracing::error!(%error, "cannot accept operators"),
                }
            },
            control.handle(),
        );
        Ok(())
    }

    /// Says in the log that everything is up.
    pub(super) fn announce(&self) {
        let address = self.listeners().public().map(|it| it.to_string());
        let snapshot = self.shared.snapshot.load();
        tracing::info!(
            address = address.unwrap_or_default(),
            tls = self.tls,
            workers = self.workers.len(),
            models = snapshot.catalog.names().count(),
            deployments = snapshot.catalog.deployments().count(),
            version = env!("CARGO_PKG_VERSION"),
            pid = std::process::id(),
            "ready"
        );
    }
}

/// What a worker's thread needs.
struct Seat {
    worker: Arc<Worker>,
    listener: StdListener,
    door: Door,
    open: CancellationToken,
    stop: CancellationToken,
    quit: CancellationToken,
}

impl Seat {
    fn run(self, runtime: &Runtime) {
        runtime.block_on(async {
            self.open.cancelled().await;
            match TcpListener::from_std(self.listener) {
                Ok(listener) => {
                    // Counted as a connection: who was accepted last must be counted before the others are gone.
                    let connections = self.door.connections.clone();
                    let accept = edge::accept(self.worker, listener, self.door, self.stop);
                    connections.track_future(accept).await;
                }
                Err(error) => tracing::error!(%error, "a worker cannot accept"),
            }
            // Streams and upstream connections live on this runtime until the last of them is gone.
            self.quit.cancelled().await;
        });
    }
}
