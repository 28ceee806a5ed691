//! One run: start everything, look once per second, stop everything.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::gateway::{Gateway, await_foreign};
use super::load::Load;
use super::models::{MASTER_KEY, config, models};
use super::pools::{self, Orders, Rotator};
use super::process::Reading;
use super::progress::Progress;
use super::record::Record;
use super::sample::{Line, Phase, Pools, Rotation, Sample, rotations};
use super::settings::Settings;
use super::stream::Clients;
use super::tally::Tally;
use super::upstream::UpstreamProcess;
use crate::failure::{Doing, Result};

/// Runs to the end; what was promised and broken is in the record, an `Err` means that the run could not take place.
pub(super) async fn run(settings: &Settings, binary: Option<&Path>) -> Result<Record> {
    let port = settings
        .target
        .as_ref()
        .map_or(0, |target| target.upstream_port);
    let upstream = UpstreamProcess::start(&settings.out, port, None).await?;
    if let Some(target) = &settings.target {
        await_foreign(target, settings, upstream.ports).await?;
    }
    let gateway = match binary {
        Some(binary) => Some(Gateway::start(binary, settings, upstream.ports, config).await?),
        None => None,
    };
    let record = Watch::new(settings, gateway.as_ref(), upstream.pid)?
        .run(gateway.as_ref())
        .await?;
    if let Some(gateway) = gateway {
        gateway.stop().await?;
    }
    Ok(record)
}

/// The eye on a run.
struct Watch<'a> {
    settings: &'a Settings,
    clients: Arc<Clients>,
    /// The gateway's process, where it is known.
    pid: Option<u32>,
    upstream_pid: u32,
    /// Whether the gateway answers `GET /admin/pools`.
    ours: bool,
    lines: BufWriter<File>,
    samples: Vec<Sample>,
    marks: Vec<Rotation>,
    failed: u64,
}

impl<'a> Watch<'a> {
    fn new(settings: &'a Settings, gateway: Option<&Gateway>, upstream_pid: u32) -> Result<Self> {
        let lines = File::create(settings.out.join("soak.ndjson")).doing("soak.ndjson")?;
        let target = settings.target.as_ref();
        let authority = target.map(|target| target.authority.clone());
        let authority = authority.or_else(|| gateway.map(|gateway| gateway.authority.clone()));
        let key = target.map_or(MASTER_KEY, |target| &target.api_key);
        let clients = Clients {
            authority: authority.unwrap_or_default(),
            api_key: key.to_owned(),
            timeouts: settings.timeouts,
            pace: settings.pace,
            start: Instant::now(),
            tally: Arc::new(Tally::new()),
            unmarked: AtomicU64::new(0),
        };
        Ok(Self {
            settings,
            clients: Arc::new(clients),
            pid: gateway.map(|gateway| gateway.pid).or_else(|| target?.pid),
            upstream_pid,
            ours: gateway.is_some(),
            lines: BufWriter::new(lines),
            samples: Vec::new(),
            marks: Vec::new(),
            failed: 0,
        })
    }

    async fn run(mut self, gateway: Option<&Gateway>) -> Result<Record> {
        let before = self.pid.and_then(Reading::of);
        let ramp = (self.settings.load / 10).min(Duration::from_secs(60));
        let progress = Progress::new(self.settings.load + self.settings.pace.longest());
        let load = Load::start(&self.clients, models(self.settings), self.settings, ramp);
        let rotator = gateway.map(|gateway| Rotator::start(gateway, self.settings));
        let mut phase = Phase::RampUp;
        let mut second = 0u32;
        let mut rested = 0;
        while rested < MOST_REST {
            second += 1;
            let due = Duration::from_secs(u64::from(second));
            self.look(second, phase, &progress).await?;
            phase = match phase {
                Phase::RampUp if due > ramp => Phase::Steady,
                Phase::Steady if due >= self.settings.load => {
                    load.enough();
                    Phase::Drain
                }
                Phase::Drain if load.is_over() => Phase::Rest,
                Phase::Drain if due > self.settings.load + load.drain_limit() => Phase::Rest,
                other => other,
            };
            if phase == Phase::Rest {
                rested += 1;
                if rested > LEAST_REST && self.is_at_rest(before) {
                    break;
                }
            }
        }
        drop(progress);
        load.give_up().await;
        let orders = match rotator {
            Some(rotator) => rotator.stop().await?,
            None => Orders::default(),
        };
        self.lines.flush().doing("soak.ndjson")?;
        Ok(self.into_record(before, orders))
    }

    /// Takes the sample of one second and writes it down.
    async fn look(&mut self, second: u32, phase: Phase, progress: &Progress) -> Result<()> {
        let due = self.clients.start + Duration::from_secs(u64::from(second));
        sleep_until(due).await;
        let late = due.elapsed();
        let pools = if self.ours {
            pools::read(&self.clients.authority).await
        } else {
            None
        };
        let read_at = self.clients.start.elapsed().as_secs_f64();
        let streams = self.clients.tally.take_second();
        self.failed += streams.failed;
        let sample = Sample {
            second: f64::from(second),
            phase,
            streams,
            gateway: self.pid.and_then(Reading::of),
            upstream: Reading::of(self.upstream_pid),
            pools,
            sampler_late_ms: late.as_secs_f64() * 1000.0,
        };
        for rotation in self.rotations(&sample, read_at) {
            self.line(&Line::Rotation(&rotation))?;
            self.marks.push(rotation);
        }
        for ended in &sample.streams.details {
            self.line(&Line::Failure(ended))?;
        }
        self.line(&Line::Second(&sample))?;
        self.lines.flush().doing("soak.ndjson")?;
        progress.show(&sample, self.failed);
        self.samples.push(sample);
        Ok(())
    }

    /// Rotations since the last sample; of a foreign gateway those that its lifetime makes likely.
    fn rotations(&self, sample: &Sample, read_at: f64) -> Vec<Rotation> {
        if let Some(after) = &sample.pools {
            let before = self
                .samples
                .iter()
                .rev()
                .find_map(|sample| sample.pools.as_ref());
            return rotations(before.unwrap_or(&Pools::default()), after, read_at);
        }
        let ttl = self.settings.ttl.as_secs_f64();
        let over = !self.ours && sample.second % ttl < 1.0;
        over.then(|| Rotation {
            second: sample.second,
            reason: "ttl".to_owned(),
            pools: 1,
        })
        .into_iter()
        .collect()
    }

    /// Whether the gateway holds nothing more than it did before the first stream, but for its pools.
    fn is_at_rest(&self, before: Option<Reading>) -> bool {
        let Some(last) = self.samples.last() else {
            return false;
        };
        let pools = last.pools.as_ref();
        let drained =
            pools.is_none_or(|pools| pools.draining == 0 && pools.current == pools.origins);
        let pooled = pools.map_or(0, |pools| pools.connections);
        let closed = last.gateway.zip(before).is_none_or(|(now, before)| {
            now.descriptors <= before.descriptors + pooled + super::verdict::SPARE_DESCRIPTORS
        });
        drained && closed
    }

    fn line(&mut self, line: &Line<'_>) -> Result<()> {
        serde_json::to_writer(&mut self.lines, line).doing("soak.ndjson")?;
        self.lines.write_all(b"\n").doing("soak.ndjson")
    }

    fn into_record(self, before: Option<Reading>, orders: Orders) -> Record {
        Record {
            samples: self.samples,
            marks: self.marks,
            marks_assumed: !self.ours,
            totals: self.clients.tally.totals(),
            before,
            streams_wanted: u64::from(self.settings.streams),
            orders,
            unmarked: self.clients.unmarked.load(Ordering::Relaxed),
        }
    }
}

/// Seconds of rest that every run has: what comes back late must be seen.
const LEAST_REST: u32 = 2;
/// Seconds after which a gateway that is not at rest is judged as it is.
const MOST_REST: u32 = 15;
