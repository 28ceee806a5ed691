//! The table is what is written, and the page on metrics is the table.

mod ops; // The page, the dashboard and the alerts.

use std::collections::BTreeMap;

use super::families::NATIVE;
use super::families::litellm::ALL as LITELLM;
use super::table::{Family, Group, Kind};
use super::*;
use crate::admission::Admission;
use crate::config::{self, Environment, Sources};
use crate::control::{ConfigState, Control};
use crate::log::{Format as LineFormat, Lines};
use crate::wiring;
use gateway_router::MemoryBooks;
use gateway_transport::{Transport, TransportConfig};

/// A process that has just begun, with the reference configuration.
fn shared(metrics: MetricsSettings) -> Arc<Shared> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../config/examples/timeouts.yaml"
    );
    let variables = ["AZURE_WEST_KEY", "OPENAI_API_KEY", "LITELLM_MASTER_KEY"];
    let variables: Environment = variables.map(|name| (name, "sk-own")).into_iter().collect();
    let sources = Sources {
        file: Some(path.into()),
        ..Sources::default()
    };
    let mut settings = config::load(&sources, &variables).settings.unwrap();
    settings.metrics = metrics;
    let transport = Transport::single(TransportConfig::default());
    let environment = wiring::environment(&settings);
    let books = MemoryBooks::default();
    let snapshot = wiring::snapshot(&settings, &environment, &transport, &books);
    let admission = Admission::new(settings.admission, settings.routing.timers);
    let (control, _orders) = Control::new(ConfigState::first(None, None));
    Arc::new(Shared::new(
        snapshot,
        admission,
        transport,
        Metrics::new(&[Handle::current()]),
        Lines::new(LineFormat::Json, 1),
        control,
    ))
}

/// With LiteLLM's names.
const COMPAT: MetricsSettings = MetricsSettings {
    require_key: false,
    litellm_compat: true,
};

/// The families of a text: name and kind.
fn told(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split_once(' '))
        .collect()
}

fn expected(families: &[&Family]) -> BTreeMap<String, &'static str> {
    let kind = |it: &Family| match it.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    families
        .iter()
        .map(|it| (it.full_name(), kind(it)))
        .collect()
}

#[tokio::test]
async fn every_family_of_the_table_is_written_once_and_no_other() {
    for (settings, more) in [(MetricsSettings::default(), &[][..]), (COMPAT, LITELLM)] {
        let text = Metrics::encode(shared(settings), Format::Prometheus);
        let families: Vec<_> = NATIVE.iter().chain(more).copied().collect();
        let expected = expected(&families);
        let told = told(&text);
        assert_eq!(expected.len(), families.len(), "a name is there twice");
        let same = told.iter().map(|(name, kind)| (name.to_string(), *kind));
        assert_eq!(same.collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(text.matches("# TYPE ").count(), families.len());
    }
}

#[tokio::test]
async fn both_formats_have_the_same_samples() {
    let shared = shared(COMPAT);
    let samples = |format| {
        let text = Metrics::encode(Arc::clone(&shared), format);
        let lines = text.lines().filter(|it| !it.starts_with('#'));
        let names = lines
            .filter_map(|it| it.rsplit_once(' '))
            .map(|it| it.0.to_owned());
        names.collect::<Vec<_>>()
    };
    let plain = samples(Format::Prometheus);
    assert_eq!(plain, samples(Format::OpenMetrics));
    assert!(plain.iter().any(|it| it == "process_open_fds"), "{plain:?}");
    let buckets = r#"gateway_overhead_seconds_bucket{le="0.00005",api="openai_chat"}"#;
    let is_there = plain.iter().any(|it| it == buckets);
    assert!(is_there, "{plain:#?}");
}

#[test]
fn labels_are_named_once_and_a_family_has_help_in_one_line() {
    for family in NATIVE.iter().chain(LITELLM) {
        assert!(
            !family.help.is_empty() && !family.help.contains('\n'),
            "{family:?}"
        );
        let mut names: Vec<_> = family.labels.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), family.labels.len(), "{}", family.name);
        assert!(!names.contains(&"le"), "{}", family.name);
        assert_eq!(
            family.group == Group::LiteLlm,
            family.name.starts_with("litellm_")
        );
    }
}

#[test]
fn the_dialects_are_counted_in_their_order() {
    for (at, dialect) in Dialect::ALL.into_iter().enumerate() {
        assert_eq!(dialect as usize, at);
    }
}

#[test]
fn what_operators_get_is_made_of_the_table() {
    for (path, text) in ops::files() {
        ops::compare(path, &text);
    }
}
