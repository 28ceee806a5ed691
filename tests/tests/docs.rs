//! Every command of the documentation works: each fenced `sh` block is executed, and a command of a kind that is not
//! known here fails.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use end_to_end::{Gateway, binary, command, setup};
use serde_json::json;
use tempfile::TempDir;

/// One command, and where it stands.
#[derive(Debug)]
struct Written {
    place: String,
    text: String,
}

impl Written {
    fn words(&self) -> Vec<&str> {
        self.text.split_whitespace().collect()
    }
}

/// All commands of the README and of the pages under `docs/`, but for those that need a gateway of their own.
fn commands() -> Vec<Written> {
    let root = binary::workspace();
    let mut pages = vec![root.join("README.md")];
    collect_pages(&root.join("docs"), &mut pages);
    pages.retain(|page| OWN.iter().all(|(own, _)| !page.ends_with(own)));
    pages.iter().flat_map(|page| commands_of(page)).collect()
}

/// Pages whose commands replace, reload or end the gateway that they are given, and the tests that run them.
const OWN: &[(&str, &str)] = &[
    ("docs/operations/drain.md", "tests/shutdown.rs"),
    ("docs/operations/reload.md", "tests/reload.rs"),
    ("docs/operations/upgrade.md", "tests/upgrade.rs"),
];

#[test]
fn pages_that_are_not_tried_here_are_tried_elsewhere() {
    let tests = binary::workspace().join("tests");
    for (page, test) in OWN {
        let test = fs::read_to_string(tests.join(test)).expect("a test can be read");
        assert!(test.contains(&format!("commands(\"{page}\")")), "{page}");
        assert!(!commands_of(&binary::workspace().join(page)).is_empty());
    }
}

fn collect_pages(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            collect_pages(&path, pages);
        } else if path.extension().is_some_and(|kind| kind == "md") {
            pages.push(path);
        }
    }
}

fn commands_of(page: &Path) -> Vec<Written> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let name = page
        .strip_prefix(binary::workspace())
        .unwrap_or(page)
        .display();
    let mut commands = Vec::new();
    let mut inside = false;
    let mut begun: Option<Written> = None;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            inside = !inside && line.trim() == "```sh";
            continue;
        }
        let line = line.split(" #").next().unwrap_or_default().trim();
        if !inside || line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (line, goes_on) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        let mut command = begun.take().unwrap_or_else(|| Written {
            place: format!("{name}:{}", number + 1),
            text: String::new(),
        });
        command.text.push_str(line);
        if goes_on {
            begun = Some(command);
        } else {
            commands.push(command);
        }
    }
    assert!(begun.is_none(), "{name} ends inside a command");
    commands
}

/// What a command is, or nothing if it is of no known kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `cargo run --release -p gateway-server -- …`
    CargoRun,
    /// `gateway-server …`
    Gateway,
    /// `curl …` against the demo.
    Curl,
    /// `cargo xtask …`
    Xtask,
    /// `apt-get install …`
    AptGet,
    /// `taskset -c N litellm --config FILE …`: a proxy that is not ours, beside the benchmark.
    OtherProxy,
}

impl Kind {
    fn of(command: &Written) -> Option<Self> {
        let words = command.words();
        match words.as_slice() {
            [
                "cargo",
                "run",
                "--release",
                "-p",
                "gateway-server",
                "--",
                ..,
            ] => Some(Self::CargoRun),
            ["gateway-server", ..] => Some(Self::Gateway),
            ["curl", ..] if command.text.contains("localhost:4000") => Some(Self::Curl),
            ["cargo", "xtask", _, ..] => Some(Self::Xtask),
            ["apt-get", "install", _, ..] => Some(Self::AptGet),
            ["taskset", "-c", _, "litellm", "--config", _, ..] => Some(Self::OtherProxy),
            _ => None,
        }
    }
}

/// The commands of one kind; there must be some.
fn commands_like(kind: Kind) -> Vec<Written> {
    let found: Vec<Written> = commands()
        .into_iter()
        .filter(|it| Kind::of(it) == Some(kind))
        .collect();
    assert!(
        !found.is_empty(),
        "no page has a command of the kind {kind:?}"
    );
    found
}

#[test]
fn every_command_is_of_a_kind_that_is_tried_here() {
    for command in commands() {
        assert!(
            Kind::of(&command).is_some(),
            "{} cannot be tried: {}",
            command.place,
            command.text
        );
    }
}

/// A folder that holds the `config.yaml` of which the pages speak, and the project's `config/`.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a directory can be made");
    let model = |name: &str, model: &str| {
        let params = json!({"model": model, "api_key": "sk-documented"});
        json!({"model_name": name, "litellm_params": params})
    };
    let config = json!({
        "model_list": [model("fast", "openai/gpt-4o-mini"), model("gpt-4o", "openai/gpt-4o")],
        "general_settings": {"master_key": "sk-documented-master"},
    });
    fs::write(folder.path().join("config.yaml"), config.to_string()).expect("it is writable");
    let project = binary::workspace().join("config");
    std::os::unix::fs::symlink(project, folder.path().join("config")).expect("a link can be made");
    folder
}

/// Starts the gateway as written, on a port of its own.
async fn start(words: &[&str], folder: &Path) -> Gateway {
    let path = |word: &str| {
        let path = folder.join(word);
        if path.exists() {
            path.display().to_string()
        } else {
            word.to_owned()
        }
    };
    let mut args: Vec<String> = words.iter().map(|word| path(word)).collect();
    assert!(!words.contains(&"--port"), "{words:?} asks for a port");
    args.extend(["--port".to_owned(), "0".to_owned()]);
    setup::start(args, Vec::new(), None).await
}

#[tokio::test]
async fn what_is_said_to_start_the_gateway_starts_it() {
    let folder = folder();
    for command in commands_like(Kind::CargoRun) {
        let words = command.words();
        let gateway = start(&words[6..], folder.path()).await;
        assert_eq!(
            gateway.get("/health/readiness").await.status,
            200,
            "{}",
            command.place
        );
    }
    for command in commands_like(Kind::Gateway) {
        let words = command.words();
        if ANSWERS.contains(&words[1]) {
            let mut shell = format!("cd '{}' && ", folder.path().display());
            shell.push_str(&command.text.replacen(
                "gateway-server",
                &binary::gateway_server().display().to_string(),
                1,
            ));
            let done = command::run("sh", ["-c", &shell]).await;
            assert_eq!(done.code, Some(0), "{}: {done:?}", command.place);
            assert!(!done.stdout.is_empty(), "{}: {done:?}", command.place);
        } else {
            let gateway = start(&words[1..], folder.path()).await;
            assert_eq!(
                gateway.get("/health/readiness").await.status,
                200,
                "{}",
                command.place
            );
        }
    }
}

#[tokio::test]
async fn every_curl_command_has_an_answer_from_the_demo() {
    let gateway = start(&["--demo"], Path::new("/")).await;
    let address = gateway.addr().to_string();
    for command in commands_like(Kind::Curl) {
        let shell = command.text.replace("localhost:4000", &address);
        let done = command::run("sh", ["-c", &shell]).await;
        assert_eq!(done.code, Some(0), "{}: {done:?}", command.place);
        assert!(!done.stdout.is_empty(), "{}: {done:?}", command.place);
        assert!(
            !done.stdout.contains("\"error\""),
            "{}: {done:?}",
            command.place
        );
        if command.text.contains("\"stream\":true") {
            let ends = ["data: [DONE]", "data: {\"type\":\"message_stop\"}"];
            let last = done.stdout.trim_end();
            assert!(
                ends.iter().any(|end| last.ends_with(end)),
                "{}: {done:?}",
                command.place
            );
        }
    }
}

#[tokio::test]
async fn every_xtask_command_exists_with_the_flags_that_are_written() {
    let xtask = tokio::task::spawn_blocking(|| binary::built("xtask"))
        .await
        .unwrap();
    for command in commands_like(Kind::Xtask) {
        let words = command.words();
        let help = command::run(&xtask, [words[2], "--help"]).await;
        assert_eq!(help.code, Some(0), "{}: {help:?}", command.place);
        let known: Vec<&str> = help
            .stdout
            .split_whitespace()
            .map(|word| word.trim_matches(','))
            .collect();
        for flag in words.iter().filter(|word| word.starts_with('-')) {
            let flag = flag.split('=').next().unwrap_or(flag);
            assert!(
                known.contains(&flag),
                "{}: {flag} is no flag of {}",
                command.place,
                words[2]
            );
        }
    }
}

/// Commands that answer and end.
const ANSWERS: &[&str] = &[
    "check",
    "completions",
    "config",
    "explain",
    "man",
    "migrate",
    "schema",
];

/// Packages are not installed here: `cargo xtask test` does that, and these must be among its own.
#[test]
fn every_package_is_one_that_the_test_command_installs() {
    let installs = source("xtask/src/test/machine.rs");
    let commands = commands();
    let wanted = commands
        .iter()
        .filter(|it| Kind::of(it) == Some(Kind::AptGet));
    for command in wanted {
        for package in &command.words()[2..] {
            let known = format!("package: \"{package}\"");
            assert!(installs.contains(&known), "{}: {package}", command.place);
        }
    }
}

/// Another product is not started here; the file that it is given must be the one that the benchmark leaves behind.
#[test]
fn another_proxy_is_given_what_the_benchmark_leaves_behind() {
    let bench = source("xtask/src/bench/proxies.rs");
    let commands = commands();
    let wanted = commands
        .iter()
        .filter(|it| Kind::of(it) == Some(Kind::OtherProxy));
    for command in wanted {
        let (folder, file) = command.words()[5].rsplit_once('/').expect("a path");
        assert_eq!(folder, "target/bench", "{}", command.place);
        assert!(bench.contains(file), "{}: {file}", command.place);
    }
}

fn source(path: &str) -> String {
    fs::read_to_string(binary::workspace().join(path)).expect("the source is there")
}

#[tokio::test]
async fn every_example_configuration_is_fine() {
    let mut files = vec![binary::workspace().join("config/reference.yaml")];
    for entry in fs::read_dir(binary::workspace().join("config/examples")).unwrap() {
        files.push(entry.unwrap().path());
    }
    for file in files {
        let file = file.display().to_string();
        let done = command::run(binary::gateway_server(), ["check", &file]).await;
        assert_eq!(done.code, Some(0), "{done:?}");
    }
}
