//! JSON written straight into bytes: no tree is built.

use serde::Serialize;

/// Appends an object with these members.
pub(crate) fn write_object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Members<'_>)) {
    out.push(b'{');
    let mut members = Members(Items::new(out));
    fill(&mut members);
    out.push(b'}');
}

/// Appends an array of these elements.
pub(crate) fn write_array(out: &mut Vec<u8>, fill: impl FnOnce(&mut Elements<'_>)) {
    out.push(b'[');
    let mut elements = Elements(Items::new(out));
    fill(&mut elements);
    out.push(b']');
}

/// Appends a value.
pub(crate) fn write_value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("bytes take what is written, and no key is no string");
}

/// The members of an object that is being written.
pub(crate) struct Members<'o>(Items<'o>);

/// The elements of an array that is being written.
pub(crate) struct Elements<'o>(Items<'o>);

struct Items<'o> {
    out: &'o mut Vec<u8>,
    some: bool,
}

impl<'o> Items<'o> {
    const fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, some: false }
    }

    fn next(&mut self) -> &mut Vec<u8> {
        if self.some {
            self.out.push(b',');
        }
        self.some = true;
        self.out
    }
}

impl Members<'_> {
    /// Begins a member; what is appended is its value. The key needs no escapes.
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        let out = self.0.next();
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        out
    }

    /// The same with a key that may need escapes.
    pub(crate) fn any_key(&mut self, key: &str) -> &mut Vec<u8> {
        let out = self.0.next();
        write_value(out, key);
        out.push(b':');
        out
    }

    /// A string, a number, a value as it was written.
    pub(crate) fn value(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        write_value(self.key(key), value);
    }

    /// A value that is JSON text already.
    pub(crate) fn raw(&mut self, key: &'static str, json: &[u8]) {
        self.key(key).extend_from_slice(json);
    }

    /// A value if there is one.
    pub(crate) fn some(&mut self, key: &'static str, value: Option<&(impl Serialize + ?Sized)>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Members<'_>)) {
        write_object(self.key(key), fill);
    }

    /// An array.
    pub(crate) fn array(&mut self, key: &'static str, fill: impl FnOnce(&mut Elements<'_>)) {
        write_array(self.key(key), fill);
    }
}

impl Elements<'_> {
    /// A string, a number, a value as it was written.
    pub(crate) fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        write_value(self.0.next(), value);
    }

    /// A value that is JSON text already.
    pub(crate) fn raw(&mut self, json: &[u8]) {
        self.0.next().extend_from_slice(json);
    }

    /// An object.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Members<'_>)) {
        write_object(self.0.next(), fill);
    }
}
