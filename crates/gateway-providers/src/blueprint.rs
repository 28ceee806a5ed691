//! What a provider's file makes of a config: everything about its requests that does not depend on the call.

use std::sync::Arc;

use gateway_core::{Dialect, Quirks};
use http::{HeaderName, HeaderValue, Uri};

use crate::additions::Additions;
use crate::aws::Signer;
use crate::betas::Betas;
use crate::compatible::Compatible;
use crate::error::{EndpointError, PrepareError};
use crate::reply::Framing;
use crate::token::TokenSource;
use crate::url::{BaseUrl, segment};

/// An endpoint as data.
#[derive(Debug)]
pub(crate) struct Blueprint {
    /// What is connected to, and shown.
    pub(crate) base: BaseUrl,
    /// Which dialects are served, and where.
    pub(crate) routes: Vec<Route>,
    /// Who we are.
    pub(crate) credential: Credential,
    /// Sent unless the client's allowed headers or the operator's say otherwise.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The client's headers that pass, beyond those that pass everywhere.
    pub(crate) forwarded: &'static [&'static str],
    /// Which values of `anthropic-beta` pass.
    pub(crate) betas: Betas,
    /// The provider's name of the model, if the config's says more than that.
    pub(crate) model: Option<String>,
    /// How the provider's chat completions differ from OpenAI's.
    pub(crate) compatible: Compatible,
    /// What the provider does differently from the dialects that it speaks.
    pub(crate) quirks: Quirks,
}

impl Blueprint {
    /// A blueprint of a provider that wants the model in the body, passes every beta, and has nothing special.
    pub(crate) fn new(base: BaseUrl, routes: Vec<Route>, credential: Credential) -> Self {
        Self {
            base,
            routes,
            credential,
            headers: Vec::new(),
            forwarded: &[],
            betas: Betas::All,
            model: None,
            compatible: Compatible::OPENAI,
            quirks: Quirks::default(),
        }
    }
}

/// How a request proves who sends it.
#[derive(Debug)]
pub(crate) enum Credential {
    /// Not at all.
    None,
    /// By a header that never changes.
    Header(HeaderName, HeaderValue),
    /// By a Bearer token that expires.
    Token(Arc<TokenSource>),
    /// By Amazon's signature over the finished request.
    SigV4(Signer),
}

impl Credential {
    /// A header with a secret in it, marked as sensitive.
    pub(crate) fn header(
        name: HeaderName,
        scheme: &str,
        secret: &str,
        setting: &'static str,
    ) -> Result<Self, EndpointError> {
        let mut value = HeaderValue::try_from(format!("{scheme}{}", secret.trim()))
            .map_err(|_| EndpointError::setting(setting, "a header cannot carry it"))?;
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }
}

/// Whether the provider wants the model in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModelField {
    /// With the provider's own name for it.
    Set,
    /// Not at all: it is in the path.
    Removed,
    /// Nor whether the answer shall be a stream.
    RemovedWithStream,
}

/// Where the calls of a dialect go.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) dialect: Dialect,
    pub(crate) mode: Mode,
    pub(crate) target: Target,
    /// What the provider's streams are made of.
    pub(crate) framing: Framing,
    /// What its bodies get that those of other routes do not.
    pub(crate) additions: Additions,
    /// What becomes of the body's `model`.
    pub(crate) model_field: ModelField,
    /// Which models it is for.
    pub(crate) models: Models,
    /// How its requests prove who sends them, if not as the endpoint's others do.
    pub(crate) credential: Option<Credential>,
    /// The target for a client that asked with `?beta=true`, if the provider knows that.
    pub(crate) beta_target: Option<Target>,
}

impl Route {
    /// A route for streams, plain calls and all models alike, with the model in the body.
    pub(crate) fn new(dialect: Dialect, target: Target) -> Self {
        Self {
            dialect,
            mode: Mode::Any,
            target,
            framing: Framing::EventStream,
            additions: Additions::default(),
            model_field: ModelField::Set,
            models: Models::Any,
            credential: None,
            beta_target: None,
        }
    }
}

/// Which models a route is for. The first route that is for a model is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Models {
    Any,
    Starting(&'static str),
    Containing(char),
}

impl Models {
    pub(crate) fn have(self, model: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Starting(prefix) => model.starts_with(prefix),
            Self::Containing(letter) => model.contains(letter),
        }
    }
}

/// Which calls a route serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Any,
    Plain,
    Stream,
}

impl Mode {
    pub(crate) fn serves(self, stream: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Plain => !stream,
            Self::Stream => stream,
        }
    }
}

/// A complete address, or one that waits for the model's name.
#[derive(Debug)]
pub(crate) enum Target {
    Fixed(Uri),
    PerModel { before: String, after: String },
}

impl Target {
    /// An address without a model in it: `base`, then `path`, then `query`.
    pub(crate) fn fixed(
        base: &BaseUrl,
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, EndpointError> {
        let (before, after) = base.around(path, query);
        parse(before + &after).map(Self::Fixed)
    }

    /// An address with `model` between the paths `before` and `after`; it stays open if `model` has a `*`.
    pub(crate) fn around_model(
        base: &BaseUrl,
        before: &str,
        model: &str,
        after: &str,
        query: Option<&str>,
    ) -> Result<Self, EndpointError> {
        let (before, query) = base.around(before, query);
        let after = format!("{after}{query}");
        if model.contains('*') {
            // Whatever the name will be, the address around it must be one.
            parse(format!("{before}x{after}"))?;
            return Ok(Self::PerModel { before, after });
        }
        let model = segment(model).ok_or_else(|| EndpointError::Model {
            model: model.to_owned(),
            reason: NO_SEGMENT,
        })?;
        parse(format!("{before}{model}{after}")).map(Self::Fixed)
    }

    /// The address for a call at `model`.
    pub(crate) fn uri(&self, provider: &'static str, model: &str) -> Result<Uri, PrepareError> {
        match self {
            Self::Fixed(uri) => Ok(uri.clone()),
            Self::PerModel { before, after } => {
                let unusable = |reason| PrepareError::Model { provider, reason };
                let model = segment(model).ok_or_else(|| unusable(NO_SEGMENT))?;
                format!("{before}{model}{after}")
                    .parse()
                    .map_err(|_| unusable("it is too long"))
            }
        }
    }
}

fn parse(address: String) -> Result<Uri, EndpointError> {
    Uri::try_from(address)
        .map_err(|_| EndpointError::setting("api_base", "it does not give a valid URL"))
}

const NO_SEGMENT: &str = "it cannot be a part of a path";
