//! The published agents, headless: one prompt, an empty environment, a home that is thrown away.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;

use crate::command::{self, Done};
use crate::{Gateway, published};

/// One run of an agent, about to begin.
#[derive(Debug)]
pub struct Agent {
    command: Command,
    home: TempDir,
}

impl Agent {
    /// Claude Code, which may use the tools that are named here.
    #[must_use]
    pub fn claude_code(gateway: &Gateway, key: &str, model: &str, tools: &str) -> Self {
        let installed = published::installed("claude-code.json").join("node_modules");
        let program = installed.join("@anthropic-ai/claude-code/cli-wrapper.cjs");
        Self::new(&program)
            .env("ANTHROPIC_BASE_URL", &gateway.url())
            .env("ANTHROPIC_AUTH_TOKEN", key)
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .args(&["--print", "--output-format", "json", "--model", model])
            .args(&["--allowedTools", tools, "--"])
    }

    /// Codex CLI, which may run commands.
    #[must_use]
    pub fn codex(gateway: &Gateway, key: &str, model: &str) -> Self {
        let installed = published::installed("codex.json").join("node_modules");
        let config = format!(
            "model = \"{model}\"
            model_provider = \"gateway\"
            [model_providers.gateway]
            name = \"gateway\"
            base_url = \"{}/v1\"
            env_key = \"GATEWAY_KEY\"
            wire_api = \"responses\"
            ",
            gateway.url()
        );
        Self::new(&installed.join("@openai/codex/bin/codex.js"))
            .home_file(".codex/config.toml", &config)
            .env("GATEWAY_KEY", key)
            .args(&["exec", "--json", "--skip-git-repo-check"])
            // It is alone in this network, and a sandbox cannot be made everywhere.
            .args(&["--dangerously-bypass-approvals-and-sandbox"])
    }

    /// Gemini CLI, which may use all of its tools.
    #[must_use]
    pub fn gemini_cli(gateway: &Gateway, key: &str, model: &str) -> Self {
        let installed = published::installed("gemini-cli.json").join("node_modules");
        let settings = r#"{"security":{"auth":{"selectedType":"gemini-api-key"}}}"#;
        Self::new(&installed.join("@google/gemini-cli/bundle/gemini.js"))
            .home_file(".gemini/settings.json", settings)
            .env("GEMINI_API_KEY", key)
            .env("GOOGLE_GEMINI_BASE_URL", &gateway.url())
            .args(&["--skip-trust", "--yolo", "--output-format", "json"])
            .args(&["--model", model, "--prompt"])
    }

    /// A program of Node's, with nothing in its environment but the way to programs.
    fn new(program: &Path) -> Self {
        let home = TempDir::with_prefix("agent-").expect("a directory can be made");
        let work = home.path().join(WORK);
        fs::create_dir(&work).expect("the directory is writable");
        let mut command = Command::new("node");
        command.arg(program).current_dir(work).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home.path());
        command.env("TMPDIR", home.path());
        Self { command, home }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    fn home_file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        let folder = path.parent().expect("it is in the home");
        fs::create_dir_all(folder).expect("the directory is writable");
        fs::write(path, text).expect("the directory is writable");
        self
    }

    /// With this file in the folder in which it works.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        self.home_file(&format!("{WORK}/{name}"), text)
    }

    /// The folder in which it works.
    #[must_use]
    pub fn folder(&self) -> String {
        self.home.path().join(WORK).display().to_string()
    }

    /// Gives it the prompt and waits for its end.
    ///
    /// # Panics
    /// If it cannot be started, or has not ended after a minute.
    pub async fn run(mut self, prompt: &str) -> Done {
        self.command.arg(prompt);
        command::finish(self.command).await
    }
}

/// The folder in which an agent works, in its home.
const WORK: &str = "work";
