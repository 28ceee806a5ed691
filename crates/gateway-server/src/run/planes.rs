//! Everything that runs: workers, listeners, what they share.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use gateway_providers::Environment;
use gateway_router::MemoryBooks;
use gateway_transport::Transport;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{RunError, runtime, system};
use crate::admission::Admission;
use crate::config::Settings;
use crate::control::{ConfigState, Control, Order};
use crate::edge::{self, Descriptors, Door, Scope, ServerIdentity};
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
    threads: Vec<JoinHandle<()>>,
    /// Stop accepting, finish what is in flight.
    pub(super) stop: CancellationToken,
    /// End the workers' runtimes.
    quit: CancellationToken,
    /// What the control plane does beside them, to its own end.
    #[cfg(feature = "otlp")]
    tasks: TaskTracker,
}

impl Planes {
    pub(super) fn join(self) {
        self.quit.cancel();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended with a panic");
            }
        }
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
}

/// What has been started.
pub(super) struct Started {
    pub(super) planes: Planes,
    /// What is known of deployments, over all configurations.
    pub(super) books: MemoryBooks,
    /// Who the public listener is, if it has an identity.
    pub(super) identity: Option<Arc<ServerIdentity>>,
    /// What the process is told by its own routes.
    pub(super) orders: mpsc::Receiver<Order>,
}

/// Starts everything.
pub(super) fn start(
    control: &Runtime,
    settings: &Settings,
    state: ConfigState,
    lines: Arc<Lines>,
) -> Result<Started, RunError> {
    let descriptors = Descriptors::claim();
    let listener = bind(settings.listen.address)?;
    let admin = settings.admin.listen.filter(|_| settings.admin.enabled);
    let admin = admin.map(bind).transpose()?;
    let tls = match &settings.listen.tls {
        Some(tls) => Some(Arc::new(ServerIdentity::read(&tls.certificate, &tls.key)?)),
        None => None,
    };
    let runtimes: Vec<Runtime> = (0..settings.workers)
        .map(|_| runtime())
        .collect::<Result<_, _>>()?;
    let handles = runtimes.iter().map(|it| it.handle().clone()).collect();
    let transport = Transport::with_control(wiring::transport(settings), handles, control.handle());
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
            Metrics::new(),
            lines,
            told,
        )),
        environment,
        workers: Vec::new(),
        threads: Vec::new(),
        stop: CancellationToken::new(),
        quit: CancellationToken::new(),
        #[cfg(feature = "otlp")]
        tasks: TaskTracker::new(),
    };
    for runtime in runtimes {
        let door = Door {
            tls: tls.clone(),
            scope: wiring::public_scope(settings),
            descriptors,
            connections: TaskTracker::new(),
        };
        planes.hire(runtime, &listener, door)?;
    }
    if let Some(admin) = admin {
        planes.admit_operators(control, admin);
    }
    #[cfg(feature = "otlp")]
    crate::trace::start(&planes.shared, &planes.tasks, control.handle());
    planes.look_on(control);
    announce(&listener, settings, &planes);
    if let Some(worker) = planes.workers.first() {
        let rounds = health::checks::run(Arc::clone(worker), planes.stop.clone());
        worker.tasks.spawn_on(rounds, control.handle());
    }
    Ok(Started {
        planes,
        books,
        identity: tls,
        orders,
    })
}

impl Planes {
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
            stop: self.stop.clone(),
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

    /// Has somebody look at everything once a second.
    fn look_on(&self, control: &Runtime) {
        let watch = crate::status::watch(Arc::clone(&self.shared));
        let quit = self.quit.clone();
        TaskTracker::new().spawn_on(quit.run_until_cancelled_owned(watch), control.handle());
    }

    /// Opens the operators' own listener, which stays open while the process drains.
    fn admit_operators(&self, control: &Runtime, listener: StdListener) {
        let Some(worker) = self.workers.first().cloned() else {
            return;
        };
        let door = Door {
            tls: None,
            scope: Scope::Admin,
            descriptors: Descriptors::claim(),
            connections: TaskTracker::new(),
        };
        let stop = self.quit.clone();
        let tasks = door.connections.clone();
        tasks.spawn_on(
            async move {
                match TcpListener::from_std(listener) {
                    Ok(listener) => edge::accept(worker, listener, door, stop).await,
                    Err(error) => tracing::error!(%error, "cannot accept operators"),
                }
            },
            control.handle(),
        );
    }
}

/// What a worker's thread needs.
struct Seat {
    worker: Arc<Worker>,
    listener: StdListener,
    door: Door,
    stop: CancellationToken,
    quit: CancellationToken,
}

impl Seat {
    fn run(self, runtime: &Runtime) {
        runtime.block_on(async {
            match TcpListener::from_std(self.listener) {
                Ok(listener) => {
                    edge::accept(self.worker, listener, self.door, self.stop).await;
                }
                Err(error) => tracing::error!(%error, "a worker cannot accept"),
            }
            // Streams and upstream connections live on this runtime until the last of them is gone.
            self.quit.cancelled().await;
        });
    }
}

fn announce(listener: &StdListener, settings: &Settings, planes: &Planes) {
    let address = listener.local_addr().map(|it| it.to_string());
    let snapshot = planes.shared.snapshot.load();
    tracing::info!(
        address = address.unwrap_or_default(),
        tls = settings.listen.tls.is_some(),
        workers = planes.workers.len(),
        models = snapshot.catalog.names().count(),
        deployments = snapshot.catalog.deployments().count(),
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
}

fn bind(address: SocketAddr) -> Result<StdListener, RunError> {
    edge::bind(address).map_err(system(format!("listen on {address}")))
}
