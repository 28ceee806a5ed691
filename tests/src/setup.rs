//! A configuration for one test, and the way from it to a running gateway.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_testkit::dialect::Wire;
use gateway_testkit::process::{Process, ProcessConfig, Ready};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::binary;
use crate::gateway::Gateway;

/// What a gateway is started with.
#[derive(Debug)]
pub struct Setup {
    config: Value,
    args: Vec<String>,
    env: Vec<(String, String)>,
    dir: TempDir,
}

impl Setup {
    /// Two workers, a free port, no model, no key, and a drain that begins at once. One attempt per call, and no
    /// deployment is set aside: what is seen is what one attempt comes to.
    #[must_use]
    pub fn new() -> Self {
        Self::routed()
            .set("router_settings.num_retries", json!(0))
            .set("router_settings.disable_cooldowns", json!(true))
    }

    /// The same, but for calls that are tried again and deployments that are set aside as if nobody had said anything.
    ///
    /// # Panics
    /// If there is no room for a directory.
    #[must_use]
    pub fn routed() -> Self {
        let setup = Self {
            config: json!({"model_list": []}),
            args: Vec::new(),
            env: Vec::new(),
            dir: TempDir::with_prefix("end-to-end-").expect("a directory can be made"),
        };
        setup
            .set("gateway.workers", json!(2))
            .set("gateway.drain.delay", json!(0))
    }

    /// With the model `double` behind this upstream, in every dialect.
    #[must_use]
    pub fn serving(upstream: &str) -> Self {
        Self::new().double(upstream, &json!({}))
    }

    /// With the model `double` behind one more upstream; `more` goes into the parameters of its deployments. Calls go to
    /// the deployment of their own dialect.
    #[must_use]
    pub fn double(self, upstream: &str, more: &Value) -> Self {
        let deployment = |model: &str, base: String| {
            let mut params = native(model, &base);
            merge(&mut params, more);
            params
        };
        self.model(
            "double",
            &deployment("openai/double", format!("{upstream}/v1")),
        )
        .model(
            "double",
            &deployment("anthropic/double", upstream.to_owned()),
        )
    }

    /// With one more deployment of this upstream for calls in a dialect; `more` goes into its parameters.
    #[must_use]
    pub fn deployment(self, wire: Wire, group: &str, id: &str, url: &str, more: &Value) -> Self {
        let (model, base) = match wire {
            Wire::AnthropicMessages => ("anthropic/double", url.to_owned()),
            _ => ("openai/double", format!("{url}/v1")),
        };
        let mut params = native(model, &base);
        merge(&mut params, more);
        let info = json!({"id": id});
        self.entry(json!({"model_name": group, "litellm_params": params, "model_info": info}))
    }

    /// With one more deployment of this upstream in every dialect: an id has one dialect, so the deployment for Anthropic's
    /// is `{id}-anthropic`, which [`course`](crate::call::course) does not tell apart.
    #[must_use]
    pub fn member(self, group: &str, id: &str, url: &str, more: &Value) -> Self {
        let anthropic = format!("{id}{ANTHROPIC}");
        self.deployment(Wire::OpenAiChat, group, id, url, more)
            .deployment(Wire::AnthropicMessages, group, &anthropic, url, more)
    }

    /// With one more entry in `model_list`.
    #[must_use]
    pub fn model(self, name: &str, params: &Value) -> Self {
        self.entry(json!({"model_name": name, "litellm_params": params}))
    }

    /// With this entry in `model_list`.
    ///
    /// # Panics
    /// If `model_list` was replaced by something else than a list.
    #[must_use]
    pub fn entry(mut self, entry: Value) -> Self {
        self.config["model_list"]
            .as_array_mut()
            .expect("it is a list")
            .push(entry);
        self
    }

    /// The configuration as the file that the gateway reads.
    ///
    /// # Panics
    /// If the directory is not writable.
    #[must_use]
    pub fn write(&self) -> PathBuf {
        let file = self.dir.path().join("config.yaml");
        // JSON is YAML.
        fs::write(&file, self.config.to_string()).expect("the directory is writable");
        file
    }

    /// With this value at a dotted path such as `gateway.heartbeat_seconds`.
    #[must_use]
    pub fn set(mut self, path: &str, value: Value) -> Self {
        let mut place = &mut self.config;
        for key in path.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[key];
        }
        *place = value;
        self
    }

    /// With this master key.
    #[must_use]
    pub fn master_key(self, key: &str) -> Self {
        self.set("general_settings.master_key", json!(key))
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// With this variable in its environment, which is empty otherwise.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where files of this test may lie; removed with the gateway.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file that was written, and the directory that it is in.
    pub(crate) fn into_parts(self) -> (PathBuf, TempDir) {
        (self.write(), self.dir)
    }

    /// Starts it and waits until it accepts calls.
    ///
    /// # Panics
    /// If it does not start; the message holds its output.
    pub async fn start(self) -> Gateway {
        let file = self.write().display().to_string();
        let mut args = vec![
            "--config".to_owned(),
            file,
            "--port".to_owned(),
            "0".to_owned(),
        ];
        args.extend(self.args);
        start(args, self.env, Some(self.dir)).await
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

/// Starts the gateway with these arguments and nothing else; among them must be a port, best `0`.
///
/// # Panics
/// If it does not start; the message holds its output.
pub async fn start(args: Vec<String>, env: Vec<(String, String)>, dir: Option<TempDir>) -> Gateway {
    start_program(binary::gateway_server(), args, env, dir).await
}

/// The same for a gateway's binary that lies elsewhere.
///
/// # Panics
/// As [`start`] does.
pub async fn start_program(
    program: &Path,
    args: Vec<String>,
    env: Vec<(String, String)>,
    dir: Option<TempDir>,
) -> Gateway {
    let mut config = ProcessConfig::new(program).args(args);
    config.inherit_env = false;
    config.env = env;
    config.ready = Ready::Line("\"message\":\"ready\"".to_owned());
    config.ready_limit = START;
    config.keep_lines = 500_000;
    Gateway::new(Process::start(config).await, dir)
}

/// A deployment that is not asked in translation: which one a call goes to follows from its dialect.
fn native(model: &str, base: &str) -> Value {
    json!({"model": model, "api_base": base, "api_key": "sk-provider", "native_only": true})
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

/// Ends the ids of a member's deployments for Anthropic's dialect.
pub(crate) const ANTHROPIC: &str = "-anthropic";
/// Linking may be going on beside us.
const START: Duration = Duration::from_secs(30);
