//! What Google would refuse of a request, as far as it is cheap to know.

use serde_json::Value;

/// Why the body is refused; `None` if it is not.
#[must_use]
pub fn rejection(body: &Value) -> Option<String> {
    check(body).err()
}

fn check(body: &Value) -> Result<(), String> {
    let fields = body.as_object().ok_or("the body is no object")?;
    if let Some(name) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("Unknown name \"{name}\": Cannot find field."));
    }
    let contents = body["contents"].as_array().filter(|list| !list.is_empty());
    let contents = contents.ok_or("contents is not specified")?;
    let mut calls = 0;
    for (index, content) in contents.iter().enumerate() {
        if !matches!(content["role"].as_str(), None | Some("user" | "model")) {
            return Err("Please use a valid role: user, model.".to_owned());
        }
        let place = format!("contents[{index}]");
        let results = parts(content, &place, "functionResponse")?;
        if results > 0 && results != calls {
            return Err("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.".to_owned());
        }
        calls = parts(content, &place, "functionCall")?;
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let functions = &tool["functionDeclarations"];
        for function in functions.as_array().into_iter().flatten() {
            schema(&function["parameters"])?;
        }
    }
    schema(&body["generationConfig"]["responseSchema"])
}

/// How many parts of this kind there are.
fn parts(content: &Value, place: &str, kind: &str) -> Result<usize, String> {
    let parts = content["parts"].as_array().filter(|list| !list.is_empty());
    let parts = parts.ok_or_else(|| format!("{place}.parts must not be empty."))?;
    for (index, part) in parts.iter().enumerate() {
        let set = DATA.iter().filter(|name| !part[**name].is_null()).count();
        if set != 1 {
            return Err(format!(
                "{place}.parts[{index}].data: required oneof field 'data' must have one initialized field"
            ));
        }
        let object = [
            &part["functionCall"]["args"],
            &part["functionResponse"]["response"],
        ];
        if object.iter().any(|it| !it.is_null() && !it.is_object()) {
            return Err(format!(
                "{place}.parts[{index}]: Proto field is not repeating, no object"
            ));
        }
    }
    Ok(parts.iter().filter(|part| !part[kind].is_null()).count())
}

/// Schemas are a part of OpenAPI's, and all else is unknown.
fn schema(schema: &Value) -> Result<(), String> {
    let Some(fields) = schema.as_object() else {
        return Ok(());
    };
    if let Some(name) = fields.keys().find(|name| !SCHEMA.contains(&name.as_str())) {
        return Err(format!(
            "Unknown name \"{name}\" at a schema: Cannot find field."
        ));
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    for inner in properties.map(|(_, value)| value).chain(choices) {
        self::schema(inner)?;
    }
    self::schema(&schema["items"])
}

const FIELDS: &[&str] = &[
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "labels",
    "serviceTier",
    "store",
];

const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

const SCHEMA: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];
