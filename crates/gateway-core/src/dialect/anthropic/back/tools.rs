//! What the model may call, and whether it must.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::blocks::CacheControl;
use super::super::format_tool;
use super::format::OutputFormat;
use super::generation::Generation;
use crate::chat::{Json, PartKind, Request, Tool, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::dialect::structured::object_schema;
use crate::translate::Losses;

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum WireTool<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        input_schema: Json,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl<'a>>,
    },
    /// As it was written.
    Raw(&'a Json),
    /// Made here.
    Made(Json),
}

/// Whether a tool must be called.
#[derive(Serialize)]
pub(super) struct WireChoice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

impl WireChoice<'_> {
    /// Whether the model must call one.
    pub(super) fn is_forced(&self) -> bool {
        matches!(self.r#type, "any" | "tool")
    }
}

pub(super) fn tools<'a>(
    request: &'a Request,
    format: &'a OutputFormat<'a>,
    losses: &mut Losses,
) -> Vec<WireTool<'a>> {
    // Anthropic cannot allow some of the tools, so the others are not told.
    let is_allowed = |tool: &Tool| match &request.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => names.contains(&tool.name),
        _ => true,
    };
    let mut tools: Vec<_> = request
        .tools
        .iter()
        .filter(|tool| is_allowed(tool))
        .filter_map(|tool| wire(tool, losses))
        .collect();
    if let Some(options) = &request.parameters.web_search {
        tools.push(WireTool::Made(web_search(&options.value())));
    }
    if let OutputFormat::Tool {
        schema,
        description,
    } = format
    {
        tools.push(WireTool::Function {
            name: format_tool::NAME,
            description: Some(description.unwrap_or(format_tool::DESCRIPTION)),
            input_schema: object_schema(Some(schema)).into_owned(),
            cache_control: None,
        });
    }
    if tools.is_empty() {
        tools = called(request);
    }
    tools
}

/// The tools that were called before, where the client offers none now: Anthropic does not take calls of tools that are
/// not told. They must not be called again.
fn called(request: &Request) -> Vec<WireTool<'_>> {
    let mut names: Vec<&str> = Vec::new();
    for part in request.messages.iter().flat_map(|it| &it.parts) {
        if let PartKind::ToolCall { name, .. } = &part.kind
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    let tool = |name| WireTool::Function {
        name,
        description: None,
        input_schema: object_schema(None).into_owned(),
        cache_control: None,
    };
    names.into_iter().map(tool).collect()
}

fn wire<'a>(tool: &'a Tool, losses: &mut Losses) -> Option<WireTool<'a>> {
    let Tool {
        name,
        description,
        kind,
        cache,
    } = tool;
    match kind {
        ToolKind::Function { parameters, strict } => {
            // Anthropic's strictness has limits of its own (how many tools, which schemas) that clients of others do
            // not know of.
            if *strict == Some(true) {
                losses.hint("tools.strict");
            }
            Some(WireTool::Function {
                name,
                description: description.as_deref(),
                input_schema: object_schema(parameters.as_ref()).into_owned(),
                cache_control: CacheControl::of(cache.as_ref()),
            })
        }
        ToolKind::Hosted { dialect, json } if *dialect == Dialect::AnthropicMessages => {
            Some(WireTool::Raw(json))
        }
        ToolKind::Hosted { dialect: _, json } if name.starts_with("web_search") => {
            Some(WireTool::Made(web_search(&json.value())))
        }
        ToolKind::Hosted { .. } => {
            losses.parameter("tools");
            None
        }
        ToolKind::Custom { format: _ } => {
            losses.parameter("tools.custom");
            None
        }
    }
}

/// Anthropic's search of the web, by the options of OpenAI's.
fn web_search(options: &Value) -> Json {
    let mut tool = json!({"type": "web_search_20250305", "name": "web_search"});
    let uses = match options["search_context_size"].as_str() {
        Some("low") => Some(1),
        Some("medium") => Some(5),
        Some("high") => Some(10),
        _ => None,
    };
    if let Some(uses) = uses {
        tool["max_uses"] = json!(uses);
    }
    let location = &options["user_location"];
    let place = location
        .get("approximate")
        .unwrap_or(location)
        .as_object()
        .filter(|it| !it.is_empty());
    if let Some(place) = place {
        let mut place = place.clone();
        place.retain(|key, value| PLACE.contains(&key.as_str()) && !value.is_null());
        place.insert("type".to_owned(), json!("approximate"));
        tool["user_location"] = Value::Object(place);
    }
    if let Some(domains) = options["filters"].get("allowed_domains") {
        tool["allowed_domains"] = domains.clone();
    }
    Json::from(&tool)
}

/// What a place consists of.
const PLACE: [&str; 4] = ["city", "country", "region", "timezone"];

fn offers_nothing(request: &Request) -> bool {
    request.tools.is_empty() && request.parameters.web_search.is_none()
}

pub(super) fn choice<'a>(
    request: &'a Request,
    format: &OutputFormat<'_>,
    tools: &[WireTool<'_>],
    generation: Generation,
    losses: &mut Losses,
) -> Option<WireChoice<'a>> {
    let one_at_a_time = request.parallel_tool_calls == Some(false);
    let wanted = match &request.tool_choice {
        Some(
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            },
        ) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required | ToolChoice::Allowed { required: true, .. }) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(name.as_str())),
        None if offers_nothing(request) && !format.is_tool() => ("none", None),
        None if one_at_a_time => ("auto", None),
        None if format.is_tool() => ("auto", None),
        None => return None,
    };
    let (kind, name) = match (wanted, format.is_tool()) {
        // An answer in JSON is a call, too.
        (("auto", _), true) if tools.len() > 1 => ("any", None),
        (("auto" | "none", _), true) => ("tool", Some(format_tool::NAME)),
        (wanted, _) => wanted,
    };
    let forced = matches!(kind, "any" | "tool");
    if tools.is_empty() || (forced && !generation.takes_forced_tools()) {
        if forced {
            losses.parameter("tool_choice");
        }
        let falls_back = !tools.is_empty();
        return falls_back.then_some(WireChoice {
            r#type: "auto",
            name: None,
            disable_parallel_tool_use: one_at_a_time,
        });
    }
    Some(WireChoice {
        r#type: kind,
        name,
        disable_parallel_tool_use: one_at_a_time && kind != "none",
    })
}
