//! The report: one HTML file that opens anywhere, verdict first.

use std::fmt::Write;

use super::chart::{Chart, Mark, Series, Shape, escape};
use super::environment::Environment;
use super::outcome::Outcome;
use super::record::Record;
use super::sample::Sample;
use super::tally::Percentiles;
use super::verdict::{Check, Verdict};

/// The whole page.
pub(super) fn page(
    record: &Record,
    verdict: &Verdict,
    environment: &Environment,
    command: &str,
) -> String {
    let mut page = begin("Streams under rotating pools", verdict, command);
    page.push_str(&checks(&verdict.checks));
    for note in &verdict.notes {
        add(&mut page, format_args!("<p>Note: {}.</p>\n", escape(note)));
    }
    page.push_str(&charts(record));
    page.push_str(&latencies(record));
    page.push_str(&bursts(verdict));
    page.push_str(&about(environment));
    page.push_str("</body>\n</html>\n");
    page
}

/// The page up to the command that repeats the run.
pub(super) fn begin(heading: &str, verdict: &Verdict, command: &str) -> String {
    let class = class(verdict.passed);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Soak: {title}</title>\n<style>\n{css}</style></head>\n<body>\n\
         <h1>{heading}</h1>\n<p class=\"verdict {class}\">{sentence}</p>\n\
         <p>To run it again:</p>\n<pre>{command}</pre>\n",
        title = if verdict.passed { "passed" } else { "failed" },
        css = include_str!("report.css"),
        sentence = escape(&verdict.sentence),
        command = escape(command),
    )
}

/// The promises and what was found.
pub(super) fn checks(checks: &[Check]) -> String {
    let mut table = "<h2>What decided</h2>\n<table><tr><th>promise</th><th>found</th><th>wanted</th><th></th></tr>\n".to_owned();
    for check in checks {
        add(
            &mut table,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td></tr>\n",
                escape(check.name),
                escape(&check.found),
                escape(&check.wanted),
                class(check.passed),
                if check.passed { "kept" } else { "broken" },
            ),
        );
    }
    table.push_str("</table>\n");
    table
}

/// A chart before it is drawn.
struct Panel {
    title: String,
    unit: &'static str,
    shape: Shape,
    series: Vec<Series>,
}

impl Panel {
    fn lines(title: &str, unit: &'static str, series: Vec<Series>) -> Self {
        Self {
            title: title.to_owned(),
            unit,
            shape: Shape::Lines,
            series,
        }
    }

    /// Whether there is anything to see; no failures are worth a look, too.
    fn says_something(&self) -> bool {
        self.shape == Shape::Bars || self.series.iter().any(|series| !series.points.is_empty())
    }
}

fn charts(record: &Record) -> String {
    let marks: Vec<_> = record
        .marks
        .iter()
        .map(|mark| Mark {
            second: mark.second,
            label: format!(
                "{} of {} pools at {:.0} s",
                mark.reason, mark.pools, mark.second
            ),
            main: mark.reason == "ttl",
        })
        .collect();
    let until = record.samples.last().map_or(1.0, |sample| sample.second);
    let mut html = "<h2>Over time</h2>\n".to_owned();
    for panel in panels(record).into_iter().filter(Panel::says_something) {
        let chart = Chart {
            title: &panel.title,
            unit: panel.unit,
            until,
            series: panel.series,
            shape: panel.shape,
            marks: &marks,
        };
        html.push_str(&chart.draw());
    }
    html
}

/// All charts, the one of the original report first.
fn panels(record: &Record) -> Vec<Panel> {
    let failures = Panel {
        title: "Client failures".to_owned(),
        unit: "streams per second, by the moment of the last sign of life",
        shape: Shape::Bars,
        series: failures(record),
    };
    let running = line(record, "running", |sample| Some(sample.streams.active));
    let started = line(record, "started per second", |sample| {
        Some(sample.streams.started)
    });
    let current = line(record, "current", |sample| {
        Some(sample.pools.as_ref()?.current)
    });
    let draining = line(record, "draining", |sample| {
        Some(sample.pools.as_ref()?.draining)
    });
    let sockets = line(record, "sockets", |sample| {
        Some(sample.pools.as_ref()?.connections)
    });
    let descriptors = line(record, "descriptors", |sample| {
        Some(sample.gateway?.descriptors)
    });
    let memory_title = format!("Memory of the gateway: {}", record.growth().in_words());
    vec![
        failures,
        Panel::lines("Streams", "at the same time", vec![running, started]),
        Panel::lines("Generations", "of all origins", vec![current, draining]),
        Panel::lines(
            "Connections to the upstream",
            "sockets, in use or pooled",
            vec![sockets],
        ),
        Panel::lines(
            "Open descriptors of the gateway",
            "descriptors",
            vec![descriptors],
        ),
        Panel::lines(&memory_title, "MiB resident", memory(record)),
        Panel::lines(
            "Time to the first event",
            "ms",
            percentiles(record, |sample| sample.streams.first_event),
        ),
        Panel::lines(
            "Lateness of an event against its pace",
            "ms",
            percentiles(record, |sample| sample.streams.lateness),
        ),
    ]
}

/// One figure of each sample that has it.
fn line(record: &Record, name: &str, value: fn(&Sample) -> Option<u64>) -> Series {
    let points = record.samples.iter();
    let points = points.filter_map(|sample| Some((sample.second, value(sample)? as f64)));
    Series::new(name, points.collect())
}

/// One layer for each kind of failure that came up.
fn failures(record: &Record) -> Vec<Series> {
    let counts = |kind: Outcome| {
        let seconds = record.totals.failures.iter();
        let points =
            seconds.filter_map(|(&second, all)| Some((second as f64, *all.get(&kind)? as f64)));
        Series::new(kind.name(), points.collect())
    };
    let mut layers: Vec<_> = Outcome::FAILURES.into_iter().map(counts).collect();
    layers.retain(|layer| !layer.points.is_empty());
    layers
}

fn memory(record: &Record) -> Vec<Series> {
    let points: Vec<_> = record
        .samples
        .iter()
        .filter_map(|sample| Some((sample.second, sample.gateway?.rss_bytes as f64 / MIB)))
        .collect();
    let mut series = vec![Series::new("resident", points)];
    let steady = super::verdict::steady_memory(&record.samples);
    if let (Some(line), Some(first), Some(last)) =
        (record.growth().line(), steady.first(), steady.last())
    {
        let ends = [first.0, last.0].map(|second| (second, line.at(second) / MIB));
        series.push(Series {
            name: "fitted while the load was steady".to_owned(),
            points: ends.to_vec(),
            dashed: true,
        });
    }
    series
}

fn percentiles(record: &Record, of: fn(&Sample) -> Percentiles) -> Vec<Series> {
    let measured = |value: fn(Percentiles) -> f64| {
        let samples = record.samples.iter();
        let measured = samples.filter(|&sample| of(sample).count > 0);
        measured
            .map(|sample| (sample.second, value(of(sample))))
            .collect()
    };
    vec![
        Series::new("p50", measured(|percentiles| percentiles.p50)),
        Series::new("p99", measured(|percentiles| percentiles.p99)),
    ]
}

fn latencies(record: &Record) -> String {
    let mut table = "<h2>Latency over the whole run</h2>\n<table><tr><th>milliseconds</th><th>count</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n".to_owned();
    let rows = [
        ("first event after the request", record.totals.first_event),
        ("event later than its pace", record.totals.lateness),
    ];
    for (name, all) in rows {
        add(
            &mut table,
            format_args!(
                "<tr><td>{name}</td><td>{}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td></tr>\n",
                all.count, all.p50, all.p90, all.p99, all.p999, all.max
            ),
        );
    }
    table.push_str("</table>\n<p>Both include the upstream and the clients of this soak, which share the machine with the gateway. \
         The upstream sends what comes before the first content at its pace, too, and a gateway may hold it back until then.</p>\n");
    table
}

fn bursts(verdict: &Verdict) -> String {
    if verdict.bursts.is_empty() {
        return String::new();
    }
    let mut table = "<h2>Bursts</h2>\n<table><tr><th>second</th><th>streams</th><th>rotation next to it</th></tr>\n".to_owned();
    for burst in &verdict.bursts {
        add(
            &mut table,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                burst.second,
                burst.failures,
                escape(burst.rotation.as_deref().unwrap_or("none")),
            ),
        );
    }
    table.push_str("</table>\n");
    table
}

/// Where the run took place.
pub(super) fn about(environment: &Environment) -> String {
    let mut table = "<h2>Environment</h2>\n<table>\n".to_owned();
    for (name, value) in environment.rows() {
        add(
            &mut table,
            format_args!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(&value)),
        );
    }
    table.push_str("</table>\n");
    table
}

const fn class(passed: bool) -> &'static str {
    if passed { "pass" } else { "fail" }
}

/// Appends to a string, which cannot fail.
fn add(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what)
        .expect("writing to a string cannot fail");
}

const MIB: f64 = 1024.0 * 1024.0;
