//! `check FILE`: all problems of a configuration, without starting anything.

mod probe; // `--probe`.

use super::Exit;
use crate::config::{self, Code, Depth, Environment, Loaded, Problem, Sources, Strictness};
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server check config.yaml\n  gateway-server check config.yaml --strict --format json\n\nExit codes: 0 no errors (warnings are fine), 1 errors, 2 usage."
)]
pub struct CheckArgs {
    /// The configuration; what it includes is checked too.
    pub file: PathBuf,
    /// Treat unknown keys, and keys that have no effect here, as errors.
    #[arg(long)]
    pub strict: bool,
    /// Ask every deployment's provider one short question, which costs money; one that fails is a problem.
    #[arg(long)]
    pub probe: bool,
    /// How problems are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// How problems are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: lines, places, and what to do.
    Human,
    /// For machines: one JSON object.
    Json,
}

/// Checks a configuration and writes what was found to `out`. [`Exit::Problems`] if there are
/// errors; warnings alone are fine.
///
/// # Errors
/// What the writer says.
pub fn check(
    args: &CheckArgs,
    environment: &Environment,
    out: &mut dyn io::Write,
) -> io::Result<Exit> {
    let strictness = if args.strict {
        Strictness::Strict
    } else {
        Strictness::Lenient
    };
    let sources = Sources {
        file: Some(args.file.clone()),
        strictness,
        depth: Depth::Endpoints,
        ..Sources::default()
    };
    let loaded = config::load(&sources, environment);
    if let Some(settings) = loaded.settings.as_ref().filter(|_| args.probe) {
        return probe::check(args, settings, &loaded, out);
    }
    match args.format {
        Format::Json => config::json(&loaded.report, out)?,
        Format::Human => {
            config::human(&loaded.report, out)?;
            summary(args, &loaded, out)?;
        }
    }
    Ok(if loaded.settings.is_some() {
        Exit::Fine
    } else {
        Exit::Problems
    })
}

fn summary(args: &CheckArgs, loaded: &Loaded, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(settings) = &loaded.settings else {
        return Ok(());
    };
    let groups: BTreeSet<&str> = settings
        .deployments
        .iter()
        .map(|deployment| deployment.config.group.as_str())
        .collect();
    let (deployments, file) = (settings.deployments.len(), args.file.display());
    write!(
        out,
        "{file}: fine; model groups: {}, deployments: {deployments}",
        groups.len()
    )?;
    let left_out = |it: &&Problem| it.code == Code::Unservable;
    match loaded.report.problems().iter().filter(left_out).count() {
        0 => writeln!(out),
        count => writeln!(out, ", {count} of them left out"),
    }
}
