//! What is done on the page happens to the real gateway, and what happens to it is seen there.

use std::fs;

use end_to_end::call::{self, Carry, Live};
use end_to_end::{Browser, Gateway, Page, Setup, Stream};
use gateway_testkit::client::BodyEnd;
use gateway_testkit::dialect::Wire;
use gateway_testkit::script::Gate;
use gateway_testkit::upstream::Upstream;
use rustix::process::Signal;
use serde_json::json;

use super::{LIVE, NOWHERE, assert_clean};

/// The page of a gateway, live.
async fn page_of(browser: &Browser, gateway: &Gateway) -> Page {
    let page = browser.page().await;
    page.open(&address(gateway)).await;
    page.until(LIVE).await;
    page
}

/// Where its page is. With a key it listens on every address, which is none to go to.
fn address(gateway: &Gateway) -> String {
    format!("http://127.0.0.1:{}/ui", gateway.addr().port())
}

/// A gateway with a stream that stands behind its first content, and the stream's name.
async fn streaming() -> (Upstream, Gate, Gateway, Live, String) {
    let gate = Gate::new();
    let upstream = Stream::held_after_one(&gate).await;
    let gateway = Setup::serving(&upstream.url()).start().await;
    let (request, id) = call::named(call::streaming(Wire::OpenAiChat, "hello"));
    let mut live = Live::open(&gateway, Carry::Http1, &request).await;
    live.head().await.unwrap();
    live.content().await;
    (upstream, gate, gateway, live, id)
}

/// The row of a stream.
fn row(id: &str) -> String {
    format!(
        "[...document.querySelectorAll('#streams-table tbody tr')].find((it) => it.querySelector('code').title === '{id}')"
    )
}

/// What the generations of all pools are said to be, one line each.
const GENERATIONS: &str = "[...document.querySelectorAll('.generation')].map((it) => it.innerText.replaceAll('\\n', ' '))";

#[tokio::test]
async fn a_stream_is_seen_to_survive_a_rotation() {
    let (_upstream, gate, gateway, mut live, id) = streaming().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    page.until(&format!("{}.innerText.includes('gen 1')", row(&id)))
        .await;
    page.until(&format!(
        "{GENERATIONS}.some((it) => it.startsWith('gen 1 1 stream current'))"
    ))
    .await;
    page.click("#rotate-all").await;
    page.shows("nothing is cut").await;
    page.click("#confirm-yes").await;
    page.until("document.querySelector('#toasts').innerText.includes('rotated')")
        .await;
    page.until(&format!(
        "{GENERATIONS}.some((it) => it.startsWith('gen 2 current'))"
    ))
    .await;
    page.until(&format!(
        "{GENERATIONS}.some((it) => it.startsWith('gen 1 1 stream draining'))"
    ))
    .await;
    page.until(&format!(
        "{}.innerText.includes('gen 1 draining')",
        row(&id)
    ))
    .await;
    page.until("document.querySelector('#marks .mark.rotation')?.ariaLabel.includes('rotation')")
        .await;
    page.picture("ops-page-rotation").await;
    gate.open();
    let (events, end) = live.rest().await;
    assert_eq!(end, BodyEnd::Clean, "{events:?}");
    assert_eq!(gateway.record(&id).await["end"], "complete");
    page.until(&format!("!{}", row(&id))).await;
    page.until("!document.querySelector('.generation.draining')")
        .await;
    page.shows("Nothing streams.").await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_stream_is_cut_from_the_page() {
    let (_upstream, _gate, gateway, mut live, id) = streaming().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    page.until(&row(&id)).await;
    page.click("#streams-table .acts button").await;
    page.until(&format!(
        "document.querySelector('#confirm').innerText.includes('{id}')"
    ))
    .await;
    // Not yet: it is asked first, and a no is a no.
    page.press("Escape").await;
    page.until("!document.querySelector('#confirm').open").await;
    assert_eq!(page.eval(&format!("!!{}", row(&id))).await, true);
    page.click("#streams-table .acts button").await;
    page.click("#confirm-yes").await;
    let (events, _) = live.rest().await;
    assert!(events.last().is_some_and(|it| it.is_error()), "{events:?}");
    page.until(&format!("!{}", row(&id))).await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_deployment_is_set_aside_and_brought_back_by_keyboard_alone() {
    let gateway = Setup::serving(NOWHERE).start().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    let first = "document.querySelector('#deployments-table tbody tr')";
    page.until(&format!("{first}?.innerText.includes('ready')"))
        .await;
    page.tab_to("#deployments-table .acts button").await;
    page.press("Enter").await;
    page.until("document.activeElement.name === 'seconds'")
        .await;
    page.types("77").await;
    page.press("Enter").await;
    page.until("document.querySelector('#toasts').innerText.includes('set aside for 1 m 17 s')")
        .await;
    page.until(&format!("{first}.innerText.includes('set aside')"))
        .await;
    let left = format!("{first}.innerText.match(/for (.*) · by an operator/)?.[1]");
    let before = page.until(&left).await;
    page.until(&format!("{left} !== {before}")).await;
    page.until("document.querySelector('#marks .mark.cooldown')")
        .await;
    // Who was on the button is on it still.
    page.until("document.activeElement.innerText === 'Clear'")
        .await;
    page.press("Enter").await;
    page.until("document.querySelector('#confirm').open").await;
    page.press("Enter").await;
    page.until(&format!("{first}.innerText.includes('ready')"))
        .await;
    page.until("document.activeElement.innerText === 'Cool down'")
        .await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_deployment_is_drained_and_put_back() {
    let gateway = Setup::serving(NOWHERE).start().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    let first = "document.querySelector('#deployments-table tbody tr')";
    page.click("#deployments-table .acts button:last-child")
        .await;
    page.click("#confirm-yes").await;
    page.until(&format!("{first}.innerText.includes('drained')"))
        .await;
    page.click("#deployments-table .acts button:last-child")
        .await;
    page.click("#confirm-yes").await;
    page.until(&format!("{first}.innerText.includes('ready')"))
        .await;
    assert_clean(&page, &gateway.url());
}

#[tokio::test]
async fn a_refused_reload_says_where_and_a_good_one_ends_that() {
    let setup = Setup::serving(NOWHERE);
    let file = setup.dir().join("config.yaml");
    let gateway = setup.start().await;
    let good = fs::read_to_string(&file).unwrap();
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    page.shows("generation 1").await;
    fs::write(&file, BROKEN).unwrap();
    page.click("#reload").await;
    page.click("#confirm-yes").await;
    page.until("document.querySelector('#told').open").await;
    let told = page.eval("document.querySelector('#told').innerText").await;
    let told = told.as_str().unwrap();
    assert!(told.contains("config.yaml:5:21"), "{told}");
    assert!(told.contains("simple-shufle"), "{told}");
    page.press("Escape").await;
    // It stays to be seen until it is mended.
    page.until("document.querySelector('#refused').innerText.includes('config.yaml:5:21')")
        .await;
    page.until("document.querySelector('#marks .mark.reload_refused')")
        .await;
    page.shows("generation 1").await;
    page.picture("ops-page-refused").await;
    fs::write(
        &file,
        good.replace("\"workers\":2", "\"workers\":2,\"max_queued\":7"),
    )
    .unwrap();
    page.click("#reload").await;
    page.click("#confirm-yes").await;
    page.until("document.querySelector('#refused').hidden")
        .await;
    page.shows("generation 2").await;
    let complaints = page.complaints();
    let expected = |it: &String| it.contains("the server responded with a status of 422");
    assert!(complaints.iter().all(expected), "{complaints:#?}");
}

#[tokio::test]
async fn the_key_is_asked_for_once_and_kept_in_the_tab() {
    let setup = Setup::serving(NOWHERE).master_key("sk-operator");
    let gateway = &setup.start().await;
    let browser = Browser::start().await;
    let page = browser.page().await;
    page.open(&address(gateway)).await;
    page.until("document.querySelector('#key').open").await;
    page.types("sk-wrong").await;
    page.press("Enter").await;
    page.until("document.querySelector('#key-error').innerText.includes('not the key')")
        .await;
    page.types("sk-operator").await;
    page.press("Enter").await;
    page.until(LIVE).await;
    page.open(&address(gateway)).await;
    page.until(LIVE).await;
    assert_eq!(
        page.eval("document.querySelector('#key').open").await,
        false
    );
    // Another tab knows nothing of it.
    let other = browser.page().await;
    other.open(&address(gateway)).await;
    other.until("document.querySelector('#key').open").await;
    page.click("#forget").await;
    page.until("document.querySelector('#key').open").await;
    let complaints = page.complaints();
    let expected = |it: &String| it.contains("the server responded with a status of 401");
    assert!(complaints.iter().all(expected), "{complaints:#?}");
}

#[tokio::test]
async fn the_key_goes_into_the_header_that_is_configured() {
    let setup = Setup::serving(NOWHERE).master_key("sk-operator");
    let setup = setup.set(
        "general_settings.litellm_key_header_name",
        json!("x-team-key"),
    );
    let gateway = &setup.start().await;
    let browser = Browser::start().await;
    let page = browser.page().await;
    for _ in 0..2 {
        page.open(&address(gateway)).await;
        page.until(&format!("document.querySelector('#key').open || {LIVE}"))
            .await;
        if page.eval("document.querySelector('#key').open").await == true {
            page.types("sk-operator").await;
            page.press("Enter").await;
        }
        page.until(LIVE).await;
    }
}

#[tokio::test]
async fn a_gateway_that_ends_is_seen_to_drain_and_then_to_be_gone() {
    let (_upstream, gate, mut gateway, mut live, id) = streaming().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    gateway.signal(Signal::TERM);
    page.until("document.querySelector('#state').textContent === 'draining'")
        .await;
    page.until("document.querySelector('#reasons').innerText")
        .await;
    assert_eq!(page.eval(&format!("!!{}", row(&id))).await, true);
    gate.open();
    assert_eq!(live.rest().await.1, BodyEnd::Clean);
    assert!(gateway.exited().await.success());
    page.until("document.body.hasAttribute('data-stale')").await;
    page.shows("What is shown is").await;
}

#[tokio::test]
async fn what_would_happen_to_a_call_is_told_in_words() {
    let fallbacks = json!([{"double": ["nobody"]}]);
    let setup = Setup::serving(NOWHERE).set("router_settings.fallbacks", fallbacks);
    let gateway = setup.start().await;
    let browser = Browser::start().await;
    let page = page_of(&browser, &gateway).await;
    page.tab_to("#explain-model").await;
    page.types("doubel").await;
    page.press("Enter").await;
    let answer = "document.querySelector('#answer').innerText";
    page.until(&format!("{answer}.includes('Nearest: \"double\"')"))
        .await;
    page.eval("document.querySelector('#explain-model').value = ''")
        .await;
    page.types("double").await;
    page.press("Enter").await;
    for text in [
        "openai/double",
        "50.0 %",
        "call timer",
        "After a failure",
        "no such group",
    ] {
        page.until(&format!("{answer}.includes('{text}')")).await;
    }
    let raw = page
        .eval(&format!(
            "/[{{}}]|object|undefined|null|NaN/.test({answer})"
        ))
        .await;
    assert_eq!(raw, false, "{}", page.eval(answer).await);
}

/// The fifth line names a strategy that there is not.
const BROKEN: &str = "model_list:
  - model_name: double
    litellm_params: {model: openai/double, api_base: 'http://127.0.0.1:9/v1', api_key: sk-provider}
router_settings:
  routing_strategy: simple-shufle
";
