//! The tools that a model may call.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::OWN;
use crate::chat::{Json, Tool, ToolChoice, ToolKind};
use crate::translate::{Losses, TranslateError};

/// A tool as the provider is told it.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Offered<'a> {
    Function {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        parameters: Option<&'a Json>,
        /// The provider's default is yes, that of every other dialect no.
        strict: bool,
    },
    Custom {
        name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Json>,
    },
    #[serde(untagged)]
    Hosted(&'a Json),
    #[serde(untagged)]
    Made(Value),
}

/// `tool_choice`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(&'static str),
    One(Named<'a>),
    Allowed {
        r#type: &'static str,
        mode: &'static str,
        tools: Vec<Named<'a>>,
    },
}

#[derive(Serialize)]
pub(super) struct Named<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// The tools, but for those that another provider runs.
pub(super) fn tools<'a>(
    tools: &'a [Tool],
    losses: &mut Losses,
) -> Result<Vec<Offered<'a>>, TranslateError> {
    let mut offered = Vec::with_capacity(tools.len());
    for tool in tools {
        let Tool {
            name,
            description,
            kind,
            cache,
        } = tool;
        if cache.is_some() {
            losses.hint("cache_control");
        }
        let description = description.as_deref();
        offered.push(match kind {
            ToolKind::Function { parameters, strict } => Offered::Function {
                name,
                description,
                parameters: parameters.as_ref(),
                strict: strict.unwrap_or(false),
            },
            ToolKind::Custom { format } => Offered::Custom {
                name,
                description,
                format: format.as_ref().map(flat),
            },
            ToolKind::Hosted { dialect: OWN, json } => Offered::Hosted(json),
            ToolKind::Hosted { json, .. } if searches_the_web(json) => {
                Offered::Made(json!({"type": "web_search"}))
            }
            ToolKind::Hosted { .. } => {
                losses.parameter(format!("tools.{name}"));
                continue;
            }
        });
    }
    Ok(offered)
}

/// Chat completions have the grammar in an object of its own.
fn flat(format: &Json) -> Json {
    let mut value = format.value();
    let Some(Value::Object(grammar)) = value.get_mut("grammar").map(Value::take) else {
        return format.clone();
    };
    let mut flat = grammar;
    flat.insert("type".to_owned(), json!("grammar"));
    Json::from(&Value::Object(flat))
}

fn searches_the_web(json: &Json) -> bool {
    ["web_search", "google_search", "googleSearch"]
        .iter()
        .any(|name| json.text().contains(name))
}

/// The search of the web that chat completions ask for with a parameter.
pub(super) fn web_search(options: &Json) -> Offered<'static> {
    let options = options.value();
    let mut tool = json!({"type": "web_search"});
    if let Some(size) = options.get("search_context_size") {
        tool["search_context_size"] = size.clone();
    }
    if let Some(Value::Object(place)) = options.pointer("/user_location/approximate") {
        let mut place = place.clone();
        place.insert("type".to_owned(), json!("approximate"));
        tool["user_location"] = Value::Object(place);
    }
    Offered::Made(tool)
}

pub(super) fn choice<'a>(choice: &'a ToolChoice, tools: &'a [Tool]) -> Choice<'a> {
    match choice {
        ToolChoice::Auto => Choice::Word("auto"),
        ToolChoice::None => Choice::Word("none"),
        ToolChoice::Required => Choice::Word("required"),
        ToolChoice::Named(name) => Choice::One(named(name, tools)),
        ToolChoice::Allowed { required, names } => Choice::Allowed {
            r#type: "allowed_tools",
            mode: if *required { "required" } else { "auto" },
            tools: names.iter().map(|name| named(name, tools)).collect(),
        },
    }
}

fn named<'a>(name: &'a str, tools: &'a [Tool]) -> Named<'a> {
    let tool = tools.iter().find(|tool| tool.name == name);
    let (kind, name) = match tool.map(|tool| &tool.kind) {
        Some(ToolKind::Custom { .. }) => ("custom", Some(name)),
        Some(ToolKind::Hosted { .. }) => (name, None),
        _ => ("function", Some(name)),
    };
    Named { r#type: kind, name }
}
