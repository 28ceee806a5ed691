//! Commands for a gateway that runs: what it does, and what it shall do.

mod orders; // `reload`, `rotate`, `cooldown`.
mod screen; // The ops page as text.
mod show; // `status`.
mod table; // Columns.
mod terminal; // A screen of our own, and the way back.
mod top; // `top`.

use std::io;

use clap::Subcommand;

use super::Exit;
use super::client::{Client, ClientError};
use crate::config::Environment;
pub use orders::{CooldownArgs, ReloadArgs, RotateArgs};
pub use show::StatusArgs;
pub use top::TopArgs;

/// What is asked of a gateway that runs.
#[derive(Debug, Clone, Subcommand)]
pub enum Operate {
    /// Show what a running gateway does, on one screen.
    #[command(
        after_help = "Examples:\n  gateway-server status\n  gateway-server status --url http://10.0.0.7:4000 --json\n\nThe key comes from LITELLM_MASTER_KEY or from the configuration; on the command line everybody on the machine sees it."
    )]
    Status(StatusArgs),
    /// Show it all the time, in the terminal; `q` ends it.
    #[command(
        after_help = "Examples:\n  gateway-server top\n  gateway-server top --plain --count 1"
    )]
    Top(TopArgs),
    /// Have a running gateway read its configuration again.
    #[command(
        after_help = "Examples:\n  gateway-server reload\n\nA configuration with errors changes nothing: they are told, and the exit code is 1."
    )]
    Reload(ReloadArgs),
    /// Have a running gateway open new connections to providers; nothing that runs is cut.
    #[command(
        after_help = "Examples:\n  gateway-server rotate\n  gateway-server rotate api.openai.com"
    )]
    Rotate(RotateArgs),
    /// Set a deployment of a running gateway aside, or bring it back.
    #[command(
        after_help = "Examples:\n  gateway-server cooldown claude-direct --seconds 600\n  gateway-server cooldown claude-direct --clear"
    )]
    Cooldown(CooldownArgs),
}

/// Asks the gateway. What it says goes to `out`, problems go to `err`.
///
/// # Errors
/// What a writer says.
pub fn operate(
    what: &Operate,
    environment: &Environment,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Exit> {
    let (target, patience) = match what {
        Operate::Status(args) => (&args.target, None),
        Operate::Top(args) => (&args.target, None),
        // A configuration that fetches tokens or certificates takes its time.
        Operate::Reload(args) => (&args.target, Some(LONG)),
        Operate::Rotate(args) => (&args.target, Some(LONG)),
        Operate::Cooldown(args) => (&args.target, None),
    };
    let client = match Client::of(target, environment, err) {
        Ok(client) => client,
        Err(error) => return failed(&error, err),
    };
    let client = match patience {
        Some(patience) => client.patience(Some(patience)),
        None => client,
    };
    let done = match what {
        Operate::Status(args) => show::status(args, &client, out)?,
        Operate::Top(args) => top::top(args, &client, environment, out)?,
        Operate::Reload(_) => orders::reload(&client, out)?,
        Operate::Rotate(args) => orders::rotate(args, &client, out)?,
        Operate::Cooldown(args) => orders::cooldown(args, &client, out)?,
    };
    match done {
        Ok(exit) => Ok(exit),
        Err(error) => failed(&error, err),
    }
}

fn failed(error: &ClientError, err: &mut dyn io::Write) -> io::Result<Exit> {
    writeln!(err, "gateway-server: {error}")?;
    Ok(Exit::Problems)
}

/// What a command has come to: what it did, or why there is no answer.
type Done = Result<Exit, ClientError>;

/// For orders that may take their time.
const LONG: std::time::Duration = std::time::Duration::from_secs(120);
