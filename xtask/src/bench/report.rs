//! The report: medians over the rounds, their spread, and ratios to nginx, as table and JSON.

use std::fs;
use std::time::SystemTime;

use serde::Serialize;

use super::job::Cell;
use super::plan::{Found, Sample};
use super::table::{Goal, Row, disturbed, generator_busy, rows};
use crate::failure::{Doing, Result};

/// Prints the table and writes the JSON files.
///
/// # Errors
/// The folder for results cannot be written.
pub(crate) fn write(found: &Found) -> Result<()> {
    let lines: Vec<Line> = rows()
        .filter(|row| {
            found
                .samples
                .iter()
                .any(|sample| sample.scenario == row.scenario)
        })
        .map(|row| Line::new(row, found))
        .filter(|line| line.figures.iter().any(|figure| figure.value.is_some()))
        .collect();
    print(found, &lines);
    let written = Written {
        unix_seconds: SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        rows: &lines,
        found,
    };
    let text = serde_json::to_string_pretty(&written).doing("cannot render the result")?;
    for name in [
        format!("{}.json", written.unix_seconds),
        "latest.json".to_owned(),
    ] {
        let path = found.folder.join(name);
        fs::write(&path, &text).doing(format!("cannot write {}", path.display()))?;
        println!("written: {}", path.display());
    }
    Ok(())
}

#[derive(Serialize)]
struct Written<'a> {
    unix_seconds: u64,
    rows: &'a [Line],
    #[serde(flatten)]
    found: &'a Found,
}

/// One row of the table.
#[derive(Debug, Serialize)]
struct Line {
    title: &'static str,
    unit: &'static str,
    goal: String,
    figures: Vec<Figure>,
}

/// What one target reached in one row.
#[derive(Debug, Serialize)]
struct Figure {
    target: String,
    value: Option<Spread>,
    /// To nginx, or to the same target's other measurement, round by round.
    ratio: Option<Spread>,
    /// Whether the gateway's goal is met; absent where there is none.
    reached: Option<bool>,
    /// Whether others were on the cores while this, nginx or the direct way was measured.
    disturbed: bool,
    marks: String,
}

/// A median with the smallest and the largest value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

impl Line {
    fn new(row: &'static Row, found: &Found) -> Self {
        let figures = found
            .targets
            .iter()
            .map(|target| Figure::new(row, target, found))
            .collect();
        let goal = match row.goal {
            Goal::Ratio(most) => format!("<= {most} x nginx"),
            Goal::OwnRatio(most, _) => format!("<= {most} x the same dialect"),
            Goal::AtMost(most) => format!("<= {most} {}", row.unit),
            Goal::Open => String::new(),
        };
        Self {
            title: row.title,
            unit: row.unit,
            goal,
            figures,
        }
    }
}

impl Figure {
    fn new(row: &Row, target: &str, found: &Found) -> Self {
        let value_in = |round, target: &str| {
            let cell = cell(found, row.scenario, round, target)?;
            let direct = cell_unless_same(found, row.scenario, round, target);
            (row.value)(cell, direct)
        };
        let own = samples_of(row.scenario, target, found);
        let values = own
            .iter()
            .filter_map(|sample| value_in(sample.round, target));
        let base_in = |round| match row.goal {
            Goal::OwnRatio(_, scenario) => (row.value)(cell(found, scenario, round, target)?, None),
            _ => value_in(round, "nginx"),
        };
        let ratios = own.iter().filter_map(|sample| {
            let base = base_in(sample.round).filter(|base| *base > 0.0)?;
            Some(value_in(sample.round, target)? / base)
        });
        let value = Spread::of(values.collect());
        let ratio =
            Spread::of(ratios.collect()).filter(|_| target != "nginx" && target != "direct");
        let reached = match row.goal {
            _ if target == "nginx" || target == "direct" => None,
            Goal::Ratio(most) | Goal::OwnRatio(most, _) => ratio.map(|ratio| ratio.median <= most),
            Goal::AtMost(most) => value.map(|value| value.median <= most),
            Goal::Open => None,
        };
        let others = match row.goal {
            Goal::OwnRatio(_, scenario) => samples_of(scenario, target, found),
            _ => Vec::new(),
        };
        Self {
            target: target.to_owned(),
            value,
            ratio,
            reached,
            disturbed: marks(&others).contains('~')
                || [target, "nginx", "direct"]
                    .iter()
                    .any(|name| marks(&samples_of(row.scenario, name, found)).contains('~')),
            marks: marks(&own),
        }
    }
}

fn samples_of<'a>(scenario: &str, target: &str, found: &'a Found) -> Vec<&'a Sample> {
    let all = found.samples.iter();
    all.filter(|sample| sample.scenario == scenario && sample.target == target)
        .collect()
}

/// `*` generator saturated, `~` others on the cores, `!` failed calls.
fn marks(samples: &[&Sample]) -> String {
    let busy = samples.iter().map(|sample| generator_busy(&sample.cell));
    let mut marks = String::new();
    if Spread::of(busy.collect()).is_some_and(|busy| busy.median > 0.9) {
        marks.push('*');
    }
    let disturbed = samples.iter().filter(|sample| disturbed(&sample.cell));
    if disturbed.count() * 2 > samples.len() {
        marks.push('~');
    }
    if samples.iter().any(|sample| sample.cell.errors > 0) {
        marks.push('!');
    }
    marks
}

fn cell<'a>(found: &'a Found, scenario: &str, round: u32, target: &str) -> Option<&'a Cell> {
    found
        .samples
        .iter()
        .find(|sample| {
            sample.scenario == scenario && sample.round == round && sample.target == target
        })
        .map(|sample| &sample.cell)
}

/// The cell of the same round without a proxy; nothing for that target itself.
fn cell_unless_same<'a>(
    found: &'a Found,
    scenario: &str,
    round: u32,
    target: &str,
) -> Option<&'a Cell> {
    (target != "direct")
        .then(|| cell(found, scenario, round, "direct"))
        .flatten()
}

fn print(found: &Found, lines: &[Line]) {
    println!();
    for (name, value) in &found.setting {
        println!("{name}: {value}");
    }
    println!("\nmedian (min..max over the rounds)\n");
    let mut cells = vec![header(found)];
    cells.extend(lines.iter().map(cells_of));
    let widths: Vec<usize> = (0..cells[0].len())
        .map(|column| {
            let lengths = cells.iter().map(|row| row[column].chars().count());
            lengths.max().unwrap_or(0)
        })
        .collect();
    for row in &cells {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:<width$}"))
            .collect();
        println!("{}", line.join("  ").trim_end());
    }
    println!();
    explain(found, lines);
}

fn header(found: &Found) -> Vec<String> {
    let mut header = vec![String::new(), String::new()];
    for target in &found.targets {
        header.push(target.clone());
        if target != "nginx" && target != "direct" {
            header.push(format!("{target} : nginx"));
        }
    }
    header.push("goal".to_owned());
    header
}

fn cells_of(line: &Line) -> Vec<String> {
    let mut cells = vec![line.title.to_owned(), line.unit.to_owned()];
    for figure in &line.figures {
        cells.push(match figure.value {
            Some(spread) => shown(spread, &figure.marks),
            None => "-".to_owned(),
        });
        if figure.target != "nginx" && figure.target != "direct" {
            let ratio = figure.ratio.map_or_else(
                || "-".to_owned(),
                |ratio| format!("{:.2} ({:.2}..{:.2})", ratio.median, ratio.min, ratio.max),
            );
            let verdict = match figure.reached {
                Some(true) => " reached",
                Some(false) => " MISSED",
                None => "",
            };
            let doubt = if figure.disturbed && !verdict.is_empty() {
                "?"
            } else {
                ""
            };
            cells.push(format!("{ratio}{verdict}{doubt}"));
        }
    }
    cells.push(line.goal.clone());
    cells
}

fn shown(spread: Spread, marks: &str) -> String {
    let digits = match spread.median.abs() {
        value if value >= 1_000.0 => 0,
        value if value >= 10.0 => 1,
        _ => 2,
    };
    let Spread { median, min, max } = spread;
    format!("{median:.digits$}{marks} ({min:.digits$}..{max:.digits$})")
}

fn explain(found: &Found, lines: &[Line]) {
    let marked = |mark| {
        let mut figures = lines.iter().flat_map(|line| &line.figures);
        figures.any(|figure| figure.marks.contains(mark))
    };
    if marked('*') {
        println!(
            "* mock and load generator kept their core busy above 90 %: rates and delays in this \
             measurement are limited by them, CPU per call is not."
        );
    }
    if marked('~') {
        println!(
            "~ other processes were on these cores in most rounds: repeat it on an idle machine."
        );
    }
    for sample in &found.samples {
        if let Some(error) = &sample.cell.first_error {
            println!(
                "! round {}, {} through {}: {} calls failed, first: {error}",
                sample.round + 1,
                sample.scenario,
                sample.target,
                sample.cell.errors
            );
        }
    }
    for remark in &found.remarks {
        println!("note: {remark}");
    }
}

#[cfg(test)]
mod tests;
