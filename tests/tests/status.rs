//! What an operator sees of a running gateway, and does to what runs: streams, deployments, percentiles, the timeline,
//! all of it live, and the commands that show it.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::time::Duration;

use end_to_end::call::{self, CARRIES, Carry, Live};
use end_to_end::command::{self, Done};
use end_to_end::stream::text;
use end_to_end::{Gateway, PATIENCE, Setup, Stream, binary};
use gateway_testkit::client::{BodyEnd, ConnectOptions, Http1Client, Request};
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::{Gate, Script, Step};
use gateway_testkit::upstream::Upstream;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::{Instant, timeout};

const KEY: &str = "sk-operator";

async fn status(gateway: &Gateway) -> Value {
    let view = gateway.get("/admin/status").await;
    assert_eq!(view.status, 200, "{view:?}");
    view.json()
}

/// Looks until what is shown is as wanted.
async fn status_satisfies(gateway: &Gateway, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = status(gateway).await;
        if wanted(&status) {
            return status;
        }
        assert!(Instant::now() < until, "it stays like this: {status:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn find<'v>(list: &'v Value, key: &str, value: &str) -> Option<&'v Value> {
    list.as_array()?.iter().find(|it| it[key] == value)
}

/// Waits until the stream of this name is in this state.
async fn stream(gateway: &Gateway, id: &str, state: &str) -> Value {
    let is = |status: &Value| Some(find(&status["streams"], "call_id", id)?["state"] == state);
    let status = status_satisfies(gateway, |status| is(status) == Some(true)).await;
    find(&status["streams"], "call_id", id).unwrap().clone()
}

async fn order(gateway: &Gateway, path: &str, order: &Value) -> (u16, Value) {
    let request = Request::post(path, order).bearer(KEY);
    let view = gateway.answer(&request).await;
    (view.status, view.json())
}

async fn cut(gateway: &Gateway, id: &str) {
    let (status, told) = order(gateway, &format!("/admin/streams/{id}/cut"), &json!({})).await;
    assert_eq!((status, &told["cut"]), (200, &json!(1)), "{told}");
}

/// A client that reads the head of a stream, and nothing more.
async fn unread(gateway: &Gateway, carry: Carry, request: &Request) -> Live {
    if carry == Carry::Http2 {
        let mut client = gateway.http2().await;
        let mut exchange = client.open(request).await.unwrap();
        exchange.stop_releasing();
        exchange.head().await.unwrap();
        return Live::Http2(Box::new(client), Box::new(exchange));
    }
    let options = ConnectOptions {
        receive_buffer: Some(8192),
        ..ConnectOptions::default()
    };
    let mut client = Http1Client::connect_with(gateway.addr(), options)
        .await
        .unwrap();
    client.send(request).await.unwrap();
    client.head().await.unwrap();
    Live::Http1(Box::new(client))
}

fn flooding(stream: &Stream) -> Script {
    stream.begun(1).step(Step::Flood(vec![b'\n'; 2048].into()))
}

#[tokio::test]
async fn a_stream_is_shown_with_where_it_stands() {
    let upstream = Stream::upstream(|_| Script::new().stall()).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let _waiting = Live::open(&gateway, Carry::Http1, &request).await;
    let shown = stream(&gateway, &id, "waiting").await;
    assert_eq!(shown["api"], "openai_chat", "{shown}");
    assert_eq!(
        (&shown["model"], &shown["events"]),
        (&json!("double"), &json!(0))
    );
    assert!(shown["deployment"].is_string() && shown["first_content_ms"].is_null());

    upstream.set_handler(|request| Stream::answering(request).begun(2).stall());
    let (request, id) = call::named(call::streaming(Wire::AnthropicMessages, "hello"));
    let mut streaming = Live::open(&gateway, Carry::Http2, &request).await;
    streaming.head().await.unwrap();
    let shown = stream(&gateway, &id, "streaming").await;
    assert_eq!(shown["generation"], 1, "{shown}");
    assert!(shown["first_content_ms"].as_f64() > Some(0.0), "{shown}");
    assert!(
        shown["bytes"].as_u64() > Some(0) && shown["events"].as_u64() > Some(1),
        "{shown}"
    );

    upstream.set_handler(|request| flooding(&Stream::answering(request)));
    for carry in CARRIES {
        let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
        let _stuck = unread(&gateway, carry, &request).await;
        let shown = stream(&gateway, &id, "stalled").await;
        assert!(shown["stalled_for"].as_f64() >= Some(1.0), "{shown}");
    }
    let status = status_satisfies(&gateway, |it| it["streams_total"] == 2).await;
    assert_eq!(status["calls"]["active"], 2, "{status}");
}

#[tokio::test]
async fn a_stream_that_an_operator_cuts_ends_with_an_error_event() {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for carry in CARRIES {
        for wire in call::STREAMING {
            let (request, id) = call::named(call::streaming(wire, "hello"));
            let mut live = Live::open(&gateway, carry, &request).await;
            live.head().await.unwrap();
            live.content().await;
            cut(&gateway, &id).await;
            let (events, end) = live.rest().await;
            let last = events.last().unwrap();
            assert!(last.data.contains("operator ended this call"), "{events:?}");
            let broken = match carry {
                Carry::Http1 => end != BodyEnd::Clean,
                Carry::Http2 => end == BodyEnd::Clean,
            };
            assert!(broken, "{carry:?} {end:?}");
            let record = gateway.record(&id).await;
            assert_eq!(record["end"], "cancelled", "{record}");
        }
    }
    let (missing, _) = order(&gateway, "/admin/streams/nobody/cut", &json!({})).await;
    assert_eq!(missing, 404);
    gate.open();
    let view = gateway
        .answer(&call::streaming(Wire::OpenAiChat, "hello"))
        .await;
    assert!(view.is_complete(), "{view:?}");
}

#[tokio::test]
async fn a_stream_that_waits_can_be_cut_before_its_head_and_behind_heartbeats() {
    let upstream = Stream::upstream(|_| Script::new().stall()).await;
    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0))
        .start()
        .await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut live = gateway.http1().await;
    live.send(&request).await.unwrap();
    stream(&gateway, &id, "waiting").await;
    cut(&gateway, &id).await;
    let view = live.view().await;
    assert!(view.status >= 500, "{view:?}");
    assert!(
        view.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("operator")
    );
    assert_eq!(gateway.record(&id).await["end"], "cancelled");

    let gateway = Setup::serving(&upstream.url())
        .set("gateway.heartbeat_seconds", json!(0.2))
        .start()
        .await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    let head = live.head().await.unwrap();
    assert_eq!(head.status, 200, "by the first heartbeat");
    cut(&gateway, &id).await;
    let (events, _) = live.rest().await;
    let last = events.last().unwrap();
    assert!(last.data.contains("operator ended this call"), "{events:?}");
    assert_eq!(gateway.record(&id).await["end"], "cancelled");
}

#[tokio::test]
async fn a_stream_whose_client_does_not_read_can_be_cut() {
    let upstream = Stream::upstream(|stream| flooding(&stream)).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for carry in CARRIES {
        let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
        let _stuck = unread(&gateway, carry, &request).await;
        stream(&gateway, &id, "stalled").await;
        cut(&gateway, &id).await;
        let record = gateway.record(&id).await;
        assert_eq!(record["end"], "cancelled", "{carry:?}: {record}");
    }
    status_satisfies(&gateway, |it| it["streams_total"] == 0).await;
}

#[tokio::test]
async fn a_drained_deployment_finishes_what_it_runs_and_gets_nothing_new() {
    let gate = Gate::new();
    let west = Stream::held_after_one(&gate).await;
    let east = Upstream::plain().await;
    let gateway = Setup::new()
        .deployment(
            Wire::OpenAiChat,
            "double",
            "west",
            &west.url(),
            &json!({"order": 1}),
        )
        .deployment(
            Wire::OpenAiChat,
            "double",
            "east",
            &east.url(),
            &json!({"order": 2}),
        )
        .start()
        .await;
    let request = call::streaming(Wire::OpenAiChat, "hello");
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    let drain = "/admin/deployments/west/drain";
    let (code, told) = order(&gateway, drain, &json!({"drained": true})).await;
    assert_eq!((code, &told["drained"]), (200, &json!(true)));
    for _ in 0..5 {
        let (view, record) = call::call(&gateway, Carry::Http1, request.clone()).await;
        assert!(view.is_complete(), "{view:?}");
        assert_eq!(record["deployment"], "east");
    }
    let shown = status_satisfies(&gateway, |it| it["deployments"][0]["state"] == "drained").await;
    let shown = &shown["deployments"][0];
    assert_eq!(
        (&shown["id"], &shown["active"]),
        (&json!("west"), &json!(1)),
        "{shown}"
    );
    assert!(shown["returns_in"].is_null(), "{shown}");
    gateway.reload().await;
    assert_eq!(status(&gateway).await["deployments"][0]["state"], "drained");
    gate.open();
    let (events, end) = live.rest().await;
    let said: String = events.iter().map(|event| event.text()).collect();
    assert_eq!((said, end), (text(5), BodyEnd::Clean));
    order(&gateway, drain, &json!({"drained": false})).await;
    let (_, record) = call::call(&gateway, Carry::Http1, request).await;
    assert_eq!(record["deployment"], "west");
}

#[tokio::test]
async fn an_order_that_makes_no_sense_drains_nobody() {
    let upstream = Upstream::plain().await;
    let params = json!({});
    let gateway = Setup::new()
        .deployment(Wire::OpenAiChat, "double", "west", &upstream.url(), &params)
        .start()
        .await;
    let drain = "/admin/deployments/west/drain";
    for (path, wrong, expected) in [
        (drain, json!({}), 400),
        (drain, json!({"drained": "yes"}), 400),
        (
            "/admin/deployments/north/drain",
            json!({"drained": true}),
            404,
        ),
    ] {
        assert_eq!(
            order(&gateway, path, &wrong).await.0,
            expected,
            "{path} {wrong}"
        );
    }
    assert_eq!(status(&gateway).await["deployments"][0]["state"], "ready");
}

#[tokio::test]
async fn rates_percentiles_and_failures_are_those_of_the_calls_that_were_made() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for _ in 0..20 {
        let view = gateway
            .answer(&call::plain(Wire::OpenAiChat, "hello"))
            .await;
        assert_eq!(view.status, 200);
    }
    upstream.set_handler(|_| Script::json(429, &json!({"error": {"message": "slow down"}})));
    for _ in 0..4 {
        let view = gateway
            .answer(&call::plain(Wire::OpenAiChat, "hello"))
            .await;
        assert_eq!(view.status, 429);
    }
    let wanted = |it: &Value| it["failures"][0]["count"] == 4;
    let status = status_satisfies(&gateway, wanted).await;
    let calls = &status["calls"];
    for name in ["overhead_ms", "first_content_ms"] {
        let read = |at: &str| calls[name][at].as_f64().unwrap();
        assert!(
            read("p50") > 0.0 && read("p50") <= read("p99"),
            "{status:#}"
        );
        assert!(read("p99") < 5000.0, "{status:#}");
    }
    assert!(calls["per_second"].as_f64() > Some(0.3), "{status:#}");
    assert!(
        calls["failures_per_second"].as_f64() > Some(0.0),
        "{status:#}"
    );
    let deployment = &status["deployments"][0];
    let success = deployment["success"].as_f64().unwrap();
    assert!((success - 20.0 / 24.0).abs() < 0.01, "{deployment:#}");
    assert_eq!(
        deployment["failures"],
        json!({"rate_limit": 4}),
        "{deployment:#}"
    );
    assert!(deployment["first_content_ms"]["p50"].as_f64() > Some(0.0));
    assert!(deployment["tokens_per_second"].as_f64() > Some(0.0));
    assert_eq!(deployment["provider"], "openai");
    let failure = &status["failures"][0];
    assert_eq!(failure["cause"], "rate_limit", "{failure}");
    assert_eq!(failure["last"]["status"], 429, "{failure}");
    assert!(!failure["last"]["message"].as_str().unwrap().is_empty());
    assert!(!status.to_string().contains("sk-provider"));
    assert_eq!(status["state"], "ready");
    assert_eq!(status["config"]["generation"], 1);
    assert!(status["pools"][0]["generations"][0]["number"].is_u64());
}

/// The states of the first lane of a timeline.
fn lanes(timeline: &Value) -> Option<String> {
    timeline["lanes"][0]["states"].as_str().map(str::to_owned)
}

/// The timeline, as soon as it is as wanted.
async fn timeline(gateway: &Gateway, wanted: impl Fn(&str, &Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let timeline = gateway.get("/admin/timeline").await.json();
        if wanted(&lanes(&timeline).unwrap_or_default(), &timeline) {
            return timeline;
        }
        assert!(Instant::now() < until, "it stays like this: {timeline:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn the_timeline_has_a_lane_per_deployment_and_marks_what_happened() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::new()
        .deployment(
            Wire::OpenAiChat,
            "double",
            "west",
            &upstream.url(),
            &json!({}),
        )
        .start()
        .await;
    gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello"))
        .await;
    // One look before anything changes.
    let seen = timeline(&gateway, |states, _| states.contains('r')).await;
    assert_eq!(
        (&seen["step"], &seen["lanes"][0]["id"]),
        (&json!(5), &json!("west"))
    );
    gateway.rotate(&json!({})).await;
    let mut config = gateway.config();
    config["gateway"]["heartbeat_seconds"] = json!(7);
    gateway.configure(&config);
    gateway.reload().await;
    let cooldown = "/admin/deployments/west/cooldown";
    order(&gateway, cooldown, &json!({"seconds": 100})).await;
    let marked = |timeline: &Value, kind: &str| find(&timeline["marks"], "kind", kind).cloned();
    timeline(&gateway, |states, _| states.ends_with('s')).await;
    order(&gateway, cooldown, &json!({"seconds": 0})).await;
    let back = timeline(&gateway, |states, it| {
        states.ends_with('r') && find(&it["marks"], "kind", "recovery").is_some()
    });
    let seen = back.await;
    let rotation = marked(&seen, "rotation").unwrap();
    assert_eq!(rotation["text"], "generation 2 (command)", "{seen:#}");
    assert_eq!(
        rotation["subject"],
        format!("{}", upstream.url()),
        "{seen:#}"
    );
    assert!(marked(&seen, "reload").is_some(), "{seen:#}");
    let cooldown = marked(&seen, "cooldown").unwrap();
    assert_eq!(cooldown["subject"], "west");
    let said = cooldown["text"].as_str().unwrap();
    assert!(said.starts_with("set aside"), "{said}");
    let span = seen["to"].as_f64().unwrap() - seen["from"].as_f64().unwrap();
    let columns = lanes(&seen).unwrap().len();
    assert!((span - 5.0 * columns as f64).abs() < 0.01, "{seen:#}");
}

#[tokio::test]
async fn whoever_watches_sees_each_second_over_a_reload_and_keeps_no_process_alive() {
    let upstream = Upstream::plain().await;
    let mut gateway = Setup::serving(&upstream.url())
        .master_key(KEY)
        .start()
        .await
        .with_key(KEY);
    assert_eq!(
        gateway.answer(&Request::get("/admin/live")).await.status,
        401
    );
    let mut watcher = gateway.http1().await;
    watcher
        .send(&Request::get("/admin/live").bearer(KEY))
        .await
        .unwrap();
    let head = watcher.head().await.unwrap();
    assert_eq!(head.status, 200);
    let kind = head
        .headers
        .iter()
        .find(|(name, _)| *name == "content-type");
    assert_eq!(kind.unwrap().1, "text/event-stream");
    let mut config = gateway.config();
    config["gateway"]["heartbeat_seconds"] = json!(7);
    gateway.configure(&config);
    gateway.reload().await;
    let (mut generation, mut marked, mut column) = (0, false, false);
    let until = Instant::now() + PATIENCE;
    while generation < 2 || !marked || !column {
        assert!(Instant::now() < until, "{generation} {marked} {column}");
        let event = watcher.event().await.unwrap().unwrap();
        let data: Value = serde_json::from_str(&event.data).unwrap();
        match event.name.as_str() {
            "status" => generation = data["config"]["generation"].as_u64().unwrap(),
            "timeline" => {
                marked |= find(&data["marks"], "kind", "reload").is_some();
                column |= data["lanes"][0]["states"]
                    .as_str()
                    .is_some_and(|it| it.len() == 1);
            }
            other => panic!("{other:?}"),
        }
    }
    gateway.signal(Signal::TERM);
    let mut draining = false;
    while let Ok(Some(event)) = watcher.event().await {
        draining |= event.data.contains("\"draining\"");
    }
    assert!(draining);
    assert!(gateway.exited().await.success());
}

/// Runs a command of the gateway's own binary.
async fn run(gateway: &Gateway, args: &[&str]) -> Done {
    let url = gateway.url();
    let mut command = Command::new(binary::gateway_server());
    command
        .args(args)
        .args(["--url", &url, "--key", KEY])
        .env_clear();
    command::finish(command).await
}

#[tokio::test]
async fn commands_show_and_steer_a_gateway_that_runs() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::new()
        .deployment(
            Wire::OpenAiChat,
            "double",
            "we/st",
            &upstream.url(),
            &json!({}),
        )
        .master_key(KEY)
        .start()
        .await
        .with_key(KEY);
    gateway
        .answer(&call::plain(Wire::OpenAiChat, "hello").bearer(KEY))
        .await;
    let shown = run(&gateway, &["status"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for part in ["ready", "generation 1", "we/st", "double", &upstream.url()] {
        assert!(shown.stdout.contains(part), "{part}\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains('\u{1b}'));
    let json = run(&gateway, &["status", "--json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["deployments"][0]["id"], "we/st");

    let rotated = run(&gateway, &["rotate"]).await;
    assert!(
        rotated.stdout.contains("generation 2 in place of 1"),
        "{rotated:?}"
    );
    let rotated = run(&gateway, &["rotate", "nowhere.example"]).await;
    assert_eq!(rotated.code, Some(1), "{rotated:?}");
    assert!(rotated.stderr.contains("nowhere.example"), "{rotated:?}");

    let aside = run(&gateway, &["cooldown", "we/st", "--seconds", "30"]).await;
    assert_eq!(
        aside.stdout, "we/st (double) is set aside for 30 s.\n",
        "{aside:?}"
    );
    let aside = run(&gateway, &["status"]).await;
    assert!(aside.stdout.contains("set aside (ordered)"), "{aside:?}");
    let back = run(&gateway, &["cooldown", "we/st", "--clear"]).await;
    assert_eq!(back.stdout, "we/st (double) is back.\n", "{back:?}");

    let mut config = gateway.config();
    config["gateway"]["heartbeat_seconds"] = json!(7);
    gateway.configure(&config);
    let reloaded = run(&gateway, &["reload"]).await;
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    assert!(reloaded.stdout.contains("generation 2"), "{reloaded:?}");
    config["gateway"]["heartbeat_seconds"] = json!("never");
    gateway.configure(&config);
    let refused = run(&gateway, &["reload"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stdout.contains("config.yaml:1:"), "{refused:?}");
    assert!(refused.stdout.contains("is refused"), "{refused:?}");
}

#[tokio::test]
async fn a_command_that_is_not_let_in_says_what_to_do() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url())
        .master_key(KEY)
        .start()
        .await;
    let program = binary::gateway_server();
    let ask = async |args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).env_clear();
        command::finish(command).await
    };
    let url = gateway.url();
    let refused = ask(&["status", "--url", &url]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--key"), "{refused:?}");
    let refused = ask(&["top", "-n", "1", "--url", &url, "--key", "sk-wrong"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("not valid") && !refused.stderr.contains("sk-wrong"));
    let closed = Setup::serving(&upstream.url())
        .set("gateway.admin.enabled", json!(false))
        .start()
        .await;
    let refused = ask(&["status", "--url", &closed.url()]).await;
    assert!(
        refused.stderr.contains("gateway.admin.enabled"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn top_without_a_terminal_prints_one_picture_after_the_other() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let shown = run(&gateway, &["top", "-n", "2"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert_eq!(
        shown.stdout.matches("DEPLOYMENT").count(),
        2,
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("LAST MINUTES"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\u{1b}'));
}

/// `top` in a terminal of its own, up to its first picture.
async fn top(gateway: &Gateway) -> (tokio::process::Child, Vec<u8>) {
    let top = format!(
        "stty rows 30 columns 60; exec {} top --url {} --key {KEY}",
        binary::gateway_server().display(),
        gateway.url()
    );
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--flush",
        "--return",
        "--command",
        &top,
        "/dev/null",
    ]);
    command
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .env_remove("NO_COLOR");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("util-linux has `script`");
    let mut screen = Vec::new();
    let out = child.stdout.as_mut().unwrap();
    while !String::from_utf8_lossy(&screen).contains("LAST MINUTES") {
        let read = timeout(PATIENCE, out.read_buf(&mut screen)).await;
        let read = read.expect("a picture comes").unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&screen));
    }
    (child, screen)
}

#[tokio::test]
async fn top_takes_the_screen_and_gives_it_back() {
    let upstream = Upstream::plain().await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    for key in [b"q", b"\x03"] {
        let (mut child, mut screen) = top(&gateway).await;
        child.stdin.as_mut().unwrap().write_all(key).await.unwrap();
        let rest = child.stdout.as_mut().unwrap().read_to_end(&mut screen);
        timeout(PATIENCE, rest).await.expect("it ends").unwrap();
        let screen = String::from_utf8_lossy(&screen).into_owned();
        assert!(child.wait().await.unwrap().success(), "{screen}");
        let (before, taken) = screen.split_once("\u{1b}[?1049h").unwrap();
        assert!(!before.contains("DEPLOYMENT"), "{before}");
        let (pictures, after) = taken.rsplit_once("\u{1b}[?25h\u{1b}[?1049l").unwrap();
        assert!(!after.contains("DEPLOYMENT"), "{after}");
        assert!(
            pictures.contains("\u{1b}[1m"),
            "headings are bold: {pictures}"
        );
        for line in pictures.split("\r\n") {
            let mut seen = String::new();
            let mut rest = line;
            while let Some((text, escape)) = rest.split_once('\u{1b}') {
                seen.push_str(text);
                rest = escape.trim_start_matches(|it: char| !it.is_ascii_alphabetic());
                rest = rest.get(1..).unwrap_or_default();
            }
            seen.push_str(rest);
            let seen = seen.trim_end_matches('\r');
            assert!(seen.chars().count() <= 60, "{seen:?}");
        }
    }
}
