//! What is given away is whole: the archive and the Debian package made of this build's binary, the image, the manifests
//! for Kubernetes. Judged by the linters and schemas of those who will read them, and installed and started where that is
//! possible here. Nothing here builds an image or asks a cluster.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

mod dist; // what `cargo xtask dist` makes
mod image; // the Dockerfile and its composition
mod kubernetes; // the base and the chart
mod systemd; // the units

use std::fs;
use std::path::{Path, PathBuf};

use end_to_end::command::{self, Done};
use end_to_end::{binary, published, python};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A path of the project.
fn project(path: &str) -> PathBuf {
    binary::workspace().join(path)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder() -> TempDir {
    TempDir::with_prefix("packaging-").unwrap()
}

/// What another program says, which must be content.
async fn content(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> String {
    let done = command::run(program, args).await;
    assert_eq!(done.code, Some(0), "{args:?}: {done:#?}");
    done.stdout
}

/// A task of `manifests.py`.
async fn judge(task: &str, args: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = [task].into_iter().chain(args.iter().copied()).collect();
    python::run_with(JUDGES, "manifests.py", &all).await
}

/// A program among the judges.
async fn judges(program: &str) -> PathBuf {
    let installed = tokio::task::spawn_blocking(|| published::installed(JUDGES));
    installed.await.unwrap().join("bin").join(program)
}

/// What a check of a configuration says, with values for all that it takes from outside: variables, and secrets, which are
/// in another place here.
async fn check(config: &str) -> Done {
    let folder = folder();
    let mut text = String::new();
    for line in config.lines() {
        let secret = line.split_once("file:/");
        text += &secret.map_or(line.to_owned(), |(before, _)| {
            let file = folder.path().join("secret");
            fs::write(&file, "sk-packaged").unwrap();
            format!("{before}file:{}", file.display())
        });
        text.push('\n');
    }
    let file = folder.path().join("config.yaml");
    fs::write(&file, text).unwrap();
    let mut check = Command::new(binary::gateway_server());
    check.args(["check", "--strict"]).arg(&file).env_clear();
    command::finish(check).await
}

/// A number of a YAML document.
fn number(of: &Value, path: &str) -> u64 {
    let number = of.pointer(path).and_then(Value::as_u64);
    number.unwrap_or_else(|| panic!("no number at {path}: {of:#}"))
}

/// How long a process that reads this configuration may take to end: the delay, the streams, the last event of each.
fn longest_end(config: &Value) -> u64 {
    number(config, "/gateway/drain/delay") + number(config, "/gateway/drain/timeout") + 5
}

/// The version of everything here.
fn version() -> String {
    let manifest = read(&project("Cargo.toml"));
    let line = manifest
        .lines()
        .find_map(|it| it.strip_prefix("version = "));
    line.unwrap().trim_matches('"').to_owned()
}

#[tokio::test]
async fn everything_in_yaml_is_tidy() {
    let lint = judges("yamllint").await.display().to_string();
    let chart = project("packaging/kubernetes/helm/gateway-server");
    let folders =
        ["docker", "debian", "kubernetes/base"].map(|it| project(&format!("packaging/{it}")));
    let files = ["Chart.yaml", "values.yaml"].map(|it| chart.join(it));
    let all = folders
        .iter()
        .chain(&files)
        .map(|it| it.display().to_string());
    let all: Vec<String> = all.collect();
    let mut args = vec!["--strict", "--config-data", YAML];
    args.extend(all.iter().map(|it| &**it));
    content(lint, &args).await;
}

#[tokio::test]
async fn every_configuration_that_is_shipped_passes_the_check() {
    for file in ["debian", "docker", "kubernetes/base"] {
        let config = read(&project(&format!("packaging/{file}/config.yaml")));
        let done = check(&config).await;
        assert_eq!(done.code, Some(0), "{file}: {done:#?}");
    }
}

#[test]
fn all_packages_have_the_version_of_the_program() {
    let version = version();
    for (file, line) in [
        ("helm/gateway-server/Chart.yaml", "version: "),
        ("helm/gateway-server/Chart.yaml", "appVersion: "),
        ("base/kustomization.yaml", "    newTag: "),
    ] {
        let text = read(&project(&format!("packaging/kubernetes/{file}")));
        let said = text.lines().find_map(|it| it.strip_prefix(line));
        assert_eq!(said, Some(&*version), "{file}: {line}");
    }
}

/// What is installed to judge.
const JUDGES: &str = "packaging.txt";
const YAML: &str = "{extends: default, rules: {line-length: {max: 130}, document-start: disable, \
                    comments: {require-starting-space: false}}}";
