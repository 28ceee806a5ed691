//! Request headers upstream: built anew for each request. What is on no list does not pass, so neither the
//! client's credentials nor anything about its connection can.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::blueprint::Credential;
use crate::error::EndpointError;

/// `anthropic-beta`, whose values have rules of their own.
pub(crate) const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// Which values of `anthropic-beta` pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Betas {
    /// All, untouched.
    All,
    /// These, under the name that the provider knows them by.
    Listed(&'static [(&'static str, &'static str)]),
}

/// The header rules of one endpoint, ready to be applied.
#[derive(Debug)]
pub(crate) struct HeaderRules {
    /// What every request has. Secrets in it are marked as sensitive.
    fixed: HeaderMap,
    /// What passes from the client, over what is fixed.
    forwarded: Vec<HeaderName>,
    betas: Betas,
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
        if let Credential::Header(name, value) = credential {
            fixed.insert(name, value.clone());
        }
        let passing = EVERYWHERE.iter().chain(forwarded);
        let mut forwarded: Vec<_> = passing.map(|name| HeaderName::from_static(name)).collect();
        for (name, value) in extra {
            let (name, value) = parse_extra(name, value)?;
            forwarded.retain(|it| *it != name);
            fixed.insert(name, value);
        }
        Ok(Self {
            fixed,
            forwarded,
            betas,
        })
    }

    /// The headers of one request of a client that sent `client`.
    pub(crate) fn apply(
        &self,
        client: &HeaderMap,
        authorization: Option<HeaderValue>,
    ) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(self.fixed.len() + self.forwarded.len());
        headers.extend(
            self.fixed
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        for name in &self.forwarded {
            if let (Betas::Listed(list), true) = (self.betas, *name == ANTHROPIC_BETA) {
                let names = listed_betas(client, list);
                if let (false, Ok(value)) =
                    (names.is_empty(), HeaderValue::try_from(names.join(",")))
                {
                    headers.insert(name, value);
                }
                continue;
            }
            let mut values = client.get_all(name).iter();
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
}

/// The client's betas that are on the list, by their names there; each once, in the client's order.
pub(crate) fn listed_betas(client: &HeaderMap, list: &[(&str, &'static str)]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    let asked = client.get_all(&ANTHROPIC_BETA).iter();
    for beta in asked
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let beta = beta.trim();
        match list.iter().find(|(theirs, _)| *theirs == beta) {
            Some((_, name)) if !names.contains(name) => names.push(name),
            Some(_) => {}
            None => tracing::debug!(beta, "left out: the provider would refuse it"),
        }
    }
    names
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
