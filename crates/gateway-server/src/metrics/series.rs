//! The series of a family whose labels have values that are known only while it runs: found by their values, bounded in
//! number, and forgotten when what they are about is gone.

use std::array;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use super::exposition::{Exposition, Samples};
use super::table::Family;
use super::timings::Timings;

/// The series of one family by the values of its labels.
pub(super) struct Series<T, const LABELS: usize> {
    family: &'static Family,
    make: fn() -> T,
    most: usize,
    by_values: DashMap<[Word; LABELS], Held<T>>,
    overflowed: AtomicU64,
}

/// The value of a label.
#[derive(Clone, Debug, Eq)]
pub(super) enum Word {
    /// One of the program's own words.
    Own(&'static str),
    /// A name from the configuration.
    Named(Arc<str>),
}

#[derive(Debug)]
struct Held<T> {
    of: Arc<T>,
    /// Since when the configuration does not name it any more.
    gone: Option<Instant>,
}

/// What is counted in a series.
pub(super) trait Sample: Send + Sync + 'static {
    /// Writes what was counted up to now.
    fn write(&self, samples: &mut Samples<'_>, values: &[&str]) -> fmt::Result;
}

impl<T: Sample, const LABELS: usize> Series<T, LABELS> {
    /// None yet.
    pub(super) fn new(family: &'static Family, make: fn() -> T) -> Self {
        Self {
            family,
            make,
            most: MOST,
            by_values: DashMap::new(),
            overflowed: AtomicU64::new(0),
        }
    }

    /// The series with these values; with `other` for names from the configuration when there are too many.
    pub(super) fn at(&self, values: [Word; LABELS]) -> Arc<T> {
        if let Some(held) = self.by_values.get(&values) {
            return Arc::clone(&held.of);
        }
        let values = if self.by_values.len() < self.most {
            values
        } else {
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            values.map(|word| match word {
                Word::Named(_) => Word::Own(OTHER),
                own => own,
            })
        };
        let make = || Held {
            of: Arc::new((self.make)()),
            gone: None,
        };
        Arc::clone(&self.by_values.entry(values).or_insert_with(make).of)
    }

    /// Forgets the series that name something which is not `known`, nobody counts in any more, and have been so for a
    /// while: whoever reads them has seen their last values.
    pub(super) fn sweep(&self, known: &HashSet<Arc<str>>, now: Instant) {
        self.by_values.retain(|values, held| {
            let current = values.iter().all(|word| match word {
                Word::Own(_) => true,
                Word::Named(name) => known.contains(name),
            });
            if current || Arc::strong_count(&held.of) > 1 {
                held.gone = None;
                return true;
            }
            let gone = *held.gone.get_or_insert(now);
            now.saturating_duration_since(gone) < LINGERS
        });
    }

    /// How often there were too many.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// All of them, in the order of their values.
    pub(super) fn all(&self) -> Vec<([Word; LABELS], Arc<T>)> {
        let mut all: Vec<_> = (self.by_values.iter())
            .map(|it| (it.key().clone(), Arc::clone(&it.of)))
            .collect();
        all.sort_unstable_by(|a, b| a.0.iter().map(|it| &**it).cmp(b.0.iter().map(|it| &**it)));
        all
    }

    /// Writes the family.
    pub(super) fn write(&self, page: &mut Exposition<'_>) -> fmt::Result {
        page.family(self.family, |samples| {
            for (values, series) in self.all() {
                let values: [&str; LABELS] = array::from_fn(|at| &*values[at]);
                series.write(samples, &values)?;
            }
            Ok(())
        })
    }
}

impl<T: fmt::Debug, const LABELS: usize> fmt::Debug for Series<T, LABELS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(self.family.name)
            .field(&self.by_values.len())
            .finish()
    }
}

impl Deref for Word {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Own(word) => word,
            Self::Named(name) => name,
        }
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl From<&'static str> for Word {
    fn from(word: &'static str) -> Self {
        Self::Own(word)
    }
}

impl From<&Arc<str>> for Word {
    fn from(name: &Arc<str>) -> Self {
        Self::Named(Arc::clone(name))
    }
}

impl Sample for AtomicU64 {
    fn write(&self, samples: &mut Samples<'_>, values: &[&str]) -> fmt::Result {
        samples.count(values, self.load(Ordering::Relaxed))
    }
}

/// Dollars.
impl Sample for Counter<f64, AtomicU64> {
    fn write(&self, samples: &mut Samples<'_>, values: &[&str]) -> fmt::Result {
        samples.amount(values, self.get())
    }
}

impl Sample for Timings {
    fn write(&self, samples: &mut Samples<'_>, values: &[&str]) -> fmt::Result {
        samples.histogram(values, &self.seen())
    }
}

/// What stands for names that the configuration does not know, and for those of too many series.
pub(super) const OTHER: &str = "other";
/// As many series as a family may have. A configuration of 1,000 deployments needs fewer.
const MOST: usize = 20_000;
/// How long a series is written after the last that was heard of it.
const LINGERS: Duration = Duration::from_secs(900);

#[cfg(test)]
mod tests {
    use super::super::families::{FALLBACKS, STREAMS_ENDED};
    use super::*;

    fn named(name: &str) -> Word {
        Word::Named(name.into())
    }

    #[test]
    fn equal_values_are_one_series_wherever_they_come_from() {
        let series = Series::<AtomicU64, 1>::new(&FALLBACKS, AtomicU64::default);
        series.at([named("a")]).fetch_add(1, Ordering::Relaxed);
        series.at(["a".into()]).fetch_add(2, Ordering::Relaxed);
        let all = series.all();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn what_is_too_much_is_counted_as_other_and_the_overflow_is_told() {
        let mut series = Series::<AtomicU64, 2>::new(&STREAMS_ENDED, AtomicU64::default);
        series.most = 3;
        for number in 0..1000 {
            let values = [named(&format!("model-{number}")), "complete".into()];
            series.at(values).fetch_add(1, Ordering::Relaxed);
        }
        let all = series.all();
        assert_eq!(all.len(), 4);
        let other = all.iter().find(|it| &*it.0[0] == OTHER).unwrap();
        assert_eq!(&*other.0[1], "complete");
        assert_eq!(other.1.load(Ordering::Relaxed), 997);
        assert_eq!(series.overflowed(), 997);
    }

    #[tokio::test(start_paused = true)]
    async fn a_series_is_forgotten_a_while_after_the_last_that_may_count_in_it_is_gone() {
        let series = Series::<AtomicU64, 1>::new(&FALLBACKS, AtomicU64::default);
        let held = series.at([named("old")]);
        series.at([named("new")]);
        series.at(["own".into()]);
        let known = HashSet::from(["new".into()]);
        let count = || series.all().len();
        let begun = Instant::now();
        for (minutes, wanted) in [(0, 3), (60, 3)] {
            series.sweep(&known, begun + Duration::from_secs(minutes * 60));
            assert_eq!(count(), wanted);
        }
        drop(held);
        for (minutes, wanted) in [(61, 3), (75, 3), (76, 2), (200, 2)] {
            series.sweep(&known, begun + Duration::from_secs(minutes * 60));
            assert_eq!(count(), wanted, "{minutes}");
        }
    }
}
