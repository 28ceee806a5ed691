//! What went wrong, what was being done, and whether the origin may have seen the request.

use std::{error::Error as StdError, fmt, path::PathBuf, sync::Arc, time::Duration};

/// A cause, shared because one failed connect may answer several requests.
pub(crate) type Cause = Arc<dyn StdError + Send + Sync>;

/// Whether the origin may have processed the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Not one byte of it was written, or the peer never got it. Safe to send again anywhere.
    NotSent,
    /// The peer said that it did not process it. Safe to send again, better elsewhere.
    Refused,
    /// It may have been processed.
    Unknown,
}

impl Delivery {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What was being done when an exchange failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for a connection slot.
    Pool,
    /// Resolving the name.
    Resolve,
    /// Opening the TCP connection.
    Connect,
    /// Asking the proxy for a tunnel.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The HTTP handshake.
    Handshake,
    /// Writing the request.
    Send,
    /// Waiting for, or reading, the head of the response.
    Head,
}

impl Phase {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Handshake => "handshake",
            Self::Send => "send",
            Self::Head => "head",
        }
    }
}

/// A timer of the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// [`SendOptions::pool_timeout`](crate::SendOptions).
    Pool,
    /// [`SendOptions::connect_timeout`](crate::SendOptions).
    Connect,
    /// [`SendOptions::head_timeout`](crate::SendOptions).
    Head,
}

impl Timer {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Connect => "connect",
            Self::Head => "head",
        }
    }
}

/// An exchange that got no response head.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.describe())]
pub struct SendError {
    /// Whether the origin may have processed the request.
    pub delivery: Delivery,
    /// What was being done.
    pub phase: Phase,
    /// Whether the connection had served another exchange before.
    pub reused: bool,
    /// How long the exchange had held its connection; zero if it got none.
    pub held: Duration,
    /// Label of the origin.
    pub origin: Arc<str>,
    /// Number of the generation, 0 if none was involved yet.
    pub generation: u64,
    /// The timer that ended it, if one did.
    pub timer: Option<Timer>,
    /// Who cut it, if it was cut on purpose.
    pub killed: Option<KilledBy>,
    /// The cause; never printed by `Display`, walk the chain.
    #[source]
    pub source: Option<Cause>,
}

impl SendError {
    /// The exchange got no connection.
    pub(crate) fn not_sent(origin: &Arc<str>, phase: Phase) -> Self {
        Self {
            delivery: Delivery::NotSent,
            phase,
            reused: false,
            held: Duration::ZERO,
            origin: Arc::clone(origin),
            generation: 0,
            timer: None,
            killed: None,
            source: None,
        }
    }

    /// Whether TLS failed for a reason that stays: a certificate that is not accepted, or nothing in common. The next
    /// handshake with the same origin will fail, too.
    pub fn handshake_refused(&self) -> bool {
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            // An IO error does not count what it wraps among its sources.
            let wrapped = error
                .downcast_ref::<std::io::Error>()
                .and_then(std::io::Error::get_ref);
            let tls = match wrapped {
                Some(wrapped) => wrapped.downcast_ref(),
                None => error.downcast_ref(),
            };
            if let Some(tls) = tls {
                return matches!(
                    tls,
                    rustls::Error::InvalidCertificate(_)
                        | rustls::Error::NoCertificatesPresented
                        | rustls::Error::PeerIncompatible(_)
                        | rustls::Error::AlertReceived(_)
                );
            }
            cause = error.source();
        }
        false
    }

    fn describe(&self) -> String {
        let (origin, phase) = (&self.origin, self.phase.as_str());
        match (self.timer, self.killed) {
            (Some(timer), _) => format!("{origin}: {} timer fired, phase {phase}", timer.as_str()),
            (None, Some(by)) => format!("{origin}: cut by {}, phase {phase}", by.as_str()),
            (None, None) => format!("{origin}: exchange failed, phase {phase}"),
        }
    }
}

/// Who cut an exchange on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KilledBy {
    /// The drain deadline of its generation.
    DrainDeadline,
    /// The identity that the connection was made with was revoked.
    Revoked,
    /// An operator.
    Operator,
    /// The deadline of the process's shutdown.
    Shutdown,
}

impl KilledBy {
    /// For logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DrainDeadline => "drain_deadline",
            Self::Revoked => "revoked",
            Self::Operator => "operator",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A response body that did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection ended before the body did.
    #[error("the connection closed before the body was complete")]
    Truncated(#[source] Option<Cause>),
    /// The connection was reset, or failed otherwise.
    #[error("the connection failed in the middle of the body")]
    Reset(#[source] Cause),
    /// The peer broke the framing of the body.
    #[error("the body's framing is malformed")]
    Malformed(#[source] Cause),
    /// The peer ended this HTTP/2 stream or its connection with an error code.
    #[error("the peer ended the HTTP/2 stream with code {code}")]
    Http2 {
        /// The error code of RST_STREAM or GOAWAY (RFC 9113, section 7).
        code: u32,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// It was cut on purpose.
    #[error("cut by {} after {} s", by.as_str(), lease_age.as_secs())]
    Killed {
        /// Who did.
        by: KilledBy,
        /// How long the exchange had held its connection.
        lease_age: Duration,
    },
}

/// Why a connection could not be made. Cheap to clone: it may answer several requests.
#[derive(Clone, Debug)]
pub struct ConnectError {
    /// What was being done.
    pub phase: Phase,
    /// Whether the bound on connecting ended it.
    pub timed_out: bool,
    /// The cause.
    pub source: Option<Cause>,
}

impl ConnectError {
    /// A failure in `phase` because of `source`.
    pub fn new(phase: Phase, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            phase,
            timed_out: false,
            source: Some(Arc::from(source.into())),
        }
    }

    /// The bound on connecting ended `phase`.
    pub const fn timed_out(phase: Phase) -> Self {
        Self {
            phase,
            timed_out: true,
            source: None,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.timed_out {
            "timed out"
        } else {
            "failed"
        };
        write!(f, "connecting {what} in phase {}", self.phase.as_str())
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|s| &**s as &(dyn StdError + 'static))
    }
}

/// A [`ConnectSpec`](crate::ConnectSpec) that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Not an absolute `http` or `https` URL.
    #[error("{0:?} is not an absolute http or https URL")]
    Url(String),
    /// The host cannot be the name of a TLS server.
    #[error("{0:?} cannot be the name of a TLS server")]
    ServerName(String),
    /// A certificate or key file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A certificate, key or list of roots cannot be used.
    #[error("cannot use {what}: {reason}")]
    Certificate {
        /// Which one.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// A proxy URL that is not `http://[user:password@]host[:port]`.
    #[error("{0:?} is not a usable proxy URL")]
    Proxy(String),
    /// The transport is shutting down.
    #[error("the transport is shutting down")]
    ShuttingDown,
}
