//! What `cargo xtask dist` makes, of the binary under test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use end_to_end::{Gateway, binary, command, setup};
use gateway_testkit::client::Request;
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{content, folder, judge, read, version};

/// What takes seconds may take as long as this beside other tests.
const LONG: Duration = Duration::from_secs(240);

/// Makes everything.
async fn dist(to: &Path) {
    let xtask = tokio::task::spawn_blocking(|| (binary::built("xtask"), binary::gateway_server()));
    let (xtask, gateway) = xtask.await.unwrap();
    let args = ["dist", "--binary"].map(PathBuf::from);
    let paths = [gateway.to_owned(), "--out".into(), to.to_owned()];
    let mut dist = Command::new(xtask);
    dist.args(args.into_iter().chain(paths));
    let done = command::finish_within(LONG, dist).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
}

/// The only file whose name ends so.
fn only(folder: &Path, ending: &str) -> PathBuf {
    let all = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let all: Vec<PathBuf> = all
        .filter(|it| it.to_string_lossy().ends_with(ending))
        .collect();
    assert_eq!(all.len(), 1, "{ending}: {all:?}");
    all[0].clone()
}

/// Starts what lies in a folder that stands for `/`, with the configuration that came with it.
async fn start(root: &Path) -> Gateway {
    let config = root.join("etc/gateway-server/config.yaml");
    let config = config.display().to_string();
    let args = ["--config", &config, "--port", "0"].map(str::to_owned);
    let program = root.join("usr/bin/gateway-server");
    setup::start_program(&program, args.to_vec(), Vec::new(), None).await
}

/// `dpkg` on a folder that stands for `/`; the package's scripts run, and see no systemd.
async fn dpkg(root: &Path, args: &[&str]) {
    for folder in ["info", "updates", "triggers"] {
        fs::create_dir_all(root.join("var/lib/dpkg").join(folder)).unwrap();
    }
    for file in ["status", "available"] {
        let file = root.join("var/lib/dpkg").join(file);
        if !file.exists() {
            fs::write(file, "").unwrap();
        }
    }
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", root.display()));
    dpkg.arg(format!("--log={}/dpkg.log", root.display()));
    // The folder has no C library that the package could depend on, and no shell.
    dpkg.args([
        "--force-depends",
        "--force-not-root",
        "--force-script-chrootless",
    ]);
    dpkg.args(["--force-bad-path", "--force-confold"])
        .args(args);
    let done = command::finish(dpkg).await;
    assert_eq!(done.code, Some(0), "{args:?}: {done:#?}");
}

/// Fails if Debian's judge of packages minds anything.
async fn lint(package: &str) {
    let mut lintian = Command::new("lintian");
    lintian.args(["--profile=debian", "--fail-on=error,warning", package]);
    let done = command::finish_within(LONG, lintian).await;
    assert_eq!(done.code, Some(0), "{done:#?}");
}

fn there(root: &Path, path: &str) -> bool {
    fs::symlink_metadata(root.join(path)).is_ok()
}

#[tokio::test]
async fn the_package_is_installed_started_upgraded_and_removed() {
    let folder = folder();
    let out = folder.path().join("dist");
    dist(&out).await;
    let package = only(&out, ".deb").display().to_string();
    lint(&package).await;

    let root = folder.path().join("root");
    dpkg(&root, &["--install", &package]).await;
    let wanted = "etc/systemd/system/multi-user.target.wants/gateway-server.service";
    assert!(there(&root, wanted));
    assert!(!there(
        &root,
        "etc/systemd/system/sockets.target.wants/gateway-server.socket"
    ));
    let mut gateway = start(&root).await;
    assert!(gateway.addr().ip().is_loopback());
    assert_eq!(gateway.get("/health/readiness").await.status, 200);
    let answer = gateway.answer(&Request::chat("hello").model("hello")).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));

    // What somebody wrote into a configuration stays.
    let config = root.join("etc/gateway-server/config.yaml");
    let mine = read(&config) + "# mine\n";
    fs::write(&config, &mine).unwrap();
    dpkg(&root, &["--install", &package]).await;
    assert_eq!(read(&config), mine);
    dpkg(&root, &["--remove", "gateway-server"]).await;
    assert!(!there(&root, "usr/bin/gateway-server"));
    assert_eq!(read(&config), mine);
    dpkg(&root, &["--purge", "gateway-server"]).await;
    for path in [
        "etc/gateway-server/config.yaml",
        "etc/default/gateway-server",
        wanted,
    ] {
        assert!(!there(&root, path), "{path}");
    }
}

#[tokio::test]
async fn the_same_binary_gives_the_same_bytes() {
    let folder = folder();
    let sums = async |name: &str| {
        let out = folder.path().join(name);
        dist(&out).await;
        let sums = out.join("SHA256SUMS");
        let mut check = Command::new("sha256sum");
        check
            .args(["--check", "--strict"])
            .arg(&sums)
            .current_dir(&out);
        let done = command::finish(check).await;
        assert_eq!(done.code, Some(0), "{done:#?}");
        read(&sums)
    };
    let first = sums("first").await;
    assert_eq!(first.lines().count(), 4, "{first}");
    assert_eq!(first, sums("second").await);
}

#[tokio::test]
async fn the_list_of_components_is_valid_and_names_what_the_notices_name() {
    let folder = folder();
    let out = folder.path().join("dist");
    dist(&out).await;
    let list = only(&out, ".cdx.json").display().to_string();
    let verdict = judge("sbom", &[&list]).await;
    assert!(verdict[0]["wrong"].is_null(), "{verdict:?}");
    let text = read(Path::new(&list));
    assert!(!text.contains("file:"), "a path of this machine");
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let parts = list["components"].as_array().unwrap();
    let names: BTreeSet<&str> = parts.iter().filter_map(|it| it["name"].as_str()).collect();
    for name in ["gateway-core", "hyper", "rustls", "tokio"] {
        assert!(names.contains(name), "{names:?}");
    }
    for name in ["gateway-testkit", "proptest", "serde_derive", "xtask"] {
        assert!(!names.contains(name), "{name}");
    }

    let archive = unpacked(&out).await;
    let notices = read(&archive.path().join("doc/THIRD-PARTY-NOTICES"));
    for part in parts.iter().filter(|it| it.get("hashes").is_some()) {
        let line = format!(
            "{} {} ({})",
            part["name"].as_str().unwrap(),
            part["version"].as_str().unwrap(),
            part["licenses"][0]["expression"].as_str().unwrap()
        );
        assert!(notices.lines().any(|it| it == line), "{line}");
    }
}

#[tokio::test]
async fn the_archive_has_the_program_with_its_papers() {
    let folder = folder();
    let out = folder.path().join("dist");
    dist(&out).await;
    let archive = unpacked(&out).await;
    let at = |path: &str| archive.path().join(path);
    let said = content(at("bin/gateway-server"), &["--version"]).await;
    assert!(said.contains(&version()), "{said}");
    let bash = at("completions/gateway-server").display().to_string();
    content("bash", &["-n", &bash]).await;
    let manual = read(&at("man/gateway-server.1"));
    assert!(manual.contains(".SH NAME"), "{manual}");
    for path in [
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "doc/NOTICE",
        "doc/changelog",
        "doc/examples/minimal.yaml",
        "doc/ops/grafana/gateway.json",
        "doc/schema.json",
        "etc/gateway-server/config.yaml",
        "systemd/gateway-server.service",
    ] {
        assert!(at(path).exists(), "{path}");
    }
}

/// What is in the archive's only folder.
async fn unpacked(out: &Path) -> TempDir {
    let folder = folder();
    let to = folder.path().display().to_string();
    let archive = only(out, "-gnu.tar.gz").display().to_string();
    content(
        "tar",
        &["-xzf", &archive, "-C", &to, "--strip-components=1"],
    )
    .await;
    folder
}
