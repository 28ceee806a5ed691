//! `cargo xtask soak --restarts N`: the gateway's process is replaced again and again under streams, and under a client
//! that opens one connection after the other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::gateway::Gateway;
use super::http::{get, post};
use super::load::Load;
use super::models::{MASTER_KEY, config, models};
use super::process::Reading;
use super::settings::Settings;
use super::stream::Clients;
use super::tally::Tally;
use super::upstream::UpstreamProcess;
use crate::failure::{Doing, Failure, Result};

/// Runs to the end; a refused connection, a stream that did not come whole or a process that did not come is a failure.
pub(super) fn run(settings: &Settings, restarts: u64, binary: &Path) -> Result<()> {
    println!(
        "{restarts} restarts under {} streams and a client that connects without pause; seed {}",
        settings.streams, settings.seed
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .doing("runtime")?;
    let found = runtime.block_on(drive(settings, restarts, binary))?;
    let text = serde_json::to_string_pretty(&found.json()).doing("summary.json")?;
    std::fs::write(settings.out.join("summary.json"), &text).doing("summary.json")?;
    println!("{text}");
    if found.is_fine(restarts) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the soak failed; again with: {}",
        settings.command
    )))
}

/// What was seen.
#[derive(Debug, Default)]
struct Found {
    restarts: u64,
    took: Duration,
    slowest: Duration,
    /// Processes at the same time.
    most: usize,
    connections: u64,
    refused: u64,
    streams: u64,
    /// Streams that did not come whole, by how they ended.
    failures: BTreeMap<&'static str, u64>,
    /// Resident memory of the first process and of the last one.
    rss_bytes: [u64; 2],
}

impl Found {
    fn is_fine(&self, wanted: u64) -> bool {
        self.restarts == wanted
            && self.refused == 0
            && self.failures.is_empty()
            && self.connections > 0
            && self.streams > 0
    }

    fn json(&self) -> Value {
        json!({
            "restarts": self.restarts,
            "seconds": self.took.as_secs_f64(),
            "slowest_restart_ms": self.slowest.as_millis(),
            "processes_at_once": self.most,
            "connections": self.connections,
            "connections_failed": self.refused,
            "streams_completed": self.streams,
            "streams_failed": self.failures,
            "rss_bytes_first_and_last": self.rss_bytes,
        })
    }
}

/// The processes that were started and may live. Dropping it ends them.
#[derive(Debug, Default)]
struct Living(Vec<u32>);

impl Living {
    fn of(pid: u32) -> Option<Pid> {
        Pid::from_raw(i32::try_from(pid).ok()?)
    }

    /// Forgets those that have ended.
    fn look(&mut self) -> usize {
        let lives = |pid: &u32| Self::of(*pid).is_some_and(|pid| test_kill_process(pid).is_ok());
        self.0.retain(lives);
        self.0.len()
    }

    fn signal(&self, signal: Signal) {
        for pid in self.0.iter().filter_map(|pid| Self::of(*pid)) {
            // It may have ended since.
            kill_process(pid, signal).ok();
        }
    }

    async fn at_most(&mut self, most: usize, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        while self.look() > most {
            if Instant::now() > until {
                return Err(Failure::new(format!(
                    "{} processes still run after {limit:?}",
                    self.0.len()
                )));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.look();
        self.signal(Signal::KILL);
    }
}

async fn drive(settings: &Settings, restarts: u64, binary: &Path) -> Result<Found> {
    let upstream = UpstreamProcess::start(&settings.out, 0, None).await?;
    let gateway = Gateway::start(binary, settings, upstream.ports, config).await?;
    let clients = Arc::new(Clients {
        authority: gateway.authority.clone(),
        api_key: MASTER_KEY.to_owned(),
        timeouts: settings.timeouts,
        pace: settings.pace,
        start: Instant::now(),
        tally: Arc::new(Tally::new()),
        unmarked: AtomicU64::new(0),
    });
    let load = Load::start(&clients, models(settings), settings, RAMP);
    let newcomer = Newcomer::start(&gateway.authority);
    sleep(RAMP).await;
    let (mut found, mut living) = (Found::default(), Living::default());
    found.rss_bytes[0] = rss_bytes(gateway.pid);
    let begun = Instant::now();
    while found.restarts < restarts {
        living.at_most(MOST, settings.pace.longest() * 2).await?;
        let ordered = Instant::now();
        living.0.push(next(&gateway.authority).await?);
        found.slowest = found.slowest.max(ordered.elapsed());
        found.most = found.most.max(living.look() + 1);
        found.restarts += 1;
        if found.restarts.is_multiple_of(TELL) {
            println!("{} restarts, {} processes", found.restarts, living.0.len());
        }
    }
    found.took = begun.elapsed();
    let until = Instant::now() + load.drain_limit();
    load.enough();
    while !load.is_over() && Instant::now() < until {
        sleep(Duration::from_millis(50)).await;
    }
    load.give_up().await;
    (found.connections, found.refused) = newcomer.stop().await?;
    living.at_most(1, END).await?;
    found.rss_bytes[1] = living.0.last().copied().map_or(0, rss_bytes);
    living.signal(Signal::TERM);
    living.at_most(0, END).await?;
    // The first one was told nothing but to hand over.
    gateway.stop().await?;
    found.streams = clients.tally.take_second().completed;
    for (outcome, count) in clients.tally.totals().failures.values().flatten() {
        *found.failures.entry(outcome.name()).or_default() += count;
    }
    Ok(found)
}

fn rss_bytes(pid: u32) -> u64 {
    Reading::of(pid).map_or(0, |reading| reading.rss_bytes)
}

/// Has the process that serves hand over, and gives the next one.
async fn next(authority: &str) -> Result<u32> {
    let until = Instant::now() + END;
    loop {
        let told = post(authority, "/admin/upgrade", Some(MASTER_KEY), "{}").await;
        match told {
            Ok(body) => {
                let body: Value = serde_json::from_slice(&body).doing("/admin/upgrade")?;
                let pid = body["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
                return pid.ok_or_else(|| Failure::new("/admin/upgrade names no process"));
            }
            // The connection was taken by the old process in its last moment.
            Err(failure) if failure.to_string().contains(" 409 ") && Instant::now() < until => {}
            Err(failure) => return Err(failure),
        }
    }
}

/// One connection after the other, for one small request each.
struct Newcomer {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<(u64, u64)>,
}

impl Newcomer {
    fn start(authority: &str) -> Self {
        let stop = CancellationToken::new();
        let (stopped, authority) = (stop.clone(), authority.to_owned());
        let task = TaskTracker::new().spawn(async move {
            let (mut all, mut failed) = (0, 0);
            while !stopped.is_cancelled() {
                all += 1;
                if let Err(failure) = get(&authority, "/health/readiness", None).await {
                    println!("{failure}");
                    failed += 1;
                }
            }
            (all, failed)
        });
        Self { stop, task }
    }

    async fn stop(self) -> Result<(u64, u64)> {
        self.stop.cancel();
        self.task.await.doing("the client that connects")
    }
}

/// How the streams begin: not all at once.
const RAMP: Duration = Duration::from_secs(2);
/// Old processes that may live beside the one that serves.
const MOST: usize = 24;
/// Restarts between two lines of progress.
const TELL: u64 = 50;
/// How long the last processes may take to end when no stream runs any more.
const END: Duration = Duration::from_secs(90);
