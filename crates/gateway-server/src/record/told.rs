//! What a client is told of the attempts at its call. No hosts, no addresses, nothing that a provider said.

use std::fmt::Write as _;

use super::journal::{AttemptOutcome, Entry};

/// How many attempts there were: `1 attempt was made.`
pub(crate) fn count(entries: &[Entry]) -> String {
    match entries.len() {
        0 => "No attempt was made.".to_owned(),
        1 => "1 attempt was made.".to_owned(),
        many => format!("{many} attempts were made."),
    }
}

/// What became of each: `1 attempt was made: 1. deployment "a" (first): timer of 0.1 s (first_content).`
pub(crate) fn each(entries: &[Entry]) -> String {
    let mut text = count(entries);
    if entries.is_empty() {
        return text;
    }
    text.pop();
    text.push(':');
    for (number, entry) in entries.iter().take(SHOWN).enumerate() {
        let separator = if number == 0 { "" } else { ";" };
        let _never = write!(
            text,
            "{separator} {}. deployment `{}` ({}): {}",
            number + 1,
            entry.deployment.id,
            entry.kind.as_str(),
            outcome(entry),
        );
    }
    if let Some(more @ 1..) = entries.len().checked_sub(SHOWN) {
        let _never = write!(text, "; and {more} more");
    }
    text.push('.');
    text
}

fn outcome(entry: &Entry) -> String {
    match (entry.outcome, entry.status) {
        (AttemptOutcome::Expired(name, limit), _) => {
            format!(
                "`{}` timer of {} s expired",
                name.as_str(),
                limit.as_secs_f64()
            )
        }
        (AttemptOutcome::Failed(_), Some(status)) if status >= 400 => {
            format!("{}, status {status}", entry.outcome.as_str())
        }
        (AttemptOutcome::Failed(_), None) if entry.delivery.is_some() => {
            format!("{}, no answer", entry.outcome.as_str())
        }
        (outcome, _) => outcome.as_str().to_owned(),
    }
}

/// Attempts that are told one by one.
const SHOWN: usize = 16;
