//! `credential_list`: what deployments do not say themselves.

use super::super::problem::{Code, Report};
use super::super::suggest::nearest;
use super::super::tree::Node;
use std::collections::HashMap;

/// `credential_list` by name.
pub(super) fn credentials<'a>(root: &'a Node, report: &mut Report) -> HashMap<&'a str, &'a Node> {
    let mut named = HashMap::new();
    for entry in root.get("credential_list").map_or(&[][..], Node::items) {
        let Some(name) = entry.get("credential_name") else {
            continue;
        };
        let (Some(text), Some(values)) = (name.as_text(), entry.get("credential_values")) else {
            continue;
        };
        if named.insert(text, values).is_some() {
            let message = format!(
                "there is another credential of the name `{}`",
                text.escape_debug()
            );
            report.error(Code::InvalidValue, name.place(), message);
        }
    }
    named
}

/// The credential that a deployment names.
pub(super) fn credential<'a>(
    own: &Node,
    credentials: &HashMap<&str, &'a Node>,
    report: &mut Report,
) -> Option<&'a Node> {
    let wanted = own.get("litellm_credential_name")?;
    let name = wanted.as_text()?;
    let found = credentials.get(name).copied();
    if found.is_none() {
        let name_of = name.escape_debug();
        let message = format!("credential_list has no `{name_of}`, and there is no database");
        let near = nearest(name, credentials.keys().copied());
        report
            .error(Code::Missing, wanted.place(), message)
            .hint_opt(near.map(|near| format!("did you mean `{near}`?")));
    }
    found
}
