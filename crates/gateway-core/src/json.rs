//! Small questions to JSON texts.

use serde::Deserialize;
use serde_json::value::RawValue;

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
