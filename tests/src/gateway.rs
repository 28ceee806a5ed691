//! A running gateway.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use gateway_testkit::client::{ClientView, Http1Client, Http2Client, Request};
use gateway_testkit::process::{Process, Usage};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::PATIENCE;

/// A gateway of one test. Dropping it kills the process.
#[derive(Debug)]
pub struct Gateway {
    process: Process,
    addr: SocketAddr,
    key: Option<String>,
    dir: Option<TempDir>,
}

impl Gateway {
    pub(crate) fn new(process: Process, dir: Option<TempDir>) -> Self {
        let ready = process
            .lines()
            .into_iter()
            .find_map(|line| message(&line, "ready"))
            .expect("it has said so");
        let addr = ready["address"].as_str().and_then(|text| text.parse().ok());
        Self {
            process,
            addr: addr.expect("it says where it listens"),
            key: None,
            dir,
        }
    }

    /// Operator's requests carry this key from now on.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// A new HTTP/1.1 connection.
    pub async fn http1(&self) -> Http1Client {
        let mut client = Http1Client::connect(self.addr).await;
        client.set_deadline(PATIENCE);
        client
    }

    /// A new HTTP/2 connection, by prior knowledge.
    pub async fn http2(&self) -> Http2Client {
        let mut client = Http2Client::connect(self.addr).await;
        client.set_deadline(PATIENCE);
        client
    }

    /// The answer to one request, on a connection of its own.
    pub async fn answer(&self, request: &Request) -> ClientView {
        self.http1().await.call(request).await
    }

    /// The answer to a GET by the operator.
    pub async fn get(&self, path: &str) -> ClientView {
        self.answer(&self.signed(Request::get(path))).await
    }

    /// Where its files lie.
    ///
    /// # Panics
    /// If it was started without a directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("it has a directory").path()
    }

    /// What its configuration says now.
    ///
    /// # Panics
    /// If its configuration was not written by [`Setup`](crate::Setup).
    #[must_use]
    pub fn config(&self) -> Value {
        let text = fs::read(self.dir().join("config.yaml")).expect("it was written");
        serde_json::from_slice(&text).expect("JSON was written")
    }

    /// Writes its configuration anew, as editors do: beside the file, then over it. Tells it nothing.
    pub fn configure(&self, config: &Value) {
        self.replace("config.yaml", &config.to_string());
    }

    /// Writes one of its files anew, beside it, then over it.
    ///
    /// # Panics
    /// If that fails.
    pub fn replace(&self, name: &str, text: &str) {
        let next = self.dir().join(format!("{name}.next"));
        fs::write(&next, text).expect("the directory is writable");
        fs::rename(next, self.dir().join(name)).expect("the directory is writable");
    }

    /// Has its configuration read again, and gives the answer.
    ///
    /// # Panics
    /// If it is neither taken nor refused.
    pub async fn reload(&self) -> Value {
        let request = self.signed(Request::post("/admin/reload", &Value::Null));
        let view = self.answer(&request).await;
        let told = view.json();
        let expected = if told["outcome"] == "refused" {
            422
        } else {
            200
        };
        assert_eq!(view.status, expected, "{view:?}");
        told
    }

    /// What `/admin/pools` shows.
    ///
    /// # Panics
    /// If it answers anything but 200.
    pub async fn pools(&self) -> Value {
        let view = self.get("/admin/pools").await;
        assert_eq!(view.status, 200, "{view:?}");
        view.json()
    }

    /// Waits until the pools look as wanted.
    ///
    /// # Panics
    /// With the pools, if that does not happen.
    pub async fn pools_satisfy(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let pools = self.pools().await;
            if wanted(&pools) {
                return pools;
            }
            assert!(
                Instant::now() < until,
                "the pools stay like this: {pools:#}"
            );
            sleep(POLL).await;
        }
    }

    /// Orders a rotation and gives the answer.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn rotate(&self, order: &Value) -> Value {
        let request = self.signed(Request::post("/admin/pools/rotate", order));
        let view = self.answer(&request).await;
        assert_eq!(view.status, 200, "{view:?}");
        view.json()
    }

    /// The value of a metric with these labels, in the form `name{a="b"}`; `None` if it is not there.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics").await.body;
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().find_map(|line| line.strip_prefix(series))?;
        line.trim().parse().ok()
    }

    /// All lines of output so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// Waits for a line of output.
    ///
    /// # Panics
    /// With the output, if it does not come.
    pub async fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = 0;
        loop {
            let (found, now) = self.process.find_after(seen, &wanted);
            if let Some(line) = found {
                return line;
            }
            seen = now;
            assert!(
                Instant::now() < until,
                "the line did not come; output:\n{}",
                self.lines().join("\n")
            );
            sleep(POLL).await;
        }
    }

    /// Waits for a log line with this message.
    pub async fn says(&self, text: &str) -> Value {
        let line = self.line(|line| message(line, text).is_some()).await;
        message(&line, text).unwrap_or_default()
    }

    /// Waits for the record of the call with this id, the one log line that is written when it has ended.
    ///
    /// # Panics
    /// If it does not come, or comes twice.
    pub async fn record(&self, call_id: &str) -> Value {
        let wanted = format!("\"call_id\":\"{call_id}\"");
        let line = self.line(|line| line.contains(&wanted)).await;
        let records = self.process.count(|line| line.contains(&wanted));
        assert_eq!(records, 1, "records of one call: {wanted}");
        serde_json::from_str(&line).expect("a record is JSON")
    }

    /// What the process uses now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// Number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sends a signal.
    pub fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Whether the process still runs.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        self.process.exit().is_none()
    }

    /// Waits until the process exits.
    ///
    /// # Panics
    /// With its output, if it does not.
    pub async fn exited(&mut self) -> ExitStatus {
        match self.process.exited(PATIENCE).await {
            Ok(status) => status,
            Err(_) => panic!("it still runs; output:\n{}", self.lines().join("\n")),
        }
    }

    fn signed(&self, request: Request) -> Request {
        match &self.key {
            Some(key) => request.bearer(key),
            None => request,
        }
    }
}

/// The log line with this message, if this is it.
fn message(line: &str, text: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == text).then_some(line)
}

/// How often something is looked at that tells nobody when it changes.
const POLL: Duration = Duration::from_millis(20);
