//! Tools, and whether the model must call one.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::{WireCache, parse};
use super::parameters::value;
use crate::chat::{Json, Tool, ToolChoice, ToolKind};
use crate::dialect::Dialect;
use crate::translate::TranslateError;

#[derive(Deserialize)]
struct WireTool<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
    #[serde(borrow)]
    custom: Option<WireCustom<'a>>,
    // What the responses API and Anthropic have without an object around it.
    name: Option<String>,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    input_schema: Option<&'a RawValue>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
    strict: Option<bool>,
    cache_control: Option<WireCache>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    strict: Option<bool>,
    cache_control: Option<WireCache>,
}

#[derive(Deserialize)]
struct WireCustom<'a> {
    name: String,
    description: Option<String>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
}

/// The tools of `tools`.
pub(super) fn read_tools(json: &str) -> Result<Vec<Tool>, TranslateError> {
    let list: Vec<&RawValue> = value("tools", json)?;
    let tools = list.into_iter().enumerate();
    tools
        .map(|(index, raw)| tool(raw, &format!("tools[{index}]")))
        .collect()
}

/// The tools of `functions`, which was there before `tools`.
pub(super) fn read_functions(json: &str) -> Result<Vec<Tool>, TranslateError> {
    let list: Vec<WireFunction<'_>> = value("functions", json)?;
    Ok(list.into_iter().map(WireFunction::tool).collect())
}

fn tool(raw: &RawValue, path: &str) -> Result<Tool, TranslateError> {
    let wire: WireTool<'_> = parse(raw, path)?;
    let cache = wire.cache_control.map(WireCache::marker);
    let kind = wire.kind.as_deref().unwrap_or("function");
    if let Some(function) = wire.function {
        let tool = function.tool();
        let cache = cache.or(tool.cache.clone());
        return Ok(Tool { cache, ..tool });
    }
    if let Some(custom) = wire.custom {
        return Ok(Tool {
            name: custom.name,
            description: custom.description,
            kind: ToolKind::Custom {
                format: custom.format.map(flat_grammar),
            },
            cache,
        });
    }
    let kind = match (kind, wire.name.as_ref(), wire.input_schema) {
        ("function", Some(_), schema) => ToolKind::Function {
            parameters: wire.parameters.or(schema).map(Json::from),
            strict: wire.strict,
        },
        ("custom", Some(_), Some(schema)) => ToolKind::Function {
            parameters: Some(Json::from(schema)),
            strict: wire.strict,
        },
        ("custom", Some(_), None) => ToolKind::Custom {
            format: wire.format.map(flat_grammar),
        },
        ("function" | "custom", ..) if wire.kind.is_some() => {
            let reason = "it is missing";
            return Err(TranslateError::invalid(format!("{path}.{kind}"), reason));
        }
        _ => {
            return Ok(Tool {
                cache,
                ..hosted(raw, wire.kind, wire.name)
            });
        }
    };
    Ok(Tool {
        name: wire.name.unwrap_or_default(),
        description: wire.description,
        kind,
        cache,
    })
}

impl WireFunction<'_> {
    fn tool(self) -> Tool {
        Tool {
            name: self.name,
            description: self.description,
            kind: ToolKind::Function {
                parameters: self.parameters.map(Json::from),
                strict: self.strict,
            },
            cache: self.cache_control.map(WireCache::marker),
        }
    }
}

/// The grammar of a custom tool without the object that chat completions put around it: as responses have it.
fn flat_grammar(raw: &RawValue) -> Json {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        grammar: &'a RawValue,
    }

    let Ok(Wire { grammar }) = serde_json::from_str(raw.get()) else {
        return Json::from(raw);
    };
    let members = grammar.get().trim_start().strip_prefix('{');
    members
        .and_then(|members| Json::parse(format!(r#"{{"type":"grammar",{members}"#)))
        .unwrap_or_else(|| Json::from(raw))
}

/// A tool that a provider runs: whose it is shows in how it is written, because LiteLLM's clients send those of any
/// provider.
fn hosted(raw: &RawValue, kind: Option<String>, name: Option<String>) -> Tool {
    let dialect = match kind.as_deref() {
        None => Dialect::Gemini,
        Some(kind) if is_dated(kind) || kind == "mcp_toolset" => Dialect::AnthropicMessages,
        Some(_) => Dialect::OpenAiResponses,
    };
    Tool {
        name: name.or(kind).unwrap_or_else(|| first_key(raw)),
        description: None,
        kind: ToolKind::Hosted {
            dialect,
            json: Json::from(raw),
        },
        cache: None,
    }
}

/// Anthropic's types end with a day: `web_search_20250305`.
fn is_dated(kind: &str) -> bool {
    kind.rsplit_once('_')
        .is_some_and(|(_, day)| day.len() == 8 && day.bytes().all(|it| it.is_ascii_digit()))
}

/// Google's tools have no type but one member with their name.
fn first_key(raw: &RawValue) -> String {
    raw.get().split('"').nth(1).unwrap_or("tool").to_owned()
}

/// A choice, and what Anthropic's shape of one says of parallel calls.
pub(super) fn read_choice(
    json: &str,
) -> Result<(Option<ToolChoice>, Option<bool>), TranslateError> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "type")]
        kind: Option<String>,
        function: Option<Named>,
        custom: Option<Named>,
        name: Option<String>,
        allowed_tools: Option<Allowed>,
        mode: Option<String>,
        tools: Option<Vec<AllowedTool>>,
        disable_parallel_tool_use: Option<bool>,
    }

    const NAME: &str = "tool_choice";
    if json.starts_with('"') {
        return Ok((
            Some(choice_word(NAME, &value::<String>(NAME, json)?)?),
            None,
        ));
    }
    let wire: Wire = value(NAME, json)?;
    let parallel = wire.disable_parallel_tool_use.map(|disable| !disable);
    let named = [wire.function, wire.custom]
        .into_iter()
        .flatten()
        .map(|it| it.name)
        .next();
    let choice = match (wire.kind.as_deref(), named.or(wire.name)) {
        (Some("allowed_tools"), _) => {
            let allowed = wire.allowed_tools.unwrap_or(Allowed {
                mode: wire.mode,
                tools: wire.tools.unwrap_or_default(),
            });
            allowed.choice()?
        }
        (Some("function" | "custom" | "tool") | None, Some(name)) => ToolChoice::Named(name),
        (Some(word), _) => choice_word("tool_choice.type", word)?,
        (None, None) => return Err(TranslateError::invalid(NAME, "it names no tool")),
    };
    Ok((Some(choice), parallel))
}

/// The choice among `functions`.
pub(super) fn read_function_call(json: &str) -> Result<ToolChoice, TranslateError> {
    const NAME: &str = "function_call";
    if json.starts_with('"') {
        return choice_word(NAME, &value::<String>(NAME, json)?);
    }
    let named: Named = value(NAME, json)?;
    Ok(ToolChoice::Named(named.name))
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Allowed {
    mode: Option<String>,
    tools: Vec<AllowedTool>,
}

#[derive(Deserialize)]
struct AllowedTool {
    function: Option<Named>,
    custom: Option<Named>,
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Allowed {
    fn choice(self) -> Result<ToolChoice, TranslateError> {
        let names = self.tools.into_iter().filter_map(|tool| {
            let named = tool.function.or(tool.custom).map(|it| it.name);
            named.or(tool.name).or(tool.kind)
        });
        let mode = self.mode.as_deref().unwrap_or("auto");
        let required = choice_word("tool_choice.allowed_tools.mode", mode)? == ToolChoice::Required;
        Ok(ToolChoice::Allowed {
            required,
            names: names.collect(),
        })
    }
}

fn choice_word(path: &str, word: &str) -> Result<ToolChoice, TranslateError> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" | "any" => Ok(ToolChoice::Required),
        other => {
            let reason = format!("`{other}` is none of `auto`, `none` and `required`");
            Err(TranslateError::invalid(path, reason))
        }
    }
}
