//! Tools, and the schema of an answer where a tool stands for it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::json;

use super::Body;
use super::content::{Block, CachePoint};
use super::fields::OutputConfig;
use super::messages::SystemBlock;
use crate::chat::{Format, Json, Tool, ToolChoice, ToolKind};
use crate::dialect::bedrock_converse::answer::SCHEMA_TOOL;
use crate::dialect::bedrock_converse::family::{Family, is_structured};
use crate::dialect::structured::{self, Tree, object_schema};
use crate::translate::{Losses, Target};

/// What the client wants of tools.
pub(super) struct Asked<'a> {
    pub(super) tools: &'a [Tool],
    pub(super) choice: Option<&'a ToolChoice>,
    pub(super) parallel: Option<bool>,
    pub(super) format: Option<&'a Format>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolConfig<'a> {
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WireTool<'a> {
    ToolSpec(Spec<'a>),
    CachePoint(CachePoint<'a>),
    #[serde(untagged)]
    Own(&'a Json),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Schema<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct Schema<'a> {
    json: Cow<'a, Json>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Choice<'a> {
    Auto {},
    Any {},
    Tool { name: &'a str },
}

/// Writes the tools, who must be called, and the form of the answer.
pub(super) fn write<'a>(
    asked: &Asked<'a>,
    target: &Target<'_>,
    body: &mut Body<'a>,
    losses: &mut Losses,
) {
    let mut config = ToolConfig::default();
    let family = Family::of(target.model);
    let has_history = body
        .blocks()
        .any(|block| matches!(block, Block::ToolUse(_) | Block::ToolResult(_)));
    // Nobody can call a tool that is not there: that is all that "none" wants.
    let silent = asked.choice == Some(&ToolChoice::None);
    if !silent || has_history {
        let writer = Tools {
            family,
            strict: strict_allowed(asked.tools, target),
        };
        writer.write(asked, &mut config, losses);
    }
    if silent && has_history && !config.tools.is_empty() {
        losses.parameter("tool_choice");
    }
    if config.tools.is_empty() && has_history {
        config.tools = mentioned(body);
    } else if !silent {
        config.tool_choice = asked.choice.and_then(choice);
    }
    if asked.parallel == Some(false) && !config.tools.is_empty() && !silent {
        one_at_a_time(asked, family, body, losses);
    }
    if let Some(format) = asked.format {
        form(format, target, (body, losses), &mut config);
    }
    if config.is_forced() && body.thinks() {
        // Claude cannot be made to call a tool while it thinks.
        body.think_not();
        losses.hint("reasoning_effort");
    }
    if !config.tools.is_empty() {
        body.tool_config = Some(config);
    }
}

impl ToolConfig<'_> {
    fn is_forced(&self) -> bool {
        matches!(self.tool_choice, Some(Choice::Any {} | Choice::Tool { .. }))
    }
}

struct Tools {
    family: Family,
    strict: bool,
}

impl Tools {
    fn write<'a>(&self, asked: &Asked<'a>, config: &mut ToolConfig<'a>, losses: &mut Losses) {
        let allowed = match asked.choice {
            Some(ToolChoice::Allowed { names, .. }) => Some(names),
            _ => None,
        };
        for (index, tool) in asked.tools.iter().enumerate() {
            let Tool {
                name,
                description,
                kind,
                cache,
            } = tool;
            if allowed.is_some_and(|names| !names.contains(name)) {
                continue;
            }
            match kind {
                ToolKind::Function { parameters, strict } => {
                    let strict = *strict == Some(true);
                    if strict && !self.strict {
                        losses.hint("strict");
                    }
                    config.tools.push(WireTool::ToolSpec(Spec {
                        name: Cow::Borrowed(name),
                        description: description.as_deref().filter(|it| !it.is_empty()),
                        input_schema: Schema::of(parameters.as_ref(), self.family),
                        strict: (strict && self.strict).then_some(true),
                    }));
                }
                ToolKind::Hosted {
                    dialect: crate::dialect::Dialect::BedrockConverse,
                    json,
                } => config.tools.push(WireTool::Own(json)),
                ToolKind::Custom { .. } | ToolKind::Hosted { .. } => {
                    losses.parameter(format!("tools[{index}]"));
                    continue;
                }
            }
            match cache {
                Some(marker) if self.family.caches_tools() => {
                    config
                        .tools
                        .push(WireTool::CachePoint(CachePoint::of(marker)));
                }
                Some(_) => losses.hint("cache_control"),
                None => {}
            }
        }
    }
}

impl<'a> Schema<'a> {
    fn of(parameters: Option<&'a Json>, family: Family) -> Self {
        let schema = object_schema(parameters);
        let json = match family {
            Family::Nova | Family::Nova2 => Cow::Owned(of_nova(&schema)),
            _ => schema,
        };
        Self { json }
    }
}

/// Nova knows three members of the outermost object, and no references out of it.
fn of_nova(schema: &Json) -> Json {
    let Some(mut tree) = Tree::read(schema).map(|it| structured::inlined(&it)) else {
        return schema.clone();
    };
    if let Tree::Object(members) = &mut tree {
        members.retain(|(key, _)| ["type", "properties", "required"].contains(&key.as_str()));
    }
    tree.json()
}

/// A model that can be held to schemas takes twenty strict tools.
fn strict_allowed(tools: &[Tool], target: &Target<'_>) -> bool {
    let is_strict = |tool: &&Tool| {
        matches!(
            tool.kind,
            ToolKind::Function {
                strict: Some(true),
                ..
            }
        )
    };
    is_structured(target.model) && tools.iter().filter(is_strict).count() <= 20
}

/// Bedrock refuses calls and results in the messages where there are no tools. So the tools that were called are told,
/// as far as they are known.
fn mentioned<'a>(body: &Body<'a>) -> Vec<WireTool<'a>> {
    let mut names: Vec<&'a str> = Vec::new();
    for block in body.blocks() {
        if let Block::ToolUse(call) = block
            && !names.contains(&call.name)
        {
            names.push(call.name);
        }
    }
    if names.is_empty() {
        names.push("unknown");
    }
    let spec = |name| {
        WireTool::ToolSpec(Spec {
            name: Cow::Borrowed(name),
            description: None,
            input_schema: Schema::of(None, Family::Unknown),
            strict: None,
        })
    };
    names.into_iter().map(spec).collect()
}

fn choice(choice: &ToolChoice) -> Option<Choice<'_>> {
    match choice {
        ToolChoice::Auto
        | ToolChoice::Allowed {
            required: false, ..
        } => Some(Choice::Auto {}),
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => Some(Choice::Any {}),
        ToolChoice::Named(name) => Some(Choice::Tool { name }),
        ToolChoice::None => None,
    }
}

/// Only Claude can be told to call one tool at a time, in its own words.
fn one_at_a_time(asked: &Asked<'_>, family: Family, body: &mut Body<'_>, losses: &mut Losses) {
    if family != Family::Claude {
        // With one function it hardly ever matters.
        return match asked.tools {
            [_] => losses.hint("parallel_tool_calls"),
            _ => losses.parameter("parallel_tool_calls"),
        };
    }
    let mut own = match asked.choice.and_then(choice) {
        Some(Choice::Any {}) => json!({"type": "any"}),
        Some(Choice::Tool { name }) => json!({"type": "tool", "name": name}),
        _ => json!({"type": "auto"}),
    };
    own["disable_parallel_tool_use"] = json!(true);
    body.additional_model_request_fields
        .insert("tool_choice".to_owned(), own);
}

/// Holds the answer to a schema: by the model's own means, else by a tool that must be called with the answer.
fn form<'a>(
    format: &'a Format,
    target: &Target<'_>,
    (body, losses): (&mut Body<'a>, &mut Losses),
    config: &mut ToolConfig<'a>,
) {
    let (schema, description) = match format {
        Format::Text => return,
        Format::JsonObject => {
            // A tool that takes any object is called with an empty one.
            losses.hint("response_format");
            body.system.push(SystemBlock::Text(ANY_OBJECT));
            return;
        }
        Format::JsonSchema {
            name,
            description,
            schema,
            strict,
        } => {
            let wanted = is_structured(target.model) && *strict != Some(false);
            let held = Tree::read(schema)
                .filter(|it| wanted && (*strict == Some(true) || !structured::is_open(it)));
            if let Some(tree) = held {
                let names = (name.as_deref(), description.as_deref());
                let schema = structured::supported(tree).json();
                body.output_config = Some(OutputConfig::of(&schema, names));
                return;
            }
            (schema, description.as_deref())
        }
    };
    let only = config.tools.is_empty();
    config.tools.push(WireTool::ToolSpec(Spec {
        name: Cow::Borrowed(SCHEMA_TOOL),
        description: Some(description.unwrap_or("Gives the answer to the user.")),
        input_schema: Schema::of(Some(schema), Family::of(target.model)),
        strict: None,
    }));
    // Claude cannot be made to call a tool while it thinks.
    if config.tool_choice.is_none() && !body.thinks() {
        config.tool_choice = Some(match only {
            true => Choice::Tool { name: SCHEMA_TOOL },
            false => Choice::Any {},
        });
    }
}

/// What a model is told whose answer shall be an object, whatever it holds.
const ANY_OBJECT: &str =
    "Answer with one JSON object and nothing else: no other words, no code fence.";
