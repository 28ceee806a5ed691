//! What is shown of a value: itself, or `***`. The rule errs on the side of hiding.

use super::super::check;
use super::super::keys::{Row, Section};
use super::super::kind::Kind;
use super::super::masks::{is_reference, is_sensitive, looks_secret};
use super::super::tree::{Node, Origin, Tree};
use super::{Item, is_open, source};
use http::Uri;
use serde_json::Value;

/// A mapping whose keys are in a table.
pub(super) fn section(node: &Node, section: &'static Section) -> Item {
    // A reference to a variable that is not set is worth showing, though it counts as not given.
    let unset = |node: &Node| matches!(node.origin, Origin::Variable(_));
    let entries = node.entries().iter();
    let entries = entries.filter(|(_, node)| !node.is_null() || unset(node));
    let entries = entries.map(|(key, node)| {
        let item = match section.find(&key.name) {
            Some(row) => known(row, node),
            None => plain(node, is_sensitive(&key.name) || unknown(section, node)),
        };
        (key.name.clone(), item)
    });
    Item::Map(entries.collect())
}

/// A value from a variable or a flag, by the path of its key.
pub(super) fn outside(path: &str, value: Value) -> Value {
    let Ok(row) = check::find(path) else {
        return hidden();
    };
    match value {
        Value::String(text) => text_of(&text, secret(row), row.kind),
        other => other,
    }
}

fn known(row: &'static Row, node: &Node) -> Item {
    match (row.kind, &node.tree) {
        (Kind::Section(inner), Tree::Map(_)) => section(node, inner),
        (Kind::Sections(inner), Tree::List(items)) => {
            Item::List(items.iter().map(|item| section(item, inner)).collect())
        }
        (Kind::Named(inner), Tree::Map(entries)) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, node)| (key.name.clone(), section(node, inner)));
            Item::Map(entries.collect())
        }
        (kind, Tree::Text(text)) => Item::Leaf(text_of(text, secret(row), kind), source(node)),
        _ => plain(node, secret(row)),
    }
}

/// The table knows what is a secret; of what it lets pass as it is, the name has to tell.
fn secret(row: &Row) -> bool {
    match row.kind {
        Kind::Secret | Kind::SecretOrMap => true,
        Kind::Any | Kind::Map | Kind::List => {
            row.name == "environment_variables" || is_sensitive(row.name)
        }
        _ => false,
    }
}

/// A variable may hold anything, and so may a key of which nothing is known.
fn unknown(section: &Section, node: &Node) -> bool {
    matches!(node.origin, Origin::Variable(_)) || !is_open(section)
}

/// A value without a table.
fn plain(node: &Node, sensitive: bool) -> Item {
    match &node.tree {
        Tree::Map(entries) => {
            let inner = |key: &str| sensitive || is_sensitive(key);
            let entries = entries.iter();
            let entries =
                entries.map(|(key, node)| (key.name.clone(), plain(node, inner(&key.name))));
            Item::Map(entries.collect())
        }
        Tree::List(items) => Item::List(items.iter().map(|item| plain(item, sensitive)).collect()),
        Tree::Text(text) => Item::Leaf(text_of(text, sensitive, Kind::Any), source(node)),
        Tree::Null => Item::Leaf(Value::Null, source(node)),
        _ if sensitive => Item::Leaf(hidden(), source(node)),
        _ => Item::Leaf(node.to_json(), source(node)),
    }
}

fn text_of(text: &str, sensitive: bool, kind: Kind) -> Value {
    if is_reference(text) || text.is_empty() {
        return Value::from(text);
    }
    if sensitive || looks_secret(text) {
        return hidden();
    }
    match kind {
        Kind::Url => address(text),
        _ => Value::from(text),
    }
}

/// An address without what may be a secret in it: the user, the query.
fn address(text: &str) -> Value {
    let Ok(uri) = text.parse::<Uri>() else {
        return hidden();
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return hidden();
    };
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((_, host)) => ("***@", host),
        None => ("", authority.as_str()),
    };
    let query = uri.query().map_or("", |_| "?***");
    let path = uri.path().trim_end_matches('/');
    Value::from(format!("{scheme}://{user}{host}{path}{query}"))
}

fn hidden() -> Value {
    Value::from("***")
}
