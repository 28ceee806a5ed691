//! A changed copy of a body, made by splicing.

use std::borrow::Cow;

use bytes::Bytes;

use super::Envelope;
use crate::json::json_string;

/// Changes to the top-level members of a body. Nothing happens before [`Edit::finish`]; the last change to a key wins.
#[must_use = "nothing happens before `finish`"]
pub struct Edit<'e> {
    envelope: &'e Envelope,
    changes: Vec<Change<'e>>,
}

struct Change<'e> {
    key: Cow<'e, str>,
    /// The new value as JSON text; `None` takes the member out.
    value: Option<Vec<u8>>,
}

impl<'e> Edit<'e> {
    pub(super) const fn new(envelope: &'e Envelope) -> Self {
        Self {
            envelope,
            changes: Vec::new(),
        }
    }

    /// Puts a value in place of what is there, or appends the member. `raw_json` must be one JSON value; it is not
    /// checked in release builds.
    pub fn set(&mut self, key: &str, raw_json: impl Into<Vec<u8>>) -> &mut Self {
        let value = raw_json.into();
        debug_assert!(
            serde_json::from_slice::<serde::de::IgnoredAny>(&value).is_ok(),
            "the value for `{key}` is not JSON"
        );
        self.change(key.to_owned().into(), Some(value))
    }

    /// As [`Edit::set`], with a text that becomes a JSON string.
    pub fn set_string(&mut self, key: &str, text: &str) -> &mut Self {
        self.set(key, json_string(text))
    }

    /// As [`Edit::set`], unless the member is there already or was set before.
    pub fn set_if_absent(&mut self, key: &str, raw_json: impl Into<Vec<u8>>) -> &mut Self {
        if self.has(key) {
            self
        } else {
            self.set(key, raw_json)
        }
    }

    /// Takes a member out, if it is there.
    pub fn remove(&mut self, key: &str) -> &mut Self {
        self.change(key.to_owned().into(), None)
    }

    /// Takes out everything that is the gateway's own ([`Envelope::gateway_fields`]).
    pub fn remove_gateway_fields(&mut self) -> &mut Self {
        let envelope = self.envelope;
        for key in envelope.gateway_fields() {
            self.change(Cow::Borrowed(key), None);
        }
        self
    }

    /// The changed body. The same `Bytes` as the envelope's if nothing changes.
    pub fn finish(&self) -> Bytes {
        let body = self.envelope.body();
        if self.changes_nothing() {
            return body.clone();
        }
        let added: usize = self
            .changes
            .iter()
            .map(|change| change.key.len() + 8 + change.value.as_ref().map_or(0, Vec::len))
            .sum();
        let mut out = Out {
            bytes: Vec::with_capacity(body.len() + added),
            members: 0,
        };
        let end = self.splice_members(&mut out);
        for change in self
            .changes
            .iter()
            .filter(|change| self.envelope.member(&change.key).is_none())
        {
            if let Some(value) = &change.value {
                if out.members > 0 {
                    out.bytes.push(b',');
                }
                out.members += 1;
                out.bytes.extend_from_slice(&json_string(&change.key));
                out.bytes.push(b':');
                out.bytes.extend_from_slice(value);
            }
        }
        out.bytes.extend_from_slice(&body[end..]);
        Bytes::from(out.bytes)
    }

    /// Writes what stands before the members and those that stay; says where in the body the rest begins.
    fn splice_members(&self, out: &mut Out) -> usize {
        let body = self.envelope.body();
        let members = &self.envelope.members;
        let (Some(first), Some(last)) = (members.first(), members.last()) else {
            let inside = body
                .iter()
                .position(|&byte| byte == b'{')
                .map_or(0, |open| open + 1);
            out.bytes.extend_from_slice(&body[..inside]);
            return inside;
        };
        out.bytes.extend_from_slice(&body[..first.span.start]);
        let mut left_end = first.span.start;
        for member in members {
            // The comma between two neighbors, and the white space around it.
            let separator = std::mem::replace(&mut left_end, member.span.end)..member.span.start;
            let value = match self.find(member.key.as_bytes(body)) {
                Some(Change { value: None, .. }) => continue,
                Some(Change {
                    value: Some(value), ..
                }) => value.as_slice(),
                None => &body[member.value.clone()],
            };
            if out.members > 0 {
                out.bytes.extend_from_slice(&body[separator]);
            }
            out.members += 1;
            out.bytes
                .extend_from_slice(&body[member.span.start..member.value.start]);
            out.bytes.extend_from_slice(value);
        }
        last.span.end
    }

    fn change(&mut self, key: Cow<'e, str>, value: Option<Vec<u8>>) -> &mut Self {
        match self.changes.iter_mut().find(|change| change.key == key) {
            Some(change) => change.value = value,
            None => self.changes.push(Change { key, value }),
        }
        self
    }

    fn find(&self, key: &[u8]) -> Option<&Change<'e>> {
        self.changes
            .iter()
            .find(|change| change.key.as_bytes() == key)
    }

    fn has(&self, key: &str) -> bool {
        match self.find(key.as_bytes()) {
            Some(change) => change.value.is_some(),
            None => self.envelope.field(key).is_some(),
        }
    }

    fn changes_nothing(&self) -> bool {
        self.changes
            .iter()
            .all(|change| self.envelope.field(&change.key) == change.value.as_deref())
    }
}

impl std::fmt::Debug for Edit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(
                self.changes
                    .iter()
                    .map(|change| (&change.key, change.value.is_some())),
            )
            .finish()
    }
}

struct Out {
    bytes: Vec<u8>,
    members: usize,
}
