//! What operators get that is made of the table: the page on metrics, the dashboard, the alerts and their tests.
//! `UPDATE_DOCS=1 cargo nextest run -p gateway-server metrics` writes them.

mod alerts;
mod dashboard;
mod page;
mod watched;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use regex_lite::Regex;

use crate::metrics::families::{NATIVE, litellm};

/// Every file, by its path in the repository.
pub(super) fn files() -> Vec<(&'static str, String)> {
    vec![
        (page::PATH, page::text(&read(page::PATH))),
        ("ops/grafana/gateway.json", dashboard::text()),
        ("ops/prometheus/alerts.yaml", alerts::rules()),
        ("ops/prometheus/alerts.test.yaml", alerts::tests()),
    ]
}

/// Holds a file to what it should be, or writes it.
pub(super) fn compare(path: &str, wanted: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let place = place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, wanted).unwrap();
    }
    assert!(
        read(path) == wanted,
        "{path} is out of date: run this test with UPDATE_DOCS=1"
    );
}

/// The metrics that an expression names which the table does not have.
fn unknown(expression: &str) -> BTreeSet<String> {
    let names = Regex::new(r"\b(?:gateway|process|litellm)_[a-z0-9_]+").unwrap();
    let all = NATIVE.iter().chain(litellm::ALL);
    let known: BTreeSet<String> = all.flat_map(|it| it.samples()).collect();
    let named = names.find_iter(expression).map(|it| it.as_str().to_owned());
    named.filter(|name| !known.contains(name)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(place(path)).unwrap_or_default()
}

fn place(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}
