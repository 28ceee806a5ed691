//! Names of tools and ids of calls: shortened to what the target takes, and mapped back.

use std::borrow::Cow;

use crate::chat::{Answer, Delta, Message, Opened, PartKind, Request, ToolChoice};

/// Which names a dialect takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameRule {
    /// In bytes.
    pub(crate) longest: usize,
    /// Besides ASCII letters and digits.
    pub(crate) punctuation: &'static str,
    /// Must it begin with a letter or an underscore?
    pub(crate) first: First,
}

/// What a name may begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// Whatever it may go on with.
    Any,
    /// A letter or an underscore.
    Letter,
}

impl NameRule {
    /// No rule.
    pub(crate) const ANY: Self = Self {
        longest: usize::MAX,
        punctuation: "",
        first: First::Any,
    };

    /// ASCII letters, digits, `_` and `-`, at most so many.
    pub(crate) const fn plain(longest: usize) -> Self {
        Self {
            longest,
            punctuation: "_-",
            first: First::Any,
        }
    }

    fn takes(self, name: &str) -> bool {
        if self.longest == usize::MAX {
            return true;
        }
        let first = name.bytes().next();
        !name.is_empty()
            && name.len() <= self.longest
            && name.chars().all(|it| self.has(it))
            && (self.first == First::Any
                || first.is_some_and(|it| it.is_ascii_alphabetic() || it == b'_'))
    }

    fn has(self, character: char) -> bool {
        character.is_ascii_alphanumeric() || self.punctuation.contains(character)
    }

    /// A name that is taken, the same for the same name: as much of it as fits, and a hash of the whole.
    fn fit(self, name: &str) -> String {
        let mut fitted = String::new();
        if self.first == First::Letter
            && !name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
        {
            fitted.push('_');
        }
        let room = self.longest.saturating_sub(HASH + 1);
        for character in name.chars() {
            if fitted.len() >= room {
                break;
            }
            fitted.push(if self.has(character) { character } else { '_' });
        }
        fitted.push('_');
        fitted.push_str(&format!("{:016x}", hash(name)));
        fitted
    }
}

/// What was shortened, and what it was.
#[derive(Debug, Default)]
pub(super) struct ToolNames(Vec<(String, String)>);

impl ToolNames {
    /// Makes every name and every id in `request` one that the target takes. Ids are the same function of the client's
    /// in a call and in its result, so they need no way back.
    pub(super) fn shorten(request: &mut Request, names: NameRule, ids: NameRule) -> Self {
        let mut map = Self::default();
        for tool in &mut request.tools {
            map.name(&mut tool.name, names);
        }
        match &mut request.tool_choice {
            Some(ToolChoice::Named(name)) => map.name(name, names),
            Some(ToolChoice::Allowed { names: allowed, .. }) => {
                for name in allowed {
                    map.name(name, names);
                }
            }
            _ => {}
        }
        for message in &mut request.messages {
            map.message(message, names, ids);
        }
        map
    }

    /// The client's names in a whole answer.
    pub(super) fn restore_answer(&self, answer: &mut Answer) {
        if self.0.is_empty() {
            return;
        }
        let parts = answer.choices.iter_mut().flat_map(|it| &mut it.parts);
        for part in parts {
            if let PartKind::ToolCall { name, .. } = &mut part.kind
                && let Some(own) = self.original(name)
            {
                own.clone_into(name);
            }
        }
    }

    /// The client's name in a step of a stream.
    pub(super) fn restore<'d>(&'d self, delta: Delta<'d>) -> Delta<'d> {
        if self.0.is_empty() {
            return delta;
        }
        match delta {
            Delta::Open {
                choice,
                part,
                opened:
                    Opened::ToolCall {
                        id,
                        name,
                        custom,
                        signature,
                    },
            } => {
                let name = self.original(&name).map_or(name, Cow::Borrowed);
                Delta::Open {
                    choice,
                    part,
                    opened: Opened::ToolCall {
                        id,
                        name,
                        custom,
                        signature,
                    },
                }
            }
            other => other,
        }
    }

    fn message(&mut self, message: &mut Message, names: NameRule, ids: NameRule) {
        for part in &mut message.parts {
            match &mut part.kind {
                PartKind::ToolCall { id, name, .. } => {
                    self.name(name, names);
                    fit(id, ids);
                }
                PartKind::ToolResult { id, name, .. } => {
                    if let Some(name) = name {
                        self.name(name, names);
                    }
                    fit(id, ids);
                }
                _ => {}
            }
        }
    }

    fn name(&mut self, name: &mut String, rule: NameRule) {
        if rule.takes(name) {
            return;
        }
        let fitted = rule.fit(name);
        if self.original(&fitted).is_none() {
            self.0.push((fitted.clone(), name.clone()));
        }
        *name = fitted;
    }

    fn original(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(fitted, _)| fitted == name);
        found.map(|(_, own)| own.as_str())
    }
}

fn fit(id: &mut String, rule: NameRule) {
    if !rule.takes(id) {
        *id = rule.fit(id);
    }
}

/// FNV-1a: short, and the same in every process.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Hexadecimal digits of a hash.
const HASH: usize = 16;
