//! A call in any dialect, over HTTP/1.1 or HTTP/2, read to its end or event by event.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use gateway_testkit::client::{
    BodyEnd, ClientHead, ClientView, Http1Client, Http2Client, Http2Exchange, Request, SseEvent,
};
use gateway_testkit::dialect::Wire;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::PATIENCE;
use crate::gateway::Gateway;
use crate::setup::ANTHROPIC;

/// The HTTP between client and gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Call {
    /// The client's dialect.
    pub wire: Wire,
    /// The client's HTTP.
    pub carry: Carry,
    /// What the client saw.
    pub view: ClientView,
    /// The gateway's log line.
    pub record: Value,
}

/// A call that runs. Dropping it closes the client's connection.
#[derive(Debug)]
pub enum Live {
    /// On a connection of its own.
    Http1(Box<Http1Client>),
    /// The only stream of its connection.
    Http2(Box<Http2Client>, Box<Http2Exchange>),
}

/// The dialects that stream.
pub const STREAMING: [Wire; 3] = [
    Wire::OpenAiChat,
    Wire::OpenAiCompletions,
    Wire::AnthropicMessages,
];

/// All dialects.
pub const WIRES: [Wire; 4] = [
    Wire::OpenAiChat,
    Wire::OpenAiCompletions,
    Wire::OpenAiEmbeddings,
    Wire::AnthropicMessages,
];

/// Both kinds of HTTP.
pub const CARRIES: [Carry; 2] = [Carry::Http1, Carry::Http2];

/// A request for a plain answer in this dialect, to the model `double`.
#[must_use]
pub fn plain(wire: Wire, text: &str) -> Request {
    match wire {
        Wire::OpenAiChat | Wire::AzureChat => Request::chat(text),
        Wire::OpenAiCompletions => Request::post(
            wire.path(),
            &json!({"model": "double", "max_tokens": 64, "prompt": text}),
        ),
        Wire::OpenAiEmbeddings => {
            Request::post(wire.path(), &json!({"model": "double", "input": [text]}))
        }
        Wire::OpenAiResponses => {
            Request::post(wire.path(), &json!({"model": "double", "input": text}))
        }
        Wire::AnthropicMessages => Request::messages(text),
        Wire::Gemini => {
            let contents = json!([{"role": "user", "parts": [{"text": text}]}]);
            Request::post(wire.path(), &json!({"contents": contents}))
        }
    }
}

/// A request for a stream in this dialect, to the model `double`.
#[must_use]
pub fn streaming(wire: Wire, text: &str) -> Request {
    let request = plain(wire, text);
    if wire == Wire::Gemini {
        return request.to("/v1beta/models/double:streamGenerateContent?alt=sse");
    }
    request.streaming()
}

/// A name that no other call has.
#[must_use]
pub fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(
        "call-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The request with a new name, and the name.
#[must_use]
pub fn named(request: Request) -> (Request, String) {
    let id = new_id();
    (request.with("x-litellm-call-id", &id), id)
}

/// Makes the call, reads its answer to the end and waits for its record.
pub async fn call(gateway: &Gateway, carry: Carry, request: Request) -> (ClientView, Value) {
    let (request, id) = named(request);
    let view = view(gateway.addr(), carry, request).await;
    (view, gateway.record(&id).await)
}

/// Makes calls side by side, each on a connection of its own, and waits for their records.
///
/// # Panics
/// If one of them does.
pub async fn calls(gateway: &Gateway, requests: Vec<(Wire, Carry, Request)>) -> Vec<Call> {
    let tasks = TaskTracker::new();
    let mut running = Vec::new();
    for (wire, carry, request) in requests {
        let (request, id) = named(request);
        let view = tasks.spawn(view(gateway.addr(), carry, request));
        running.push((wire, carry, view, id));
    }
    let mut calls = Vec::new();
    for (wire, carry, view, id) in running {
        calls.push(Call {
            wire,
            carry,
            view: view.await.expect("a call does not panic"),
            record: gateway.record(&id).await,
        });
    }
    calls
}

/// Makes the same call in every streaming dialect over both kinds of HTTP, side by side.
pub async fn everywhere(gateway: &Gateway, text: &str) -> Vec<Call> {
    let mut requests = Vec::new();
    for wire in STREAMING {
        for carry in CARRIES {
            requests.push((wire, carry, streaming(wire, text)));
        }
    }
    calls(gateway, requests).await
}

/// The same call on every endpoint, plain and where there is such a thing as a stream, over HTTP/1.1.
#[must_use]
pub fn on_every_endpoint(change: impl Fn(Request) -> Request) -> Vec<(Wire, Carry, Request)> {
    let plain = WIRES.map(|wire| (wire, plain(wire, "hello")));
    let streams = STREAMING.map(|wire| (wire, streaming(wire, "hello")));
    let all = plain.into_iter().chain(streams);
    all.map(|(wire, request)| (wire, Carry::Http1, change(request)))
        .collect()
}

/// The attempts of a call, by its record: `deployment kind outcome` each. Empty if the first one was answered. What
/// dialect a deployment of [`Setup::member`](crate::Setup::member) is for is left out.
#[must_use]
pub fn course(record: &Value) -> Vec<String> {
    let word = |attempt: &Value, key: &str| attempt[key].as_str().unwrap_or("?").to_owned();
    let attempts = record["attempt_log"].as_array().into_iter().flatten();
    attempts
        .map(|it| {
            ["deployment", "kind", "outcome"]
                .map(|key| word(it, key))
                .join(" ")
        })
        .map(|attempt| attempt.replace(ANTHROPIC, ""))
        .collect()
}

async fn view(addr: SocketAddr, carry: Carry, request: Request) -> ClientView {
    match carry {
        Carry::Http1 => {
            let mut client = Http1Client::connect(addr).await;
            client.set_deadline(PATIENCE);
            client.call(&request).await
        }
        Carry::Http2 => {
            let mut client = Http2Client::connect(addr).await;
            client.set_deadline(PATIENCE);
            client.call(&request).await
        }
    }
}

impl Call {
    /// Checks a stream that broke after some content: the text that came, one error event of the dialect as the last
    /// thing, never a marker, the end that this HTTP has for it, and the record.
    ///
    /// # Panics
    /// If one of these is not so.
    pub fn assert_broken(&self, text: &str, end: &str) {
        let view = &self.view;
        assert_eq!(view.status, 200, "{self:#?}");
        assert_eq!(view.text(), text, "{self:#?}");
        assert!(!view.has_marker(), "{self:#?}");
        let errors = view.events.iter().filter(|event| event.is_error()).count();
        assert_eq!(errors, 1, "{self:#?}");
        let last = view.events.last().expect("the error is an event");
        assert!(last.is_error(), "{self:#?}");
        assert_error_shape(self.wire, &last.json());
        match self.carry {
            Carry::Http1 => assert_eq!(view.end, BodyEnd::Eof, "{self:#?}"),
            Carry::Http2 => assert_eq!(view.end, BodyEnd::Clean, "{self:#?}"),
        }
        assert_eq!(self.record["end"], end, "{self:#?}");
        assert_eq!(self.record["status"], 200, "{self:#?}");
        assert!(self.record["error"].is_string(), "{self:#?}");
    }

    /// Checks a call that failed before its stream was opened: a real status, the dialect's error body, the record.
    ///
    /// # Panics
    /// If one of these is not so.
    pub fn assert_refused(&self, status: u16, end: &str) {
        let view = &self.view;
        assert_eq!(view.status, status, "{self:#?}");
        assert_eq!(view.end, BodyEnd::Clean, "{self:#?}");
        assert_eq!(view.header("content-type"), Some("application/json"));
        assert_error_shape(self.wire, &view.json());
        assert_eq!(self.record["end"], end, "{self:#?}");
        assert_eq!(self.record["status"], status, "{self:#?}");
    }

    /// The whole text that the client got, whether it came as a stream or in one piece. Embeddings have none.
    #[must_use]
    pub fn text(&self) -> String {
        let body = self.view.json();
        let text = match self.wire {
            _ if !self.view.events.is_empty() => return self.view.text(),
            Wire::AnthropicMessages => &body["content"][0]["text"],
            Wire::OpenAiCompletions => &body["choices"][0]["text"],
            Wire::OpenAiResponses => &body["output"][0]["content"][0]["text"],
            Wire::Gemini => &body["candidates"][0]["content"]["parts"][0]["text"],
            _ => &body["choices"][0]["message"]["content"],
        };
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Checks that the client has a whole answer, as a stream or in one piece.
    ///
    /// # Panics
    /// If it has not.
    pub fn assert_served(&self) {
        assert_eq!(self.view.status, 200, "{self:#?}");
        assert_eq!(self.record["end"], "complete", "{self:#?}");
        if self.record["stream"] == true {
            assert!(self.view.is_complete(), "{self:#?}");
        } else {
            assert_eq!(self.view.end, BodyEnd::Clean, "{self:#?}");
            assert!(self.view.json().is_object(), "{self:#?}");
        }
    }

    /// Checks that a timer ended the call before its client had anything: 408 in the dialect, which names the timer, its
    /// value in seconds, who said it, and the attempts; the record does so too.
    ///
    /// # Panics
    /// If one of these is not so.
    pub fn assert_expired(&self, timer: &str, seconds: f64, origin: &str) {
        self.assert_refused(408, &format!("timer_{timer}"));
        let body = self.view.json();
        let message = body["error"]["message"].as_str().unwrap_or_default();
        let told = format!("`{timer}` timer of {seconds} s (");
        assert!(message.contains(&told), "{told:?} is missing: {self:#?}");
        assert!(message.contains(origin), "{origin:?} is missing: {self:#?}");
        assert!(message.contains("attempt"), "{self:#?}");
        assert_eq!(self.record["timer"], timer, "{self:#?}");
        let limit = self.record["timer_ms"].as_f64().unwrap_or(-1.0);
        assert!((limit - seconds * 1e3).abs() < 0.5, "{self:#?}");
        let header = self.view.header("x-litellm-timeout");
        let header = header.and_then(|it| it.parse::<f64>().ok());
        assert_eq!(header, Some(seconds), "{self:#?}");
    }

    /// How long the call took, in seconds, by its record.
    ///
    /// # Panics
    /// If the record does not say so.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.record["duration_ms"]
            .as_f64()
            .expect("every record has it")
            / 1e3
    }

    /// Checks a stream that is complete and said so.
    ///
    /// # Panics
    /// If it is not.
    pub fn assert_complete(&self, text: &str) {
        assert!(self.view.is_complete(), "{self:#?}");
        assert_eq!(self.view.text(), text, "{self:#?}");
        assert_eq!(self.record["end"], "complete", "{self:#?}");
        assert_eq!(self.record["status"], 200, "{self:#?}");
    }
}

/// Checks that this is an error as the SDKs of the dialect know it.
///
/// # Panics
/// If it is not.
pub fn assert_error_shape(wire: Wire, body: &Value) {
    let error = &body["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body:#}"
    );
    let kind = match wire {
        Wire::Gemini => &error["status"],
        _ => &error["type"],
    };
    assert!(
        kind.as_str().is_some_and(|kind| !kind.is_empty()),
        "{body:#}"
    );
    match wire {
        Wire::AnthropicMessages => assert_eq!(body["type"], "error", "{body:#}"),
        Wire::Gemini => assert!(error["code"].is_u64(), "{body:#}"),
        _ => {
            let error = error.as_object().expect("it is an object");
            assert!(
                error.contains_key("param") && error.contains_key("code"),
                "{body:#}"
            );
        }
    }
}

impl Live {
    /// Sends the request on a new connection.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub async fn open(gateway: &Gateway, carry: Carry, request: &Request) -> Self {
        match carry {
            Carry::Http1 => {
                let mut client = gateway.http1().await;
                client.send(request).await.expect("the gateway takes it");
                Self::Http1(Box::new(client))
            }
            Carry::Http2 => {
                let mut client = gateway.http2().await;
                let exchange = client.open(request).await.expect("the gateway takes it");
                Self::Http2(Box::new(client), Box::new(exchange))
            }
        }
    }

    /// Reads the head of the answer.
    ///
    /// # Errors
    /// How it ended before.
    pub async fn head(&mut self) -> Result<ClientHead, BodyEnd> {
        match self {
            Self::Http1(client) => client.head().await,
            Self::Http2(_, exchange) => exchange.head().await,
        }
    }

    /// Reads the next event; `None` is the clean end.
    ///
    /// # Errors
    /// How it ended otherwise.
    pub async fn event(&mut self) -> Result<Option<SseEvent>, BodyEnd> {
        match self {
            Self::Http1(client) => client.event().await,
            Self::Http2(_, exchange) => exchange.event().await,
        }
    }

    /// Reads the next piece of the body as it came; `None` is the clean end.
    ///
    /// # Errors
    /// How it ended otherwise.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        match self {
            Self::Http1(client) => client.chunk().await,
            Self::Http2(_, exchange) => exchange.chunk().await,
        }
    }

    /// Reads events up to and including the first with content, and gives its text.
    ///
    /// # Panics
    /// If the stream ends before.
    pub async fn content(&mut self) -> String {
        loop {
            let event = self.event().await.expect("the stream goes on");
            let text = event.expect("the stream goes on").text();
            if !text.is_empty() {
                return text;
            }
        }
    }

    /// Reads all events to the end.
    pub async fn rest(&mut self) -> (Vec<SseEvent>, BodyEnd) {
        let mut events = Vec::new();
        loop {
            match self.event().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => return (events, BodyEnd::Clean),
                Err(end) => return (events, end),
            }
        }
    }
}
