//! The DevTools protocol: JSON messages, each closed by a zero byte.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::time::{Duration, timeout};
use tokio_util::task::TaskTracker;

/// The way to a browser.
#[derive(Debug)]
pub(super) struct Wire {
    input: AsyncMutex<ChildStdin>,
    next: AtomicU64,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// What happened, in order.
    events: Vec<Value>,
}

impl Wire {
    pub(super) fn new(input: ChildStdin, output: ChildStdout) -> Arc<Self> {
        let wire = Arc::new(Self {
            input: AsyncMutex::new(input),
            next: AtomicU64::new(1),
            heard: Mutex::default(),
        });
        let reading = Arc::clone(&wire);
        // It ends with the process.
        TaskTracker::new().spawn(async move { reading.read(output).await });
        wire
    }

    /// Calls a method and gives its result.
    ///
    /// # Panics
    /// If the browser refuses it, or does not answer.
    pub(super) async fn call(&self, method: &str, params: Value, session: Option<&str>) -> Value {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.heard().waiting.insert(id, tell);
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let mut input = self.input.lock().await;
        let written = input.write_all(&bytes).await;
        drop(input);
        written.expect("the browser (Debian package `chromium`) runs");
        let answer = timeout(LIMIT, told).await;
        let mut answer = answer
            .unwrap_or_else(|_| panic!("{method} is not answered"))
            .unwrap_or_else(|_| {
                panic!("the browser (Debian package `chromium`) has gone: {method}")
            });
        assert!(answer["error"].is_null(), "{method}: {answer:#}");
        answer["result"].take()
    }

    /// What happened in this session so far.
    pub(super) fn events(&self, session: &str) -> Vec<Value> {
        let heard = self.heard();
        let events = heard.events.iter();
        events
            .filter(|event| event["sessionId"] == session)
            .cloned()
            .collect()
    }

    async fn read(&self, output: ChildStdout) {
        let mut output = BufReader::new(output);
        loop {
            let mut bytes = Vec::new();
            let read = output.read_until(0, &mut bytes).await;
            if bytes.pop() != Some(0) || read.is_err() {
                break;
            }
            let message: Value = serde_json::from_slice(&bytes).expect("the protocol is JSON");
            let mut heard = self.heard();
            let answered = message["id"].as_u64();
            match answered.and_then(|id| heard.waiting.remove(&id)) {
                // Who does not wait any more does not want it.
                Some(tell) => drop(tell.send(message)),
                None => heard.events.push(message),
            }
        }
        self.heard().waiting.clear();
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a browser on a loaded machine: a check of a whole page is one call.
const LIMIT: Duration = Duration::from_secs(60);
