//! The items of a conversation.
//!
//! What the model said and called in a row is one message of the assistant, what tools answered in a row one of the user.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{hint, invalid, parse};
use super::{OWN, content, tools};
use crate::chat::{
    Json, Message, Other, Part, PartKind, Request, Role, Signature, Weight, unsigned_id,
};
use crate::json::object;
use crate::translate::TranslateError;

/// One item as the client writes it.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    id: Option<String>,
    call_id: Option<String>,
    name: Option<String>,
    namespace: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    input: Option<String>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    summary: Option<Vec<Summary>>,
    encrypted_content: Option<String>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    operation: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Summary {
    text: String,
}

/// Reads `input`: a text, or a list of items.
pub(super) fn read(raw: &RawValue, request: &mut Request) -> Result<(), TranslateError> {
    if raw.get().starts_with('"') {
        let text: String = parse(raw, "input")?;
        request
            .messages
            .push(Message::new(Role::User, vec![Part::text(text)]));
        return Ok(());
    }
    if !raw.get().starts_with('[') {
        return Err(invalid("input", "it must be a text or a list of items"));
    }
    let items: Vec<Json> = parse(raw, "input")?;
    let mut turns = Turns::default();
    for (at, json) in items.iter().enumerate() {
        item(json, &format!("input[{at}]"), &mut turns, request)?;
    }
    turns.flush(request);
    Ok(())
}

fn item(
    json: &Json,
    path: &str,
    turns: &mut Turns,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let item: Item<'_> = serde_json::from_str(json.text())
        .map_err(|error| invalid(path, format!("it is no item of a conversation: {error}")))?;
    let kind = match (item.kind.clone(), &item.role, &item.id) {
        (Some(kind), ..) => kind,
        (None, Some(_), _) => "message".to_owned(),
        (None, None, Some(_)) => "item_reference".to_owned(),
        (None, None, None) => return Err(invalid(&format!("{path}.type"), "it is missing")),
    };
    let kind = kind.as_str();
    match kind {
        "message" => message(&item, path, turns, request),
        "reasoning" => {
            reasoning(item, turns, request);
            Ok(())
        }
        "item_reference" => reference(&item, json, path, request),
        "additional_tools" => read_tools(&item, path, request),
        "tool_search_output" => {
            read_tools(&item, path, request)?;
            match item.call_id.is_some() {
                true => result(&item, kind, path, turns, request),
                false => Ok(()),
            }
        }
        _ if kind.ends_with("_call_output") => result(&item, kind, path, turns, request),
        _ if kind.ends_with("_call") && item.call_id.is_some() => {
            call(item, kind, path, turns, request)
        }
        _ => {
            // What the provider's own tools did, which no other provider can make use of; anything else may matter.
            let weight = match kind.ends_with("_call") || kind == "mcp_list_tools" {
                true => Weight::Hint,
                false => Weight::Parameter,
            };
            let name = format!("input.{kind}");
            let value = json.clone();
            request.other.push(Other {
                name,
                value,
                weight,
            });
            Ok(())
        }
    }
}

fn message(
    item: &Item<'_>,
    path: &str,
    turns: &mut Turns,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let role = match item.role.as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system") => Role::System,
        Some("developer") => Role::Developer,
        Some(_) => {
            let known = "it must be `user`, `assistant`, `system` or `developer`";
            return Err(invalid(&format!("{path}.role"), known));
        }
        None => return Err(invalid(&format!("{path}.role"), "it is missing")),
    };
    let path = format!("{path}.content");
    let content = item
        .content
        .ok_or_else(|| invalid(&path, "it is missing"))?;
    let parts = content::read(content, &path)?;
    if role == Role::Assistant {
        for part in parts {
            turns.say(part, request);
        }
    } else {
        turns.flush(request);
        request.messages.push(Message::new(role, parts));
    }
    Ok(())
}

fn reasoning(item: Item<'_>, turns: &mut Turns, request: &mut Request) {
    let summary: Vec<String> = item
        .summary
        .into_iter()
        .flatten()
        .map(|it| it.text)
        .collect();
    let mut text = summary.join("\n\n");
    if text.is_empty()
        && let Some(content) = item.content
    {
        // Open models give their thoughts as they are.
        let thoughts: Vec<Summary> = serde_json::from_str(content.get()).unwrap_or_default();
        text = thoughts.into_iter().map(|it| it.text).collect();
    }
    let signature = item.encrypted_content.filter(|text| !text.is_empty());
    let signature = signature.map(|text| Signature::untagged(&text, OWN));
    let kind = match signature {
        Some(Signature { by, value }) if by != Some(OWN) => {
            if let Some(value) = value.strip_prefix(REDACTED) {
                let value = value.to_owned();
                PartKind::RedactedThinking {
                    signature: Signature { by, value },
                }
            } else if let Some(value) = value.strip_prefix(BEFORE) {
                let value = value.to_owned();
                return turns.sign(Signature { by, value });
            } else {
                PartKind::Thinking {
                    text,
                    signature: Some(Signature { by, value }),
                    // Made up by the gateway, like every id of what another provider thought.
                    id: None,
                }
            }
        }
        signature => PartKind::Thinking {
            text,
            signature,
            id: item.id,
        },
    };
    turns.say(Part::new(kind), request);
}

/// Thoughts that are kept elsewhere may be forgotten; the answer is not the same without what was said.
fn reference(
    item: &Item<'_>,
    json: &Json,
    path: &str,
    request: &mut Request,
) -> Result<(), TranslateError> {
    if item.id.as_deref().is_some_and(|id| id.starts_with("rs_")) {
        hint(request, "input.item_reference".to_owned(), json.clone());
        return Ok(());
    }
    Err(invalid(
        path,
        "this model's provider keeps no items to refer to; send the item itself (set `store` to false, then clients do)",
    ))
}

fn read_tools(item: &Item<'_>, path: &str, request: &mut Request) -> Result<(), TranslateError> {
    match item.tools {
        Some(raw) => tools::read(raw, &format!("{path}.tools"), request),
        None => Ok(()),
    }
}

/// A call that the client answers: of a function, of a custom tool, or of a tool whose shape the provider knows.
fn call(
    item: Item<'_>,
    kind: &str,
    path: &str,
    turns: &mut Turns,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let missing = |name: &str| invalid(&format!("{path}.{name}"), "it is missing");
    let own = kind.strip_suffix("_call").unwrap_or(kind).to_owned();
    let custom = kind == "custom_tool_call";
    let name = match kind {
        "function_call" | "custom_tool_call" => item.name.ok_or_else(|| missing("name"))?,
        _ => own,
    };
    let arguments = match (custom, kind) {
        (true, _) => item.input.ok_or_else(|| missing("input"))?,
        (false, "function_call") => {
            let raw = item.arguments.ok_or_else(|| missing("arguments"))?;
            text_of(raw)
        }
        _ => [item.arguments, item.action, item.operation]
            .into_iter()
            .flatten()
            .next()
            .map_or_else(|| "{}".to_owned(), text_of),
    };
    let id = item.call_id.ok_or_else(|| missing("call_id"))?;
    let (id, signature) = unsigned_id(&id);
    let call = PartKind::ToolCall {
        id: id.to_owned(),
        name: item
            .namespace
            .map_or(name.clone(), |space| tools::flat(&space, &name)),
        arguments,
        custom,
        signature,
    };
    turns.say(Part::new(call), request);
    Ok(())
}

fn result(
    item: &Item<'_>,
    kind: &str,
    path: &str,
    turns: &mut Turns,
    request: &mut Request,
) -> Result<(), TranslateError> {
    let missing = |name: &str| invalid(&format!("{path}.{name}"), "it is missing");
    let output = item
        .output
        .or(item.tools)
        .ok_or_else(|| missing("output"))?;
    let is_content = output.get().starts_with('"')
        || (output.get().starts_with('[')
            && !matches!(kind, "shell_call_output" | "tool_search_output"));
    let parts = match is_content {
        true => content::read(output, &format!("{path}.output"))?,
        // A picture of the screen is an object of its own.
        false if kind == "computer_call_output" => {
            let list = Json::parse(format!("[{}]", output.get()));
            match list.as_ref().and_then(|it| object_list(it)) {
                Some(list) => content::read(list, &format!("{path}.output"))?,
                None => vec![Part::text(output.get())],
            }
        }
        false => vec![Part::text(output.get())],
    };
    let id = item.call_id.as_deref().ok_or_else(|| missing("call_id"))?;
    let result = PartKind::ToolResult {
        id: unsigned_id(id).0.to_owned(),
        name: item.name.clone(),
        parts,
        is_error: false,
        custom: kind == "custom_tool_call_output",
    };
    turns.answer(Part::new(result), request);
    Ok(())
}

fn object_list(json: &Json) -> Option<&RawValue> {
    serde_json::from_str(json.text()).ok()
}

/// Arguments are a text that holds JSON; where they are JSON themselves, that is the text.
fn text_of(raw: &RawValue) -> String {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
}

/// The tools that came with the conversation, as lists.
pub(super) fn tools_in(input: &Json) -> Vec<Json> {
    #[derive(Deserialize)]
    struct WithTools {
        #[serde(rename = "type")]
        kind: Option<String>,
        tools: Option<Json>,
    }
    if !input.text().contains("\"tools\"") {
        return Vec::new();
    }
    let items: Vec<&RawValue> = serde_json::from_str(input.text()).unwrap_or_default();
    let items = items
        .into_iter()
        .filter_map(|it| object::<WithTools>(it.get()));
    items
        .filter(|it| {
            matches!(
                it.kind.as_deref(),
                Some("additional_tools" | "tool_search_output")
            )
        })
        .filter_map(|it| it.tools)
        .collect()
}

/// What is said in a row.
#[derive(Default)]
struct Turns {
    said: Vec<Part>,
    answered: Vec<Part>,
}

impl Turns {
    /// The assistant says it.
    fn say(&mut self, part: Part, request: &mut Request) {
        if !self.answered.is_empty() {
            self.flush(request);
        }
        self.said.push(part);
    }

    /// A tool answers it.
    fn answer(&mut self, part: Part, request: &mut Request) {
        if !self.said.is_empty() {
            let said = std::mem::take(&mut self.said);
            request.messages.push(Message::new(Role::Assistant, said));
        }
        self.answered.push(part);
    }

    /// What came last was signed.
    fn sign(&mut self, by_maker: Signature) {
        if let Some(PartKind::ToolCall { signature, .. } | PartKind::Text { signature, .. }) =
            self.said.last_mut().map(|part| &mut part.kind)
        {
            *signature = Some(by_maker);
        }
    }

    fn flush(&mut self, request: &mut Request) {
        for (role, parts) in [
            (Role::Assistant, std::mem::take(&mut self.said)),
            (Role::User, std::mem::take(&mut self.answered)),
        ] {
            if !parts.is_empty() {
                request.messages.push(Message::new(role, parts));
            }
        }
    }
}

/// Before the encrypted thoughts of another provider that were given without any text.
pub(super) const REDACTED: &str = "redacted.";

/// Before the signature of another provider that belongs to the item before it.
pub(super) const BEFORE: &str = "before.";
