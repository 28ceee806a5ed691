//! The upstream behind `--demo`: answers OpenAI chat and Anthropic messages without a key or a network, so that the
//! gateway's main job can be seen on a machine that has neither.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::task::TaskTracker;

/// Starts the upstream on a free port of the loopback interface; its tasks are in `tasks`.
///
/// # Errors
/// When no port can be had.
pub(crate) async fn start(tasks: &TaskTracker) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Err(error) = tcp.set_nodelay(true) {
                tracing::debug!(%error, "demo upstream");
            }
            let serve =
                http1::Builder::new().serve_connection(TokioIo::new(tcp), service_fn(answer));
            connections.spawn(async move {
                if let Err(error) = serve.await {
                    tracing::debug!(%error, "demo upstream");
                }
            });
        }
    });
    Ok(address)
}

/// The part of a request that the demo looks at.
#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    stream: bool,
}

async fn answer(request: Request<Incoming>) -> Result<Response<Paced>, Infallible> {
    let anthropic = request.uri().path().ends_with("/messages");
    let body = request.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let asked: Asked = body
        .ok()
        .and_then(|body| serde_json::from_slice(&body).ok())
        .unwrap_or_default();
    let (kind, events) = match (asked.stream, anthropic) {
        (true, true) => ("text/event-stream", anthropic_events()),
        (true, false) => ("text/event-stream", openai_events()),
        (false, true) => ("application/json", vec![anthropic_answer()]),
        (false, false) => ("application/json", vec![openai_answer()]),
    };
    let mut response = Response::new(Paced::new(events));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    Ok(response)
}

fn openai_events() -> Vec<String> {
    let chunk = |choices: String, more: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-demo\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"demo\",\"choices\":[{choices}]{more}}}\n\n"
        )
    };
    let choice = |delta: String, finish: &str| {
        format!("{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}")
    };
    let role = "{\"role\":\"assistant\",\"content\":\"\"}".to_owned();
    let mut events = vec![chunk(choice(role, "null"), "")];
    for word in words() {
        let delta = format!("{{\"content\":{word:?}}}");
        events.push(chunk(choice(delta, "null"), ""));
    }
    events.push(chunk(choice("{}".to_owned(), "\"stop\""), ""));
    events.push(chunk(
        String::new(),
        &format!(",\"usage\":{}", openai_usage()),
    ));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn openai_answer() -> String {
    format!(
        "{{\"id\":\"chatcmpl-demo\",\"object\":\"chat.completion\",\"created\":0,\"model\":\"demo\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{TEXT:?}}},\"finish_reason\":\"stop\"}}],\"usage\":{}}}",
        openai_usage()
    )
}

fn openai_usage() -> String {
    let output = words().count();
    format!(
        "{{\"prompt_tokens\":7,\"completion_tokens\":{output},\"total_tokens\":{}}}",
        output + 7
    )
}

fn anthropic_events() -> Vec<String> {
    let event = |name: &str, fields: String| {
        format!("event: {name}\ndata: {{\"type\":\"{name}\"{fields}}}\n\n")
    };
    let message = ",\"message\":{\"id\":\"msg_demo\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"demo\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}";
    let block = ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}";
    let mut events = vec![
        event("message_start", message.to_owned()),
        event("content_block_start", block.to_owned()),
    ];
    for word in words() {
        let delta = format!(",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{word:?}}}");
        events.push(event("content_block_delta", delta));
    }
    events.push(event("content_block_stop", ",\"index\":0".to_owned()));
    let usage = format!(
        ",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{}}}",
        words().count()
    );
    events.push(event("message_delta", usage));
    events.push(event("message_stop", String::new()));
    events
}

fn anthropic_answer() -> String {
    format!(
        "{{\"id\":\"msg_demo\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"demo\",\"content\":[{{\"type\":\"text\",\"text\":{TEXT:?}}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{{\"input_tokens\":7,\"output_tokens\":{}}}}}",
        words().count()
    )
}

fn words() -> impl Iterator<Item = &'static str> {
    TEXT.split_inclusive(' ')
}

/// Events, one per [`PACE`].
struct Paced {
    events: VecDeque<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl Paced {
    fn new(events: Vec<String>) -> Self {
        Self {
            events: events.into_iter().map(Bytes::from).collect(),
            pause: Box::pin(sleep_until(Instant::now())),
        }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.events.is_empty() {
            return Poll::Ready(None);
        }
        ready!(self.pause.as_mut().poll(cx));
        self.pause.as_mut().reset(Instant::now() + PACE);
        Poll::Ready(self.events.pop_front().map(|event| Ok(Frame::data(event))))
    }
}

/// What the demo model has to say. Plain ASCII without quotes, so that Rust's and JSON's notation agree.
const TEXT: &str = "This answer was streamed through the gateway. Rotate its pools while it runs: the stream goes on, on the generation it began with, to its last word.";
/// The time between two words.
const PACE: Duration = Duration::from_millis(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_and_answer_is_json() {
        for event in openai_events().iter().chain(&anthropic_events()) {
            let data = event.split("data: ").nth(1).unwrap().trim();
            if data != "[DONE]" {
                serde_json::from_str::<serde_json::Value>(data).unwrap();
            }
        }
        for answer in [openai_answer(), anthropic_answer()] {
            serde_json::from_str::<serde_json::Value>(&answer).unwrap();
        }
    }
}
