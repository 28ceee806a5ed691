//! The files that a configuration was made of: what they looked like before they were read, and what was in them.

use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// One file that a load read, or looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedFile {
    /// Where it is, as the configuration says.
    pub path: PathBuf,
    /// What it looked like before it was read: a later change is seen, whenever it happened.
    pub look: Look,
}

/// What can be seen of a file from outside, symbolic links followed. `None`: there is none, or nobody may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(Option<Facts>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Look {
    /// What the file at `path` looks like now. Blocking.
    pub fn at(path: &Path) -> Self {
        // A pipe looks different whenever it is used, and cannot be read again.
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        Self(file.map(|data| Facts {
            device: data.dev(),
            inode: data.ino(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
        }))
    }
}

/// All files of one load.
#[derive(Debug, Default)]
pub(super) struct Files {
    seen: Vec<WatchedFile>,
    known: HashSet<PathBuf>,
    /// Hashes of what counts as it is: secrets, certificates.
    contents: Vec<[u8; 32]>,
    counted: HashSet<PathBuf>,
}

impl Files {
    /// Reads at most `limit` bytes, or says why there are none.
    pub(super) fn read(&mut self, path: &Path, limit: u64) -> Result<Vec<u8>, String> {
        self.note(path);
        let file = File::open(path).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        if bytes.len() as u64 > limit {
            return Err(format!("it is larger than {limit} bytes"));
        }
        Ok(bytes)
    }

    /// Remembers that what this file looks like matters.
    pub(super) fn note(&mut self, path: &Path) {
        if !self.known.insert(path.to_owned()) {
            return;
        }
        self.seen.push(WatchedFile {
            path: path.to_owned(),
            look: Look::at(path),
        });
    }

    /// Reads a file whose content counts as it is, once however many name it.
    pub(super) fn count(&mut self, path: &Path) -> Result<(), String> {
        if self.counted.contains(path) {
            return Ok(());
        }
        let bytes = self.read(path, MAX_COUNTED_BYTES)?;
        self.counts(&bytes);
        self.counted.insert(path.to_owned());
        Ok(())
    }

    /// What was in a file counts as it is.
    pub(super) fn counts(&mut self, bytes: &[u8]) {
        self.contents.push(Sha256::digest(bytes).into());
    }

    pub(super) fn contents(&self) -> &[[u8; 32]] {
        &self.contents
    }

    pub(super) fn into_seen(self) -> Vec<WatchedFile> {
        self.seen
    }
}

/// The lists of roots of operating systems have less than one mebibyte.
const MAX_COUNTED_BYTES: u64 = 16 << 20;
