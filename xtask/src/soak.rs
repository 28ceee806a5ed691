//! `cargo xtask soak`: many streams through a gateway whose upstream pools rotate under them.
//!
//! The burst of the original report (BerriAI/litellm#24929), replayed: a pool's lifetime ends, and every stream that
//! runs on it dies in the same second. Clients, upstream and gateway are three processes; every stream carries its
//! own sequence and hash, which its client checks.

mod chaos;
mod chart;
mod check;
mod environment;
mod gateway;
mod http;
mod load;
mod models;
mod outcome;
mod pools;
mod process;
mod progress;
mod record;
mod reloads;
mod report;
mod restarts;
mod run;
mod sample;
mod settings;
mod slope;
mod stream;
mod tally;
mod upstream;
mod verdict;

pub(crate) use settings::Args;
pub(crate) use upstream::{UpstreamArgs, run_upstream};

use std::path::Path;

use serde::Serialize;

use crate::failure::{Doing, Failure, Result};
use environment::Environment;
use record::Record;
use settings::Settings;
use tally::Percentiles;
use verdict::Verdict;

/// Runs the soak; a broken promise of the gateway is a failure.
pub(crate) fn run(args: Args) -> Result<()> {
    let settings = Settings::from_args(args)?;
    std::fs::create_dir_all(&settings.out).doing(settings.out.display())?;
    process::raise_descriptor_limit();
    let binary = match (&settings.target, &settings.gateway_bin) {
        (Some(_), _) => None,
        (None, Some(path)) => Some(path.clone()),
        (None, None) => Some(gateway::build(settings.short)?),
    };
    if let (Some(restarts), Some(binary)) = (settings.restarts, &binary) {
        return restarts::run(&settings, restarts, binary);
    }
    if let (Some(share), Some(binary)) = (settings.chaos, &binary) {
        return chaos::run(&settings, share, binary, gateway_in_words(&settings));
    }
    println!("{}", load_in_words(&settings));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .doing("runtime")?;
    let record = runtime.block_on(run::run(&settings, binary.as_deref()))?;
    let verdict = verdict::judge(&record);
    let gateway = gateway_in_words(&settings);
    let environment = Environment::look(gateway, load_in_words(&settings));
    write(&settings, &record, &verdict, &environment)?;
    show(&verdict, &settings.out);
    if verdict.passed {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the soak failed; again with: {}",
        settings.command
    )))
}

fn gateway_in_words(settings: &Settings) -> String {
    if let Some(target) = &settings.target {
        return target.authority.clone();
    }
    match &settings.gateway_bin {
        Some(path) => path.display().to_string(),
        None if settings.short => "gateway-server, debug build".to_owned(),
        None => "gateway-server, release build".to_owned(),
    }
}

fn load_in_words(settings: &Settings) -> String {
    let rotations = settings.rotate_every.map_or_else(
        || "no other rotations".to_owned(),
        |every| format!("another rotation every {:.1} s", every.as_secs_f64()),
    );
    format!(
        "{} streams for {} s, one event every {} ms, {} to {} events each; pools live {} s, {rotations}; seed {}",
        settings.streams,
        settings.load.as_secs(),
        settings.pace.interval.as_millis(),
        settings.pace.fewest,
        settings.pace.most,
        settings.ttl.as_secs(),
        settings.seed,
    )
}

/// `summary.json`.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    command: &'a str,
    seed: u64,
    streams_started: u64,
    streams_completed: u64,
    failures: std::collections::BTreeMap<&'static str, u64>,
    first_event_ms: Percentiles,
    lateness_ms: Percentiles,
    memory: String,
    environment: &'a Environment,
}

fn write(
    settings: &Settings,
    record: &Record,
    verdict: &Verdict,
    environment: &Environment,
) -> Result<()> {
    let summary = Summary {
        verdict,
        command: &settings.command,
        seed: settings.seed,
        streams_started: record.started(),
        streams_completed: record.completed(),
        failures: record.failures(),
        first_event_ms: record.totals.first_event,
        lateness_ms: record.totals.lateness,
        memory: record.growth().in_words(),
        environment,
    };
    let summary = serde_json::to_string_pretty(&summary).doing("summary.json")?;
    std::fs::write(settings.out.join("summary.json"), summary).doing("summary.json")?;
    let page = report::page(record, verdict, environment, &settings.command);
    std::fs::write(settings.out.join("report.html"), page).doing("report.html")
}

/// The verdict first, then what decided.
fn show(verdict: &Verdict, out: &Path) {
    println!("\n{}\n", verdict.sentence);
    for check in &verdict.checks {
        let mark = if check.passed { "kept  " } else { "BROKEN" };
        println!(
            "{mark}  {}: {} (wanted: {})",
            check.name, check.found, check.wanted
        );
    }
    for burst in &verdict.bursts {
        let rotation = burst.rotation.as_deref().unwrap_or("no rotation near");
        println!(
            "burst   {} streams from {} s on: {rotation}",
            burst.failures, burst.second
        );
    }
    for note in &verdict.notes {
        println!("note    {note}");
    }
    println!("\n{}", out.join("report.html").display());
}
