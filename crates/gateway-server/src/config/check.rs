//! Walks over a document with the tables of [`keys`](super::keys) and reports all that is wrong.

use super::keys;
use super::keys::{CREDENTIAL, DEPLOYMENT, MODEL_INFO, PARAMS, Row, Section, Status, TOP};
use super::kind::{self, Kind, Mismatch};
use super::masks::is_credential;
use super::problem::{Code, Place, Report};
use super::suggest::{nearest, within};
use super::tree::{Key, Node, Origin, Tree};

/// Checks every key and value of the document.
pub(super) fn document(root: &Node, report: &mut Report) {
    finite(root, report);
    section(root, &TOP, report);
    required(root, report);
}

/// Checks one value from outside of a file (a variable, a flag).
pub(super) fn value(row: &Row, node: &Node, place: &Place, report: &mut Report) -> bool {
    match kind::check(row.kind, node) {
        Some(mismatch) => {
            refuse(row.name, mismatch, place.clone(), report);
            false
        }
        None => true,
    }
}

/// The row at a dotted path such as `gateway.listen.port`, or the deepest section that the path
/// reaches and the key that it does not have.
pub(super) fn find(path: &str) -> Result<&'static Row, (&'static Section, String)> {
    let mut section: &'static Section = &TOP;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(row) = section.find(part) else {
            return Err((section, part.to_owned()));
        };
        match (parts.peek(), row.kind) {
            (None, _) => return Ok(row),
            (Some(_), Kind::Section(inner)) => section = inner,
            (Some(next), _) => return Err((section, (*next).to_owned())),
        }
    }
    Err((section, String::new()))
}

/// "did you mean ...", if a known key of the section is near.
pub(super) fn suggestion(section: &Section, key: &str) -> Option<String> {
    nearest(key, section.names()).map(|near| format!("did you mean `{near}`?"))
}

fn section(node: &Node, section: &'static Section, report: &mut Report) {
    for (key, node) in node.entries() {
        match section.find(&key.name) {
            Some(row) => known(row, key, node, section, report),
            None if std::ptr::eq(section, &PARAMS) => parameter(key, node, report),
            None if std::ptr::eq(section, &MODEL_INFO) => parameter_of_info(key, report),
            None => unknown(key, node, section, report),
        }
    }
}

fn known(row: &'static Row, key: &Key, node: &Node, within: &'static Section, report: &mut Report) {
    if matches!(node.tree, Tree::Float(value) if !value.is_finite()) {
        return; // Reported by `finite`.
    }
    if let Some(mismatch) = kind::check(row.kind, node) {
        let place = if node.origin != Origin::File || node.at.length == 0 {
            Place::File(key.at)
        } else {
            node.place()
        };
        if mismatch.code == Code::WrongType {
            report.hide(node);
        }
        refuse(row.name, mismatch, place, report);
        return;
    }
    if let Status::Ignored {
        unless,
        consequence,
    } = row.status
        && asks_for_something(node, unless)
    {
        let message = format!(
            "`{}` in {} is not honored: {consequence}",
            row.name, within.name
        );
        report.warn(Code::IgnoredKey, Place::File(key.at), message);
    }
    if matches!(row.status, Status::Honored(_))
        && !matches!(
            row.kind,
            Kind::Section(_) | Kind::Sections(_) | Kind::Named(_)
        )
    {
        unset(node, report);
    }
    inside(row.kind, node, report);
}

/// The walk goes on below a value.
fn inside(kind: Kind, node: &Node, report: &mut Report) {
    let mapping = |item: &Node, place: Place, inner, report: &mut Report| {
        if matches!(item.tree, Tree::Map(_)) {
            section(item, inner, report);
        } else {
            let message = format!("expected a mapping, found {}", item.kind_name());
            report.error(Code::WrongType, place, message);
        }
    };
    match kind {
        Kind::Section(inner) => section(node, inner, report),
        Kind::Sections(inner) => {
            for item in node.items() {
                mapping(item, item.place(), inner, report);
            }
        }
        Kind::Named(inner) => {
            for (key, item) in node.entries() {
                mapping(item, Place::File(key.at), inner, report);
            }
        }
        Kind::NamedSeconds => {
            for (key, item) in node.entries() {
                if let Some(mismatch) = kind::check(Kind::SECONDS, item) {
                    refuse(
                        &key.name.escape_debug().to_string(),
                        mismatch,
                        Place::File(key.at),
                        report,
                    );
                }
            }
        }
        _ => {}
    }
}

/// Warns of values, here and below, that refer to variables which are not set.
fn unset(node: &Node, report: &mut Report) {
    match (&node.tree, &node.origin) {
        (Tree::Null, Origin::Variable(name)) => {
            let message = format!(
                "the environment variable {} is not set; this key counts as not given",
                name.escape_debug()
            );
            report
                .warn(Code::UnsetVariable, node.place(), message)
                .hint("set the variable, or remove the key");
        }
        (Tree::List(items), _) => items.iter().for_each(|item| unset(item, report)),
        (Tree::Map(entries), _) => entries.iter().for_each(|(_, node)| unset(node, report)),
        _ => {}
    }
}

/// Empty values, and those that ask for what happens anyway, are not worth a warning.
pub(super) fn asks_for_something(node: &Node, unless: &[&str]) -> bool {
    let same = |text: &str| unless.iter().any(|value| value.eq_ignore_ascii_case(text));
    match &node.tree {
        Tree::Null => false,
        Tree::Bool(value) => !same(&value.to_string()),
        Tree::Integer(value) => !same(&value.to_string()),
        Tree::Float(value) => !same(&value.to_string()),
        Tree::Text(text) => !text.is_empty() && !same(text),
        Tree::List(items) => !items.iter().all(|item| item.as_text().is_some_and(same)),
        Tree::Map(entries) => !entries.is_empty(),
    }
}

fn refuse(key: &str, mismatch: Mismatch, place: Place, report: &mut Report) {
    let message = format!("`{key}`: {}", mismatch.message);
    report
        .error(mismatch.code, place, message)
        .hint_opt(mismatch.hint);
}

fn unknown(key: &Key, node: &Node, section: &Section, report: &mut Report) {
    report.hide(node);
    let message = format!(
        "unknown key `{}` in {}",
        key.name.escape_debug(),
        section.name
    );
    let hint = suggestion(section, &key.name).or_else(|| elsewhere(section, &key.name));
    report
        .warn(Code::UnknownKey, Place::File(key.at), message)
        .hint_opt(hint);
}

/// The key may be right and the section wrong.
fn elsewhere(wrong: &Section, key: &str) -> Option<String> {
    let sections = TOP.keys.iter().filter_map(|row| match row.kind {
        Kind::Section(section) => Some(section),
        _ => None,
    });
    let right = sections
        .filter(|section| !std::ptr::eq(*section, wrong))
        .find(|section| section.find(key).is_some())?;
    Some(format!("`{key}` belongs to {}", right.name))
}

/// A key of `litellm_params` that is in no table is a parameter of the request body.
fn parameter(key: &Key, node: &Node, report: &mut Report) {
    unset(node, report);
    report.hide(node);
    if key.name.len() < 3 || keys::BODY_PARAMETERS.contains(&key.name.as_str()) {
        return;
    }
    if keys::is_price(&key.name) {
        let message = format!(
            "`{}` in {} is not honored: costs are not computed",
            key.name.escape_debug(),
            PARAMS.name
        );
        report.warn(Code::IgnoredKey, Place::File(key.at), message);
        return;
    }
    let near = within(&key.name, PARAMS.names(), 2);
    if is_credential(&key.name) {
        let message = format!(
            "`{}` looks like a credential and is not sent to the provider",
            key.name.escape_debug()
        );
        report
            .warn(Code::UnknownKey, Place::File(key.at), message)
            .hint_opt(near.map(|near| format!("did you mean `{near}`?")));
    } else if let Some(near) = near {
        let message = format!(
            "`{}` is sent to the provider as a parameter of each request",
            key.name.escape_debug()
        );
        report
            .warn(Code::UnknownKey, Place::File(key.at), message)
            .hint(format!("did you mean `{near}`?"));
    }
}

/// `model_info` is free-form; only near misses are worth a word.
fn parameter_of_info(key: &Key, report: &mut Report) {
    if let Some(near) = within(
        &key.name,
        MODEL_INFO.names(),
        if key.name.len() < 5 { 1 } else { 2 },
    ) && key.name.len() > 2
    {
        let message = format!("`{}` in model_info has no effect", key.name.escape_debug());
        report
            .warn(Code::UnknownKey, Place::File(key.at), message)
            .hint(format!("did you mean `{near}`?"));
    }
}

/// No value of any key is NaN or infinite, whatever its kind.
fn finite(node: &Node, report: &mut Report) {
    match &node.tree {
        Tree::Float(value) if !value.is_finite() => {
            report.error(Code::OutOfRange, node.place(), "this number is not finite");
        }
        Tree::List(items) => items.iter().for_each(|item| finite(item, report)),
        Tree::Map(entries) => entries.iter().for_each(|(_, node)| finite(node, report)),
        _ => {}
    }
}

fn required(root: &Node, report: &mut Report) {
    for entry in root.get("model_list").map_or(&[][..], Node::items) {
        if !matches!(entry.tree, Tree::Map(_)) {
            continue;
        }
        needs(entry, "model_name", &DEPLOYMENT, report);
        if let Some(params) = needs(entry, "litellm_params", &DEPLOYMENT, report)
            && matches!(params.tree, Tree::Map(_))
        {
            needs(params, "model", &PARAMS, report);
        }
    }
    for entry in root.get("credential_list").map_or(&[][..], Node::items) {
        if matches!(entry.tree, Tree::Map(_)) {
            needs(entry, "credential_name", &CREDENTIAL, report);
        }
    }
}

fn needs<'a>(
    node: &'a Node,
    key: &str,
    section: &Section,
    report: &mut Report,
) -> Option<&'a Node> {
    let found = node.get(key).filter(|value| value.as_text() != Some(""));
    if found.is_none() {
        let place = node
            .entry(key)
            .map_or_else(|| start(node), |(key, _)| Place::File(key.at));
        let message = format!("{} has no `{key}`", section.name);
        report.error(Code::Missing, place, message);
    }
    found
}

/// The first key of a mapping, which is what a reader looks for.
fn start(node: &Node) -> Place {
    node.entries()
        .first()
        .map_or_else(|| node.place(), |(key, _)| Place::File(key.at))
}
