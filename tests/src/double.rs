//! Doubles of providers that we did not write, each a process of its own.

use std::path::Path;

use gateway_testkit::client::{Http1Client, Request};
use gateway_testkit::process::{Process, ProcessConfig, Ready};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, published};

/// A running double. Dropping it kills the process.
#[derive(Debug)]
pub struct Double {
    process: Process,
    url: String,
    bases: &'static [(&'static str, &'static str)],
    _dir: TempDir,
}

impl Double {
    /// aimock with these fixtures: it answers as the first one says that matches, in whatever dialect it is asked, and
    /// refuses what no fixture matches.
    ///
    /// # Panics
    /// If it does not start; the message holds its output.
    pub async fn aimock(fixtures: &Value) -> Self {
        let dir = TempDir::with_prefix("aimock-").expect("a directory can be made");
        let file = dir.path().join("fixtures.json");
        std::fs::write(&file, fixtures.to_string()).expect("the directory is writable");
        let cli = "node_modules/@copilotkit/aimock/dist/cli.js";
        let cli = published::installed("aimock.json").join(cli);
        let mut config = process("node", dir.path()).args([text(&cli), text(&file)]);
        config.args.insert(1, "--fixtures".to_owned());
        config = config.args(["--port", "0", "--strict", "--validate-on-load"]);
        config.ready = Ready::Line(LISTENS.to_owned());
        let process = Process::start(config).await;
        let lines = process.lines();
        let url = lines.iter().find_map(|line| line.split_once(LISTENS));
        let url = url.expect("it says where it listens").1.trim().to_owned();
        Self {
            bases: AIMOCK_BASES,
            process,
            url,
            _dir: dir,
        }
    }

    /// llmsim with these scenarios, which play for a request whose text says `[[llmsim:NAME]]`; any other it repeats. It
    /// counts tokens with a real tokenizer, and speaks OpenAI's dialects and Anthropic's.
    ///
    /// # Panics
    /// If it does not start; the message holds its output.
    pub async fn llmsim(scenarios: &[Value]) -> Self {
        let dir = TempDir::with_prefix("llmsim-").expect("a directory can be made");
        let played = dir.path().join("scenarios");
        std::fs::create_dir(&played).expect("the directory is writable");
        for scenario in scenarios {
            let name = scenario["name"].as_str().expect("a scenario has a name");
            let file = played.join(name).with_extension("json");
            std::fs::write(file, scenario.to_string()).expect("the directory is writable");
        }
        let mut settings = LLMSIM.to_owned();
        if !scenarios.is_empty() {
            settings += &format!("scenarios_path = {:?}\n", text(&played));
        }
        let file = dir.path().join("llmsim.toml");
        std::fs::write(&file, settings).expect("the directory is writable");
        let program = published::installed("llmsim.crate").join("bin/llmsim");
        let config = process(&program, dir.path())
            .args(["serve", "--host", "127.0.0.1", "--port", "{port}"])
            .args(["--config".to_owned(), text(&file)])
            .ready_at("/health");
        let process = Process::start(config).await;
        Self {
            bases: LLMSIM_BASES,
            url: process.url(),
            process,
            _dir: dir,
        }
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The parameters of a deployment behind which is this double and nothing but this dialect: `chat` and `responses` of
    /// OpenAI, `messages` of Anthropic, `gemini`, `converse` of Bedrock; or `openai`, which speaks both of OpenAI's.
    ///
    /// # Panics
    /// If this double does not speak it.
    #[must_use]
    pub fn deployment(&self, dialect: &str) -> Value {
        let base = self.bases.iter().find(|(name, _)| *name == dialect);
        let (_, base) = base.unwrap_or_else(|| panic!("no double speaks {dialect}"));
        let base = format!("{}{base}", self.url);
        let keyed = |model| json!({"model": model, "api_base": base, "api_key": "sk-provider"});
        match dialect {
            "messages" => keyed("anthropic/claude-sonnet-4-5"),
            "gemini" => keyed("gemini/gemini-2.5-pro"),
            "converse" => json!({
                "model": "bedrock/converse/anthropic.claude-sonnet-4-5-v1:0",
                "api_base": base,
                "aws_access_key_id": "AKIAEXAMPLE",
                "aws_secret_access_key": "a-secret",
                "aws_region_name": "us-east-1",
            }),
            "responses" => keyed("openai/responses/gpt-5"),
            "openai" => keyed("openai/gpt-5"),
            // One who copied OpenAI's API before there were Responses.
            _ => keyed("openai_like/gpt-5"),
        }
    }

    /// What it has said.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// The requests that aimock has got: `method`, `path`, `headers`, `body` as it understood it, `response.status`.
    ///
    /// # Panics
    /// If it does not tell.
    pub async fn journal(&self) -> Vec<Value> {
        let addr = self.url.trim_start_matches("http://").parse();
        let mut client = Http1Client::connect(addr.expect("it listens on an address")).await;
        client.set_deadline(PATIENCE);
        let view = client.call(&Request::get("/__aimock/journal")).await;
        assert_eq!(view.status, 200, "{view:?}");
        let journal = view.json();
        let entries = journal.as_array().or_else(|| journal["entries"].as_array());
        entries.cloned().unwrap_or_else(|| panic!("{journal:#}"))
    }
}

/// A process with no environment but the way to its programs.
fn process(program: impl AsRef<Path>, dir: &Path) -> ProcessConfig {
    let mut config = ProcessConfig::new(program.as_ref());
    config.inherit_env = false;
    config.dir = Some(dir.to_owned());
    config.ready_limit = PATIENCE;
    let path = std::env::var("PATH").unwrap_or_default();
    config.env("PATH", &path).env("HOME", &text(dir))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Under which path each dialect begins.
const AIMOCK_BASES: &[(&str, &str)] = &[
    ("chat", "/v1"),
    ("responses", "/v1"),
    ("openai", "/v1"),
    ("messages", ""),
    ("gemini", "/v1beta"),
    ("converse", ""),
];
const LLMSIM_BASES: &[(&str, &str)] = &[
    ("chat", "/openai/v1"),
    ("responses", "/openai/v1"),
    ("openai", "/openai/v1"),
    ("messages", "/anthropic"),
];
/// What aimock says when it can be called.
const LISTENS: &str = "listening on ";
/// Without the pauses of a real model.
const LLMSIM: &str = "
[latency]
profile = \"instant\"
[response]
generator = \"echo\"
";
