//! The alerts as Prometheus reads them, and their tests as `promtool` does.

use std::fmt::Write as _;

use super::unknown;
use super::watched::{ALERTS, Alert};

/// `alerts.yaml`.
pub(super) fn rules() -> String {
    let mut out = format!("{HEAD}groups:\n  - name: gateway\n    rules:\n");
    for alert in ALERTS {
        let unknown = unknown(alert.expression);
        assert!(unknown.is_empty(), "{}: {unknown:?}", alert.name);
        let expression = alert.expression.replace('\n', "\n          ");
        let Alert {
            name,
            wait,
            severity,
            summary,
            ..
        } = alert;
        write!(
            out,
            "      - alert: {name}\n        expr: |-\n          {expression}\n        for: {wait}\n        labels:\n          \
             severity: {severity}\n        annotations:\n          summary: '{summary}'\n          runbook_url: {}\n",
            runbook(alert)
        )
        .unwrap();
    }
    out
}

/// `alerts.test.yaml`: each alert fires for the series that it is about, and for no other.
pub(super) fn tests() -> String {
    let mut out = format!("{HEAD}rule_files:\n  - alerts.yaml\nevaluation_interval: 1m\ntests:\n");
    for alert in ALERTS {
        out += "  - interval: 1m\n    input_series:\n";
        for (series, values) in alert.fed {
            assert!(unknown(series).is_empty(), "{series}");
            writeln!(
                out,
                "      - series: '{series}'\n        values: '{values}'"
            )
            .unwrap();
        }
        write!(
            out,
            "    alert_rule_test:\n      - alertname: {}\n        eval_time: 59m\n        exp_alerts:\n          \
             - exp_labels:\n              severity: {}\n",
            alert.name, alert.severity
        )
        .unwrap();
        let mut summary = alert.summary.to_owned();
        for (label, value) in alert.fires {
            writeln!(out, "              {label}: '{value}'").unwrap();
            summary = summary.replace(&format!("{{{{ $labels.{label} }}}}"), value);
        }
        assert!(!summary.contains("{{"), "{summary}");
        write!(
            out,
            "            exp_annotations:\n              summary: '{summary}'\n              runbook_url: {}\n",
            runbook(alert)
        )
        .unwrap();
    }
    out
}

fn runbook(alert: &Alert) -> String {
    let anchor = alert.name.to_lowercase();
    let repository = env!("CARGO_PKG_REPOSITORY");
    format!("{repository}/blob/main/docs/operations/troubleshooting.md#{anchor}")
}

const HEAD: &str =
    "# Made of the table of metrics: UPDATE_DOCS=1 cargo nextest run -p gateway-server metrics\n";
