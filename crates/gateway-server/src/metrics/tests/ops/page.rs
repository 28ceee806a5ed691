//! The parts of the page on metrics that come from the table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gateway_core::Dialect;

use super::watched::ALERTS;
use crate::metrics::families::{NATIVE, litellm};
use crate::metrics::table::{Family, Group, Kind, Label, Values};

/// The page.
pub(super) const PATH: &str = "docs/operations/metrics.md";

/// The page with those parts as they should be.
pub(super) fn text(page: &str) -> String {
    let mut page = page.to_owned();
    for (part, group) in PARTS {
        page = filled(&page, part, &families(*group));
    }
    page = filled(&page, "labels", &labels());
    filled(&page, "alerts", &alerts())
}

fn families(group: Group) -> String {
    let mut out = "| name | kind | labels | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    let all = NATIVE.iter().chain(litellm::ALL);
    for family in all.filter(|it| it.group == group) {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<_> = (family.labels.iter())
            .map(|it| format!("`{}`", it.name))
            .collect();
        let (name, labels) = (family.full_name(), labels.join(", "));
        writeln!(out, "| `{name}` | {kind} | {labels} | {} |", family.help).unwrap();
    }
    out
}

/// The labels of our own families; LiteLLM's are told in its part.
fn labels() -> String {
    let mut out = "| label | of | what it may say |\n| --- | --- | --- |\n".to_owned();
    let mut by_values: BTreeMap<(&str, String), Vec<&Family>> = BTreeMap::new();
    for family in NATIVE {
        for label in family.labels {
            let key = (label.name, values(label));
            by_values.entry(key).or_default().push(family);
        }
    }
    for ((name, values), families) in by_values {
        let some = families.iter().take(3);
        let mut of: Vec<String> = some.map(|it| format!("`{}`", it.full_name())).collect();
        if families.len() > of.len() {
            of.push(format!("{} more", families.len() - of.len()));
        }
        writeln!(out, "| `{name}` | {} | {values} |", of.join(", ")).unwrap();
    }
    out
}

fn values(label: &Label) -> String {
    let words = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|it| format!("`{it}`")).collect();
        words.join(", ")
    };
    match label.values {
        Values::These(these) => words(these),
        Values::Apis => words(&Dialect::ALL.map(Dialect::name)),
        Values::Of(set) => set.to_owned(),
    }
}

fn alerts() -> String {
    let mut out = "| alert | after | severity | when |\n| --- | --- | --- | --- |\n".to_owned();
    for alert in ALERTS {
        let (name, wait, severity) = (alert.name, alert.wait, alert.severity);
        writeln!(out, "| `{name}` | {wait} | {severity} | {} |", alert.when).unwrap();
    }
    out
}

/// The page with new lines between the two marks of a part.
fn filled(page: &str, part: &str, lines: &str) -> String {
    let (begin, end) = (
        format!("<!-- {part} -->\n"),
        format!("<!-- end of {part} -->\n"),
    );
    let (head, rest) = page.split_once(&begin).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    format!("{head}{begin}{lines}{end}{tail}")
}

const PARTS: &[(&str, Group)] = &[
    ("calls", Group::Calls),
    ("attempts", Group::Attempts),
    ("deployments", Group::Deployments),
    ("pools", Group::Pools),
    ("config", Group::Config),
    ("process", Group::Process),
    ("litellm", Group::LiteLlm),
];
