//! Clients that speak generateContent, for providers of any dialect.

mod answer;
mod config;
mod contents;
mod parts;
mod request;
mod schema;
mod signature;
mod sources;
mod stream;
mod tools;

use std::borrow::Cow;

use crate::spoke::Front;

pub(in crate::dialect) static FRONT: Front = Front {
    read_request: request::read,
    echo: |_| Vec::new(),
    write_answer: answer::write,
    stream_writer: |asked| Box::new(stream::GeminiWriter::new(asked)),
};

/// A key in the spelling that is usual in JSON: Google takes both `top_p` and `topP`.
fn camel(key: &str) -> Cow<'_, str> {
    if !key.contains('_') {
        return Cow::Borrowed(key);
    }
    let mut words = key.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|it| it.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    Cow::Owned(camel)
}

#[cfg(test)]
mod tests;
