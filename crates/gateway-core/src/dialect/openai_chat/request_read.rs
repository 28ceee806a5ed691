//! A client's request: <https://platform.openai.com/docs/api-reference/chat/create>.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::assistant_read::{Sender, WireAssistant, legacy_id, text_or_json};
use super::content::{self, WireCache, parse};
use super::parameters::{Known, members, other, read_chat_parameter, value};
use super::tools_read::{read_choice, read_function_call, read_functions, read_tools};
use crate::chat::{Json, Message, Part, PartKind, Request, Role, unsigned_id};
use crate::envelope::Envelope;
use crate::translate::TranslateError;

/// Reads a request.
pub(super) fn read_request(envelope: &Envelope) -> Result<Request, TranslateError> {
    let request = read_parameters(envelope)?;
    if request.messages.is_empty() {
        let reason = "it must be a list with at least one message";
        return Err(TranslateError::invalid("messages", reason));
    }
    Ok(request)
}

/// Reads a request that need not have messages: the parameters that an operator wants for every call.
pub(crate) fn read_parameters(envelope: &Envelope) -> Result<Request, TranslateError> {
    let mut request = Request {
        model: envelope.model().unwrap_or_default().to_owned(),
        stream: envelope.stream(),
        ..Request::default()
    };
    for (name, json) in members(envelope) {
        match name {
            "model" | "stream" => {}
            "messages" => request.messages = read_messages(json)?,
            "tools" => request.tools.extend(read_tools(json)?),
            "functions" => request.tools.extend(read_functions(json)?),
            "tool_choice" => {
                let (choice, parallel) = read_choice(json)?;
                request.tool_choice = choice;
                request.parallel_tool_calls = request.parallel_tool_calls.or(parallel);
            }
            "function_call" => request.tool_choice = Some(read_function_call(json)?),
            "parallel_tool_calls" => request.parallel_tool_calls = Some(value(name, json)?),
            _ => {
                if read_chat_parameter(&mut request.parameters, name, json)? == Known::No {
                    request.other.extend(other(name, json));
                }
            }
        }
    }
    Ok(request)
}

/// What the writer of the answer must know: a client of `functions` expects a `function_call`.
pub(super) fn echo(envelope: &Envelope) -> Vec<(&'static str, Json)> {
    let is_legacy = envelope.field(FUNCTIONS).is_some() && envelope.field("tools").is_none();
    let mark = is_legacy.then(|| Json::parse("true")).flatten();
    mark.map(|mark| (FUNCTIONS, mark)).into_iter().collect()
}

/// The member of clients from the time before tools.
pub(super) const FUNCTIONS: &str = "functions";

/// The members that any message may have; those of the model's are read apart.
#[derive(Deserialize)]
struct WireMessage<'a> {
    role: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    name: Option<String>,
    tool_call_id: Option<String>,
    /// Not OpenAI's, but some clients say it.
    is_error: Option<bool>,
    cache_control: Option<WireCache>,
}

fn read_messages(json: &str) -> Result<Vec<Message>, TranslateError> {
    let list: Vec<&RawValue> = value("messages", json)?;
    let mut history = History::default();
    for (index, raw) in list.into_iter().enumerate() {
        history.add(raw, &format!("messages[{index}]"))?;
    }
    Ok(history.messages)
}

/// The messages so far.
#[derive(Default)]
struct History {
    messages: Vec<Message>,
    /// The last message holds what tools answered, and nothing else.
    in_results: bool,
    /// The ids of calls of custom tools: their results look like any other.
    custom: Vec<String>,
}

impl History {
    fn add(&mut self, raw: &RawValue, path: &str) -> Result<(), TranslateError> {
        let wire: WireMessage<'_> = parse(raw, path)?;
        let role = match wire.role.as_deref() {
            Some("system") => Role::System,
            Some("developer") => Role::Developer,
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("tool" | "function") => return self.result(wire, path),
            Some(other) => {
                let reason = format!(
                    "`{other}` is none of `system`, `developer`, `user`, `assistant` and `tool`"
                );
                return Err(TranslateError::invalid(format!("{path}.role"), reason));
            }
            None => {
                return Err(TranslateError::invalid(
                    format!("{path}.role"),
                    "it is missing",
                ));
            }
        };
        let mut parts = Vec::new();
        if role == Role::Assistant {
            let said: WireAssistant<'_> = parse(raw, path)?;
            parts = said.parts(path, Sender::Client)?;
            self.custom.extend(parts.iter().filter_map(custom_call));
        } else if let Some(raw) = wire.content {
            content::read(raw, &format!("{path}.content"), Sender::Client, &mut parts)?;
        }
        if let (Some(cache), Some(last)) = (wire.cache_control, parts.last_mut()) {
            last.cache = Some(cache.marker());
        }
        self.in_results = false;
        self.messages.push(Message {
            role,
            parts,
            name: wire.name,
        });
        Ok(())
    }

    /// Adds what a tool answered; results that follow each other are one message.
    fn result(&mut self, wire: WireMessage<'_>, path: &str) -> Result<(), TranslateError> {
        let id = match (&wire.tool_call_id, &wire.name) {
            (Some(id), _) => unsigned_id(id).0.to_owned(),
            (None, Some(name)) => legacy_id(name),
            (None, None) => {
                let reason = "it is missing: a tool's message answers a call";
                return Err(TranslateError::invalid(
                    format!("{path}.tool_call_id"),
                    reason,
                ));
            }
        };
        let mut parts = Vec::new();
        if let Some(raw) = wire.content {
            let read = content::read(raw, &format!("{path}.content"), Sender::Client, &mut parts);
            // Some clients send the object that the tool gave.
            if raw.get().starts_with('{') && read.is_err() {
                parts = vec![Part::text(text_or_json(Some(raw)))];
            } else {
                read?;
            }
        }
        let part = Part {
            cache: wire.cache_control.map(WireCache::marker),
            kind: PartKind::ToolResult {
                custom: self.custom.contains(&id),
                id,
                name: wire.name,
                parts,
                is_error: wire.is_error.unwrap_or_default(),
            },
        };
        match self.messages.last_mut() {
            Some(last) if self.in_results => last.parts.push(part),
            _ => self.messages.push(Message::new(Role::User, vec![part])),
        }
        self.in_results = true;
        Ok(())
    }
}

fn custom_call(part: &Part) -> Option<String> {
    match &part.kind {
        PartKind::ToolCall {
            id, custom: true, ..
        } => Some(id.clone()),
        _ => None,
    }
}
