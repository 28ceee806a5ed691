//! From an address and an operator's options to the transport's [`ConnectSpec`].

use std::net::IpAddr;

use gateway_transport::{ConnectSpec, ProxySpec};

use crate::config::{ConnectOptions, ProxyChoice};
use crate::environment::Environment;
use crate::error::EndpointError;
use crate::url::BaseUrl;

/// How to connect to an address that is no provider's, as providers are connected to.
///
/// # Errors
/// It cannot be connected to, or the environment's proxy cannot.
pub fn connect_spec(
    url: &str,
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<ConnectSpec, EndpointError> {
    let base = BaseUrl::parse(url).map_err(|reason| EndpointError::setting("url", reason))?;
    spec(&base, options, environment)
}

/// How to connect to `base`.
pub(crate) fn spec(
    base: &BaseUrl,
    options: &ConnectOptions,
    environment: &Environment,
) -> Result<ConnectSpec, EndpointError> {
    let mut spec = ConnectSpec::from_url(&base.origin())?;
    // Two specs that connect alike should be equal: they share a pool. Certificates say nothing without TLS.
    if base.is_https() {
        spec.tls = options.tls.clone();
    }
    spec.http2 = options.http2;
    spec.socket = options.socket.clone();
    spec.proxy = match &options.proxy {
        ProxyChoice::Direct => None,
        ProxyChoice::Url(url) => Some(ProxySpec::parse(url.expose())?),
        // Go's exception: no proxy can reach this machine's loopback, so none is asked.
        ProxyChoice::Environment if is_loopback(&spec.host) => None,
        ProxyChoice::Environment => ProxySpec::from_env(&spec, |name| variable(environment, name))?,
    };
    Ok(spec)
}

/// The transport asks for `http_proxy` in lower case only, as a library inside a CGI program must. This is no CGI
/// program, and operators write both.
fn variable(environment: &Environment, name: &str) -> Option<String> {
    environment.variable(name).or_else(|| match name {
        "http_proxy" => environment.variable("HTTP_PROXY"),
        _ => None,
    })
}

/// Whether the host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::spec;
    use crate::config::{ConnectOptions, ProxyChoice};
    use crate::environment::Environment;
    use crate::url::BaseUrl;
    use gateway_transport::{Http2Mode, Roots, TlsSpec, Verify};

    fn proxy(url: &str, choice: ProxyChoice) -> Option<(String, u16)> {
        let environment = Environment::with_variables([
            ("HTTPS_PROXY", "http://secure.example:1"),
            ("HTTP_PROXY", "plain.example:2"),
            ("NO_PROXY", "internal.example"),
        ]);
        let options = ConnectOptions {
            proxy: choice,
            ..ConnectOptions::default()
        };
        let spec = spec(&BaseUrl::parse(url).unwrap(), &options, &environment).unwrap();
        spec.proxy.map(|proxy| (proxy.host, proxy.port))
    }

    #[test]
    fn the_environment_names_the_proxy_except_for_this_machine() {
        let seen = |url| proxy(url, ProxyChoice::Environment);
        assert_eq!(
            seen("https://a.example/v1"),
            Some(("secure.example".into(), 1))
        );
        assert_eq!(
            seen("http://a.example/v1"),
            Some(("plain.example".into(), 2))
        );
        for url in [
            "https://x.internal.example",
            "http://127.0.0.1:9",
            "http://localhost",
            "https://[::1]",
        ] {
            assert_eq!(seen(url), None, "{url}");
        }
    }

    #[test]
    fn the_config_wins_over_the_environment() {
        assert_eq!(proxy("https://a.example", ProxyChoice::Direct), None);
        let own = ProxyChoice::Url("http://u:p@own.example:3".into());
        assert_eq!(
            proxy("https://a.example", own),
            Some(("own.example".into(), 3))
        );
    }

    #[test]
    fn certificates_count_for_tls_only() {
        let options = ConnectOptions {
            tls: TlsSpec {
                roots: Roots::File("/ca.pem".into()),
                verify: Verify::DangerouslyOff,
                ..TlsSpec::default()
            },
            http2: Http2Mode::PriorKnowledge,
            ..ConnectOptions::default()
        };
        let environment = Environment::with_variables([("", ""); 0]);
        let of = |url| spec(&BaseUrl::parse(url).unwrap(), &options, &environment).unwrap();
        assert_eq!(of("https://a.example").tls, options.tls);
        assert_eq!(of("http://a.example").tls, TlsSpec::default());
        assert_eq!(of("http://a.example").http2, Http2Mode::PriorKnowledge);
    }
}
