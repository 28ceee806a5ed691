//! The fault matrix on the wire, as a table: tests and the chaos soak iterate over it.
//!
//! Each [`Fault`] has a row number and a name, says on which connections and at which moment of an answer it
//! can be made, and what a gateway owes its client then. [`all`] gives them all. Rows that are not about the
//! wire (DNS answers, frames of Bedrock and Gemini, signals to a process) are not here.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use gateway_testkit::fault::{self, At, Setup};
//! let fault = fault::by_name("rst").expect("row 12");
//! let upstream = fault.start(&Setup::plain(At::AfterFirstEvent)).await;
//! // Point the gateway at `upstream.url()`, stream through it, and expect `fault.expect`.
//! # upstream.stop().await;
//! # }
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use crate::ca::{Identity, Leaf, ServerTls, TestCa};
use crate::dialect::Wire;
use crate::script::Script;
use crate::upstream::{BlackHole, Protocol, Recorded, Refused, Upstream, UpstreamConfig};

mod connection;
mod content;
mod framing;
mod gzip;
mod http2;
mod scene;
mod status;
mod stream;

pub use scene::Scene;

/// One way in which an upstream fails, or only looks odd.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Row of the fault matrix.
    pub row: u8,
    /// Unique name.
    pub name: &'static str,
    /// On which connections it can be made.
    pub on: On,
    /// At which moments it can happen.
    pub at: &'static [At],
    /// What a gateway owes its client.
    pub expect: Expect,
    make: Make,
}

/// Kinds of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// HTTP/1.1 and HTTP/2, with and without TLS.
    Any,
    /// HTTP/1.1, with and without TLS.
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/1.1 or HTTP/2 over TLS.
    Tls,
    /// HTTP/1.1 over TLS.
    Http1Tls,
}

/// Moments of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// The request does not ask for a stream.
    Plain,
    /// In a stream, before the first event. Faults of a whole stream are here too.
    BeforeFirstEvent,
    /// In a stream, after the first content.
    AfterFirstEvent,
}

/// What the client of a gateway must see when the only upstream does this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// One of these statuses, or after the first event an error event and no terminal marker.
    Fails(&'static [u16]),
    /// A complete, correct answer.
    Completes,
    /// Either of both, but nothing in between: never a cut answer that looks complete.
    FailsOrCompletes,
    /// The stream goes on without end: the upstream must be held back when the client does not read.
    Floods,
}

/// What the upstream of a fault is like.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    /// The moment.
    pub at: At,
    /// TLS with this authority.
    pub ca: Option<&'a TestCa>,
    /// HTTP/2 (by ALPN, or by prior knowledge without TLS) instead of HTTP/1.1.
    pub http2: bool,
    /// The pause of everything slow: between single bytes, between pings.
    pub pause: Duration,
}

/// What answers, or does not.
#[derive(Debug)]
pub enum Faulty {
    /// A double.
    Upstream(Box<Upstream>),
    /// Nobody listens.
    Refused(Refused),
    /// SYNs vanish.
    BlackHole(BlackHole),
}

#[derive(Clone, Copy)]
enum Make {
    Refused,
    BlackHole,
    /// A TLS upstream with an odd certificate.
    Certificate(fn(&TestCa) -> Identity),
    /// A good upstream, changed.
    Config(fn(UpstreamConfig, Setup<'static>) -> UpstreamConfig),
    /// A good upstream that answers like this.
    Answer(fn(&Scene<'_>) -> Script),
}

/// All faults, in the order of the matrix.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    let mut all: Vec<&'static Fault> = TABLES.iter().copied().flatten().collect();
    all.sort_by_key(|fault| fault.row);
    all.into_iter()
}

/// The fault with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.name == name)
}

impl Fault {
    /// Whether it can be made in this setup.
    #[must_use]
    pub fn fits(&self, setup: &Setup<'_>) -> bool {
        let on = match self.on {
            On::Any => true,
            On::Http1 => !setup.http2,
            On::Http2 => setup.http2,
            On::Tls => setup.ca.is_some(),
            On::Http1Tls => setup.ca.is_some() && !setup.http2,
        };
        on && self.at.contains(&setup.at)
    }

    /// Starts an upstream that fails like this.
    ///
    /// # Panics
    /// If it does not fit the setup.
    pub async fn start(&self, setup: &Setup<'_>) -> Faulty {
        assert!(self.fits(setup), "{} does not fit {setup:?}", self.name);
        match self.make {
            Make::Refused => Faulty::Refused(Refused::start()),
            Make::BlackHole => Faulty::BlackHole(BlackHole::start().await),
            Make::Certificate(identity) => {
                let ca = setup.ca.expect("a TLS fault fits only with an authority");
                self.upstream(setup, Some(identity(ca))).await
            }
            Make::Config(_) | Make::Answer(_) => {
                let identity = setup.ca.map(|ca| ca.server_with(Leaf::Valid));
                self.upstream(setup, identity).await
            }
        }
    }

    /// The answer of this fault to a request, for handlers that mix faults; `None` if it is not made by an answer alone.
    #[must_use]
    pub fn script(&self, request: &Recorded, setup: &Setup<'_>) -> Option<Script> {
        match self.make {
            Make::Answer(answer) => Some(answer(&Scene::new(request, setup.at, setup.pause))),
            Make::Refused | Make::BlackHole | Make::Certificate(_) | Make::Config(_) => None,
        }
    }

    async fn upstream(&self, setup: &Setup<'_>, identity: Option<Identity>) -> Faulty {
        let protocol = if setup.http2 {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        let mut config = UpstreamConfig::default().protocol(protocol);
        if let Some(identity) = identity {
            let alpn = if setup.http2 { "h2" } else { "http/1.1" };
            let tls = ServerTls {
                alpn: vec![alpn],
                client_ca: None,
            };
            config = config.tls(identity.server_config(&tls));
        }
        // What a request is answered with outlives the authority of the caller, and does not need it.
        let owned = Setup {
            at: setup.at,
            ca: None,
            http2: setup.http2,
            pause: setup.pause,
        };
        config = match self.make {
            Make::Config(change) => change(config, owned),
            Make::Answer(answer) => config.handler(move |request| {
                if Wire::of_path(request.path()).is_none() {
                    // Tokens and model lists are not what this is about.
                    return crate::dialect::Dialects::default().answer(request);
                }
                answer(&Scene::new(request, owned.at, owned.pause))
            }),
            Make::Refused | Make::BlackHole | Make::Certificate(_) => config,
        };
        Faulty::Upstream(Box::new(Upstream::start(config).await))
    }
}

impl Setup<'_> {
    /// HTTP/1.1 over plain TCP, slow things at one per 200 ms.
    #[must_use]
    pub fn plain(at: At) -> Self {
        Self {
            at,
            ca: None,
            http2: false,
            pause: Duration::from_millis(200),
        }
    }
}

impl Faulty {
    /// Where it is.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        match self {
            Self::Upstream(upstream) => upstream.addr(),
            Self::Refused(refused) => refused.addr(),
            Self::BlackHole(hole) => hole.addr(),
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Upstream(upstream) => upstream.url(),
            Self::Refused(_) | Self::BlackHole(_) => format!("http://{}", self.addr()),
        }
    }

    /// The double behind it, if there is one.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        match self {
            Self::Upstream(upstream) => Some(upstream),
            Self::Refused(_) | Self::BlackHole(_) => None,
        }
    }

    /// Ends it.
    pub async fn stop(self) {
        if let Self::Upstream(upstream) = self {
            upstream.stop().await;
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.row, self.name)
    }
}

impl std::fmt::Debug for Make {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refused => "Refused",
            Self::BlackHole => "BlackHole",
            Self::Certificate(_) => "Certificate",
            Self::Config(_) => "Config",
            Self::Answer(_) => "Answer",
        })
    }
}

/// A fault that is made by answering in a certain way.
const fn answer(
    row: u8,
    name: &'static str,
    on: On,
    at: &'static [At],
    expect: Expect,
    script: fn(&Scene<'_>) -> Script,
) -> Fault {
    Fault {
        row,
        name,
        on,
        at,
        expect,
        make: Make::Answer(script),
    }
}

/// A fault that is made by the configuration of the upstream.
const fn config(
    row: u8,
    name: &'static str,
    on: On,
    at: &'static [At],
    expect: Expect,
    change: fn(UpstreamConfig, Setup<'static>) -> UpstreamConfig,
) -> Fault {
    Fault {
        row,
        name,
        on,
        at,
        expect,
        make: Make::Config(change),
    }
}

const EVERY: &[At] = &[At::Plain, At::BeforeFirstEvent, At::AfterFirstEvent];
const COMMITTED: &[At] = &[At::AfterFirstEvent];
const STREAM: &[At] = &[At::BeforeFirstEvent];
const PLAIN: &[At] = &[At::Plain];
/// Before anything was said to the client.
const OPEN: &[At] = &[At::Plain, At::BeforeFirstEvent];
const STREAMS: &[At] = &[At::BeforeFirstEvent, At::AfterFirstEvent];

/// What a gateway says of an upstream that cannot be reached or talks nonsense.
const BAD: Expect = Expect::Fails(&[500, 502, 503]);
/// What it says when a timer of its own fires.
const LATE: Expect = Expect::Fails(&[408, 504, 502]);

const TABLES: &[&[Fault]] = &[
    connection::FAULTS,
    stream::FAULTS,
    content::FAULTS,
    framing::FAULTS,
    http2::FAULTS,
    status::FAULTS,
];
