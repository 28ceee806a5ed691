//! `cargo xtask tidy`: the rules of the house that the compiler cannot check.
//!
//! Each rule is a pure function from what was read to findings, so that the tests can show each of them failing.

mod arrows;
mod documents;
mod sources;
#[cfg(test)]
mod tests;
mod workspace;

use std::fmt;
use std::process::Command;

use crate::failure::{Doing, Failure, Result};
use crate::shell;
use workspace::Workspace;

/// One broken rule: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    line: usize,
    what: String,
    remedy: String,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            what,
            remedy,
        } = self;
        write!(f, "{file}:{line}: {what}\n    {remedy}")
    }
}

/// A file of the project; the path is relative to the root, with `/`. A picture has no text, but pages link to it.
#[derive(Debug)]
struct TextFile {
    path: String,
    text: String,
}

/// Checks the whole workspace.
pub(crate) fn run() -> Result<()> {
    let files = text_files()?;
    let workspace = Workspace::read()?;
    let mut findings = arrows::check(&workspace);
    findings.extend(sources::check(&files));
    findings.extend(documents::check(&workspace, &files, &this_machine()));
    findings.sort();
    if findings.is_empty() {
        println!("{} files, nothing to tidy", files.len());
        return Ok(());
    }
    for finding in &findings {
        println!("{finding}");
    }
    Err(Failure::new(format!("{} findings", findings.len())))
}

/// Every file that is tracked or would be by `git add`.
fn text_files() -> Result<Vec<TextFile>> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others"]);
    list.args(["--exclude-standard", "--deduplicate"]);
    let list = shell::output(list.current_dir(shell::root()))?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        match std::fs::read(shell::root().join(path)) {
            // What is not UTF-8 is not text.
            Ok(bytes) => files.push(TextFile {
                path: path.to_owned(),
                text: String::from_utf8(bytes).unwrap_or_default(),
            }),
            // Deleted, and the deletion is not committed yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).doing(path),
        }
    }
    Ok(files)
}

/// Paths that name the machine on which this runs, and so must not be in the project.
fn this_machine() -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let around = shell::root()
        .parent()
        .map(|path| path.display().to_string());
    [Some(home), around]
        .into_iter()
        .flatten()
        .filter(|path| path.len() > 1)
        .map(|path| format!("{path}/"))
        .collect()
}
