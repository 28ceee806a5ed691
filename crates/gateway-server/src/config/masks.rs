//! Which stretches of a file are secrets, so that no snippet ever shows them.
//!
//! The rule errs on the side of hiding: by the name of the key, or by the look of the value.

use super::tree::{Node, Tree};
use std::ops::Range;

/// The byte ranges of all secrets of a parsed file.
pub(super) fn secrets(root: &Node) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (key, node) in root.entries() {
        let sensitive = key.name == "environment_variables" || is_sensitive(&key.name);
        collect(node, sensitive, &mut found);
    }
    found
}

/// The byte ranges of all texts below a node whose meaning is unknown.
pub(super) fn texts(node: &Node) -> Vec<Range<usize>> {
    match &node.tree {
        Tree::Text(_) => vec![node.at.range()],
        Tree::List(items) => items.iter().flat_map(texts).collect(),
        Tree::Map(entries) => entries.iter().flat_map(|(_, node)| texts(node)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a value of this key is to be hidden.
pub(super) fn is_sensitive(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let named = SENSITIVE.iter().any(|part| key.contains(part));
    let counted = key.contains("tokens")
        || key.contains("per_token")
        || key.ends_with("_limit")
        || key.ends_with("_name");
    named && !counted
}

/// Whether a parameter of this name is a credential, which must not go into a request's body.
pub(super) fn is_credential(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("api_key")
        || key.ends_with("_token")
        || CREDENTIALS.iter().any(|part| key.contains(part))
}

/// Whether a text looks like a credential, whatever its key is.
pub(super) fn looks_secret(text: &str) -> bool {
    if is_reference(text) {
        return false;
    }
    let known = PREFIXES.iter().any(|prefix| text.contains(prefix));
    let long_word = |word: &str| {
        let (digits, letters) = (
            word.bytes().any(|b| b.is_ascii_digit()),
            word.bytes().any(|b| b.is_ascii_alphabetic()),
        );
        word.len() >= 24 && digits && letters && !word.contains(['/', '.', '-', '_'])
    };
    known || text.split_whitespace().any(long_word)
}

fn collect(node: &Node, sensitive: bool, found: &mut Vec<Range<usize>>) {
    match &node.tree {
        Tree::Map(entries) => {
            for (key, node) in entries {
                collect(node, sensitive || is_sensitive(&key.name), found);
            }
        }
        Tree::List(items) => items
            .iter()
            .for_each(|item| collect(item, sensitive, found)),
        Tree::Null => {}
        Tree::Text(text) => {
            if (sensitive && !is_reference(text)) || looks_secret(text) {
                found.push(node.at.range());
            }
        }
        Tree::Bool(_) | Tree::Integer(_) | Tree::Float(_) => {
            if sensitive {
                found.push(node.at.range());
            }
        }
    }
}

/// A reference to a secret is none.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("os.environ/") || text.starts_with("file:")
}

const SENSITIVE: &[&str] = &[
    "key",
    "secret",
    "token",
    "password",
    "credential",
    "auth",
    "header",
    "_url",
    "api_base",
    "base_url",
    "_endpoint",
    "cookie",
];

const CREDENTIALS: &[&str] = &[
    "secret",
    "password",
    "passwd",
    "access_key",
    "private_key",
    "credential",
];

const PREFIXES: &[&str] = &[
    "sk-",
    "sk_",
    "Bearer ",
    "-----BEGIN",
    "AKIA",
    "AIza",
    "xox",
    "ghp_",
    "eyJ",
];
