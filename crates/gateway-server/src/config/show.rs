//! The effective configuration, with the source of each value and without secrets.

mod masked; // What is shown of a value.

use super::environment::Environment;
use super::keys::{CREDENTIAL, PARAMS, Row, Section, Status, TOP};
use super::kind::Kind;
use super::layers::{Layers, Rank};
use super::problem::{Place, Report};
use super::schema;
use super::tree::{Node, Origin, Tree};
use super::{Sources, read, references};
use serde_json::Value;
use std::path::PathBuf;

/// A configuration for people and machines to look at.
#[derive(Debug)]
pub struct Shown {
    /// The mapping at the top.
    pub root: Item,
    /// The texts that places point into, and what is wrong with them.
    pub report: Report,
    /// Whether the gateway would start with it.
    pub starts: bool,
}

/// A part of it.
#[derive(Debug)]
pub enum Item {
    /// A mapping, in the order of the file.
    Map(Vec<(String, Self)>),
    /// A list.
    List(Vec<Self>),
    /// A single value, masked where it is secret.
    Leaf(Value, Source),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, a variable of its own, or a flag.
    Said(Place),
    /// A variable to which a file refers.
    Reference(String, Place),
    /// Nobody said it.
    Default,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What was said, as it was said.
    Said,
    /// References and credentials filled in, and the defaults of what was not said.
    Resolved,
}

/// Reads a configuration with all its layers. Connects to nothing and changes nothing.
pub fn show(sources: &Sources, process: &Environment, detail: Detail) -> Shown {
    let loaded = super::load(sources, process);
    let starts = loaded.settings.is_some();
    let mut quiet = Report::default();
    let named = process.non_empty("CONFIG_FILE_PATH").map(PathBuf::from);
    let file = sources.file.clone().or(named);
    let read = file.and_then(|path| read::document(&path, &mut quiet));
    let mut root = read.unwrap_or_else(|| Node::new(Tree::Map(Vec::new())));
    let environment = references::environment(&root, process, &mut quiet);
    if detail == Detail::Resolved {
        references::resolve(&mut root, &environment, &mut quiet);
        fill_in(&mut root);
    }
    let layers = Layers::new(&environment, &sources.overrides.given, &mut quiet);
    let mut shown = masked::section(&root, &TOP);
    for (rank, path, place, value) in layers.outside() {
        put(&mut shown, path, value, place, rank);
    }
    if detail == Detail::Resolved {
        defaults(&mut shown);
    }
    Shown {
        root: shown,
        report: loaded.report,
        starts,
    }
}

/// What deployments get from their credential and from the router's defaults.
fn fill_in(root: &mut Node) {
    let credentials: Vec<Node> = root
        .get("credential_list")
        .map_or(&[][..], Node::items)
        .to_vec();
    let shared = root
        .get("router_settings")
        .and_then(|router| router.get("default_litellm_params"))
        .cloned();
    let Some(list) = child(root, "model_list") else {
        return;
    };
    let Tree::List(entries) = &mut list.tree else {
        return;
    };
    for params in entries
        .iter_mut()
        .filter_map(|entry| child(entry, "litellm_params"))
    {
        let name = params.get("litellm_credential_name").cloned();
        let credential = credentials.iter().find(|credential| {
            let named = credential.get("credential_name").and_then(Node::as_text);
            named.is_some() && named == name.as_ref().and_then(Node::as_text)
        });
        let values = credential.and_then(|credential| credential.get("credential_values"));
        for more in values.into_iter().chain(&shared) {
            complete(params, more);
        }
    }
}

fn child<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Tree::Map(entries) = &mut node.tree else {
        return None;
    };
    let (_, found) = entries.iter_mut().find(|(name, _)| name.name == key)?;
    Some(found)
}

fn complete(params: &mut Node, more: &Node) {
    let missing: Vec<_> = more
        .entries()
        .iter()
        .filter(|(key, _)| params.get(&key.name).is_none())
        .cloned()
        .collect();
    if let Tree::Map(entries) = &mut params.tree {
        entries.retain(|(key, _)| !missing.iter().any(|(more, _)| more.name == key.name));
        entries.extend(missing);
    }
}

impl Item {
    fn get(&self, path: &str) -> Option<&Self> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let Self::Map(entries) = self else {
            return None;
        };
        let (_, item) = entries.iter().find(|(key, _)| key == first)?;
        if rest.is_empty() {
            Some(item)
        } else {
            item.get(rest)
        }
    }

    /// The place of `path`, made if it is not there.
    fn slot(&mut self, path: &str) -> &mut Self {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(entries) = self else {
            return self;
        };
        let at = entries.iter().position(|(key, _)| key == first);
        let at = at.unwrap_or_else(|| {
            entries.push((first.to_owned(), Self::Map(Vec::new())));
            entries.len() - 1
        });
        let (_, item) = &mut entries[at];
        if rest.is_empty() {
            item
        } else {
            item.slot(rest)
        }
    }
}

/// A value from outside of the files.
fn put(shown: &mut Item, path: &str, value: Value, place: &Place, rank: Rank) {
    if matches!(rank, Rank::BelowFiles) && shown.get(path).is_some() {
        return;
    }
    let leaf = masked::outside(path, value);
    *shown.slot(path) = Item::Leaf(leaf, Source::Said(place.clone()));
}

/// The defaults of the sections that are not lists of the user's things.
fn defaults(shown: &mut Item) {
    for row in TOP.keys {
        if let Kind::Section(section) = row.kind {
            defaults_of(section, row.name, shown);
        }
    }
}

fn defaults_of(section: &'static Section, path: &str, shown: &mut Item) {
    for row in section.keys {
        let path = format!("{path}.{}", row.name);
        match row.kind {
            // What a deployment does not say has no default of its own.
            Kind::Section(inner) if !std::ptr::eq(inner, &PARAMS) => {
                defaults_of(inner, &path, shown);
            }
            _ => default_of(row, &path, shown),
        }
    }
}

fn default_of(row: &'static Row, path: &str, shown: &mut Item) {
    let (about, default, _) = schema::parts(row.about);
    let Some(default) = default else { return };
    let said = |item: &&Item| !matches!(item, Item::Leaf(Value::Null, _));
    if shown.get(path).filter(said).is_some() || !matches!(row.status, Status::Honored(_)) {
        return;
    }
    // "Not given: `section.key`": that one decides, if somebody said it.
    let deputy = about.split_once("Not given: `").and_then(|(_, rest)| {
        let (deputy, _) = rest.split_once('`')?;
        shown.get(deputy)
    });
    if !matches!(
        deputy,
        Some(Item::Leaf(_, Source::Said(_) | Source::Reference(..)))
    ) {
        *shown.slot(path) = Item::Leaf(default, Source::Default);
    }
}

/// Where a node comes from.
fn source(node: &Node) -> Source {
    match &node.origin {
        Origin::Variable(name) => Source::Reference(name.clone(), node.place()),
        Origin::File | Origin::Outside => Source::Said(node.place()),
    }
}

/// Whether unknown keys of a section are things that people and providers know.
fn is_open(section: &Section) -> bool {
    std::ptr::eq(section, &PARAMS) || std::ptr::eq(section, &CREDENTIAL)
}

#[cfg(test)]
mod tests;
