//! `migrate FILE`: what becomes of a set-up of LiteLLM here.

use super::{Action, CheckArgs, Cli, Exit, Format};
use crate::config::{self, Environment, Finding, Grade, Migration, Place, Report, Sources};
use clap::Args;
use serde::Serialize;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Arguments of `migrate`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server migrate config.yaml\n  gateway-server migrate config.yaml --format json\n  gateway-server migrate config.yaml -- --num_workers 8 --run_gunicorn\n\nRun it where LiteLLM runs: its environment variables are graded too.\n\nExit codes: 0 all of it is honored, 1 something is not supported or unknown, 2 the gateway would not start with it."
)]
pub struct MigrateArgs {
    /// LiteLLM's configuration.
    pub file: PathBuf,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Name each honored key too.
    #[arg(long)]
    pub all: bool,
    /// The flags that LiteLLM is started with, after `--`.
    #[arg(last = true, value_name = "LITELLM FLAGS", allow_hyphen_values = true)]
    pub flags: Vec<OsString>,
}

/// Grades a set-up and writes what was found to `out`. [`Exit::Fine`]: all of it is honored, though parts of it on purpose
/// not as in LiteLLM. [`Exit::Problems`]: something is not supported, or unknown. [`Exit::Usage`]: the gateway would not
/// start with it.
///
/// # Errors
/// What the writer says.
pub fn migrate(
    args: &MigrateArgs,
    environment: &Environment,
    out: &mut dyn io::Write,
) -> io::Result<Exit> {
    let (sources, flags) = args.sources();
    let mut migration = config::migration(&sources, environment);
    if let Err(complaint) = flags {
        migration.findings.insert(0, refused_flags(complaint));
    }
    match args.format {
        Format::Human => human(args, &migration, out)?,
        Format::Json => json(args, &migration, out)?,
    }
    let open = migration.count(Grade::NotSupported) + migration.count(Grade::Unknown);
    Ok(match (migration.starts, open) {
        (false, _) => Exit::Usage,
        (true, 0) => Exit::Fine,
        (true, _) => Exit::Problems,
    })
}

impl MigrateArgs {
    /// The file, with the flags over it; and what is wrong with those.
    fn sources(&self) -> (Sources, Result<(), String>) {
        let given = std::iter::once(OsString::from("litellm")).chain(self.flags.iter().cloned());
        let (mut sources, complaint) = match Cli::parse_from_args(given).map(Cli::action) {
            Ok(Action::Run(run)) => (run.sources(), Ok(())),
            Ok(Action::Check(CheckArgs { .. })) => (Sources::default(), Ok(())),
            Ok(Action::Refuse(why)) => (Sources::default(), Err(why)),
            Ok(_) => (
                Sources::default(),
                Err(String::from("these are not LiteLLM's flags")),
            ),
            Err(error) => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                let line = line.trim_start_matches("error: ").to_owned();
                (Sources::default(), Err(line))
            }
        };
        sources.file = Some(self.file.clone());
        (sources, complaint)
    }
}

fn refused_flags(complaint: String) -> Finding {
    Finding {
        grade: Grade::Unknown,
        subject: String::from("flags"),
        places: vec![Place::Nowhere],
        text: Some(complaint),
        in_litellm: None,
        because: None,
        instead: Some(String::from("gateway-server --help lists those that count")),
    }
}

/// The verdict, then the findings by grade, worst first.
fn human(args: &MigrateArgs, migration: &Migration, out: &mut dyn io::Write) -> io::Result<()> {
    let file = args.file.display();
    writeln!(out, "{file}: {}", verdict(migration))?;
    for (grade, title) in TITLES {
        let of_grade = || migration.findings.iter().filter(|it| it.grade == *grade);
        if of_grade().next().is_none() {
            continue;
        }
        writeln!(out, "\n{title}")?;
        if *grade == Grade::Honored && !args.all {
            let places: usize = of_grade().map(|it| it.places.len()).sum();
            writeln!(
                out,
                "  {} in {} (--all names them)",
                counted(of_grade().count(), "key"),
                counted(places, "place")
            )?;
            continue;
        }
        for finding in of_grade() {
            one(finding, &migration.report, out)?;
        }
    }
    writeln!(
        out,
        "\n{} hold for every configuration: docs/differences.md",
        counted(config::general_differences(), "more difference")
    )
}

/// "will start; 2 keys behave differently, …".
fn verdict(migration: &Migration) -> String {
    let mut parts = Vec::new();
    for (grade, one, more) in [
        (Grade::Refused, "is refused", "are refused"),
        (Grade::NotSupported, "is not supported", "are not supported"),
        (Grade::Unknown, "is unknown", "are unknown"),
        (
            Grade::Different,
            "behaves differently",
            "behave differently",
        ),
    ] {
        match migration.count(grade) {
            0 => {}
            1 => parts.push(format!("1 thing {one}")),
            count => parts.push(format!("{count} things {more}")),
        }
    }
    let starts = if migration.starts {
        "will start"
    } else {
        "will not start"
    };
    if parts.is_empty() {
        return format!("{starts}, and all of it is honored as in LiteLLM");
    }
    format!("{starts}; {}", parts.join(", "))
}

fn one(finding: &Finding, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut places: Vec<String> = finding
        .places
        .iter()
        .filter(|place| !matches!(place, Place::Variable(_) | Place::Nowhere))
        .map(|place| report.describe(place))
        .collect();
    let more = places.len().saturating_sub(SHOWN);
    places.truncate(SHOWN);
    if more > 0 {
        places.push(format!("and {more} more"));
    }
    writeln!(out, "  {}  {}", finding.subject, places.join(", "))?;
    let lines = [
        ("", finding.text.as_deref()),
        ("in LiteLLM: ", finding.in_litellm),
        ("why: ", finding.because),
        ("instead: ", finding.instead.as_deref()),
    ];
    for (label, text) in lines {
        if let Some(text) = text {
            writeln!(out, "    {label}{text}")?;
        }
    }
    Ok(())
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// One JSON object: `starts`, `verdict`, `counts` by grade, `findings`.
fn json(args: &MigrateArgs, migration: &Migration, out: &mut dyn io::Write) -> io::Result<()> {
    let findings = migration.findings.iter().map(|finding| Entry {
        grade: finding.grade,
        subject: &finding.subject,
        places: finding
            .places
            .iter()
            .map(|place| config::spot(&migration.report, place))
            .collect(),
        text: finding.text.as_deref(),
        in_litellm: finding.in_litellm,
        because: finding.because,
        instead: finding.instead.as_deref(),
    });
    let document = Document {
        file: args.file.display().to_string(),
        starts: migration.starts,
        verdict: verdict(migration),
        counts: Counts {
            refused: migration.count(Grade::Refused),
            not_supported: migration.count(Grade::NotSupported),
            unknown: migration.count(Grade::Unknown),
            different: migration.count(Grade::Different),
            note: migration.count(Grade::Note),
            honored: migration.count(Grade::Honored),
        },
        findings: findings.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    file: String,
    starts: bool,
    verdict: String,
    counts: Counts,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Counts {
    refused: usize,
    not_supported: usize,
    unknown: usize,
    different: usize,
    note: usize,
    honored: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    grade: Grade,
    subject: &'a str,
    places: Vec<config::Spot<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_litellm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead: Option<&'a str>,
}

const TITLES: &[(Grade, &str)] = &[
    (
        Grade::Refused,
        "Refused: the gateway does not start with this",
    ),
    (Grade::NotSupported, "Not supported: does nothing here"),
    (Grade::Unknown, "Unknown, to LiteLLM too"),
    (Grade::Different, "Different on purpose"),
    (Grade::Note, "Worth a look, in LiteLLM too"),
    (Grade::Honored, "Honored"),
];

/// Places that are named of each finding.
const SHOWN: usize = 3;
