//! The gateway under test: the real binary, as a child process with a configuration of ours.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gateway_testkit::dialect::google::service_account;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::http::{Connection, get};
use super::models::{Files, Ports, foreign_config};
use super::reloads::IDENTITY;
use super::settings::{Settings, Target};
use crate::failure::{Doing, Failure, Result};
use crate::shell;

/// Makes the text of a configuration.
pub(super) type Config = fn(&Settings, Ports, &Files<'_>) -> String;

/// A gateway that runs; dropping it kills it.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
    pub(super) pid: u32,
    /// `host:port`.
    pub(super) authority: String,
    pub(super) files: Changing,
}

/// Files that change while it runs.
#[derive(Debug, Clone)]
pub(super) struct Changing {
    pub(super) config: PathBuf,
    /// Trusted authorities.
    pub(super) certificates: PathBuf,
    /// The certificate that the gateway shows, with its key.
    pub(super) identity: PathBuf,
}

/// Builds the gateway and returns the path of the binary.
///
/// The short form takes the debug build, which the tests have made anyway; the others take the release build.
pub(super) fn build(short: bool) -> Result<PathBuf> {
    let mut build = shell::cargo(&["build", "--quiet", "--package", "gateway-server"]);
    let profile = if short {
        "debug"
    } else {
        build.arg("--release");
        "release"
    };
    shell::run(&mut build)?;
    Ok(shell::target_dir().join(profile).join("gateway-server"))
}

impl Gateway {
    /// Writes the configuration, starts the binary and waits until it answers.
    pub(super) async fn start(
        binary: &Path,
        settings: &Settings,
        ports: Ports,
        config: Config,
    ) -> Result<Self> {
        let out = &settings.out;
        let yaml = write_config(settings, ports, config)?;
        let log = out.join(LOG);
        let output = File::create(&log).doing(LOG)?;
        let port = free_port()?;
        let mut command = Command::new(binary);
        command.arg("--config").arg(&yaml);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        if let Some(sabotage) = settings.sabotage {
            command.env("GATEWAY_SABOTAGE", sabotage.name());
        }
        let errors = output.try_clone().doing(LOG)?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.kill_on_drop(true).spawn();
        let child = child.doing(format!("cannot start {}", binary.display()))?;
        let pid = child
            .id()
            .ok_or_else(|| Failure::new("the gateway ended at once"))?;
        let mut gateway = Self {
            child,
            pid,
            authority: format!("127.0.0.1:{port}"),
            files: Changing {
                config: yaml,
                certificates: out.join(CERTIFICATES),
                identity: out.join(IDENTITY),
            },
        };
        gateway.answers(&log).await?;
        Ok(gateway)
    }

    async fn answers(&mut self, log: &Path) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().doing("the gateway")? {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(Failure::new(format!(
                    "the gateway ended with {status}:\n{said}"
                )));
            }
            if get(&self.authority, "/health/liveliness", None)
                .await
                .is_ok()
            {
                return Ok(());
            }
            if begun.elapsed() > START_LIMIT {
                return Err(Failure::new("the gateway does not answer"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the gateway to end, waits, and kills it when it does not.
    pub(super) async fn stop(mut self) -> Result<()> {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM).doing("SIGTERM to the gateway")?;
        }
        match timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(ended) => {
                let status = ended.doing("the gateway")?;
                if status.success() {
                    return Ok(());
                }
                Err(Failure::new(format!("the gateway ended with {status}")))
            }
            Err(_) => {
                self.child.kill().await.doing("killing the gateway")?;
                Err(Failure::new("the gateway did not end after SIGTERM"))
            }
        }
    }
}

/// Tells how to start a gateway of somebody else, when it does not answer.
pub(super) async fn await_foreign(
    target: &Target,
    settings: &Settings,
    ports: Ports,
) -> Result<()> {
    let yaml = write_config(settings, ports, foreign_config)?;
    if Connection::open(&target.authority, settings.timeouts.connect)
        .await
        .is_ok()
    {
        return Ok(());
    }
    Err(Failure::new(format!(
        "nothing listens on {}. This configuration sends its calls to the upstream of the soak: start the gateway \
         with it and run the soak again.\n  {}",
        target.authority,
        yaml.display()
    )))
}

/// Writes a configuration and the files that it names.
fn write_config(settings: &Settings, ports: Ports, config: Config) -> Result<PathBuf> {
    let out = std::path::absolute(&settings.out).doing(settings.out.display())?;
    let account = out.join("service-account.json");
    // An account that the upstream of this soak knows, and nobody else.
    let token_url = format!("http://127.0.0.1:{}/token", ports.plain);
    std::fs::write(&account, service_account(&token_url).to_string()).doing(account.display())?;
    let files = Files {
        authority: &out.join(CERTIFICATES),
        identity: &out.join(IDENTITY),
        service_account: &account,
    };
    let yaml = out.join("config.yaml");
    std::fs::write(&yaml, config(settings, ports, &files)).doing(yaml.display())?;
    Ok(yaml)
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("no free port")?;
    Ok(listener.local_addr().doing("no free port")?.port())
}

/// What the gateway writes, in the folder of the results.
pub(super) const LOG: &str = "gateway.log";
/// The certificate of the upstream's authority; its process writes it.
pub(super) const CERTIFICATES: &str = "upstream-ca.pem";
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(20);
