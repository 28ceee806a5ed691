//! Arbitrary input, and figures.

use crate::support::{load, shown, variables};
use gateway_server::config::{self, Sources};
use proptest::prelude::*;
use std::fmt::Write as _;

fn survives(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, bytes).unwrap();
    let loaded = config::load(
        &Sources {
            file: Some(file),
            ..Sources::default()
        },
        &variables(),
    );
    let errors = loaded.report.errors();
    assert_eq!(loaded.settings.is_none(), errors > 0);
    assert!(shown(&loaded).chars().all(|c| c == '\n' || !c.is_control()));
    config::json(&loaded.report, &mut Vec::new()).unwrap();
}

/// Pieces that make YAML of which something can be wrong everywhere.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "model_list:",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "model_name: a",
        "litellm_params:",
        "model: openai/x",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "api_key: sk-canary",
        "timeout: ",
        "-1",
        "1e999",
        ".nan",
        "&a ",
        "*a",
        "<<: *a",
        "!!binary x",
        "!x ",
        "'",
        "\"",
        "#",
        "router_settings:",
        "gateway: {listen: {port: ",
        "include: [config.yaml]",
        "os.environ/PATH",
        "|\n",
        ">-\n",
        "\t",
        "\r",
        "\u{85}",
        "\u{2028}",
        "é",
        "💥",
        "? ",
        "---\n",
        "%YAML 1.2\n",
        "null",
        "~",
        "true",
        "environment_variables:",
        "organization: []",
        "model_group_alias: {a: }",
        "credential_list: [{credential_name: a, credential_values: }]",
        "extra_headers: {a: [1]}",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
    }

    #[test]
    fn arbitrary_yaml_never_panics(pieces in prop::collection::vec(piece(), 0..40)) {
        survives(pieces.concat().as_bytes());
    }

    #[test]
    fn a_position_is_always_inside_of_the_file(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let loaded = load(&text);
        for problem in loaded.report.problems() {
            if let config::Place::File(mark) = problem.place {
                prop_assert!(mark.range().start <= text.len(), "{:?} in {:?}", problem, text);
            }
        }
    }
}

/// A configuration as large operators have them.
fn large(deployments: usize) -> String {
    let mut text = String::from("model_list:\n");
    for number in 0..deployments {
        writeln!(
            text,
            "  - model_name: group-{}\n    litellm_params:\n      model: openai/model-{number}\n      api_base: https://host-{number}.example.com/v1\n      \
             api_key: sk-canary-{number}\n      rpm: 100\n      weight: 2\n      temperature: 0.5\n    model_info: {{id: id-{number}}}",
            number % 20
        )
        .unwrap();
    }
    text
}

#[test]
fn two_hundred_deployments_load_in_milliseconds() {
    let text = large(200);
    let fastest = (0..5)
        .map(|_| {
            let started = tokio::time::Instant::now();
            let loaded = load(&text);
            assert_eq!(loaded.settings.unwrap().deployments.len(), 200);
            started.elapsed()
        })
        .min()
        .unwrap();
    // An unoptimized build on a busy machine; an optimized one is some twenty times faster.
    assert!(fastest.as_millis() < 2_000, "{fastest:?}");
    println!("200 deployments: {fastest:?}");
}
