//! What a model said, for a provider that shall go on from it.

use super::content_write::{Takes, kind_of};
use super::messages_write::MessageWriter;
use crate::chat::{Part, PartKind, Signature};
use crate::dialect::Dialect;
use crate::json::{Elements, Members};
use crate::translate::Losses;

/// Writes the message. OpenAI has content before calls, whatever the order was.
pub(super) fn write_assistant(writer: &mut MessageWriter<'_, '_>, parts: &[Part]) {
    let thoughts_field = writer.quirks.thoughts_field;
    for part in parts {
        tell(part, thoughts_field, writer.losses);
    }
    let of = |is: fn(&PartKind) -> bool| -> Vec<&Part> {
        parts.iter().filter(|part| is(&part.kind)).collect()
    };
    let said = of(is_content);
    let calls = of(|kind| matches!(kind, PartKind::ToolCall { .. }));
    let refusal = refusal(parts);
    let content = if said.is_empty() && (!calls.is_empty() || refusal.is_some()) {
        b"null".to_vec()
    } else {
        writer.content(&said, Takes::Text)
    };
    writer.message("assistant", |message| {
        message.raw("content", &content);
        message.some("refusal", refusal.as_ref());
        write_signed_thoughts(message, parts);
        if let Some(field) = thoughts_field {
            write_thoughts(message, field, parts, &calls);
        }
        write_audio(message, parts);
        if !calls.is_empty() {
            message.array("tool_calls", |list| {
                for call in &calls {
                    write_call(list, &call.kind);
                }
            });
        }
    });
}

/// What stands in `content`.
fn is_content(kind: &PartKind) -> bool {
    match kind {
        PartKind::Text { .. }
        | PartKind::Image { .. }
        | PartKind::File { .. }
        | PartKind::Audio { .. }
        | PartKind::Video { .. }
        | PartKind::ToolResult { .. } => true,
        PartKind::ToolCall { .. }
        | PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. }
        | PartKind::Refusal { .. }
        | PartKind::Other { .. } => false,
    }
}

/// Tells what stays behind.
fn tell(part: &Part, thoughts_field: Option<&'static str>, losses: &mut Losses) {
    match &part.kind {
        PartKind::Thinking {
            signature: None, ..
        } if thoughts_field.is_none() => losses.hint("thinking"),
        PartKind::Thinking {
            signature: Some(signature),
            ..
        }
        | PartKind::RedactedThinking { signature }
            if !is_own(signature) =>
        {
            losses.hint("thinking");
        }
        PartKind::ToolCall {
            signature: Some(signature),
            ..
        } if !is_own(signature) => losses.hint("thought_signature"),
        // A server's tool call and its result; the text that was made of it stays.
        PartKind::Other { dialect, json } if *dialect != Dialect::OpenAiChat => {
            losses.hint(kind_of(json));
        }
        _ => {}
    }
}

/// Whether a provider of this dialect made it: one that nobody knows the maker of is Anthropic's or Google's.
fn is_own(signature: &Signature) -> bool {
    signature.by == Some(Dialect::OpenAiChat)
}

fn refusal(parts: &[Part]) -> Option<String> {
    let mut texts = parts.iter().filter_map(|part| match &part.kind {
        PartKind::Refusal { text } => Some(text.as_str()),
        _ => None,
    });
    let first = texts.next()?.to_owned();
    Some(texts.fold(first, |joined, text| joined + text))
}

/// Signed thoughts go back in the shape in which LiteLLM gave them.
fn write_signed_thoughts(message: &mut Members<'_>, parts: &[Part]) {
    let own = parts.iter().filter(|part| match &part.kind {
        PartKind::Thinking {
            signature: Some(signature),
            ..
        }
        | PartKind::RedactedThinking { signature } => is_own(signature),
        _ => false,
    });
    let mut own = own.peekable();
    if own.peek().is_none() {
        return;
    }
    message.array("thinking_blocks", |blocks| {
        for part in own {
            blocks.object(|block| match &part.kind {
                PartKind::Thinking {
                    text,
                    signature,
                    id,
                } => {
                    block.value("type", "thinking");
                    block.value("thinking", text);
                    block.some("signature", signature.as_ref().map(|it| &it.value));
                    block.some("id", id.as_ref());
                }
                PartKind::RedactedThinking { signature } => {
                    block.value("type", "redacted_thinking");
                    block.value("data", &signature.value);
                }
                _ => {}
            });
        }
    });
}

/// Unsigned thoughts are text in a field of their own; DeepSeek refuses calls of tools without it, if only an empty one:
/// <https://api-docs.deepseek.com/guides/thinking_mode>.
fn write_thoughts(message: &mut Members<'_>, field: &'static str, parts: &[Part], calls: &[&Part]) {
    let texts: String = parts
        .iter()
        .filter_map(|part| match &part.kind {
            PartKind::Thinking {
                text,
                signature: None,
                ..
            } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if !texts.is_empty() || !calls.is_empty() {
        message.value(field, &texts);
    }
}

/// What was spoken goes back as the id of it.
fn write_audio(message: &mut Members<'_>, parts: &[Part]) {
    for part in parts {
        if let PartKind::Other {
            dialect: Dialect::OpenAiChat,
            json,
        } = &part.kind
        {
            message.some("audio", json.value().get("audio"));
        }
    }
}

fn write_call(list: &mut Elements<'_>, call: &PartKind) {
    let PartKind::ToolCall {
        id,
        name,
        arguments,
        custom,
        signature,
    } = call
    else {
        return;
    };
    list.object(|call| {
        call.value("id", id);
        let (kind, member) = if *custom {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        call.value("type", kind);
        call.object(kind, |it| {
            it.value("name", name);
            it.value(member, arguments);
        });
        let own = signature.as_ref().filter(|it| is_own(it));
        if let Some(signature) = own {
            call.object("extra_content", |extra| {
                extra.object("google", |google| {
                    google.value("thought_signature", &signature.value);
                });
            });
        }
    });
}
