//! The volume upstream: right bytes, right pace, honest counters.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_testkit::client::{BodyEnd, ClientView, Http1Client, Request};
use gateway_testkit::volume::{Counters, Volume};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn get(volume: &Volume, request: &Request) -> ClientView {
    Http1Client::connect(volume.addr())
        .await
        .call(request)
        .await
}

fn both(mode: &str) -> [Request; 2] {
    let path = |end: &str| format!("/m/{mode}/v1/{end}");
    [
        Request::chat("x").to(&path("chat/completions")),
        Request::messages("x").to(&path("messages")),
    ]
}

#[tokio::test]
async fn each_mode_gives_a_complete_answer_in_both_dialects() {
    let volume = Volume::start(ANY);
    for request in both("plain-100") {
        let view = get(&volume, &request).await;
        assert_eq!((view.status, view.end.clone()), (200, BodyEnd::Clean));
        assert!(view.json()["id"].is_string());
    }
    for mode in ["events-64", "burst-64"] {
        for request in both(mode) {
            let view = get(&volume, &request).await;
            assert!(view.is_complete(), "{mode}: {view:?}");
            assert_eq!(view.events.len(), 64, "{mode}");
        }
    }
    for request in both("paced-5-2") {
        let view = get(&volume, &request).await;
        assert!(view.is_complete(), "{view:?}");
        assert_eq!(view.text().matches("t=").count(), 5);
    }
    let counters = volume.counters();
    assert_eq!((counters.requests, counters.streams_open), (8, 0));
    volume.stop().await;
}

#[tokio::test]
async fn a_request_without_a_mode_gets_what_its_body_asks_for() {
    let volume = Volume::start(ANY);
    let view = get(&volume, &Request::chat("x").streaming()).await;
    assert_eq!(view.events.len(), 64);
    assert!(get(&volume, &Request::chat("x")).await.json()["id"].is_string());
    let by_header = Request::chat("x").with("x-volume", "events-10");
    assert_eq!(get(&volume, &by_header).await.events.len(), 10);
    assert_eq!(get(&volume, &both("nonsense")[0]).await.status, 404);
}

#[tokio::test]
async fn a_connection_is_reused_after_each_mode_and_pipelining_works() {
    let volume = Volume::start(ANY);
    let mut client = Http1Client::connect(volume.addr()).await;
    for mode in ["plain", "events-64", "burst-64", "paced-3-1", "plain"] {
        for request in both(mode) {
            assert_eq!(client.call(&request).await.end, BodyEnd::Clean, "{mode}");
        }
    }
    let [one, two] = both("paced-3-1");
    client
        .send_raw([one.to_http1(), two.to_http1()].concat())
        .await
        .unwrap();
    assert!(client.view().await.is_complete());
    assert!(client.view().await.is_complete());
    assert_eq!(volume.counters().connections_total, 1);
}

#[tokio::test]
async fn paced_events_come_at_their_time_and_say_when_they_were_written() {
    let volume = Volume::start(ANY);
    let mut client = Http1Client::connect(volume.addr()).await;
    client.send(&both("paced-10-20")[0]).await.unwrap();
    client.head().await.unwrap();
    let started = tokio::time::Instant::now();
    let mut events = 0;
    while let Some(event) = client.event().await.unwrap() {
        if let Some(text) = event.text().strip_prefix("t=") {
            let written: u128 = text.split(' ').next().unwrap().parse().unwrap();
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_nanos();
            assert!(now - written < 1_000_000_000);
            events += 1;
        }
    }
    assert_eq!(events, 10);
    let took = started.elapsed();
    assert!(took > Duration::from_millis(180), "{took:?}");
}

#[tokio::test]
async fn idle_streams_end_properly_when_released_over_http() {
    let volume = Volume::start(ANY);
    let mut clients = Vec::new();
    for request in both("idle") {
        let mut client = Http1Client::connect(volume.addr()).await;
        client.send(&request).await.unwrap();
        client.head().await.unwrap();
        while client.event().await.unwrap().unwrap().text() != "hello" {}
        clients.push(client);
    }
    assert_eq!(volume.counters().streams_open, 2);
    get(
        &volume,
        &Request::post("/volume/release", &serde_json::json!({})),
    )
    .await;
    for client in &mut clients {
        let mut last = None;
        while let Some(event) = client.event().await.unwrap() {
            last = Some(event);
        }
        assert!(last.unwrap().is_marker());
    }
    let counters = get(&volume, &Request::get("/volume/counters")).await.json();
    let counters = Counters::from_json(&counters);
    assert_eq!((counters.streams_open, counters.streams_finished), (0, 2));
}

#[tokio::test]
async fn streams_whose_client_goes_are_counted_and_freed() {
    let volume = Volume::start(ANY);
    for mode in ["idle", "paced-100000-1", "paced-100-5000"] {
        let mut client = Http1Client::connect(volume.addr()).await;
        client.send(&both(mode)[1]).await.unwrap();
        client.head().await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(5), async {
        while volume.counters().streams_abandoned < 3 || volume.counters().connections_open > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("all three are noticed");
}

#[tokio::test]
async fn a_reader_that_stops_loses_nothing_and_costs_no_memory() {
    let volume = Volume::start(ANY);
    let mut client = Http1Client::connect(volume.addr()).await;
    client.send(&both("paced-300-1-100000")[0]).await.unwrap();
    client.head().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), async {
        while volume.counters().events_behind == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the socket fills up");
    let mut texts = 0;
    while let Some(event) = client.event().await.unwrap() {
        texts += usize::from(event.text().len() == 100_000);
    }
    assert_eq!(texts, 300);
}

#[test]
fn threads_share_one_port_and_serve_many_streams() {
    let volume = Volume::on_threads(ANY, 2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..300 {
            let mut client = Http1Client::connect(volume.addr()).await;
            client.send(&both("paced-20-5")[0]).await.unwrap();
            clients.push(client);
        }
        for mut client in clients {
            assert!(client.view().await.is_complete());
        }
        assert_eq!(volume.counters().streams_finished, 300);
        volume.stop().await;
    });
}
