//! JSON whose members keep the order in which they were written: a model says the members of its answer in the order of
//! the schema.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::chat::Json;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    /// Its members.
    Object(Vec<(String, Self)>),
    /// Its items.
    Array(Vec<Self>),
    /// Anything else.
    Leaf(Json),
}

impl Tree {
    /// Reads a value; `None` if it is deeper than any schema.
    pub(crate) fn read(json: &Json) -> Option<Self> {
        Self::of(json.text(), DEEPEST)
    }

    fn of(text: &str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        Some(match text.as_bytes().first()? {
            b'{' => {
                let Members(members) = serde_json::from_str(text).ok()?;
                let members = members.into_iter();
                let members = members.map(|(key, raw)| Some((key, Self::of(raw.get(), depth)?)));
                Self::Object(members.collect::<Option<_>>()?)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                let items = items.into_iter().map(|raw| Self::of(raw.get(), depth));
                Self::Array(items.collect::<Option<_>>()?)
            }
            _ => Self::Leaf(Json::parse(text)?),
        })
    }

    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::Leaf(Json::from(&serde_json::Value::from(text)))
    }

    /// A truth.
    pub(super) fn truth(truth: bool) -> Self {
        Self::Leaf(Json::from(&serde_json::Value::from(truth)))
    }

    /// A member of an object.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => member(members, key),
            _ => None,
        }
    }

    /// The text that it is.
    pub(super) fn as_text(&self) -> Option<String> {
        match self {
            Self::Leaf(json) => serde_json::from_str(json.text()).ok(),
            _ => None,
        }
    }

    /// What a JSON pointer (RFC 6901) points at.
    pub(super) fn at(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        let mut keys = pointer.strip_prefix('/')?.split('/');
        keys.try_fold(self, |tree, key| {
            let key = key.replace("~1", "/").replace("~0", "~");
            match tree {
                Self::Array(items) => items.get(key.parse::<usize>().ok()?),
                tree => tree.get(&key),
            }
        })
    }

    /// The value as JSON.
    pub(crate) fn json(&self) -> Json {
        let text = serde_json::to_string(self).expect("texts and JSON always serialize");
        Json::parse(text).expect("what serde writes it reads")
    }
}

/// A member of these.
pub(super) fn member<'a>(members: &'a [(String, Tree)], key: &str) -> Option<&'a Tree> {
    let found = members.iter().find(|(it, _)| it == key);
    found.map(|(_, value)| value)
}

/// Sets a member of these, in its place or at the end.
pub(super) fn set(members: &mut Vec<(String, Tree)>, key: &str, value: Tree) {
    match members.iter_mut().find(|(it, _)| it == key) {
        Some((_, old)) => *old = value,
        None => members.push((key.to_owned(), value)),
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(key, value)| (key, value)))
            }
            Self::Array(items) => serializer.collect_seq(items),
            Self::Leaf(json) => json.serialize(serializer),
        }
    }
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

/// As deep as serde reads.
const DEEPEST: usize = 128;
