//! The load generator: raw connections, requests rendered beforehand, one thread.

mod connection;
mod tally;
mod timers;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::connection::Connection;
use self::tally::{Snapshot, Tally};
use super::account;
use super::clock::{self, Alarm, SECOND};
use super::job::{Cell, Job, Shape};
use super::payload::{self, EVENTS, Mode, PACE_MS};
use crate::failure::{Failure, Result};

/// Does one measurement.
///
/// # Errors
/// No descriptors or timers, or streams that do not open. Failed calls are not errors here,
/// they are counted.
pub(crate) async fn measure(job: Job) -> Result<Cell> {
    let shared = Arc::new(Shared {
        request: payload::request(job.route, job.mode, &job.address.to_string(), &job.prefix),
        tally: Mutex::new(Tally::new()),
        job,
    });
    match shared.job.shape.clone() {
        Shape::Closed {
            connections,
            duration_ms,
        } => {
            let mut tasks = JoinSet::new();
            for index in 0..connections {
                tasks.spawn(closed(Arc::clone(&shared), index, connections));
            }
            Ok(window(&shared, duration_ms).await)
        }
        Shape::Open {
            rate,
            connections,
            duration_ms,
        } => {
            let mut tasks = JoinSet::new();
            let begin = clock::now() + SECOND / 10;
            for index in 0..connections {
                let every = SECOND * u64::from(connections) / u64::from(rate);
                let first = begin + SECOND * u64::from(index) / u64::from(rate);
                tasks.spawn(open(
                    Arc::clone(&shared),
                    first,
                    every,
                    SECOND / u64::from(rate),
                ));
            }
            Ok(window(&shared, duration_ms).await)
        }
        Shape::Timers {
            connections,
            duration_ms,
        } => timers::measure(&shared, connections, duration_ms).await,
        Shape::Idle { steps, settle_ms } => idle(&shared, &steps, settle_ms).await,
    }
}

/// What all connections of a measurement share.
#[derive(Debug)]
struct Shared {
    job: Job,
    request: Vec<u8>,
    tally: Mutex<Tally>,
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("no connection panics with it")
    }
}

/// Lets the connections warm up, then counts for a while.
async fn window(shared: &Shared, duration_ms: u64) -> Cell {
    sleep(Duration::from_millis(shared.job.warm_up_ms)).await;
    let begin = Snapshot::take(&shared.job.watch);
    shared.tally().recording = true;
    sleep(Duration::from_millis(duration_ms)).await;
    shared.tally().recording = false;
    let end = Snapshot::take(&shared.job.watch);
    let mut cell = shared.tally().cell();
    end.since(&begin, &mut cell);
    cell
}

/// One connection of a closed loop: the next call begins when the last one has ended.
async fn closed(shared: Arc<Shared>, index: u32, connections: u32) {
    if shared.job.mode == Mode::Paced && spread(index, connections).await.is_err() {
        return shared.tally().fail("no timer left".to_owned());
    }
    let mut connection = Connection::new(shared);
    loop {
        connection.call(None).await;
    }
}

/// Waits so that paced streams neither begin together nor write in the same millisecond.
async fn spread(index: u32, connections: u32) -> Result<()> {
    let stream = EVENTS as u64 * PACE_MS * 1_000_000;
    let begin = stream * u64::from(index) / u64::from(connections);
    // 7919 is a prime, so that neighbors fall into distant places of the interval.
    let phase = u64::from(index) * 7_919_000 % (PACE_MS * 1_000_000);
    Alarm::new()?.until(clock::now() + begin + phase).await
}

/// One connection of an open loop. A call that cannot begin in time, because the one before
/// it has not ended, is measured from when it should have begun.
///
/// Each begin is moved by a part of `gap`, the time between two calls of the whole loop:
/// calls in step with the kernel's ticks would meet all of them in one run, none in the next.
async fn open(shared: Arc<Shared>, first: u64, every: u64, gap: u64) {
    let alarm = match Alarm::new() {
        Ok(alarm) => alarm,
        Err(failure) => return shared.tally().fail(failure.to_string()),
    };
    let mut random = fastrand::Rng::with_seed(first % every);
    let mut connection = Connection::new(shared);
    connection.connect().await;
    let mut slot = first;
    loop {
        let due = slot + random.u64(0..gap);
        if alarm.until(due).await.is_err() {
            return;
        }
        connection.call(Some(due)).await;
        slot += every;
    }
}

/// Opens silent streams, step by step.
async fn idle(shared: &Arc<Shared>, steps: &[u32], settle_ms: u64) -> Result<Cell> {
    let watch = &shared.job.watch;
    let settle = Duration::from_millis(settle_ms);
    let mut cell = Cell {
        memory_before: account::memory(&watch.proxy),
        ..Cell::default()
    };
    let mut streams = JoinSet::new();
    let doors = Arc::new(Semaphore::new(OPENING));
    let mut open = 0;
    for step in steps {
        while open < *step {
            streams.spawn(silent(Arc::clone(shared), Arc::clone(&doors)));
            open += 1;
        }
        for _ in 0..PATIENCE_SECONDS * 10 {
            if shared.tally().open >= u64::from(*step) || shared.tally().errors > 0 {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        let tally = shared.tally().cell();
        if shared.tally().open < u64::from(*step) {
            return Err(Failure::new(format!(
                "only {} of {step} silent streams open: {}",
                shared.tally().open,
                tally.first_error.as_deref().unwrap_or("no answer")
            )));
        }
        sleep(settle).await;
        cell.memory.push((*step, account::memory(&watch.proxy)));
    }
    let tally = shared.tally().cell();
    cell.errors = tally.errors;
    cell.first_error = tally.first_error;
    Ok(cell)
}

async fn silent(shared: Arc<Shared>, doors: Arc<Semaphore>) {
    let mut connection = Connection::new(Arc::clone(&shared));
    let begun = match doors.acquire().await {
        Ok(_door) => connection.begin_stream().await,
        Err(closed) => Err(closed.to_string()),
    };
    match begun {
        Ok(()) => shared.tally().open += 1,
        Err(error) => return shared.tally().fail(error),
    }
    let end = connection.end_of_silence().await;
    shared.tally().fail(end);
}

/// Streams that are being opened at a time.
const OPENING: usize = 128;
/// How long a step may take to open its streams.
const PATIENCE_SECONDS: u32 = 60;
