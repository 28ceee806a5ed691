//! A request as each protocol wants it. Both functions take any form, so that a repeat may change protocol.

use bytes::Bytes;
use http::{
    HeaderValue, Request, Uri, Version,
    header::HOST,
    uri::{Authority, PathAndQuery, Scheme as UriScheme},
};
use http_body_util::Full;

use crate::{origin::OriginInner, spec::Scheme};

/// Origin-form and a `Host` header (RFC 9112, section 3.2).
pub(crate) fn for_http1(request: &mut Request<Full<Bytes>>, origin: &OriginInner) {
    *request.version_mut() = Version::HTTP_11;
    if !request.headers().contains_key(HOST) {
        let own = request
            .uri()
            .authority()
            .and_then(|a| other_host(a, origin));
        let host = own.unwrap_or_else(|| origin.host.clone());
        request.headers_mut().insert(HOST, host);
    }
    if request.uri().authority().is_some() {
        *request.uri_mut() = Uri::from(path(request.uri()));
    }
}

/// Absolute form, which becomes the pseudo-headers, and no `Host` (RFC 9113, section 8.3.1).
pub(crate) fn for_http2(request: &mut Request<Full<Bytes>>, origin: &OriginInner) {
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers_mut().remove(HOST);
    let host =
        host.and_then(|h| Authority::from_maybe_shared(Bytes::copy_from_slice(h.as_bytes())).ok());
    let authority = host.or_else(|| request.uri().authority().cloned());
    let scheme = match origin.spec.scheme {
        Scheme::Http => UriScheme::HTTP,
        Scheme::Https => UriScheme::HTTPS,
    };
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(scheme);
    parts.authority = Some(authority.unwrap_or_else(|| origin.authority.clone()));
    parts.path_and_query = Some(path(request.uri()));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

fn path(uri: &Uri) -> PathAndQuery {
    uri.path_and_query()
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
}

/// The header for an authority that is not the origin's own; user information never goes out.
fn other_host(authority: &Authority, origin: &OriginInner) -> Option<HeaderValue> {
    if authority == &origin.authority {
        return None;
    }
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    HeaderValue::from_str(host).ok()
}
