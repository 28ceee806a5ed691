//! What Bedrock would refuse of a Converse request, as far as it is cheap to know.

use serde_json::Value;

/// Why the body is refused; `None` if it is not.
#[must_use]
pub fn rejection(body: &Value) -> Option<String> {
    check(body).err()
}

fn check(body: &Value) -> Result<(), String> {
    let fields = body.as_object().ok_or("the body is no object")?;
    for name in fields.keys() {
        if !FIELDS.contains(&name.as_str()) {
            return Err(format!("{name}: extraneous key is not permitted"));
        }
    }
    let turns = list(&body["messages"], "messages")?;
    let mut expected = "user";
    let mut tools_used = false;
    for (index, turn) in turns.iter().enumerate() {
        let place = format!("messages.{index}");
        if turn["role"] != expected {
            return Err(format!("{place}.role is not {expected}"));
        }
        expected = if expected == "user" {
            "assistant"
        } else {
            "user"
        };
        tools_used |= content(&turn["content"], &place)?;
    }
    for (index, block) in body["system"].as_array().into_iter().flatten().enumerate() {
        one_of(
            block,
            &["text", "guardContent", "cachePoint"],
            &format!("system.{index}"),
        )?;
    }
    let config = &body["toolConfig"];
    if tools_used && config.is_null() {
        return Err("The toolConfig field must be defined when using toolUse and toolResult content blocks.".to_owned());
    }
    if !config.is_null() {
        for (index, tool) in list(&config["tools"], "toolConfig.tools")?
            .iter()
            .enumerate()
        {
            let place = format!("toolConfig.tools.{index}");
            one_of(tool, &["toolSpec", "systemTool", "cachePoint"], &place)?;
        }
    }
    Ok(())
}

/// Whether there are tools in it.
fn content(content: &Value, place: &str) -> Result<bool, String> {
    let mut tools = false;
    for (index, block) in list(content, place)?.iter().enumerate() {
        let place = format!("{place}.content.{index}");
        let kind = one_of(block, BLOCKS, &place)?;
        let value = &block[kind];
        if kind == "text" && value.as_str().is_none_or(|text| text.trim().is_empty()) {
            return Err(format!(
                "The text field in the ContentBlock object at {place} is blank."
            ));
        }
        if kind == "toolUse" && !value["input"].is_object() {
            return Err(format!("{place}.toolUse.input is no object"));
        }
        if matches!(kind, "toolUse" | "toolResult") {
            tools = true;
            let id = value["toolUseId"].as_str().unwrap_or_default();
            let taken = |it: char| it.is_ascii_alphanumeric() || "_.:-".contains(it);
            if !(1..=64).contains(&id.len()) || !id.chars().all(taken) {
                return Err(format!("{place}.toolUseId is {id:?}"));
            }
        }
    }
    Ok(tools)
}

/// A list that must not be empty.
fn list<'v>(value: &'v Value, place: &str) -> Result<&'v Vec<Value>, String> {
    value
        .as_array()
        .filter(|list| !list.is_empty())
        .ok_or_else(|| format!("{place} is empty, or no list"))
}

/// The member of a union that is set.
fn one_of<'v>(value: &'v Value, members: &[&str], place: &str) -> Result<&'v str, String> {
    let keys: Vec<_> = value.as_object().into_iter().flatten().collect();
    match &keys[..] {
        [(key, _)] if members.contains(&key.as_str()) => Ok(key),
        _ => Err(format!("{place} has not one member of {members:?}")),
    }
}

const FIELDS: &[&str] = &[
    "messages",
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "promptVariables",
    "additionalModelResponseFieldPaths",
    "requestMetadata",
    "performanceConfig",
    "serviceTier",
    "outputConfig",
];

const BLOCKS: &[&str] = &[
    "text",
    "image",
    "document",
    "video",
    "audio",
    "toolUse",
    "toolResult",
    "guardContent",
    "cachePoint",
    "reasoningContent",
    "citationsContent",
    "searchResult",
];
