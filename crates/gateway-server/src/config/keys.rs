//! Every key that is known, one line each: section, key, kind, and what becomes of it.
//!
//! The tables follow LiteLLM's configuration; `gateway` is ours. A key that is not in a table is
//! reported with the nearest one that is.

mod deployment;
mod gateway;
mod general;
mod litellm;
mod router;
mod routing;
mod top;

pub(super) use deployment::{
    BODY_PARAMETERS, CREDENTIAL, DEPLOYMENT, MODEL_INFO, PARAMS, is_price,
};
pub(super) use gateway::GATEWAY;
pub(super) use general::GENERAL;
pub(super) use litellm::LITELLM;
pub(super) use router::ROUTER;
pub(super) use top::TOP;

use super::kind::Kind;

/// A mapping with known keys.
pub(super) struct Section {
    /// As messages name it.
    pub(super) name: &'static str,
    pub(super) keys: &'static [Row],
}

impl Section {
    pub(super) fn find(&self, key: &str) -> Option<&'static Row> {
        self.keys.iter().find(|row| row.name == key)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|row| row.name)
    }
}

/// One known key.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// What it does, for people: sentences, the last of which may be "Default: 5." or "Example: `…`.", each a YAML
    /// value. Every honored key has such a text.
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) status: Status,
}

/// What becomes of a key.
#[derive(Clone, Copy)]
pub(super) enum Status {
    /// It does what it says; on purpose not as in LiteLLM, where a text says how.
    Honored(Option<&'static str>),
    /// Nothing is done with it, and nobody can tell: no warning.
    Accepted,
    /// It is not acted on. Worth a warning with this consequence, unless its value is one of
    /// `unless` (or empty), which ask for what happens anyway.
    Ignored {
        unless: &'static [&'static str],
        consequence: &'static str,
    },
}

/// Defines a [`Section`]: `status "key": kind, [values that need no warning] => "consequence";`. An honored key may
/// have a text too: what is otherwise than in LiteLLM. The comment above a key is its [`Row::about`].
macro_rules! section {
    ($(#[$doc:meta])* $constant:ident = $name:literal {
        $( $(#[doc = $about:literal])* $status:ident $key:literal : $kind:expr $(, [$($unless:literal),*])? $(=> $why:literal)? ; )*
    }) => {
        $(#[$doc])*
        pub(in crate::config) static $constant: $crate::config::keys::Section = $crate::config::keys::Section {
            name: $name,
            keys: &[ $( $crate::config::keys::Row {
                name: $key,
                about: concat!($($about),*),
                kind: $kind,
                status: $crate::config::keys::status!($status $([$($unless),*])? $($why)?),
            } ),* ],
        };
    };
}

macro_rules! status {
    (honored) => {
        $crate::config::keys::Status::Honored(None)
    };
    (honored $here:literal) => {
        $crate::config::keys::Status::Honored(Some($here))
    };
    (accepted) => {
        $crate::config::keys::Status::Accepted
    };
    (ignored $([$($unless:literal),*])? $why:literal) => {
        $crate::config::keys::Status::Ignored { unless: &[$($($unless),*)?], consequence: $why }
    };
}

use {section, status};

#[cfg(test)]
mod tests;
