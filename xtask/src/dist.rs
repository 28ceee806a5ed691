//! `cargo xtask dist`: what is given away, in `target/dist`: the binary with its papers as an archive and as a Debian
//! package, its debug information, the Helm chart, the list of what is in the binary, and the sums of them all.
//!
//! Same commit, same bytes: paths of the machine are taken out of the binary, every time stamp is the commit's, and
//! nothing depends on the order in which a directory is read.

mod archive; // tar.gz, the same bytes each time
mod build; // the release binary
mod debian; // the package
mod elf; // what the binary needs from the system, and its debug information apart
mod graph; // what went into the binary, as Cargo says
mod notices; // licences of it
mod sbom; // the list of it, for machines
mod stage; // the files as they are installed

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure, Result};
use crate::shell;
use graph::Graph;
use stage::Stage;

/// Options of `cargo xtask dist`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Pack this binary instead of building one; quicker, and without debug information.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Where the results go, instead of `target/dist`. What was there is removed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build a second time, from a copy of the commit in another directory, and compare.
    #[arg(long, conflicts_with = "binary")]
    verify: bool,
}

/// What everything that is made has in common.
#[derive(Debug)]
struct Release {
    version: String,
    /// As in a target's name: `x86_64-unknown-linux-gnu`.
    target: String,
    /// Seconds since 1970: when the commit was made, or `SOURCE_DATE_EPOCH`.
    epoch: u64,
}

/// How long compressing may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// For a test.
    Quick,
    /// For the world.
    Best,
}

/// Makes everything.
pub(crate) fn run(args: &Args) -> Result<()> {
    let target_dir = shell::target_dir();
    let out = args.out.clone().unwrap_or_else(|| target_dir.join("dist"));
    let graph = Graph::read()?;
    let release = Release::read(&graph)?;
    let Some(binary) = &args.binary else {
        let binary = build::release(shell::root(), &target_dir.join("dist-build"))?;
        pack(&release, &graph, &binary, Effort::Best, &out)?;
        if args.verify {
            verify(&release, &graph, &out)?;
        }
        return Ok(());
    };
    pack(&release, &graph, binary, Effort::Quick, &out)
}

/// Everything that is made of a binary.
fn pack(release: &Release, graph: &Graph, binary: &Path, effort: Effort, out: &Path) -> Result<()> {
    if out.exists() {
        fs::remove_dir_all(out).doing(format!("emptying {}", out.display()))?;
    }
    let name = format!("gateway-server-{}", release.version);
    let full = format!("{name}-{}", release.target);
    let work = out.join("work");
    let tree = work.join(&full);
    fs::create_dir_all(&tree).doing(format!("making {}", tree.display()))?;
    let needs = elf::needs(binary)?;
    println!("needs {needs}");
    let stripped = work.join("gateway-server");
    let debug = (effort == Effort::Best).then(|| work.join(format!("{full}-debug")));
    elf::strip(binary, &stripped, debug.as_deref())?;
    let stage = Stage::fill(&work.join("root"), &stripped, release, graph)?;
    let write = archive::Writer { release, effort };
    stage.copy_for_archive(&tree)?;
    write.tar(&tree, &out.join(format!("{full}.tar.gz")))?;
    if let Some(debug) = debug {
        write.tar(&debug, &out.join(format!("{full}-debug.tar.gz")))?;
    }
    write.tar(
        &shell::root().join("packaging/kubernetes/helm/gateway-server"),
        &out.join(format!("{name}-chart.tgz")),
    )?;
    let sbom = sbom::text(release, graph)?;
    let list = out.join(format!("{name}.cdx.json"));
    fs::write(&list, sbom).doing(format!("writing {}", list.display()))?;
    debian::package(&stage, release, &needs, effort, out)?;
    fs::remove_dir_all(&work).doing(format!("removing {}", work.display()))?;
    sums(out)
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn sums(out: &Path) -> Result<()> {
    let names = stage::files(out)?;
    let mut sha = Command::new("sha256sum");
    sha.args(&names).current_dir(out);
    let sums = shell::output(&mut sha)?;
    print!("{sums}");
    let file = out.join("SHA256SUMS");
    fs::write(&file, sums).doing(format!("writing {}", file.display()))
}

/// Makes everything once more from a copy of the commit, and compares the sums.
fn verify(release: &Release, graph: &Graph, out: &Path) -> Result<()> {
    let place = shell::target_dir().join("dist-verify");
    if place.exists() {
        fs::remove_dir_all(&place).doing(format!("emptying {}", place.display()))?;
    }
    let source = place.join("another/checkout");
    build::copy_of_the_commit(&source)?;
    let binary = build::release(&source, &place.join("another/target"))?;
    let again = place.join("dist");
    pack(release, graph, &binary, Effort::Best, &again)?;
    let read = |folder: &Path| {
        let file = folder.join("SHA256SUMS");
        fs::read_to_string(&file).doing(format!("reading {}", file.display()))
    };
    if read(out)? == read(&again)? {
        println!("reproducible: both builds gave the same bytes");
        return Ok(());
    }
    Err(Failure::new(format!(
        "the two builds differ: compare {} with {}",
        out.display(),
        again.display()
    )))
}

impl Release {
    fn read(graph: &Graph) -> Result<Self> {
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => {
                let mut git = Command::new("git");
                git.args(["log", "-1", "--format=%ct"]);
                shell::output(git.current_dir(shell::root()))?
            }
        };
        Ok(Self {
            version: graph.version().to_owned(),
            target: graph.target().to_owned(),
            epoch: epoch.trim().parse().doing("SOURCE_DATE_EPOCH")?,
        })
    }
}
