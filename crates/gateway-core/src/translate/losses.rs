//! What of a request cannot be said in another dialect.

use std::borrow::Cow;

use crate::chat::Weight;

/// Collects what a writer cannot express. Whatever it does not write, it names here.
#[derive(Debug, Default)]
pub struct Losses {
    lost: Vec<Lost>,
    written: Vec<String>,
}

/// One thing that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The field, by OpenAI's name where it has one, else by the client's.
    pub name: Cow<'static, str>,
    /// What that means for the answer.
    pub weight: Weight,
}

impl Losses {
    /// Something is left out without which the answer is another one: the request is refused unless `drop_params` is
    /// set.
    pub fn parameter(&mut self, name: impl Into<Cow<'static, str>>) {
        self.add(name, Weight::Parameter);
    }

    /// Something is left out without which the answer is as good.
    pub fn hint(&mut self, name: impl Into<Cow<'static, str>>) {
        self.add(name, Weight::Hint);
    }

    /// Either of the two.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, weight: Weight) {
        let name = name.into();
        if !self.lost.iter().any(|lost| lost.name == name) {
            self.lost.push(Lost { name, weight });
        }
    }

    /// A field of [`Request::other`](crate::chat::Request::other) was written, together with what the model has.
    pub fn written(&mut self, name: &str) {
        self.written.push(name.to_owned());
    }

    /// Whether it was.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.written.iter().any(|written| written == name)
    }

    pub(crate) fn into_inner(self) -> Vec<Lost> {
        self.lost
    }
}
