//! `cargo xtask soak`: many streams through a gateway whose upstream pools rotate under them.

use crate::failure::Result;

/// Options of `cargo xtask soak`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The short form for continuous integration: under a minute.
    #[arg(long)]
    short: bool,
}

/// Options of the upstream's own process.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UpstreamArgs {}

/// Runs the soak.
pub(crate) fn run(_args: Args) -> Result<()> {
    Ok(())
}

/// Runs the upstream until its standard input ends.
pub(crate) fn run_upstream(_args: &UpstreamArgs) -> Result<()> {
    Ok(())
}
