//! `status`: one screen.

use std::io;

use clap::Args;

use super::Done;
use super::screen::{Palette, page};
use crate::cli::Exit;
use crate::cli::client::{Client, TargetArgs};
use crate::status::shape::Status;

/// Arguments of `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// For machines, as `GET /admin/status` answers.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Shows the state of everything. A gateway that is not ready is a problem.
pub(super) fn status(
    args: &StatusArgs,
    client: &Client,
    out: &mut dyn io::Write,
) -> io::Result<Done> {
    let answer = client.get("/admin/status").and_then(|it| it.success());
    let read = answer.and_then(|answer| Ok((answer.json::<Status>()?, answer.body)));
    let (status, body) = match read {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    if args.json {
        out.write_all(&body)?;
        writeln!(out)?;
    } else {
        for line in page(&status, None, usize::MAX) {
            writeln!(out, "{}", line.painted(usize::MAX, Palette::Bare))?;
        }
    }
    Ok(Ok(Exit::Fine))
}
