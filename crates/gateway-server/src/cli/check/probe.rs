//! `check --probe`: one short question to every deployment's provider, before anything is started.

use super::{CheckArgs, Format, summary};
use crate::cli::Exit;
use crate::config::{self, Loaded, Settings};
use crate::health::checks;
use crate::wiring;
use gateway_router::{Deployment, MemoryBooks};
use gateway_transport::Transport;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// What came of a deployment's probe.
#[derive(Debug, Serialize)]
struct Told {
    model_name: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_probed: Option<String>,
}

/// Writes what was found in the configuration, and what the providers answered.
pub(super) fn check(
    args: &CheckArgs,
    settings: &Settings,
    loaded: &Loaded,
    out: &mut dyn io::Write,
) -> io::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let told = runtime.block_on(ask(settings));
    match args.format {
        Format::Json => {
            let report = &loaded.report;
            let document = json!({"errors": report.errors(), "warnings": report.warnings(),
                "problems": config::values(report), "probes": told});
            serde_json::to_writer_pretty(&mut *out, &document)?;
            writeln!(out)?;
        }
        Format::Human => {
            config::human(&loaded.report, out)?;
            summary(args, loaded, out)?;
            for one in &told {
                line(one, out)?;
            }
        }
    }
    let failed = told.iter().any(|one| one.error.is_some());
    Ok(if failed { Exit::Problems } else { Exit::Fine })
}

async fn ask(settings: &Settings) -> Vec<Told> {
    let transport = Transport::single(wiring::transport(settings));
    let environment = wiring::environment(settings);
    let books = MemoryBooks::default();
    let snapshot = wiring::snapshot(settings, &environment, &transport, &books);
    let all: Vec<_> = snapshot.catalog.deployments().cloned().collect();
    let mut asked = checks::ask(&snapshot, all.clone(), &transport.shard(0));
    let mut answers = HashMap::new();
    while let Some(answer) = asked.join_next().await {
        if let Ok((deployment, probed)) = answer {
            answers.insert(Arc::clone(&deployment.id), probed);
        }
    }
    let told = |deployment: &Arc<Deployment>| {
        let probed = answers.get(&deployment.id);
        Told {
            model_name: deployment.group.to_string(),
            id: deployment.id.to_string(),
            took_ms: probed.map(|it| it.took.as_secs_f64() * 1e3),
            error: probed.and_then(|it| it.error.clone()),
            not_probed: checks::question(&snapshot, deployment)
                .err()
                .map(|why| why.to_string()),
        }
    };
    all.iter().map(told).collect()
}

fn line(told: &Told, out: &mut dyn io::Write) -> io::Result<()> {
    let Told { model_name, id, .. } = told;
    write!(out, "{model_name} ({id}): ")?;
    match (&told.not_probed, &told.error, told.took_ms) {
        (Some(why), ..) => writeln!(out, "not probed: {why}"),
        (None, Some(error), _) => writeln!(out, "failed: {error}"),
        (None, None, Some(took)) => writeln!(out, "answers, after {took:.0} ms"),
        (None, None, None) => writeln!(out, "not probed"),
    }
}
