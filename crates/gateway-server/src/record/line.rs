//! One JSON object per call, written straight into the log's memory: it is paid for by every call.

use std::time::Duration;

/// Writes the members of one JSON object.
#[derive(Debug)]
pub(super) struct JsonLine<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next member's name.
    before: &'static [u8],
}

impl<'a> JsonLine<'a> {
    /// Begins an object behind whatever `out` holds, with a member that is written as it is.
    pub(super) fn begin(
        out: &'a mut Vec<u8>,
        name: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        write(out);
        out.push(b'"');
        let before = BETWEEN;
        Self { out, before }
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push(b'"');
        // Every byte is looked at, without a way out: so many are looked at together.
        let odd = |odd, byte: &u8| odd | (*byte < b' ') | (*byte == b'"') | (*byte == b'\\');
        if !value.as_bytes().iter().fold(false, odd) {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            escape(value, self.out);
        }
        self.out.push(b'"');
    }

    pub(super) fn number(&mut self, name: &str, value: impl itoa::Integer) {
        self.name(name);
        let mut digits = itoa::Buffer::new();
        self.out.extend_from_slice(digits.format(value).as_bytes());
    }

    /// A finite number.
    pub(super) fn decimal(&mut self, name: &str, value: f64) {
        self.name(name);
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(text);
    }

    /// Milliseconds with three places.
    pub(super) fn millis(&mut self, name: &str, value: Duration) {
        let micros = value.as_micros();
        self.number(name, micros / 1000);
        let rest = u16::try_from(micros % 1000).unwrap_or_default();
        if rest > 0 {
            let mut digits = itoa::Buffer::new();
            // A leading one keeps the zeros behind the point.
            let text = digits.format(1000 + rest).as_bytes();
            self.out.push(b'.');
            self.out
                .extend_from_slice(text.get(1..).unwrap_or_default());
        }
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str, write: impl FnOnce(&mut JsonLine<'_>)) {
        self.name(name);
        self.nested(write);
    }

    /// A list of objects, one for each item.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: &[T],
        mut write: impl FnMut(&mut JsonLine<'_>, &T),
    ) {
        self.name(name);
        self.out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.nested(|line| write(line, item));
        }
        self.out.push(b']');
    }

    fn nested(&mut self, write: impl FnOnce(&mut JsonLine<'_>)) {
        self.out.push(b'{');
        let mut line = JsonLine {
            out: self.out,
            before: b"\"",
        };
        write(&mut line);
        line.end();
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(self.before);
        self.before = BETWEEN;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// What stands before the name of every member but the first.
const BETWEEN: &[u8] = b",\"";

/// Escapes what JSON wants escaped. Rare: names of models and ids have nothing of it.
fn escape(value: &str, out: &mut Vec<u8>) {
    for character in value.chars() {
        match character {
            '"' | '\\' => {
                out.push(b'\\');
                out.push(u8::try_from(character).unwrap_or(b'?'));
            }
            '\n' => out.extend_from_slice(b"\\n"),
            control if control < ' ' => {
                let text = format!("\\u{:04x}", u32::from(control));
                out.extend_from_slice(text.as_bytes());
            }
            other => {
                let mut bytes = [0; 4];
                out.extend_from_slice(other.encode_utf8(&mut bytes).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written(write: impl FnOnce(&mut JsonLine<'_>)) -> Value {
        let mut out = Vec::new();
        let mut line = JsonLine::begin(&mut out, "at", |out| out.extend_from_slice(b"now"));
        write(&mut line);
        line.end();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn members_are_what_they_were() {
        let line = written(|line| {
            line.text("plain", "gpt-4o");
            line.number("count", 18_446_744_073_709_551_615_u64);
            line.flag("yes", true);
            line.flag("no", false);
        });
        assert_eq!(
            line,
            json!({"at": "now", "plain": "gpt-4o", "count": u64::MAX, "yes": true, "no": false})
        );
    }

    #[test]
    fn objects_and_lists_nest() {
        let line = written(|line| {
            line.object("empty", |_| {});
            line.object("one", |inner| inner.number("a", 1));
            line.list("many", &[1, 2], |inner, item| {
                inner.number("n", *item);
                inner.flag("odd", item % 2 == 1);
            });
            line.list("none", &[], |_, _: &u8| {});
            line.text("last", "x");
        });
        assert_eq!(
            line,
            json!({"at": "now", "empty": {}, "one": {"a": 1},
                "many": [{"n": 1, "odd": true}, {"n": 2, "odd": false}], "none": [], "last": "x"})
        );
    }

    #[test]
    fn no_text_can_forge_a_line() {
        let hostile = "a\"b\\c\nd\re\tf\u{0}g\u{1b}[31mh\u{7f}\u{2028}ü";
        let mut out = Vec::new();
        let mut line = JsonLine::begin(&mut out, "at", |_| {});
        line.text("x", hostile);
        line.end();
        assert!(!out.contains(&b'\n') && !out.contains(&b'\r') && !out.contains(&0x1b));
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read["x"], hostile);
    }

    #[test]
    fn milliseconds_keep_their_places() {
        for (micros, text) in [
            (0, "0"),
            (7, "0.007"),
            (1_000, "1"),
            (12_345_070, "12345.070"),
        ] {
            let mut out = Vec::new();
            let mut line = JsonLine::begin(&mut out, "at", |_| {});
            line.millis("ms", Duration::from_micros(micros));
            line.end();
            let text = format!("{{\"at\":\"\",\"ms\":{text}}}");
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
