//! Which faults there are, and which one a request meets.

use std::time::Duration;

use gateway_testkit::fault::{At, Fault, Setup, by_name};

/// The faults of a run.
#[derive(Debug)]
pub(super) struct Menu {
    share: f64,
    seed: u64,
    http1: Lists,
    http2: Lists,
}

/// The faults that fit the moments of an answer.
#[derive(Debug)]
struct Lists {
    plain: Vec<&'static Fault>,
    before: Vec<&'static Fault>,
    after: Vec<&'static Fault>,
}

impl Menu {
    /// Faults for this share of all requests.
    pub(super) fn new(share: f64, seed: u64) -> Self {
        Self {
            share,
            seed,
            http1: Lists::of(&[ANYWHERE, CONNECTIONS], false),
            http2: Lists::of(&[ANYWHERE, EXCHANGES], true),
        }
    }

    /// What this request meets; the same for the same seed, whenever it comes.
    pub(super) fn choose(
        &self,
        call: &str,
        number: u32,
        stream: bool,
        http2: bool,
    ) -> Option<(&'static Fault, At)> {
        let mut random = fastrand::Rng::with_seed(mixed(self.seed, call, number));
        if random.f64() >= self.share {
            return None;
        }
        let lists = if http2 { &self.http2 } else { &self.http1 };
        let (faults, at) = match (stream, random.bool()) {
            (false, _) => (&lists.plain, At::Plain),
            (true, false) => (&lists.before, At::BeforeFirstEvent),
            (true, true) => (&lists.after, At::AfterFirstEvent),
        };
        Some((faults.get(random.usize(..faults.len()))?, at))
    }
}

impl Lists {
    fn of(names: &[&[&str]], http2: bool) -> Self {
        let fitting = |at| {
            let all = names.iter().copied().flatten();
            all.filter_map(|name| by_name(name))
                .filter(|fault| fault.fits(&setup(at, http2)))
                .collect()
        };
        Self {
            plain: fitting(At::Plain),
            before: fitting(At::BeforeFirstEvent),
            after: fitting(At::AfterFirstEvent),
        }
    }
}

/// What a fault is made in.
pub(super) fn setup(at: At, http2: bool) -> Setup<'static> {
    Setup {
        pause: Duration::from_millis(20),
        http2,
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

/// Faults over any connection, which they leave whole. All cost little, so that many calls per second can meet them; the
/// rest of the matrix has tests of its own.
const ANYWHERE: &[&str] = &[
    // Silence.
    "silent",
    "head-then-silence",
    "stall",
    "stall-inside-event",
    // Ends that are none.
    "clean-end-early",
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
    "data-after-marker",
    "interim-103",
];

/// Faults that end the connection: over HTTP/2 they would harm exchanges that met no fault.
const CONNECTIONS: &[&str] = &[
    "rst-before-head",
    "rst",
    "fin",
    "fin-length",
    "fin-inside-chunk",
    "role-then-fin",
    "close-delimited-cut",
    "close-delimited-whole",
    "marker-then-fin",
    "close-after-answer",
];

/// Faults of one exchange over HTTP/2.
const EXCHANGES: &[&str] = &[
    "rst-refused",
    "rst-cancel",
    "rst-internal",
    "rst-no-error-early",
    "rst-no-error-after-end",
    "unknown-frame",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_fault_that_fits_somewhere() {
        let menu = Menu::new(1.0, 1);
        let listed = |name: &str, lists: &Lists| {
            let mut all = [&lists.plain, &lists.before, &lists.after].into_iter();
            all.any(|list| list.iter().any(|fault| fault.name == name))
        };
        for name in [ANYWHERE, CONNECTIONS].concat() {
            assert!(listed(name, &menu.http1), "{name} over HTTP/1.1");
        }
        for name in [ANYWHERE, EXCHANGES].concat() {
            assert!(listed(name, &menu.http2), "{name} over HTTP/2");
        }
    }

    #[test]
    fn the_share_is_kept_and_the_choice_repeats() {
        let menu = Menu::new(0.3, 7);
        let name = |call: u32| {
            let chosen = menu.choose(&format!("{call}-0"), 1, true, call.is_multiple_of(2));
            chosen.map(|(fault, at)| (fault.name, at))
        };
        let faults = (0..10_000).filter(|call| name(*call).is_some()).count();
        assert!((2_800..3_200).contains(&faults), "{faults}");
        assert!((0..100).all(|call| name(call) == name(call)));
    }
}
