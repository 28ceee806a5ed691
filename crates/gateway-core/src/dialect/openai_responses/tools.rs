//! Tools: flat functions, custom tools, namespaces of functions, and what the provider runs.
//!
//! Other dialects have no namespaces. A function of one is called by a flat name there, and its calls go back to the
//! client with both names. A search of tools that the client runs is a function to the model.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::OWN;
use super::request::{invalid, parse};
use crate::chat::{Json, Other, Request, Tool, ToolChoice, ToolKind, Weight};
use crate::json::object;
use crate::translate::{Asked, TranslateError};

/// One tool as the client writes it.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Json>,
    strict: Option<bool>,
    format: Option<Json>,
    tools: Option<Vec<Json>>,
    execution: Option<String>,
}

/// Adds the tools in `raw` to the request.
pub(super) fn read(
    raw: &RawValue,
    path: &str,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let tools: Vec<Json> = parse(raw, path)?;
    for (at, tool) in tools.iter().enumerate() {
        one(tool, &format!("{path}[{at}]"), None, request)?;
    }
    Ok(())
}

fn one(
    json: &Json,
    path: &str,
    namespace: Option<&str>,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let written: Written = serde_json::from_str(json.text())
        .map_err(|error| invalid(path, format!("it is no tool: {error}")))?;
    let named = |written: &Written| match &written.name {
        Some(name) => Ok(name.clone()),
        None => Err(invalid(&format!("{path}.name"), "it is missing")),
    };
    let kind = match written.kind.as_str() {
        "function" => {
            let name = named(&written)?;
            let name = namespace.map_or(name.clone(), |space| flat(space, &name));
            add(
                request,
                name,
                written.description,
                function(written.parameters, written.strict),
            );
            return Ok(());
        }
        "custom" => {
            let name = named(&written)?;
            let name = namespace.map_or(name.clone(), |space| flat(space, &name));
            let kind = ToolKind::Custom {
                format: written.format,
            };
            add(request, name, written.description, kind);
            return Ok(());
        }
        "namespace" => {
            let name = named(&written)?;
            for (at, tool) in written.tools.unwrap_or_default().iter().enumerate() {
                one(tool, &format!("{path}.tools[{at}]"), Some(&name), request)?;
            }
            return Ok(());
        }
        "tool_search" if written.execution.as_deref() == Some("client") => {
            let kind = function(written.parameters, None);
            add(request, SEARCH.to_owned(), written.description, kind);
            return Ok(());
        }
        hosted => hosted,
    };
    if is_optional(kind) {
        request.other.push(Other {
            name: format!("tools.{kind}"),
            value: json.clone(),
            weight: Weight::Hint,
        });
    } else {
        let tool = ToolKind::Hosted {
            dialect: OWN,
            json: json.clone(),
        };
        add(request, kind.to_owned(), None, tool);
    }
    Ok(())
}

fn function(parameters: Option<Json>, strict: Option<bool>) -> ToolKind {
    ToolKind::Function { parameters, strict }
}

/// A tool that is there already stays as it is: a search may find what was found before.
fn add(request: &mut Request, name: String, description: Option<String>, kind: ToolKind) {
    if request.tools.iter().any(|tool| tool.name == name) {
        return;
    }
    request.tools.push(Tool {
        name,
        description,
        kind,
        cache: None,
    });
}

/// Tools of the provider that agents offer in every request, whatever it is about: without them the model works with
/// what else it has. Others were chosen for the question, and the answer is not the same without them.
fn is_optional(kind: &str) -> bool {
    kind.starts_with("web_search") || matches!(kind, "image_generation" | "tool_search")
}

/// Reads `tool_choice` in all of its forms.
pub(super) fn choice(raw: &RawValue, request: &mut Request) -> Result<(), TranslateError> {
    #[derive(Deserialize)]
    struct Object {
        #[serde(rename = "type")]
        kind: String,
        name: Option<String>,
        namespace: Option<String>,
        mode: Option<String>,
        tools: Option<Vec<Self>>,
    }
    let is_named = |object: &Object| matches!(object.kind.as_str(), "function" | "custom");
    let name = |object: Object| {
        let name = object.name?;
        Some(object.namespace.map_or(name.clone(), |it| flat(&it, &name)))
    };
    if raw.get().starts_with('"') {
        let word: String = parse(raw, "tool_choice")?;
        request.tool_choice = Some(match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => {
                let known = "it must be `auto`, `none`, `required` or an object";
                return Err(invalid("tool_choice", known));
            }
        });
        return Ok(());
    }
    let object: Object = parse(raw, "tool_choice")?;
    if is_named(&object) {
        let missing = invalid("tool_choice.name", "it is missing");
        request.tool_choice = Some(ToolChoice::Named(name(object).ok_or(missing)?));
        return Ok(());
    }
    if object.kind == "allowed_tools" {
        let required = object.mode.as_deref() == Some("required");
        let tools = object.tools.unwrap_or_default();
        let names = tools.into_iter().filter(is_named).filter_map(name);
        request.tool_choice = Some(ToolChoice::Allowed {
            required,
            names: names.collect(),
        });
        return Ok(());
    }
    // A tool of the provider that must be used: without it the answer is another one.
    request.other.push(Other {
        name: "tool_choice".to_owned(),
        value: raw.into(),
        weight: Weight::Parameter,
    });
    Ok(())
}

/// The flat name of a namespace's tool.
pub(super) fn flat(namespace: &str, name: &str) -> String {
    if namespace.ends_with('_') {
        format!("{namespace}{name}")
    } else {
        format!("{namespace}__{name}")
    }
}

/// What calls of a tool are to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called<'a> {
    /// A call of this function.
    Function {
        namespace: Option<&'a str>,
        name: &'a str,
    },
    /// A search of tools that the client runs.
    Search,
}

/// The flat names of a request, and what they stand for.
#[derive(Debug, Default)]
pub(super) struct FlatNames {
    /// Flat name, namespace, name.
    spaces: Vec<(String, String, String)>,
    has_search: bool,
}

impl FlatNames {
    /// Of the tools that a request has, and those that its conversation has brought.
    pub(super) fn of(asked: &Asked) -> Self {
        let mut names = Self::default();
        let lists = asked
            .echo
            .iter()
            .filter(|(name, _)| name.ends_with("tools"));
        for (_, list) in lists {
            names.add(list.text());
        }
        names
    }

    fn add(&mut self, list: &str) {
        if !list.contains("\"namespace\"") && !list.contains("\"tool_search\"") {
            return;
        }
        let tools: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
        for tool in tools
            .into_iter()
            .filter_map(|tool| object::<Written>(tool.get()))
        {
            match tool.kind.as_str() {
                "tool_search" => self.has_search = true,
                "namespace" => {
                    let space = tool.name.unwrap_or_default();
                    for inner in tool.tools.unwrap_or_default() {
                        let inner: Option<Written> = object(inner.text());
                        if let Some(name) = inner.and_then(|inner| inner.name) {
                            self.spaces.push((flat(&space, &name), space.clone(), name));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// What a call of this name is to the client.
    pub(super) fn called<'a>(&'a self, name: &'a str) -> Called<'a> {
        if self.has_search && name == SEARCH {
            return Called::Search;
        }
        let found = self.spaces.iter().find(|(flat, ..)| flat == name);
        match found {
            Some((_, namespace, name)) => Called::Function {
                namespace: Some(namespace),
                name,
            },
            None => Called::Function {
                namespace: None,
                name,
            },
        }
    }
}

/// The function that stands for a search of tools.
pub(super) const SEARCH: &str = "tool_search";
