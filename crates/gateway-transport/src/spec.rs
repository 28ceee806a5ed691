//! What decides where and how we connect: the value that keys an origin.
//!
//! Two specs that are equal share one pool; two that differ never share a socket. API keys are not
//! part of a spec, the identity of a TLS client is.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::Uri;

use crate::{error::SpecError, proxy::ProxySpec};

/// Scheme, host, port and everything else that decides where and how a connection is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectSpec {
    /// Plain TCP or TLS.
    pub scheme: Scheme,
    /// Host name or address literal, lower case, IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Certificates: ours and theirs. Without effect for `Scheme::Http`.
    pub tls: TlsSpec,
    /// How HTTP/2 is chosen.
    pub http2: Http2Mode,
    /// An HTTP CONNECT proxy on the way, if any.
    pub proxy: Option<ProxySpec>,
    /// Options of the TCP socket.
    pub socket: SocketOptions,
}

impl ConnectSpec {
    /// A spec with default options for the scheme, host and port of `url`; path and query are ignored.
    ///
    /// # Errors
    /// The URL does not parse, is relative, or its scheme is neither `http` nor `https`.
    ///
    /// ```
    /// # use gateway_transport::{ConnectSpec, Scheme};
    /// let spec = ConnectSpec::from_url("https://api.example.com/v1")?;
    /// assert_eq!((spec.scheme, spec.host.as_str(), spec.port), (Scheme::Https, "api.example.com", 443));
    /// # Ok::<(), gateway_transport::SpecError>(())
    /// ```
    pub fn from_url(url: &str) -> Result<Self, SpecError> {
        let uri: Uri = url.parse().map_err(|_| SpecError::Url(url.to_owned()))?;
        Self::from_uri(&uri)
    }

    /// As [`from_url`](Self::from_url), for a URI that is parsed already.
    ///
    /// # Errors
    /// The URI is relative or its scheme is neither `http` nor `https`.
    pub fn from_uri(uri: &Uri) -> Result<Self, SpecError> {
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(SpecError::Url(uri.to_string())),
        };
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(SpecError::Url(uri.to_string()));
        }
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(scheme.default_port()),
            tls: TlsSpec::default(),
            http2: Http2Mode::default(),
            proxy: None,
            socket: SocketOptions::default(),
        })
    }

    /// `host` or `host:port`, as a `Host` header or `:authority` wants it: a default port is left out.
    pub fn authority(&self) -> String {
        let host = bracketed(&self.host);
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// `scheme://host:port`, the label of logs and metrics.
    pub fn label(&self) -> String {
        let scheme = self.scheme.as_str();
        format!("{scheme}://{}:{}", bracketed(&self.host), self.port)
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// As it is written in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// 80 or 443.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// How HTTP/2 is chosen for an origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Http2Mode {
    /// Over TLS: what ALPN agrees on. Over plain TCP: HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Never,
    /// HTTP/2 without asking, also over plain TCP.
    PriorKnowledge,
}

/// Which certificates are trusted, and which one is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsSpec {
    /// Trust anchors.
    pub roots: Roots,
    /// Our own certificate, for mutual TLS.
    pub client_identity: Option<ClientIdentity>,
    /// Whether the peer's certificate is checked.
    pub verify: Verify,
    /// The name that the certificate must carry and that SNI sends, if it is not the host.
    pub server_name: Option<String>,
}

impl TlsSpec {
    /// Whether it stands for what is in files.
    pub(crate) fn has_files(&self) -> bool {
        let identity = self.client_identity.as_ref();
        matches!(self.roots, Roots::File(_))
            || identity.is_some_and(|it| matches!(it, ClientIdentity::Files { .. }))
    }
}

/// Where trust anchors come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Roots {
    /// The operating system's store.
    #[default]
    System,
    /// Mozilla's list as compiled into this program.
    Bundled,
    /// A PEM file; looked at again by maintenance, and a change rotates the origin.
    File(PathBuf),
    /// PEM text.
    Pem(Arc<str>),
}

/// Certificate chain and private key of a TLS client, as PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum ClientIdentity {
    /// Two files (they may be the same); looked at again by maintenance, and a change rotates the origin.
    Files {
        /// Certificate chain, leaf first.
        certificate: PathBuf,
        /// Private key.
        key: PathBuf,
    },
    /// PEM text.
    Pem {
        /// Certificate chain, leaf first.
        certificate: Arc<str>,
        /// Private key.
        key: Arc<str>,
    },
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files { certificate, .. } => write!(f, "Files({})", certificate.display()),
            Self::Pem { .. } => f.write_str("Pem(..)"),
        }
    }
}

/// Whether the peer's certificate is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verify {
    /// Chain, name and validity.
    #[default]
    Full,
    /// Nothing is checked: anybody on the way can read and change everything.
    DangerouslyOff,
}

/// Options of the TCP socket. `TCP_NODELAY` is always set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SocketOptions {
    /// First keep-alive probe after this much silence; `None` sends none.
    pub keepalive: Option<Duration>,
    /// The kernel gives a connection up when sent bytes stay unacknowledged for so long (Linux only).
    pub user_timeout: Option<Duration>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            keepalive: Some(Duration::from_secs(15)),
            user_timeout: Some(Duration::from_secs(30)),
        }
    }
}
