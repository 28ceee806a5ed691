//! Puts the parts together, starts the planes, and ends them in order.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_providers::Environment;
use gateway_router::MemoryBooks;
use gateway_transport::Transport;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::config::{Drain, Settings};
use crate::edge::{self, Descriptors, Door, Scope};
use crate::log::{self, Lines};
use crate::metrics::Metrics;
use crate::wiring;
use crate::worker::{Shared, Worker};

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
pub fn run(mut settings: Settings) -> Result<(), RunError> {
    let workers = settings.workers;
    let lines = Lines::new(settings.log.format, workers);
    let carrier = lines.carry(io::stdout()).map_err(system("start the log"))?;
    log::install(&lines, settings.log.level.as_str()).map_err(RunError::Log)?;
    let control = runtime()?;
    let demo = TaskTracker::new();
    if settings.demo {
        let upstream = control
            .block_on(crate::demo::start(&demo))
            .map_err(system("start the demo upstream"))?;
        wiring::add_demo(&mut settings, upstream);
    }
    let planes = start(&control, &settings, lines)?;
    let outcome = control.block_on(serve(&planes, &settings.drain));
    planes.join();
    drop(carrier);
    outcome
}

/// Everything that runs.
struct Planes {
    shared: Arc<Shared>,
    environment: Environment,
    workers: Vec<Arc<Worker>>,
    threads: Vec<JoinHandle<()>>,
    /// Stop accepting, finish what is in flight.
    stop: CancellationToken,
    /// End the workers' runtimes.
    quit: CancellationToken,
}

impl Planes {
    fn join(self) {
        self.quit.cancel();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker ended with a panic");
            }
        }
    }

    /// Resolves when no client connection and nothing behind one is left.
    async fn idle(&self) {
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

fn start(control: &Runtime, settings: &Settings, lines: Arc<Lines>) -> Result<Planes, RunError> {
    let descriptors = Descriptors::claim();
    let listener = bind(settings.listen.address)?;
    let admin = settings.admin.listen.filter(|_| settings.admin.enabled);
    let admin = admin.map(bind).transpose()?;
    let tls = match &settings.listen.tls {
        Some(tls) => Some(edge::acceptor(&tls.certificate, &tls.key)?),
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
    let mut planes = Planes {
        shared: Arc::new(Shared::new(
            snapshot,
            Admission::new(settings.admission, settings.routing.timers.clone()),
            transport,
            Metrics::new(),
            lines,
        )),
        environment,
        workers: Vec::new(),
        threads: Vec::new(),
        stop: CancellationToken::new(),
        quit: CancellationToken::new(),
    };
    for runtime in runtimes {
        let door = Door {
            tls: tls.clone(),
            limits: wiring::connection_limits(settings),
            scope: wiring::public_scope(settings),
            descriptors,
            connections: TaskTracker::new(),
        };
        planes.hire(runtime, &listener, door)?;
    }
    if let Some(admin) = admin {
        planes.admit_operators(control, admin, settings);
    }
    announce(&listener, settings, &planes);
    Ok(planes)
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

    /// Opens the operators' own listener, which stays open while the process drains.
    fn admit_operators(&self, control: &Runtime, listener: StdListener, settings: &Settings) {
        let Some(worker) = self.workers.first().cloned() else {
            return;
        };
        let door = Door {
            tls: None,
            limits: wiring::connection_limits(settings),
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

/// Waits for the order to stop, then ends everything in order: not ready, not accepting, nothing in flight, no
/// upstream connections.
async fn serve(planes: &Planes, drain: &Drain) -> Result<(), RunError> {
    let mut orders = Orders::listen()?;
    let order = orders.next().await;
    tracing::info!(signal = order.name(), "draining");
    planes.shared.drain();
    // Nobody balances load towards a process that somebody interrupts at a terminal.
    let delay = match order {
        Order::Terminate => drain.delay,
        Order::Interrupt => Duration::ZERO,
    };
    let accepts_until = Instant::now() + delay;
    let hurry = async {
        orders.next().await;
        tracing::info!("second signal: what still runs is ended");
    };
    let drained = async {
        sleep_until(accepts_until).await;
        planes.stop.cancel();
        planes.idle().await;
    };
    let deadline = async {
        match drain.timeout {
            Some(timeout) => sleep_until(accepts_until + timeout).await,
            None => std::future::pending().await,
        }
        tracing::info!("the drain timeout is over: what still runs is ended");
    };
    tokio::select! {
        () = drained => close(planes).await,
        () = hurry => end(planes).await,
        () = deadline => end(planes).await,
    }
    tracing::info!("stopped");
    Ok(())
}

/// Ends what still runs: every stream gets its error event, and some time for it to reach the client.
async fn end(planes: &Planes) {
    planes.stop.cancel();
    // Side by side: a client that does not read holds its upstream connection for as long as it stays.
    let (told, ()) = tokio::join!(timeout(LAST_WORDS, planes.idle()), close(planes));
    if told.is_err() {
        tracing::warn!("some clients did not take their last event in time");
    }
}

/// Ends what endpoints do in the background, and closes all upstream connections. A relay whose client does not read holds its own until the client is given up.
async fn close(planes: &Planes) {
    let shutdown = planes.shared.transport.shutdown(Some(Duration::ZERO));
    match timeout(LAST_WORDS, shutdown).await {
        Ok(0) => {}
        Ok(cut) => tracing::info!(cut, "streams were ended"),
        Err(_elapsed) => tracing::warn!("some upstream connections are still held"),
    }
    let refreshes = planes.environment.tasks();
    refreshes.close();
    // A token that is being fetched now serves nobody any more.
    let _abandoned = timeout(LAST_WORDS, refreshes.wait()).await;
}

/// SIGTERM and SIGINT.
struct Orders {
    terminate: Signal,
    interrupt: Signal,
}

impl Orders {
    fn listen() -> Result<Self, RunError> {
        let listen = |kind| signal(kind).map_err(system("listen for signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.terminate.recv() => Order::Terminate,
            _ = self.interrupt.recv() => Order::Interrupt,
        }
    }
}

/// An order to stop.
#[derive(Clone, Copy, Debug)]
enum Order {
    Terminate,
    Interrupt,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }
}

fn bind(address: SocketAddr) -> Result<StdListener, RunError> {
    edge::bind(address).map_err(system(format!("listen on {address}")))
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

/// How long a client may take for its last event when the drain is over.
const LAST_WORDS: Duration = Duration::from_secs(5);
