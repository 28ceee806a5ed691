//! What would happen to a call, for an operator who asks: live or without a running gateway, as text or as JSON.

mod asked;
mod text;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, ErrorInfo, ErrorKind, Limits};
use gateway_router::{Explanation, explain};
use http::HeaderMap;
use serde::Serialize;
use tokio::time::Instant;

use crate::call::read_options;
use crate::config::nearest;
use crate::worker::Snapshot;
use asked::Asked;

pub(crate) use text::write;

/// What an operator asks about.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// The model's name; `None`: the one in the body.
    pub model: Option<String>,
    /// The front end, as records name it; `None`: any.
    pub api: Option<String>,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// Its body; `None`: one that says nothing.
    pub body: Option<Bytes>,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// The name that was asked for.
    model: String,
    /// What the request changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Asked>,
    #[serde(flatten)]
    explanation: Explanation,
}

impl Question {
    /// Answers by this configuration, as things stand at `now`.
    ///
    /// # Errors
    /// There is no such model, or the request would be refused; the message says what to do.
    pub(crate) fn answer(self, snapshot: &Snapshot, now: Instant) -> Result<Answer, ErrorInfo> {
        let dialect = self.api.as_deref().map(dialect).transpose()?;
        let said = self.body.is_some() || !self.headers.is_empty();
        let body = self.body.unwrap_or(Bytes::from_static(b"{}"));
        let envelope = Envelope::parse(body, Limits::default()).map_err(|e| ErrorInfo::from(&e))?;
        let named = || envelope.model().map(str::to_owned);
        let model = self.model.or_else(named).ok_or_else(|| {
            let message = "Which model? Name it, or give a request that does.";
            ErrorInfo::new(ErrorKind::InvalidRequest, message)
        })?;
        let catalog = &snapshot.catalog;
        let resolved = catalog
            .resolve(&model)
            .ok_or_else(|| unknown(&model, catalog.names()))?;
        let options = read_options(&self.headers, &envelope, snapshot);
        let options = options.map_err(|failure| *failure.error)?.options;
        let explanation = explain(catalog, &resolved, dialect, &options, now);
        Ok(Answer {
            model,
            request: said.then(|| Asked::new(&options, envelope.is_repeatable())),
            explanation,
        })
    }
}

fn dialect(name: &str) -> Result<Dialect, ErrorInfo> {
    let found = Dialect::ALL.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| {
        let names = Dialect::ALL.map(Dialect::name).join(", ");
        let message = format!("There is no front end {name:?}; there are {names}.");
        ErrorInfo::new(ErrorKind::InvalidRequest, message)
    })
}

/// The names that may have been meant; where none is near, the first of all.
fn unknown<'a>(model: &str, names: impl Iterator<Item = &'a str>) -> ErrorInfo {
    let mut names: Vec<&str> = names.collect();
    let mut near = Vec::new();
    while let Some(name) = nearest(model, names.iter().copied())
        && near.len() < SUGGESTIONS
    {
        names.retain(|it| *it != name);
        near.push(name);
    }
    let list = |names: &[&str]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        quoted.join(", ")
    };
    let hint = match (near.is_empty(), names.len()) {
        (false, _) => format!("Nearest: {}.", list(&near)),
        (true, 0) => "There is no model at all.".to_owned(),
        (true, all @ ..=ALL) => format!("There are: {}.", list(&names[..all])),
        (true, all) => format!("There are {all}, among them {}.", list(&names[..ALL])),
    };
    let message = format!("There is no model {model:?}. {hint}");
    ErrorInfo::new(ErrorKind::NotFound, message)
}

/// Names that are suggested.
const SUGGESTIONS: usize = 3;
/// Names that are listed where none is near.
const ALL: usize = 10;

#[cfg(test)]
mod tests;
