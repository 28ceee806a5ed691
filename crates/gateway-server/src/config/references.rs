//! `os.environ/NAME` and `environment_variables`.

use super::environment::Environment;
use super::problem::{Code, Place, Report};
use super::tree::{Node, Origin, Tree};
use std::collections::BTreeMap;

/// The environment with the document's `environment_variables` over it.
pub(super) fn environment(root: &Node, process: &Environment, report: &mut Report) -> Environment {
    let mut overrides = BTreeMap::new();
    let variables = root
        .get("environment_variables")
        .map_or(&[][..], Node::entries);
    for (key, node) in variables {
        let name = key.name.as_str();
        if is_refused(name) {
            let message = format!(
                "the variable {} is never set from a configuration",
                name.escape_debug()
            );
            report
                .warn(Code::RefusedVariable, Place::File(key.at), message)
                .hint("set it where the process is started");
            continue;
        }
        let Some(value) = scalar(node, process) else {
            continue;
        };
        if process.get(name).is_some_and(|existing| existing != value) {
            let message = format!(
                "this replaces the variable {} of the process",
                name.escape_debug()
            );
            report.warn(Code::OverriddenVariable, Place::File(key.at), message);
        }
        overrides.insert(name.to_owned(), value);
    }
    process.with_overrides(overrides)
}

/// Replaces every `os.environ/NAME` in the values of mappings; an unset variable becomes null,
/// which is worth a warning only where the value matters (see `check`).
///
/// Texts that stand in a list on their own are left alone, as in LiteLLM.
pub(super) fn resolve(node: &mut Node, environment: &Environment, report: &mut Report) {
    match &mut node.tree {
        Tree::Text(text) => {
            let Some(name) = text.strip_prefix(PREFIX).map(str::to_owned) else {
                return;
            };
            node.tree = match environment.get(&name) {
                Some(value) => Tree::Text(value.to_owned()),
                None => Tree::Null,
            };
            node.origin = Origin::Variable(name);
        }
        Tree::Map(entries) => entries
            .iter_mut()
            .for_each(|(_, node)| resolve(node, environment, report)),
        Tree::List(items) => {
            for item in items {
                if item.as_text().is_some_and(|text| text.starts_with(PREFIX)) {
                    let message = "`os.environ/` is not replaced in a list of texts";
                    report
                        .warn(Code::UnsetVariable, item.place(), message)
                        .hint("give the list's key one reference, or write the value out");
                } else if matches!(item.tree, Tree::Map(_)) {
                    resolve(item, environment, report);
                }
            }
        }
        _ => {}
    }
}

/// The marker of a reference.
pub(super) const PREFIX: &str = "os.environ/";

fn scalar(node: &Node, process: &Environment) -> Option<String> {
    match &node.tree {
        Tree::Text(text) => match text.strip_prefix(PREFIX) {
            Some(name) => process.get(name).map(str::to_owned),
            None => Some(text.clone()),
        },
        Tree::Bool(value) => Some(value.to_string()),
        Tree::Integer(value) => Some(value.to_string()),
        Tree::Float(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Variables that decide which code runs; a configuration file must not.
fn is_refused(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    REFUSED.contains(&upper.as_str())
        || REFUSED_PREFIXES
            .iter()
            .any(|prefix| upper.starts_with(prefix))
}

const REFUSED: &[&str] = &[
    "PATH",
    "HOME",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
    "PROMPT_COMMAND",
    "NODE_OPTIONS",
    "PERL5LIB",
    "PERL5OPT",
    "RUBYLIB",
    "RUBYOPT",
    "JAVA_TOOL_OPTIONS",
    "CONFIG_FILE_PATH",
];

const REFUSED_PREFIXES: &[&str] = &["LD_", "DYLD_", "PYTHON", "BASH_FUNC_", "MALLOC_", "GLIBC_"];
