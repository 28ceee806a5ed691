//! The Debian package, by `dpkg-deb`, which every Debian has: `cargo deb` would be minutes of compiling for what is a
//! folder and a dozen lines.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::elf::Needs;
use super::stage::{DOC, MANUAL, Stage};
use super::{Effort, Release, sbom};
use crate::failure::{Doing, Result};
use crate::shell;

/// Makes a package of what is staged, which afterwards is as the package wants it.
pub(super) fn package(
    stage: &Stage,
    release: &Release,
    needs: &Needs,
    effort: Effort,
    out: &Path,
) -> Result<()> {
    let project = shell::root().join("packaging/debian");
    let changelog = format!("{DOC}/changelog.Debian");
    stage.put(&changelog, &news(release)?, 0o644)?;
    stage.copy(
        &project.join("copyright"),
        &format!("{DOC}/copyright"),
        0o644,
    )?;
    stage.copy(
        &project.join("lintian-overrides"),
        "usr/share/lintian/overrides/gateway-server",
        0o644,
    )?;
    let notices = format!("{DOC}/THIRD-PARTY-NOTICES");
    for place in [MANUAL, &changelog, &format!("{DOC}/changelog"), &notices] {
        stage.compress(place)?;
    }
    let mut sums = Command::new("sh");
    sums.args([
        "-c",
        "find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum",
    ]);
    let sums = shell::output(sums.current_dir(stage.root()))?;
    let mut size = Command::new("du");
    size.args(["--apparent-size", "--summarize", "--block-size=1024"]);
    let size = shell::output(size.arg(stage.root()))?;
    let size = size.split_whitespace().next().unwrap_or("0");
    let architecture = shell::output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    stage.put("DEBIAN/md5sums", &sums, 0o644)?;
    let control = control(release, needs, architecture, size);
    stage.put("DEBIAN/control", &control, 0o644)?;
    stage.put("DEBIAN/conffiles", CONFFILES, 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        stage.copy(&project.join(script), &format!("DEBIAN/{script}"), 0o755)?;
    }
    stage.settle()?;
    let name = format!("gateway-server_{}_{architecture}.deb", revision(release));
    build(stage, release, effort, &out.join(name))?;
    fs::remove_dir_all(stage.root()).doing(format!("removing {}", stage.root().display()))
}

fn build(stage: &Stage, release: &Release, effort: Effort, to: &Path) -> Result<()> {
    let mut build = Command::new("dpkg-deb");
    build.args(["--root-owner-group", "-Zxz"]);
    match effort {
        Effort::Quick => build.arg("-z0"),
        // More threads would cut it into other blocks.
        Effort::Best => build.args(["-z9", "--threads-max=1"]),
    };
    build.env("SOURCE_DATE_EPOCH", release.epoch.to_string());
    build.arg("--build").arg(stage.root()).arg(to);
    shell::run(&mut build)
}

/// Of the package; the number after the dash counts packages of one version.
fn revision(release: &Release) -> String {
    format!("{}-1", release.version)
}

fn control(release: &Release, needs: &Needs, architecture: &str, size: &str) -> String {
    let Needs { glibc, libgcc } = needs;
    let mut text = String::new();
    for (field, value) in [
        ("Package", "gateway-server".to_owned()),
        ("Version", revision(release)),
        ("Architecture", architecture.to_owned()),
        ("Maintainer", MAINTAINER.to_owned()),
        ("Installed-Size", size.to_owned()),
        ("Pre-Depends", "init-system-helpers (>= 1.54~)".to_owned()),
        (
            "Depends",
            format!("libc6 (>= {glibc}), libgcc-s1 (>= {libgcc})"),
        ),
        ("Recommends", "ca-certificates".to_owned()),
        ("Section", "net".to_owned()),
        ("Priority", "optional".to_owned()),
        (
            "Homepage",
            "https://github.com/gateway-rs/gateway".to_owned(),
        ),
        ("Description", DESCRIPTION.to_owned()),
    ] {
        text += &format!("{field}: {value}\n");
    }
    text
}

/// The history of the package; that of the program is beside it.
fn news(release: &Release) -> Result<String> {
    let date = sbom::date(release, "+%a, %d %b %Y %H:%M:%S +0000")?;
    let revision = revision(release);
    Ok(format!(
        "gateway-server ({revision}) unstable; urgency=medium\n\n  * Release {}; see changelog.gz.\n\n \
         -- {MAINTAINER}  {date}\n",
        release.version
    ))
}

const MAINTAINER: &str = "The gateway authors <gateway-rs@users.noreply.github.com>";
const CONFFILES: &str = "/etc/default/gateway-server\n/etc/gateway-server/config.yaml\n";
const DESCRIPTION: &str = "LLM gateway that never cuts a stream
 A gateway between clients and providers of large language models. It reads
 the configuration file of LiteLLM Proxy, speaks the same HTTP contract and
 translates between the dialects of OpenAI, Anthropic, Gemini and Bedrock.
 .
 Connection pools rotate, configurations are reloaded and processes replaced
 while streams run to their ends.";
