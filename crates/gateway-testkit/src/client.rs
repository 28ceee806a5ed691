//! Raw clients that see how an answer really ended.
//!
//! Every wait has a deadline (10 s unless set): a test that hangs says where. Programming errors and
//! connects that fail panic; what the peer does wrong is a value, [`BodyEnd`].

use bytes::Bytes;
use serde_json::{Value, json};

use crate::http1::{Framing, Header, latin1};

mod http1;
mod http2;
mod sse;
mod view;

pub use http1::{ClientHead, ConnectOptions, Http1Client};
pub use http2::{Http2Client, Http2Exchange};
pub use sse::{SseEvent, SseReader};
pub use view::{BodyEnd, ClientView};

/// A request to send. Headers are sent as given, and nothing is added but `host` and `content-length`
/// where they are missing.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Request target.
    pub target: String,
    /// Headers.
    pub headers: Vec<Header>,
    /// Body.
    pub body: Bytes,
}

impl Request {
    /// A GET without headers.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(target: &str, body: &Value) -> Self {
        Self {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into(),
        }
    }

    /// A chat completion whose user says `text`; the model is `double`.
    #[must_use]
    pub fn chat(text: &str) -> Self {
        let messages = json!([{"role": "user", "content": text}]);
        Self::post(
            "/v1/chat/completions",
            &json!({"model": "double", "messages": messages}),
        )
    }

    /// An Anthropic message whose user says `text`; the model is `double`.
    #[must_use]
    pub fn messages(text: &str) -> Self {
        let messages = json!([{"role": "user", "content": text}]);
        let body = json!({"model": "double", "max_tokens": 64, "messages": messages});
        Self::post("/v1/messages", &body).with("anthropic-version", "2023-06-01")
    }

    /// With `"stream": true` in its JSON body.
    ///
    /// # Panics
    /// If the body is no JSON object.
    #[must_use]
    pub fn streaming(self) -> Self {
        self.field("stream", json!(true))
    }

    /// With this model.
    #[must_use]
    pub fn model(self, model: &str) -> Self {
        self.field("model", json!(model))
    }

    /// With this field in its JSON body.
    ///
    /// # Panics
    /// If the body is no JSON object.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).expect("the body is JSON");
        body[name] = value;
        self.body = body.to_string().into();
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With `authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.with("authorization", &format!("Bearer {key}"))
    }

    /// To another target.
    #[must_use]
    pub fn to(mut self, target: &str) -> Self {
        target.clone_into(&mut self.target);
        self
    }

    /// The request as HTTP/1.1 bytes.
    #[must_use]
    pub fn to_http1(&self) -> Bytes {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if crate::http1::header(&self.headers, "host").is_none() {
            text.push_str("host: localhost\r\n");
        }
        let chunked = crate::http1::header(&self.headers, "transfer-encoding").is_some();
        let sized = crate::http1::header(&self.headers, "content-length").is_some();
        if !chunked && !sized && (!self.body.is_empty() || self.method == "POST") {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        [latin1(&text), self.body.clone()].concat().into()
    }

    /// How an answer without framing headers ends.
    fn default_framing(&self, status: u16) -> Framing {
        if self.method == "HEAD" || status == 204 || status == 304 || status < 200 {
            Framing::None
        } else {
            Framing::Close
        }
    }
}
