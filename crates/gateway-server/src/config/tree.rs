//! What the user said, with the position of every key and value.
//!
//! This is the type that `serde-saphyr` reads. It accepts every YAML document, so that checks can
//! look at all of it and report all problems at once.

use super::problem::{Mark, Place};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use std::borrow::Cow;
use std::fmt;

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) tree: Tree,
    pub(super) at: Mark,
    pub(super) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The text of the file.
    File,
    /// The environment variable of this name, which the file refers to.
    Variable(String),
    /// No file at all: a variable or a flag of its own.
    Outside,
}

/// A value.
#[derive(Clone)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) at: Mark,
}

impl Node {
    pub(super) fn new(tree: Tree) -> Self {
        Self {
            tree,
            at: Mark::default(),
            origin: Origin::File,
        }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::new(Tree::Text(text.into()))
    }

    pub(super) fn place(&self) -> Place {
        Place::File(self.at)
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.tree, Tree::Null)
    }

    /// The value of `key` in a mapping, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key)
            .map(|(_, node)| node)
            .filter(|node| !node.is_null())
    }

    pub(super) fn entry(&self, key: &str) -> Option<&(Key, Self)> {
        self.entries()
            .iter()
            .find(|(candidate, _)| candidate.name == key)
    }

    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.tree {
            Tree::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.tree {
            Tree::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, or the digits of a whole number.
    pub(super) fn as_name(&self) -> Option<Cow<'_, str>> {
        match &self.tree {
            Tree::Text(text) => Some(Cow::from(text)),
            Tree::Integer(number) => Some(Cow::from(number.to_string())),
            _ => None,
        }
    }

    /// A boolean, also one that an environment variable or quotes made a text.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.tree {
            Tree::Bool(value) => Some(*value),
            Tree::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A number, also one that an environment variable or quotes made a text. May be non-finite.
    pub(super) fn as_number(&self) -> Option<f64> {
        match &self.tree {
            // Configuration numbers are far below 2^53; a larger one is out of range anyway.
            Tree::Integer(value) => Some(*value as f64),
            Tree::Float(value) => Some(*value),
            Tree::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(super) fn as_whole(&self) -> Option<i128> {
        match &self.tree {
            Tree::Integer(value) => Some(*value),
            Tree::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The value as plain JSON. Non-finite numbers, which checks refuse, become null.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Integer(value) => integer(*value),
            Tree::Float(value) => Value::from(*value),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Tree::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.name.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }

    /// What the value is, for messages: "a number", "text", ...
    pub(super) fn kind_name(&self) -> &'static str {
        match self.tree {
            Tree::Null => "nothing",
            Tree::Bool(_) => "true or false",
            Tree::Integer(_) | Tree::Float(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a mapping",
        }
    }

    /// Says which file all positions belong to, and reads `y` and `n` as texts, as Python does.
    pub(super) fn stamp(&mut self, file: u16, text: &str) {
        self.at.file = file;
        match &mut self.tree {
            Tree::Bool(_) if self.at.length == 1 => {
                if let Some(letter) = text.get(self.at.range()) {
                    self.tree = Tree::Text(letter.to_owned());
                }
            }
            Tree::List(items) => items.iter_mut().for_each(|item| item.stamp(file, text)),
            Tree::Map(entries) => {
                for (key, node) in entries {
                    key.at.file = file;
                    node.stamp(file, text);
                }
            }
            _ => {}
        }
    }
}

fn integer(value: i128) -> serde_json::Value {
    if let Ok(small) = i64::try_from(value) {
        return small.into();
    }
    match u64::try_from(value) {
        Ok(large) => large.into(),
        Err(_) => (value as f64).into(),
    }
}

fn mark(location: Location) -> Mark {
    let number = |value: Option<u64>| {
        value
            .and_then(|value| u32::try_from(value).ok())
            .unwrap_or(0)
    };
    Mark {
        file: 0,
        line: number(Some(location.line())),
        column: number(Some(location.column())),
        offset: number(location.span().byte_offset()),
        length: number(location.span().byte_len()),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self {
            tree: spanned.value,
            at: mark(spanned.defined),
            origin: Origin::File,
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            name: spanned.value,
            at: mark(spanned.defined),
        })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}
