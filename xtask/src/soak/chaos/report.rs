//! The report of a run with faults: one HTML file that opens anywhere, verdict first.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::client::{End, Seen};
use super::judge::Judgment;
use super::run::Found;
use crate::soak::chart::{Chart, Series, Shape, escape};
use crate::soak::environment::Environment;
use crate::soak::report::{about, begin, checks};
use crate::soak::verdict::Verdict;

/// The whole page.
pub(super) fn page(
    found: &Found,
    judgment: &Judgment,
    verdict: &Verdict,
    environment: &Environment,
    command: &str,
) -> String {
    let mut page = begin("Calls through a failing upstream", verdict, command);
    page.push_str(&checks(&verdict.checks));
    for note in &verdict.notes {
        add(&mut page, format_args!("<p>{}.</p>\n", escape(note)));
    }
    page.push_str(&charts(&found.seen));
    page.push_str(&sends(judgment));
    page.push_str(&faults(judgment));
    page.push_str(&about(environment));
    page.push_str("</body>\n</html>\n");
    page
}

fn charts(seen: &[Seen]) -> String {
    let until = seen.iter().map(|seen| seen.second).fold(1.0, f64::max);
    let ends = ["whole", "told", "refused", "left", "broken"].map(|name| {
        let of_name = seen.iter().filter(|seen| name_of(&seen.ended) == name);
        Series::new(name, per_second(of_name))
    });
    let slow = |stream: bool| {
        let mut longest = BTreeMap::<u64, f64>::new();
        for seen in seen
            .iter()
            .filter(|seen| seen.stream == stream && seen.ended == End::Whole)
        {
            let slot = longest.entry(whole_second(seen.second)).or_default();
            *slot = slot.max(seen.took.as_secs_f64());
        }
        let points = longest.into_iter();
        points
            .map(|(second, took)| (second as f64, took))
            .collect::<Vec<_>>()
    };
    let charts = [
        Chart {
            title: "Calls by how they ended",
            unit: "calls per second",
            until,
            series: ends
                .into_iter()
                .filter(|series| !series.points.is_empty())
                .collect(),
            shape: Shape::Bars,
            marks: &[],
        },
        Chart {
            title: "The slowest whole answer of each second",
            unit: "seconds, with all tries",
            until,
            series: vec![
                Series::new("streams", slow(true)),
                Series::new("plain", slow(false)),
            ],
            shape: Shape::Lines,
            marks: &[],
        },
    ];
    let drawn: String = charts.iter().map(Chart::draw).collect();
    format!("<h2>Over time</h2>\n{drawn}")
}

fn per_second<'a>(seen: impl Iterator<Item = &'a Seen>) -> Vec<(f64, f64)> {
    let mut counts = BTreeMap::<u64, u64>::new();
    for seen in seen {
        *counts.entry(whole_second(seen.second)).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts
        .map(|(second, count)| (second as f64, count as f64))
        .collect()
}

fn whole_second(second: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(second)
        .unwrap_or_default()
        .as_secs()
}

const fn name_of(end: &End) -> &'static str {
    match end {
        End::Whole => "whole",
        End::Told => "told",
        End::Refused(_) => "refused",
        End::Left => "left",
        End::Broken(..) => "broken",
    }
}

fn sends(judgment: &Judgment) -> String {
    let mut table =
        "<h2>Requests per call</h2>\n<table><tr><th>requests at the upstream</th><th>calls</th></tr>\n"
            .to_owned();
    for (sends, calls) in &judgment.sends_per_call {
        add(
            &mut table,
            format_args!("<tr><td>{sends}</td><td>{calls}</td></tr>\n"),
        );
    }
    table.push_str("</table>\n");
    table
}

fn faults(judgment: &Judgment) -> String {
    let mut table = "<h2>Calls by the last fault that they met</h2>\n<table><tr><th>fault</th><th>whole</th><th>told</th>\
         <th>refused</th><th>left</th><th>broken</th></tr>\n"
        .to_owned();
    for (fault, ends) in &judgment.by_fault {
        add(
            &mut table,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escape(fault),
                ends.whole,
                ends.told,
                ends.refused,
                ends.left,
                ends.broken
            ),
        );
    }
    table.push_str("</table>\n");
    table
}

/// Appends to a string, which cannot fail.
fn add(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what)
        .expect("writing to a string cannot fail");
}
