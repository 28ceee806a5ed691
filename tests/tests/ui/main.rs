//! The page for operators, in a real browser: on the real gateway, and on one that is made up where a busy one is wanted.

// The exception in clippy.toml reaches test functions only, not what they share.
#![allow(clippy::unwrap_used)]

mod orders;
mod scene;

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use end_to_end::{Browser, Page, Setup, published};
use gateway_testkit::client::{ClientView, Request};
use gateway_testkit::script::{Gate, Script};
use gateway_testkit::upstream::{Recorded, Upstream};
use scene::Scene;
use serde_json::json;

/// The page as the real gateway serves it.
async fn served() -> ClientView {
    let gateway = Setup::serving(NOWHERE).start().await;
    let view = gateway.get("/ui").await;
    assert_eq!(view.status, 200, "{view:?}");
    view
}

/// A made-up gateway. `live` answers the requests for reports.
async fn made_up(
    scene: &Scene,
    live: impl Fn(&Recorded) -> Script + Send + Sync + 'static,
) -> Upstream {
    let page = served().await;
    let timeline = scene.timeline();
    Upstream::answering(move |request| match request.path() {
        "/ui" => scene::again(&page),
        "/admin/timeline" => Script::json(200, &timeline),
        "/admin/live" => live(request),
        path => panic!("the page asks for {path}"),
    })
    .await
}

/// The page of a scene after two minutes of reports.
async fn shown(browser: &Browser, scene: &Scene) -> (Upstream, Page) {
    let reports = scene.clone();
    let gateway = made_up(scene, move |_| {
        let past = scene::live((-119..=0).map(|second| reports.status(second)));
        let next = (1..=60).map(|second| scene::event("status", &reports.status(second)));
        let paced = next.fold(past, |all, it| all.sleep(SECOND).bytes(it));
        paced.stall()
    })
    .await;
    let page = browser.page().await;
    page.prefers("light").await;
    page.open(&format!("{}/ui", gateway.url())).await;
    page.until(LIVE).await;
    (gateway, page)
}

/// Nothing was wrong, and nobody else was asked for anything.
fn assert_clean(page: &Page, url: &str) {
    assert_eq!(page.complaints(), [""; 0]);
    for request in page.requests() {
        let own = request.starts_with(&format!("{url}/")) || request.starts_with("data:");
        assert!(own, "{request}");
    }
}

/// The page's own words for "what is shown is what is".
const LIVE: &str = "document.querySelector('#link').textContent === 'live'";

/// By how much the page is wider than its window.
const SIDEWAYS: &str =
    "document.documentElement.scrollWidth - document.documentElement.clientWidth";

#[tokio::test]
async fn the_page_is_public_kept_by_its_tag_and_allows_nothing_from_elsewhere() {
    let gateway = Setup::serving(NOWHERE)
        .master_key("sk-operator")
        .start()
        .await;
    let view = gateway.get("/ui").await;
    assert_eq!(view.status, 200, "{view:?}");
    assert_eq!(
        view.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(view.header("x-content-type-options"), Some("nosniff"));
    let policy = view.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'sha256-"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    let tag = view.header("etag").unwrap();
    let again = Request::get("/ui").with("if-none-match", tag);
    let again = gateway.answer(&again).await;
    assert_eq!((again.status, again.body.len()), (304, 0), "{again:?}");
    // What it shows is not public.
    assert_eq!(gateway.get("/admin/pools").await.status, 401);
}

#[tokio::test]
async fn the_page_is_where_the_admin_routes_are_and_nowhere_else() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let setup = Setup::serving(NOWHERE).set("gateway.admin.port", json!(free.port()));
    let gateway = setup.start().await;
    assert_eq!(gateway.get("/ui").await.status, 404);
    // Nobody has said where: on loopback.
    let mut admin = gateway_testkit::client::Http1Client::connect(free).await;
    assert_eq!(admin.call(&Request::get("/ui")).await.status, 200);
    let own = setup_addresses(free.port());
    assert_eq!(own, ["0100007F"], "of 127.0.0.1 only");
    let off = Setup::serving(NOWHERE).set("gateway.admin.enabled", json!(false));
    let gateway = off.start().await;
    assert_eq!(gateway.get("/ui").await.status, 404);
}

/// The addresses (hexadecimal, as in proc_net(5)) of IPv4 that somebody listens on at this port.
fn setup_addresses(port: u16) -> Vec<String> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let wanted = format!(":{port:04X}");
    let listening = table.lines().filter(|line| line.contains(" 0A "));
    let local = listening.filter_map(|line| line.split_whitespace().nth(1));
    local
        .filter_map(|at| at.strip_suffix(&wanted).map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_busy_gateway_is_shown_in_light_in_dark_and_on_a_phone() {
    let browser = Browser::start().await;
    let (gateway, page) = shown(&browser, &Scene::busy()).await;
    page.until("document.querySelectorAll('#deployments-table tbody tr').length === 10")
        .await;
    page.until("document.querySelectorAll('.lane').length === 10")
        .await;
    for text in [
        "set aside",
        "for 4",
        "probation",
        "gen 8",
        "draining for",
        "client is slow",
        "rate limit",
    ] {
        page.shows(text).await;
    }
    let colors = "getComputedStyle(document.body).backgroundColor";
    page.size(1440, 1080).await;
    let light = page.eval(colors).await;
    page.picture("ops-page-light").await;
    page.prefers("dark").await;
    let dark = page.eval(colors).await;
    assert_ne!(light, dark);
    page.picture("ops-page-dark").await;
    // What is chosen on the page counts for more than what the system prefers.
    page.click("#theme").await;
    assert_eq!(page.eval(colors).await, light);
    page.click("#theme").await;
    page.prefers("light").await;
    assert_eq!(page.eval(colors).await, dark);
    page.click("#theme").await;
    for width in [400, 360, 320] {
        page.size(width, 780).await;
        page.until("document.querySelector('#more-deployments').offsetWidth > 0")
            .await;
        assert_eq!(page.eval(SIDEWAYS).await, 0, "at {width}");
    }
    page.size(360, 780).await;
    page.picture("ops-page-phone").await;
    page.size(820, 1100).await;
    assert_eq!(page.eval(SIDEWAYS).await, 0);
    page.picture("ops-page-tablet").await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn nobody_is_shut_out() {
    let axe = tokio::task::spawn_blocking(|| published::installed("axe.json")).await;
    let axe = axe.unwrap().join("node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).unwrap();
    let browser = Browser::start().await;
    let (_gateway, page) = shown(&browser, &Scene::busy()).await;
    page.eval(&format!("{axe}; true")).await;
    for (scheme, width, click) in [
        ("light", 1440, None),
        ("dark", 1440, None),
        ("light", 360, None),
        ("dark", 360, Some("#deployments-table .acts button")),
        ("light", 1440, Some("#rotate-all")),
    ] {
        page.prefers(scheme).await;
        page.size(width, 1000).await;
        if let Some(click) = click {
            page.click(click).await;
            page.until("document.querySelector('#confirm').open").await;
        }
        let found = "axe.run(document).then((it) => it.violations.map((rule) => \
                     ({rule: rule.id, impact: rule.impact, at: rule.nodes.slice(0, 4).map((node) => node.html + node.failureSummary)})))";
        let found = page.eval(found).await;
        assert_eq!(found, json!([]), "{scheme}, {width}, {click:?}: {found:#}");
        page.press("Escape").await;
    }
}

#[tokio::test]
async fn what_happened_is_told_to_who_uses_the_keyboard_only() {
    let browser = Browser::start().await;
    let (gateway, page) = shown(&browser, &Scene::busy()).await;
    page.tab_to(".mark").await;
    page.until("!document.querySelector('#tip').hidden").await;
    let last = page.eval("document.activeElement.ariaLabel").await;
    assert!(
        last.as_str().unwrap().contains("Generation 5, by command."),
        "{last}"
    );
    page.press("ArrowLeft").await;
    let before = page.eval("document.activeElement.ariaLabel").await;
    assert!(
        before.as_str().unwrap().contains("burst of failures"),
        "{before}"
    );
    page.shows("17 failures within a second.").await;
    page.press("Escape").await;
    page.until("document.querySelector('#tip').hidden").await;
    // One stop for all marks, and the focus is seen where it is.
    page.press("Tab").await;
    page.until("!document.activeElement.matches('.mark')").await;
    let outline = "getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(page.eval(outline).await, "solid");
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_report_about_two_hundred_deployments_makes_no_new_row() {
    let browser = Browser::start().await;
    let scene = Scene::crowded(200, 50);
    let reports = scene.clone();
    let begin = Gate::new();
    let gate = begin.clone();
    let gateway = made_up(&scene, move |_| {
        let later = (1..=20).map(|second| scene::event("status", &reports.status(second)));
        scene::live([reports.status(0)])
            .wait(&gate)
            .all(later)
            .stall()
    })
    .await;
    let page = browser.page().await;
    page.open(&format!("{}/ui", gateway.url())).await;
    page.until("document.querySelectorAll('#deployments-table tbody tr').length === 200")
        .await;
    page.until("document.querySelectorAll('#streams-table tbody tr').length === 50")
        .await;
    let watch = "window.made = []; window.first = performance.now(); \
                 new MutationObserver((all) => { for (const it of all) for (const node of it.addedNodes) \
                 if (node.nodeType === 1) made.push(node.outerHTML); }).observe(document.querySelector('main'), {childList: true, subtree: true}); true";
    page.eval(watch).await;
    let before = page.eval("performance.now()").await;
    begin.open();
    page.until("document.querySelector('#uptime').textContent && [...document.querySelectorAll('#streams-table tbody tr')].at(-1).textContent.includes('22 s')")
        .await;
    let took = page.eval("performance.now()").await.as_f64().unwrap() - before.as_f64().unwrap();
    assert_eq!(page.eval("made").await, json!([]));
    // Of a second each, on a machine that does other things, too.
    assert!(took < 4000.0, "20 reports took {took} ms");
    println!("20 reports about 200 deployments and 50 streams took {took:.0} ms, looking included");
    page.types("").await;
    page.click("#filter").await;
    page.types("served-77").await;
    page.until("document.querySelectorAll('#deployments-table tbody tr').length === 1")
        .await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn text_from_outside_is_never_markup() {
    let browser = Browser::start().await;
    let evil = "<img src=x onerror=alert(1)><b>bold</b>";
    let scene = Scene::busy()
        .deployment(0, "model_name", json!(evil))
        .deployment(1, "reason", json!(evil));
    let (gateway, page) = shown(&browser, &scene).await;
    page.shows(evil).await;
    assert_eq!(
        page.eval("document.querySelectorAll('img').length").await,
        0
    );
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_told_and_found_again() {
    let browser = Browser::start().await;
    let scene = Scene::busy();
    let (leave, back) = (Gate::new(), Arc::new(AtomicBool::new(true)));
    let (gate, there, reports) = (leave.clone(), Arc::clone(&back), scene.clone());
    let gateway = made_up(&scene, move |_| {
        if !there.load(Ordering::Relaxed) {
            return Script::json(503, &json!({"error": {"message": "not now"}}));
        }
        let begun = scene::live([reports.status(0)]);
        if gate.is_open() {
            begun.stall()
        } else {
            begun.wait(&gate).end()
        }
    })
    .await;
    let page = browser.page().await;
    page.open(&format!("{}/ui", gateway.url())).await;
    page.until(LIVE).await;
    back.store(false, Ordering::Relaxed);
    leave.open();
    page.until("document.querySelector('#link').textContent === 'stale'")
        .await;
    page.shows("not now").await;
    page.until("document.querySelector('#notice').innerText.includes('Next try in')")
        .await;
    assert_eq!(
        page.eval("document.body.hasAttribute('data-stale')").await,
        true
    );
    back.store(true, Ordering::Relaxed);
    page.click("#notice-act").await;
    page.until(LIVE).await;
    page.until("document.querySelector('#notice').hidden").await;
    // Now it is there, but says nothing more.
    page.shows("The gateway is silent.").await;
}

/// Between two reports.
const SECOND: Duration = Duration::from_secs(1);
/// A provider that nobody calls.
const NOWHERE: &str = "http://127.0.0.1:9";
