//! Pass or fail, and the figures that decided.

use super::config::MOST_SENDS;
use super::judge::{Breach, Judgment};
use crate::soak::verdict::{Check, Verdict};

/// The verdict on a judged run.
pub(super) fn of(judgment: &Judgment) -> Verdict {
    let mut checks = vec![enough(judgment)];
    checks.extend(PROMISES.iter().map(|(name, breaches)| {
        let counts = breaches
            .iter()
            .filter_map(|breach| Some((breach, judgment.breaches.get(breach)?)));
        let found: Vec<String> = counts.map(|(_, all)| all.count.to_string()).collect();
        Check {
            name,
            passed: found.is_empty(),
            wanted: "0".to_owned(),
            found: if found.is_empty() {
                "0".to_owned()
            } else {
                found.join("; ")
            },
        }
    }));
    checks.push(budget(judgment));
    checks.push(accounted(judgment));
    let passed = checks.iter().all(|check| check.passed);
    let broken: Vec<&str> = checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| check.name)
        .collect();
    Verdict {
        passed,
        sentence: if passed {
            format!(
                "PASS: {} calls met {} faults; nothing was cut that a fault did not cut, every cut was told.",
                judgment.calls, judgment.faults
            )
        } else {
            format!(
                "FAIL: of {} calls that met {} faults, not all were kept: {}.",
                judgment.calls,
                judgment.faults,
                broken.join(", ")
            )
        },
        checks,
        bursts: Vec::new(),
        notes: notes(judgment),
    }
}

fn notes(judgment: &Judgment) -> Vec<String> {
    let ends = format!(
        "{} calls came whole ({} of them although a request had failed), {} were told of a cut, {} got an error \
         status, {} clients went away",
        judgment.whole, judgment.rescued, judgment.told, judgment.refused, judgment.left
    );
    let examples = judgment.breaches.iter().flat_map(|(breach, all)| {
        let first = all.examples.iter().take(MOST_SHOWN);
        first.map(move |example| format!("{breach:?}: {example}"))
    });
    std::iter::once(ends).chain(examples).collect()
}

/// A run in which nothing failed, or nothing worked, proves nothing.
fn enough(judgment: &Judgment) -> Check {
    Check {
        name: "calls that prove something",
        passed: judgment.faults > 0
            && judgment.whole * 2 >= judgment.calls
            && judgment.told > 0
            && judgment.rescued > 0,
        wanted: "faults, cuts that are told, failures that are made good, half of the calls whole"
            .to_owned(),
        found: format!(
            "{} calls, {} requests at the upstream, {} faults, {} whole ({} after a failure), {} told",
            judgment.calls,
            judgment.sends,
            judgment.faults,
            judgment.whole,
            judgment.rescued,
            judgment.told
        ),
    }
}

fn budget(judgment: &Judgment) -> Check {
    let most = judgment.sends_per_call.keys().max().copied().unwrap_or(0);
    Check {
        name: "requests per call, at the most",
        passed: most <= MOST_SENDS,
        wanted: MOST_SENDS.to_string(),
        found: format!(
            "{most} ({:.3} on average)",
            judgment.sends as f64 / (judgment.calls.max(1)) as f64
        ),
    }
}

fn accounted(judgment: &Judgment) -> Check {
    let heard = judgment.calls - judgment.unheard;
    Check {
        name: "calls by the gateway's counter",
        passed: judgment.counted == heard && judgment.active == 0,
        wanted: format!(
            "{heard} ({} clients had gone before their request was read), none running",
            judgment.unheard
        ),
        found: format!(
            "{}, {} running, {} log lines dropped",
            judgment.counted, judgment.active, judgment.dropped
        ),
    }
}

/// Examples of each kind of breach that are shown; `summary.json` has more.
const MOST_SHOWN: usize = 5;

const PROMISES: &[(&str, &[Breach])] = &[
    (
        "answers cut that no fault has cut",
        &[Breach::CutWithoutCause],
    ),
    ("cuts that were not told", &[Breach::CutUntold]),
    ("failures that passed for an answer", &[Breach::Hidden]),
    ("gaps, doubles and changes", &[Breach::Damaged]),
    ("statuses that nothing explains", &[Breach::UntrueStatus]),
    ("requests beyond the budget", &[Breach::SentTooOften]),
    (
        "requests after the client had content",
        &[Breach::SentAfterContent],
    ),
    (
        "calls not accounted exactly once",
        &[Breach::NotAccountedOnce],
    ),
    (
        "calls accounted as something else",
        &[Breach::AccountedWrong],
    ),
];
