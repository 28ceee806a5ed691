//! Where traces go, and who says so.
#![cfg(feature = "otlp")]

use crate::support::{MODEL, folder, lines, load_folder, settings, variables};
use gateway_server::config::{
    Environment, LogFormat, LoggedCalls, Propagate, Sampler, Settings, Strictness, Tracing,
};
use std::time::Duration;

/// What is made of a text with these variables, and the warnings.
fn loaded(text: &str, names: &[(&str, &str)]) -> (Option<Settings>, Vec<String>) {
    let ours = variables();
    let all = ours.iter().chain(names.iter().copied());
    let environment: Environment = all.collect();
    let folder = folder(&[("config.yaml", &format!("{MODEL}{text}"))]);
    let loaded = load_folder(&folder, &environment, Strictness::Lenient);
    let lines = lines(&loaded);
    (loaded.settings, lines)
}

fn tracing(text: &str, names: &[(&str, &str)]) -> Tracing {
    let (settings, lines) = loaded(text, names);
    settings.unwrap_or_else(|| panic!("{lines:#?}")).tracing
}

fn url(text: &str, names: &[(&str, &str)]) -> Option<String> {
    let export = tracing(text, names).export?;
    Some(export.url.expose().to_owned())
}

/// A configuration, variables, and where traces go.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<&'static str>,
);

const COLLECTORS: &[Case] = &[
    ("", &[], None),
    ("gateway: {tracing: {sample_ratio: 0.5}}\n", &[], None),
    ("", &[("OTEL_ENDPOINT", "http://a:1")], None),
    (
        "gateway: {tracing: {enabled: true}}\n",
        &[],
        Some("http://localhost:4318/v1/traces"),
    ),
    (
        "gateway: {tracing: {endpoint: 'http://a:1/otlp/'}}\n",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2")],
        Some("http://a:1/otlp/v1/traces"),
    ),
    (
        "",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2")],
        Some("http://b:2/v1/traces"),
    ),
    (
        "",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:3/as-it-is"),
        ],
        Some("http://c:3/as-it-is"),
    ),
    (
        "litellm_settings: {callbacks: [otel]}\n",
        &[("OTEL_ENDPOINT", "https://d.example/v1/traces")],
        Some("https://d.example/v1/traces"),
    ),
    (
        "litellm_settings: {success_callback: otel}\n",
        &[("OTEL_ENDPOINT", "https://d.example")],
        Some("https://d.example/v1/traces"),
    ),
    (
        "",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2"),
            ("OTEL_SDK_DISABLED", "true"),
        ],
        None,
    ),
    (
        "",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ],
        None,
    ),
    (
        "gateway: {tracing: {enabled: false}}\n",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2")],
        None,
    ),
];

#[test]
fn nothing_is_collected_unless_somebody_names_a_collector() {
    for (text, names, expected) in COLLECTORS {
        assert_eq!(url(text, names).as_deref(), *expected, "{text} {names:?}");
    }
}

#[test]
fn headers_and_the_resource_come_from_files_and_variables() {
    let text = "gateway: {tracing: {service_name: mine, attributes: {team: a, size: 3}, headers: {X-One: os.environ/ONE}}}\n";
    let names = [
        ("ONE", "from-the-file"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x-one=no, authorization=Bearer%20abc,odd",
        ),
        ("OTEL_SERVICE_NAME", "theirs"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "team=b,service.namespace=llm%2Cs",
        ),
    ];
    let export = tracing(text, &names).export.unwrap();
    let headers: Vec<_> = export
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose()))
        .collect();
    assert_eq!(
        headers,
        [("authorization", "Bearer abc"), ("x-one", "from-the-file")]
    );
    let resource: Vec<_> = export
        .resource
        .iter()
        .filter(|(name, _)| name != "service.version")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        resource,
        [
            ("service.name", "mine"),
            ("service.namespace", "llm,s"),
            ("size", "3"),
            ("team", "a"),
        ]
    );
    let shown = format!("{export:?}");
    assert!(!shown.contains("Bearer") && !shown.contains("from-the-file"));
}

#[test]
fn samplers_are_those_of_opentelemetry() {
    let sampler = |name, arg| {
        let names = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ];
        let Sampler { by_parent, ratio } = tracing("", &names).sampler;
        (by_parent, ratio)
    };
    for (name, arg, expected) in [
        ("", "", (true, 1.0)),
        ("always_on", "", (false, 1.0)),
        ("always_off", "", (false, 0.0)),
        ("traceidratio", "0.25", (false, 0.25)),
        ("parentbased_always_on", "", (true, 1.0)),
        ("parentbased_always_off", "", (true, 0.0)),
        ("parentbased_traceidratio", "0.5", (true, 0.5)),
        ("parentbased_traceidratio", "", (true, 1.0)),
        ("parentbased_traceidratio", "7", (true, 1.0)),
        ("jaeger_remote", "", (true, 1.0)),
    ] {
        let (by_parent, ratio) = sampler(name, arg);
        // What is not known is said, and everything sampled.
        assert!((ratio - expected.1).abs() < 1e-9, "{name} {arg}: {ratio}");
        assert_eq!(
            by_parent,
            expected.0 && name != "jaeger_remote" || name.is_empty(),
            "{name}"
        );
    }
    let said = tracing(
        "gateway: {tracing: {sample_ratio: 0.1, propagate: never}}\n",
        &[],
    );
    assert!((said.sampler.ratio - 0.1).abs() < 1e-9);
    assert_eq!(said.propagate, Propagate::Never);
}

#[test]
fn what_the_gateway_does_otherwise_than_others_is_said() {
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2");
    for (names, word) in [
        (&[on, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")][..], "gRPC"),
        (
            &[on, ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")],
            "compressed",
        ),
        (&[on, ("OTEL_TRACES_SAMPLER", "xray")], "sampler"),
        (&[on, ("OTEL_BSP_SCHEDULE_DELAY", "soon")], "whole number"),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")],
            "https://host",
        ),
        (
            &[on, ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c")],
            "odd characters",
        ),
    ] {
        let (_, lines) = loaded("", names);
        assert!(
            lines.iter().any(|it| it.contains(word)),
            "{word}: {lines:?}"
        );
    }
    let (_, lines) = loaded("litellm_settings: {callbacks: [otel]}\n", &[]);
    assert!(lines.iter().any(|it| it.contains("endpoint")), "{lines:?}");
}

#[test]
fn times_and_sizes_are_those_of_opentelemetry() {
    let names = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:2"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "7"),
    ];
    let export = tracing("", &names).export.unwrap();
    assert_eq!(export.timeout, Duration::from_millis(1500));
    assert_eq!(export.delay, Duration::from_millis(100));
    assert_eq!((export.queue, export.batch), (7, 512));
    assert!(export.older_names);
    let latest = (
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        "http, gen_ai_latest_experimental",
    );
    let names = [names[0], latest];
    assert!(!tracing("", &names).export.unwrap().older_names);
}

#[test]
fn litellms_json_logs_decides_where_the_format_is_not_given() {
    for (text, format) in [
        ("", LogFormat::Auto),
        ("litellm_settings: {json_logs: true}\n", LogFormat::Json),
        ("litellm_settings: {json_logs: false}\n", LogFormat::Text),
        ("gateway: {log: {format: json}}\n", LogFormat::Json),
    ] {
        assert_eq!(settings(text).log.format, format, "{text}");
    }
    let calls = settings("gateway: {log: {calls: failed}}\n").log.calls;
    assert_eq!(calls, LoggedCalls::Failed);
}
