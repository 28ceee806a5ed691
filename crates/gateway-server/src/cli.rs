//! The command line: LiteLLM's flags on the bare command, and subcommands of our own.
//!
//! Every command is a function that takes arguments and writers, so that tests need no process.

mod check; // `check FILE`.
mod client; // How commands talk to a running gateway.
mod explain; // `explain MODEL`.
mod legacy; // LiteLLM's flags that mean nothing here.
mod lifecycle; // `upgrade`, `drain`, `healthcheck`.
mod migrate; // `migrate FILE`.
mod operate; // `status`, `top`, `reload`, `rotate`, `cooldown`.
mod papers; // `schema`, `completions`, `man`.
mod run; // `run`, the default.
mod show; // `config show`.

pub use check::{CheckArgs, Format, check};
pub use client::TargetArgs;
pub use explain::{ExplainArgs, explain};
pub use legacy::LegacyArgs;
pub use lifecycle::{HealthcheckArgs, drain, healthcheck, upgrade};
pub use migrate::{MigrateArgs, migrate};
pub use operate::{CooldownArgs, Operate, ReloadArgs, RotateArgs, StatusArgs, TopArgs, operate};
pub use papers::{CompletionsArgs, ManArgs, completions, man, schema};
pub use run::{RunArgs, load};
pub use show::{ConfigArgs, Notation, ShowArgs, show};

use clap::{ArgAction, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "gateway-server",
    version,
    about = "An LLM gateway that reads a LiteLLM config.yaml and never cuts a stream.",
    after_help = AFTER,
    disable_version_flag = true,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    #[command(flatten)]
    run: RunArgs,
    #[command(subcommand)]
    command: Option<Command>,
    /// Print the version.
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway; the same as no command at all.
    Run(Box<RunArgs>),
    /// Check a configuration without starting anything.
    Check(CheckArgs),
    /// Tell what would happen to a call of a model: who serves it, by whose timers, and where it goes then.
    Explain(Box<ExplainArgs>),
    /// Show the configuration as it counts, with the source of each value.
    Config(ConfigArgs),
    /// Grade a LiteLLM configuration: what is honored, what is different, what is not supported.
    Migrate(MigrateArgs),
    #[command(flatten)]
    Operate(Operate),
    /// Hand the service over to a new process of the same program, without a refused connection.
    Upgrade(TargetArgs),
    /// Send clients elsewhere, and wait until no call is under way.
    Drain(TargetArgs),
    /// Ask whether a gateway lives, for containers that have no other client.
    #[command(
        after_help = "Examples:\n  gateway-server healthcheck\n\nExit codes: 0 it lives, 1 it does not."
    )]
    Healthcheck(HealthcheckArgs),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
    /// Print what a shell needs to complete this program's commands and flags.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man(ManArgs),
}

const AFTER: &str = "\
Examples:
  gateway-server --demo                          a first look, without a key
  gateway-server migrate config.yaml             what becomes of a set-up of LiteLLM
  gateway-server check config.yaml               all problems at once
  gateway-server --config config.yaml            run it
  gateway-server top                             watch it

Flags may be written with dashes or underscores, as LiteLLM does; LiteLLM's other flags are accepted, with a
warning where they mean nothing. `gateway-server COMMAND --help` has the flags and examples of a command.
Exit codes: 0 fine, 1 problems, 2 usage; `migrate` has its own.";

/// What the user wants done.
#[derive(Debug)]
pub enum Action {
    /// Serve until told to stop; [`load`] brings the settings.
    Run(Box<RunArgs>),
    /// [`check`] a file.
    Check(CheckArgs),
    /// [`explain`] a model.
    Explain(Box<ExplainArgs>),
    /// [`operate`] a gateway that runs.
    Operate(Box<Operate>),
    /// [`show`] the configuration.
    Show(Box<ShowArgs>),
    /// [`upgrade`] a running gateway.
    Upgrade(TargetArgs),
    /// [`drain`] a running gateway.
    Drain(TargetArgs),
    /// [`healthcheck`] a gateway.
    Healthcheck(HealthcheckArgs),
    /// [`migrate`] from LiteLLM.
    Migrate(MigrateArgs),
    /// Write the [`schema`].
    Schema,
    /// Write [`completions`].
    Completions(CompletionsArgs),
    /// Write the [`man`] pages.
    Man(ManArgs),
    /// Nothing that exists here: say this and exit with [`Exit::Usage`].
    Refuse(String),
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Fine,
    /// 1: problems were found.
    Problems,
    /// 2: the command line makes no sense, or `migrate` finds that the gateway would not start.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => Self::SUCCESS,
            Exit::Problems => Self::from(1),
            Exit::Usage => Self::from(2),
        }
    }
}

impl Cli {
    /// Reads a command line whose first item is the program's name.
    ///
    /// # Errors
    /// What clap says; `--help` and `--version` are errors in that sense too. `clap::Error::exit_code`
    /// is 0 for those and 2 for bad usage.
    pub fn parse_from_args(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(dashes(args))
    }

    /// What is to be done.
    pub fn action(self) -> Action {
        match self.command {
            Some(Command::Operate(what)) => Action::Operate(Box::new(what)),
            Some(Command::Check(args)) => Action::Check(args),
            Some(Command::Explain(args)) => Action::Explain(args),
            Some(Command::Upgrade(args)) => Action::Upgrade(args),
            Some(Command::Drain(args)) => Action::Drain(args),
            Some(Command::Healthcheck(args)) => Action::Healthcheck(args),
            Some(Command::Config(args)) => Action::Show(Box::new(args.show())),
            Some(Command::Migrate(args)) => Action::Migrate(args),
            Some(Command::Schema) => Action::Schema,
            Some(Command::Completions(args)) => Action::Completions(args),
            Some(Command::Man(args)) => Action::Man(args),
            Some(Command::Run(args)) => args.action(),
            None => self.run.action(),
        }
    }
}

/// LiteLLM spells flags with underscores: `--num_workers=2` becomes `--num-workers=2`.
fn dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut flags = true;
    let respell = |arg: OsString| {
        let Some(text) = arg.to_str() else { return arg };
        flags &= text != "--";
        if !flags || !text.starts_with("--") {
            return arg;
        }
        match text.split_once('=') {
            Some((name, value)) => format!("{}={value}", name.replace('_', "-")).into(),
            None => text.replace('_', "-").into(),
        }
    };
    args.into_iter().map(respell).collect()
}

#[cfg(test)]
mod tests;
