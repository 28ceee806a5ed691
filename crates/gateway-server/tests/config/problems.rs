//! What is reported, and where.

use crate::support::{
    MODEL, folder, lines, load, load_folder, load_with_model, places, shown, variables,
};
use gateway_server::config::{self, Strictness};

/// A text (behind four lines of a model list) and the places and codes of its problems.
const CASES: &[(&str, &[&str])] = &[
    // Misspelt and misplaced keys.
    ("router_settings:\n  tiemout: 3\n", &["6:3 unknown_key"]),
    ("general_setings: {}\n", &["5:1 unknown_key"]),
    ("router_settings: {master_key: x}\n", &["5:19 unknown_key"]),
    ("gateway:\n  listen: {prot: 1}\n", &["6:12 unknown_key"]),
    ("      api_ky: x\n", &["5:7 unknown_key"]),
    (
        "      r2_secret_access_key: x\n      prompt_cache_key: x\n",
        &["5:7 unknown_key"],
    ),
    ("    model_info: {idd: x}\n", &["5:18 unknown_key"]),
    ("    model_info: {anything_of_mine: x}\n", &[]),
    ("    modelinfo: {}\n", &["5:5 unknown_key"]),
    ("      top_k: 40\n      reasoning_effort: high\n", &[]),
    // Keys of LiteLLM without effect.
    (
        "router_settings:\n  default_priority: 2\n",
        &["6:3 ignored_key"],
    ),
    (
        "router_settings:\n  enable_health_check_routing: false\n",
        &[],
    ),
    ("router_settings:\n  optional_pre_call_checks: []\n", &[]),
    ("litellm_settings:\n  drop_params: false\n", &[]),
    ("litellm_settings:\n  callbacks: [prometheus]\n", &[]),
    (
        "litellm_settings:\n  callbacks: [prometheus, langfuse]\n",
        &["6:3 ignored_key"],
    ),
    ("guardrails:\n  - guardrail_name: x\n", &["5:1 ignored_key"]),
    (
        "      max_budget: 3\n      silent_model: x\n",
        &["5:7 ignored_key", "6:7 ignored_key"],
    ),
    // Wrong types.
    ("router_settings: [1]\n", &["5:18 !wrong_type"]),
    ("router_settings:\n  timeout: [1]\n", &["6:12 !wrong_type"]),
    ("router_settings:\n  timeout: soon\n", &["6:12 !wrong_type"]),
    ("router_settings:\n  timeout: \"12.5\"\n", &[]),
    (
        "general_settings:\n  master_key: 1234\n",
        &["6:15 !wrong_type"],
    ),
    (
        "general_settings:\n  public_routes: [1]\n",
        &["6:18 !wrong_type"],
    ),
    ("  - fast\n", &["5:5 !wrong_type"]),
    ("gateway: {workers: 1.5}\n", &["5:20 !wrong_type"]),
    (
        "gateway: {providers: {acme: {supported_endpoints: [/v1/rerank]}}}\n",
        &["5:29 !invalid_value"],
    ),
    (
        "gateway: {providers: {acme: {base: x}}}\n",
        &["5:30 unknown_key"],
    ),
    ("gateway: {log: {level: inof}}\n", &["5:24 !invalid_value"]),
    (
        "gateway: {log: {level: \"info,gateway_transport=debug\"}}\n",
        &[],
    ),
    (
        "router_settings: {model_group_alias: {other: 3}}\n",
        &["5:39 !wrong_type"],
    ),
    // Numbers out of range.
    ("router_settings:\n  timeout: -1\n", &["6:12 !out_of_range"]),
    (
        "router_settings:\n  timeout: .nan\n",
        &["6:12 !out_of_range"],
    ),
    (
        "router_settings:\n  timeout: \"nan\"\n",
        &["6:12 !out_of_range"],
    ),
    (
        "router_settings:\n  timeout: .inf\n",
        &["6:12 !out_of_range"],
    ),
    (
        "router_settings:\n  timeout: 1e300\n",
        &["6:12 !out_of_range"],
    ),
    (
        "router_settings:\n  connect_timeout: -1\n",
        &["6:20 !out_of_range"],
    ),
    ("      weight: -2\n", &["5:15 !out_of_range"]),
    (
        "      rpm: 99999999999999999999999\n",
        &["5:12 !wrong_type"],
    ),
    ("      anything: .nan\n", &["5:17 !out_of_range"]),
    (
        "gateway: {listen: {port: 70000}}\n",
        &["5:26 !out_of_range"],
    ),
    (
        "gateway: {transport: {ttl_jitter: 2}}\n",
        &["5:35 !out_of_range"],
    ),
    // Values that make no sense.
    (
        "      api_base: api.example.com\n",
        &["5:17 !invalid_value"],
    ),
    ("      api_base: ftp://host\n", &["5:17 !invalid_value"]),
    ("      api_base: \"http://\"\n", &["5:17 !invalid_value"]),
    (
        "      api_base: \"https://a b\"\n",
        &["5:17 !invalid_value"],
    ),
    (
        "      extra_headers: {\"a b\": x}\n",
        &["5:23 !invalid_value"],
    ),
    (
        "general_settings: {litellm_key_header_name: \"a b\"}\n",
        &["5:45 !invalid_value"],
    ),
    ("gateway: {log: {format: xml}}\n", &["5:25 !invalid_value"]),
    (
        "router_settings: {model_group_alias: {other: fats}}\n",
        &["5:39 !invalid_value"],
    ),
    (
        "      litellm_credential_name: nobody\n",
        &["5:32 !missing"],
    ),
    (
        "      ssl_verify: /no/such/file.pem\n",
        &["5:19 !unreadable"],
    ),
    (
        "gateway: {listen: {tls_cert: /no/such/file.pem}}\n",
        &["5:20 !missing"],
    ),
    // Missing.
    ("  - litellm_params: {model: x}\n", &["5:5 !missing"]),
    ("  - model_name: x\n", &["5:5 !missing"]),
    (
        "  - model_name: x\n    litellm_params: {api_key: y}\n",
        &["6:22 !missing"],
    ),
    (
        "  - model_name: x\n    litellm_params: {model: \"\"}\n",
        &["6:22 !missing"],
    ),
    // Duplicates: all of them, and the rest of the file all the same.
    (
        "router_settings:\n  timeout: 1\n  timeout: 2\n  tiemout: 3\ngateway: {workers: 1, workers: 1}\n",
        &[
            "7:3 !duplicate_key",
            "8:3 unknown_key",
            "9:23 !duplicate_key",
        ],
    ),
    // No YAML.
    ("router_settings: {timeout: 1\n", &["5:18 !syntax"]),
    ("  bad indentation: [\n", &["5:3 !syntax"]),
    ("a: *nothing\n", &["5:4 !syntax"]),
    ("--- \na: 1\n", &["6:1 !syntax"]),
];

#[test]
fn every_problem_has_its_line_and_column() {
    let wrong: Vec<String> = CASES
        .iter()
        .filter_map(|(text, expected)| {
            let loaded = load_with_model(text);
            let found = places(&loaded);
            (found != *expected)
                .then(|| format!("{text}{found:?} is not {expected:?}: {:#?}", lines(&loaded)))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_misspelt_key_is_pointed_at_with_the_nearest_known_one() {
    let loaded = load_with_model("router_settings:\n  tiemout: 30\n");
    let shown = shown(&loaded);
    let expected = "6 |   tiemout: 30\n  |   ^^^^^^^\n  = did you mean `timeout`?\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains("config.yaml:6:3\n"), "{shown}");
    assert!(shown.ends_with("0 errors, 1 warning\n"), "{shown}");
}

#[test]
fn a_key_of_another_section_is_sent_there() {
    let loaded = load_with_model("router_settings: {master_key: x}\n");
    assert_eq!(
        lines(&loaded),
        ["unknown key `master_key` in router_settings | `master_key` belongs to general_settings"]
    );
}

#[test]
fn an_ignored_key_names_its_consequence() {
    let loaded = load_with_model("router_settings: {provider_budget_config: 3}\n");
    assert_eq!(
        lines(&loaded),
        ["`provider_budget_config` in router_settings is not honored: spend is not limited | "]
    );
}

#[test]
fn strict_makes_unknown_and_ignored_keys_errors_but_not_facts_of_the_machine() {
    let text = "router_settings: {tiemout: 3, default_priority: 2}\ngeneral_settings: {master_key: os.environ/NOBODY_SET_THIS}\n";
    let folder = folder(&[("config.yaml", &format!("{MODEL}{text}"))]);
    let lenient = load_folder(&folder, &variables(), Strictness::Lenient);
    assert!(lenient.settings.is_some());
    let strict = load_folder(&folder, &variables(), Strictness::Strict);
    assert!(strict.settings.is_none());
    assert_eq!(
        places(&strict),
        [
            "5:19 !unknown_key",
            "5:31 !ignored_key",
            "6:32 unset_variable"
        ]
    );
}

#[test]
fn an_empty_or_missing_model_list_is_said() {
    for (text, expected) in [
        ("", "- !missing"),
        ("# nothing\n", "- !missing"),
        ("model_list: []\n", "1:1 !missing"),
        ("model_list:\n", "1:1 !missing"),
        ("model_list: 3\n", "1:13 !wrong_type"),
        ("router_settings: {timeout: 3}\n", "- !missing"),
        ("- 1\n", "1:1 !wrong_type"),
        ("text\n", "1:1 !wrong_type"),
    ] {
        assert_eq!(places(&load(text)), [expected], "{text}");
    }
}

#[test]
fn the_same_id_twice_is_said_with_both_places() {
    let entry =
        "  - model_name: x\n    litellm_params: {model: openai/x}\n    model_info: {id: one}\n";
    let loaded = load(&format!("model_list:\n{entry}{entry}"));
    assert_eq!(places(&loaded), ["7:22 !invalid_value"]);
    assert!(lines(&loaded)[0].contains("config.yaml:4:22"));
}

#[test]
fn a_file_that_is_none_or_too_large_or_too_deep_is_refused() {
    let none = load_folder(&folder(&[]), &variables(), Strictness::Lenient);
    assert_eq!(places(&none), ["- !unreadable"]);
    let large = format!("{MODEL}# {}\n", "x".repeat(9 << 20));
    assert_eq!(places(&load(&large)), ["- !unreadable"]);
    let deep = format!("{MODEL}deep: {}1{}\n", "[".repeat(200), "]".repeat(200));
    assert!(
        places(&load(&deep))[0].ends_with("!syntax"),
        "{:?}",
        places(&load(&deep))
    );
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{inner}]\n");
    }
    let loaded = load(&text);
    assert!(
        places(&loaded)[0].ends_with("!syntax"),
        "{:?}",
        places(&loaded)
    );
}

#[test]
fn anchors_and_merge_keys_work_and_point_to_the_definition() {
    let text = "model_list:\n  - model_name: a\n    litellm_params: &base {model: openai/a, rpm: 5}\n  \
                - model_name: b\n    litellm_params: {<<: *base, model: openai/b, weight: -1}\n";
    let loaded = load(text);
    assert_eq!(places(&loaded), ["5:58 !out_of_range"]);
    let loaded = load(&text.replace("-1", "1"));
    let deployments = loaded.settings.unwrap().deployments;
    assert_eq!(
        (
            deployments[1].config.rpm,
            deployments[1].config.endpoint.model.as_str()
        ),
        (Some(5), "openai/b")
    );
}

#[test]
fn json_has_everything_a_machine_needs() {
    let loaded = load_with_model("router_settings:\n  tiemout: 3\n  timeout: -1\n");
    let mut out = Vec::new();
    config::json(&loaded.report, &mut out).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        (&document["errors"], &document["warnings"]),
        (&1.into(), &1.into())
    );
    let first = &document["problems"][0];
    assert_eq!((&first["line"], &first["column"]), (&6.into(), &3.into()));
    assert_eq!(
        (&first["severity"], &first["code"]),
        (&"warning".into(), &"unknown_key".into())
    );
    assert!(first["file"].as_str().unwrap().ends_with("config.yaml"));
    assert_eq!(first["hint"], "did you mean `timeout`?");
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let loaded = load_with_model("\"\\e[31mrouter\\u0007\": 1\n\"a\\tb\": 2\n");
    assert!(shown(&loaded).chars().all(|c| c == '\n' || !c.is_control()));
}
