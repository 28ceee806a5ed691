//! Archives whose bytes depend on nothing but the files in them.

use std::path::Path;
use std::process::Command;

use super::{Effort, Release};
use crate::failure::{Failure, Result};
use crate::shell;

/// Writes archives of one release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) release: &'a Release,
    pub(super) effort: Effort,
}

impl Writer<'_> {
    /// A folder with all that is in it, under its own name.
    pub(super) fn tar(self, folder: &Path, to: &Path) -> Result<()> {
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            return Err(Failure::new(format!("{} has no name", folder.display())));
        };
        let gzip = match self.effort {
            Effort::Quick => "gzip --no-name -1",
            Effort::Best => "gzip --no-name -9",
        };
        let mut tar = Command::new("tar");
        tar.args(["--create", "--format=gnu", "--sort=name"]);
        tar.args(["--owner=0", "--group=0", "--numeric-owner"]);
        // Not what the umask of who checked it out left.
        tar.arg("--mode=u+rwX,go+rX,go-w");
        tar.arg(format!("--mtime=@{}", self.release.epoch));
        tar.args(["--use-compress-program", gzip, "--file"]);
        tar.arg(to).arg("--directory").arg(parent).arg(name);
        shell::run(&mut tar)
    }
}
