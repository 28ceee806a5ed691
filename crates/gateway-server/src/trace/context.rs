//! The trace context of requests: W3C's Recommendation "Trace Context", level 1.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Who asks, as a place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The trace; never 0.
    pub trace_id: u128,
    /// The span in it; never 0.
    pub span_id: u64,
    /// Whether whoever asks records it.
    pub sampled: bool,
}

impl Context {
    /// What `traceparent` says. One that is not as it must be counts as none (section 4.3 of the Recommendation).
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        // Two of them contradict each other.
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.as_bytes())
    }

    /// `00-{trace id}-{span id}-{flags}`. A later version may have more behind it.
    fn parse(text: &[u8]) -> Option<Self> {
        let part = |from: usize, length: usize| {
            let ends = text.get(from + length).is_none_or(|it| *it == b'-');
            hex(text.get(from..from + length)?).filter(|_| ends)
        };
        let version = part(0, 2)?;
        if version == 0xff || (version == 0 && text.len() != LENGTH) {
            return None;
        }
        let trace_id = part(3, 32).filter(|id| *id != 0)?;
        let span_id = u64::try_from(part(36, 16)?).ok().filter(|id| *id != 0)?;
        let sampled = part(53, 2)? & SAMPLED != 0;
        Some(Self {
            trace_id,
            span_id,
            sampled,
        })
    }

    /// As a `traceparent`.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut text = *b"00-................................-................-00";
        write_hex(text.get_mut(3..35)?, self.trace_id);
        write_hex(text.get_mut(36..52)?, self.span_id.into());
        write_hex(text.get_mut(53..55)?, self.sampled.into());
        HeaderValue::from_bytes(&text).ok()
    }
}

/// As many digits as there is room for, the lowest last. By hand: it is done for every attempt that is traced.
pub(crate) fn write_hex(room: &mut [u8], mut number: u128) {
    for digit in room.iter_mut().rev() {
        let value = u8::try_from(number & 0xf).unwrap_or_default();
        *digit = if value < 10 {
            b'0' + value
        } else {
            b'a' - 10 + value
        };
        number >>= 4;
    }
}

/// What `tracestate` says, in one line; `None` if there is none, or one that cannot be read, which must not be passed on
/// (section 3.3).
pub(crate) fn state(headers: &HeaderMap) -> Option<Box<str>> {
    let mut state = String::new();
    let mut members = 0;
    for value in headers.get_all(TRACESTATE) {
        let members_of = value.to_str().ok()?.split(',');
        for member in members_of.map(|it| it.trim_matches([' ', '\t'])) {
            if member.is_empty() {
                continue;
            }
            members += 1;
            if members > MOST_MEMBERS || !is_member(member) {
                return None;
            }
            if !state.is_empty() {
                state.push(',');
            }
            state.push_str(member);
        }
    }
    (!state.is_empty()).then(|| state.into())
}

/// `key=value`.
fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let letter = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"_-*/@".contains(&it);
    let key_fits = (1..=256).contains(&key.len())
        && key.bytes().all(letter)
        && key.starts_with(|it: char| it.is_ascii_lowercase() || it.is_ascii_digit());
    let value_fits = (1..=256).contains(&value.len())
        && value
            .bytes()
            .all(|it| (b' '..=b'~').contains(&it) && it != b'=');
    key_fits && value_fits
}

/// Digits in lower case, as the Recommendation wants them.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// Where a request stands in a trace.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing systems add to it.
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Of version 00.
const LENGTH: usize = 55;
/// The flag for "recorded".
const SAMPLED: u128 = 1;
/// Of a `tracestate`.
const MOST_MEMBERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(text: &str) -> Option<Context> {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, text.parse().unwrap());
        Context::read(&headers)
    }

    fn state_of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACESTATE, value.parse().unwrap());
        }
        state(&headers).map(String::from)
    }

    #[test]
    fn a_traceparent_comes_back_as_it_was() {
        for flags in ["00", "01"] {
            let text = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = read(&text).unwrap();
            assert_eq!(context.sampled, flags == "01");
            assert_eq!(context.header().unwrap(), text.as_str());
        }
    }

    #[test]
    fn flags_that_nobody_knows_are_not_passed_on() {
        let context = read(&format!("00-{TRACE}-{SPAN}-ff")).unwrap();
        assert!(context.header().unwrap().to_str().unwrap().ends_with("-01"));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        for text in [
            format!("01-{TRACE}-{SPAN}-01"),
            format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
        ] {
            assert!(read(&text).unwrap().sampled, "{text}");
        }
        for text in [
            format!("cc-{TRACE}-{SPAN}-01.what"),
            format!("cc-{TRACE}-{SPAN}-0"),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_traceparent_counts_as_none() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-extra"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!(".0-{TRACE}-{SPAN}-01"),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            let text = format!("00-{TRACE}-{SPAN}-01");
            headers.append(TRACEPARENT, text.parse().unwrap());
        }
        assert_eq!(Context::read(&headers), None);
    }

    #[test]
    fn a_tracestate_is_one_line_and_whole_or_nothing() {
        for (values, expected) in [
            (&["a=1"][..], Some("a=1")),
            (&["foo=1 , bar=2 ", "rojo=3"], Some("foo=1,bar=2,rojo=3")),
            (&["a=1,,b=2", ""], Some("a=1,b=2")),
            (
                &["fw529a3039@dt=FfIi", "0x=1"],
                Some("fw529a3039@dt=FfIi,0x=1"),
            ),
            (&[""], None),
            (&[], None),
            (&["A=1"], None),
            (&["a"], None),
            (&["a="], None),
            (&["a=1=2"], None),
            (&["=1"], None),
            (&["a=1,b 2=3"], None),
        ] {
            assert_eq!(state_of(values).as_deref(), expected, "{values:?}");
        }
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        assert_eq!(state_of(&[&many.join(",")]), None);
        assert!(state_of(&[&many[..32].join(",")]).is_some());
        assert_eq!(state_of(&[&format!("a={}", "x".repeat(257))]), None);
    }
}
