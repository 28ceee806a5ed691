//! `explain MODEL`: what would happen to a call, by a configuration and without a running gateway.

use super::Exit;
use crate::config::{self, Depth, Environment, Settings, Sources};
use crate::explain::{self, Question};
use crate::wiring;
use bytes::Bytes;
use clap::Args;
use gateway_router::MemoryBooks;
use gateway_transport::Transport;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use std::path::PathBuf;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// Arguments of `explain`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  gateway-server explain gpt-4o --config config.yaml\n  gateway-server explain --config config.yaml --request body.json -H 'x-litellm-timeout: 5'\n\nExit codes: 0 there is such a model, 1 there is none, or the configuration has errors, 2 usage."
)]
pub struct ExplainArgs {
    /// The model's name, as clients use it; not given: the one in the request.
    #[arg(required_unless_present = "request")]
    pub model: Option<String>,
    /// The configuration [env: CONFIG_FILE_PATH].
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The JSON body of a request, whose fields count.
    #[arg(short, long, value_name = "FILE")]
    pub request: Option<PathBuf>,
    /// A header of that request, for example `x-litellm-timeout: 5`.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub header: Vec<(HeaderName, HeaderValue)>,
    /// The front end: `openai_chat`, `anthropic_messages`, … [default: any].
    #[arg(long, value_name = "NAME")]
    pub api: Option<String>,
    /// For machines, as `GET /admin/explain` answers.
    #[arg(long)]
    pub json: bool,
}

/// Explains to `out`; problems go to `err`. [`Exit::Problems`] if the configuration has errors, or if there is no such
/// model.
///
/// # Errors
/// What a writer says.
pub fn explain(
    args: &ExplainArgs,
    environment: &Environment,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Exit> {
    let sources = Sources {
        file: args.config.clone(),
        depth: Depth::Endpoints,
        ..Sources::default()
    };
    let loaded = config::load(&sources, environment);
    config::human(&loaded.report, err)?;
    let Some(settings) = loaded.settings else {
        return Ok(Exit::Problems);
    };
    let question = match args.question() {
        Ok(question) => question,
        Err(message) => {
            writeln!(err, "{message}")?;
            return Ok(Exit::Problems);
        }
    };
    let answer = match answer(question, &settings)? {
        Ok(answer) => answer,
        Err(message) => {
            writeln!(err, "{message}")?;
            return Ok(Exit::Problems);
        }
    };
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &answer)?;
        writeln!(out)?;
    } else {
        explain::write(&answer, out)?;
    }
    Ok(Exit::Fine)
}

impl ExplainArgs {
    fn question(&self) -> Result<Question, String> {
        let read = |file: &PathBuf| {
            let body = std::fs::read(file);
            body.map_err(|error| format!("cannot read {}: {error}", file.display()))
        };
        Ok(Question {
            model: self.model.clone(),
            api: self.api.clone(),
            headers: HeaderMap::from_iter(self.header.iter().cloned()),
            body: self
                .request
                .as_ref()
                .map(read)
                .transpose()?
                .map(Bytes::from),
        })
    }
}

/// Builds what would run, and asks it. Nothing is connected to.
fn answer(question: Question, settings: &Settings) -> io::Result<Result<explain::Answer, String>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let _entered = runtime.enter();
    let transport = Transport::single(wiring::transport(settings));
    let environment = wiring::environment(settings);
    let books = MemoryBooks::default();
    let snapshot = wiring::snapshot(settings, &environment, &transport, &books);
    let answer = question.answer(&snapshot, Instant::now());
    Ok(answer.map_err(|error| error.message))
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    let name = name.trim().parse::<HeaderName>();
    let value = value.trim().parse::<HeaderValue>();
    match (name, value) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(String::from("expected NAME: VALUE")),
    }
}
