//! Requests in a provider's own words, whatever they ask for: only the credentials are ours.

use std::time::SystemTime;

use bytes::Bytes;
use gateway_transport::Shard;
use http::{HeaderMap, Method, Request, Uri};

use crate::endpoint::Endpoint;
use crate::error::PrepareError;
use crate::url::BaseUrl;

/// What a client asks of a provider.
#[derive(Clone, Debug)]
pub struct Through<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path behind the provider's host, still percent-encoded, with a slash before it.
    pub path: &'a str,
    /// The query, without the client's key.
    pub query: Option<&'a str>,
    /// The client's headers. Its credentials and what it says of its connection do not pass.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Endpoint {
    /// The signed request for `asked`. Waits only where a token has to be exchanged first.
    ///
    /// # Errors
    /// See [`PrepareError`]; nothing was sent to the provider.
    ///
    /// # Cancel safety
    /// Dropping this gives up the wait for a token; its exchange goes on for other calls.
    pub async fn through(
        &self,
        asked: Through<'_>,
        shard: &Shard,
    ) -> Result<Request<Bytes>, PrepareError> {
        let provider = self.provider();
        let uri = self.uri_of(asked.path, asked.query)?;
        let authority = self.authorize(shard).await?;
        let mut headers = HeaderMap::with_capacity(asked.headers.len());
        for (name, value) in asked.headers {
            if passes(name.as_str()) {
                headers.append(name, value.clone());
            }
        }
        self.header_rules()
            .complete(&mut headers, authority.header());
        let mut request = Request::new(asked.body);
        asked.method.clone_into(request.method_mut());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        authority
            .sign(&mut request, SystemTime::now())
            .map_err(|_| PrepareError::Signature { provider })?;
        Ok(request)
    }

    fn uri_of(&self, path: &str, query: Option<&str>) -> Result<Uri, PrepareError> {
        let wrong = |reason| PrepareError::Path {
            provider: self.provider(),
            reason,
        };
        if leaves(path) {
            return Err(wrong("it leads out of the provider's API"));
        }
        let path = match (self.provider(), path.strip_prefix("/v1/")) {
            // LiteLLM takes both.
            ("openai" | "vertex_ai", None) if !path.starts_with("/v1beta1/") => {
                format!("/v1{path}")
            }
            _ => path.to_owned(),
        };
        let (before, after) = self.root().around(&path, query);
        Uri::try_from(before + &after).map_err(|_| wrong("it is no path"))
    }
}

/// The base behind which a provider's whole API lies, with versions and all.
pub(crate) fn root(base: &BaseUrl) -> BaseUrl {
    [
        "/v1",
        "/v1beta",
        "/v1alpha",
        "/v1beta1",
        "/openai",
        "/openai/v1",
    ]
    .iter()
    .rev()
    .find_map(|version| base.strip_suffix(version))
    .unwrap_or_else(|| base.clone())
}

/// Whether a path has segments that lead upwards, written out or encoded.
fn leaves(path: &str) -> bool {
    path.split('/').any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == ".." || plain == "."
    }) || path.to_ascii_lowercase().contains("%2f..")
}

/// Whether a client's header may go to a provider.
fn passes(name: &str) -> bool {
    !KEPT.contains(&name) && !KEPT_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Credentials, what concerns one connection only (RFC 9110, section 7.6.1), and what says where a client is.
const KEPT: &[&str] = &[
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "ocp-apim-subscription-key",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    // Who is told of a trace is decided elsewhere.
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-api-key",
    "x-goog-api-key",
    "x-real-ip",
];

/// The beginnings of others: the gateway's own, and those of proxies before it.
const KEPT_FAMILIES: &[&str] = &["x-litellm-", "x-gateway-", "x-forwarded-"];

#[cfg(test)]
mod tests {
    use super::{leaves, passes, root};
    use crate::url::BaseUrl;

    #[test]
    fn a_path_cannot_lead_out_of_the_api() {
        for path in ["/v1/../x", "/..", "/v1/%2e%2E/x", "/v1/./x", "/v1/a%2F../x"] {
            assert!(leaves(path), "{path}");
        }
        for path in ["/v1/messages", "/v1/a..b/c", "/model/x%3A0/converse"] {
            assert!(!leaves(path), "{path}");
        }
    }

    #[test]
    fn credentials_and_connections_stay_here() {
        for name in [
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "host",
            "x-litellm-tags",
            "x-amz-date",
            "traceparent",
        ] {
            assert!(!passes(name), "{name}");
        }
        for name in [
            "content-type",
            "anthropic-beta",
            "user-agent",
            "x-amzn-bedrock-trace",
        ] {
            assert!(passes(name), "{name}");
        }
    }

    #[test]
    fn the_whole_api_lies_behind_the_base_without_its_version() {
        for (base, expected) in [
            ("https://a.example/v1", "https://a.example"),
            (
                "https://a.example/proxy/openai/v1",
                "https://a.example/proxy",
            ),
            ("https://a.example/v1beta", "https://a.example"),
            ("https://a.example", "https://a.example"),
        ] {
            let base = BaseUrl::parse(base).unwrap();
            assert_eq!(root(&base).display(), expected);
        }
    }
}
