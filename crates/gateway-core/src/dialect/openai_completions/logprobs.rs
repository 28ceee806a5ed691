//! Probabilities of tokens: a chat's are a list of objects, a text completion's an object of lists.

use serde::Deserialize;

use crate::chat::Json;
use crate::json::{Members, Text, write_object, write_value};

#[derive(Deserialize)]
struct Logprobs<'a> {
    #[serde(borrow)]
    content: Option<Vec<Token<'a>>>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    token: Text<'a>,
    logprob: Option<f64>,
    #[serde(borrow)]
    top_logprobs: Option<Vec<Alternative<'a>>>,
}

#[derive(Deserialize)]
struct Alternative<'a> {
    #[serde(borrow)]
    token: Text<'a>,
    logprob: Option<f64>,
}

/// Writes the member `logprobs`; `offset` is where its first token stands in the text, in characters.
pub(super) fn write_logprobs(members: &mut Members<'_>, json: &Json, offset: usize) {
    let read: Option<Logprobs<'_>> = serde_json::from_str(json.text()).ok();
    let Some(tokens) = read.and_then(|it| it.content) else {
        return members.value("logprobs", &None::<u8>);
    };
    let mut at = offset;
    let mut offsets = Vec::with_capacity(tokens.len());
    for token in &tokens {
        offsets.push(at);
        at += token.token.0.chars().count();
    }
    members.object("logprobs", |members| {
        let texts: Vec<&str> = tokens.iter().map(|it| &*it.token.0).collect();
        let values: Vec<_> = tokens.iter().map(|it| it.logprob).collect();
        members.value("tokens", &texts);
        members.value("token_logprobs", &values);
        members.array("top_logprobs", |list| {
            for token in &tokens {
                list.raw(&alternatives(token));
            }
        });
        members.value("text_offset", &offsets);
    });
}

/// An object with the alternatives as keys.
fn alternatives(token: &Token<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    write_object(&mut out, |members| {
        let mut told: Vec<&str> = Vec::new();
        for alternative in token.top_logprobs.iter().flatten() {
            let name = &*alternative.token.0;
            if !told.contains(&name) {
                told.push(name);
                write_value(members.any_key(name), &alternative.logprob);
            }
        }
    });
    out
}
