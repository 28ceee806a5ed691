//! Lines as they fit on a terminal.

use super::*;
use serde_json::json;

fn status() -> Status {
    let mut status: Status = serde_json::from_value(json!({
        "version": "1.2.3", "pid": 7, "started": 0.0, "uptime": 3700.0, "state": "ready", "reasons": [],
        "config": {"file": "c.yaml", "generation": 3, "last_reload": {"outcome": "refused"}},
        "calls": {"active": 2, "streams": 1, "queued": 0, "per_second": 1.0, "failures_per_second": 0.0,
            "overhead_ms": {"p50": 0.2, "p99": 0.91}},
        "deployments": [{"id": "west", "model_name": "fast", "provider": "openai", "model": "gpt",
            "state": "set_aside", "reason": "rate_limited", "returns_in": 12.3, "active": 1,
            "per_minute": 60.0, "success": 0.5, "failures": {"rate_limit": 30},
            "first_content_ms": {"p50": 420.0, "p99": 1900.0}, "tokens_per_second": 3.0, "cost_usd": 0.1}],
        "pools": [{"origin": "https://api:443", "waiting": 0, "generations": [
            {"number": 5, "reason": "command", "age_seconds": 3.0, "sockets": 2, "leases": 1},
            {"number": 4, "reason": "first", "age_seconds": 9.0, "sockets": 1, "leases": 1}]}],
        "streams": [{"call_id": "c\u{1b}[2J", "api": "openai_chat", "model": "fast", "deployment": "west",
            "age": 61.0, "events": 5, "bytes": 900, "state": "stalled", "stalled_for": 4.0, "worker": 0}],
        "streams_total": 2,
        "failures": [{"cause": "rate_limit", "count": 30,
            "last": {"at": 1.0, "call_id": "x", "status": 429, "message": "slow down"}}],
    }))
    .unwrap();
    status.reasons.push("because".to_owned());
    status
}

fn timeline() -> Timeline {
    serde_json::from_value(json!({"from": 0.0, "to": 100.0, "step": 5,
        "lanes": [{"id": "west", "model_name": "fast", "states": "rrrrrrrrrrrrrrrrrrss"}],
        "marks": [{"number": 0, "at": 90.0, "kind": "rotation", "subject": "https://api:443",
            "text": "generation 5 (command)"}]}))
    .unwrap()
}

#[test]
fn the_page_says_all_of_it_and_obeys_nobody() {
    let lines = page(&status(), Some(&timeline()), 120);
    let text: Vec<&str> = lines.iter().map(|it| &*it.text).collect();
    let text = text.join("\n");
    for part in [
        "gateway-server 1.2.3  pid 7  up 1 h 1 m  ready",
        "because",
        "generation 3  last reload refused",
        "overhead 0.20 ms / 0.91 ms  first content -",
        "set aside (rate_limited) 12 s",
        "420 ms / 1.9 s",
        "fast      ..................ss",
        "10 s ago  generation 5 (command)  https://api:443",
        "https://api:443           5  command",
        "c?[2J",
        "stalled 4 s",
        "and 1 more streams",
        "slow down",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn a_line_is_as_wide_as_the_terminal_and_colored_only_where_there_is_color() {
    for line in page(&status(), Some(&timeline()), 40) {
        let bare = line.painted(40, Palette::Bare);
        assert!(
            bare.chars().count() <= 40 && !bare.contains('\u{1b}'),
            "{bare}"
        );
        let colored = line.painted(40, Palette::Colored);
        assert_eq!(colored.contains('\u{1b}'), line.tone != Tone::Plain);
    }
}

#[test]
fn times_are_told_in_two_units_at_most() {
    let told = [0.0, 59.0, 61.0, 3700.0, 90_000.0].map(time);
    assert_eq!(told, ["0 s", "59 s", "1 m 1 s", "1 h 1 m", "1 d 1 h"]);
    assert_eq!(
        [0.5, 12.0, 1500.0].map(millis),
        ["0.50 ms", "12 ms", "1.5 s"]
    );
}
