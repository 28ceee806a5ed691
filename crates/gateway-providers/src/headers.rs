//! Request headers upstream: built anew for each request. What is on no list does not pass, so neither the
//! client's credentials nor anything about its connection can.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::betas::{self, ANTHROPIC_BETA, Betas, Client};
use crate::blueprint::Credential;
use crate::error::EndpointError;

/// The header rules of one endpoint, ready to be applied.
#[derive(Debug)]
pub(crate) struct HeaderRules {
    /// What every request has. Secrets in it are marked as sensitive.
    fixed: HeaderMap,
    /// What passes from the client, over what is fixed.
    forwarded: Vec<HeaderName>,
    betas: Betas,
    /// The header by which the endpoint proves who it is, if the operator has not said it.
    credential: Option<HeaderName>,
}

impl HeaderRules {
    /// Rules from a provider's defaults and lists, and from the operator's `extra_headers`, which win over all.
    pub(crate) fn build(
        defaults: Vec<(HeaderName, HeaderValue)>,
        credential: &Credential,
        forwarded: &[&'static str],
        betas: Betas,
        extra: &[(String, String)],
    ) -> Result<Self, EndpointError> {
        let mut fixed = HeaderMap::with_capacity(16);
        let json = HeaderValue::from_static("application/json");
        fixed.insert(header::CONTENT_TYPE, json);
        // Events are observed on their way: no coding may hide them.
        fixed.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        fixed.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        fixed.extend(defaults);
        let mut proof = None;
        if let Credential::Header(name, value) = credential {
            fixed.insert(name, value.clone());
            proof = Some(name.clone());
        }
        let passing = EVERYWHERE.iter().chain(forwarded);
        let mut forwarded: Vec<_> = passing.map(|name| HeaderName::from_static(name)).collect();
        for (name, value) in extra {
            let (name, value) = parse_extra(name, value)?;
            forwarded.retain(|it| *it != name);
            proof = proof.filter(|it| *it != name);
            fixed.insert(name, value);
        }
        Ok(Self {
            fixed,
            forwarded,
            betas,
            credential: proof,
        })
    }

    /// The headers of one request of this client.
    pub(crate) fn apply(
        &self,
        client: Client<'_>,
        authorization: Option<HeaderValue>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.fixed.len() + self.forwarded.len());
        headers.extend(
            self.fixed
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        for name in &self.forwarded {
            if *name == ANTHROPIC_BETA
                && let Some(betas) = self.betas_of(client)
            {
                if let Some(value) = betas::value(&betas) {
                    headers.insert(name, value);
                }
                continue;
            }
            let mut values = client.headers.get_all(name).iter();
            if let Some(first) = values.next() {
                headers.insert(name, first.clone());
                for value in values {
                    headers.append(name, value.clone());
                }
            }
        }
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        headers
    }

    /// Adds to a client's headers what every request has and they have not; credentials and the operator's headers
    /// always.
    pub(crate) fn complete(&self, headers: &mut HeaderMap, authorization: Option<HeaderValue>) {
        for (name, value) in &self.fixed {
            if value.is_sensitive()
                || name == header::ACCEPT_ENCODING
                || !headers.contains_key(name)
            {
                headers.insert(name, value.clone());
            }
        }
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization);
        }
    }

    /// Puts a header that proves who we are in the place of the endpoint's own, unless the operator has said that one.
    pub(crate) fn prove(&self, headers: &mut HeaderMap, credential: &Credential) {
        if let (Some(own), Credential::Header(name, value)) = (&self.credential, credential) {
            headers.remove(own);
            headers.insert(name, value.clone());
        }
    }

    /// The betas that a request of this client has in its headers.
    pub(crate) fn betas_sent(&self, client: Client<'_>) -> Vec<String> {
        if !self.forwarded.contains(&ANTHROPIC_BETA) {
            return Vec::new();
        }
        let betas = self.betas_of(client);
        let betas = betas.unwrap_or_else(|| client.betas().collect());
        betas.into_iter().map(str::to_owned).collect()
    }

    /// The client's betas; `None` if the header passes as it is.
    fn betas_of<'a>(&self, client: Client<'a>) -> Option<Vec<&'a str>> {
        match self.betas {
            Betas::All => client.betas_left(),
            Betas::Known(known) => Some(client.known_betas(known)),
        }
    }
}

fn parse_extra(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), EndpointError> {
    let wrong = |reason: &str| EndpointError::setting(format!("extra_headers.{name}"), reason);
    let parsed: HeaderName = name.parse().map_err(|_| wrong("it is no header's name"))?;
    if TRANSPORT.contains(&parsed.as_str()) {
        return Err(wrong("the connection decides about this header"));
    }
    let mut value = HeaderValue::try_from(value).map_err(|_| wrong("a header cannot carry it"))?;
    // Operators put keys here.
    value.set_sensitive(true);
    Ok((parsed, value))
}

/// What passes from the client whatever the provider. Its credentials (`authorization`, `x-api-key`, `api-key`,
/// `cookie`, …), what it says of its own connection, and tracing ids of its network are not here.
const EVERYWHERE: &[&str] = &["user-agent", "idempotency-key"];

/// Never an operator's to set: hop by hop (RFC 9110, section 7.6.1), framing, address, coding.
const TRANSPORT: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// For clients that do not say who they are: some providers refuse requests without.
const USER_AGENT: &str = concat!("gateway/", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
