//! The log, and where traces go.

mod variables; // OpenTelemetry's, and those of LiteLLM's callback.

use super::super::environment::Environment;
use super::super::problem::{Code, Place, Report};
use super::super::secrets::secret;
use super::super::settings::{
    Log, LogFormat, LoggedCalls, Propagate, Sampler, TraceExport, Tracing,
};
use super::super::tree::{Node, Tree};
use super::Facts;
use gateway_core::Secret;
use gateway_providers::ConnectOptions;
use std::collections::BTreeMap;
use std::time::Duration;
use variables::{Variables, pairs};

impl Facts<'_> {
    pub(super) fn log(&self) -> Log {
        let (said, litellm) = (&self.said.gateway.log, &self.said.litellm_settings);
        let format = match said.format.as_deref() {
            Some(format) if format.eq_ignore_ascii_case("text") => LogFormat::Text,
            Some(_) => LogFormat::Json,
            None => match litellm.json_logs {
                Some(true) => LogFormat::Json,
                Some(false) => LogFormat::Text,
                None => LogFormat::Auto,
            },
        };
        let level = match said.level.as_deref() {
            // The name that Python uses is not one of ours.
            Some(level) => level.to_ascii_lowercase().replace("warning", "warn"),
            None if litellm.set_verbose == Some(true) => String::from("debug"),
            None => String::from("info"),
        };
        let calls = match said.calls.to_ascii_lowercase().as_str() {
            "none" => LoggedCalls::None,
            "failed" => LoggedCalls::Failed,
            _ => LoggedCalls::All,
        };
        Log {
            format,
            level,
            calls,
        }
    }

    pub(super) fn tracing(
        &self,
        connect: &ConnectOptions,
        environment: &Environment,
        report: &mut Report,
    ) -> Tracing {
        let said = &self.said.gateway.tracing;
        let propagate = match said.propagate.to_ascii_lowercase().as_str() {
            "always" => Propagate::Always,
            "never" => Propagate::Never,
            _ => Propagate::Auto,
        };
        let variables = Variables {
            environment,
            litellm: self.said.general_settings.otel
                || self.said.litellm_settings.has_callback("otel"),
        };
        Tracing {
            export: self.export(&variables, connect, report),
            sampler: match said.sample_ratio {
                Some(ratio) => Sampler {
                    by_parent: true,
                    ratio,
                },
                None => variables.sampler(report),
            },
            propagate,
        }
    }

    /// Where spans go, if they go anywhere.
    fn export(
        &self,
        variables: &Variables<'_>,
        connect: &ConnectOptions,
        report: &mut Report,
    ) -> Option<TraceExport> {
        let enabled = self.said.gateway.tracing.enabled;
        if !enabled.unwrap_or_else(|| !variables.say_no()) {
            return None;
        }
        let Some((url, place)) = self.endpoint(variables) else {
            if variables.litellm {
                let message = "the callback `otel` needs an endpoint: nothing is exported, and nothing goes to the console";
                let place = self.place("litellm_settings.callbacks");
                report
                    .warn(Code::NoEffect, place, message)
                    .hint("set OTEL_EXPORTER_OTLP_ENDPOINT or gateway.tracing.endpoint");
            }
            return None;
        };
        if let Err(why) = usable(&url) {
            let message = format!("the address that traces go to cannot be used: {why}");
            report.error(Code::InvalidValue, place, message);
            return None;
        }
        if !cfg!(feature = "otlp") {
            let message = "this build exports no traces: it was made without the feature `otlp`";
            report.warn(Code::NoEffect, place, message);
            return None;
        }
        variables.warn(report);
        let millis = |names: &[&'static str], or, report: &mut Report| {
            Duration::from_millis(variables.number(names, or, report))
        };
        Some(TraceExport {
            url: Secret::new(url),
            headers: self.export_headers(variables, report),
            resource: self.resource(variables),
            timeout: millis(
                &[
                    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                    "OTEL_EXPORTER_OTLP_TIMEOUT",
                ],
                10_000,
                report,
            ),
            delay: millis(&["OTEL_BSP_SCHEDULE_DELAY"], 5_000, report),
            queue: variables.count("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, report),
            batch: variables.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, report),
            older_names: !variables.want_latest_names(),
            connect: variables.connect(connect, report),
        })
    }

    /// The whole address that spans are posted to, and who says so.
    fn endpoint(&self, variables: &Variables<'_>) -> Option<(String, Place)> {
        let said = &self.said.gateway.tracing;
        if let Some(base) = &said.endpoint {
            return Some((with_path(base), self.place("gateway.tracing.endpoint")));
        }
        let by_variable = |name: &str| {
            let value = variables.environment.non_empty(name)?;
            Some((value, Place::Variable(name.to_owned())))
        };
        if let Some((whole, place)) = by_variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            return Some((whole.to_owned(), place));
        }
        let base = by_variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        let base = base.or_else(|| by_variable("OTEL_ENDPOINT").filter(|_| variables.litellm));
        if let Some((base, place)) = base {
            return Some((with_path(base), place));
        }
        // Where a collector listens, as OpenTelemetry has it.
        let wanted = said.enabled == Some(true);
        let place = || self.place("gateway.tracing.enabled");
        wanted.then(|| (with_path("http://localhost:4318"), place()))
    }

    /// What every export has in its head: the variables' headers, and the file's over them.
    fn export_headers(
        &self,
        variables: &Variables<'_>,
        report: &mut Report,
    ) -> Vec<(String, Secret)> {
        let mut headers = BTreeMap::new();
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_EXPORTER_OTLP_HEADERS",
        ];
        if let Some((name, text)) = variables.first(&names, "OTEL_HEADERS") {
            for (key, value) in pairs(text) {
                headers.insert(
                    key.to_ascii_lowercase(),
                    (value, Place::Variable(name.to_owned())),
                );
            }
        }
        for (key, value, place) in self.mapping("headers") {
            headers.insert(key.to_ascii_lowercase(), (value, place));
        }
        let checked = headers.into_iter().filter_map(|(name, (value, place))| {
            let value = secret(&value, &place, report)?;
            let fits = http::HeaderName::try_from(&name).is_ok()
                && http::HeaderValue::try_from(value.expose()).is_ok();
            if !fits {
                let message = "a header that traces are exported with cannot be sent: its name or its value has odd characters";
                report.error(Code::InvalidValue, place, message);
            }
            fits.then_some((name, value))
        });
        checked.collect()
    }

    /// What is said of this process with every export.
    fn resource(&self, variables: &Variables<'_>) -> Vec<(String, String)> {
        let mut resource = BTreeMap::new();
        let own = if variables.litellm {
            "litellm"
        } else {
            env!("CARGO_PKG_NAME")
        };
        resource.insert("service.name".to_owned(), own.to_owned());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        resource.insert("service.version".to_owned(), version);
        let environment = variables.environment;
        if variables.litellm
            && let Some(name) = environment.non_empty("OTEL_ENVIRONMENT_NAME")
        {
            resource.insert("deployment.environment".to_owned(), name.to_owned());
        }
        if let Some(text) = environment.non_empty("OTEL_RESOURCE_ATTRIBUTES") {
            resource.extend(pairs(text));
        }
        if let Some(name) = environment.non_empty("OTEL_SERVICE_NAME") {
            resource.insert("service.name".to_owned(), name.to_owned());
        }
        let said = self.mapping("attributes");
        resource.extend(said.map(|(key, value, _)| (key, value)));
        if let Some(name) = &self.said.gateway.tracing.service_name {
            resource.insert("service.name".to_owned(), name.clone());
        }
        resource.into_iter().collect()
    }

    /// A mapping of `gateway.tracing` whose keys are the user's.
    fn mapping(&self, key: &str) -> impl Iterator<Item = (String, String, Place)> {
        let tracing = self.root.get("gateway").and_then(|it| it.get("tracing"));
        let mapping = tracing.and_then(|it| it.get(key));
        let entries = mapping.map_or(&[][..], Node::entries).iter();
        entries.filter_map(|(key, node)| {
            let value = match &node.tree {
                Tree::Text(text) => text.clone(),
                Tree::Bool(value) => value.to_string(),
                Tree::Integer(value) => value.to_string(),
                Tree::Float(value) => value.to_string(),
                Tree::Null | Tree::List(_) | Tree::Map(_) => return None,
            };
            Some((key.name.clone(), value, Place::File(key.at)))
        })
    }
}

/// A collector's address with the path of traces behind it, if it is not there.
fn with_path(base: &str) -> String {
    let base = base.trim_end_matches('/');
    if base.ends_with(PATH) {
        return base.to_owned();
    }
    format!("{base}{PATH}")
}

/// Whether a request can be sent there. The address is not repeated: it may hold credentials.
fn usable(url: &str) -> Result<(), &'static str> {
    let uri: Option<http::Uri> = url.parse().ok();
    match uri.as_ref().map(|uri| (uri.scheme_str(), uri.host())) {
        Some((Some("http" | "https"), Some(host))) if !host.is_empty() => Ok(()),
        _ => Err("write it as https://host[:port][/path]"),
    }
}

/// Where a collector takes traces.
const PATH: &str = "/v1/traces";
