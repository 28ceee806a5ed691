//! Translation: a client's request for a provider of another dialect, and the provider's answer for the client.

mod custom;
mod losses;
mod names;
mod stream;

use bytes::Bytes;

use crate::body::Malformed;
use crate::chat::{Json, Request, Weight};
use crate::dialect::Dialect;
use crate::envelope::{Envelope, Limits};
use crate::error::{ErrorInfo, ErrorKind};
use crate::spoke::Front;

use custom::CustomTools;
pub use losses::{Losses, Lost};
use names::ToolNames;
pub(crate) use names::{First, NameRule};
pub use stream::Translator;

/// One request on its way through two dialects, and the way back.
#[derive(Debug)]
pub struct Translation {
    front: Dialect,
    back: Dialect,
    asked: Asked,
    names: ToolNames,
    customs: CustomTools,
    lost: Vec<Lost>,
}

/// What is asked of whom: the provider's side of a translation.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The provider's name of the model.
    pub model: &'a str,
    /// The longest answer that the model can give, in tokens, where it is known: for dialects that require a limit.
    pub max_output_tokens: Option<u64>,
    /// Whether the model can be told how much to think; `None` if nobody knows.
    pub reasons: Option<bool>,
    /// What the provider does differently.
    pub quirks: &'a Quirks,
}

/// What a provider does differently from the dialect that it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quirks {
    /// The field for the longest answer: `max_completion_tokens` at OpenAI, `max_tokens` at most who copy it.
    pub max_tokens_field: &'static str,
    /// What becomes of a developer's messages.
    pub developer: DeveloperRole,
    /// Whether a stream can be asked for its usage.
    pub stream_options: bool,
    /// Whether content may be a list of parts; else it is a text.
    pub content_parts: bool,
    /// Where a model's thoughts go back to it, for example `reasoning_content`; `None` where nobody takes them.
    pub thoughts_field: Option<&'static str>,
    /// Whether `top_k` is known.
    pub top_k: bool,
    /// Whether tools may take free text (`custom`), where the dialect has such tools; else they are functions.
    pub custom_tools: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            max_tokens_field: "max_completion_tokens",
            developer: DeveloperRole::Kept,
            stream_options: true,
            content_parts: true,
            thoughts_field: None,
            top_k: false,
            custom_tools: true,
        }
    }
}

/// What becomes of a developer's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeveloperRole {
    /// They stay.
    Kept,
    /// They become system messages.
    System,
}

/// What to do with what the target cannot express.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Leave out parameters that the target has not (LiteLLM's `drop_params`); else the request is refused.
    pub drop: bool,
    /// Fields of the request that are left out whatever the target (`additional_drop_params`).
    pub dropped: Vec<String>,
    /// Fields that are passed on as they are (`allowed_openai_params`).
    pub allowed: Vec<String>,
}

/// What the answer must know of the request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The model as the client named it.
    pub model: String,
    /// What makes ids unique that the provider does not give: letters and digits.
    pub id: String,
    /// Now, in seconds of Unix time.
    pub created: u64,
    /// The client wants the usage at the end of its stream.
    pub usage_in_stream: bool,
    /// Fields of the request that the answer repeats.
    pub echo: Vec<(&'static str, Json)>,
}

/// Why a request cannot be translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// The target has no such parameters.
    #[error("{} cannot be expressed towards this model's provider ({back}); remove {}, or set drop_params to leave such parameters out", list(.params), if .params.len() == 1 { "it" } else { "them" })]
    Unsupported {
        /// The client's names of them.
        params: Vec<String>,
        /// The provider's dialect.
        back: &'static str,
    },
    /// The request is not one of the client's dialect.
    #[error("`{param}`: {reason}")]
    Invalid {
        /// The field.
        param: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no translation between these dialects.
    #[error("{front} cannot be translated into {back}")]
    NoWay {
        /// The client's dialect.
        front: &'static str,
        /// The provider's dialect.
        back: &'static str,
    },
}

impl TranslateError {
    /// A request that is wrong at `param`.
    pub(crate) fn invalid(param: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            param: param.into(),
            reason: reason.into(),
        }
    }
}

impl From<&TranslateError> for ErrorInfo {
    fn from(error: &TranslateError) -> Self {
        let info = Self::new(ErrorKind::InvalidRequest, format!("{error}."));
        match error {
            TranslateError::Unsupported { params, .. } => match params.first() {
                Some(param) => info.with_param(param),
                None => info,
            },
            TranslateError::Invalid { param, .. } => info.with_param(param),
            TranslateError::NoWay { .. } => info,
        }
    }
}

impl Translation {
    /// Whether calls of `front` can be served by a provider that speaks `back`, another dialect.
    pub fn exists(front: Dialect, back: Dialect) -> bool {
        front != back && front.front().is_some() && back.back().is_some()
    }

    /// Translates a request; `defaults` is what an operator wants where the client says nothing. Gives the body to send
    /// and what reads the answer.
    ///
    /// # Errors
    /// Why it cannot be done: see [`TranslateError`]. Nothing is left out unless `policy` allows it.
    pub fn new(
        (front, back): (Dialect, Dialect),
        envelope: &Envelope,
        target: &Target<'_>,
        policy: &Policy,
        mut asked: Asked,
        defaults: Option<&Request>,
    ) -> Result<(Bytes, Self), TranslateError> {
        let (Some(reader), Some(writer)) = (front.front(), back.back()) else {
            return Err(TranslateError::NoWay {
                front: front.name(),
                back: back.name(),
            });
        };
        let mut request = read(reader, envelope, policy)?;
        if let Some(defaults) = defaults {
            request.fill(defaults);
        }
        target.model.clone_into(&mut request.model);
        asked.usage_in_stream = request.parameters.usage_in_stream == Some(true);
        asked.echo = (reader.echo)(envelope);
        let mut losses = Losses::default();
        let customs = if back.has_custom_tools() && target.quirks.custom_tools {
            CustomTools::default()
        } else {
            CustomTools::replace(&mut request, &mut losses)
        };
        let names = ToolNames::shorten(&mut request, writer.tool_names, writer.call_ids);
        let body = (writer.write_request)(&request, target, &mut losses)?;
        let body = others(&request, body, (back, policy), &mut losses)?;
        let lost = losses.into_inner();
        let params: Vec<String> = lost
            .iter()
            .filter(|lost| lost.weight == Weight::Parameter && !policy.drop)
            .map(|lost| lost.name.clone().into_owned())
            .collect();
        if !params.is_empty() {
            return Err(TranslateError::Unsupported {
                params,
                back: back.name(),
            });
        }
        let translation = Self {
            front,
            back,
            asked,
            names,
            customs,
            lost,
        };
        Ok((Bytes::from(body), translation))
    }

    /// What of the request did not reach the provider.
    pub fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// The client's dialect.
    pub const fn front(&self) -> Dialect {
        self.front
    }

    /// The provider's dialect.
    pub const fn back(&self) -> Dialect {
        self.back
    }

    /// The provider's whole answer, which [`Dialect::read_body`] took for one, in the client's dialect.
    ///
    /// # Errors
    /// It cannot be understood.
    pub fn answer(&self, body: &[u8]) -> Result<Bytes, Malformed> {
        let (Some(front), Some(back)) = (self.front.front(), self.back.back()) else {
            return Err(Malformed::NotJson);
        };
        let text = std::str::from_utf8(crate::body::without_bom(body))
            .map_err(|_| Malformed::InvalidUtf8)?;
        let mut answer = (back.read_answer)(text)?;
        self.names.restore_answer(&mut answer);
        self.customs.restore_answer(&mut answer);
        Ok(Bytes::from((front.write_answer)(&answer, &self.asked)))
    }

    /// What translates the provider's stream.
    pub fn into_translator(self) -> Option<Translator> {
        let (front, back) = (self.front.front()?, self.back.back()?);
        Some(Translator::new(
            (back.stream_reader)(),
            (front.stream_writer)(&self.asked),
            self.names,
            self.customs.into_calls(),
        ))
    }
}

/// The client's request without what is always left out.
fn read(front: &Front, envelope: &Envelope, policy: &Policy) -> Result<Request, TranslateError> {
    if !policy
        .dropped
        .iter()
        .any(|name| envelope.field(name).is_some())
    {
        return (front.read_request)(envelope);
    }
    let mut edit = envelope.edit();
    for name in &policy.dropped {
        edit.remove(name);
    }
    let rest = Envelope::parse(edit.finish(), Limits::default())
        .map_err(|error| TranslateError::invalid("request_body", error.to_string()))?;
    (front.read_request)(&rest)
}

/// What has no place in the model: passed on where the provider has it or that is allowed, else lost.
fn others(
    request: &Request,
    body: Vec<u8>,
    (back, policy): (Dialect, &Policy),
    losses: &mut Losses,
) -> Result<Vec<u8>, TranslateError> {
    let mut passed = Vec::new();
    for other in &request.other {
        if losses.is_written(&other.name) {
            continue;
        }
        let own = back.own_fields().iter().find(|(it, _)| *it == other.name);
        match own {
            Some((_, name)) => passed.push((*name, other)),
            None if policy.allowed.contains(&other.name) => passed.push((&other.name, other)),
            None => losses.add(other.name.clone(), other.weight),
        }
    }
    if passed.is_empty() {
        return Ok(body);
    }
    let body = Envelope::parse(Bytes::from(body), Limits::default())
        .map_err(|error| TranslateError::invalid("request_body", error.to_string()))?;
    let mut edit = body.edit();
    for (name, other) in passed {
        edit.set(name, other.value.text());
    }
    Ok(edit.finish().into())
}

fn list(params: &[String]) -> String {
    let named: Vec<String> = params.iter().map(|param| format!("`{param}`")).collect();
    named.join(", ")
}
