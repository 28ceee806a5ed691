//! Pass or fail, and the figures that decided.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outcome::Outcome;
use super::process::Reading;
use super::record::Record;
use super::sample::{Phase, Rotation, Sample};
use super::slope::Growth;
use super::tally::Failures;

/// The end of the whole soak.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) passed: bool,
    /// One sentence.
    pub(super) sentence: String,
    pub(super) checks: Vec<Check>,
    pub(super) bursts: Vec<Burst>,
    /// What a reader should know, without being a reason to fail.
    pub(super) notes: Vec<String>,
}

/// One promise, and what was found.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    pub(super) wanted: String,
    pub(super) found: String,
}

/// Seconds in which many streams failed together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Burst {
    /// The second in which it began.
    pub(super) second: u64,
    pub(super) failures: u64,
    /// The rotation next to it, if there was one.
    pub(super) rotation: Option<String>,
}

/// Judges a finished run.
pub(super) fn judge(record: &Record) -> Verdict {
    let totals = &record.totals;
    let failed: u64 = totals.failures.values().flat_map(BTreeMap::values).sum();
    let mut checks = vec![
        failures_check("streams cut, frozen or refused", &totals.failures, &LOST),
        failures_check(
            "gaps and altered events",
            &totals.failures,
            &[Outcome::Gap, Outcome::Altered],
        ),
        failures_check(
            "events out of order",
            &totals.failures,
            &[Outcome::Reordered],
        ),
        streams_check(record),
    ];
    checks.extend(rotations_check(record));
    checks.extend(generations_check(record));
    checks.extend(descriptors_check(record));
    checks.extend(memory_check(record));
    let bursts = bursts(record);
    let passed = checks.iter().all(|check| check.passed);
    Verdict {
        passed,
        sentence: sentence(record, passed, failed, &bursts, &checks),
        checks,
        bursts,
        notes: notes(record),
    }
}

/// All failures but those of the sequence.
const LOST: [Outcome; 7] = [
    Outcome::Cut,
    Outcome::Frozen,
    Outcome::InBandError,
    Outcome::CleanEnd,
    Outcome::Status,
    Outcome::Refused,
    Outcome::Malformed,
];

fn failures_check(
    name: &'static str,
    failures: &BTreeMap<u64, Failures>,
    kinds: &[Outcome],
) -> Check {
    let counted: Vec<_> = kinds
        .iter()
        .map(|kind| {
            (
                kind,
                failures
                    .values()
                    .filter_map(|all| all.get(kind))
                    .sum::<u64>(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    Check {
        name,
        passed: counted.is_empty(),
        wanted: "0".to_owned(),
        found: if counted.is_empty() {
            "0".to_owned()
        } else {
            counted.join(", ")
        },
    }
}

/// A run in which nothing ran proves nothing.
fn streams_check(record: &Record) -> Check {
    let most = record
        .samples
        .iter()
        .map(|sample| sample.streams.active)
        .max();
    let most = most.unwrap_or(0);
    let wanted = record.streams_wanted * 9 / 10;
    Check {
        name: "streams at the same time",
        passed: most >= wanted && record.completed() > 0,
        wanted: format!("{} (90 % at least)", record.streams_wanted),
        found: format!("{most}, {} completed", record.completed()),
    }
}

/// Nor does one in which nothing rotated: by lifetime in any case, and for each reason that was ordered.
fn rotations_check(record: &Record) -> Option<Check> {
    let samples = record.samples.iter().rev();
    let pools = samples.filter_map(|sample| sample.pools.as_ref()).next()?;
    let listed: Vec<_> = pools
        .rotations
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let wanted = record.orders.obeyed.max(1);
    let lifetimes = record.lifetimes_under_load();
    let refused = &record.orders.refused;
    Some(Check {
        name: "rotations",
        passed: pools.rotated() >= wanted && lifetimes > 0 && refused.is_empty(),
        wanted: format!("{wanted} at least, lifetimes that end under load, no order refused"),
        found: match refused.first() {
            Some(why) => format!("{} orders refused: {why}", refused.len()),
            None => format!(
                "{}: {}; {lifetimes} lifetimes under load",
                pools.rotated(),
                listed.join(", ")
            ),
        },
    })
}

fn generations_check(record: &Record) -> Option<Check> {
    let last = record
        .samples
        .iter()
        .rev()
        .find_map(|sample| sample.pools.as_ref())?;
    Some(Check {
        name: "generations after the last stream",
        passed: last.current == last.origins && last.draining == 0,
        wanted: format!("1 for each of {} origins, 0 draining", last.origins),
        found: format!("{} current, {} draining", last.current, last.draining),
    })
}

/// Sockets that the pools rightly keep are no leak.
fn descriptors_check(record: &Record) -> Option<Check> {
    let before = record.before?.descriptors;
    let last = record.samples.last()?;
    let after = last.gateway?.descriptors;
    let pooled = last.pools.as_ref().map_or(0, |pools| pools.connections);
    let allowed = before + pooled + SPARE_DESCRIPTORS;
    Some(Check {
        name: "descriptors after the last stream",
        passed: after <= allowed,
        wanted: format!(
            "{allowed} at most ({before} before, {pooled} pooled, {SPARE_DESCRIPTORS} spare)"
        ),
        found: after.to_string(),
    })
}

fn memory_check(record: &Record) -> Option<Check> {
    let growth = record.growth();
    if growth == Growth::Unknown {
        return None;
    }
    Some(Check {
        name: "memory under steady load",
        passed: matches!(growth, Growth::Flat(_)),
        wanted: "flat".to_owned(),
        found: format!("{}; {}", growth.in_words(), at_rest(record)),
    })
}

fn at_rest(record: &Record) -> String {
    let mib =
        |reading: Option<Reading>| reading.map_or(0, |reading| reading.rss_bytes / (1024 * 1024));
    let most = record
        .samples
        .iter()
        .map(|sample| mib(sample.gateway))
        .max();
    format!(
        "{} MiB before, {} at most, {} at rest",
        mib(record.before),
        most.unwrap_or(0),
        mib(record.samples.last().and_then(|sample| sample.gateway)),
    )
}

/// Memory while the load was steady, without its first third: pools and buffers grow to their size first.
pub(super) fn steady_memory(samples: &[Sample]) -> Vec<(f64, f64)> {
    let steady: Vec<_> = samples
        .iter()
        .filter(|sample| sample.phase == Phase::Steady)
        .filter_map(|sample| Some((sample.second, sample.gateway?.rss_bytes as f64)))
        .collect();
    steady.get(steady.len() / 3..).unwrap_or_default().to_vec()
}

/// Runs of seconds in which more failed than chance would have it: a hundredth of all streams, three at least.
fn bursts(record: &Record) -> Vec<Burst> {
    let least = (record.streams_wanted / 100).max(3);
    let mut bursts: Vec<Burst> = Vec::new();
    let mut last = None;
    for (&second, failures) in &record.totals.failures {
        let count: u64 = failures.values().sum();
        if count < least {
            continue;
        }
        match bursts.last_mut() {
            Some(burst) if last == second.checked_sub(1) => burst.failures += count,
            _ => bursts.push(Burst {
                second,
                failures: count,
                rotation: mark_near(record, second),
            }),
        }
        last = Some(second);
    }
    bursts
}

/// The rotation that a burst in this second would be the consequence of: the last sign of life of what a rotation
/// cuts comes up to one event before it.
fn mark_near(record: &Record, second: u64) -> Option<String> {
    let middle = second as f64 + 0.5;
    let distance = |mark: &Rotation| (mark.second - middle).abs();
    let marks = record.marks.iter();
    let nearest = marks.min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
    (distance(nearest) <= 1.5).then(|| format!("{} at {:.1} s", nearest.reason, nearest.second))
}

fn sentence(
    record: &Record,
    passed: bool,
    failed: u64,
    bursts: &[Burst],
    checks: &[Check],
) -> String {
    let ended = record.completed() + failed;
    let rotations: u64 = record.marks.iter().map(|mark| mark.pools).sum();
    if passed {
        let rotations = if record.marks_assumed {
            "rotations not observed".to_owned()
        } else {
            format!("{rotations} rotations under them")
        };
        return format!(
            "PASS: {ended} streams, {rotations}, none cut, no gap, nothing out of order."
        );
    }
    if failed == 0 {
        let broken: Vec<_> = checks
            .iter()
            .filter(|check| !check.passed)
            .map(|check| check.name)
            .collect();
        return format!("FAIL: no stream failed, but: {}.", broken.join("; "));
    }
    let at = |lifetime: bool| {
        let rotations = bursts.iter().filter_map(|burst| burst.rotation.as_deref());
        rotations
            .filter(|rotation| rotation.starts_with("ttl") == lifetime)
            .count()
    };
    let in_bursts: u64 = bursts.iter().map(|burst| burst.failures).sum();
    format!(
        "FAIL: {failed} of {ended} streams failed, {in_bursts} of them in {} bursts: {} at the end of a pool's lifetime, {} at another rotation.",
        bursts.len(),
        at(true),
        at(false),
    )
}

/// What limits the figures of this run.
fn notes(record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    let late = record
        .samples
        .iter()
        .filter(|sample| sample.sampler_late_ms > 250.0);
    let late = late.count();
    if late * 20 > record.samples.len() {
        notes.push(format!(
            "the load generator or the machine was the bottleneck in {late} of {} seconds: latencies are not the gateway's alone",
            record.samples.len()
        ));
    }
    if record.marks_assumed {
        notes.push(
            "the ends of lifetimes are assumed, every --ttl seconds from the first stream on: what this gateway does \
             with its pools was not seen"
                .to_owned(),
        );
    }
    if record.unmarked > 0 {
        notes.push(format!(
            "{} streams carried no sequence of this soak's upstream: order and gaps were not checked there",
            record.unmarked
        ));
    }
    notes
}

/// Descriptors that a gateway may have opened once and keeps: log, epoll, admin connections that are just closing.
pub(super) const SPARE_DESCRIPTORS: u64 = 16;
