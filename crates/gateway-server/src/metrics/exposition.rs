//! How metrics are written: Prometheus' text format, or OpenMetrics where it is asked for.

use std::fmt;

use http::HeaderMap;
use http::header::ACCEPT;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};

use super::table::Family;
use super::timings::Seen;

/// The families as they are written, one after the other.
pub(super) struct Exposition<'e>(DescriptorEncoder<'e>);

/// The samples of one family.
pub(super) struct Samples<'m> {
    family: &'static Family,
    metric: MetricEncoder<'m>,
}

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Prometheus' own, version 0.0.4: what every tool reads.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl<'e> Exposition<'e> {
    pub(super) fn new(encoder: DescriptorEncoder<'e>) -> Self {
        Self(encoder)
    }

    /// Writes one family with the samples that `write` adds. Called once for each.
    pub(super) fn family(
        &mut self,
        family: &'static Family,
        write: impl FnOnce(&mut Samples<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let (name, unit) = family.parts();
        let kind = family.kind.into();
        let metric = (self.0).encode_descriptor(name, family.help, unit.as_ref(), kind)?;
        write(&mut Samples { family, metric })
    }
}

impl Samples<'_> {
    /// What only grows, in whole numbers.
    pub(super) fn count(&mut self, values: &[&str], count: u64) -> fmt::Result {
        self.with(values, |metric| {
            metric.encode_counter::<NoLabelSet, u64, u64>(&count, None)
        })
    }

    /// What only grows, in parts.
    pub(super) fn amount(&mut self, values: &[&str], amount: f64) -> fmt::Result {
        self.with(values, |metric| {
            metric.encode_counter::<NoLabelSet, f64, f64>(&amount, None)
        })
    }

    /// What goes up and down, in whole numbers.
    pub(super) fn level(&mut self, values: &[&str], level: impl TryInto<i64>) -> fmt::Result {
        let level = level.try_into().unwrap_or(i64::MAX);
        self.with(values, |metric| metric.encode_gauge(&level))
    }

    /// What goes up and down, in parts.
    pub(super) fn value(&mut self, values: &[&str], value: f64) -> fmt::Result {
        self.with(values, |metric| metric.encode_gauge(&value))
    }

    /// How often something took how long.
    pub(super) fn histogram(&mut self, values: &[&str], seen: &Seen) -> fmt::Result {
        self.with(values, |metric| {
            let (sum, count) = (seen.sum, seen.count());
            metric.encode_histogram::<NoLabelSet>(sum, count, &seen.buckets, None)
        })
    }

    /// A label without a value is left out: for Prometheus that is the same.
    fn with(
        &mut self,
        values: &[&str],
        write: impl FnOnce(&mut MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        debug_assert_eq!(self.family.labels.len(), values.len(), "{:?}", self.family);
        let said = self.family.labels.iter().zip(values);
        let labels: Vec<(&str, &str)> = said
            .filter(|(_, value)| !value.is_empty())
            .map(|(label, value)| {
                debug_assert!(label.allows(value), "{label:?} {value}");
                (label.name, *value)
            })
            .collect();
        if labels.is_empty() {
            return write(&mut self.metric);
        }
        write(&mut self.metric.encode_family(&labels)?)
    }
}

impl Format {
    /// What a client wants that sends these headers. Prometheus asks for OpenMetrics by name, and whoever does not say
    /// gets what everybody reads.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let said = headers.get_all(ACCEPT).iter();
        let ranges = said
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','));
        let (mut open, mut plain) = (0.0_f64, 0.0_f64);
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let q = parts.find_map(|it| it.strip_prefix("q="));
            let weight = q.map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if kind.eq_ignore_ascii_case("application/openmetrics-text") {
                open = open.max(weight);
            } else if kind.eq_ignore_ascii_case("text/plain") {
                plain = plain.max(weight);
            }
        }
        if open > 0.0 && open >= plain {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// For `Content-Type`.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The page in this format, from what the encoder has written as OpenMetrics.
    pub(super) fn of(self, open: String) -> String {
        match self {
            Self::OpenMetrics => open,
            Self::Prometheus => plain(&open),
        }
    }
}

/// The same in the older format: there a counter's family has the suffix of its samples, and neither units nor the end are
/// said.
fn plain(open: &str) -> String {
    let mut out = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        }
        let kind = if line.starts_with("# HELP ") {
            lines.peek().copied().unwrap_or_default()
        } else {
            line
        };
        let is_counter = kind.starts_with("# TYPE ") && kind.ends_with(" counter");
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", what, name, rest] if is_counter => {
                for part in ["# ", what, " ", name, "_total ", rest] {
                    out.push_str(part);
                }
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;\
                          q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, wanted) in [
            (None, Format::Prometheus),
            (Some("*/*"), Format::Prometheus),
            (Some("text/html, */*"), Format::Prometheus),
            (Some(prometheus), Format::OpenMetrics),
            (Some("application/openmetrics-text"), Format::OpenMetrics),
            (
                Some("application/openmetrics-text;q=0.2, text/plain"),
                Format::Prometheus,
            ),
            (Some("application/openmetrics-text;q=0"), Format::Prometheus),
            (Some("text/plain;version=0.0.4"), Format::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|it| (ACCEPT, it.parse().unwrap())));
            assert_eq!(Format::wanted(&headers), wanted, "{accept:?}");
        }
    }

    #[test]
    fn the_older_format_names_counters_as_their_samples() {
        let open = "# HELP a_seconds What it is\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
                    a_seconds_total{x=\"# EOF\"} 1\n# HELP b A counter of it\n# TYPE b gauge\nb 2\n# EOF\n";
        let expected = "# HELP a_seconds_total What it is\n# TYPE a_seconds_total counter\n\
                        a_seconds_total{x=\"# EOF\"} 1\n# HELP b A counter of it\n# TYPE b gauge\nb 2\n";
        assert_eq!(Format::Prometheus.of(open.to_owned()), expected);
        assert_eq!(Format::OpenMetrics.of(open.to_owned()), open);
    }
}
