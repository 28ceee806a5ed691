//! OpenTelemetry's variables, and those that LiteLLM's callback `otel` reads.
//!
//! Sources: OpenTelemetry's specification of environment variables, of the OTLP exporter and of sampling; LiteLLM's
//! `integrations/opentelemetry.py`.

use super::super::super::deployment::connect;
use super::super::super::environment::Environment;
use super::super::super::problem::{Code, Place, Report};
use super::super::super::settings::Sampler;
use gateway_providers::ConnectOptions;
use gateway_transport::{ClientIdentity, Roots};

/// OpenTelemetry's variables, and LiteLLM's, which count where its callback is on.
pub(super) struct Variables<'a> {
    pub(super) environment: &'a Environment,
    pub(super) litellm: bool,
}

impl<'a> Variables<'a> {
    /// The first of them that is set; LiteLLM's own comes last.
    pub(super) fn first(
        &self,
        names: &[&'static str],
        litellm: &'static str,
    ) -> Option<(&'static str, &'a str)> {
        let litellm = Some(litellm).filter(|name| self.litellm && !name.is_empty());
        let mut names = names.iter().copied().chain(litellm);
        names.find_map(|name| Some((name, self.environment.non_empty(name)?)))
    }

    pub(super) fn say_no(&self) -> bool {
        let is = |name, text: &str| {
            let value = self.environment.non_empty(name);
            value.is_some_and(|it| it.eq_ignore_ascii_case(text))
        };
        is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none")
    }

    pub(super) fn want_latest_names(&self) -> bool {
        let said = self.environment.get("OTEL_SEMCONV_STABILITY_OPT_IN");
        let mut words = said.unwrap_or_default().split(',').map(str::trim);
        words.any(|word| word == "gen_ai_latest_experimental")
    }

    /// What others would do and the gateway does not.
    pub(super) fn warn(&self, report: &mut Report) {
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
        ];
        if let Some((name, protocol)) = self.first(&names, "OTEL_EXPORTER")
            && protocol.to_ascii_lowercase().contains("grpc")
        {
            let message = "traces are exported by HTTP, not by gRPC";
            report
                .warn(Code::NoEffect, Place::Variable(name.to_owned()), message)
                .hint("name the collector's port for OTLP over HTTP, usually 4318");
        }
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
        ];
        if let Some((name, coding)) = self.first(&names, "")
            && coding != "none"
        {
            let message = "exports of traces are not compressed";
            report.warn(Code::NoEffect, Place::Variable(name.to_owned()), message);
        }
    }

    pub(super) fn sampler(&self, report: &mut Report) -> Sampler {
        let name = self.environment.non_empty("OTEL_TRACES_SAMPLER");
        let (by_parent, kind) = match name.map(|it| it.strip_prefix("parentbased_").ok_or(it)) {
            None => (true, "always_on"),
            Some(Ok(kind)) => (true, kind),
            Some(Err(kind)) => (false, kind),
        };
        let ratio = match kind {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => {
                let said = self.environment.non_empty("OTEL_TRACES_SAMPLER_ARG");
                let ratio = said.map_or(Some(1.0), |it| it.trim().parse().ok());
                let ratio = ratio.filter(|it| (0.0..=1.0).contains(it));
                ratio.unwrap_or_else(|| {
                    let place = Place::Variable("OTEL_TRACES_SAMPLER_ARG".to_owned());
                    let message = "expected a share from 0 to 1: all traces are sampled";
                    report.warn(Code::OutOfRange, place, message);
                    1.0
                })
            }
            _ => {
                let place = Place::Variable("OTEL_TRACES_SAMPLER".to_owned());
                let message = "the gateway does not have this sampler: all traces are sampled";
                report.warn(Code::InvalidValue, place, message).hint(
                    "always_on, always_off and traceidratio are there, each also with parentbased_ before it",
                );
                1.0
            }
        };
        Sampler { by_parent, ratio }
    }

    /// The first of the variables that is set, as a whole number above zero.
    pub(super) fn number(&self, names: &[&'static str], or: u64, report: &mut Report) -> u64 {
        let Some((name, text)) = self.first(names, "") else {
            return or;
        };
        let number = text.trim().parse().ok();
        number
            .filter(|it| (1..=MOST).contains(it))
            .unwrap_or_else(|| {
                let message = format!("expected a whole number from 1 to {MOST}: {or} is used");
                let place = Place::Variable(name.to_owned());
                report.warn(Code::OutOfRange, place, message);
                or
            })
    }

    pub(super) fn count(&self, name: &'static str, or: u64, report: &mut Report) -> usize {
        usize::try_from(self.number(&[name], or, report)).unwrap_or(usize::MAX)
    }

    /// As with providers, but for certificates, which have variables of their own.
    pub(super) fn connect(
        &self,
        providers: &ConnectOptions,
        report: &mut Report,
    ) -> ConnectOptions {
        let mut options = providers.clone();
        options.tls.client_identity = None;
        let file = |names: [&'static str; 2], report: &mut Report| {
            let (name, path) = self.first(&names, "")?;
            let place = Place::Variable(name.to_owned());
            Some(connect::readable(path, &place, report).to_owned())
        };
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
        ];
        if let Some(path) = file(names, report) {
            options.tls.roots = Roots::File(path);
        }
        let certificate = file(
            [
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            ],
            report,
        );
        let key = file(
            [
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            ],
            report,
        );
        if let Some(certificate) = certificate {
            options.tls.client_identity = Some(ClientIdentity::Files {
                key: key.unwrap_or_else(|| certificate.clone()),
                certificate,
            });
        }
        options
    }
}

/// `name=value,name=value`, with percent-encoded values (W3C Baggage). What is neither is passed over.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim();
        let value = crate::api::decode(value.trim())?;
        (!name.is_empty()).then(|| (name.to_owned(), value))
    })
}

/// Of milliseconds and of calls.
const MOST: u64 = 3_600_000;
