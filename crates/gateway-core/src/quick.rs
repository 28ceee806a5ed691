//! A look at an event's JSON that is ten times cheaper than reading it, for the events that streams consist of.
//!
//! A key's text with its quotes cannot occur inside a JSON string, where quotes are escaped; so finding it finds the
//! key, at some depth. What is not found this way is not decided here: the caller reads the event then.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// A key to look for, for example `"content"`.
pub(crate) struct Key(LazyLock<Finder<'static>>);

impl Key {
    pub(crate) const fn new(find: fn() -> Finder<'static>) -> Self {
        Self(LazyLock::new(find))
    }

    /// Whether the key occurs with a string that is not empty.
    pub(crate) fn has_text(&self, json: &str) -> bool {
        self.values(json)
            .any(|value| matches!(value, [b'"', next, ..] if *next != b'"'))
    }

    /// Whether the key occurs with anything but `null`.
    pub(crate) fn is_set(&self, json: &str) -> bool {
        self.values(json).any(|value| !value.starts_with(b"null"))
    }

    /// Whether the key occurs once, with this digit alone.
    pub(crate) fn is_only(&self, json: &str, digit: u8) -> bool {
        let mut values = self.values(json);
        let first = values.next();
        let is_it = matches!(first, Some([first, b',' | b'}', ..]) if *first == digit);
        is_it && values.next().is_none()
    }

    /// What stands behind each occurrence of the key and its colon. Other white space than one space is left alone:
    /// such a value is neither text nor null, which sends the caller to read the event.
    fn values<'a>(&'a self, json: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let bytes = json.as_bytes();
        let length = self.0.needle().len();
        self.0.find_iter(bytes).map(move |at| {
            let rest = bytes.get(at + length..).unwrap_or_default();
            let rest = rest.strip_prefix(b":").unwrap_or(rest);
            rest.strip_prefix(b" ").unwrap_or(rest)
        })
    }
}

/// A [`Key`] with this name.
macro_rules! key {
    ($name:literal) => {
        $crate::quick::Key::new(|| {
            memchr::memmem::Finder::new(concat!("\"", $name, "\"").as_bytes())
        })
    };
}
pub(crate) use key;

/// Whether the text begins and ends as an object does.
pub(crate) fn is_object_like(json: &str) -> bool {
    json.starts_with('{') && json.ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::Key;

    static CONTENT: Key = key!("content");

    #[test]
    fn a_digit_stands_alone() {
        static INDEX: Key = key!("index");
        for (json, only) in [
            (r#"{"index":0}"#, true),
            (r#"{"index":0,"a":1}"#, true),
            (r#"{"index":1}"#, false),
            (r#"{"index":01}"#, false),
            (r#"{"index":0.5}"#, false),
            (r#"[{"index":0},{"index":0}]"#, false),
            (r#"{"a":1}"#, false),
        ] {
            assert_eq!(INDEX.is_only(json, b'0'), only, "{json}");
        }
    }

    #[test]
    fn a_key_is_found_and_its_look_alike_in_a_text_is_not() {
        for (json, text, set) in [
            (r#"{"content":"a"}"#, true, true),
            (r#"{"content": "a"}"#, true, true),
            (r#"{"content":""}"#, false, true),
            (r#"{"content":null}"#, false, false),
            (r#"{"content": null}"#, false, false),
            (r#"{"a":1}"#, false, false),
            (r#"{"a":"\"content\":\"x\""}"#, false, false),
            (r#"{"content":null,"b":{"content":"x"}}"#, true, true),
            (r#"{"content"  :  "a"}"#, false, true),
        ] {
            assert_eq!(CONTENT.has_text(json), text, "{json}");
            assert_eq!(CONTENT.is_set(json), set, "{json}");
        }
    }
}
