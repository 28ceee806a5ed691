//! Includes, the reference configuration, the examples.

use crate::support::{MODEL, folder, lines, load_folder, places, shipped, variables};
use gateway_server::config::{self, Environment, Sources, Strictness};
use std::time::Duration;

const OTHER: &str =
    "model_list:\n  - model_name: slow\n    litellm_params: {model: openai/gpt-4o}\n";

#[test]
fn lists_are_appended_and_mappings_are_replaced_as_a_whole() {
    let base = format!(
        "include: [sub/other.yaml]\n{MODEL}router_settings: {{timeout: 5, stream_timeout: 2}}\n"
    );
    let other = format!("{OTHER}router_settings: {{timeout: 9}}\n");
    let folder = folder(&[("config.yaml", &base), ("sub/other.yaml", &other)]);
    let loaded = load_folder(&folder, &variables(), Strictness::Lenient);
    assert_eq!(places(&loaded), ["4:1 include"]);
    assert!(
        lines(&loaded)[0].ends_with("lost: `stream_timeout`"),
        "{:?}",
        lines(&loaded)
    );
    let settings = loaded.settings.unwrap();
    let groups: Vec<_> = settings
        .deployments
        .iter()
        .map(|deployment| deployment.config.group.as_str())
        .collect();
    assert_eq!(groups, ["fast", "slow"]);
    assert_eq!(settings.routing.timers.call.limit, Duration::from_secs(9));
    let origin = settings.routing.timers.call.origin.to_string();
    assert!(origin.ends_with("other.yaml:4:19"), "{origin}");
    assert_eq!(settings.routing.timers.first_content, None);
}

#[test]
fn includes_go_breadth_first_and_each_file_once() {
    let entry = |name: &str, include: &str| {
        format!(
            "include: [{include}]\nmodel_list: [{{model_name: {name}, litellm_params: {{model: openai/x}}}}]\n"
        )
    };
    let folder = folder(&[
        ("config.yaml", &entry("root", "a.yaml, b.yaml")),
        ("a.yaml", &entry("a", "c.yaml, ./a.yaml, config.yaml")),
        ("b.yaml", &entry("b", "c.yaml")),
        ("c.yaml", &entry("c", "")),
    ]);
    let loaded = load_folder(&folder, &variables(), Strictness::Lenient);
    let settings = loaded.settings.unwrap();
    let groups: Vec<_> = settings
        .deployments
        .iter()
        .map(|deployment| deployment.config.group.as_str())
        .collect();
    assert_eq!(groups, ["root", "a", "b", "c"]);
}

#[test]
fn a_file_beside_the_root_is_found_with_a_warning_and_a_missing_one_is_an_error() {
    let folder = folder(&[
        ("config.yaml", &format!("include: [sub/a.yaml]\n{MODEL}")),
        ("sub/a.yaml", "include: [b.yaml, none.yaml]\n"),
        ("b.yaml", OTHER),
    ]);
    let loaded = load_folder(&folder, &variables(), Strictness::Lenient);
    assert_eq!(places(&loaded), ["1:11 include", "1:19 !unreadable"]);
}

#[test]
fn an_include_must_be_a_list_of_mappings_in_files() {
    for (include, other, expected) in [
        ("other.yaml", OTHER, "1:10 !wrong_type"),
        ("[3]", OTHER, "1:11 !wrong_type"),
        ("[other.yaml]", "- 1\n", "1:1 !wrong_type"),
        ("[other.yaml]", "a: [\n", "1:4 !syntax"),
    ] {
        let folder = folder(&[
            ("config.yaml", &format!("include: {include}\n{MODEL}")),
            ("other.yaml", other),
        ]);
        let loaded = load_folder(&folder, &variables(), Strictness::Lenient);
        assert_eq!(places(&loaded), [expected], "{include} {other}");
    }
}

#[test]
fn problems_of_included_files_name_their_file() {
    let folder = folder(&[
        ("config.yaml", &format!("include: [other.yaml]\n{MODEL}")),
        ("other.yaml", "router_settings: {tiemout: 3}\n"),
    ]);
    let loaded = load_folder(&folder, &variables(), Strictness::Lenient);
    let problem = &loaded.report.problems()[0];
    assert!(
        loaded
            .report
            .describe(&problem.place)
            .ends_with("other.yaml:1:19")
    );
}

#[test]
fn the_reference_configuration_and_all_examples_are_strictly_fine() {
    let examples = std::fs::read_dir(shipped().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = examples.collect();
    assert!(files.len() >= 5);
    files.push(shipped().join("reference.yaml"));
    let environment: Environment = [
        "LITELLM_MASTER_KEY",
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "AZURE_API_KEY",
        "AZURE_AD_TOKEN",
        "AZURE_CLIENT_SECRET",
        "BEDROCK_KEY_ID",
        "BEDROCK_KEY",
        "AZURE_WEST_KEY",
        "AZURE_NORTH_KEY",
        "COLLECTOR_KEY",
        "VERTEX_CREDENTIALS",
        "DRAIN_TOKEN",
        "DRAIN_ENDPOINT_TOKEN",
    ]
    .into_iter()
    .map(|name| (name, "a-value-of-its-own"))
    .collect();
    for file in files {
        let sources = Sources {
            file: Some(file.clone()),
            strictness: Strictness::Strict,
            ..Sources::default()
        };
        let loaded = config::load(&sources, &environment);
        assert_eq!(lines(&loaded), Vec::<String>::new(), "{}", file.display());
        assert!(loaded.settings.is_some());
    }
}
