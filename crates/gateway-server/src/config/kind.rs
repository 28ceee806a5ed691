//! The kinds of values, and what is wrong with a value that is not of its kind.

use super::keys::Section;
use super::masks::looks_secret;
use super::problem::Code;
use super::suggest::nearest;
use super::tree::{Node, Origin, Tree};
use http::Uri;

/// What a key takes. Null means "not given" for every kind.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Anything.
    Any,
    Bool,
    Text,
    /// Text, or a whole number that stands for its digits.
    Name,
    /// Text that is never shown; `file:/path` reads it from a file.
    Secret,
    /// A secret, or a mapping with secrets.
    SecretOrMap,
    /// One of these texts, in any case.
    Choice(&'static [&'static str]),
    /// A whole number.
    Whole(u64, u64),
    /// A finite number.
    Number(f64, f64),
    /// Seconds, fractions allowed, at least the given number.
    Seconds(f64),
    /// `http://` or `https://` and a host.
    Url,
    BoolOrText,
    TextOrList,
    TextList,
    /// The name of an HTTP header.
    HeaderName,
    /// A level, or `target=level`, or a list of both with commas.
    LogFilter,
    List,
    Map,
    /// A mapping with known keys.
    Section(&'static Section),
    /// A list of mappings with known keys.
    Sections(&'static Section),
    /// From names of the user's choice to mappings with known keys.
    Named(&'static Section),
    /// From names of the user's choice to seconds.
    NamedSeconds,
}

impl Kind {
    pub(super) const COUNT: Self = Self::Whole(0, 1_000_000_000_000);
    /// Counts of calls, attempts, failures.
    pub(super) const TIMES: Self = Self::Whole(0, 1_000_000_000);
    pub(super) const SECONDS: Self = Self::Seconds(0.0);
    pub(super) const POSITIVE_SECONDS: Self = Self::Seconds(0.001);
    pub(super) const AMOUNT: Self = Self::Number(0.0, 1e15);
}

/// Why a value is not of its kind.
pub(super) struct Mismatch {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Checks one value; sections are left to the walk over their keys.
pub(super) fn check(kind: Kind, node: &Node) -> Option<Mismatch> {
    if node.is_null() {
        return None;
    }
    match kind {
        Kind::Any => None,
        Kind::Bool => wrong_unless(node.as_bool().is_some(), "true or false", node),
        Kind::Name if matches!(node.tree, Tree::Integer(_)) => None,
        Kind::Text | Kind::Name | Kind::Secret => text(node),
        Kind::SecretOrMap => wrong_unless(
            matches!(node.tree, Tree::Text(_) | Tree::Map(_)),
            "text or a mapping",
            node,
        ),
        Kind::Choice(choices) => choice(choices, node),
        Kind::Whole(min, max) => whole(min, max, node),
        Kind::Number(min, max) => number(min, max, "", node),
        Kind::Seconds(min) => number(min, MAX_SECONDS, " seconds", node),
        Kind::Url => url(node),
        Kind::BoolOrText => wrong_unless(
            matches!(node.tree, Tree::Bool(_) | Tree::Text(_)),
            "true, false or text",
            node,
        ),
        Kind::TextOrList => match &node.tree {
            Tree::List(_) => texts(node),
            _ => wrong_unless(node.as_text().is_some(), "text or a list of texts", node),
        },
        Kind::TextList => texts(node),
        Kind::HeaderName => header_name(node),
        Kind::LogFilter => log_filter(node),
        Kind::List | Kind::Sections(_) => {
            wrong_unless(matches!(node.tree, Tree::List(_)), "a list", node)
        }
        Kind::Map | Kind::Section(_) | Kind::Named(_) | Kind::NamedSeconds => {
            wrong_unless(matches!(node.tree, Tree::Map(_)), "a mapping", node)
        }
    }
}

fn wrong_unless(fits: bool, expected: &str, node: &Node) -> Option<Mismatch> {
    (!fits).then(|| wrong(expected, node))
}

fn wrong(expected: &str, node: &Node) -> Mismatch {
    let from = match &node.origin {
        Origin::Variable(name) => format!(" in the environment variable {name}"),
        Origin::File | Origin::Outside => String::new(),
    };
    Mismatch {
        code: Code::WrongType,
        message: format!("expected {expected}, found {}{from}", node.kind_name()),
        hint: None,
    }
}

fn invalid(message: String, hint: Option<String>) -> Mismatch {
    Mismatch {
        code: Code::InvalidValue,
        message,
        hint,
    }
}

fn text(node: &Node) -> Option<Mismatch> {
    match &node.tree {
        Tree::Text(_) => None,
        Tree::List(_) | Tree::Map(_) => Some(wrong("text", node)),
        _ => Some(Mismatch {
            hint: Some(String::from("put it in quotes")),
            ..wrong("text", node)
        }),
    }
}

fn texts(node: &Node) -> Option<Mismatch> {
    let all = matches!(node.tree, Tree::List(_))
        && node.items().iter().all(|item| item.as_text().is_some());
    wrong_unless(all, "a list of texts", node)
}

fn choice(choices: &'static [&'static str], node: &Node) -> Option<Mismatch> {
    let Some(text) = node.as_text() else {
        return text_or_quote(node);
    };
    if choices
        .iter()
        .any(|choice| choice.eq_ignore_ascii_case(text))
    {
        return None;
    }
    let list = choices
        .iter()
        .map(|choice| format!("`{choice}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let quotable = node.origin == Origin::File && text.len() <= 40 && !looks_secret(text);
    let what = if quotable {
        format!("`{}`", text.escape_debug())
    } else {
        String::from("this")
    };
    let hint = nearest(text, choices.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Some(invalid(format!("{what} is none of {list}"), hint))
}

fn text_or_quote(node: &Node) -> Option<Mismatch> {
    text(node)
}

fn whole(min: u64, max: u64, node: &Node) -> Option<Mismatch> {
    let Some(value) = node.as_whole() else {
        return Some(wrong("a whole number", node));
    };
    let fits = i128::from(min) <= value && value <= i128::from(max);
    (!fits).then(|| out_of_range(&min, &max, ""))
}

fn number(min: f64, max: f64, unit: &str, node: &Node) -> Option<Mismatch> {
    let Some(value) = node.as_number() else {
        return Some(wrong(
            if unit.is_empty() {
                "a number"
            } else {
                "a number of seconds"
            },
            node,
        ));
    };
    // NaN fits into no range.
    let fits = min <= value && value <= max;
    (!fits).then(|| out_of_range(&min, &max, unit))
}

fn out_of_range(min: &dyn std::fmt::Display, max: &dyn std::fmt::Display, unit: &str) -> Mismatch {
    Mismatch {
        code: Code::OutOfRange,
        message: format!("out of range: from {min} to {max}{unit} are possible"),
        hint: None,
    }
}

/// The address is never quoted: it may hold credentials.
fn url(node: &Node) -> Option<Mismatch> {
    let Some(text) = node.as_text() else {
        return Some(wrong("an address such as https://host/path", node));
    };
    let hint = Some(String::from("write it as https://host[:port][/path]"));
    let Ok(uri) = text.parse::<Uri>() else {
        return Some(invalid(String::from("this is not a URL"), hint));
    };
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => None,
        (Some("http" | "https"), _) => Some(invalid(String::from("this URL has no host"), hint)),
        (Some(_), _) => Some(invalid(
            String::from("only http and https URLs are possible"),
            hint,
        )),
        (None, _) => Some(invalid(String::from("this URL has no scheme"), hint)),
    }
}

fn header_name(node: &Node) -> Option<Mismatch> {
    let Some(text) = node.as_text() else {
        return Some(wrong("the name of a header", node));
    };
    let fits = http::HeaderName::try_from(text).is_ok();
    (!fits).then(|| {
        invalid(
            String::from("this cannot be the name of an HTTP header"),
            None,
        )
    })
}

/// What is wrong with a filter of the log, if something is.
pub(crate) fn wrong_log_filter(text: &str) -> Option<String> {
    let mismatch = log_filter(&Node::text(text))?;
    Some(match mismatch.hint {
        Some(hint) => format!("{}: {hint}", mismatch.message),
        None => mismatch.message,
    })
}

/// Stricter than the filter's own parser, which takes a misspelt level for the name of a module.
fn log_filter(node: &Node) -> Option<Mismatch> {
    let Some(text) = node.as_text() else {
        return Some(wrong("a level, such as info", node));
    };
    for part in text.split(',') {
        let level = part
            .rsplit_once('=')
            .map_or(part, |(_, level)| level)
            .trim();
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            let hint = nearest(level, LEVELS.iter().copied())
                .map(|near| format!("did you mean `{near}`?"));
            let message = String::from(
                "expected a level (error, warn, info, debug, trace), or `target=level`, with commas between",
            );
            return Some(invalid(message, hint));
        }
    }
    None
}

/// Levels of the log, with the names that `LITELLM_LOG` knows.
const LEVELS: &[&str] = &["error", "warn", "warning", "info", "debug", "trace", "off"];

/// Ten years. Longer ones are typing errors, and overflow clocks.
pub(super) const MAX_SECONDS: f64 = 315_360_000.0;
