//! Arguments of calls, which are objects here and texts elsewhere.

use serde::Serialize;
use serde_json::value::RawValue;

/// The arguments of a call: an object, or what stands in its place.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::dialect::gemini) enum Args<'a> {
    Object(&'a RawValue),
    /// A custom tool takes a text.
    Custom {
        input: &'a str,
    },
    /// What the model wrote is no object.
    Invalid {
        invalid_arguments: &'a str,
    },
    None {},
}

impl<'a> Args<'a> {
    /// Those of a call, or of one of a custom tool.
    pub(super) fn of(arguments: &'a str, custom: bool) -> Self {
        if custom {
            return Self::Custom { input: arguments };
        }
        let text = arguments.trim();
        if text.is_empty() {
            return Self::None {};
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) if text.starts_with('{') => Self::Object(raw),
            _ => Self::Invalid {
                invalid_arguments: arguments,
            },
        }
    }
}
