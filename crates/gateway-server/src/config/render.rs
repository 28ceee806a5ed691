//! Problems for people (with the line and a caret) and for machines (JSON).

use super::problem::{Mark, Masks, Place, Problem, Report, Severity, SourceFile};
use serde::Serialize;
use std::io;
use std::ops::Range;

/// Writes every problem with its place, the line it is on, a caret and a hint, then a summary.
///
/// # Errors
/// What the writer says.
pub fn human(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for problem in report.problems() {
        one(report, problem, out)?;
    }
    if !report.problems().is_empty() {
        writeln!(
            out,
            "{}, {}",
            counted(report.errors(), "error"),
            counted(report.warnings(), "warning")
        )?;
    }
    Ok(())
}

/// Writes one JSON object: `errors`, `warnings`, and `problems` with severity, code, place,
/// message and hint.
///
/// # Errors
/// What the writer says.
pub fn json(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let problems = entries(report).collect();
    let document = Document {
        errors: report.errors(),
        warnings: report.warnings(),
        problems,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// Every problem as [`json`] writes it.
pub fn values(report: &Report) -> Vec<serde_json::Value> {
    let values = entries(report).map(serde_json::to_value);
    // They hold numbers and texts alone.
    values.filter_map(Result::ok).collect()
}

fn entries(report: &Report) -> impl Iterator<Item = Entry<'_>> {
    let problems = report.problems().iter();
    problems.map(|problem| entry(report, problem))
}

#[derive(Serialize)]
struct Document<'a> {
    errors: usize,
    warnings: usize,
    problems: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    severity: Severity,
    code: &'static str,
    #[serde(flatten)]
    spot: Spot<'a>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

fn entry<'a>(report: &'a Report, problem: &'a Problem) -> Entry<'a> {
    Entry {
        severity: problem.severity,
        code: problem.code.as_str(),
        spot: spot(report, &problem.place),
        message: &problem.message,
        hint: problem.hint.as_deref(),
    }
}

/// A place for machines: a file with line and column (from 1), a variable, a flag, or nothing of that.
#[derive(Debug, Default, Serialize)]
pub struct Spot<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'a str>,
}

/// Where a place is, for machines.
pub fn spot<'a>(report: &'a Report, place: &'a Place) -> Spot<'a> {
    let nowhere = Spot::default();
    match place {
        Place::File(mark) => Spot {
            file: report.file(*mark).map(|file| file.name.as_str()),
            line: Some(mark.line),
            column: Some(mark.column),
            ..nowhere
        },
        Place::Variable(name) => Spot {
            variable: Some(name),
            ..nowhere
        },
        Place::Flag(name) => Spot {
            flag: Some(name),
            ..nowhere
        },
        Place::Nowhere => nowhere,
    }
}

fn one(report: &Report, problem: &Problem, out: &mut dyn io::Write) -> io::Result<()> {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    writeln!(
        out,
        "{severity}[{}]: {}",
        problem.code.as_str(),
        problem.message
    )?;
    if problem.place != Place::Nowhere {
        writeln!(out, "  --> {}", report.describe(&problem.place))?;
    }
    if let Place::File(mark) = &problem.place
        && let Some(snippet) = report.file(*mark).and_then(|file| snippet(file, *mark))
    {
        let gutter = " ".repeat(mark.line.to_string().len());
        writeln!(out, "{gutter} |\n{} | {}", mark.line, snippet.line)?;
        writeln!(
            out,
            "{gutter} | {}{}",
            " ".repeat(snippet.column),
            "^".repeat(snippet.width)
        )?;
    }
    if let Some(hint) = &problem.hint {
        writeln!(out, "  = {hint}")?;
    }
    writeln!(out)
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// One line that is safe to show, and where its caret goes (columns from 0).
struct Snippet {
    line: String,
    column: usize,
    width: usize,
}

fn snippet(file: &SourceFile, mark: Mark) -> Option<Snippet> {
    let wanted = usize::try_from(mark.line).ok()?.checked_sub(1)?;
    let lines = || file.text.split_inclusive('\n');
    let start: usize = lines().take(wanted).map(str::len).sum();
    let raw = lines().nth(wanted)?;
    let raw = raw.trim_end_matches(['\r', '\n']);
    let hidden = hidden(file, raw, start);
    let target = usize::try_from(mark.column).ok()?.saturating_sub(1);
    let end = if mark.length == 0 {
        0
    } else {
        mark.range().end
    };

    let mut line = String::new();
    let (mut column, mut width, mut shown) = (None, 0, 0);
    for (index, (offset, c)) in raw.char_indices().enumerate() {
        if index == target {
            column = Some(shown);
        }
        let at = start + offset;
        let masked = hidden.iter().find(|range| range.contains(&at));
        let piece = match masked {
            Some(range) if range.start == at || offset == 0 => "***".to_owned(),
            Some(_) => String::new(),
            None if c.is_control() => " ".to_owned(),
            None => c.to_string(),
        };
        let length = piece.chars().count();
        if column.is_some() && at < end {
            width += length;
        }
        shown += length;
        line.push_str(&piece);
    }
    Some(cropped(Snippet {
        line,
        column: column.unwrap_or(shown),
        width: width.max(1),
    }))
}

/// What this line must hide, as byte ranges of the file.
fn hidden(file: &SourceFile, raw: &str, start: usize) -> Vec<Range<usize>> {
    let line = start..start + raw.len();
    match &file.masks {
        Masks::Ranges(ranges) => ranges
            .iter()
            .filter(|range| range.start < line.end && line.start < range.end)
            .cloned()
            .collect(),
        Masks::Everything => {
            let visible = start + key_part(raw);
            let rest = visible..line.end;
            if rest.is_empty() {
                Vec::new()
            } else {
                vec![rest]
            }
        }
    }
}

/// The length of the part of a line that is indentation, list dashes and a plain key.
fn key_part(raw: &str) -> usize {
    let body = raw.trim_start_matches([' ', '-']);
    let indentation = raw.len() - body.len();
    let key = body
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')))
        .unwrap_or(body.len());
    match body.as_bytes().get(key) {
        Some(b':') if key > 0 && matches!(body.as_bytes().get(key + 1), None | Some(b' ')) => {
            (indentation + key + 2).min(raw.len())
        }
        _ => indentation,
    }
}

/// Keeps long lines readable: a window around the caret.
fn cropped(snippet: Snippet) -> Snippet {
    let length = snippet.line.chars().count();
    if length <= WINDOW {
        return Snippet {
            width: snippet.width.min(WINDOW),
            ..snippet
        };
    }
    let first = snippet
        .column
        .saturating_sub(WINDOW / 2)
        .min(length - WINDOW);
    let line = snippet.line.chars().skip(first).take(WINDOW).collect();
    let column = snippet.column - first;
    Snippet {
        line,
        column,
        width: snippet.width.min(WINDOW.saturating_sub(column)).max(1),
    }
}

/// Columns of a snippet.
const WINDOW: usize = 120;
