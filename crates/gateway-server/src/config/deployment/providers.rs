//! `gateway.providers`: providers beside those that are known anyway, as LiteLLM's `providers.json` has them.

use super::super::problem::{Code, Report};
use super::super::tree::{Node, Tree};
use gateway_providers::{ProviderSpec, Providers};

/// All that can be used; the others are reported.
pub(super) fn all(root: &Node, report: &mut Report) -> Providers {
    let mut providers = Providers::default();
    let said = root
        .get("gateway")
        .and_then(|gateway| gateway.get("providers"));
    for (key, node) in said.map_or(&[][..], Node::entries) {
        if !matches!(node.tree, Tree::Map(_)) {
            continue; // Reported as a wrong type.
        }
        if let Err(error) = providers.add(spec(&key.name, node)) {
            let message = format!(
                "the provider `{}` cannot be used: {error}",
                key.name.escape_debug()
            );
            report.error(Code::InvalidValue, node.place(), message);
        }
    }
    providers
}

fn spec(name: &str, node: &Node) -> ProviderSpec {
    let text = |key: &str| node.get(key)?.as_text().map(str::to_owned);
    let flag = |key: &str| node.get(key).and_then(Node::as_bool) == Some(true);
    let special = node.get("special_handling");
    let joined = special.and_then(|it| it.get("convert_content_list_to_string"));
    let mappings = node.get("param_mappings").map_or(&[][..], Node::entries);
    ProviderSpec {
        name: name.to_owned(),
        base_url: text("base_url"),
        api_key_env: texts(node, "api_key_env"),
        api_base_env: texts(node, "api_base_env"),
        param_mappings: mappings
            .iter()
            .filter_map(|(key, own)| Some((key.name.clone(), own.as_text()?.to_owned())))
            .collect(),
        unsupported_params: texts(node, "unsupported_params"),
        supported_endpoints: texts(node, "supported_endpoints"),
        key_header: text("key_header"),
        developer_role: flag("developer_role"),
        text_content: joined.and_then(Node::as_bool) == Some(true),
    }
}

/// One text, or a list of them.
fn texts(node: &Node, key: &str) -> Vec<String> {
    let Some(node) = node.get(key) else {
        return Vec::new();
    };
    let listed = node.items().iter().filter_map(Node::as_text);
    node.as_text()
        .into_iter()
        .chain(listed)
        .map(str::to_owned)
        .collect()
}
