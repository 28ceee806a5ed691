//! A whole answer for a client: <https://platform.openai.com/docs/api-reference/chat/object>.

use super::citations::{Citation, citation};
use super::finish::{SaidRefusal, finish_word};
use super::media::{audio_format, url_of};
use super::request_read::FUNCTIONS;
use super::usage_write::{tier_word, write_usage};
use crate::chat::{Answer, Choice, Finish, FinishReason, Part, PartKind, Signature, signed_id};
use crate::dialect::Dialect;
use crate::json::{Elements, Members, write_object};
use crate::translate::Asked;

/// Writes an answer.
pub(super) fn write_answer(answer: &Answer, asked: &Asked) -> Vec<u8> {
    let Answer {
        id,
        model: _,
        created,
        choices,
        usage,
        service_tier,
    } = answer;
    let mut out = Vec::with_capacity(1024);
    let calls = CallShape::of(asked);
    write_object(&mut out, |members| {
        match id {
            Some(id) => members.value("id", id),
            None => members.value("id", &format!("chatcmpl-{}", asked.id)),
        }
        members.value("object", "chat.completion");
        members.value("created", &created.unwrap_or(asked.created));
        members.value("model", &asked.model);
        members.array("choices", |list| {
            for (index, choice) in choices.iter().enumerate() {
                list.object(|members| write_choice(members, index, choice, calls));
            }
        });
        if !usage.is_empty() {
            members.object("usage", |members| write_usage(members, *usage));
        }
        members.some("service_tier", service_tier.as_deref().and_then(tier_word));
    });
    out
}

/// How a client expects calls of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallShape {
    /// As `tool_calls`.
    Tools,
    /// As one `function_call`, from the time before.
    Function,
}

impl CallShape {
    pub(super) fn of(asked: &Asked) -> Self {
        if asked.echo.iter().any(|(name, _)| *name == FUNCTIONS) {
            Self::Function
        } else {
            Self::Tools
        }
    }

    /// The word for an end.
    pub(super) const fn finish_word(
        self,
        reason: FinishReason,
        said_refusal: SaidRefusal,
    ) -> &'static str {
        match (self, reason) {
            (Self::Function, FinishReason::ToolCalls) => "function_call",
            _ => finish_word(reason, said_refusal),
        }
    }
}

fn write_choice(members: &mut Members<'_>, index: usize, choice: &Choice, calls: CallShape) {
    let Choice {
        parts,
        finish,
        logprobs,
    } = choice;
    let said_refusal = if refusal(parts).is_some() {
        SaidRefusal::Yes
    } else {
        SaidRefusal::No
    };
    members.value("index", &index);
    members.object("message", |members| write_message(members, parts, calls));
    members.value("logprobs", logprobs);
    let word = calls.finish_word(finish.reason, said_refusal);
    members.value("finish_reason", word);
    write_finish_details(members, finish);
}

/// What OpenAI has no word for: the sequence by vLLM's name, the provider's own word by OpenRouter's.
pub(super) fn write_finish_details(members: &mut Members<'_>, finish: &Finish) {
    let Finish {
        reason: _,
        stop_sequence,
        detail,
    } = finish;
    members.some("stop_reason", stop_sequence.as_ref());
    members.some("native_finish_reason", detail.as_ref());
}

fn write_message(members: &mut Members<'_>, parts: &[Part], calls: CallShape) {
    members.value("role", "assistant");
    let text = joined(parts, |kind| match kind {
        PartKind::Text { text, .. } => Some(text),
        _ => None,
    });
    let is_silent = parts.iter().any(|part| {
        matches!(
            part.kind,
            PartKind::ToolCall { .. } | PartKind::Refusal { .. } | PartKind::Audio { .. }
        )
    });
    members.value("content", &text.or((!is_silent).then(String::new)));
    members.value("refusal", &refusal(parts));
    write_thoughts(members, parts);
    write_citations(members, parts);
    write_media(members, parts);
    write_calls(members, parts, calls);
}

/// The texts of one kind, one behind the other, as a client of a stream would have put them together.
fn joined(parts: &[Part], text: fn(&PartKind) -> Option<&String>) -> Option<String> {
    let mut texts = parts.iter().filter_map(|part| text(&part.kind));
    let first = texts.next()?.clone();
    Some(texts.fold(first, |joined, text| joined + text))
}

fn refusal(parts: &[Part]) -> Option<String> {
    joined(parts, |kind| match kind {
        PartKind::Refusal { text } => Some(text),
        _ => None,
    })
}

/// As `reasoning_content`, and in LiteLLM's `thinking_blocks` if something of it is signed.
fn write_thoughts(members: &mut Members<'_>, parts: &[Part]) {
    let text = joined(parts, |kind| match kind {
        PartKind::Thinking { text, .. } => Some(text),
        _ => None,
    });
    members.some(
        "reasoning_content",
        text.filter(|it| !it.is_empty()).as_ref(),
    );
    let is_signed = parts.iter().any(|part| {
        matches!(
            part.kind,
            PartKind::RedactedThinking { .. }
                | PartKind::Thinking {
                    signature: Some(_),
                    ..
                }
        )
    });
    if !is_signed {
        return;
    }
    members.array("thinking_blocks", |blocks| {
        for part in parts {
            match &part.kind {
                PartKind::Thinking {
                    text,
                    signature,
                    id,
                } => blocks.object(|block| {
                    let proof = signature.as_ref().map(|it| it.tagged(Dialect::OpenAiChat));
                    block.value("type", "thinking");
                    block.value("thinking", text);
                    block.some("signature", proof.as_ref());
                    block.some("id", id.as_ref());
                }),
                PartKind::RedactedThinking { signature } => blocks.object(|block| {
                    block.value("type", "redacted_thinking");
                    block.value("data", &signature.tagged(Dialect::OpenAiChat));
                }),
                _ => {}
            }
        }
    });
}

/// As annotations; those that are of no page of the web as LiteLLM gives them, one list for each text.
fn write_citations(members: &mut Members<'_>, parts: &[Part]) {
    let (mut annotations, mut foreign) = (Vec::new(), Vec::new());
    let mut at = 0;
    for part in parts {
        let PartKind::Text {
            text, citations, ..
        } = &part.kind
        else {
            continue;
        };
        let end = at + text.chars().count();
        let mut of_text = Vec::new();
        for (_, json) in citations {
            match citation(json, at..end) {
                Citation::Page(page) => annotations.push(page),
                Citation::Foreign(json) => of_text.push(json),
            }
        }
        if !of_text.is_empty() {
            foreign.push(of_text);
        }
        at = end;
    }
    if !annotations.is_empty() {
        members.array("annotations", |list| {
            for page in &annotations {
                list.object(|it| page.write(it));
            }
        });
    }
    if !foreign.is_empty() {
        members.object("provider_specific_fields", |members| {
            members.value("citations", &foreign);
        });
    }
}

/// Pictures as OpenRouter and LiteLLM give them; sound as OpenAI does.
fn write_media(members: &mut Members<'_>, parts: &[Part]) {
    let pictures: Vec<_> = parts.iter().filter_map(picture).collect();
    if !pictures.is_empty() {
        members.array("images", |list| {
            for (index, url) in (0..).zip(&pictures) {
                list.object(|image| write_image(image, index, url));
            }
        });
    }
    for part in parts {
        match &part.kind {
            PartKind::Audio {
                source: crate::chat::Source::Base64 { media_type, data },
            } => members.object("audio", |audio| {
                audio.value("id", "audio_0");
                audio.value("data", data);
                audio.value("expires_at", &0);
                audio.value("transcript", "");
                audio.value("format", audio_format(media_type));
            }),
            PartKind::Other {
                dialect: Dialect::OpenAiChat,
                json,
            } => {
                let audio = json.value().get("audio").cloned();
                members.some("audio", audio.as_ref());
            }
            _ => {}
        }
    }
}

/// One of `images`.
pub(super) fn write_image(image: &mut Members<'_>, index: u32, url: &str) {
    image.value("type", "image_url");
    image.value("index", &index);
    image.object("image_url", |it| it.value("url", url));
}

fn picture(part: &Part) -> Option<String> {
    match &part.kind {
        PartKind::Image { source, .. } => url_of(source),
        _ => None,
    }
}

fn write_calls(members: &mut Members<'_>, parts: &[Part], shape: CallShape) {
    let is_call = |part: &&Part| matches!(part.kind, PartKind::ToolCall { .. });
    let mut calls = parts.iter().filter(is_call).peekable();
    if calls.peek().is_none() {
        return;
    }
    if shape == CallShape::Function {
        let Some(PartKind::ToolCall {
            name, arguments, ..
        }) = calls.next().map(|it| &it.kind)
        else {
            return;
        };
        members.object("function_call", |call| {
            call.value("name", name);
            call.value("arguments", arguments);
        });
        return;
    }
    members.array("tool_calls", |list| {
        for call in calls {
            write_call(list, &call.kind);
        }
    });
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
        call.value("id", &*signed_id(id, signature.as_ref()));
        call.value("type", if *custom { "custom" } else { "function" });
        if *custom {
            call.object("custom", |custom| {
                custom.value("name", name);
                custom.value("input", arguments);
            });
        } else {
            call.object("function", |function| {
                function.value("name", name);
                function.value("arguments", arguments);
            });
        }
        write_signature(call, signature.as_ref());
    });
}

/// In Google's own place: <https://ai.google.dev/gemini-api/docs/thought-signatures#openai>.
pub(super) fn write_signature(call: &mut Members<'_>, signature: Option<&Signature>) {
    if let Some(signature) = signature.filter(|it| is_googles(it)) {
        call.object("extra_content", |extra| {
            extra.object("google", |google| {
                google.value("thought_signature", &signature.value);
            });
        });
    }
}

/// Whether that place is the right one for it.
pub(super) fn is_googles(signature: &Signature) -> bool {
    signature.by == Some(Dialect::Gemini)
}
