//! The proxies under test: started on their core, found by their processes, ended with SIGTERM.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::account;
use super::dialect::Dialect;
use super::payload::{KEY, Mode, client_model, upstream_model};
use crate::failure::{Doing, Failure, Result};

/// How a proxy comes to be.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// No proxy: the mock itself.
    Direct,
    /// nginx with a configuration of our own.
    Nginx(PathBuf),
    /// The gateway with a configuration of our own.
    Gateway(PathBuf),
    /// Runs already; we only look for its processes.
    Extra,
}

/// `NAME=URL` of a proxy that runs already.
#[derive(Debug, Clone)]
pub(crate) struct Extra {
    name: String,
    address: SocketAddr,
    prefix: String,
}

impl FromStr for Extra {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (name, url) = text.split_once('=').ok_or("expected NAME=URL")?;
        let rest = url
            .strip_prefix("http://")
            .ok_or("the URL begins with http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = host
            .to_socket_addrs()
            .map_err(|error| format!("{host}: {error}"))?
            .find(SocketAddr::is_ipv4)
            .ok_or("no IPv4 address")?;
        let path = path.trim_end_matches('/');
        Ok(Self {
            name: name.to_owned(),
            address,
            prefix: if path.is_empty() {
                String::new()
            } else {
                format!("/{path}")
            },
        })
    }
}

/// A target of the benchmark.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Its name in the table.
    pub(crate) name: String,
    /// How it comes to be.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Comes before `/v1` in its URLs.
    pub(crate) prefix: String,
    child: Option<Child>,
}

/// Where the proxies live.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Folder for configurations and logs.
    pub(crate) folder: PathBuf,
    /// Core of the proxies.
    pub(crate) core: usize,
    /// The mock upstream.
    pub(crate) mock: SocketAddr,
}

impl Proxy {
    /// A target that has not been started.
    pub(crate) fn new(name: &str, kind: Kind, address: SocketAddr) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            address,
            prefix: String::new(),
            child: None,
        }
    }

    /// A target that runs already.
    pub(crate) fn extra(extra: &Extra) -> Self {
        let mut proxy = Self::new(&extra.name, Kind::Extra, extra.address);
        proxy.prefix.clone_from(&extra.prefix);
        proxy
    }

    /// Starts it and waits until it accepts connections. Starting what runs, or what is not
    /// ours, does nothing.
    ///
    /// # Errors
    /// Its port is taken, or it ends, or does not listen in time; the message names its log.
    pub(crate) async fn start(&mut self, place: &Place) -> Result<()> {
        let mut command = match &self.kind {
            Kind::Direct | Kind::Extra => return Ok(()),
            Kind::Nginx(binary) => nginx(binary, self.address, place)?,
            Kind::Gateway(binary) => gateway(binary, self.address, place)?,
        };
        if self.child.is_none() {
            let log = place.folder.join(format!("{}.log", self.name));
            let log = fs::File::create(&log).doing(format!("cannot create {}", log.display()))?;
            let errors = log.try_clone().doing("cannot share a log")?;
            let child = command.stdout(log).stderr(errors).stdin(Stdio::null());
            let started = listening(self.address, child).await;
            self.child = Some(started.doing(format!(
                "{} does not run, see {}",
                self.name,
                place.folder.display()
            ))?);
        }
        Ok(())
    }

    /// Ends it with SIGTERM and waits for it; what is not ours runs on.
    ///
    /// # Errors
    /// It does not end within ten seconds; it is killed then.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        terminate(&child);
        if timeout(Duration::from_secs(10), child.wait())
            .await
            .is_err()
        {
            child.kill().await.doing("cannot kill")?;
            return Err(Failure::new(format!("{} ignores SIGTERM", self.name)));
        }
        Ok(())
    }

    /// Whether it has timers and translates: ours does, others that are named may.
    pub(crate) const fn is_gateway(&self) -> bool {
        matches!(self.kind, Kind::Gateway(_) | Kind::Extra)
    }

    /// Its processes now.
    pub(crate) fn processes(&self) -> Vec<u32> {
        match &self.kind {
            Kind::Direct => Vec::new(),
            Kind::Extra => account::listeners(self.address.port()),
            Kind::Nginx(_) | Kind::Gateway(_) => self
                .child
                .as_ref()
                .and_then(Child::id)
                .map(account::family)
                .unwrap_or_default(),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A killed nginx master would leave its worker behind.
        if let Some(child) = &self.child {
            terminate(child);
        }
    }
}

/// Starts a server and waits until it accepts connections.
///
/// # Errors
/// Its port is taken already, it cannot be started, it ends, or it does not listen in time.
pub(crate) async fn listening(address: SocketAddr, command: &mut Command) -> Result<Child> {
    if TcpStream::connect(address).await.is_ok() {
        return Err(Failure::new(format!(
            "{address} is in use; choose another --base-port"
        )));
    }
    let mut child = command.spawn().doing("cannot start it")?;
    for _ in 0..200 {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(child);
        }
        if let Some(status) = child.try_wait().doing("cannot wait")? {
            return Err(Failure::new(format!("it ended with {status}")));
        }
        sleep(Duration::from_millis(50)).await;
    }
    terminate(&child);
    Err(Failure::new("it does not listen after ten seconds"))
}

fn terminate(child: &Child) {
    let process = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // It may have ended by itself; that is what was wanted.
        rustix::process::kill_process(process, rustix::process::Signal::TERM).ok();
    }
}

fn pinned(binary: &Path, core: usize) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(binary);
    command
}

fn nginx(binary: &Path, address: SocketAddr, place: &Place) -> Result<Command> {
    let folder = place.folder.join("nginx");
    for name in ["body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        create(&folder.join(name))?;
    }
    let config = include_str!("nginx.conf")
        .replace("@FOLDER@", &folder.display().to_string())
        .replace("@LISTEN@", &address.to_string())
        .replace("@MOCK@", &place.mock.to_string());
    let path = folder.join("nginx.conf");
    fs::write(&path, config).doing(format!("cannot write {}", path.display()))?;
    let mut command = pinned(binary, place.core);
    command.arg("-p").arg(&folder).arg("-c").arg(&path);
    command.arg("-e").arg(folder.join("error.log"));
    Ok(command)
}

fn gateway(binary: &Path, address: SocketAddr, place: &Place) -> Result<Command> {
    let mut config = String::from("model_list:\n");
    // The group that is guarded has two deployments, and one to fall back to.
    let modes = Mode::ALL.into_iter().chain([Mode::Guarded]);
    let modes = modes.map(|mode| (Dialect::Chat, "openai", "/v1", mode));
    let others = Mode::ALL.map(|mode| (Dialect::Messages, "anthropic", "", mode));
    for (index, (dialect, provider, path, mode)) in modes.chain(others).enumerate() {
        config.push_str(&format!(
            "  - model_name: {}\n    litellm_params:\n      model: {provider}/{}\n      \
             api_base: http://{}{path}\n      api_key: sk-upstream-{index}\n",
            client_model(dialect, mode),
            upstream_model(mode),
            place.mock
        ));
    }
    config.push_str(&format!(
        "router_settings:\n  num_retries: 2\n  allowed_fails: 3\n  cooldown_time: 30\n  fallbacks:\n    - {}: [{}]\n",
        client_model(Dialect::Chat, Mode::Guarded),
        client_model(Dialect::Chat, Mode::Plain)
    ));
    config.push_str(&format!("general_settings:\n  master_key: {KEY}\n"));
    let path = place.folder.join("gateway.yaml");
    fs::write(&path, config).doing(format!("cannot write {}", path.display()))?;
    let mut command = pinned(binary, place.core);
    command.arg("--config").arg(path);
    command.arg("--host").arg(address.ip().to_string());
    command.arg("--port").arg(address.port().to_string());
    Ok(command)
}

fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).doing(format!("cannot create {}", folder.display()))
}
