//! Calls that nobody answers: how exactly their timers fire.
//!
//! Each connection asks for something that is refused at once, which tells what the way and both ends cost, then makes a
//! call with a timer, and so on. Values and pauses are spread at random, so that neither requests nor timers come in bursts:
//! a burst would measure how long its last one queues.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep, timeout};

use super::super::clock::{self, Alarm, SECOND};
use super::super::job::{Cell, Points};
use super::super::payload::timed_request;
use super::super::response::Response;
use super::Shared;
use super::tally::Snapshot;
use crate::failure::{Doing, Failure, Result};

/// Measures for so long, after the warm-up of the job.
pub(super) async fn measure(
    shared: &Arc<Shared>,
    connections: u32,
    duration_ms: u64,
) -> Result<Cell> {
    let begin = clock::now() + shared.job.warm_up_ms * 1_000_000;
    let end = begin + duration_ms * 1_000_000;
    let mut tasks = JoinSet::new();
    for index in 0..connections {
        let client = Client {
            shared: Arc::clone(shared),
            random: fastrand::Rng::with_seed(u64::from(index)),
            count: (begin, end),
            stream: None,
            found: Found::default(),
        };
        tasks.spawn(client.run());
    }
    sleep(Duration::from_millis(shared.job.warm_up_ms)).await;
    let before = Snapshot::take(&shared.job.watch);
    let mut all = Found::default();
    while let Some(joined) = tasks.join_next().await {
        match joined.doing("a client")? {
            Ok(found) => all.add(found),
            Err(failure) => shared.tally().fail(failure.to_string()),
        }
    }
    let after = Snapshot::take(&shared.job.watch);
    let mut cell = shared.tally().cell();
    after.since(&before, &mut cell);
    cell.calls = (all.plain.len() + all.streams.len()) as u64;
    cell.timers_plain = Points::of(all.plain);
    cell.timers_stream = Points::of(all.streams);
    cell.refused = Points::of(all.refused);
    Ok(cell)
}

/// Nanoseconds: of timers how much later than due they fired, of refusals how long they took.
#[derive(Debug, Default)]
struct Found {
    plain: Vec<i64>,
    streams: Vec<i64>,
    refused: Vec<i64>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.plain.extend(other.plain);
        self.streams.extend(other.streams);
        self.refused.extend(other.refused);
    }
}

/// One call at a time.
struct Client {
    shared: Arc<Shared>,
    random: fastrand::Rng,
    /// Calls that begin in between are counted.
    count: (u64, u64),
    stream: Option<TcpStream>,
    found: Found,
}

impl Client {
    async fn run(mut self) -> Result<Found> {
        let alarm = Alarm::new()?;
        let host = self.shared.job.address.to_string();
        alarm
            .until(clock::now() + self.random.u64(..LONGEST_MS * 1_000_000))
            .await?;
        while clock::now() < self.count.1 {
            let streams = self.random.bool();
            let header = if streams {
                "x-litellm-stream-timeout"
            } else {
                "x-litellm-timeout"
            };
            let nonsense = timed_request(streams, &host, header, "soon");
            let (begun, ended) = self.call(&nonsense, 400).await?;
            if self.counts(begun) {
                self.found.refused.push(difference(ended, begun)?);
            }
            alarm
                .until(clock::now() + self.random.u64(..PAUSE_MS * 1_000_000))
                .await?;
            let limit = self.random.u64(SHORTEST_MS..LONGEST_MS);
            let value = format!("{}.{:03}", limit / 1_000, limit % 1_000);
            let request = timed_request(streams, &host, header, &value);
            let (begun, fired) = self.call(&request, 408).await?;
            if self.counts(begun) {
                let late = difference(fired, begun + limit * 1_000_000)?;
                let list = if streams {
                    &mut self.found.streams
                } else {
                    &mut self.found.plain
                };
                list.push(late);
            }
        }
        Ok(self.found)
    }

    fn counts(&self, begun: u64) -> bool {
        (self.count.0..self.count.1).contains(&begun)
    }

    /// When the request was written, and when the first byte of its answer came.
    async fn call(&mut self, request: &[u8], status: u16) -> Result<(u64, u64)> {
        let kept = self.stream.take();
        let reused = kept.is_some();
        let exchange = async {
            match self.exchange(kept, request).await {
                // The gateway may have closed a connection that it had answered an error on.
                Err(_) if reused => self.exchange(None, request).await,
                done => done,
            }
        };
        let (begun, first, answer) = timeout(PATIENCE, exchange)
            .await
            .doing(format!("instead of status {status}"))??;
        if answer.status != status {
            return Err(Failure::new(format!(
                "status {} instead of {status}",
                answer.status
            )));
        }
        Ok((begun, first))
    }

    async fn exchange(
        &mut self,
        kept: Option<TcpStream>,
        request: &[u8],
    ) -> Result<(u64, u64, Response)> {
        let mut stream = match kept {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.shared.job.address).await;
                let stream = stream.doing("connect")?;
                stream.set_nodelay(true).doing("nodelay")?;
                stream
            }
        };
        // Before the write: the gateway may have the request before the write returns.
        let begun = clock::now();
        stream.write_all(request).await.doing("write")?;
        let mut answer = Response::new();
        let mut buffer = [0; 4096];
        let mut first = None;
        while !answer.is_done() {
            let length = stream.read(&mut buffer).await.doing("read")?;
            let now = clock::now();
            if length == 0 {
                return Err(Failure::new("closed before the end of the answer"));
            }
            first.get_or_insert(now);
            answer
                .feed(&buffer[..length], |_| {})
                .map_err(Failure::new)?;
        }
        self.stream = Some(stream);
        Ok((begun, first.unwrap_or(begun), answer))
    }
}

fn difference(at: u64, from: u64) -> Result<i64> {
    let nanoseconds = i128::from(at) - i128::from(from);
    i64::try_from(nanoseconds).doing("time stamp")
}

/// The shortest timer.
const SHORTEST_MS: u64 = 100;
/// The longest timer.
const LONGEST_MS: u64 = 2 * SECOND / 1_000_000;
/// What fires later than this does not fire.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest rest between a refusal and the next call.
const PAUSE_MS: u64 = 20;
