//! From what the user said to what the soak needs.

use std::path::PathBuf;
use std::time::Duration;

use super::http::authority;
use super::models::{KEY_VARIABLE, MASTER_KEY};
use crate::failure::{Failure, Result};
use crate::shell;

/// Options of `cargo xtask soak`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The short form for continuous integration: under a minute, debug build of the gateway.
    #[arg(long)]
    short: bool,
    /// How long new streams are started, in hours.
    #[arg(long, conflicts_with_all = ["seconds", "short"])]
    hours: Option<f64>,
    /// How long new streams are started, in seconds. [default: 120; 20 with --short]
    #[arg(long)]
    seconds: Option<u64>,
    /// Lifetime of an upstream pool in seconds: `router_settings.client_ttl`; with --target what is assumed of that gateway. [default: 10; 3600 with --hours; 4 with --short]
    #[arg(long)]
    ttl: Option<u64>,
    /// Streams at the same time. [default: 2000; 300 with --short]
    #[arg(long)]
    streams: Option<u32>,
    /// Rotations for other reasons than the lifetime, spread over the run. [default: one every two seconds; every minute with --hours; every second with --short]
    #[arg(long)]
    rotations: Option<u64>,
    /// Makes the choice of models, lengths and moments repeat. [default: random, and reported]
    #[arg(long)]
    seed: Option<u64>,
    /// Let the upstream fail at random: this share of what reaches it, 0 to 1, meets a fault. Clients then make calls of all kinds.
    #[arg(long, value_name = "SHARE", conflicts_with_all = ["target", "hours", "rotations"])]
    chaos: Option<f64>,
    /// Stop after so many calls instead of after a time.
    #[arg(long, requires = "chaos", conflicts_with = "seconds")]
    calls: Option<u64>,
    /// Replace the gateway's process so often, each time by a new one that takes over its listeners, and nothing else.
    #[arg(long, value_name = "N", conflicts_with_all = ["chaos", "target", "hours", "seconds", "rotations", "sabotage"])]
    restarts: Option<u64>,
    /// Put a known fault into the gateway: the soak must find it and fail.
    #[arg(long, value_enum, conflicts_with = "target")]
    sabotage: Option<Sabotage>,
    /// Drive a gateway that already runs, for example http://127.0.0.1:4000.
    #[arg(long)]
    target: Option<String>,
    /// A model of that gateway, may be repeated. `messages:NAME` calls it through /v1/messages, `chat:NAME` through
    /// /v1/chat/completions; a bare name is guessed. [default: those of the configuration that the soak writes]
    #[arg(long, requires = "target")]
    model: Vec<String>,
    /// The key for that gateway. [default: that of the configuration that the soak writes]
    #[arg(long, env = KEY_VARIABLE, hide_env_values = true)]
    api_key: Option<String>,
    /// Process of that gateway, to watch its memory and descriptors.
    #[arg(long, requires = "target")]
    pid: Option<u32>,
    /// Where the upstream of the soak listens when --target is given; the gateway's `api_base` points here.
    #[arg(long, default_value_t = UPSTREAM_PORT)]
    upstream_port: u16,
    /// A gateway that is built already, instead of building the one here.
    #[arg(long, value_name = "PATH", conflicts_with = "target")]
    gateway_bin: Option<PathBuf>,
    /// Folder of the results. [default: target/soak]
    #[arg(long)]
    out: Option<PathBuf>,
}

/// A known fault of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sabotage {
    /// When a pool's lifetime is over, everything that runs on it is closed.
    EvictCloses,
}

impl Sabotage {
    /// The value of `GATEWAY_SABOTAGE`, and of the flag.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EvictCloses => "evict-closes",
        }
    }
}

/// What one run does; everything is decided.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) short: bool,
    pub(super) load: Duration,
    pub(super) ttl: Duration,
    pub(super) streams: u32,
    pub(super) pace: Pace,
    pub(super) timeouts: Timeouts,
    /// Time between rotations for other reasons than the lifetime.
    pub(super) rotate_every: Option<Duration>,
    pub(super) seed: u64,
    pub(super) sabotage: Option<Sabotage>,
    /// Share of the requests at the upstream that meet a fault.
    pub(super) chaos: Option<f64>,
    /// Calls of a run with faults, if their number is what ends it.
    pub(super) calls: Option<u64>,
    /// How often the gateway's process is replaced, if that is what the run is about.
    pub(super) restarts: Option<u64>,
    pub(super) target: Option<Target>,
    pub(super) gateway_bin: Option<PathBuf>,
    pub(super) out: PathBuf,
    /// The command that does the same again.
    pub(super) command: String,
}

/// How a stream flows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Time between two events of a stream.
    pub(super) interval: Duration,
    /// Events of the shortest stream.
    pub(super) fewest: u64,
    /// Events of the longest stream.
    pub(super) most: u64,
}

/// The limits of the clients of the original report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) write: Duration,
    /// Longest silence inside a stream; heartbeats do not count as content.
    pub(super) read: Duration,
}

/// A gateway that somebody else runs.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) authority: String,
    pub(super) models: Vec<String>,
    pub(super) api_key: String,
    pub(super) pid: Option<u32>,
    pub(super) upstream_port: u16,
}

impl Settings {
    /// Fills in the defaults and refuses what makes no sense.
    pub(super) fn from_args(args: Args) -> Result<Self> {
        let (load, ttl, streams) = defaults(&args)?;
        let load = args.seconds.unwrap_or(load);
        let ttl = args.ttl.unwrap_or(ttl);
        let streams = args.streams.unwrap_or(streams);
        let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
        if load == 0 || ttl == 0 || streams == 0 {
            return Err(Failure::new("seconds, ttl and streams must be more than 0"));
        }
        if args
            .chaos
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return Err(Failure::new("--chaos is a share: 0 to 1"));
        }
        // The original's chart shows lifetimes alone: other rotations would blur the marks.
        let quiet = args.sabotage.is_some() || args.target.is_some();
        let rotations = args
            .rotations
            .unwrap_or(match (quiet, args.short, args.hours) {
                (true, ..) => 0,
                (_, true, _) => load,
                (_, _, None) => load / 2,
                (_, _, Some(_)) => load / 60,
            });
        let numbers = [
            ("seconds", load),
            ("rotations", rotations),
            ("ttl", ttl),
            ("streams", u64::from(streams)),
            ("seed", seed),
        ];
        let command = reproduce(&args, &numbers);
        let target = target(&args)?;
        let ttl = Duration::from_secs(ttl);
        let load = Duration::from_secs(load);
        Ok(Self {
            short: args.short,
            pace: Pace::of(args.short || args.restarts.is_some(), ttl, load),
            timeouts: Timeouts::of(args.short),
            rotate_every: (rotations > 0).then(|| load.div_f64(rotations as f64)),
            load,
            ttl,
            streams,
            seed,
            sabotage: args.sabotage,
            chaos: args.chaos,
            calls: args.calls,
            restarts: args.restarts,
            target,
            gateway_bin: args.gateway_bin,
            out: args.out.unwrap_or_else(|| shell::target_dir().join("soak")),
            command,
        })
    }
}

impl Pace {
    /// Streams from a quarter of a lifetime to two and a half, so that each lifetime ends under streams of every age.
    fn of(short: bool, ttl: Duration, load: Duration) -> Self {
        let interval = Duration::from_millis(if short { 250 } else { 1000 });
        let longest = (ttl * 5 / 2).min(load).min(Duration::from_secs(300));
        let events = |time: Duration| {
            let count = time.as_millis() / interval.as_millis();
            u64::try_from(count).unwrap_or(u64::MAX).max(3)
        };
        Self {
            interval,
            fewest: events(longest / 10),
            most: events(longest),
        }
    }

    /// How long the longest stream takes.
    pub(super) fn longest(&self) -> Duration {
        self.interval * u32::try_from(self.most).unwrap_or(u32::MAX)
    }
}

impl Timeouts {
    const fn of(short: bool) -> Self {
        Self {
            connect: Duration::from_secs(5),
            write: Duration::from_secs(5),
            read: Duration::from_secs(if short { 10 } else { 30 }),
        }
    }
}

fn whole_seconds(seconds: f64) -> Result<u64> {
    let time = Duration::try_from_secs_f64(seconds);
    time.map(|time| time.as_secs())
        .map_err(|error| Failure::new(format!("--hours: {error}")))
}

/// The gateway that somebody else runs, if one is named.
fn target(args: &Args) -> Result<Option<Target>> {
    let Some(url) = &args.target else {
        return Ok(None);
    };
    let key = args.api_key.clone();
    Ok(Some(Target {
        authority: authority(url)?,
        models: if args.model.is_empty() {
            ["vertex-h1", "openai-h1"].map(str::to_owned).to_vec()
        } else {
            args.model.clone()
        },
        api_key: key.unwrap_or_else(|| MASTER_KEY.to_owned()),
        pid: args.pid,
        upstream_port: args.upstream_port,
    }))
}

/// Seconds of load, lifetime of a pool, streams at the same time.
fn defaults(args: &Args) -> Result<(u64, u64, u32)> {
    if args.restarts.is_some() {
        return Ok((60, 2, 100));
    }
    Ok(match (args.chaos, args.short, args.hours) {
        (Some(_), true, _) => (12, 4, 100),
        (Some(_), false, _) => (120, 10, 400),
        (_, true, _) => (20, 4, 300),
        (_, _, Some(hours)) => (whole_seconds(hours * 3600.0)?, 3600, 500),
        _ => (120, 10, 2000),
    })
}

/// The command with every default written out; a key is never repeated.
fn reproduce(args: &Args, numbers: &[(&str, u64)]) -> String {
    let mut command = "cargo xtask soak".to_owned();
    if args.short {
        command.push_str(" --short");
    }
    if let Some(restarts) = args.restarts {
        command.push_str(&format!(" --restarts {restarts}"));
    }
    // With faults the number of calls may end the run, and nothing is rotated by order; nor is it under restarts.
    let skipped = match (args.chaos, args.calls) {
        _ if args.restarts.is_some() => 2,
        (None, _) => 0,
        (Some(_), None) => {
            command.push_str(&format!(" --seconds {}", numbers[0].1));
            2
        }
        (Some(_), Some(calls)) => {
            command.push_str(&format!(" --calls {calls}"));
            2
        }
    };
    if let Some(share) = args.chaos {
        command.push_str(&format!(" --chaos {share}"));
    }
    for (name, number) in numbers.iter().skip(skipped) {
        command.push_str(&format!(" --{name} {number}"));
    }
    if let Some(sabotage) = args.sabotage {
        command.push_str(&format!(" --sabotage {}", sabotage.name()));
    }
    if let Some(path) = &args.gateway_bin {
        command.push_str(&format!(" --gateway-bin {}", path.display()));
    }
    if let Some(target) = &args.target {
        command.push_str(&format!(" --target {target}"));
    }
    for model in &args.model {
        command.push_str(&format!(" --model {model}"));
    }
    if args.upstream_port != UPSTREAM_PORT {
        command.push_str(&format!(" --upstream-port {}", args.upstream_port));
    }
    command
}

/// Where the upstream of the soak listens for a gateway that somebody else runs.
const UPSTREAM_PORT: u16 = 18_080;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    pub(in crate::soak) fn settings(line: &str) -> Result<Settings> {
        let words = std::iter::once("soak").chain(line.split_whitespace());
        Settings::from_args(Line::try_parse_from(words).unwrap().args)
    }

    #[test]
    fn sixty_rotations_in_two_minutes_are_the_default() {
        let settings = settings("").unwrap();
        assert_eq!(settings.rotate_every, Some(Duration::from_secs(2)));
        assert_eq!(settings.streams, 2000);
    }

    #[test]
    fn the_command_repeats_the_run_without_the_key() {
        let line = "--target http://127.0.0.1:4000 --model claude --api-key sk-secret --seed 7 --upstream-port 9";
        let command = settings(line).unwrap().command;
        for part in ["--seed 7", "--model claude", "--upstream-port 9"] {
            assert!(command.contains(part), "{command}");
        }
        assert!(!command.contains("sk-secret"));
    }

    #[test]
    fn only_this_machine_is_a_target() {
        assert!(settings("--target http://example.com --model x").is_err());
        assert!(settings("--target http://localhost:4000/ --model x").is_ok());
    }

    #[test]
    fn sabotage_shows_lifetimes_alone() {
        assert_eq!(
            settings("--sabotage evict-closes").unwrap().rotate_every,
            None
        );
    }

    #[test]
    fn a_run_with_faults_repeats_and_refuses_what_is_no_share() {
        let command = |line: &str| settings(line).unwrap().command;
        let by_time = command("--short --chaos 0.3 --seed 5");
        assert!(
            by_time.contains("--short --seconds 12 --chaos 0.3 --ttl 4"),
            "{by_time}"
        );
        assert_eq!(command(&by_time.replace("cargo xtask soak", "")), by_time);
        let by_calls = command("--chaos 0.3 --calls 1000");
        assert!(by_calls.contains("--calls 1000") && !by_calls.contains("--seconds"));
        assert_eq!(command(&by_calls.replace("cargo xtask soak", "")), by_calls);
        assert!(settings("--chaos 30").is_err());
    }

    #[test]
    fn streams_outlive_a_lifetime() {
        let settings = settings("--short").unwrap();
        assert!(settings.pace.longest() > settings.ttl);
    }
}
