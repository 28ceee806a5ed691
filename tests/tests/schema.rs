//! The schema of the configuration says what the gateway says: a validator that is not ours takes what the gateway takes, and
//! refuses what it refuses for the type of a value.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use end_to_end::{binary, command, python};
use serde_json::Value;
use tempfile::TempDir;

/// What the validator has to say of each file.
async fn validated(files: &[PathBuf]) -> Vec<(String, Vec<Value>)> {
    let schema = binary::workspace().join("config/schema.json");
    let paths = std::iter::once(&schema).chain(files);
    let args: Vec<String> = paths.map(|it| it.display().to_string()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = python::run_with("schema.txt", "schema.py", &args).await;
    assert_eq!(said.len(), files.len());
    let of = |line: &Value| {
        let errors = line["errors"].as_array().unwrap().clone();
        (line["file"].as_str().unwrap().to_owned(), errors)
    };
    said.iter().map(of).collect()
}

async fn checked(file: &Path) -> Option<i32> {
    let file = file.display().to_string();
    let done = command::run(binary::gateway_server(), ["check", &file]).await;
    done.code
}

fn written(folder: &TempDir, texts: &[&str]) -> Vec<PathBuf> {
    let write = |(number, text): (usize, &&str)| {
        let path = folder.path().join(format!("{number}.yaml"));
        let text = if text.contains("model_list") {
            (*text).to_owned()
        } else {
            format!("{MODEL}{text}\n")
        };
        fs::write(&path, text).unwrap();
        path
    };
    texts.iter().enumerate().map(write).collect()
}

#[tokio::test]
async fn the_reference_and_every_example_fit_the_schema_and_name_it() {
    let root = binary::workspace().join("config");
    let mut files = vec![root.join("reference.yaml")];
    let examples = fs::read_dir(root.join("examples")).unwrap();
    files.extend(examples.map(|entry| entry.unwrap().path()));
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let first = text.lines().next().unwrap();
        let schema = first.strip_prefix("# yaml-language-server: $schema=");
        let schema = schema.unwrap_or_else(|| panic!("{}: {first}", file.display()));
        let schema = file.parent().unwrap().join(schema);
        assert!(schema.exists(), "{}", schema.display());
    }
    for (file, errors) in validated(&files).await {
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

#[tokio::test]
async fn what_the_gateway_refuses_for_its_type_the_schema_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let files = written(&folder, WRONG);
    for (text, (file, errors)) in WRONG.iter().zip(validated(&files).await) {
        assert!(!errors.is_empty(), "the schema takes {text}");
        let code = checked(Path::new(&file)).await;
        assert_eq!(code, Some(1), "the gateway takes {text}");
    }
}

#[tokio::test]
async fn what_the_gateway_takes_the_schema_takes() {
    let folder = tempfile::tempdir().unwrap();
    let files = written(&folder, RIGHT);
    for (text, (file, errors)) in RIGHT.iter().zip(validated(&files).await) {
        assert!(errors.is_empty(), "{text}: {errors:#?}");
        let code = checked(Path::new(&file)).await;
        assert_eq!(code, Some(0), "the gateway refuses {text}");
    }
}

#[tokio::test]
async fn the_command_prints_the_committed_schema() {
    let done = command::run(binary::gateway_server(), ["schema"]).await;
    let committed = fs::read_to_string(binary::workspace().join("config/schema.json")).unwrap();
    assert_eq!(done.code, Some(0));
    assert!(
        done.stdout == committed,
        "run the tests of the server with UPDATE_DOCS=1"
    );
}

const MODEL: &str =
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: sk-x}}]\n";

/// One of each kind of value, in shapes that are not of it.
const WRONG: &[&str] = &[
    "model_list: {model_name: a}",
    "model_list: [text]",
    "model_list: [{litellm_params: {model: openai/x}}]",
    "model_list: [{model_name: a}]",
    "model_list: [{model_name: a, litellm_params: {api_key: sk-x}}]",
    "model_list: [{model_name: a, litellm_params: {model: ''}}]",
    "model_list: [{model_name: 7, litellm_params: {model: openai/x}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: 7}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_base: host}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_base: 'ftp://host'}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, weight: heavy}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, weight: -1}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, order: 1.5}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, tags: paid}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, tags: [7]}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, organization: [7]}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, extra_headers: [a]}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, ssl_verify: 7}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, http2: maybe}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, vertex_credentials: 7}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, timeout_by_service_tier: {flex: soon}}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x}, model_info: {id: [a]}}]",
    "router_settings: [timeout]",
    "router_settings: {timeout: soon}",
    "router_settings: {timeout: -1}",
    "router_settings: {timeout: 1e12}",
    "router_settings: {timeout: true}",
    "router_settings: {num_retries: 1.5}",
    "router_settings: {num_retries: [1]}",
    "router_settings: {disable_cooldowns: 7}",
    "router_settings: {disable_cooldowns: maybe}",
    "router_settings: {routing_strategy: fastest}",
    "router_settings: {fallbacks: {a: [a]}}",
    "router_settings: {retry_policy: 3}",
    "router_settings: {retry_policy: {DefaultRetries: often}}",
    "router_settings: {model_group_retry_policy: {a: 3}}",
    "router_settings: {model_group_alias: [a]}",
    "router_settings: {default_litellm_params: {weight: heavy}}",
    "general_settings: {master_key: 1234}",
    "general_settings: {litellm_key_header_name: 'not a name'}",
    "general_settings: {max_request_size_mb: 0}",
    "litellm_settings: {ssl_verify: [true]}",
    "litellm_settings: {callbacks: {a: b}}",
    "environment_variables: [A]",
    "include: 7",
    "credential_list: [{credential_values: {}}]",
    "credential_list: {credential_name: a}",
    "gateway: {workers: 0}",
    "gateway: {workers: many}",
    "gateway: {listen: 4000}",
    "gateway: {listen: {port: 70000}}",
    "gateway: {listen: {host: 7}}",
    "gateway: {transport: {ttl_jitter: 2}}",
    "gateway: {transport: {idle_timeout: 0}}",
    "gateway: {transport: {http2: sometimes}}",
    "gateway: {log: {format: xml}}",
    "gateway: {log: {level: 7}}",
    "gateway: {hedging: {a: 3}}",
    "gateway: {providers: {acme: {base_url: host}}}",
    "gateway: {providers: {acme: {key_header: 'not a name'}}}",
];

/// The ways in which a value may be written.
const RIGHT: &[&str] = &[
    "router_settings: {timeout: 60}",
    "router_settings: {timeout: 0.5}",
    "router_settings: {timeout: '60'}",
    "router_settings: {timeout: os.environ/NOBODY_SETS_THIS}",
    "router_settings: {timeout: }",
    "router_settings: {timeout: 1e2}",
    "router_settings: {num_retries: '3'}",
    "router_settings: {disable_cooldowns: 'Yes'}",
    "router_settings: {routing_strategy: Least-Busy}",
    "router_settings: {timeout_scope: CALL}",
    "router_settings: ",
    "router_settings: {redis_host: x, redis_port: 6379, fallbacks: [{a: [a]}]}",
    "litellm_settings: {ssl_verify: 'false', callbacks: langfuse, cache_params: {type: redis}}",
    "general_settings: {litellm_key_header_name: X-Key, database_url: 'postgres://h/d'}",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_base: 'HTTPS://host', temperature: 0.2, guided: {a: b}}}]",
    "model_list: [{model_name: a, litellm_params: {model: openai/x, api_key: , organization: [a, b]}, model_info: {id: 7, owner: me}}]",
    "gateway: {log: {level: 'info,gateway_transport=debug', format: TEXT}, listen: {port: '4001'}}",
    "guardrails: [{guardrail_name: x}]",
];
