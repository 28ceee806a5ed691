//! The nearest known key to a misspelt one.

/// The candidate with the smallest edit distance to `word`, if it is small enough to be meant.
///
/// Allowed are one edit for words of up to four letters, two up to eight, three above. Swapping
/// two neighbors counts as one edit. Case and `-` against `_` do not count.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match word.chars().count() {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    within(word, candidates, allowed)
}

/// The nearest candidate at most `allowed` edits away.
pub(super) fn within<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
    allowed: usize,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let word = plain(word);
    candidates
        // Names are ASCII: each edit changes the length by one at most. Most are done with here.
        .filter(|candidate| candidate.len().abs_diff(length) <= allowed)
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> Vec<char> {
    word.chars()
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut current = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        current[0] = i;
        for j in 1..=b.len() {
            let substitution = previous[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(previous[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            current[j] = best;
        }
        std::mem::swap(&mut before, &mut previous);
        std::mem::swap(&mut previous, &mut current);
    }
    previous[b.len()]
}

/// Longer words are not compared: the cost grows with the product of the lengths.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_an_omission_and_a_wrong_letter_are_one_edit_each() {
        for (word, known) in [
            ("tiemout", "timeout"),
            ("api_ky", "api_key"),
            ("modil", "model"),
        ] {
            assert_eq!(within(word, [known].into_iter(), 1), Some(known));
        }
    }

    #[test]
    fn the_nearest_wins_and_far_words_get_no_suggestion() {
        let known = ["timeout", "stream_timeout", "retry_after"];
        assert_eq!(nearest("time-out", known.into_iter()), Some("timeout"));
        assert_eq!(nearest("zebra", known.into_iter()), None);
    }
}
