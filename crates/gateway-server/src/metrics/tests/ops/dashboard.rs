//! The dashboard for Grafana.

mod panels;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::unknown;
use panels::{ROWS, Shape, Shown};

/// `gateway.json`.
pub(super) fn text() -> String {
    let dashboard = dashboard();
    check(&dashboard);
    format!("{dashboard:#}\n")
}

fn dashboard() -> Value {
    let (mut panels, mut y, mut id) = (Vec::new(), 0, 0);
    for row in ROWS {
        id += 1;
        panels.push(json!({
            "id": id, "type": "row", "title": row.title, "collapsed": false, "panels": [],
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        }));
        y += 1;
        let (mut x, mut high) = (0, 0);
        for shown in row.panels {
            let [w, h] = shown.shape.size();
            if x + w > WIDTH {
                (x, y) = (0, y + high);
            }
            id += 1;
            panels.push(panel(shown, id, [x, y, w, h]));
            (x, high) = (x + w, h);
        }
        y += high;
    }
    json!({
        "uid": "gateway-operations", "title": "Gateway", "tags": ["gateway"],
        "description": "Made of the gateway's table of metrics; changes here are lost with the next version.",
        "schemaVersion": 39, "version": 1, "id": null, "editable": true, "graphTooltip": 1, "refresh": "30s",
        "timezone": "browser", "time": {"from": "now-1h", "to": "now"},
        "annotations": {"list": [
            annotation("Configurations", "changes(gateway_config_generation{instance=~\"$instance\"}[$__interval]) > 0", "blue"),
            annotation("Starts", "changes(process_start_time_seconds{instance=~\"$instance\"}[$__interval]) > 0 and on (job, instance) gateway_build_info", "orange"),
        ]},
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}},
            variable("instance", "Instance", "label_values(gateway_build_info, instance)"),
            variable("model", "Model", "label_values(gateway_calls_total, model)"),
        ]},
        "panels": panels,
    })
}

fn panel(shown: &Shown, id: u64, [x, y, w, h]: [u64; 4]) -> Value {
    let targets: Vec<Value> = (shown.targets.iter().zip('A'..='Z'))
        .map(|((expression, legend), name)| {
            let format = match shown.shape {
                Shape::Heat => "heatmap",
                _ => "time_series",
            };
            json!({
                "refId": name.to_string(), "datasource": source(), "editorMode": "code", "range": true,
                "expr": expression, "legendFormat": legend, "format": format,
            })
        })
        .collect();
    let mut defaults = json!({"unit": shown.unit, "mappings": []});
    if shown.shape == Shape::Lines {
        defaults["custom"] =
            json!({"drawStyle": "line", "fillOpacity": 10, "lineWidth": 1, "showPoints": "never"});
        defaults["min"] = json!(0);
    }
    if shown.shape == Shape::States {
        let states = [
            ("0", "ready", "green"),
            ("1", "probation", "yellow"),
            ("2", "set aside", "red"),
            ("3", "set aside", "red"),
        ];
        let options: serde_json::Map<String, Value> = states
            .map(|(value, text, color)| (value.to_owned(), json!({"text": text, "color": color})))
            .into_iter()
            .collect();
        defaults["mappings"] = json!([{"type": "value", "options": options}]);
    }
    json!({
        "id": id, "type": shown.shape.name(), "title": shown.title, "description": shown.says,
        "datasource": source(), "gridPos": {"x": x, "y": y, "w": w, "h": h}, "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options(shown),
    })
}

fn options(shown: &Shown) -> Value {
    match shown.shape {
        Shape::Lines => json!({
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Shape::Number => json!({
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
            "colorMode": "value", "graphMode": "area", "textMode": "auto",
        }),
        Shape::Heat => json!({
            "calculate": false, "yAxis": {"unit": shown.unit}, "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64}, "tooltip": {"mode": "single"},
        }),
        Shape::States => json!({"showValue": "never", "mergeValues": true, "rowHeight": 0.9}),
    }
}

fn annotation(name: &str, expression: &str, color: &str) -> Value {
    json!({
        "name": name, "datasource": source(), "enable": true, "expr": expression, "iconColor": color,
        "titleFormat": name, "textFormat": "{{instance}}", "step": "30s",
    })
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": source(), "definition": query,
        "query": {"query": query, "refId": name}, "refresh": 2, "multi": true, "includeAll": true, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    })
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// Ids are there once, panels lie side by side within the width, and every metric that is asked for is in the table.
fn check(dashboard: &Value) {
    let unknown = unknown(&dashboard.to_string());
    assert!(unknown.is_empty(), "{unknown:?}");
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut cells = BTreeSet::new();
    for panel in panels {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= WIDTH, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(
                    cells.insert((x, y)),
                    "{} lies on another one",
                    panel["title"]
                );
            }
        }
        let targets = panel["targets"].as_array();
        assert!(
            panel["type"] == "row" || !targets.unwrap().is_empty(),
            "{panel}"
        );
    }
}

/// Columns of a dashboard.
const WIDTH: u64 = 24;
