//! One page: what is on it, what its user does, and what went wrong.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::wire::Wire;
use crate::{PATIENCE, binary};

/// A page.
#[derive(Debug)]
pub struct Page {
    wire: Arc<Wire>,
    session: String,
}

impl Page {
    pub(super) async fn new(wire: Arc<Wire>, session: String) -> Self {
        let page = Self { wire, session };
        for domain in ["Page", "Runtime", "Log", "Network", "Audits"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        // Of the moment when it happened, whatever becomes of it later.
        let watch = "addEventListener('securitypolicyviolation', (it) => \
                     console.error(`policy: ${it.violatedDirective} ${it.blockedURI}`));";
        page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": watch}),
        )
        .await;
        page.size(1440, 1000).await;
        page
    }

    /// Goes there.
    pub async fn open(&self, url: &str) {
        let gone = self.call("Page.navigate", json!({"url": url})).await;
        assert!(gone["errorText"].is_null(), "{url}: {gone}");
        self.until("document.readyState === 'complete'").await;
    }

    /// The value of an expression; a promise is waited for.
    ///
    /// # Panics
    /// If it throws.
    pub async fn eval(&self, expression: &str) -> Value {
        let mut said = self.evaluate(expression).await;
        let thrown = &said["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown:#}");
        said["result"]["value"].take()
    }

    /// Waits until an expression holds, and gives its value.
    ///
    /// # Panics
    /// With what the page shows, if that does not happen.
    pub async fn until(&self, expression: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // While a page is left, there may be nobody to ask.
            let said = self.evaluate(expression).await;
            let value = &said["result"]["value"];
            let holds = !matches!(value, Value::Null | Value::Bool(false));
            if holds && value != "" && value != 0 {
                return value.clone();
            }
            if Instant::now() > until {
                let shown = self.eval("document.body.innerText").await;
                let shown = shown.as_str().unwrap_or_default();
                let complaints = self.complaints();
                panic!("never so: {expression}\n{complaints:#?}\nthe page:\n{shown}");
            }
            sleep(POLL).await;
        }
    }

    /// Waits until the page shows this text somewhere.
    pub async fn shows(&self, text: &str) {
        let text = json!(text);
        self.until(&format!("document.body.innerText.includes({text})"))
            .await;
    }

    /// Clicks into the middle of what a selector finds.
    pub async fn click(&self, selector: &str) {
        let find = format!(
            "(() => {{ const it = document.querySelector({}); if (!it) return; \
             it.scrollIntoView({{block: 'center'}}); const box = it.getBoundingClientRect(); \
             return box.width && [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let at = self.until(&find).await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Presses a key by its name: `Tab`, `Enter`, `Escape`, `ArrowLeft`, …
    ///
    /// # Panics
    /// If the key is not known here.
    pub async fn press(&self, key: &str) {
        let (code, text) = match key {
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            "Escape" => (27, None),
            " " => (32, Some(" ")),
            "End" => (35, None),
            "Home" => (36, None),
            "ArrowLeft" => (37, None),
            "ArrowRight" => (39, None),
            other => panic!("{other:?} is no key that is known here"),
        };
        let mut event =
            json!({"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code});
        if let Some(text) = text {
            event["text"] = text.into();
        }
        self.call("Input.dispatchKeyEvent", event.clone()).await;
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event).await;
    }

    /// Types a text where the focus is.
    pub async fn types(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Presses Tab until what a selector finds has the focus.
    ///
    /// # Panics
    /// If it is never reached.
    pub async fn tab_to(&self, selector: &str) {
        let here = format!(
            "document.activeElement?.matches({}) === true",
            json!(selector)
        );
        for _ in 0..TABS {
            if self.eval(&here).await == true {
                return;
            }
            self.press("Tab").await;
        }
        panic!("{selector} cannot be reached by Tab");
    }

    /// The size of its window. Below 500 it is a phone's.
    pub async fn size(&self, width: u32, height: u32) {
        let phone = width < 500;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// What the user's system prefers: `light` or `dark`.
    pub async fn prefers(&self, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        let media = json!({"features": [feature]});
        self.call("Emulation.setEmulatedMedia", media).await;
    }

    /// Writes a picture of all of it into the folder `pictures` of the target directory, and says where.
    ///
    /// # Panics
    /// If the folder is not writable.
    pub async fn picture(&self, name: &str) -> PathBuf {
        let wanted = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.call("Page.captureScreenshot", wanted).await;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().unwrap_or_default());
        let folder = binary::target_dir().join("pictures");
        fs::create_dir_all(&folder).expect("the target directory is writable");
        let file = folder.join(format!("{name}.png"));
        fs::write(&file, bytes.expect("it is Base64")).expect("the folder is writable");
        file
    }

    /// What the page complained of: errors and warnings of its console, what it threw, and what its policy forbade.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let events = self.wire.events(&self.session);
        let complaint = |event: &Value| {
            let params = &event["params"];
            let level = |of: &Value| matches!(of.as_str(), Some("error" | "warning" | "assert"));
            let told = match event["method"].as_str()? {
                "Runtime.consoleAPICalled" if level(&params["type"]) => &params["args"],
                "Runtime.exceptionThrown" => &params["exceptionDetails"],
                "Log.entryAdded" if level(&params["entry"]["level"]) => &params["entry"],
                "Audits.issueAdded" => &params["issue"],
                _ => return None,
            };
            Some(told.to_string())
        };
        events.iter().filter_map(complaint).collect()
    }

    /// Every address that the page asked for.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let events = self.wire.events(&self.session);
        let asked = events
            .iter()
            .filter(|event| event["method"] == "Network.requestWillBeSent")
            .filter_map(|event| event["params"]["request"]["url"].as_str());
        asked.map(str::to_owned).collect()
    }

    async fn evaluate(&self, expression: &str) -> Value {
        let wanted = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        self.call("Runtime.evaluate", wanted).await
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.wire.call(method, params, Some(&self.session)).await
    }
}

/// How often a page is looked at.
const POLL: Duration = Duration::from_millis(50);
/// More than there is to reach on a page.
const TABS: usize = 200;
