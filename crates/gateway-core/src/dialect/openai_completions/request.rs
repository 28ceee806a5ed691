//! A prompt as a chat of one message.

use crate::chat::{Json, Message, Other, Part, Request, Role, Weight};
use crate::dialect::openai_chat::parameters::{Known, members, other, read_parameter, value};
use crate::envelope::Envelope;
use crate::translate::TranslateError;

/// Reads a request.
pub(super) fn read_request(envelope: &Envelope) -> Result<Request, TranslateError> {
    let mut request = Request {
        model: envelope.model().unwrap_or_default().to_owned(),
        stream: envelope.stream(),
        ..Request::default()
    };
    for (name, json) in members(envelope) {
        match name {
            "model" | "stream" => {}
            "prompt" => {
                let message = Message::new(Role::User, vec![Part::text(prompt(json)?)]);
                request.messages = vec![message];
            }
            "logprobs" => {
                let alternatives = alternatives(json)?;
                request.parameters.logprobs = alternatives.map(|_| true);
                request.parameters.top_logprobs = alternatives.filter(|count| *count > 0);
            }
            // What changes nothing.
            "echo" if !value::<bool>(name, json)? => {}
            "suffix" if value::<String>(name, json)?.is_empty() => {}
            "best_of" if is_all(envelope, json) => {}
            "echo" | "suffix" | "best_of" => request.other.extend(lost(name, json)),
            _ => {
                if read_parameter(&mut request.parameters, name, json)? == Known::No {
                    request.other.extend(other(name, json));
                }
            }
        }
    }
    if request.messages.is_empty() {
        return Err(TranslateError::invalid("prompt", "it is missing"));
    }
    Ok(request)
}

/// A text, alone or in a list of one.
fn prompt(json: &str) -> Result<String, TranslateError> {
    const NAME: &str = "prompt";
    if json.starts_with('"') {
        return value(NAME, json);
    }
    let wrong = |reason: &str| TranslateError::invalid(NAME, reason);
    let Ok(prompts) = serde_json::from_str::<Vec<String>>(json) else {
        return Err(wrong(
            "it must be a text: this model's provider knows chats, which have no lists of tokens",
        ));
    };
    match <[String; 1]>::try_from(prompts) {
        Ok([prompt]) => Ok(prompt),
        Err(_) => Err(wrong(
            "it must be one text: this model's provider answers one chat in one call, so send each prompt in a call of its own",
        )),
    }
}

/// How many alternatives of each token to tell; a chat's `true` is taken, too.
fn alternatives(json: &str) -> Result<Option<u64>, TranslateError> {
    match json {
        "true" => Ok(Some(0)),
        "false" => Ok(None),
        _ => value("logprobs", json).map(Some),
    }
}

/// Whether as many are made as are given, so that there is nothing to choose the best of.
fn is_all(envelope: &Envelope, best_of: &str) -> bool {
    let given = envelope.field("n").filter(|n| *n != b"null");
    given.unwrap_or(b"1") == best_of.as_bytes()
}

fn lost(name: &str, json: &str) -> Option<Other> {
    Some(Other {
        name: name.to_owned(),
        value: Json::parse(json)?,
        weight: Weight::Parameter,
    })
}
