//! The project's own commands: `cargo xtask --help`.
//!
//! Every check that the project makes of itself is one of these subcommands, so that a
//! developer and the continuous integration run the same thing.

// A command-line tool: what it prints is its result.
#![allow(clippy::print_stdout)]

mod bench;
mod ci;
mod dist;
mod failure;
mod fuzz;
mod package;
mod prices;
mod shell;
mod soak;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The fast aggregate check: format, lints, tidy, tests, documentation, licences.
    Ci(ci::Args),
    /// Everything, on a fresh machine: installs what the tests need, then runs all of them.
    Test(test::Args),
    /// What the compiler cannot check: arrows between crates, sizes, headers, links.
    Tidy,
    /// Many streams through a gateway whose upstream pools rotate under them.
    Soak(soak::Args),
    /// What a call through the gateway costs, as a ratio to nginx in the same run.
    Bench(bench::Args),
    /// Runs the fuzz targets of `fuzz/` for a while.
    Fuzz(fuzz::Args),
    /// Makes what is given away: binary, archive, Debian package, list of contents, sums.
    Dist(dist::Args),
    /// Packs every crate that other services use, as it would be published.
    Package,
    /// Makes the table of prices and context windows from LiteLLM's public data.
    Prices(prices::Args),
    /// The upstream of the soak, in a process of its own.
    #[command(hide = true)]
    SoakUpstream(soak::UpstreamArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Ci(args) => ci::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
        Command::Soak(args) => soak::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Package => package::run(),
        Command::Prices(args) => prices::run(&args),
        Command::SoakUpstream(args) => soak::run_upstream(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
