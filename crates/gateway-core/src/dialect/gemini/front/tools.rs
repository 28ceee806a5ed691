//! What the model may call, and whether it must.

use serde_json::Value;
use serde_json::value::RawValue;

use super::camel;
use super::request::{many, members, other, parsed};
use super::schema::json_schema;
use crate::chat::{Json, Request, Tool, ToolChoice, ToolKind, Weight};
use crate::dialect::Dialect;
use crate::translate::TranslateError;

/// Reads `tools`.
pub(super) fn read(value: &RawValue, request: &mut Request) -> Result<(), TranslateError> {
    for (index, tool) in many(value, "tools")?.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        for (key, value) in members(tool, &path)? {
            if value.get() == "null" {
                continue;
            }
            let name = camel(&key);
            match &*name {
                "functionDeclarations" => {
                    let path = format!("{path}.functionDeclarations");
                    for (at, function) in many(value, &path)?.into_iter().enumerate() {
                        request
                            .tools
                            .push(declared(function, &format!("{path}[{at}]"))?);
                    }
                }
                "googleSearch" | "googleSearchRetrieval" => {
                    request.parameters.web_search = Json::parse("{}");
                    if members(value, &path).is_ok_and(|options| !options.is_empty()) {
                        other(request, &format!("{path}.{key}"), value, Weight::Hint);
                    }
                }
                _ => request.tools.push(hosted(&name, value)),
            }
        }
    }
    Ok(())
}

/// A function that the client runs.
fn declared(value: &RawValue, path: &str) -> Result<Tool, TranslateError> {
    let mut name = None;
    let mut description = None;
    let mut parameters = None;
    for (key, value) in members(value, path)? {
        match &*camel(&key) {
            "name" => name = parsed::<Option<String>>(value, &format!("{path}.name"))?,
            "description" => description = parsed(value, &format!("{path}.description"))?,
            "parametersJsonSchema" if value.get() != "null" => parameters = Some(Json::from(value)),
            "parameters" if value.get() != "null" => {
                let schema: Value = parsed(value, &format!("{path}.parameters"))?;
                parameters = Some(Json::from(&json_schema(schema)));
            }
            // What it answers is for the reader of the declaration.
            _ => {}
        }
    }
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
        TranslateError::invalid(format!("{path}.name"), "a function must have a name")
    })?;
    Ok(Tool {
        name,
        description,
        kind: ToolKind::Function {
            parameters,
            strict: None,
        },
        cache: None,
    })
}

/// A tool that Google runs.
fn hosted(name: &str, value: &RawValue) -> Tool {
    let json = Json::parse(format!("{{\"{name}\":{value}}}"));
    Tool {
        name: name.to_owned(),
        description: None,
        kind: ToolKind::Hosted {
            dialect: Dialect::Gemini,
            json: json.unwrap_or_else(|| Json::from(value)),
        },
        cache: None,
    }
}

/// Reads `toolConfig`.
pub(super) fn read_config(value: &RawValue, request: &mut Request) -> Result<(), TranslateError> {
    for (key, value) in members(value, "toolConfig")? {
        match &*camel(&key) {
            _ if value.get() == "null" => {}
            "functionCallingConfig" => request.tool_choice = choice(value)?,
            name => {
                let name = format!("toolConfig.{name}");
                other(request, &name, value, Weight::Parameter);
            }
        }
    }
    Ok(())
}

fn choice(value: &RawValue) -> Result<Option<ToolChoice>, TranslateError> {
    const PATH: &str = "toolConfig.functionCallingConfig";
    let mut mode: Option<String> = None;
    let mut names: Vec<String> = Vec::new();
    for (key, value) in members(value, PATH)? {
        match &*camel(&key) {
            "mode" => mode = parsed(value, &format!("{PATH}.mode"))?,
            "allowedFunctionNames" => {
                let path = format!("{PATH}.allowedFunctionNames");
                names = parsed::<Option<_>>(value, &path)?.unwrap_or_default();
            }
            _ => {}
        }
    }
    let mode = mode.map(|mode| mode.to_ascii_uppercase());
    Ok(Some(match mode.as_deref() {
        None | Some("MODE_UNSPECIFIED") => return Ok(None),
        Some("NONE") => ToolChoice::None,
        Some("ANY") => match <[String; 1]>::try_from(names) {
            Ok([name]) => ToolChoice::Named(name),
            Err(names) if names.is_empty() => ToolChoice::Required,
            Err(names) => ToolChoice::Allowed {
                required: true,
                names,
            },
        },
        Some("AUTO" | "VALIDATED") if names.is_empty() => ToolChoice::Auto,
        Some("AUTO" | "VALIDATED") => ToolChoice::Allowed {
            required: false,
            names,
        },
        Some(_) => {
            return Err(TranslateError::invalid(
                format!("{PATH}.mode"),
                "it must be `AUTO`, `ANY`, `NONE` or `VALIDATED`",
            ));
        }
    }))
}
