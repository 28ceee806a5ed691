//! The files as they are installed.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::graph::Graph;
use super::{Release, notices};
use crate::failure::{Doing, Result};
use crate::shell;

/// A folder that stands for `/`.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    time: SystemTime,
}

impl Stage {
    /// Puts everything that is installed into a folder. The binary is asked for its manual and its completions.
    pub(super) fn fill(
        root: &Path,
        binary: &Path,
        release: &Release,
        graph: &Graph,
    ) -> Result<Self> {
        let stage = Self {
            root: root.to_owned(),
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(release.epoch),
        };
        stage.copy(binary, "usr/bin/gateway-server", 0o755)?;
        let says = |arguments: &[&str]| shell::output(Command::new(binary).args(arguments));
        stage.put(MANUAL, &says(&["man"])?, 0o644)?;
        for (shell, place) in COMPLETIONS {
            stage.put(place, &says(&["completions", shell])?, 0o644)?;
        }
        let project = shell::root();
        for (from, to, mode) in FILES {
            stage.copy(&project.join(from), to, mode)?;
        }
        stage.put(
            &format!("{DOC}/THIRD-PARTY-NOTICES"),
            &notices::text(graph)?,
            0o644,
        )?;
        stage.copy_folder(&project.join("config/examples"), &format!("{DOC}/examples"))?;
        // Dashboards and rules of alerts.
        if project.join("ops").exists() {
            stage.copy_folder(&project.join("ops"), &format!("{DOC}/ops"))?;
        }
        Ok(stage)
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The same for a system of another kind, in a flat folder.
    pub(super) fn copy_for_archive(&self, to: &Path) -> Result<()> {
        let flat = Self {
            root: to.to_owned(),
            time: self.time,
        };
        let from = |path: &str| self.root.join(path);
        flat.copy(&from("usr/bin/gateway-server"), "bin/gateway-server", 0o755)?;
        flat.copy(&from(MANUAL), "man/gateway-server.1", 0o644)?;
        for (_, place) in COMPLETIONS {
            let name = place.rsplit('/').next().unwrap_or(place);
            flat.copy(&from(place), &format!("completions/{name}"), 0o644)?;
        }
        flat.copy_folder(&from("usr/lib/systemd/system"), "systemd")?;
        flat.copy_folder(&from("etc"), "etc")?;
        flat.copy_folder(&from(DOC), "doc")?;
        for name in ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
            flat.copy(&shell::root().join(name), name, 0o644)?;
        }
        Ok(())
    }

    /// Writes a file.
    pub(super) fn put(&self, place: &str, text: &str, mode: u32) -> Result<()> {
        let path = self.parent(place)?;
        fs::write(&path, text).doing(format!("writing {}", path.display()))?;
        set_mode(&path, mode)
    }

    /// Copies a file.
    pub(super) fn copy(&self, from: &Path, place: &str, mode: u32) -> Result<()> {
        let path = self.parent(place)?;
        fs::copy(from, &path).doing(format!("copying {}", from.display()))?;
        set_mode(&path, mode)
    }

    /// Replaces a file by a compressed one, whose name ends in `.gz`.
    pub(super) fn compress(&self, place: &str) -> Result<()> {
        let mut gzip = Command::new("gzip");
        gzip.args(["--no-name", "--force", "-9"]);
        shell::run(gzip.arg(self.root.join(place)))
    }

    /// Gives every file and folder the release's time.
    pub(super) fn settle(&self) -> Result<()> {
        settle(&self.root, self.time)
    }

    fn copy_folder(&self, from: &Path, place: &str) -> Result<()> {
        for name in files(from)? {
            let path = from.join(&name);
            self.copy(&path, &format!("{place}/{name}"), 0o644)?;
        }
        for folder in folders(from)? {
            self.copy_folder(&from.join(&folder), &format!("{place}/{folder}"))?;
        }
        Ok(())
    }

    /// The path of a file whose folder is there.
    fn parent(&self, place: &str) -> Result<PathBuf> {
        let path = self.root.join(place);
        let mut folder = self.root.clone();
        fs::create_dir_all(&folder).doing(format!("making {}", folder.display()))?;
        let parts: Vec<&str> = place.split('/').collect();
        let (_, above) = parts.split_last().unwrap_or((&"", &[]));
        for part in above {
            folder.push(part);
            fs::create_dir_all(&folder).doing(format!("making {}", folder.display()))?;
            set_mode(&folder, 0o755)?;
        }
        Ok(path)
    }
}

/// The names of the files of a folder, in order.
pub(super) fn files(folder: &Path) -> Result<Vec<String>> {
    names(folder, Path::is_file)
}

fn folders(folder: &Path) -> Result<Vec<String>> {
    names(folder, Path::is_dir)
}

fn names(folder: &Path, fits: fn(&Path) -> bool) -> Result<Vec<String>> {
    let doing = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).doing(doing())? {
        let entry = entry.doing(doing())?;
        if fits(&entry.path()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn settle(path: &Path, time: SystemTime) -> Result<()> {
    if path.is_dir() {
        for name in names(path, |_| true)? {
            settle(&path.join(name), time)?;
        }
    }
    let file = File::open(path).doing(format!("opening {}", path.display()))?;
    file.set_modified(time)
        .doing(format!("setting the time of {}", path.display()))
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .doing(format!("setting the mode of {}", path.display()))
}

/// Where papers go.
pub(super) const DOC: &str = "usr/share/doc/gateway-server";
/// Where the manual goes.
pub(super) const MANUAL: &str = "usr/share/man/man1/gateway-server.1";

/// Shells, and where their completions go.
const COMPLETIONS: [(&str, &str); 3] = [
    (
        "bash",
        "usr/share/bash-completion/completions/gateway-server",
    ),
    (
        "fish",
        "usr/share/fish/vendor_completions.d/gateway-server.fish",
    ),
    ("zsh", "usr/share/zsh/vendor-completions/_gateway-server"),
];

/// Files of the project, where they go, and who may read them.
const FILES: [(&str, &str, u32); 8] = [
    (
        "packaging/debian/gateway-server.service",
        "usr/lib/systemd/system/gateway-server.service",
        0o644,
    ),
    (
        "packaging/debian/gateway-server.socket",
        "usr/lib/systemd/system/gateway-server.socket",
        0o644,
    ),
    (
        "packaging/debian/config.yaml",
        "etc/gateway-server/config.yaml",
        0o644,
    ),
    // It may hold keys.
    (
        "packaging/debian/gateway-server.default",
        "etc/default/gateway-server",
        0o600,
    ),
    (
        "CHANGELOG.md",
        "usr/share/doc/gateway-server/changelog",
        0o644,
    ),
    ("NOTICE", "usr/share/doc/gateway-server/NOTICE", 0o644),
    (
        "config/schema.json",
        "usr/share/doc/gateway-server/schema.json",
        0o644,
    ),
    (
        "config/reference.yaml",
        "usr/share/doc/gateway-server/reference.yaml",
        0o644,
    ),
];
