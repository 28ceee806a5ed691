//! The upstream of a soak, in a process of its own, so that its processor time and descriptors are not the gateway's.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use gateway_testkit::ca::{ServerTls, TestCa};
use gateway_testkit::dialect::Dialects;
use gateway_testkit::upstream::{Protocol, Refused, Upstream, UpstreamConfig};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::chaos::Chaos;
use super::gateway::CERTIFICATES;
use super::models::Ports;
use super::reloads::{IDENTITIES, IDENTITY};
use crate::failure::{Doing, Failure, Result};

/// Options of the upstream's own process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpstreamArgs {
    /// Folder for the certificate of its authority.
    #[arg(long)]
    out: PathBuf,
    /// Port of the listener without TLS; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Share of the requests that meet a fault.
    #[arg(long)]
    chaos: Option<f64>,
    /// Chooses those faults.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// The process as its parent sees it; dropping it ends it.
#[derive(Debug)]
pub(super) struct UpstreamProcess {
    child: Child,
    pub(super) pid: u32,
    pub(super) ports: Ports,
}

impl UpstreamProcess {
    /// Starts this very program once more, as the upstream, and waits until it listens.
    pub(super) async fn start(out: &Path, port: u16, chaos: Option<(f64, u64)>) -> Result<Self> {
        // The running program itself, even if Cargo has put a new one in its place by now.
        let mut command = Command::new("/proc/self/exe");
        command.arg("soak-upstream").arg("--out").arg(out);
        command.args(["--port", &port.to_string()]);
        if let Some((share, seed)) = chaos {
            command.args(["--chaos", &share.to_string(), "--seed", &seed.to_string()]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().doing("the upstream")?;
        let pid = child
            .id()
            .ok_or_else(|| Failure::new("the upstream ended at once"))?;
        let output = child.stdout.take().expect("its output was asked for above");
        let line = BufReader::new(output).lines().next_line().await;
        let line = line.doing("the upstream")?;
        let line = line.ok_or_else(|| Failure::new("the upstream ended before it listened"))?;
        Ok(Self {
            child,
            pid,
            ports: serde_json::from_str(&line).doing("the upstream's first line")?,
        })
    }

    /// Lets it write down what it holds, and end.
    pub(super) async fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let ended = timeout(Duration::from_secs(20), self.child.wait()).await;
        match ended.doing("the upstream does not end")? {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(format!("the upstream ended with {status}"))),
            Err(error) => Err(Failure::new(format!("the upstream: {error}"))),
        }
    }
}

/// Listens until standard input ends, which it does when the parent is gone, however that ended.
pub(crate) fn run_upstream(args: &UpstreamArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .doing("runtime")?;
    runtime.block_on(async {
        let authority = TestCa::new();
        write_certificates(&authority, &args.out)?;
        let chaos = match args.chaos {
            Some(share) => Some(Arc::new(Chaos::new(share, args.seed, &args.out)?)),
            None => None,
        };
        let dialects = Arc::new(Dialects::default());
        let config = || {
            let (dialects, chaos) = (Arc::clone(&dialects), chaos.clone());
            let config = UpstreamConfig::default().handler(move |request| match &chaos {
                Some(chaos) => chaos.answer(request),
                None => dialects.answer(request),
            });
            // Nobody asks what came: remembering it would only be memory.
            UpstreamConfig {
                remember: 16,
                ..config
            }
        };
        let tls = |alpn: &'static str| {
            let tls = ServerTls {
                alpn: vec![alpn],
                client_ca: Some(authority.certificate()),
            };
            authority.server().server_config(&tls)
        };
        let plain = Upstream::start(UpstreamConfig {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
            ..config()
        })
        .await;
        let http1 = Upstream::start(config().tls(tls("http/1.1"))).await;
        let http2 = config().tls(tls("h2")).protocol(Protocol::Http2);
        let http2 = Upstream::start(http2).await;
        let nobody = Refused::start();
        let ports = Ports {
            plain: plain.addr().port(),
            tls: http1.addr().port(),
            tls_http2: http2.addr().port(),
            nobody: nobody.addr().port(),
        };
        println!("{}", serde_json::to_string(&ports).doing("ports")?);
        let mut rest = Vec::new();
        tokio::io::stdin()
            .read_to_end(&mut rest)
            .await
            .doing("standard input")?;
        for upstream in [plain, http1, http2] {
            upstream.stop().await;
        }
        chaos.map_or(Ok(()), |chaos| chaos.flush())
    })
}

/// The authority's own certificate, and two that the gateway can show.
fn write_certificates(authority: &TestCa, out: &Path) -> Result<()> {
    std::fs::write(out.join(CERTIFICATES), authority.pem()).doing(CERTIFICATES)?;
    for name in IDENTITIES.into_iter().chain([IDENTITY]) {
        let identity = authority.client(name);
        let pem = format!("{}{}", identity.cert_pem(), identity.key_pem());
        std::fs::write(out.join(name), pem).doing(name)?;
    }
    Ok(())
}
