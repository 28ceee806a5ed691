//! Whether two configurations say the same.

use super::tree::{Node, Tree};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A hash over what a configuration says: values, secrets and the contents of files included, but neither comments nor
/// layout.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(root: &Node, contents: &[[u8; 32]]) -> Self {
        let mut hash = Sha256::new();
        add(&mut hash, root);
        for content in contents {
            hash.update(content);
        }
        Self(hash.finalize().into())
    }

    /// The first eight digits: enough to tell configurations apart, too little to try secrets on.
    pub fn short(&self) -> String {
        self.0.iter().take(4).fold(String::new(), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
            text
        })
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// Every value with its kind and its length, so that no two trees look alike.
fn add(hash: &mut Sha256, node: &Node) {
    let mut put = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    match &node.tree {
        Tree::Null => put(0, &[]),
        Tree::Bool(value) => put(1, &[u8::from(*value)]),
        Tree::Integer(value) => put(2, &value.to_le_bytes()),
        Tree::Float(value) => put(3, &value.to_bits().to_le_bytes()),
        Tree::Text(text) => put(4, text.as_bytes()),
        Tree::List(items) => {
            put(5, &(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| add(hash, item));
        }
        Tree::Map(entries) => {
            put(6, &(entries.len() as u64).to_le_bytes());
            for (key, value) in entries {
                add(hash, &Node::text(key.name.as_str()));
                add(hash, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Report;
    use crate::config::read;
    use std::path::Path;

    fn digest(text: &str) -> Digest {
        let mut report = Report::default();
        let root = read::parse(Path::new("a.yaml"), text.to_owned(), &mut report).unwrap();
        Digest::of(&root, &[])
    }

    #[test]
    fn comments_and_layout_say_nothing() {
        let plain = digest("a: {b: [1, two]}\nc: null");
        assert_eq!(
            plain,
            digest("# why\na:\n  b:\n  - 1\n  - \"two\"\nc: ~ # none")
        );
        assert_eq!(plain.short().len(), 8);
    }

    #[test]
    fn every_value_says_something() {
        let all = [
            "a: 1",
            "a: '1'",
            "a: 1.0",
            "a: true",
            "a: ~",
            "a: []",
            "a: {}",
            "a: ['1']",
            "b: 1",
            "a: [[], []]",
            "a: [[[]]]",
            "a: ab",
            "a: [a, b]",
        ];
        let digests: Vec<_> = all.iter().map(|text| digest(text).0).collect();
        for (at, one) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(one), "{}", all[at]);
        }
    }
}
