//! `cargo xtask soak --chaos SHARE`: calls through a gateway whose upstream fails at random.
//!
//! Of what reaches the upstream, a share is answered by a fault of the matrix in [`gateway_testkit::fault`]. The upstream
//! writes down every request that it gets, and the text of every answer names the request that it belongs to, so that
//! afterwards each call can be judged by what was really done to it: [`judge`].

mod account;
mod client;
mod config;
mod judge;
mod load;
mod menu;
mod report;
mod run;
mod sends;
mod upstream;
mod verdict;

pub(super) use upstream::Chaos;

use std::path::Path;

use serde::Serialize;

use super::environment::Environment;
use super::settings::Settings;
use super::verdict::Verdict;
use crate::failure::{Doing, Failure, Result};
use judge::Judgment;

/// Runs to the end, writes the report and fails on a broken promise.
pub(super) fn run(settings: &Settings, share: f64, binary: &Path, gateway: String) -> Result<()> {
    let load = load_in_words(settings, share);
    println!("{load}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .doing("runtime")?;
    let found = runtime.block_on(run::run(settings, share, binary))?;
    let judgment = Judgment::of(&found);
    let verdict = verdict::of(&judgment);
    let environment = Environment::look(gateway, load);
    let summary = Summary {
        verdict: &verdict,
        command: &settings.command,
        seed: settings.seed,
        judgment: &judgment,
        environment: &environment,
    };
    let summary = serde_json::to_string_pretty(&summary).doing("summary.json")?;
    std::fs::write(settings.out.join("summary.json"), summary).doing("summary.json")?;
    let page = report::page(&found, &judgment, &verdict, &environment, &settings.command);
    std::fs::write(settings.out.join("report.html"), page).doing("report.html")?;
    super::show(&verdict, &settings.out);
    if verdict.passed {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the soak failed; again with: {}",
        settings.command
    )))
}

/// `summary.json`.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    verdict: &'a Verdict,
    command: &'a str,
    seed: u64,
    #[serde(flatten)]
    judgment: &'a Judgment,
    environment: &'a Environment,
}

fn load_in_words(settings: &Settings, share: f64) -> String {
    let length = settings.calls.map_or_else(
        || format!("for {} s", settings.load.as_secs()),
        |calls| format!("until {calls} calls are made"),
    );
    format!(
        "{} clients {length}, {} % of what reaches the upstream meets a fault; pools live {} s; seed {}",
        settings.streams,
        share * 100.0,
        settings.ttl.as_secs(),
        settings.seed,
    )
}
