//! One deployment's place at its provider: built once per configuration, asked once per attempt.

use std::borrow::Cow;
use std::time::SystemTime;

use bytes::Bytes;
use gateway_core::{Dialect, Envelope, Lost, Prefill, Translation};
use gateway_transport::{ConnectSpec, Shard};
use http::{HeaderMap, HeaderValue, Method, Request};

use crate::aws::{Keys, Signer, Unsignable};
use crate::betas::{self, Client};
use crate::blueprint::{Blueprint, Credential, Route};
use crate::body::BodyRules;
use crate::config::EndpointConfig;
use crate::connect;
use crate::environment::Environment;
use crate::error::{EndpointError, PrepareError};
use crate::headers::HeaderRules;
use crate::hosting;
use crate::prefill;
use crate::prices::{KnownModel, ModelFacts};
use crate::provider::{Settings, is_vendors_host};
use crate::reply::{Prepared, Reply};
use crate::through;
use crate::translation::TranslationRules;
use crate::url::BaseUrl;

/// Where one deployment's calls go and how they are signed.
#[derive(Debug)]
pub struct Endpoint {
    provider: &'static str,
    model: String,
    display: String,
    root: BaseUrl,
    spec: ConnectSpec,
    routes: Vec<Route>,
    credential: Credential,
    headers: HeaderRules,
    body: BodyRules,
    translation: TranslationRules,
    facts: KnownModel,
    native_only: bool,
    self_hosted: bool,
}

/// What an attempt at an endpoint takes from its call.
#[derive(Clone, Copy, Debug)]
pub struct CallParts<'a> {
    /// The wire format of the call.
    pub dialect: Dialect,
    /// The client's body.
    pub envelope: &'a Envelope,
    /// The client's headers; what passes is on the endpoint's list.
    pub headers: &'a HeaderMap,
    /// The query of the client's URL. Only `beta=true` means something, to Anthropic.
    pub query: Option<&'a str>,
    /// The provider's name of the model, where the endpoint's own has a `*`.
    pub model: Option<&'a str>,
    /// The client's name of the model, which a translated answer has.
    pub asked_model: &'a str,
    /// Values of `anthropic-beta` that the provider has refused to this call: see [`refused_betas`](crate::refused_betas).
    pub refused_betas: &'a [String],
    /// The call's name: a translated answer whose provider gives no id has one made of it.
    pub id: &'a str,
}

impl<'a> CallParts<'a> {
    /// Who asks, as far as headers say.
    pub(crate) fn client(&self) -> Client<'a> {
        Client {
            headers: self.headers,
            refused: self.refused_betas,
        }
    }
}

impl Endpoint {
    /// Builds everything about the endpoint's requests that does not depend on the call.
    ///
    /// Reads the credentials file of a Vertex endpoint, blocking; connects to nothing.
    ///
    /// # Errors
    /// The provider is unknown, or a setting is missing or cannot be used.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a config makes one endpoint; what it holds is secret"
    )]
    pub fn build(config: EndpointConfig, environment: &Environment) -> Result<Self, EndpointError> {
        let settings = Settings::read(&config, environment)?;
        let blueprint: Blueprint = (settings.provider.blueprint)(&settings)?;
        let facts = KnownModel::build(&config, settings.provider.name, settings.model);
        let host = blueprint.base.host();
        let self_hosted = hosting::is_own(settings.provider.name, host, is_vendors_host);
        Ok(Self {
            provider: settings.provider.name,
            model: blueprint.model.unwrap_or_else(|| settings.model.to_owned()),
            display: blueprint.base.display(),
            root: through::root(&blueprint.base),
            spec: connect::spec(&blueprint.base, &config.connect, environment)?,
            headers: HeaderRules::build(
                blueprint.headers,
                &blueprint.credential,
                blueprint.forwarded,
                blueprint.betas,
                &config.extra_headers,
            )?,
            body: BodyRules::build(&config.defaults, blueprint.compatible)
                .without(&config.policy.dropped),
            translation: TranslationRules::build(&config, blueprint.quirks, blueprint.compatible),
            facts,
            native_only: config.native_only,
            self_hosted,
            routes: blueprint.routes,
            credential: blueprint.credential,
        })
    }

    /// The provider's name, as prefixes of models spell it.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// The provider's name of the model; with a `*` if the client's choice takes its place.
    pub fn upstream_model(&self) -> &str {
        &self.model
    }

    /// What is known of its model, or of the one that a client has `chosen` where the endpoint has a `*`.
    pub fn facts(&self, chosen: Option<&str>) -> Cow<'_, ModelFacts> {
        self.facts
            .facts(chosen.filter(|_| self.model.contains('*')))
    }

    /// How to connect.
    pub fn connect_spec(&self) -> &ConnectSpec {
        &self.spec
    }

    /// Whether calls of this dialect can be served, as they are or translated.
    pub fn accepts(&self, dialect: Dialect) -> bool {
        self.routes
            .iter()
            .any(|route| route.dialect == dialect || self.translates(dialect, route))
    }

    fn translates(&self, front: Dialect, route: &Route) -> bool {
        !self.native_only && Translation::exists(front, route.dialect)
    }

    /// Whether the provider speaks this dialect itself.
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.routes.iter().any(|route| route.dialect == dialect)
    }

    /// How its model wants to be told that the last message of a request is one to go on from; `None`: it does not go
    /// on. `said` is the operator's word, which counts more than what is known of the model. `chosen` is the client's
    /// choice where the endpoint has a `*`.
    pub fn prefill(&self, chosen: Option<&str>, said: Option<bool>) -> Option<Prefill> {
        match said {
            Some(goes_on) => goes_on.then(|| prefill::style(self.provider)),
            None => {
                let model = chosen.unwrap_or(&self.model);
                prefill::prefill(self.provider, model, &self.display)
            }
        }
    }

    /// Whether the operator runs what it asks, as far as its address and its provider tell: then what the operator's
    /// systems tell each other may be told to it, too.
    pub fn is_self_hosted(&self) -> bool {
        self.self_hosted
    }

    /// Whether its requests prove who sends them.
    pub fn has_credentials(&self) -> bool {
        !matches!(self.credential, Credential::None)
    }

    /// The values of `anthropic-beta` that a request for this call has, by the provider's names: what
    /// [`refused_betas`](crate::refused_betas) is asked about. None for a call that cannot be served.
    pub fn betas_sent(&self, call: &CallParts<'_>) -> Vec<String> {
        let route = self
            .model_of(call)
            .ok()
            .and_then(|model| self.route(call, model));
        let Some(route) = route else {
            return Vec::new();
        };
        let client = call.client();
        let mut betas = self.headers.betas_sent(client);
        betas.extend(route.additions.betas_sent(call.envelope, client));
        betas
    }

    /// The base of the provider's API without query: fit for logs and response headers.
    pub fn api_base_for_display(&self) -> &str {
        &self.display
    }

    /// The signed request for one attempt. Waits only where a token has to be exchanged first, which happens on
    /// `shard`.
    ///
    /// # Errors
    /// See [`PrepareError`]; nothing was sent to the provider.
    ///
    /// # Cancel safety
    /// Dropping this gives up the wait for a token; its exchange goes on for other calls.
    pub async fn request(
        &self,
        call: &CallParts<'_>,
        shard: &Shard,
    ) -> Result<Prepared, PrepareError> {
        let provider = self.provider;
        let model = self.model_of(call)?;
        let route = self.route(call, model).ok_or(PrepareError::Dialect {
            provider,
            dialect: call.dialect.name(),
        })?;
        let target = match &route.beta_target {
            Some(target) if asks_for_beta(call.query) => target,
            _ => &route.target,
        };
        let uri = target.uri(provider, model)?;
        let authority = self.authorize(shard).await?;
        let body = self.body_for(call, route, model)?;
        let needed = match (&body.translation, route.dialect) {
            (Some(_), Dialect::AnthropicMessages) => betas::needed(&body.bytes),
            _ => Vec::new(),
        };
        let headers = betas::with(call.headers, &needed);
        let client = Client {
            headers: &headers,
            ..call.client()
        };
        let mut request = Request::new(body.bytes);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.apply(client, authority.header());
        if let Some(credential) = &route.credential {
            self.headers.prove(request.headers_mut(), credential);
        }
        authority
            .sign(&mut request, SystemTime::now())
            .map_err(|_| PrepareError::Signature { provider })?;
        let reply = Reply {
            dialect: route.dialect,
            framing: route.framing,
            translation: body.translation,
            left_out: body.left_out,
        };
        Ok(Prepared { request, reply })
    }

    /// What proves who sends a request: waits for a token or for keys where they have to be exchanged first.
    pub(crate) async fn authorize(&self, shard: &Shard) -> Result<Authority<'_>, PrepareError> {
        let no_token = |source| PrepareError::Token {
            provider: self.provider,
            source,
        };
        Ok(match &self.credential {
            Credential::None | Credential::Header(..) => Authority::InHeaders,
            Credential::Token(source) => {
                Authority::Bearer(source.get(shard).await.map_err(no_token)?)
            }
            Credential::SigV4(signer) => {
                Authority::Signed(signer, signer.keys(shard).await.map_err(no_token)?)
            }
        })
    }

    /// The base behind which the provider's whole API lies.
    pub(crate) const fn root(&self) -> &BaseUrl {
        &self.root
    }

    /// What becomes of headers.
    pub(crate) const fn header_rules(&self) -> &HeaderRules {
        &self.headers
    }

    /// The body in the provider's dialect, and what turns the answer back if that is not the client's.
    fn body_for(
        &self,
        call: &CallParts<'_>,
        route: &Route,
        model: &str,
    ) -> Result<Body, PrepareError> {
        if route.dialect == call.dialect {
            let policy = || self.translation.policy(call.envelope);
            let way = (route, call.client());
            let body = self.body.apply(call.envelope, model, way, policy);
            let (body, lost) = body.map_err(PrepareError::Translate)?;
            return Ok(Body {
                bytes: body,
                translation: None,
                left_out: lost,
            });
        }
        let created = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let (body, translation, lost) = self
            .translation
            .translate(call, route, (model, &self.facts(Some(model))), created)
            .map_err(PrepareError::Translate)?;
        Ok(Body {
            bytes: body,
            translation: Some(Box::new(translation)),
            left_out: lost,
        })
    }

    /// The route of the client's own dialect, else the first one that it can be translated for.
    fn route(&self, call: &CallParts<'_>, model: &str) -> Option<&Route> {
        let stream = call.envelope.stream();
        // Routes for some models stand before those for the others.
        let first = self.routes.iter().find(|it| it.models.have(model))?.models;
        let mut serving = self
            .routes
            .iter()
            .filter(|it| it.mode.serves(stream) && it.models == first);
        serving
            .clone()
            .find(|route| route.dialect == call.dialect)
            .or_else(|| serving.find(|route| self.translates(call.dialect, route)))
    }

    /// The provider's name of the model for this call.
    fn model_of<'c>(&'c self, call: &CallParts<'c>) -> Result<&'c str, PrepareError> {
        let unusable = |reason| PrepareError::Model {
            provider: self.provider,
            reason,
        };
        let model = call.model.unwrap_or(&self.model);
        if call.model.is_none() && model.contains('*') {
            return Err(unusable(
                "no model was chosen for the `*` of the deployment",
            ));
        }
        Ok(model)
    }
}

/// What proves who sends one request.
pub(crate) enum Authority<'a> {
    /// Nothing, or a header that every request has.
    InHeaders,
    /// A token.
    Bearer(HeaderValue),
    /// A signature of the whole request.
    Signed(&'a Signer, Keys),
}

impl Authority<'_> {
    /// The `Authorization`, if it does not depend on the request.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::Bearer(header) => Some(header.clone()),
            Self::InHeaders | Self::Signed(..) => None,
        }
    }

    /// Signs a request that is finished.
    pub(crate) fn sign(
        &self,
        request: &mut Request<Bytes>,
        now: SystemTime,
    ) -> Result<(), Unsignable> {
        match self {
            Self::Signed(signer, keys) => signer.sign(request, keys, now),
            Self::InHeaders | Self::Bearer(_) => Ok(()),
        }
    }
}

/// A body for the provider, and what is to be known of it when the answer comes.
struct Body {
    bytes: Bytes,
    translation: Option<Box<Translation>>,
    left_out: Vec<Lost>,
}

fn asks_for_beta(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "beta=true"))
}
