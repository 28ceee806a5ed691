//! Signature Version 4 over a finished request.
//!
//! Source: AWS's "Create a signed AWS API request". The path is encoded once more for the signature than on the wire:
//! the `%3A` of a model's id is signed as `%253A`.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign as signature};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Uri};

use super::keys::Keys;

/// Where a signature counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) region: String,
    pub(crate) service: &'static str,
}

/// The request cannot be signed: its address or a header is none.
#[derive(Debug)]
pub(crate) struct Unsignable;

/// Signs `request` as of `now`: sets `host`, `x-amz-date`, `x-amz-security-token` and `authorization`. Afterwards neither
/// its address nor its body nor a signed header may change; `user-agent` and whatever is not Amazon's may.
pub(crate) fn sign(
    request: &mut Request<Bytes>,
    keys: &Keys,
    scope: &Scope,
    now: SystemTime,
) -> Result<(), Unsignable> {
    // A client of Amazon's may have signed for us.
    for stale in [
        "authorization",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
    ] {
        request.headers_mut().remove(stale);
    }
    let host = host(request.uri()).ok_or(Unsignable)?;
    // What is signed is what the server sees, whatever the transport makes of a default port.
    request.headers_mut().insert(header::HOST, host);
    let identity = keys.credentials().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(&scope.region)
        .name(scope.service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| Unsignable)?
        .into();
    let mut signed = Vec::new();
    for (name, value) in request.headers() {
        if is_signed(name) {
            signed.push((name.as_str(), value.to_str().map_err(|_| Unsignable)?));
        }
    }
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        signed.into_iter(),
        SignableBody::Bytes(request.body()),
    )
    .map_err(|_| Unsignable)?;
    let (instructions, _) = signature(signable, &params)
        .map_err(|_| Unsignable)?
        .into_parts();
    let (headers, _) = instructions.into_parts();
    for added in headers {
        let mut value = HeaderValue::from_str(added.value()).map_err(|_| Unsignable)?;
        value.set_sensitive(added.name() != "x-amz-date");
        request.headers_mut().insert(added.name(), value);
    }
    Ok(())
}

/// What the signature covers. Proxies on the way change other headers.
fn is_signed(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "host" | "content-type")
        || name.starts_with("x-amz-")
        // A tracing id that intermediaries rewrite.
        || name.starts_with("x-amzn-") && name != "x-amzn-trace-id"
}

/// The `Host` of an address: a default port is left out (RFC 9110, section 7.2).
fn host(uri: &Uri) -> Option<HeaderValue> {
    let default = match uri.scheme_str()? {
        "https" => 443,
        _ => 80,
    };
    let host = match uri.port_u16() {
        Some(port) if port != default => format!("{}:{port}", uri.host()?),
        _ => uri.host()?.to_owned(),
    };
    HeaderValue::try_from(host).ok()
}

#[cfg(test)]
mod tests {
    use super::{Scope, sign};
    use crate::aws::keys::Keys;
    use bytes::Bytes;
    use http::Request;
    use std::time::{Duration, UNIX_EPOCH};

    /// 2026-11-20T16:15:13Z.
    const NOW: Duration = Duration::from_secs(1_795_191_313);
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const TOKEN: &str = "a-session-token/+=";

    struct Vector {
        uri: &'static str,
        scope: (&'static str, &'static str),
        token: Option<&'static str>,
        body: &'static str,
        headers: &'static [(&'static str, &'static str)],
        signed: &'static str,
        signature: &'static str,
    }

    /// Made with botocore 1.43.11: `SigV4Auth(Credentials(…), service, region).add_auth(AWSRequest(…))`.
    const VECTORS: [Vector; 5] = [
        Vector {
            uri: "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
            scope: ("us-east-1", "bedrock"),
            token: None,
            body: r#"{"messages":[]}"#,
            headers: &[("content-type", "application/json")],
            signed: "content-type;host;x-amz-date",
            signature: "7cf4fdb069c4098f92ae85f52f28479bccc443b5c4f5d53d34662d082521d1ae",
        },
        Vector {
            uri: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse-stream",
            scope: ("eu-west-1", "bedrock"),
            token: Some(TOKEN),
            body: r#"{"messages":[{"role":"user","content":[{"text":"é"}]}]}"#,
            headers: &[("content-type", "application/json")],
            signed: "content-type;host;x-amz-date;x-amz-security-token",
            signature: "542b2d0da3f8fe0853f5bf28379e7ade988b41b77c8c3f1715db38115d0ddad7",
        },
        Vector {
            uri: "http://127.0.0.1:4566/model/us.amazon.nova-pro-v1%3A0/invoke",
            scope: ("us-west-2", "bedrock"),
            token: None,
            body: "",
            headers: &[
                ("content-type", "application/json"),
                ("x-amzn-bedrock-trace", "ENABLED"),
                // Not covered by a signature.
                ("user-agent", "client/1"),
                ("x-amzn-trace-id", "Root=1"),
                // Replaced or taken out.
                ("authorization", "Bearer old"),
                ("x-amz-date", "20000101T000000Z"),
                ("x-amz-security-token", "old"),
                ("x-amz-content-sha256", "old"),
            ],
            signed: "content-type;host;x-amz-date;x-amzn-bedrock-trace",
            signature: "7229a27728f5697f356af1bb35914357022162c7ac5ad4f7b41ec4783d8b3cf9",
        },
        Vector {
            uri: "https://h.example:443/a%20b/model/m%40x/invoke?z=1&a=b%2Fc",
            scope: ("us-west-2", "bedrock"),
            token: None,
            body: "{}",
            headers: &[("content-type", "application/json")],
            signed: "content-type;host;x-amz-date",
            signature: "c695ef9df1e879ef05fe744d19504c385a3708d907800911e4ff16f6917fb6d4",
        },
        Vector {
            uri: "https://sts.us-east-1.amazonaws.com/",
            scope: ("us-east-1", "sts"),
            token: None,
            body: "Action=GetCallerIdentity&Version=2011-06-15",
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            signed: "content-type;host;x-amz-date",
            signature: "e657cee6d52a10ee5a2e2f41a97abc501a801425a31c3fef696139e9a1800044",
        },
    ];

    #[test]
    fn signatures_are_those_of_botocore() {
        for vector in VECTORS {
            let mut request = Request::post(vector.uri);
            for (name, value) in vector.headers {
                request = request.header(*name, *value);
            }
            let mut request = request
                .body(Bytes::from_static(vector.body.as_bytes()))
                .unwrap();
            let keys = Keys::new("AKIDEXAMPLE", SECRET, vector.token).unwrap();
            let (region, service) = vector.scope;
            let scope = Scope {
                region: region.to_owned(),
                service,
            };
            sign(&mut request, &keys, &scope, UNIX_EPOCH + NOW).unwrap();
            let header = |name: &str| request.headers().get(name).map(|it| it.to_str().unwrap());
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/{region}/{service}/aws4_request, \
                 SignedHeaders={}, Signature={}",
                vector.signed, vector.signature
            );
            assert_eq!(
                header("authorization"),
                Some(expected.as_str()),
                "{}",
                vector.uri
            );
            assert_eq!(header("x-amz-date"), Some("20261120T161513Z"));
            assert_eq!(header("x-amz-security-token"), vector.token);
            let shown = format!("{request:?}");
            assert!(
                !shown.contains(vector.signature) && !shown.contains(TOKEN),
                "{shown}"
            );
        }
    }

    #[test]
    fn the_signed_host_is_the_one_that_is_sent() {
        for (uri, host) in [
            ("https://h.example:443/", "h.example"),
            ("http://h.example:80/", "h.example"),
            ("http://h.example:443/", "h.example:443"),
            ("http://[::1]:9/", "[::1]:9"),
        ] {
            let mut request = Request::post(uri).body(Bytes::new()).unwrap();
            let scope = Scope {
                region: "r".to_owned(),
                service: "bedrock",
            };
            let keys = Keys::new("a", "b", None).unwrap();
            sign(&mut request, &keys, &scope, UNIX_EPOCH + NOW).unwrap();
            assert_eq!(request.headers()["host"], host);
        }
    }
}
