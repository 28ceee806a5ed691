//! Small questions to JSON texts.

mod write;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub(crate) use write::{Elements, Members, write_array, write_object, write_value};

/// A string, borrowed where it has no escapes: serde alone copies it wherever it is optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// Whether a JSON value says anything: not null, false, an empty string, array or object.
pub(crate) fn is_filled(raw: &RawValue) -> bool {
    match raw.get().as_bytes() {
        b"null" | b"false" | br#""""# => false,
        [b'[', inside @ .., b']'] | [b'{', inside @ .., b'}'] => {
            !inside.iter().all(u8::is_ascii_whitespace)
        }
        _ => true,
    }
}

/// Parses a text that must be one JSON object: serde alone would take an array as well.
pub(crate) fn object<'a, T: Deserialize<'a>>(data: &'a str) -> Option<T> {
    if !data.trim_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(data).ok()
}

/// Whether a text is the beginning of a JSON object, and nothing is wrong with it but that its end is missing.
pub(crate) fn is_cut_object(text: &str) -> bool {
    let ends_early = |text: &str| {
        let parsed: Result<IgnoredAny, _> = serde_json::from_str(text);
        parsed.is_err_and(|error| error.is_eof())
    };
    // serde takes a number that is cut here for a wrong one.
    let inside_number = || text.ends_with(['-', '+', '.', 'e', 'E']);
    text.trim_start().starts_with('{')
        && (ends_early(text) || (inside_number() && ends_early(&format!("{text}0"))))
}

/// Where in `text` a JSON string stands that was read from it; `None` for any other value.
pub(crate) fn string_in(text: &str, value: &RawValue) -> Option<Range<usize>> {
    let start = value
        .get()
        .as_ptr()
        .addr()
        .checked_sub(text.as_ptr().addr())?;
    let range = start..start + value.get().len();
    let found = text.get(range.clone())?;
    (found == value.get() && found.starts_with('"')).then_some(range)
}

/// A text as a JSON string.
pub(crate) fn json_string(text: &str) -> Vec<u8> {
    serde_json::to_vec(text).expect("a string always serializes")
}
