//! `cargo xtask bench`: what a call through the gateway costs, as a ratio to nginx in the same run.
//!
//! The method is in `docs/benchmarks.md`.

mod account;
mod clock;
mod dialect;
mod job;
mod load;
mod mock;
mod payload;
mod plan;
mod proxies;
mod report;
mod response;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use tokio::signal::unix::{SignalKind, signal};

use self::job::Job;
use self::proxies::Extra;
use crate::failure::{Doing, Failure, Result};

/// Options of `cargo xtask bench`.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// How often every measurement is repeated; the table shows medians [default: 5, quick: 2].
    #[arg(long)]
    rounds: Option<u32>,
    /// Only these measurements.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// Short measurements, and 1,000 idle streams at most: for a first look, not for figures.
    #[arg(long)]
    quick: bool,
    /// Leave nginx out; there are no ratios then.
    #[arg(long)]
    no_nginx: bool,
    /// Leave the gateway out: what nginx does on this machine.
    #[arg(long)]
    no_gateway: bool,
    /// The nginx to compare with.
    #[arg(long, value_name = "PATH", default_value = "nginx")]
    nginx_bin: PathBuf,
    /// A gateway that is built already, instead of building the one here.
    #[arg(long, value_name = "PATH")]
    gateway_bin: Option<PathBuf>,
    /// One more proxy that runs already, on the proxies' core and in front of the mock.
    #[arg(long, value_name = "NAME=URL")]
    extra_proxy: Vec<Extra>,
    /// Do not build; take the release binaries as they are.
    #[arg(long)]
    no_build: bool,
    /// The mock listens on this port, the proxies on the next ones.
    #[arg(long, value_name = "PORT", default_value_t = 18_400)]
    base_port: u16,
    /// Core of the proxy under test.
    #[arg(long, value_name = "CORE", default_value_t = 1)]
    proxy_core: usize,
    /// Core of the mock upstream and the load generator.
    #[arg(long, value_name = "CORE", default_value_t = 0)]
    load_core: usize,
}

/// Processes of the benchmark that have a core and an account of their own.
#[derive(Debug, Clone, clap::Subcommand)]
enum Part {
    /// The mock upstream.
    #[command(hide = true)]
    Mock {
        /// Core to stay on.
        #[arg(long)]
        core: usize,
        /// Address to listen on.
        #[arg(long)]
        address: SocketAddr,
    },
    /// The load generator: one measurement, its result as JSON on standard output.
    #[command(hide = true)]
    Load {
        /// Core to stay on.
        #[arg(long)]
        core: usize,
        /// The measurement, as JSON.
        #[arg(long)]
        job: String,
    },
}

/// Measurements that can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Plain calls, as many as possible.
    Plain,
    /// Streams whose events come one by one, fast.
    Flushed,
    /// Streams whose events come together.
    Burst,
    /// 200 streams with an event every 20 ms.
    Paced,
    /// Plain calls at a fixed rate.
    Latency,
    /// Silent streams.
    Memory,
    /// Plain calls to a model group with several deployments, retries, fallbacks and cooldowns.
    Guarded,
    /// 1,000 calls at a time that nobody answers, until their timers fire.
    Timers,
    /// The same calls to a provider of the client's dialect and of another one.
    Translated,
}

impl Args {
    /// Nothing to compare the gateway with has to run.
    fn only_the_gateways(&self) -> bool {
        !self.only.is_empty() && self.only.iter().all(|group| group.is_the_gateways())
    }
}

impl Group {
    /// A proxy that only passes bytes on has nothing to show here.
    const fn is_the_gateways(self) -> bool {
        matches!(self, Self::Timers | Self::Translated)
    }
}

/// Runs the benchmark, or one of its parts.
///
/// # Errors
/// What keeps the benchmark from running. A target that is missed is not an error.
pub(crate) fn run(args: Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .doing("cannot start a runtime")?;
    match args.part {
        Some(Part::Mock { core, address }) => {
            account::stay_on(core)?;
            account::raise_descriptor_limit()?;
            runtime.block_on(mock::serve(address))
        }
        Some(Part::Load { core, job }) => {
            account::stay_on(core)?;
            account::raise_descriptor_limit()?;
            let job: Job = serde_json::from_str(&job).doing("cannot read the job")?;
            let cell = runtime.block_on(load::measure(job))?;
            println!("{}", serde_json::to_string(&cell).doing("result")?);
            Ok(())
        }
        None => {
            let found = runtime.block_on(async {
                tokio::select! {
                    found = plan::run(&args) => found,
                    () = interrupted() => Err(Failure::new("interrupted")),
                }
            })?;
            report::write(&found)
        }
    }
}

/// Waits for Ctrl-C or SIGTERM, so that the proxies are ended with us.
async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
