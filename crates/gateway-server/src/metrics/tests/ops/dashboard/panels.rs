//! The panels of the dashboard.

/// Panels under one title.
#[derive(Debug)]
pub(super) struct Row {
    /// The title.
    pub title: &'static str,
    /// The panels, from left to right.
    pub panels: &'static [Shown],
}

/// One panel.
#[derive(Debug)]
pub(super) struct Shown {
    /// Its title.
    pub title: &'static str,
    /// How it looks.
    pub shape: Shape,
    /// Grafana's name of the unit.
    pub unit: &'static str,
    /// What a reader should know.
    pub says: &'static str,
    /// What is asked, and how its series are named.
    pub targets: &'static [(&'static str, &'static str)],
}

/// How a panel looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Lines over time.
    Lines,
    /// One number.
    Number,
    /// Buckets over time.
    Heat,
    /// A lane for each, in colors.
    States,
}

impl Shape {
    /// Grafana's name of it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Lines => "timeseries",
            Self::Number => "stat",
            Self::Heat => "heatmap",
            Self::States => "state-timeline",
        }
    }

    /// Width and height.
    pub(super) const fn size(self) -> [u64; 2] {
        match self {
            Self::Number => [3, 4],
            Self::Lines | Self::Heat => [12, 8],
            Self::States => [24, 8],
        }
    }
}

/// All of them.
pub(super) const ROWS: &[Row] = &[
    Row {
        title: "Now",
        panels: &[
            Shown {
                title: "Version",
                shape: Shape::Number,
                unit: "none",
                says: "The versions that run.",
                targets: &[(
                    r#"count by (version) (gateway_build_info{instance=~"$instance"})"#,
                    "{{version}}",
                )],
            },
            Shown {
                title: "Up since",
                shape: Shape::Number,
                unit: "dateTimeFromNow",
                says: "The latest start.",
                targets: &[(
                    r#"max(process_start_time_seconds{instance=~"$instance"} and on (job, instance) gateway_build_info) * 1000"#,
                    "",
                )],
            },
            Shown {
                title: "Configuration taken",
                shape: Shape::Number,
                unit: "bool_yes_no",
                says: "Whether the last reload was taken everywhere.",
                targets: &[(
                    r#"min(gateway_config_last_reload_successful{instance=~"$instance"})"#,
                    "",
                )],
            },
            Shown {
                title: "Calls under way",
                shape: Shape::Number,
                unit: "short",
                says: "",
                targets: &[(r#"sum(gateway_calls_active{instance=~"$instance"})"#, "")],
            },
            Shown {
                title: "Streams under way",
                shape: Shape::Number,
                unit: "short",
                says: "",
                targets: &[(r#"sum(gateway_streams_active{instance=~"$instance"})"#, "")],
            },
            Shown {
                title: "Calls that fail",
                shape: Shape::Number,
                unit: "percentunit",
                says: "Without clients that left and calls that were refused as wrong.",
                targets: &[(
                    r#"sum(rate(gateway_calls_total{instance=~"$instance",model=~"$model",end!~"complete|client_gone|rejected"}[$__rate_interval])) / sum(rate(gateway_calls_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "",
                )],
            },
            Shown {
                title: "Calls per second",
                shape: Shape::Number,
                unit: "reqps",
                says: "",
                targets: &[(
                    r#"sum(rate(gateway_calls_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "",
                )],
            },
            Shown {
                title: "Overhead, 99th percentile",
                shape: Shape::Number,
                unit: "s",
                says: "",
                targets: &[(
                    r#"histogram_quantile(0.99, sum by (le) (rate(gateway_overhead_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                    "",
                )],
            },
        ],
    },
    Row {
        title: "Traffic",
        panels: &[
            Shown {
                title: "Calls by how they ended",
                shape: Shape::Lines,
                unit: "reqps",
                says: "",
                targets: &[(
                    r#"sum by (end) (rate(gateway_calls_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{end}}",
                )],
            },
            Shown {
                title: "Calls by model",
                shape: Shape::Lines,
                unit: "reqps",
                says: "",
                targets: &[(
                    r#"sum by (model) (rate(gateway_calls_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{model}}",
                )],
            },
            Shown {
                title: "Streams by how they ended",
                shape: Shape::Lines,
                unit: "cps",
                says: "What is neither complete nor left by its client deserves a look.",
                targets: &[(
                    r#"sum by (end) (rate(gateway_streams_ended_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{end}}",
                )],
            },
            Shown {
                title: "Under way, waiting, refused",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[
                    (
                        r#"sum by (api) (gateway_calls_active{instance=~"$instance"})"#,
                        "{{api}}",
                    ),
                    (
                        r#"sum(gateway_streams_active{instance=~"$instance"})"#,
                        "streams",
                    ),
                    (
                        r#"sum(gateway_calls_queued{instance=~"$instance"})"#,
                        "waiting for a place",
                    ),
                    (
                        r#"sum by (reason) (rate(gateway_calls_refused_total{instance=~"$instance"}[$__rate_interval]))"#,
                        "refused per second: {{reason}}",
                    ),
                ],
            },
        ],
    },
    Row {
        title: "First content and overhead",
        panels: &[
            Shown {
                title: "Time to first content",
                shape: Shape::Heat,
                unit: "s",
                says: "From the request's head to the first meaningful content.",
                targets: &[(
                    r#"sum by (le) (increase(gateway_time_to_first_content_seconds_bucket{instance=~"$instance"}[$__rate_interval]))"#,
                    "{{le}}",
                )],
            },
            Shown {
                title: "Overhead",
                shape: Shape::Heat,
                unit: "s",
                says: "What the gateway itself took up to the answer's head.",
                targets: &[(
                    r#"sum by (le) (increase(gateway_overhead_seconds_bucket{instance=~"$instance"}[$__rate_interval]))"#,
                    "{{le}}",
                )],
            },
            Shown {
                title: "Calls, from head to end",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[
                    (
                        r#"histogram_quantile(0.5, sum by (le) (rate(gateway_call_duration_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "50 %",
                    ),
                    (
                        r#"histogram_quantile(0.95, sum by (le) (rate(gateway_call_duration_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "95 %",
                    ),
                    (
                        r#"histogram_quantile(0.99, sum by (le) (rate(gateway_call_duration_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "99 %",
                    ),
                ],
            },
            Shown {
                title: "Overhead by percentile",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[
                    (
                        r#"histogram_quantile(0.5, sum by (le) (rate(gateway_overhead_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "50 %",
                    ),
                    (
                        r#"histogram_quantile(0.95, sum by (le) (rate(gateway_overhead_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "95 %",
                    ),
                    (
                        r#"histogram_quantile(0.99, sum by (le) (rate(gateway_overhead_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                        "99 %",
                    ),
                ],
            },
        ],
    },
    Row {
        title: "Deployments",
        panels: &[
            Shown {
                title: "State of deployments",
                shape: Shape::States,
                unit: "none",
                says: "The worst over all instances.",
                targets: &[(
                    r#"max by (model, deployment) (gateway_deployment_state{instance=~"$instance",model=~"$model",state="probation"}) + 2 * max by (model, deployment) (gateway_deployment_state{instance=~"$instance",model=~"$model",state="set_aside"})"#,
                    "{{model}} {{deployment}}",
                )],
            },
            Shown {
                title: "Attempts by outcome",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[(
                    r#"sum by (outcome) (rate(gateway_attempts_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{outcome}}",
                )],
            },
            Shown {
                title: "Attempts that failed, by deployment",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[(
                    r#"sum by (model, deployment, outcome) (rate(gateway_attempts_total{instance=~"$instance",model=~"$model",outcome!~"answered|lost|given_up"}[$__rate_interval])) > 0"#,
                    "{{model}} {{deployment}}: {{outcome}}",
                )],
            },
            Shown {
                title: "Attempts under way",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[(
                    r#"sum by (model, deployment) (gateway_deployment_attempts_active{instance=~"$instance",model=~"$model"})"#,
                    "{{model}} {{deployment}}",
                )],
            },
            Shown {
                title: "First content by deployment, 95th percentile",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[(
                    r#"histogram_quantile(0.95, sum by (le, model, deployment) (rate(gateway_attempt_first_content_seconds_bucket{instance=~"$instance",model=~"$model"}[$__rate_interval])))"#,
                    "{{model}} {{deployment}}",
                )],
            },
            Shown {
                title: "Answers by deployment, 95th percentile",
                shape: Shape::Lines,
                unit: "s",
                says: "From the start of an attempt to the end of its answer.",
                targets: &[(
                    r#"histogram_quantile(0.95, sum by (le, model, deployment) (rate(gateway_attempt_duration_seconds_bucket{instance=~"$instance",model=~"$model"}[$__rate_interval])))"#,
                    "{{model}} {{deployment}}",
                )],
            },
            Shown {
                title: "Left of the providers' rate limits",
                shape: Shape::Lines,
                unit: "short",
                says: "As their last answers said.",
                targets: &[(
                    r#"min by (model, deployment, quota) (gateway_deployment_quota_remaining{instance=~"$instance",model=~"$model"})"#,
                    "{{model}} {{deployment}}: {{quota}}",
                )],
            },
        ],
    },
    Row {
        title: "Retries, fallbacks, cooldowns",
        panels: &[
            Shown {
                title: "Retries, fallbacks and hedges",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[
                    (
                        r#"sum by (model) (rate(gateway_retries_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                        "retries of {{model}}",
                    ),
                    (
                        r#"sum by (model) (rate(gateway_fallbacks_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                        "fallbacks of {{model}}",
                    ),
                    (
                        r#"sum by (model) (rate(gateway_hedges_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                        "hedges of {{model}}",
                    ),
                ],
            },
            Shown {
                title: "Deployments set aside by failures",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[(
                    r#"sum by (model, deployment) (increase(gateway_deployment_cooldowns_total{instance=~"$instance",model=~"$model"}[$__rate_interval])) > 0"#,
                    "{{model}} {{deployment}}",
                )],
            },
        ],
    },
    Row {
        title: "Tokens and cost",
        panels: &[
            Shown {
                title: "Tokens",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[(
                    r#"sum by (model, kind) (rate(gateway_tokens_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{model}}: {{kind}}",
                )],
            },
            Shown {
                title: "Dollars per hour",
                shape: Shape::Lines,
                unit: "currencyUSD",
                says: "",
                targets: &[(
                    r#"3600 * sum by (model) (rate(gateway_cost_usd_total{instance=~"$instance",model=~"$model"}[$__rate_interval]))"#,
                    "{{model}}",
                )],
            },
            Shown {
                title: "Answers without a price",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[(
                    r#"sum by (model) (rate(gateway_cost_unknown_total{instance=~"$instance",model=~"$model"}[$__rate_interval])) > 0"#,
                    "{{model}}",
                )],
            },
            Shown {
                title: "Dollars by provider, last 24 hours",
                shape: Shape::Lines,
                unit: "currencyUSD",
                says: "",
                targets: &[(
                    r#"sum by (provider) (increase(gateway_cost_usd_total{instance=~"$instance",model=~"$model"}[24h]) * on (instance, deployment) group_left (provider) (max by (instance, deployment, provider) (gateway_deployment_info)))"#,
                    "{{provider}}",
                )],
            },
        ],
    },
    Row {
        title: "Pools",
        panels: &[
            Shown {
                title: "Generations",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[(
                    r#"sum by (origin, state) (gateway_pool_generations{instance=~"$instance"})"#,
                    "{{origin}}: {{state}}",
                )],
            },
            Shown {
                title: "Exchanges by the state of their generation",
                shape: Shape::Lines,
                unit: "short",
                says: "Draining ones run on connections that were replaced; nothing cuts them.",
                targets: &[(
                    r#"sum by (origin, state) (gateway_pool_streams{instance=~"$instance"})"#,
                    "{{origin}}: {{state}}",
                )],
            },
            Shown {
                title: "Oldest draining exchange",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[(
                    r#"max by (origin) (gateway_pool_oldest_draining_seconds{instance=~"$instance"})"#,
                    "{{origin}}",
                )],
            },
            Shown {
                title: "Connections",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[(
                    r#"sum by (origin, state) (gateway_pool_connections{instance=~"$instance"})"#,
                    "{{origin}}: {{state}}",
                )],
            },
            Shown {
                title: "Rotations",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[
                    (
                        r#"sum by (origin, reason) (increase(gateway_pool_rotations_total{instance=~"$instance"}[$__rate_interval])) > 0"#,
                        "{{origin}}: {{reason}}",
                    ),
                    (
                        r#"sum by (origin) (increase(gateway_pool_rotations_failed_total{instance=~"$instance"}[$__rate_interval])) > 0"#,
                        "{{origin}}: given up",
                    ),
                ],
            },
            Shown {
                title: "How long generations drained, 95th percentile",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[(
                    r#"histogram_quantile(0.95, sum by (le, origin, outcome) (rate(gateway_pool_drain_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                    "{{origin}}: {{outcome}}",
                )],
            },
            Shown {
                title: "Connects",
                shape: Shape::Lines,
                unit: "cps",
                says: "",
                targets: &[
                    (
                        r#"sum by (origin, outcome) (rate(gateway_pool_connects_total{instance=~"$instance"}[$__rate_interval]))"#,
                        "{{origin}}: {{outcome}}",
                    ),
                    (
                        r#"sum by (origin) (rate(gateway_pool_repeats_total{instance=~"$instance"}[$__rate_interval])) > 0"#,
                        "{{origin}}: requests sent again",
                    ),
                ],
            },
            Shown {
                title: "Waiting for a connection",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[
                    (
                        r#"sum by (origin) (gateway_pool_waiting{instance=~"$instance"})"#,
                        "{{origin}}",
                    ),
                    (
                        r#"sum by (origin) (rate(gateway_pool_checkout_seconds_count{instance=~"$instance"}[$__rate_interval]))"#,
                        "{{origin}}: per second",
                    ),
                ],
            },
            Shown {
                title: "Phases of connects, 95th percentile",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[(
                    r#"histogram_quantile(0.95, sum by (le, origin, phase) (rate(gateway_pool_connect_seconds_bucket{instance=~"$instance"}[$__rate_interval])))"#,
                    "{{origin}}: {{phase}}",
                )],
            },
            Shown {
                title: "Share of requests on connections that were there",
                shape: Shape::Lines,
                unit: "percentunit",
                says: "",
                targets: &[(
                    r#"sum by (origin) (rate(gateway_pool_requests_total{instance=~"$instance",connection="reused"}[$__rate_interval])) / sum by (origin) (rate(gateway_pool_requests_total{instance=~"$instance"}[$__rate_interval]))"#,
                    "{{origin}}",
                )],
            },
        ],
    },
    Row {
        title: "Configuration and process",
        panels: &[
            Shown {
                title: "Generation of the configuration",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[
                    (
                        r#"gateway_config_generation{instance=~"$instance"}"#,
                        "{{instance}}",
                    ),
                    (
                        r#"gateway_config_last_reload_successful{instance=~"$instance"}"#,
                        "{{instance}}: taken",
                    ),
                ],
            },
            Shown {
                title: "Since the configuration was last read",
                shape: Shape::Lines,
                unit: "s",
                says: "",
                targets: &[(
                    r#"time() - gateway_config_last_reload_timestamp_seconds{instance=~"$instance"}"#,
                    "{{instance}}",
                )],
            },
            Shown {
                title: "Memory",
                shape: Shape::Lines,
                unit: "bytes",
                says: "",
                targets: &[
                    (
                        r#"process_resident_memory_bytes{instance=~"$instance"} and on (job, instance) gateway_build_info"#,
                        "{{instance}}",
                    ),
                    (
                        r#"process_virtual_memory_bytes{instance=~"$instance"} and on (job, instance) gateway_build_info"#,
                        "{{instance}}: virtual",
                    ),
                ],
            },
            Shown {
                title: "Processors",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[(
                    r#"rate(process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval]) and on (job, instance) gateway_build_info"#,
                    "{{instance}}",
                )],
            },
            Shown {
                title: "Load of the workers",
                shape: Shape::Lines,
                unit: "percentunit",
                says: "",
                targets: &[(
                    r#"rate(gateway_runtime_busy_seconds_total{instance=~"$instance"}[$__rate_interval])"#,
                    "{{instance}} {{worker}}",
                )],
            },
            Shown {
                title: "Tasks and threads",
                shape: Shape::Lines,
                unit: "short",
                says: "",
                targets: &[
                    (
                        r#"gateway_runtime_tasks{instance=~"$instance"}"#,
                        "{{instance}} {{worker}}",
                    ),
                    (
                        r#"process_threads{instance=~"$instance"} and on (job, instance) gateway_build_info"#,
                        "{{instance}}: threads",
                    ),
                ],
            },
            Shown {
                title: "Descriptors",
                shape: Shape::Lines,
                unit: "percentunit",
                says: "Those that are open of those that may be.",
                targets: &[(
                    r#"process_open_fds{instance=~"$instance"} / process_max_fds and on (job, instance) gateway_build_info"#,
                    "{{instance}}",
                )],
            },
            Shown {
                title: "Lost",
                shape: Shape::Lines,
                unit: "short",
                says: "Log lines and spans that nobody took in time, and series that are counted as `other`.",
                targets: &[
                    (
                        r#"increase(gateway_log_lines_dropped_total{instance=~"$instance"}[$__rate_interval])"#,
                        "{{instance}}: log lines",
                    ),
                    (
                        r#"increase(gateway_metrics_overflowed_total{instance=~"$instance"}[$__rate_interval])"#,
                        "{{instance}}: series",
                    ),
                    (
                        r#"sum by (instance, outcome) (increase(gateway_trace_spans_total{instance=~"$instance",outcome="failed"}[$__rate_interval]))"#,
                        "{{instance}}: spans",
                    ),
                    (
                        r#"increase(gateway_trace_calls_dropped_total{instance=~"$instance"}[$__rate_interval])"#,
                        "{{instance}}: calls without spans",
                    ),
                    (
                        r#"gateway_draining{instance=~"$instance"}"#,
                        "{{instance}}: draining",
                    ),
                ],
            },
        ],
    },
];
