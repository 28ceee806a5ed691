//! What the model may call, and whether it must.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::chat::{self, Json, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::dialect::structured::object_schema;
use crate::translate::Losses;

/// One entry of `tools`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Tool<'a> {
    /// The client runs them.
    FunctionDeclarations(Vec<Declaration<'a>>),
    /// Google runs it: a search of the web.
    GoogleSearch(Nothing),
    /// Google runs it: Python.
    CodeExecution(Nothing),
    /// Google runs it: it reads what stands at addresses in the prompt.
    UrlContext(Nothing),
    /// As the client wrote it.
    #[serde(untagged)]
    Raw(&'a Json),
}

#[derive(Serialize)]
pub(super) struct Nothing {}

/// A function with the JSON Schema of its arguments as it is: `parameters` would take OpenAPI's subset only.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Cow<'a, Json>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    function_calling_config: CallingConfig<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_function_names: Vec<&'a str>,
}

/// The tools; all functions are one entry, the first.
pub(super) fn write<'a>(tools: &'a [chat::Tool], losses: &mut Losses) -> Vec<Tool<'a>> {
    let mut functions = Vec::new();
    let mut written = Vec::new();
    for chat::Tool {
        name,
        description,
        kind,
        cache,
    } in tools
    {
        if cache.is_some() {
            losses.hint("cache_control");
        }
        match kind {
            ToolKind::Function { parameters, strict } => {
                if *strict == Some(true) {
                    losses.hint("strict");
                }
                functions.push(Declaration {
                    name,
                    description: description.as_deref(),
                    parameters_json_schema: parameters.as_ref().map(|it| object_schema(Some(it))),
                });
            }
            // Its text would come back as an object.
            ToolKind::Custom { .. } => losses.parameter("tools"),
            ToolKind::Hosted {
                dialect: Dialect::Gemini,
                json,
            } => written.push(Tool::Raw(json)),
            ToolKind::Hosted { json, .. } => written.extend(hosted(name, json, losses)),
        }
    }
    if !functions.is_empty() {
        written.insert(0, Tool::FunctionDeclarations(functions));
    }
    written
}

/// The like of a tool that another provider runs.
fn hosted(name: &str, json: &Json, losses: &mut Losses) -> Option<Tool<'static>> {
    let value = json.value();
    let kind = value.get("type").and_then(Value::as_str).unwrap_or(name);
    let tool = if kind.starts_with("web_search") {
        Tool::GoogleSearch(Nothing {})
    } else if kind.starts_with("code_execution") || kind.starts_with("code_interpreter") {
        Tool::CodeExecution(Nothing {})
    } else if kind.starts_with("web_fetch") {
        Tool::UrlContext(Nothing {})
    } else {
        losses.parameter("tools");
        return None;
    };
    for key in value.as_object().into_iter().flat_map(|it| it.keys()) {
        match key.as_str() {
            "type" | "name" => {}
            "allowed_domains" | "blocked_domains" | "filters" => {
                losses.parameter(format!("tools[].{key}"));
            }
            _ => losses.hint(format!("tools[].{key}")),
        }
    }
    Some(tool)
}

/// Whether the model must call.
pub(super) fn choice<'a>(choice: Option<&'a ToolChoice>) -> Option<ToolConfig<'a>> {
    let (mode, names) = match choice? {
        ToolChoice::Auto => ("AUTO", Vec::new()),
        ToolChoice::None => ("NONE", Vec::new()),
        ToolChoice::Required => ("ANY", Vec::new()),
        ToolChoice::Named(name) => ("ANY", vec![name.as_str()]),
        ToolChoice::Allowed { required, names } => {
            let mode = if *required { "ANY" } else { "VALIDATED" };
            (mode, names.iter().map(String::as_str).collect())
        }
    };
    Some(ToolConfig {
        function_calling_config: CallingConfig {
            mode,
            allowed_function_names: names,
        },
    })
}

/// Google has no switch against several calls at once. With one function it hardly ever matters.
pub(super) fn one_at_a_time(tools: &[Tool<'_>], losses: &mut Losses) {
    match tools.first() {
        Some(Tool::FunctionDeclarations(functions)) if functions.len() > 1 => {
            losses.parameter("parallel_tool_calls");
        }
        _ => losses.hint("parallel_tool_calls"),
    }
}

/// A search of the web, unless there is one.
pub(super) fn add_search(tools: &mut Vec<Tool<'_>>) {
    if !tools.iter().any(|it| matches!(it, Tool::GoogleSearch(_))) {
        tools.push(Tool::GoogleSearch(Nothing {}));
    }
}
