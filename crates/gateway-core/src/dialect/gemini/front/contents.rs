//! The conversation.

use serde_json::value::RawValue;

use super::request::{many, members, parsed};
use super::{camel, parts};
use crate::chat::{Message, Other, Part, PartKind, Role};
use crate::dialect::gemini::wire;
use crate::translate::TranslateError;

/// What was said, and what of it has no place in the model of a chat.
pub(super) struct Said {
    pub(super) messages: Vec<Message>,
    pub(super) other: Vec<Other>,
}

/// Reads `contents`. Calls and results without ids are put together by their names and their order.
pub(super) fn read(value: &RawValue) -> Result<Said, TranslateError> {
    let mut reader = Reader::default();
    for (index, content) in many(value, "contents")?.into_iter().enumerate() {
        reader.content(content, index)?;
    }
    Ok(Said {
        messages: reader.messages,
        other: reader.other,
    })
}

/// Reads `systemInstruction`: a content, or a text.
pub(super) fn read_instruction(value: &RawValue) -> Result<Option<Message>, TranslateError> {
    const PATH: &str = "systemInstruction";
    if value.get().starts_with('"') {
        let text: String = parsed(value, PATH)?;
        return Ok(Some(Message::new(Role::System, vec![Part::text(text)])));
    }
    let mut texts = Vec::new();
    for (key, value) in members(value, PATH)? {
        if key != "parts" {
            continue;
        }
        for (at, part) in many(value, PATH)?.into_iter().enumerate() {
            let path = format!("{PATH}.parts[{at}]");
            let part: wire::Part<'_> = parsed(part, &path)?;
            let text = part
                .text
                .ok_or_else(|| TranslateError::invalid(path, "it must be a text"))?;
            texts.push(Part::text(text));
        }
    }
    Ok((!texts.is_empty()).then(|| Message::new(Role::System, texts)))
}

#[derive(Default)]
struct Reader {
    messages: Vec<Message>,
    other: Vec<Other>,
    /// Calls that were not answered yet, by name and id.
    pending: Vec<(String, String)>,
}

impl Reader {
    fn content(&mut self, value: &RawValue, index: usize) -> Result<(), TranslateError> {
        let path = format!("contents[{index}]");
        let mut role = Role::User;
        let mut parts = Vec::new();
        for (key, value) in members(value, &path)? {
            match &*camel(&key) {
                "role" => role = self::role(value, &path)?,
                "parts" if value.get() != "null" => {
                    parts = many(value, &format!("{path}.parts"))?;
                }
                _ => {}
            }
        }
        let mut read = Vec::with_capacity(parts.len());
        for (at, part) in parts.into_iter().enumerate() {
            let path = format!("{path}.parts[{at}]");
            let part: wire::Part<'_> = parsed(part, &path)?;
            if let Some(kind) = self.part(part, (index, at), &path)? {
                read.push(Part::new(kind));
            }
        }
        self.add(role, read);
        Ok(())
    }

    /// Adds a message. Clients keep what the model said as it came: one content for each event of the stream; so what
    /// belongs together is put together again.
    fn add(&mut self, role: Role, parts: Vec<Part>) {
        let goes_on =
            role == Role::Assistant && self.messages.last().is_some_and(|it| it.role == role);
        if !goes_on {
            self.messages.push(Message::new(role, Vec::new()));
        }
        let Some(message) = self.messages.last_mut() else {
            return;
        };
        for part in parts {
            if role == Role::Assistant
                && message
                    .parts
                    .last_mut()
                    .is_some_and(|it| parts::join(it, &part))
            {
                continue;
            }
            message.parts.push(part);
        }
    }

    fn part(
        &mut self,
        part: wire::Part<'_>,
        (index, at): (usize, usize),
        path: &str,
    ) -> Result<Option<PartKind>, TranslateError> {
        if let Some(call) = &part.call {
            let name = wire::filled(&call.name).unwrap_or_default().to_owned();
            let id = match wire::filled(&call.id) {
                Some(id) => id.to_owned(),
                None => format!("call_{index}_{at}"),
            };
            self.pending.push((name.clone(), id.clone()));
            return Ok(Some(parts::call(call, id, name, part.signature.as_deref())));
        }
        if let Some(response) = &part.response {
            let name = wire::filled(&response.name);
            let id = self
                .answered(name, wire::filled(&response.id))
                .ok_or_else(|| {
                    TranslateError::invalid(
                        path,
                        "there is no function call before it that it answers",
                    )
                })?;
            return parts::result(response, id, name, path).map(Some);
        }
        parts::said(part, path, &mut self.other)
    }

    /// The id of the call that a result answers: the one with its id, else the first open one of its name.
    fn answered(&mut self, name: Option<&str>, id: Option<&str>) -> Option<String> {
        let by_id = id.and_then(|id| self.pending.iter().position(|(_, own)| own == id));
        let at = by_id.or_else(|| {
            self.pending
                .iter()
                .position(|(own, _)| name.is_none_or(|name| name == own))
        })?;
        Some(self.pending.remove(at).1)
    }
}

fn role(value: &RawValue, path: &str) -> Result<Role, TranslateError> {
    let path = format!("{path}.role");
    let role: Option<String> = parsed(value, &path)?;
    match role.as_deref() {
        // The older names of who answers calls.
        None | Some("" | "user" | "function" | "tool") => Ok(Role::User),
        Some("model") => Ok(Role::Assistant),
        Some("system") => Ok(Role::System),
        Some(_) => Err(TranslateError::invalid(
            path,
            "it must be `user` or `model`",
        )),
    }
}
