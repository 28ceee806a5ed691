//! Which faults there are, and which one a request meets.

use std::time::Duration;

use gateway_testkit::fault::{At, Fault, Setup, by_name};

/// The faults that fit the moments of an answer.
#[derive(Debug)]
pub(super) struct Menu {
    share: f64,
    seed: u64,
    plain: Vec<&'static Fault>,
    before: Vec<&'static Fault>,
    after: Vec<&'static Fault>,
}

impl Menu {
    /// Faults for this share of all requests.
    pub(super) fn new(share: f64, seed: u64) -> Self {
        let fitting = |at| {
            let all = NAMES.iter().filter_map(|name| by_name(name));
            all.filter(|fault| fault.fits(&setup(at))).collect()
        };
        Self {
            share,
            seed,
            plain: fitting(At::Plain),
            before: fitting(At::BeforeFirstEvent),
            after: fitting(At::AfterFirstEvent),
        }
    }

    /// What this request meets; the same for the same seed, whenever it comes.
    pub(super) fn choose(
        &self,
        call: &str,
        number: u32,
        stream: bool,
    ) -> Option<(&'static Fault, At)> {
        let mut random = fastrand::Rng::with_seed(mixed(self.seed, call, number));
        if random.f64() >= self.share {
            return None;
        }
        let (faults, at) = match (stream, random.bool()) {
            (false, _) => (&self.plain, At::Plain),
            (true, false) => (&self.before, At::BeforeFirstEvent),
            (true, true) => (&self.after, At::AfterFirstEvent),
        };
        Some((faults.get(random.usize(..faults.len()))?, at))
    }
}

/// Over HTTP/1.1, where a connection that breaks harms one exchange.
pub(super) fn setup(at: At) -> Setup<'static> {
    Setup {
        pause: Duration::from_millis(20),
        ..Setup::plain(at)
    }
}

/// FNV-1a, so that neighbors in the sequence of calls have nothing in common.
fn mixed(seed: u64, call: &str, number: u32) -> u64 {
    let bytes = call.bytes().chain(number.to_le_bytes());
    bytes.fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Faults that cost little, so that many calls per second can meet them. The rest of the matrix has tests of its own.
const NAMES: &[&str] = &[
    // Silence.
    "silent",
    "head-then-silence",
    "stall",
    "stall-inside-event",
    // Connections that end.
    "rst-before-head",
    "rst",
    "fin",
    "fin-length",
    "fin-inside-chunk",
    "clean-end-early",
    "close-delimited-cut",
    "role-then-fin",
    "role-then-end",
    "half-line",
    "no-blank-line",
    // Errors in words.
    "429-none",
    "429-seconds",
    "429-milliseconds",
    "429-huge",
    "500",
    "502",
    "503",
    "504",
    "529",
    "html-200",
    "html-503",
    "200-rate-limit",
    "200-server-error",
    "first-event-rate-limit",
    "first-event-overloaded",
    "first-event-server-error",
    "error-after-preamble",
    "error-event",
    "error-event-then-marker",
    // Answers that are none.
    "empty-body",
    "204",
    "bad-json",
    "bad-json-body",
    "json-for-a-stream",
    "stream-for-json",
    "302",
    // Odd, and right all the same.
    "unknown-event",
    "unknown-fields",
    "unknown-sse-fields",
    "line-ends-crlf",
    "bom",
    "marker-then-silence",
    "marker-then-fin",
    "data-after-marker",
    "close-delimited-whole",
    "close-after-answer",
    "interim-103",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_fault_that_fits_somewhere() {
        let menu = Menu::new(1.0, 1);
        for name in NAMES {
            let fault = by_name(name).unwrap_or_else(|| panic!("{name} is no fault"));
            let lists = [&menu.plain, &menu.before, &menu.after];
            let listed = lists
                .iter()
                .any(|list| list.iter().any(|it| it.name == *name));
            assert!(listed, "{fault} fits nowhere");
        }
    }

    #[test]
    fn the_share_is_kept_and_the_choice_repeats() {
        let menu = Menu::new(0.3, 7);
        let name = |call: u32| {
            let chosen = menu.choose(&format!("{call}-0"), 1, true);
            chosen.map(|(fault, at)| (fault.name, at))
        };
        let faults = (0..10_000).filter(|call| name(*call).is_some()).count();
        assert!((2_800..3_200).contains(&faults), "{faults}");
        assert!((0..100).all(|call| name(call) == name(call)));
    }
}
