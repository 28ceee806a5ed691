//! What a family of metrics is. [`families`](super::families) lists all of them; what is written, the page on metrics,
//! the dashboard and the alerts come from that list.

use gateway_core::Dialect;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// One family of metrics.
#[derive(Debug)]
pub(crate) struct Family {
    /// Its name, without the suffixes that the format adds.
    pub name: &'static str,
    /// What its numbers are.
    pub kind: Kind,
    /// Where it stands on the page.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "the page on metrics is made of it, by a test")
    )]
    pub group: Group,
    /// What its series differ in, in this order.
    pub labels: &'static [&'static Label],
    /// What it says.
    pub help: &'static str,
}

/// What the numbers of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// Counts by size, and their sum.
    Histogram,
}

/// Where a family stands on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// What clients asked for.
    Calls,
    /// What was asked of providers for it.
    Attempts,
    /// Each deployment.
    Deployments,
    /// The connections to providers.
    Pools,
    /// The configuration in force.
    Config,
    /// The process.
    Process,
    /// What LiteLLM's dashboards look for.
    LiteLlm,
}

/// One label.
#[derive(Debug)]
pub(crate) struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it may say.
    pub values: Values,
}

/// What a label may say.
#[derive(Debug)]
pub(crate) enum Values {
    /// One of these words.
    These(&'static [&'static str]),
    /// The front end's name.
    Apis,
    /// One of a set that the configuration bounds.
    Of(
        #[cfg_attr(
            not(test),
            expect(dead_code, reason = "the page on metrics is made of it, by a test")
        )]
        &'static str,
    ),
}

impl Family {
    /// As it is asked for: counters end in `_total`.
    #[cfg(test)]
    pub(crate) fn full_name(&self) -> String {
        let suffix = if self.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        format!("{}{suffix}", self.name)
    }

    /// The names of its samples.
    #[cfg(test)]
    pub(super) fn samples(&self) -> Vec<String> {
        match self.kind {
            Kind::Histogram => ["_bucket", "_sum", "_count"]
                .map(|it| format!("{}{it}", self.name))
                .to_vec(),
            _ => vec![self.full_name()],
        }
    }

    /// The name without its unit, and the unit: the encoder puts them together.
    pub(super) fn parts(&self) -> (&'static str, Option<Unit>) {
        for (suffix, unit) in [("_seconds", Unit::Seconds), ("_bytes", Unit::Bytes)] {
            if let Some(name) = self.name.strip_suffix(suffix) {
                return (name, Some(unit));
            }
        }
        (self.name, None)
    }
}

impl Label {
    /// Whether it may say so.
    pub(super) fn allows(&self, value: &str) -> bool {
        match self.values {
            Values::These(words) => words.contains(&value),
            Values::Apis => Dialect::ALL.iter().any(|it| it.name() == value),
            Values::Of(_) => true,
        }
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Counter => Self::Counter,
            Kind::Gauge => Self::Gauge,
            Kind::Histogram => Self::Histogram,
        }
    }
}

/// A family whose numbers only grow.
pub(super) const fn counter(
    name: &'static str,
    group: Group,
    labels: &'static [&'static Label],
    help: &'static str,
) -> Family {
    family(Kind::Counter, name, group, labels, help)
}

/// A family whose numbers go up and down.
pub(super) const fn gauge(
    name: &'static str,
    group: Group,
    labels: &'static [&'static Label],
    help: &'static str,
) -> Family {
    family(Kind::Gauge, name, group, labels, help)
}

/// A family of counts by size.
pub(super) const fn histogram(
    name: &'static str,
    group: Group,
    labels: &'static [&'static Label],
    help: &'static str,
) -> Family {
    family(Kind::Histogram, name, group, labels, help)
}

const fn family(
    kind: Kind,
    name: &'static str,
    group: Group,
    labels: &'static [&'static Label],
    help: &'static str,
) -> Family {
    Family {
        name,
        kind,
        group,
        labels,
        help,
    }
}
