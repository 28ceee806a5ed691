//! `reload`, `rotate`, `cooldown`.

use std::io;

use clap::Args;
use http::StatusCode;
use serde_json::{Value, json};

use super::Done;
use super::table::clean;
use crate::cli::Exit;
use crate::cli::client::{Answer, Client, ClientError, TargetArgs};

/// Arguments of `reload`.
#[derive(Debug, Clone, Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Arguments of `rotate`.
#[derive(Debug, Clone, Args)]
pub struct RotateArgs {
    /// The provider's host, for example `api.openai.com`; without it all origins rotate.
    pub(super) host: Option<String>,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Arguments of `cooldown`.
#[derive(Debug, Clone, Args)]
pub struct CooldownArgs {
    /// The deployment's id, as `status` shows it.
    #[arg(value_name = "ID")]
    pub(super) deployment: String,
    /// For so many seconds.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 60.0,
        conflicts_with = "clear"
    )]
    pub(super) seconds: f64,
    /// Bring it back.
    #[arg(long)]
    pub(super) clear: bool,
    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Has the configuration read again. A configuration that is refused is a problem; its errors are told.
pub(super) fn reload(client: &Client, out: &mut dyn io::Write) -> io::Result<Done> {
    let reloaded = client.post("/admin/reload", &json!({})).and_then(|answer| {
        if answer.status == StatusCode::UNPROCESSABLE_ENTITY {
            return answer.json::<Value>();
        }
        answer.success()?.json()
    });
    let reloaded = match reloaded {
        Ok(reloaded) => reloaded,
        Err(error) => return Ok(Err(error)),
    };
    for problem in list(&reloaded["problems"]) {
        writeln!(out, "{}", told(problem))?;
    }
    for setting in list(&reloaded["needs_restart"]) {
        let setting = setting.as_str().unwrap_or_default();
        writeln!(out, "{}: takes effect with a restart", clean(setting))?;
    }
    let generation = &reloaded["generation"];
    let outcome = reloaded["outcome"].as_str().unwrap_or_default();
    let text = match outcome {
        "taken" => format!("The new configuration is in force (generation {generation})."),
        "unchanged" => {
            format!("The configuration says what it said before (generation {generation}).")
        }
        _ => format!(
            "The new configuration is refused; the one before stays in force (generation {generation})."
        ),
    };
    writeln!(out, "{text}")?;
    Ok(Ok(match outcome {
        "taken" | "unchanged" => Exit::Fine,
        _ => Exit::Problems,
    }))
}

/// Has origins rotate.
pub(super) fn rotate(
    args: &RotateArgs,
    client: &Client,
    out: &mut dyn io::Write,
) -> io::Result<Done> {
    let order = match &args.host {
        Some(host) => json!({ "host": host }),
        None => json!({}),
    };
    let rotated = match asked(client.post("/admin/pools/rotate", &order)) {
        Ok(rotated) => rotated,
        Err(error) => return Ok(Err(error)),
    };
    let rotated = list(&rotated["rotated"]);
    if rotated.is_empty() {
        writeln!(out, "There was nothing to rotate.")?;
    }
    for origin in rotated {
        let label = origin["origin"].as_str().unwrap_or_default();
        let text = format!(
            "{label}: generation {} in place of {}, on which {} exchanges go on",
            origin["current"], origin["retired"], origin["leases"]
        );
        writeln!(out, "{}", clean(&text))?;
    }
    Ok(Ok(Exit::Fine))
}

/// Sets a deployment aside, or brings it back.
pub(super) fn cooldown(
    args: &CooldownArgs,
    client: &Client,
    out: &mut dyn io::Write,
) -> io::Result<Done> {
    let seconds = if args.clear { 0.0 } else { args.seconds };
    let path = format!("/admin/deployments/{}/cooldown", encode(&args.deployment));
    let done = match asked(client.post(&path, &json!({ "seconds": seconds }))) {
        Ok(done) => done,
        Err(error) => return Ok(Err(error)),
    };
    let (id, group) = (&done["id"], &done["model_name"]);
    let who = format!(
        "{} ({})",
        id.as_str().unwrap_or_default(),
        group.as_str().unwrap_or_default()
    );
    let who = clean(&who);
    if seconds > 0.0 {
        writeln!(out, "{who} is set aside for {seconds} s.")?;
    } else {
        writeln!(out, "{who} is back.")?;
    }
    Ok(Ok(Exit::Fine))
}

fn asked(answer: Result<Answer, ClientError>) -> Result<Value, ClientError> {
    answer?.success()?.json()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `error[code] config.yaml:3:5: message`.
fn told(problem: &Value) -> String {
    let text = |name: &str| problem[name].as_str().unwrap_or_default();
    let place = match (&problem["line"], &problem["column"]) {
        (Value::Null, _) => text("file").to_owned(),
        (line, column) => format!("{}:{line}:{column}", text("file")),
    };
    let place = if place.is_empty() {
        place
    } else {
        format!(" {place}")
    };
    clean(&format!(
        "{}[{}]{place}: {}",
        text("severity"),
        text("code"),
        text("message")
    ))
}

/// A segment of a path.
fn encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_kind_are_one_segment_of_a_path() {
        assert_eq!(encode("a/b c%ü-1._~"), "a%2Fb%20c%25%C3%BC-1._~");
    }

    #[test]
    fn a_problem_is_told_with_its_place() {
        let problem = json!({"severity": "error", "code": "unknown_key", "message": "no",
            "file": "c.yaml", "line": 3, "column": 5});
        assert_eq!(told(&problem), "error[unknown_key] c.yaml:3:5: no");
        let nowhere = json!({"severity": "warning", "code": "x", "message": "no\u{1b}[2J"});
        assert_eq!(told(&nowhere), "warning[x]: no?[2J");
    }
}
