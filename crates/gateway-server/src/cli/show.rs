//! `config show`: the effective configuration, with the source of each value.

use super::{Exit, RunArgs};
use crate::config::{self, Detail, Environment, Item, Report, Shown, Source};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value};
use std::io;
use std::path::PathBuf;

/// Arguments of `config`.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum ConfigCommand {
    /// Show the effective configuration, with the source of each value and secrets masked.
    Show(Box<ShowArgs>),
}

impl ConfigArgs {
    /// What is asked for.
    pub fn show(self) -> ShowArgs {
        let ConfigCommand::Show(args) = self.command;
        *args
    }
}

/// Arguments of `config show`: those of `run`, and how to write it.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server config show config.yaml\n  gateway-server config show config.yaml --resolved --port 4001\n  gateway-server config show config.yaml --resolved --format json\n\nSecrets are shown as ***. Exit codes: 0 the gateway would start with it, 1 it would not, 2 usage."
)]
pub struct ShowArgs {
    /// The configuration [env: CONFIG_FILE_PATH].
    #[arg(conflicts_with = "config")]
    pub file: Option<PathBuf>,
    /// Fill in variables, credentials, and the defaults of what nobody set.
    #[arg(long)]
    pub resolved: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Notation::Yaml)]
    pub format: Notation,
    #[command(flatten, next_help_heading = "Options of `run`, which say values too")]
    run: RunArgs,
}

/// How the configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Notation {
    /// A configuration again, with the sources as comments.
    Yaml,
    /// An object with `config`, and `sources` by JSON pointers.
    Json,
}

/// Writes the effective configuration to `out`, and problems to `err`. [`Exit::Problems`] if the gateway would not start
/// with it.
///
/// # Errors
/// What a writer says.
pub fn show(
    args: &ShowArgs,
    environment: &Environment,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Exit> {
    let mut sources = args.run.sources();
    sources.file = args.file.clone().or(sources.file);
    let detail = if args.resolved {
        Detail::Resolved
    } else {
        Detail::Said
    };
    let shown = config::show(&sources, environment, detail);
    if !shown.starts {
        config::human(&shown.report, err)?;
    }
    match args.format {
        Notation::Yaml => yaml(&shown.root, &shown.report, 0, out)?,
        Notation::Json => json(&shown, out)?,
    }
    Ok(if shown.starts {
        Exit::Fine
    } else {
        Exit::Problems
    })
}

fn yaml(item: &Item, report: &Report, depth: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    match item {
        Item::Map(entries) => {
            for (key, item) in entries {
                write!(out, "{indent}{}:", scalar(&Value::from(key.as_str())))?;
                below(item, report, depth + 1, out)?;
            }
        }
        Item::List(items) => {
            for item in items {
                let mut lines = Vec::new();
                below(item, report, depth + 1, &mut lines)?;
                // A mapping begins on the line of its dash.
                let lines = String::from_utf8_lossy(&lines);
                writeln!(out, "{indent}- {}", lines.trim())?;
            }
        }
        Item::Leaf(..) => below(item, report, depth, out)?,
    }
    Ok(())
}

/// What stands after `key:` or `-`, with the end of the line.
fn below(item: &Item, report: &Report, depth: usize, out: &mut dyn io::Write) -> io::Result<()> {
    match item {
        Item::Map(entries) if entries.is_empty() => writeln!(out, " {{}}"),
        Item::List(items) if items.is_empty() => writeln!(out, " []"),
        Item::Leaf(value, source) => {
            writeln!(out, " {}  # {}", scalar(value), described(source, report))
        }
        _ => {
            writeln!(out)?;
            yaml(item, report, depth, out)
        }
    }
}

/// A value in YAML: plain where that cannot be misread, else as in JSON.
fn scalar(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-');
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(simple)
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    if plain {
        text.to_owned()
    } else {
        value.to_string()
    }
}

fn described(source: &Source, report: &Report) -> String {
    match source {
        Source::Said(place) => report.describe(place),
        Source::Reference(name, place) => {
            format!("variable {name}, by {}", report.describe(place))
        }
        Source::Default => String::from("default"),
    }
}

fn json(shown: &Shown, out: &mut dyn io::Write) -> io::Result<()> {
    let mut sources = Map::new();
    let config = collect(&shown.root, "", &shown.report, &mut sources);
    let document = Document { config, sources };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document {
    config: Value,
    sources: Map<String, Value>,
}

/// The values; their sources go into a mapping by JSON pointers (RFC 6901).
fn collect(item: &Item, at: &str, report: &Report, sources: &mut Map<String, Value>) -> Value {
    match item {
        Item::Map(entries) => {
            let entries = entries.iter().map(|(key, item)| {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                (key.clone(), collect(item, &at, report, sources))
            });
            Value::Object(entries.collect())
        }
        Item::List(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(n, item)| collect(item, &format!("{at}/{n}"), report, sources));
            Value::Array(items.collect())
        }
        Item::Leaf(value, source) => {
            sources.insert(at.to_owned(), told(source, report));
            value.clone()
        }
    }
}

fn told(source: &Source, report: &Report) -> Value {
    let spot = |place| serde_json::to_value(config::spot(report, place)).unwrap_or_default();
    match source {
        Source::Said(place) => spot(place),
        Source::Reference(name, place) => {
            let mut told = spot(place);
            told["variable"] = Value::from(name.as_str());
            told
        }
        Source::Default => serde_json::json!({ "default": true }),
    }
}

/// Texts that YAML would read as something else.
const WORDS: &[&str] = &[
    "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf",
];
