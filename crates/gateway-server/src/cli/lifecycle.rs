//! `upgrade`, `drain` and `healthcheck`: what a running gateway is told, and asked, about its life.

use std::io::{self, Write};

use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::client::{Client, ClientError, TargetArgs};
use crate::config::Environment;

/// Flags of `healthcheck`.
#[derive(Debug, Clone, Default, Args)]
pub struct HealthcheckArgs {
    /// Ask whether it takes calls, not only whether it lives.
    #[arg(long)]
    pub readiness: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// Hands the service of a running gateway over to a new process of the same program.
///
/// # Errors
/// What the writers say.
pub fn upgrade(
    target: &TargetArgs,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    // The gateway has a limit of its own for it.
    let asked = client(target, environment, err)
        .and_then(|client| client.post("/admin/upgrade", &json!({}))?.success())
        .and_then(|answer| answer.json::<Value>());
    match asked {
        Ok(told) => {
            let (pid, old_pid) = (&told["pid"], &told["old_pid"]);
            writeln!(
                out,
                "process {pid} serves; process {old_pid} ends when what runs on it has ended"
            )?;
            Ok(Exit::Fine)
        }
        Err(error) => complain(err, &error),
    }
}

/// Sends the clients of a running gateway elsewhere, and waits until no call is under way.
///
/// # Errors
/// What the writers say.
pub fn drain(
    target: &TargetArgs,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let asked = client(target, environment, err)
        .and_then(|client| client.post("/admin/drain", &json!({}))?.success())
        .and_then(|answer| answer.json::<Value>());
    match asked {
        Ok(told) => match told["remaining_requests"].as_u64() {
            Some(left) => {
                writeln!(
                    err,
                    "the time for it is over, and {left} calls are under way still"
                )?;
                Ok(Exit::Problems)
            }
            None => {
                writeln!(
                    out,
                    "drained: {} calls have ended, none is under way. SIGTERM ends the process.",
                    told["drained_requests"]
                )?;
                Ok(Exit::Fine)
            }
        },
        Err(error) => complain(err, &error),
    }
}

/// Asks a gateway whether it lives, or takes calls. Says nothing if so.
///
/// # Errors
/// What the writers say.
pub fn healthcheck(
    args: &HealthcheckArgs,
    environment: &Environment,
    _out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let path = match args.readiness {
        true => "/health/readiness",
        false => "/health/liveness",
    };
    let asked =
        Client::of(&args.target, environment, err).and_then(|client| client.get(path)?.success());
    match asked {
        Ok(_) => Ok(Exit::Fine),
        Err(error) => complain(err, &error),
    }
}

/// One that waits for as long as it takes.
fn client(
    target: &TargetArgs,
    environment: &Environment,
    err: &mut dyn Write,
) -> Result<Client, ClientError> {
    Ok(Client::of(target, environment, err)?.patience(None))
}

fn complain(err: &mut dyn Write, error: &ClientError) -> io::Result<Exit> {
    writeln!(err, "gateway-server: {error}")?;
    Ok(Exit::Problems)
}
