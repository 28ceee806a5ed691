//! Tools for a provider, and whether the model must call one.

use super::messages_write::CACHE;
use crate::chat::{Json, Tool, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::json::{Elements, Members, write_object};
use crate::translate::Losses;

/// Writes `tools`, and which of them the model must call, and whether several at once.
pub(super) fn write_tools(
    members: &mut Members<'_>,
    tools: &[Tool],
    (choice, parallel): (Option<&ToolChoice>, Option<bool>),
    losses: &mut Losses,
) {
    for tool in tools {
        if tool.cache.is_some() {
            losses.hint(CACHE);
        }
        if is_foreign(tool) {
            losses.parameter(format!("tools.{}", tool.name));
        }
    }
    let mut known = tools.iter().filter(|tool| !is_foreign(tool)).peekable();
    if known.peek().is_none() {
        // OpenAI refuses a choice among no tools.
        if matches!(choice, Some(it) if !matches!(it, ToolChoice::Auto | ToolChoice::None)) {
            losses.parameter("tool_choice");
        }
        return;
    }
    members.array("tools", |list| {
        for tool in known {
            write_tool(list, tool);
        }
    });
    match choice {
        Some(ToolChoice::Auto) => members.value("tool_choice", "auto"),
        Some(ToolChoice::None) => members.value("tool_choice", "none"),
        Some(ToolChoice::Required) => members.value("tool_choice", "required"),
        Some(ToolChoice::Named(name)) => members.object("tool_choice", |choice| {
            write_named(choice, name, tools);
        }),
        Some(ToolChoice::Allowed { required, names }) => {
            members.object("tool_choice", |choice| {
                choice.value("type", "allowed_tools");
                choice.object("allowed_tools", |allowed| {
                    allowed.value("mode", if *required { "required" } else { "auto" });
                    allowed.array("tools", |list| {
                        for name in names {
                            list.object(|tool| write_named(tool, name, tools));
                        }
                    });
                });
            });
        }
        None => {}
    }
    members.some("parallel_tool_calls", parallel.as_ref());
}

/// A tool that another provider runs.
fn is_foreign(tool: &Tool) -> bool {
    matches!(&tool.kind, ToolKind::Hosted { dialect, .. } if *dialect != Dialect::OpenAiChat)
}

fn write_tool(list: &mut Elements<'_>, tool: &Tool) {
    let Tool {
        name,
        description,
        kind,
        cache: _,
    } = tool;
    match kind {
        ToolKind::Function { parameters, strict } => list.object(|members| {
            members.value("type", "function");
            members.object("function", |function| {
                function.value("name", name);
                function.some("description", description.as_ref());
                function.some("parameters", parameters.as_ref());
                function.some("strict", strict.as_ref());
            });
        }),
        ToolKind::Custom { format } => list.object(|members| {
            members.value("type", "custom");
            members.object("custom", |custom| {
                custom.value("name", name);
                custom.some("description", description.as_ref());
                custom.some("format", format.as_ref().map(nested_grammar).as_ref());
            });
        }),
        ToolKind::Hosted { json, .. } => list.value(json),
    }
}

/// The grammar with the object that chat completions put around it.
fn nested_grammar(format: &Json) -> Json {
    let value = format.value();
    let (Some("grammar"), Some(definition)) = (
        value.get("type").and_then(|it| it.as_str()),
        value.get("definition"),
    ) else {
        return format.clone();
    };
    let mut out = Vec::new();
    write_object(&mut out, |members| {
        members.value("type", "grammar");
        members.object("grammar", |grammar| {
            grammar.value("definition", definition);
            grammar.some("syntax", value.get("syntax"));
        });
    });
    String::from_utf8(out)
        .ok()
        .and_then(Json::parse)
        .unwrap_or_else(|| format.clone())
}

fn write_named(members: &mut Members<'_>, name: &str, tools: &[Tool]) {
    let is_custom = tools
        .iter()
        .any(|tool| tool.name == name && matches!(tool.kind, ToolKind::Custom { .. }));
    let kind = if is_custom { "custom" } else { "function" };
    members.value("type", kind);
    members.object(kind, |it| it.value("name", name));
}
