//! The image and its composition. There is no container engine here: they are read, not built.

use end_to_end::command::{self, Done};
use end_to_end::{binary, setup};
use gateway_testkit::process::free_address;
use rustix::process::Signal;
use tokio::process::Command;

use crate::{content, judge, judges, longest_end, project, read};

fn dockerfile() -> String {
    read(&project("packaging/docker/Dockerfile"))
}

#[tokio::test]
async fn the_dockerfile_has_nothing_that_its_linter_minds() {
    let file = project("packaging/docker/Dockerfile").display().to_string();
    content(
        judges("hadolint").await,
        &["--failure-threshold=style", &file],
    )
    .await;
}

#[test]
fn the_image_has_no_shell_no_root_and_an_order_to_end_that_the_gateway_knows() {
    let text = dockerfile();
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    assert!(
        last.starts_with("gcr.io/distroless/cc-debian12:nonroot\n"),
        "{last}"
    );
    for line in [
        "USER 65532:65532",
        "EXPOSE 4000",
        "STOPSIGNAL SIGTERM",
        r#"    CMD ["/usr/bin/gateway-server", "healthcheck"]"#,
        r#"ENTRYPOINT ["/usr/bin/gateway-server"]"#,
    ] {
        assert!(last.lines().any(|it| it == line), "{line}: {last}");
    }
    // Without a shell only the form with brackets starts anything.
    assert!(
        !last.contains("\nRUN") && !last.contains("CMD gateway"),
        "{last}"
    );
}

/// The C library of the build must not be newer than that of the image.
#[test]
fn the_image_is_built_on_the_release_of_debian_that_it_runs_on() {
    let text = dockerfile();
    assert!(text.contains("-bookworm AS build"), "{text}");
    assert!(text.contains("cc-debian12"), "{text}");
}

/// Whatever the build and the image copy must get to the engine.
#[test]
fn what_the_image_is_made_of_is_not_ignored() {
    let ignore = read(&project(".dockerignore"));
    let given: Vec<&str> = ignore
        .lines()
        .filter_map(|it| it.strip_prefix('!'))
        .collect();
    let text = dockerfile();
    let copies = text.lines().filter_map(|it| it.strip_prefix("COPY "));
    let named = copies.filter(|it| !it.starts_with("--from") && !it.starts_with(". "));
    let mut wanted: Vec<String> = Vec::new();
    for line in named {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, from) = words.split_last().unwrap();
        wanted.extend(from.iter().map(|it| (*it).to_owned()));
    }
    wanted.extend(["Cargo.toml", "Cargo.lock", "crates", "tests", "xtask"].map(str::to_owned));
    for path in wanted {
        let fits = |pattern: &&str| {
            let start = pattern.strip_suffix('*');
            start.map_or(path == **pattern, |start| path.starts_with(start))
        };
        assert!(given.iter().any(fits), "{path}: {ignore}");
        assert!(project(&path).exists(), "{path}");
    }
}

#[tokio::test]
async fn a_composition_gives_streams_their_time_and_the_gateway_nothing_to_write_to() {
    let file = project("packaging/docker/compose.yaml")
        .display()
        .to_string();
    let config = project("packaging/docker/config.yaml")
        .display()
        .to_string();
    let read = judge("objects", &[&file, &config]).await;
    let gateway = &read[0]["services"]["gateway"];
    let grace = gateway["stop_grace_period"].as_str().unwrap();
    let grace: u64 = grace.strip_suffix('s').unwrap().parse().unwrap();
    assert!(grace > longest_end(&read[1]), "{grace}");
    assert_eq!(gateway["read_only"], true);
    assert_eq!(gateway["cap_drop"][0], "ALL");
    assert!(
        project("packaging/docker")
            .join(gateway["build"]["context"].as_str().unwrap())
            .exists()
    );
    assert!(project(gateway["build"]["dockerfile"].as_str().unwrap()).exists());
}

/// The environment of the image, with a port of its own and not open to others.
fn environment(port: u16) -> Vec<(String, String)> {
    let config = project("packaging/docker/config.yaml")
        .display()
        .to_string();
    [
        ("CONFIG_FILE_PATH", &*config),
        ("LITELLM_MASTER_KEY", "sk-packaged"),
        ("HOST", "127.0.0.1"),
        ("PORT", &port.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A command beside the gateway, as the engine and the pod start it: without arguments.
async fn beside(command: &str, port: u16) -> Done {
    let mut beside = Command::new(binary::gateway_server());
    beside.arg(command).env_clear().envs(environment(port));
    command::finish(beside).await
}

#[tokio::test]
async fn the_health_check_of_the_image_and_the_drain_of_the_pod_find_the_gateway() {
    let port = free_address().port();
    let dead = beside("healthcheck", port).await;
    assert_eq!(dead.code, Some(1), "{dead:#?}");
    let mut gateway = setup::start(Vec::new(), environment(port), None).await;
    assert_eq!(gateway.addr().port(), port);
    let alive = beside("healthcheck", port).await;
    assert_eq!(alive.code, Some(0), "{alive:#?}");
    let drained = beside("drain", port).await;
    assert_eq!(drained.code, Some(0), "{drained:#?}");
    assert_eq!(gateway.get("/health/readiness").await.status, 503);
    let alive = beside("healthcheck", port).await;
    assert_eq!(
        alive.code,
        Some(0),
        "a pod that drains is not to be restarted: {alive:#?}"
    );
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.exited().await.code(), Some(0));
}
