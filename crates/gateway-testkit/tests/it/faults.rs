//! Every fault of the matrix, seen by a raw client.

use std::collections::HashSet;
use std::pin::Pin;
use std::time::Duration;

use gateway_testkit::ca::TestCa;
use gateway_testkit::client::{
    BodyEnd, ClientView, ConnectOptions, Http1Client, Http2Client, Request,
};
use gateway_testkit::fault::{self, At, Expect, Fault, Faulty, Setup};
use gateway_testkit::upstream::ExchangeEnd;

const MOMENTS: [At; 3] = [At::Plain, At::BeforeFirstEvent, At::AfterFirstEvent];

/// What a client without opinions saw; `None` if it could not connect.
async fn look(
    faulty: &Faulty,
    setup: &Setup<'_>,
    request: &Request,
    patience: Duration,
) -> Option<ClientView> {
    let tls = |alpn: &str| {
        let config = setup.ca.map(|ca| ca.client_config(None, &[alpn]));
        config.map(|config| (config, "localhost".to_owned()))
    };
    let alpn = if setup.http2 { "h2" } else { "http/1.1" };
    let options = ConnectOptions {
        tls: tls(alpn),
        receive_buffer: None,
    };
    let connect = Http1Client::connect_with(faulty.addr(), options.clone());
    let mut one = tokio::time::timeout(patience, connect).await.ok()?.ok()?;
    if !setup.http2 {
        one.set_deadline(patience);
        one.set_limit(MOST);
        return Some(limited(one.call(request), patience).await);
    }
    drop(one);
    let settings = h2::client::Builder::new();
    let mut two = Http2Client::connect_with(faulty.addr(), options, &settings).await;
    two.set_deadline(patience);
    two.set_limit(MOST);
    Some(limited(two.call(request), patience).await)
}

/// Floods never end by themselves.
async fn limited(call: impl Future<Output = ClientView>, patience: Duration) -> ClientView {
    match tokio::time::timeout(patience * 2, call).await {
        Ok(view) => view,
        Err(_) => ClientView {
            status: 0,
            headers: Vec::new(),
            interim: Vec::new(),
            body: bytes::Bytes::new(),
            trailers: Vec::new(),
            events: Vec::new(),
            comments: Vec::new(),
            end: BodyEnd::Deadline,
        },
    }
}

fn requests(at: At) -> Vec<Request> {
    let all = [
        Request::chat("hello"),
        Request::messages("hello"),
        Request::post(
            "/v1/completions",
            &serde_json::json!({"model": "double", "prompt": "x"}),
        ),
    ];
    match at {
        At::Plain => all.into(),
        At::BeforeFirstEvent | At::AfterFirstEvent => all.map(Request::streaming).into(),
    }
}

/// Whether a trusting client takes this for a good answer.
fn looks_good(view: &ClientView, at: At) -> bool {
    let whole = match at {
        At::Plain => {
            let text = String::from_utf8_lossy(&view.body);
            let json: serde_json::Value =
                serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
            json["id"].is_string() && json["error"].is_null()
        }
        At::BeforeFirstEvent | At::AfterFirstEvent => {
            view.has_marker() && view.error_event().is_none() && !view.text().is_empty()
        }
    };
    view.status == 200 && whole
}

/// Faults that only a careful client notices.
const SUBTLE: [&str; 5] = [
    "error-after-preamble",
    "unknown-coding",
    "length-duplicate-different",
    "length-too-long",
    "rst-no-error-early",
];

/// Faults that only a lenient client forgives.
const LENIENT: [&str; 1] = ["no-blank-line-after-marker"];
/// What is wrong with the fault, in words.
async fn check(fault: &Fault, setup: &Setup<'_>, request: &Request) -> Result<(), String> {
    let faulty = fault.start(setup).await;
    let patience = match fault.expect {
        Expect::Completes => PATIENCE * 20,
        // Nothing hangs there.
        _ if (31..=36).contains(&fault.row) => PATIENCE * 20,
        _ => PATIENCE,
    };
    let view = look(&faulty, setup, request, patience).await;
    let good = view.as_ref().is_some_and(|view| looks_good(view, setup.at));
    let status = view.as_ref().map_or(0, |view| view.status);
    let what = summary(view.as_ref());
    match fault.expect {
        Expect::Completes if !good && !LENIENT.contains(&fault.name) => {
            return Err(format!("should look good: {what}"));
        }
        Expect::Fails(_) | Expect::Floods if good && !SUBTLE.contains(&fault.name) => {
            return Err(format!("should look bad: {what}"));
        }
        Expect::Fails(statuses)
            if [31, 32, 33].contains(&fault.row) && !statuses.contains(&status) =>
        {
            return Err(format!("should have another status: {what}"));
        }
        _ => {}
    }
    if let Some(upstream) = faulty.upstream() {
        for exchange in upstream.exchanges() {
            if matches!(exchange.end, Some(ExchangeEnd::BadScript(_))) {
                return Err(format!("{:?}", exchange.end));
            }
        }
    }
    tokio::time::timeout(Duration::from_secs(5), faulty.stop())
        .await
        .map_err(|_| "does not stop".to_owned())
}

fn summary(view: Option<&ClientView>) -> String {
    let Some(view) = view else {
        return "no connection".to_owned();
    };
    let body = String::from_utf8_lossy(&view.body);
    let tail: String = body.chars().rev().take(200).collect();
    let tail: String = tail.chars().rev().collect();
    format!(
        "{} {:?}, ...{tail:?}, {:?}",
        view.status, view.end, view.headers
    )
}

/// All faults that fit, some at a time.
async fn check_all(ca: Option<&TestCa>, http2: bool) {
    let mut cases = Vec::new();
    for (fault, at) in fault::all().flat_map(|fault| MOMENTS.map(|at| (fault, at))) {
        let setup = Setup {
            at,
            ca,
            http2,
            pause: Duration::from_millis(60),
        };
        if fault.fits(&setup) {
            let mut requests = requests(at);
            if ca.is_some() || http2 {
                // Each dialect has had each fault already, so one of them in turn will do.
                requests = vec![requests.swap_remove(cases.len() % 3)];
            }
            cases.extend(requests.into_iter().map(|request| (fault, setup, request)));
        }
    }
    assert!(cases.len() > 150, "{}", cases.len());
    let mut wrong = Vec::new();
    for some in cases.chunks(48) {
        let mut running: Vec<_> = some
            .iter()
            .map(|(fault, setup, request)| Box::pin(check(fault, setup, request)))
            .collect();
        for ((fault, setup, request), result) in some.iter().zip(all_of(&mut running).await) {
            if let Err(why) = result {
                wrong.push(format!(
                    "{fault} at {:?}, {}: {why}",
                    setup.at, request.target
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Polls all of them until all are ready.
async fn all_of<F: Future + Unpin>(futures: &mut [F]) -> Vec<F::Output> {
    let mut results: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let std::task::Poll::Ready(done) = Pin::new(future).poll(cx)
            {
                *result = Some(done);
            }
        }
        if results.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

#[tokio::test]
async fn every_fault_is_what_it_says_on_http1() {
    check_all(None, false).await;
}

#[tokio::test]
async fn every_fault_is_what_it_says_on_http2() {
    check_all(None, true).await;
}

#[tokio::test]
async fn every_fault_is_what_it_says_on_tls() {
    let ca = TestCa::new();
    check_all(Some(&ca), false).await;
}

#[tokio::test]
async fn every_fault_is_what_it_says_on_http2_and_tls() {
    let ca = TestCa::new();
    check_all(Some(&ca), true).await;
}

#[test]
fn the_table_is_complete_and_names_are_unique() {
    let rows: HashSet<u8> = fault::all().map(|fault| fault.row).collect();
    let wanted = (1..=45).filter(|row| ![3].contains(row)).chain([48, 50]);
    for row in wanted {
        assert!(rows.contains(&row), "row {row} is missing");
    }
    let mut names = HashSet::new();
    for fault in fault::all() {
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
        assert!(!fault.at.is_empty());
        assert!(std::ptr::eq(fault::by_name(fault.name).unwrap(), fault));
    }
}

#[tokio::test]
async fn the_ways_to_end_are_told_apart() {
    let cases = [
        ("rst", BodyEnd::Reset),
        ("fin", BodyEnd::Eof),
        ("fin-length", BodyEnd::Eof),
        ("fin-inside-chunk", BodyEnd::Eof),
        ("clean-end-early", BodyEnd::Clean),
        ("close-delimited-cut", BodyEnd::Clean),
        ("stall", BodyEnd::Deadline),
        ("error-event", BodyEnd::Clean),
    ];
    for (name, end) in cases {
        let setup = Setup::plain(At::AfterFirstEvent);
        let faulty = fault::by_name(name).unwrap().start(&setup).await;
        for request in requests(At::AfterFirstEvent) {
            let view = look(&faulty, &setup, &request, PATIENCE).await.unwrap();
            assert_eq!((view.status, &view.end), (200, &end), "{name}");
            assert!(
                view.text().starts_with("w0 xxxxxw1 xxxxx"),
                "{name}: {view:?}"
            );
            assert!(!view.has_marker(), "{name}");
            assert_eq!(view.error_event().is_some(), name == "error-event");
        }
    }
}

#[tokio::test]
async fn token_requests_are_answered_whatever_the_fault() {
    let setup = Setup::plain(At::Plain);
    let faulty = fault::by_name("rst").unwrap().start(&setup).await;
    let models = look(&faulty, &setup, &Request::get("/v1/models"), PATIENCE)
        .await
        .unwrap();
    assert_eq!(models.status, 200);
}

const PATIENCE: Duration = Duration::from_millis(300);
const MOST: usize = 4 << 20;
