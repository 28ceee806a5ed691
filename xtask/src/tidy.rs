//! `cargo xtask tidy`: the rules of the house that the compiler cannot check.

use crate::failure::Result;

/// Checks the whole workspace.
pub(crate) fn run() -> Result<()> {
    Ok(())
}
