//! The tools of a request.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::parts::CacheControl;
use super::expect;
use super::strict::is_strict_everywhere;
use crate::chat::{Json, Other, Request, Tool, ToolChoice, ToolKind, Weight};
use crate::dialect::Dialect;
use crate::translate::TranslateError;

#[derive(Deserialize)]
struct WireTool {
    r#type: Option<String>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Json>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
    // How and when the model gets to see the tool.
    defer_loading: Option<Json>,
    eager_input_streaming: Option<Json>,
    input_examples: Option<Json>,
    allowed_callers: Option<Json>,
}

pub(super) fn tools(request: &mut Request, value: &RawValue) -> Result<(), TranslateError> {
    let raw: Vec<&RawValue> = expect("tools", value, "a list")?;
    for (at, raw) in raw.into_iter().enumerate() {
        let param = format!("tools[{at}]");
        let tool: WireTool = expect(&param, raw, "a tool: an object")?;
        match tool.r#type.as_deref() {
            None | Some("custom") => function(request, tool, &param)?,
            Some(kind) if kind.starts_with("web_search_") => web_search(request, raw)?,
            Some(kind) => {
                let name = tool.name.as_deref().unwrap_or(kind).to_owned();
                request.tools.push(Tool {
                    name,
                    description: tool.description,
                    kind: ToolKind::Hosted {
                        dialect: Dialect::AnthropicMessages,
                        json: raw.into(),
                    },
                    cache: tool.cache_control.map(CacheControl::marker),
                });
            }
        }
    }
    Ok(())
}

fn function(request: &mut Request, tool: WireTool, param: &str) -> Result<(), TranslateError> {
    let required = |member| TranslateError::invalid(format!("{param}.{member}"), "field required");
    let hints = [
        ("tools.defer_loading", tool.defer_loading),
        ("tools.eager_input_streaming", tool.eager_input_streaming),
        ("tools.input_examples", tool.input_examples),
        ("tools.allowed_callers", tool.allowed_callers),
    ];
    for (name, value) in hints {
        if let Some(value) = value {
            lose(request, name, value, Weight::Hint);
        }
    }
    let parameters = tool.input_schema.ok_or_else(|| required("input_schema"))?;
    let mut strict = tool.strict;
    if strict == Some(true) && !is_strict_everywhere(&parameters) {
        strict = None;
        let value = Json::from(&Value::Bool(true));
        lose(request, "tools.strict", value, Weight::Hint);
    }
    request.tools.push(Tool {
        name: tool.name.ok_or_else(|| required("name"))?,
        description: tool.description,
        kind: ToolKind::Function {
            parameters: Some(parameters),
            strict,
        },
        cache: tool.cache_control.map(CacheControl::marker),
    });
    Ok(())
}

/// The one hosted tool that other providers have, too.
fn web_search(request: &mut Request, raw: &RawValue) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct WebSearch {
        user_location: Option<serde_json::Map<String, Value>>,
        max_uses: Option<Json>,
        allowed_domains: Option<Json>,
        blocked_domains: Option<Json>,
    }

    let search: WebSearch = expect("tools", raw, "a tool of web search")?;
    let mut options = json!({});
    if let Some(mut location) = search.user_location {
        location.remove("type");
        options["user_location"] = json!({"type": "approximate", "approximate": location});
    }
    request.parameters.web_search = Some(Json::from(&options));
    let losses = [
        ("tools.max_uses", search.max_uses, Weight::Hint),
        (
            "tools.allowed_domains",
            search.allowed_domains,
            Weight::Parameter,
        ),
        (
            "tools.blocked_domains",
            search.blocked_domains,
            Weight::Parameter,
        ),
    ];
    for (name, value, weight) in losses {
        if let Some(value) = value {
            lose(request, name, value, weight);
        }
    }
    Ok(())
}

/// What has no place in the model is told as lost by who translates.
fn lose(request: &mut Request, name: &str, value: Json, weight: Weight) {
    if request.other.iter().all(|other| other.name != name) {
        request.other.push(Other {
            name: name.to_owned(),
            value,
            weight,
        });
    }
}

pub(super) fn tool_choice(request: &mut Request, value: &RawValue) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct WireChoice {
        r#type: String,
        name: Option<String>,
        disable_parallel_tool_use: Option<bool>,
    }

    let choice: WireChoice = expect("tool_choice", value, "an object with a `type`")?;
    request.tool_choice = Some(match (choice.r#type.as_str(), choice.name) {
        ("auto", _) => ToolChoice::Auto,
        ("any", _) => ToolChoice::Required,
        ("none", _) => ToolChoice::None,
        ("tool", Some(name)) => ToolChoice::Named(name),
        ("tool", None) => {
            return Err(TranslateError::invalid(
                "tool_choice.name",
                "field required",
            ));
        }
        _ => {
            let reason = "must be `auto`, `any`, `tool` or `none`";
            return Err(TranslateError::invalid("tool_choice.type", reason));
        }
    });
    if choice.disable_parallel_tool_use == Some(true) {
        request.parallel_tool_calls = Some(false);
    }
    Ok(())
}
