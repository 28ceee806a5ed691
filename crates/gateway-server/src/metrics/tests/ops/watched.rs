//! The alerts: when somebody should look, and what a test of each feeds in.

/// One alert.
#[derive(Debug)]
pub(super) struct Alert {
    /// Its name, and that of its heading on the page on trouble.
    pub name: &'static str,
    /// How long it must have been so.
    pub wait: &'static str,
    /// Who is woken up.
    pub severity: &'static str,
    /// In one line, for the page on metrics.
    pub when: &'static str,
    /// In Prometheus' language.
    pub expression: &'static str,
    /// What the one who is woken up reads first; may name labels.
    pub summary: &'static str,
    /// What the test feeds in, once per minute for an hour: a series that must fire and some that must not.
    pub fed: &'static [(&'static str, &'static str)],
    /// The labels of the only alert that fires then.
    pub fires: &'static [(&'static str, &'static str)],
}

/// All of them.
pub(super) const ALERTS: &[Alert] = &[
    Alert {
        name: "GatewayAbsent",
        wait: "5m",
        severity: "critical",
        when: "no gateway is scraped at all",
        expression: "absent(gateway_build_info)",
        summary: "No gateway is scraped.",
        fed: &[("up{instance=\"a\"}", "0x60")],
        fires: &[],
    },
    Alert {
        name: "GatewayNoDeploymentReady",
        wait: "1m",
        severity: "critical",
        when: "every deployment of a model group is set aside",
        expression: "sum by (instance, model) (gateway_deployment_state{state=~\"ready|probation\"}) == 0",
        summary: "No deployment of {{ $labels.model }} may serve on {{ $labels.instance }}.",
        fed: &[
            (
                "gateway_deployment_state{instance=\"a\",model=\"m\",deployment=\"1\",state=\"ready\"}",
                "0x60",
            ),
            (
                "gateway_deployment_state{instance=\"a\",model=\"m\",deployment=\"1\",state=\"probation\"}",
                "0x60",
            ),
            (
                "gateway_deployment_state{instance=\"a\",model=\"m\",deployment=\"1\",state=\"set_aside\"}",
                "1x60",
            ),
            (
                "gateway_deployment_state{instance=\"a\",model=\"n\",deployment=\"2\",state=\"ready\"}",
                "0x60",
            ),
            (
                "gateway_deployment_state{instance=\"a\",model=\"n\",deployment=\"3\",state=\"ready\"}",
                "1x60",
            ),
        ],
        fires: &[("instance", "a"), ("model", "m")],
    },
    Alert {
        name: "GatewayCallsFail",
        wait: "5m",
        severity: "critical",
        when: "more than 10 % of a model group's calls fail; clients that left and calls that were refused as wrong do not count",
        expression: "sum by (model) (rate(gateway_calls_total{end!~\"complete|client_gone|rejected\"}[5m]))\
                     \n  / sum by (model) (rate(gateway_calls_total[5m])) > 0.1",
        summary: "More than 10 % of the calls of {{ $labels.model }} fail.",
        fed: &[
            (
                "gateway_calls_total{instance=\"a\",model=\"m\",api=\"openai_chat\",end=\"complete\"}",
                "0+80x60",
            ),
            (
                "gateway_calls_total{instance=\"a\",model=\"m\",api=\"openai_chat\",end=\"upstream_error\"}",
                "0+20x60",
            ),
            (
                "gateway_calls_total{instance=\"a\",model=\"n\",api=\"openai_chat\",end=\"complete\"}",
                "0+80x60",
            ),
            (
                "gateway_calls_total{instance=\"a\",model=\"n\",api=\"openai_chat\",end=\"client_gone\"}",
                "0+20x60",
            ),
        ],
        fires: &[("model", "m")],
    },
    Alert {
        name: "GatewayStreamsTruncated",
        wait: "5m",
        severity: "warning",
        when: "more than 1 % of a model group's streams end before their end: upstreams hang up, or something between does",
        expression: "sum by (model) (rate(gateway_streams_ended_total{end=~\"truncated|timer_idle\"}[15m]))\
                     \n  / sum by (model) (rate(gateway_streams_ended_total[15m])) > 0.01",
        summary: "More than 1 % of the streams of {{ $labels.model }} break off.",
        fed: &[
            (
                "gateway_streams_ended_total{instance=\"a\",model=\"m\",end=\"complete\"}",
                "0+90x60",
            ),
            (
                "gateway_streams_ended_total{instance=\"a\",model=\"m\",end=\"truncated\"}",
                "0+2x60",
            ),
            (
                "gateway_streams_ended_total{instance=\"a\",model=\"n\",end=\"complete\"}",
                "0+90x60",
            ),
            (
                "gateway_streams_ended_total{instance=\"a\",model=\"n\",end=\"truncated\"}",
                "0x60",
            ),
        ],
        fires: &[("model", "m")],
    },
    Alert {
        name: "GatewayDeploymentSetAside",
        wait: "15m",
        severity: "warning",
        when: "a deployment stays set aside",
        expression: "gateway_deployment_state{state=\"set_aside\"} == 1",
        summary: "Deployment {{ $labels.deployment }} of {{ $labels.model }} stays set aside.",
        fed: &[
            (
                "gateway_deployment_state{instance=\"a\",model=\"m\",deployment=\"1\",state=\"set_aside\"}",
                "1x60",
            ),
            (
                "gateway_deployment_state{instance=\"a\",model=\"m\",deployment=\"2\",state=\"set_aside\"}",
                "0x60",
            ),
        ],
        fires: &[
            ("deployment", "1"),
            ("instance", "a"),
            ("model", "m"),
            ("state", "set_aside"),
        ],
    },
    Alert {
        name: "GatewayCallsRefused",
        wait: "5m",
        severity: "warning",
        when: "calls find no place",
        expression: "sum by (instance, reason) (rate(gateway_calls_refused_total[5m])) > 0",
        summary: "{{ $labels.instance }} refuses calls: {{ $labels.reason }}.",
        fed: &[
            (
                "gateway_calls_refused_total{instance=\"a\",reason=\"queue_full\"}",
                "0+5x60",
            ),
            (
                "gateway_calls_refused_total{instance=\"b\",reason=\"queue_full\"}",
                "7x60",
            ),
        ],
        fires: &[("instance", "a"), ("reason", "queue_full")],
    },
    Alert {
        name: "GatewayOverheadHigh",
        wait: "10m",
        severity: "warning",
        when: "one call in a hundred spends more than 100 ms in the gateway itself, waits before retries included",
        expression: "histogram_quantile(0.99, sum by (instance, le) (rate(gateway_overhead_seconds_bucket[5m]))) > 0.1",
        summary: "The 99th percentile of the overhead on {{ $labels.instance }} is above 100 ms.",
        fed: &[
            (
                "gateway_overhead_seconds_bucket{instance=\"a\",api=\"openai_chat\",le=\"0.1\"}",
                "0+90x60",
            ),
            (
                "gateway_overhead_seconds_bucket{instance=\"a\",api=\"openai_chat\",le=\"0.5\"}",
                "0+100x60",
            ),
            (
                "gateway_overhead_seconds_bucket{instance=\"a\",api=\"openai_chat\",le=\"+Inf\"}",
                "0+100x60",
            ),
            (
                "gateway_overhead_seconds_bucket{instance=\"b\",api=\"openai_chat\",le=\"0.1\"}",
                "0+100x60",
            ),
            (
                "gateway_overhead_seconds_bucket{instance=\"b\",api=\"openai_chat\",le=\"+Inf\"}",
                "0+100x60",
            ),
        ],
        fires: &[("instance", "a")],
    },
    Alert {
        name: "GatewayConnectsFail",
        wait: "5m",
        severity: "warning",
        when: "more than half of the connects to an origin fail",
        expression: "sum by (instance, origin) (rate(gateway_pool_connects_total{outcome=\"failed\"}[5m]))\
                     \n  / sum by (instance, origin) (rate(gateway_pool_connects_total[5m])) > 0.5",
        summary: "{{ $labels.instance }} cannot connect to {{ $labels.origin }}.",
        fed: &[
            (
                "gateway_pool_connects_total{instance=\"a\",origin=\"https://x\",outcome=\"failed\"}",
                "0+9x60",
            ),
            (
                "gateway_pool_connects_total{instance=\"a\",origin=\"https://x\",outcome=\"ok\"}",
                "0+1x60",
            ),
            (
                "gateway_pool_connects_total{instance=\"a\",origin=\"https://y\",outcome=\"failed\"}",
                "0+1x60",
            ),
            (
                "gateway_pool_connects_total{instance=\"a\",origin=\"https://y\",outcome=\"ok\"}",
                "0+9x60",
            ),
        ],
        fires: &[("instance", "a"), ("origin", "https://x")],
    },
    Alert {
        name: "GatewayPoolDrainsLong",
        wait: "5m",
        severity: "info",
        when: "an exchange has run on a retired generation for more than an hour",
        expression: "gateway_pool_oldest_draining_seconds > 3600",
        summary: "A stream to {{ $labels.origin }} has run for more than an hour on connections that were replaced.",
        fed: &[
            (
                "gateway_pool_oldest_draining_seconds{instance=\"a\",origin=\"https://x\",state=\"draining\"}",
                "3601+60x60",
            ),
            (
                "gateway_pool_oldest_draining_seconds{instance=\"a\",origin=\"https://y\",state=\"draining\"}",
                "0x60",
            ),
        ],
        fires: &[
            ("instance", "a"),
            ("origin", "https://x"),
            ("state", "draining"),
        ],
    },
    Alert {
        name: "GatewayConfigRefused",
        wait: "5m",
        severity: "warning",
        when: "the configuration was refused when it was last read, and the old one is in force",
        expression: "gateway_config_last_reload_successful == 0",
        summary: "{{ $labels.instance }} has refused its new configuration and goes on with the old one.",
        fed: &[
            (
                "gateway_config_last_reload_successful{instance=\"a\"}",
                "0x60",
            ),
            (
                "gateway_config_last_reload_successful{instance=\"b\"}",
                "1x60",
            ),
        ],
        fires: &[("instance", "a")],
    },
    Alert {
        name: "GatewayDescriptorsShort",
        wait: "5m",
        severity: "warning",
        when: "more than 80 % of the descriptors are open; at 94 % new clients are refused",
        expression: "process_open_fds / process_max_fds > 0.8 and on (job, instance) gateway_build_info",
        summary: "{{ $labels.instance }} has more than 80 % of its descriptors open.",
        fed: &[
            ("gateway_build_info{job=\"g\",instance=\"a\"}", "1x60"),
            ("gateway_build_info{job=\"g\",instance=\"b\"}", "1x60"),
            ("process_open_fds{job=\"g\",instance=\"a\"}", "900x60"),
            ("process_max_fds{job=\"g\",instance=\"a\"}", "1024x60"),
            ("process_open_fds{job=\"g\",instance=\"b\"}", "90x60"),
            ("process_max_fds{job=\"g\",instance=\"b\"}", "1024x60"),
            ("process_open_fds{job=\"other\",instance=\"a\"}", "900x60"),
            ("process_max_fds{job=\"other\",instance=\"a\"}", "1024x60"),
        ],
        fires: &[("instance", "a"), ("job", "g")],
    },
    Alert {
        name: "GatewayWorkerBusy",
        wait: "10m",
        severity: "warning",
        when: "a worker's thread is busy for more than 90 % of the time",
        expression: "rate(gateway_runtime_busy_seconds_total[5m]) > 0.9",
        summary: "Worker {{ $labels.worker }} of {{ $labels.instance }} is busy all the time.",
        fed: &[
            (
                "gateway_runtime_busy_seconds_total{instance=\"a\",worker=\"0\"}",
                "0+57x60",
            ),
            (
                "gateway_runtime_busy_seconds_total{instance=\"a\",worker=\"1\"}",
                "0+20x60",
            ),
        ],
        fires: &[("instance", "a"), ("worker", "0")],
    },
    Alert {
        name: "GatewayLogLinesDropped",
        wait: "0m",
        severity: "warning",
        when: "log lines are lost because nobody reads them in time",
        expression: "increase(gateway_log_lines_dropped_total[10m]) > 0",
        summary: "{{ $labels.instance }} loses log lines.",
        fed: &[
            ("gateway_log_lines_dropped_total{instance=\"a\"}", "0+3x60"),
            ("gateway_log_lines_dropped_total{instance=\"b\"}", "3x60"),
        ],
        fires: &[("instance", "a")],
    },
    Alert {
        name: "GatewayTracesLost",
        wait: "5m",
        severity: "info",
        when: "spans are lost: the collector does not take them, or too many wait for it",
        expression: "sum by (instance) (rate(gateway_trace_spans_total{outcome=\"failed\"}[10m]) + on (instance) rate(gateway_trace_calls_dropped_total[10m])) > 0",
        summary: "{{ $labels.instance }} loses spans.",
        fed: &[
            (
                "gateway_trace_spans_total{instance=\"a\",outcome=\"failed\"}",
                "0+3x60",
            ),
            (
                "gateway_trace_spans_total{instance=\"a\",outcome=\"exported\"}",
                "0+3x60",
            ),
            ("gateway_trace_calls_dropped_total{instance=\"a\"}", "0x60"),
            (
                "gateway_trace_spans_total{instance=\"b\",outcome=\"failed\"}",
                "0x60",
            ),
            (
                "gateway_trace_spans_total{instance=\"b\",outcome=\"exported\"}",
                "0+3x60",
            ),
            ("gateway_trace_calls_dropped_total{instance=\"b\"}", "0x60"),
        ],
        fires: &[("instance", "a")],
    },
    Alert {
        name: "GatewayRestarts",
        wait: "0m",
        severity: "warning",
        when: "the process began more than twice within 30 minutes",
        expression: "changes(process_start_time_seconds[30m]) > 2 and on (job, instance) gateway_build_info",
        summary: "{{ $labels.instance }} begins again and again.",
        fed: &[
            ("gateway_build_info{job=\"g\",instance=\"a\"}", "1x60"),
            ("gateway_build_info{job=\"g\",instance=\"b\"}", "1x60"),
            (
                "process_start_time_seconds{job=\"g\",instance=\"a\"}",
                "0+60x60",
            ),
            (
                "process_start_time_seconds{job=\"g\",instance=\"b\"}",
                "5x60",
            ),
        ],
        fires: &[("instance", "a"), ("job", "g")],
    },
    Alert {
        name: "GatewaySeriesOverflow",
        wait: "0m",
        severity: "info",
        when: "a family of metrics has more series than it may have, and counts what is new as `other`",
        expression: "increase(gateway_metrics_overflowed_total[1h]) > 0",
        summary: "{{ $labels.instance }} has too many models and deployments for its metrics.",
        fed: &[
            ("gateway_metrics_overflowed_total{instance=\"a\"}", "0+1x60"),
            ("gateway_metrics_overflowed_total{instance=\"b\"}", "0x60"),
        ],
        fires: &[("instance", "a")],
    },
];
