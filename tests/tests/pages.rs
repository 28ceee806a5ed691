//! Every configuration on the pages of providers and clients works: it is checked, and its models answer, from a double in
//! the provider's place. What these pages say of clients is what the tests do with them.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use end_to_end::{binary, command, setup};
use gateway_testkit::client::Request;
use gateway_testkit::dialect::{Dialects, google};
use gateway_testkit::script::Script;
use gateway_testkit::upstream::{Recorded, Upstream};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

/// A fenced block of a page.
#[derive(Debug)]
struct Block {
    place: String,
    language: String,
    text: String,
}

fn blocks(folder: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for entry in fs::read_dir(binary::workspace().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let mut open: Option<Block> = None;
        for (number, line) in text.lines().enumerate() {
            match (line.trim().strip_prefix("```"), open.take()) {
                (Some(language), None) => {
                    open = Some(Block {
                        place: format!("{folder}/{name}:{}", number + 1),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.text += line;
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {}
            }
        }
    }
    blocks
}

/// The configurations of both kinds of pages.
fn configs() -> Vec<Block> {
    let all = blocks("docs/providers").into_iter();
    let all = all.chain(blocks("docs/clients"));
    let configs: Vec<_> = all.filter(|block| block.language == "yaml").collect();
    assert!(configs.len() >= 10, "{}", configs.len());
    configs
}

impl Block {
    /// What stands behind a key, in every line that has it.
    fn values(&self, key: &str) -> Vec<&str> {
        let lines = self.text.lines();
        let values = lines.filter_map(|line| line.split_once(key));
        values.map(|(_, value)| value.trim()).collect()
    }

    /// Values for the variables that it names, and for those that say where providers are.
    fn environment(&self, base: &str) -> Vec<(String, String)> {
        let mut variables: Vec<(String, String)> = self
            .values("os.environ/")
            .into_iter()
            .map(|name| (name.to_owned(), "sk-documented".to_owned()))
            .collect();
        for (name, value) in &mut variables {
            if name == "VERTEX_CREDENTIALS" {
                *value = google::service_account(&format!("{base}/token")).to_string();
            }
        }
        if base.starts_with("http://") {
            variables.push(("AZURE_AUTHORITY_HOST".to_owned(), base.to_owned()));
            variables.push(("AWS_STS_ENDPOINT".to_owned(), base.to_owned()));
        }
        variables
    }

    /// The same with all its deployments at one address.
    fn moved_to(&self, base: &str) -> String {
        let mut text = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("api_base:") {
                continue;
            }
            text += line;
            text.push('\n');
            let indent = line.len() - line.trim_start().len();
            if let Some(model) = line.trim_start().strip_prefix("model: ") {
                let path = match model.split('/').next() {
                    Some("azure" | "azure_ai" | "anthropic" | "vertex_ai" | "bedrock") => "",
                    Some("gemini") => "/v1beta",
                    _ => "/v1",
                };
                text += &format!("{}api_base: {base}{path}\n", " ".repeat(indent));
            }
        }
        text
    }
}

#[tokio::test]
async fn every_configuration_on_a_page_passes_the_check() {
    for block in configs() {
        let folder = TempDir::with_prefix("pages-").unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, &block.text).unwrap();
        let mut check = Command::new(binary::gateway_server());
        check.arg("check").arg(&file).arg("--strict").env_clear();
        check.envs(block.environment("https://oauth2.googleapis.com"));
        let done = command::finish(check).await;
        assert_eq!(done.code, Some(0), "{}: {done:#?}", block.place);
    }
}

#[tokio::test]
async fn every_model_on_a_page_answers() {
    let upstream = Upstream::answering(behave).await;
    for block in configs() {
        let folder = TempDir::with_prefix("pages-").unwrap();
        let file = folder.path().join("config.yaml");
        fs::write(&file, block.moved_to(&upstream.url())).unwrap();
        let file = file.display().to_string();
        let args = ["--config", &file, "--port", "0"].map(str::to_owned);
        let environment = block.environment(&upstream.url());
        let gateway = setup::start(args.to_vec(), environment, Some(folder)).await;
        for name in block.values("- model_name: ") {
            let request = Request::chat("hello").model(&name.replace('*', "x"));
            let view = gateway.answer(&request.bearer("sk-documented")).await;
            assert_eq!(view.status, 200, "{} {name}: {view:#?}", block.place);
            let text = view.json()["choices"][0]["message"]["content"].clone();
            assert!(text.is_string(), "{} {name}: {view:#?}", block.place);
        }
    }
}

/// The page names every prefix; `UPDATE_DOCS=1` writes them.
#[tokio::test]
async fn the_page_of_compatible_providers_names_all_of_them() {
    let config =
        json!({"model_list": [{"model_name": "m", "litellm_params": {"model": "nobody/m"}}]});
    let folder = TempDir::with_prefix("pages-").unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, config.to_string()).unwrap();
    let file = file.display().to_string();
    let done = command::run(binary::gateway_server(), ["check", &file]).await;
    let said = done.stdout + &done.stderr;
    let (_, known) = said.split_once("providers: ").expect("the hint names them");
    let known = known.lines().next().unwrap().split(", ").map(str::trim);
    let names = known.filter(|name| !OWN_PAGE.contains(name));
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    let page = binary::workspace().join("docs/providers/openai-compatible.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(FINISH).unwrap();
    let names = wrapped(&format!("{}.", names.join(", ")));
    let wanted = format!("{before}{BEGIN}\n{names}\n{FINISH}{after}");
    if text != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&page, wanted).unwrap();
        return;
    }
    assert_eq!(text, wanted);
}

/// The same in lines that are not too long.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines
            .last()
            .is_none_or(|line| line.len() + word.len() > WIDTH)
        {
            lines.push(String::new());
        }
        let line = lines.last_mut().unwrap();
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.join("\n")
}

/// Of a page's lines, in letters.
const WIDTH: usize = 130;
/// Providers that have a page of their own.
const OWN_PAGE: [&str; 7] = [
    "openai",
    "azure",
    "azure_ai",
    "anthropic",
    "gemini",
    "vertex_ai",
    "bedrock",
];
const BEGIN: &str = "<!-- prefixes: written by the test `pages` -->";
const FINISH: &str = "<!-- end of prefixes -->";

/// A provider of any kind, and those who issue tokens.
fn behave(request: &Recorded) -> Script {
    let path = request.path();
    if path.ends_with("/oauth2/v2.0/token") {
        let token = json!({"access_token": "entra", "token_type": "Bearer", "expires_in": 3600});
        return Script::json(200, &token);
    }
    if path == "/" {
        return Script::answer(200, "text/xml", ROLE);
    }
    if path.ends_with("/responses") {
        let part = json!({"type": "output_text", "text": "hello", "annotations": []});
        let item = json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]});
        return Script::json(
            200,
            &json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
                "model": "double", "output": [item], "usage": {"input_tokens": 1, "output_tokens": 1}}),
        );
    }
    Dialects::default().answer(request)
}

/// Keys of a role, as Amazon's STS gives them.
const ROLE: &str = "<AssumeRoleResponse><AssumeRoleResult><Credentials>\
    <AccessKeyId>ASIADOUBLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
    <SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
    </Credentials></AssumeRoleResult></AssumeRoleResponse>";

/// The texts of all files in a folder.
fn sources(folder: &str) -> String {
    let files = fs::read_dir(binary::workspace().join(folder)).unwrap();
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    files.map(|file| read(&file.unwrap().path())).collect()
}

#[test]
fn clients_are_set_up_on_their_pages_as_in_the_tests() {
    let tests = ["tests/src", "tests/tests", "tests/python", "tests/node"].map(sources);
    let tests = tests.concat();
    for block in blocks("docs/clients") {
        let words = block
            .text
            .split(|it: char| !(it.is_alphanumeric() || it == '_'));
        let calls = block.text.split('(').filter_map(|before| {
            let word = before.rsplit(|it: char| !it.is_alphanumeric()).next()?;
            (matches!(block.language.as_str(), "python" | "js") && !word.is_empty()).then_some(word)
        });
        let variables = words.filter(|word| {
            let shell = matches!(block.language.as_str(), "shell" | "toml" | "json");
            let known = ["LITELLM_MASTER_KEY"].contains(word);
            shell && !known && word.contains('_')
        });
        for word in calls.chain(variables) {
            assert!(tests.contains(word), "{}: no test uses {word}", block.place);
        }
    }
}

#[test]
fn every_test_that_a_client_is_said_to_be_driven_by_is_there() {
    for entry in fs::read_dir(binary::workspace().join("docs/clients")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let (_, said) = text
            .split_once("Tested by")
            .expect("every client's page says by what");
        let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        assert!(quoted.len() > 1, "{}: {quoted:?}", path.display());
        let (files, names): (Vec<&str>, Vec<&str>) = quoted.iter().partition(|it| it.contains('/'));
        let files = files.iter().map(|file| {
            let file = binary::workspace().join(file);
            fs::read_to_string(&file).unwrap_or_else(|_| panic!("no {}", file.display()))
        });
        let tests: String = files.collect();
        for name in names {
            let there = tests.contains(&format!("fn {name}("));
            assert!(there, "{}: no test {name}", path.display());
        }
    }
}
