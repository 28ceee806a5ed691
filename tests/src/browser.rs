//! Headless Chromium, driven over its DevTools protocol.
//!
//! It speaks the protocol over a pair of pipes: no port, no client library, and no version of one that has to fit.

mod page;
mod wire;

pub use page::Page;

use std::process::Stdio;
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use wire::Wire;

/// A browser of one test. Dropping it kills the process.
#[derive(Debug)]
pub struct Browser {
    wire: Arc<Wire>,
    _child: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts it, without a profile, without a window, and without a way to anywhere but loopback.
    ///
    /// # Panics
    /// If there is none: it is the Debian package `chromium`.
    pub async fn start() -> Self {
        let profile = TempDir::with_prefix("browser-").expect("a directory can be made");
        // It reads from descriptor 3 and writes to 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"]);
        command.arg("chromium").args(ARGUMENTS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("there is a shell");
        let input = child.stdin.take().expect("it is a pipe");
        let output = child.stdout.take().expect("it is a pipe");
        let browser = Self {
            wire: Wire::new(input, output),
            _child: child,
            _profile: profile,
        };
        browser
            .wire
            .call("Browser.getVersion", json!({}), None)
            .await;
        browser
    }

    /// A page that shares nothing with others, not yet anywhere.
    ///
    /// # Panics
    /// If the browser has gone.
    pub async fn page(&self) -> Page {
        let call = async |method, params| self.wire.call(method, params, None).await;
        let context = call("Target.createBrowserContext", json!({})).await;
        let context = &context["browserContextId"];
        let wanted = json!({"url": "about:blank", "browserContextId": context});
        let target = call("Target.createTarget", wanted).await;
        let wanted = json!({"targetId": target["targetId"], "flatten": true});
        let session = call("Target.attachToTarget", wanted).await;
        let session = session["sessionId"].as_str().expect("it is a text");
        Page::new(Arc::clone(&self.wire), session.to_owned()).await
    }
}

/// Tests run as root in containers, where there is no sandbox, and little shared memory.
const ARGUMENTS: [&str; 15] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--lang=en-US",
];
