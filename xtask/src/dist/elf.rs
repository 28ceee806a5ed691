//! The binary as a file: what it needs from the system, and its debug information apart.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::{fs, str};

use crate::failure::{Doing, Failure, Result};
use crate::shell;

/// The oldest versions of the system's libraries that have all symbols.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// Of the C library.
    pub(super) glibc: Version,
    /// Of the compiler's library, which unwinds the stack.
    pub(super) libgcc: Version,
}

/// `2.34`, or `3.0`, or `4.2.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(Vec<u32>);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { glibc, libgcc } = self;
        write!(f, "glibc {glibc}, libgcc {libgcc}")
    }
}

/// What a binary needs. It is linked dynamically on purpose: names are looked up by the system's C library, which a
/// static one cannot do without the same library beside it.
pub(super) fn needs(binary: &Path) -> Result<Needs> {
    let mut objdump = Command::new("objdump");
    objdump.arg("--private-headers").arg(binary);
    let needs = read(&shell::output(&mut objdump)?)?;
    if needs.glibc > newest_glibc() {
        return Err(Failure::new(format!(
            "it needs {needs}, and Debian 12 has glibc {} only: build it there",
            newest_glibc()
        )));
    }
    Ok(needs)
}

/// The versions in what `objdump --private-headers` says.
fn read(said: &str) -> Result<Needs> {
    let mut newest: BTreeMap<&str, Version> = BTreeMap::new();
    let references = said.split_once("Version References:").map(|it| it.1);
    for word in references.unwrap_or_default().split_whitespace() {
        let Some((family, version)) = word.split_once('_') else {
            continue;
        };
        let parts: Option<Vec<u32>> = version.split('.').map(|it| it.parse().ok()).collect();
        let (Some(parts), "GLIBC" | "GCC") = (parts, family) else {
            continue;
        };
        let version = Version(parts);
        let known = newest.entry(family).or_insert_with(|| version.clone());
        *known = version.max(known.clone());
    }
    let mut take = |family| {
        let missing = || Failure::new(format!("the binary needs no symbol of {family}"));
        newest.remove(family).ok_or_else(missing)
    };
    Ok(Needs {
        glibc: take("GLIBC")?,
        libgcc: take("GCC")?,
    })
}

/// Copies a binary without its symbols; those go into a folder of their own, if one is given.
pub(super) fn strip(binary: &Path, to: &Path, debug: Option<&Path>) -> Result<()> {
    let objcopy = || Command::new("objcopy");
    let Some(debug) = debug else {
        return shell::run(objcopy().arg("--strip-all").args([binary, to]));
    };
    fs::create_dir_all(debug).doing(format!("making {}", debug.display()))?;
    let symbols = debug.join("gateway-server.debug");
    let mut keep = objcopy();
    keep.args(["--only-keep-debug", "--compress-debug-sections"]);
    shell::run(keep.args([binary, &symbols]))?;
    let mut link = std::ffi::OsString::from("--add-gnu-debuglink=");
    link.push(&symbols);
    let mut strip = objcopy();
    strip.arg("--strip-all").arg(link);
    shell::run(strip.args([binary, to]))
}

/// Of Debian 12, whose image the Dockerfile takes.
fn newest_glibc() -> Version {
    Version(vec![2, 36])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_of_each_library_is_what_is_needed() {
        let said = "  NEEDED libc.so.6\n  GLIBC_9.9\n\nVersion References:\n  required from libm.so.6:\n    \
                    0x0d696917 0x00 07 GLIBC_2.29\n  required from libc.so.6:\n    0x09691974 0x00 05 GLIBC_2.3.4\n    \
                    0x069691b4 0x00 03 GLIBC_2.34\n    0x0 0x00 03 GLIBC_PRIVATE\n  required from libgcc_s.so.1:\n    \
                    0x0b792650 0x00 04 GCC_3.0\n    0x09276060 0x00 02 GCC_4.2.0\n";
        let needs = read(said).expect("both are named");
        assert_eq!(needs.to_string(), "glibc 2.34, libgcc 4.2.0");
        assert!(read("Version References:\n").is_err());
    }
}
