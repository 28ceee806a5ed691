//! HTTP CONNECT proxies: the spec of one, and the environment's rules on when to use it.

use std::{fmt, net::IpAddr};

use http::Uri;

use crate::{
    error::SpecError,
    spec::{ConnectSpec, Scheme},
};

/// A proxy that opens tunnels by HTTP CONNECT (RFC 9110, section 9.3.6), spoken to in plain HTTP.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxySpec {
    /// Host name or address literal, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Value of `Proxy-Authorization`, if the proxy wants one.
    pub authorization: Option<String>,
}

impl fmt::Debug for ProxySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxySpec({}:{})", self.host, self.port)
    }
}

impl ProxySpec {
    /// Parses `http://[user:password@]host[:port]`, or the same without scheme. The port defaults to 80.
    ///
    /// # Errors
    /// It is neither, or the scheme is not `http`.
    pub fn parse(url: &str) -> Result<Self, SpecError> {
        // The URL may carry a password: errors name it without.
        let refused = || SpecError::Proxy(url.rsplit('@').next().unwrap_or_default().to_owned());
        let full = if url.contains("://") {
            url.to_owned()
        } else {
            format!("http://{url}")
        };
        let uri: Uri = full.parse().map_err(|_| refused())?;
        if uri.scheme_str() != Some("http") {
            return Err(refused());
        }
        let authority = uri.authority().ok_or_else(refused)?;
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(refused());
        }
        let credentials = authority
            .as_str()
            .rsplit_once('@')
            .map(|(user, _)| percent_decoded(user));
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authorization: credentials.map(|user| format!("Basic {}", base64(&user))),
        })
    }

    /// The proxy that the environment wants for `target`, by curl's rules: `HTTPS_PROXY` or `HTTP_PROXY` (the
    /// latter only in lower case: a CGI server sets the other from a request header), then `ALL_PROXY`, unless
    /// `NO_PROXY` lists the host. `lookup` reads one variable.
    ///
    /// # Errors
    /// The variable that applies is not a usable proxy URL.
    pub fn from_env(
        target: &ConnectSpec,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, SpecError> {
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| lookup(name).filter(|v| !v.trim().is_empty()))
        };
        let names: &[&str] = match target.scheme {
            Scheme::Https => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            Scheme::Http => &["http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let Some(url) = first(names) else {
            return Ok(None);
        };
        if first(&["no_proxy", "NO_PROXY"]).is_some_and(|list| exempt(&list, &target.host)) {
            return Ok(None);
        }
        Self::parse(url.trim()).map(Some)
    }
}

/// Whether a `NO_PROXY` list names `host`: `*`, a host, a domain with its subdomains, an address, or a network.
fn exempt(list: &str, host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    list.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| match address {
            _ if entry == "*" => true,
            Some(address) => in_network(entry, address),
            None => {
                let domain = entry
                    .trim_start_matches("*.")
                    .trim_start_matches('.')
                    .to_ascii_lowercase();
                let prefix = host.strip_suffix(domain.as_str());
                prefix.is_some_and(|p| p.is_empty() || p.ends_with('.'))
            }
        })
}

fn in_network(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = entry.split_once('/').unwrap_or((entry, ""));
    let Ok(network) = network
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
    else {
        return false;
    };
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) => (u128::from(n.to_bits()), u128::from(a.to_bits()), 32),
        (IpAddr::V6(n), IpAddr::V6(a)) => (n.to_bits(), a.to_bits(), 128),
        _ => return false,
    };
    let bits: u32 = if bits.is_empty() {
        width
    } else {
        bits.parse().unwrap_or(width)
    };
    let shift = width - bits.min(width);
    // A shift by the whole width is not defined: the empty prefix holds every address.
    shift == 128 || network >> shift == address >> shift
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok());
        match (byte, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// RFC 4648, section 4. Ten lines instead of a dependency for one header.
fn base64(input: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(input.len().div_ceil(3) * 4);
    for chunk in input.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (word >> (18 - 6 * place)) & 63;
            let symbol = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
            out.push(if place <= chunk.len() {
                char::from(symbol)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_for(url: &str, env: &[(&str, &str)]) -> Option<ProxySpec> {
        let lookup = |name: &str| {
            env.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        ProxySpec::from_env(&ConnectSpec::from_url(url).unwrap(), lookup).unwrap()
    }

    #[test]
    fn credentials_become_a_basic_header_and_are_not_printed() {
        let proxy = ProxySpec::parse("http://us%65r:p%40ss@proxy.example:3128").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(format!("{proxy:?}"), "ProxySpec(proxy.example:3128)");
    }

    #[test]
    fn base64_pads_as_the_rfc_says() {
        let encoded =
            ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|s| base64(s.as_bytes()));
        assert_eq!(
            encoded,
            [
                "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"
            ]
        );
    }

    #[test]
    fn the_scheme_chooses_the_variable_and_no_proxy_exempts() {
        let env = [
            ("HTTPS_PROXY", "p:1"),
            ("http_proxy", "http://q:2"),
            ("NO_PROXY", "internal.example, 10.0.0.0/8,::1"),
        ];
        let port = |url| proxy_for(url, &env).map(|p| p.port);
        assert_eq!(port("https://api.example"), Some(1));
        assert_eq!(port("http://api.example"), Some(2));
        assert_eq!(port("https://a.internal.example"), None);
        assert_eq!(port("https://internal.example"), None);
        assert_eq!(port("https://notinternal.example"), Some(1));
        assert_eq!(port("https://10.1.2.3"), None);
        assert_eq!(port("https://11.1.2.3"), Some(1));
        assert_eq!(port("https://[::1]:8443"), None);
        assert_eq!(
            proxy_for(
                "https://a.example",
                &[("ALL_PROXY", "p:9"), ("no_proxy", "*")]
            ),
            None
        );
        assert_eq!(
            proxy_for("http://a.example", &[("HTTP_PROXY", "p:9")]),
            None
        );
    }

    #[test]
    fn a_proxy_url_with_another_scheme_is_refused_without_its_password() {
        let error = ProxySpec::parse("socks5://user:secret@p:1")
            .unwrap_err()
            .to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
