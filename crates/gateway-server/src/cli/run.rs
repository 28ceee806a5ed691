//! `run`: the flags, and the way from them to settings.

use super::{Action, CheckArgs, Exit, Format, LegacyArgs};
use crate::config::{self, Depth, Environment, Overrides, SingleModel, Sources, Strictness};
use crate::run::Launch;
use clap::Args;
use std::io;
use std::path::PathBuf;

/// Flags of `run` and of the bare command.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// The configuration [env: CONFIG_FILE_PATH].
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on; without a master key of your own, 127.0.0.1 [default: 0.0.0.0] [env: HOST].
    #[arg(long, value_name = "ADDRESS")]
    pub host: Option<String>,
    /// Port to listen on; 0 lets the system choose [default: 4000] [env: PORT].
    #[arg(long)]
    pub port: Option<u16>,
    /// Worker threads [default: one per core] [env: NUM_WORKERS].
    #[arg(long, visible_alias = "workers", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub num_workers: Option<u16>,
    /// Serve this model without a configuration, for example `openai/gpt-4o-mini`.
    #[arg(short, long, value_name = "PROVIDER/MODEL")]
    pub model: Option<String>,
    /// Address of the provider of `--model`.
    #[arg(long, value_name = "URL", requires = "model", value_parser = url)]
    pub api_base: Option<String>,
    /// API version of the provider of `--model`.
    #[arg(long, value_name = "VERSION", requires = "model")]
    pub api_version: Option<String>,
    /// Log decisions too: level `debug`.
    #[arg(long)]
    pub debug: bool,
    /// Log everything: level `trace`.
    #[arg(long)]
    pub detailed_debug: bool,
    /// Seconds that a call may take, whatever the configuration says [default: 6000].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub request_timeout: Option<f64>,
    /// PEM file with the private key of the listener [env: SSL_KEYFILE_PATH].
    #[arg(long, value_name = "FILE", requires = "ssl_certfile_path")]
    pub ssl_keyfile_path: Option<String>,
    /// PEM file with the certificate chain of the listener [env: SSL_CERTFILE_PATH].
    #[arg(long, value_name = "FILE", requires = "ssl_keyfile_path")]
    pub ssl_certfile_path: Option<String>,
    /// Seconds that an idle connection of a client stays open [default: 75] [env: KEEPALIVE_TIMEOUT].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub keepalive_timeout: Option<f64>,
    /// Serve an embedded provider, for a first look: no key, no network, no configuration.
    #[arg(long)]
    pub demo: bool,
    /// Treat unknown and ignored keys of the configuration as errors.
    #[arg(long)]
    pub strict: bool,
    /// Do not look whether the files of the configuration change: SIGHUP and `POST /admin/reload` read them again.
    #[arg(long)]
    pub no_watch: bool,
    /// Check the configuration and exit, as `check` does.
    #[arg(long, requires = "config")]
    pub validate_config: bool,
    #[arg(long, hide = true)]
    health: bool,
    #[arg(long, hide = true, num_args = 0..=1, default_missing_value = "", value_name = "URL")]
    test: Option<String>,
    #[command(flatten)]
    pub(super) legacy: LegacyArgs,
}

impl RunArgs {
    pub(super) fn action(self) -> Action {
        if self.health {
            return Action::Refuse(ask("--health", "GET /health/readiness"));
        }
        if self.test.is_some() {
            return Action::Refuse(ask("--test", "POST /v1/chat/completions"));
        }
        match self.config {
            Some(file) if self.validate_config => Action::Check(CheckArgs {
                file,
                strict: self.strict,
                probe: false,
                format: Format::Human,
            }),
            _ => Action::Run(Box::new(self)),
        }
    }

    /// Where the configuration comes from, flags included.
    pub fn sources(&self) -> Sources {
        let single = self.model.as_ref().map(|model| SingleModel {
            model: model.clone(),
            api_base: self.api_base.clone(),
            api_version: self.api_version.clone(),
        });
        Sources {
            file: self.config.clone(),
            overrides: self.overrides(),
            single,
            demo: self.demo,
            strictness: if self.strict {
                Strictness::Strict
            } else {
                Strictness::Lenient
            },
            depth: Depth::Settings,
        }
    }

    fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        let number = |value: Option<f64>| value.map(|value| value.to_string());
        let level = match (self.detailed_debug, self.debug) {
            (true, _) => Some(("--detailed-debug", "trace")),
            (false, true) => Some(("--debug", "debug")),
            (false, false) => None,
        };
        let given = [
            ("--host", "gateway.listen.host", self.host.clone()),
            (
                "--port",
                "gateway.listen.port",
                self.port.map(|port| port.to_string()),
            ),
            (
                "--num-workers",
                "gateway.workers",
                self.num_workers.map(|count| count.to_string()),
            ),
            (
                "--request-timeout",
                "litellm_settings.request_timeout",
                number(self.request_timeout),
            ),
            (
                "--ssl-keyfile-path",
                "gateway.listen.tls_key",
                self.ssl_keyfile_path.clone(),
            ),
            (
                "--ssl-certfile-path",
                "gateway.listen.tls_cert",
                self.ssl_certfile_path.clone(),
            ),
            (
                "--keepalive-timeout",
                "gateway.keepalive_timeout",
                number(self.keepalive_timeout),
            ),
        ];
        for (flag, path, value) in given {
            if let Some(value) = value {
                overrides.set(flag, path, value);
            }
        }
        if self.no_watch {
            overrides.set("--no-watch", "gateway.reload.watch", "false");
        }
        if let Some((flag, level)) = level {
            overrides.set(flag, "gateway.log.level", level);
        }
        for (flag, consequence) in self.legacy.given() {
            overrides.ignore(flag, consequence);
        }
        overrides
    }
}

/// What a run begins with. Problems go to `err`; with an error among them there is no run.
///
/// # Errors
/// What the writer says.
pub fn load(
    args: &RunArgs,
    environment: &Environment,
    err: &mut dyn io::Write,
) -> io::Result<Result<Launch, Exit>> {
    let sources = args.sources();
    let loaded = config::load(&sources, environment);
    config::human(&loaded.report, err)?;
    let launch = |settings| Launch {
        settings,
        files: loaded.files,
        digest: loaded.digest,
        sources,
        environment: environment.clone(),
    };
    Ok(loaded.settings.map(launch).ok_or(Exit::Problems))
}

fn ask(flag: &str, request: &str) -> String {
    format!(
        "{flag} is not part of this program: send `{request}` to the running gateway, with curl for one"
    )
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=315_360_000.0).contains(&value) => Ok(value),
        _ => Err(String::from("expected a number of seconds, 0 or more")),
    }
}

/// The address is not repeated in the error: it may hold credentials.
fn url(text: &str) -> Result<String, String> {
    let uri: Option<http::Uri> = text.parse().ok();
    match uri.as_ref().map(|uri| (uri.scheme_str(), uri.host())) {
        Some((Some("http" | "https"), Some(host))) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err(String::from(
            "expected http://HOST or https://HOST, with port and path if needed",
        )),
    }
}
