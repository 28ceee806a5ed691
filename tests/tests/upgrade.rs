//! One process hands the service over to the next: nobody is refused, no stream is cut, no request on an idle connection
//! is lost, and a process that cannot come changes nothing.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use end_to_end::call::{self, CARRIES, Carry};
use end_to_end::{Generations, PATIENCE, Setup, Stream, binary, command, page};
use gateway_testkit::client::{
    BodyEnd, ClientView, ConnectOptions, Http1Client, Http2Client, Request,
};
use gateway_testkit::dialect::{Dialects, Knobs, Wire, wants_stream};
use gateway_testkit::process::free_address;
use gateway_testkit::upstream::Upstream;
use rustix::process::Signal;
use serde_json::json;
use tokio_util::task::TaskTracker;

/// How often the process is replaced in continuous integration.
const CYCLES: usize = 20;
/// Streams in flight all the time.
const STREAMS: usize = 100;

/// What clients have seen.
#[derive(Default)]
struct Seen {
    stop: AtomicBool,
    requests: AtomicU64,
    streams: AtomicU64,
    faults: Mutex<BTreeMap<String, u64>>,
}

impl Seen {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn fault(&self, what: String) {
        *self.faults.lock().unwrap().entry(what).or_default() += 1;
    }

    fn judge(&self, how: &str, view: &ClientView) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if view.status != 200 || view.end != BodyEnd::Clean {
            self.fault(format!("{how}: {} {:?}", view.status, view.end));
        }
    }
}

async fn connect(seen: &Seen, addr: SocketAddr) -> Option<Http1Client> {
    match Http1Client::connect_with(addr, ConnectOptions::default()).await {
        Ok(mut client) => {
            client.set_deadline(PATIENCE);
            Some(client)
        }
        Err(error) => {
            seen.fault(format!("refused: {error}"));
            None
        }
    }
}

/// A new connection per request, without a pause.
async fn newcomer(seen: Arc<Seen>, addr: SocketAddr) {
    while !seen.is_over() {
        let Some(mut client) = connect(&seen, addr).await else {
            continue;
        };
        let view = client.call(&call::plain(Wire::OpenAiChat, "new")).await;
        seen.judge("new connection", &view);
    }
}

/// One connection for as long as it is said to be good for another request.
async fn regular(seen: Arc<Seen>, addr: SocketAddr, pause: Duration) {
    let mut kept = None;
    while !seen.is_over() {
        let mut client = match kept.take() {
            Some(client) => client,
            None => match connect(&seen, addr).await {
                Some(client) => client,
                None => continue,
            },
        };
        let view = client.call(&call::plain(Wire::OpenAiChat, "again")).await;
        seen.judge("kept connection", &view);
        if view.status == 200 && view.header("connection") != Some("close") {
            kept = Some(client);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The same over HTTP/2: a connection is left when the gateway says so.
async fn multiplexer(seen: Arc<Seen>, addr: SocketAddr) {
    let mut kept: Option<Http2Client> = None;
    while !seen.is_over() {
        let mut client = match kept.take() {
            Some(client) => client,
            // A refusal is a panic, which the test sees.
            None => Http2Client::connect(addr).await,
        };
        client.set_deadline(PATIENCE);
        match client.open(&call::plain(Wire::OpenAiChat, "more")).await {
            Ok(exchange) => {
                seen.judge("HTTP/2", &exchange.view().await);
                kept = Some(client);
            }
            // Told to leave before anything was sent: that is no request.
            Err(BodyEnd::GoAway(0) | BodyEnd::Eof) => {}
            Err(end) => seen.fault(format!("HTTP/2 open: {end:?}")),
        }
    }
}

/// Streams, one after the other, that live longer than a process accepts.
async fn reader(seen: Arc<Seen>, addr: SocketAddr, number: usize) {
    let wire = call::STREAMING[number % call::STREAMING.len()];
    let carry = CARRIES[number % 2];
    while !seen.is_over() {
        let request = call::streaming(wire, "hello");
        let view = match carry {
            Carry::Http1 => match connect(&seen, addr).await {
                Some(mut client) => client.call(&request).await,
                None => continue,
            },
            Carry::Http2 => {
                let mut client = Http2Client::connect(addr).await;
                client.set_deadline(PATIENCE);
                client.call(&request).await
            }
        };
        seen.streams.fetch_add(1, Ordering::Relaxed);
        if view.status != 200 || view.end != BodyEnd::Clean || !view.has_marker() {
            let last = view.events.last().map(|event| event.data.clone());
            seen.fault(format!(
                "{wire:?} {carry:?} stream: {} {:?} {last:?}",
                view.status, view.end
            ));
        }
    }
}

/// A provider whose streams take a while, and whose plain answers do not.
async fn slow_streams() -> Upstream {
    let plain = Dialects::with(Knobs::default());
    Upstream::answering(move |request| {
        if !wants_stream(request) {
            return plain.answer(request);
        }
        let stream = Stream::answering(request);
        let more = stream.after(2).to_vec();
        let begun = stream.begun(2).sleep(Duration::from_millis(600));
        begun.all(more).sleep(Duration::from_millis(300)).end()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_refused_cut_or_lost_while_the_process_is_replaced_again_and_again() {
    let upstream = slow_streams().await;
    let setup = Setup::serving(&upstream.url()).set("gateway.keepalive_timeout", json!(3));
    let mut gateway = Generations::start(setup, &[]).await;
    let (addr, seen, tasks) = (
        gateway.addr(),
        Arc::new(Seen::default()),
        TaskTracker::new(),
    );
    let mut clients = vec![tasks.spawn(newcomer(Arc::clone(&seen), addr))];
    for pause in [0, 5, 50] {
        let pause = Duration::from_millis(pause);
        clients.push(tasks.spawn(regular(Arc::clone(&seen), addr, pause)));
    }
    clients.push(tasks.spawn(multiplexer(Arc::clone(&seen), addr)));
    for number in 0..STREAMS {
        clients.push(tasks.spawn(reader(Arc::clone(&seen), addr, number)));
    }
    let mut most = 0;
    for cycle in 0..CYCLES {
        // Streams end between any two processes, and others begin.
        let ended = u64::try_from(cycle * STREAMS / 10).unwrap();
        while seen.streams.load(Ordering::Relaxed) < ended {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut upgraded = gateway.upgrade().await;
        while upgraded.status == 409 {
            // A worker of the old process took this connection in the moment in which it was told to take no more.
            upgraded = gateway.upgrade().await;
        }
        assert_eq!(upgraded.status, 200, "{upgraded:?}");
        most = most.max(gateway.living().len());
        gateway.living_at_most(8).await;
    }
    seen.stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let faults = seen.faults.lock().unwrap().clone();
    assert!(faults.is_empty(), "{faults:#?}");
    let (requests, streams) = (&seen.requests, &seen.streams);
    assert!(requests.load(Ordering::Relaxed) > 200, "{requests:?}");
    assert!(streams.load(Ordering::Relaxed) > 200, "{streams:?}");
    gateway.living_at_most(1).await;
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    gateway.says("stopped", CYCLES).await;
    assert!(most <= 10, "{most} processes at once");
}

#[tokio::test]
async fn a_request_on_a_connection_that_was_idle_is_answered_and_is_the_last_one() {
    let upstream = Upstream::plain().await;
    let mut gateway = Generations::start(Setup::serving(&upstream.url()), &[]).await;
    let request = call::plain(Wire::OpenAiChat, "hello");
    let mut idle = gateway.first.http1().await;
    assert_eq!(idle.call(&request).await.status, 200);
    // One in the middle of its head, and one that has said nothing yet.
    let whole = request.to_http1();
    let (half, rest) = whole.split_at(whole.len() / 2);
    let mut slow = gateway.first.http1().await;
    slow.send_raw(half.to_vec()).await.unwrap();
    let mut silent = gateway.first.http1().await;
    let mut http2 = gateway.first.http2().await;
    assert_eq!(http2.call(&request).await.status, 200);
    assert_eq!(gateway.upgrade().await.status, 200);
    gateway.first.says("handed over").await;
    slow.send_raw(rest.to_vec()).await.unwrap();
    for (client, asked) in [(&mut idle, false), (&mut silent, false), (&mut slow, true)] {
        if !asked {
            client.send(&request).await.unwrap();
        }
        let view = client.view().await;
        assert_eq!(view.status, 200, "{view:?}");
        assert_eq!(view.header("connection"), Some("close"), "{view:?}");
        client.closed().await.unwrap();
    }
    let told = http2.open(&request).await;
    assert!(told.is_err(), "HTTP/2 was not told to leave");
    assert_eq!(gateway.first.exited().await.code(), Some(0));
}

#[tokio::test]
async fn who_looks_on_does_not_keep_the_old_process() {
    let mut gateway = Generations::start(Setup::serving(NOWHERE), &[]).await;
    let mut watcher = gateway.first.http1().await;
    watcher.send(&Request::get("/admin/live")).await.unwrap();
    assert_eq!(watcher.head().await.unwrap().status, 200);
    assert_eq!(gateway.upgrade().await.status, 200);
    drop(gateway.first.http1().await);
    while watcher.event().await.is_ok_and(|event| event.is_some()) {}
    drop(watcher);
    assert_eq!(gateway.first.exited().await.code(), Some(0));
}

#[tokio::test]
async fn the_command_says_who_serves_or_why_nobody_else_does() {
    let gateway = Generations::start(Setup::serving(NOWHERE), &[]).await;
    let url = gateway.first.url();
    let upgrade = async || command::run(binary::gateway_server(), ["upgrade", "--url", &url]).await;
    let done = upgrade().await;
    let pid = gateway.serving().await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stdout.contains(&format!("process {pid} serves")),
        "{done:?}"
    );
    gateway.remove_program();
    let done = upgrade().await;
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        done.stderr.contains("goes on as before: cannot start"),
        "{done:?}"
    );
}

#[tokio::test]
async fn a_process_that_cannot_come_leaves_the_old_one_serving_and_the_caller_hears_why() {
    let upstream = Upstream::plain().await;
    let setup = Setup::serving(&upstream.url()).set("gateway.reload.watch", json!(false));
    let gateway = Generations::start(setup, &[]).await;
    let good = gateway.first.config();
    let mut bad = good.clone();
    bad["router_settings"]["tiemout"] = json!(1);
    bad["gateway"]["workers"] = json!("many");
    gateway.first.configure(&bad);
    let refused = gateway.upgrade().await;
    assert_eq!(refused.status, 500, "{refused:?}");
    let why = Generations::message(&refused);
    assert!(why.contains("exit status: 1"), "{why}");
    assert!(
        why.contains("gateway.workers") || why.contains("workers"),
        "{why}"
    );
    gateway.first.configure(&good);
    gateway.remove_program();
    let why = Generations::message(&gateway.upgrade().await);
    assert!(why.contains("cannot start"), "{why}");
    gateway.restore_program();
    let call = gateway
        .first
        .answer(&call::plain(Wire::OpenAiChat, "still here"))
        .await;
    assert_eq!(call.status, 200);
    assert_eq!(gateway.living().len(), 1);
    assert_eq!(gateway.upgrade().await.status, 200);
}

#[tokio::test]
async fn a_process_that_takes_too_long_is_ended() {
    let setup = Setup::serving(NOWHERE).set("gateway.upgrade_timeout", json!(0.3));
    let gateway = Generations::start(setup, &[]).await;
    gateway.block();
    let late = gateway.upgrade().await;
    assert_eq!(late.status, 500, "{late:?}");
    let why = Generations::message(&late);
    assert!(why.contains("not ready within 0.3 s"), "{why}");
    gateway.living_at_most(1).await;
    assert_eq!(gateway.first.get("/health/readiness").await.status, 200);
}

#[tokio::test]
async fn one_upgrade_at_a_time_and_none_while_the_process_drains() {
    let mut gateway = Generations::start(Setup::serving(NOWHERE), &[]).await;
    gateway.block();
    let first = gateway.upgrade();
    let second = async {
        gateway.first.says("a new process is started").await;
        let refused = gateway.upgrade().await;
        gateway.unblock();
        refused
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(second.status, 409, "{second:?}");
    assert!(Generations::message(&second).contains("under way"));
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    let drained = gateway.post("/admin/drain").await;
    assert_eq!(drained.status, 200, "{drained:?}");
    let refused = gateway.upgrade().await;
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(Generations::message(&refused).contains("on its way out"));
}

#[tokio::test]
async fn a_signal_to_stop_ends_the_process_that_was_to_take_over() {
    let mut gateway = Generations::start(Setup::serving(NOWHERE), &[]).await;
    gateway.block();
    gateway.first.signal(Signal::USR2);
    gateway.first.says("a new process is started").await;
    gateway.first.signal(Signal::TERM);
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    gateway.living_at_most(0).await;
}

#[tokio::test]
async fn every_generation_hands_over_to_the_next_by_signal_too() {
    let upstream = Upstream::plain().await;
    let mut gateway = Generations::start(Setup::serving(&upstream.url()), &[]).await;
    let mut before = gateway.serving().await;
    for ended in 1..=3 {
        gateway.signal(i32::try_from(before).unwrap(), Signal::USR2);
        gateway.says("stopped", ended).await;
        let now = gateway.serving().await;
        assert_ne!(now, before);
        let view = gateway
            .first
            .answer(&call::plain(Wire::OpenAiChat, "hello"))
            .await;
        assert_eq!(view.status, 200);
        before = now;
    }
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    assert_eq!(gateway.living().len(), 1);
}

#[tokio::test]
async fn a_listener_that_has_moved_is_opened_newly_and_that_of_operators_is_passed_on() {
    let (old, new, admin) = (free_address(), free_address(), free_address());
    let setup = Setup::serving(NOWHERE)
        .set("gateway.listen.host", json!("127.0.0.1"))
        .set("gateway.listen.port", json!(old.port()))
        .set("gateway.admin.port", json!(admin.port()))
        .set("gateway.reload.watch", json!(false));
    let mut gateway = Generations::start_as_configured(setup, &[]).await;
    let pid = async || {
        let mut operator = Http1Client::connect(admin).await;
        operator.call(&Request::get("/admin/status")).await.json()["pid"].clone()
    };
    let before = pid().await;
    let mut config = gateway.first.config();
    config["gateway"]["listen"]["port"] = json!(new.port());
    gateway.first.configure(&config);
    let mut operator = Http1Client::connect(admin).await;
    operator.set_deadline(PATIENCE);
    let upgraded = operator
        .call(&Request::post("/admin/upgrade", &json!({})))
        .await;
    assert_eq!(upgraded.status, 200, "{upgraded:?}");
    assert_eq!(upgraded.json()["old_pid"], before);
    drop(operator);
    assert_eq!(gateway.first.exited().await.code(), Some(0));
    assert_eq!(pid().await, upgraded.json()["pid"]);
    let mut client = Http1Client::connect(new).await;
    assert_eq!(
        client.call(&Request::get("/health/readiness")).await.status,
        200
    );
    let gone = Http1Client::connect_with(old, ConnectOptions::default()).await;
    assert!(gone.is_err(), "the old port is still open");
}

#[tokio::test]
async fn the_commands_on_the_page_replace_the_process() {
    let setup = Setup::serving(NOWHERE).master_key("sk-page");
    let gateway = Generations::start(setup, &[]).await;
    let all = page::commands("docs/operations/upgrade.md");
    assert_eq!(all.len(), 2);
    let dir = gateway.first.dir().to_owned();
    for block in all {
        page::run(&block, &gateway.first.url(), &dir, "sk-page").await;
    }
    gateway.says("handed over", 2).await;
}

/// A provider that nobody asks.
const NOWHERE: &str = "http://127.0.0.1:9";
