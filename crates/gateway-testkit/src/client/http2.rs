//! The HTTP/2 client, on the `h2` crate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderName, HeaderValue, Method, Uri};
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::http1::{ConnectOptions, DEADLINE, LIMIT, connect};
use super::sse::{SseEvent, SseReader};
use super::{BodyEnd, ClientHead, ClientView, Request};
use crate::http1::Header;

/// One connection. Dropping it closes the socket and so ends all its exchanges.
#[derive(Debug)]
pub struct Http2Client {
    sender: SendRequest<Bytes>,
    scheme: &'static str,
    deadline: Duration,
    limit: usize,
    _driver: DropGuard,
}

/// One running exchange. Dropping it resets the stream with `CANCEL`.
#[derive(Debug)]
pub struct Http2Exchange {
    response: Option<ResponseFuture>,
    request: SendStream<Bytes>,
    body: Option<RecvStream>,
    deadline: Duration,
    limit: usize,
    release: bool,
    trailers: Vec<Header>,
    sse: SseReader,
    events: std::collections::VecDeque<SseEvent>,
}

impl Http2Client {
    /// Connects with prior knowledge over plain TCP. The window of the connection never fills; those of streams do.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, ConnectOptions::default(), &roomy()).await
    }

    /// Connects over TLS to `localhost`; the configuration must offer `h2` by ALPN.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect_tls(addr: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        let options = ConnectOptions {
            tls: Some((tls, "localhost".to_owned())),
            receive_buffer: None,
        };
        Self::connect_with(addr, options, &roomy()).await
    }

    /// Connects in any way, with any settings.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect_with(
        addr: SocketAddr,
        options: ConnectOptions,
        settings: &h2::client::Builder,
    ) -> Self {
        let scheme = if options.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let io = timeout(DEADLINE, connect(addr, options))
            .await
            .unwrap_or_else(|_| panic!("connecting to {addr} took more than {DEADLINE:?}"))
            .unwrap_or_else(|error| panic!("cannot connect to {addr}: {error}"));
        let (sender, connection) = settings
            .handshake(io)
            .await
            .unwrap_or_else(|error| panic!("no HTTP/2 with {addr}: {error}"));
        let stop = CancellationToken::new();
        let drive = stop.clone().run_until_cancelled_owned(async move {
            // Each exchange reports the same error.
            connection.await.ok();
        });
        // The tracker is not waited for: the guard ends the task with the client.
        TaskTracker::new().spawn(drive);
        Self {
            sender,
            scheme,
            deadline: DEADLINE,
            limit: LIMIT,
            _driver: stop.drop_guard(),
        }
    }

    /// How long each single wait of exchanges opened from now on may take.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// How many bytes of a body [`Http2Exchange::view`] reads at most, of exchanges opened from now on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Sends a request and reads its answer to the end.
    pub async fn call(&mut self, request: &Request) -> ClientView {
        match self.open(request).await {
            Ok(exchange) => exchange.view().await,
            Err(end) => ClientView::no_head(end),
        }
    }

    /// Sends a whole request.
    ///
    /// # Errors
    /// If the connection is gone, or no stream became free within the deadline.
    ///
    /// # Panics
    /// If the request cannot be said in HTTP/2.
    pub async fn open(&mut self, request: &Request) -> Result<Http2Exchange, BodyEnd> {
        let head = self.request_head(request);
        let ready = timeout(self.deadline, self.sender.clone().ready()).await;
        self.sender = ready
            .map_err(|_| BodyEnd::Deadline)?
            .map_err(|e| ended(&e))?;
        let empty = request.body.is_empty();
        let (response, mut body) = self
            .sender
            .send_request(head, empty)
            .map_err(|error| ended(&error))?;
        if !empty {
            body.send_data(request.body.clone(), true)
                .map_err(|error| ended(&error))?;
        }
        Ok(Http2Exchange {
            response: Some(response),
            request: body,
            body: None,
            deadline: self.deadline,
            limit: self.limit,
            release: true,
            trailers: Vec::new(),
            sse: SseReader::default(),
            events: std::collections::VecDeque::new(),
        })
    }

    fn request_head(&self, request: &Request) -> http::Request<()> {
        let authority = crate::http1::header(&request.headers, "host").unwrap_or("localhost");
        let uri = format!("{}://{authority}{}", self.scheme, request.target);
        let mut head = http::Request::new(());
        *head.method_mut() =
            Method::from_bytes(request.method.as_bytes()).expect("a method that HTTP/2 can say");
        *head.uri_mut() = uri.parse::<Uri>().expect("a target that HTTP/2 can say");
        for (name, value) in &request.headers {
            if name.eq_ignore_ascii_case("host") {
                continue;
            }
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name that HTTP/2 can say");
            let value = HeaderValue::from_bytes(&crate::http1::latin1(value))
                .expect("a value that HTTP/2 can say");
            head.headers_mut().append(name, value);
        }
        head
    }
}

impl Http2Exchange {
    /// Reads the answer's head and then its body to the end.
    pub async fn view(mut self) -> ClientView {
        let head = match self.head().await {
            Ok(head) => head,
            Err(end) => return ClientView::no_head(end),
        };
        let mut body = BytesMut::new();
        let end = loop {
            if body.len() > self.limit {
                break BodyEnd::Malformed("a body above the limit".to_owned());
            }
            match self.chunk().await {
                Ok(Some(data)) => body.extend_from_slice(&data),
                Ok(None) => break BodyEnd::Clean,
                Err(end) => break end,
            }
        };
        let mut view = ClientView::no_head(end);
        view.status = head.status;
        view.headers = head.headers;
        view.trailers = std::mem::take(&mut self.trailers);
        view.with_body(body.freeze())
    }

    /// Reads the head of the answer.
    ///
    /// # Errors
    /// How the stream ended before.
    ///
    /// # Panics
    /// If called twice.
    pub async fn head(&mut self) -> Result<ClientHead, BodyEnd> {
        let response = self.response.take().expect("the head is read once");
        let response = match timeout(self.deadline, response).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(ended(&error)),
            Err(_) => return Err(BodyEnd::Deadline),
        };
        let (parts, body) = response.into_parts();
        self.body = Some(body);
        Ok(ClientHead {
            status: parts.status.as_u16(),
            headers: listed(&parts.headers),
            interim: Vec::new(),
        })
    }

    /// From now on the window is not opened again: the client stops reading.
    pub fn stop_releasing(&mut self) {
        self.release = false;
    }

    /// Reads the next DATA frame; `None` is the clean end.
    ///
    /// # Errors
    /// How the stream ended otherwise.
    ///
    /// # Panics
    /// If the head was not read.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, BodyEnd> {
        let body = self.body.as_mut().expect("the head is read first");
        match timeout(self.deadline, body.data()).await {
            Err(_) => return Err(BodyEnd::Deadline),
            Ok(Some(Err(error))) => return Err(ended(&error)),
            Ok(Some(Ok(data))) => {
                if self.release {
                    // Fails only when the stream is over, and then nobody minds.
                    body.flow_control().release_capacity(data.len()).ok();
                }
                return Ok(Some(data));
            }
            Ok(None) => {}
        }
        match timeout(self.deadline, body.trailers()).await {
            Err(_) => Err(BodyEnd::Deadline),
            Ok(Err(error)) => Err(ended(&error)),
            Ok(Ok(trailers)) => {
                self.trailers = trailers.as_ref().map(listed).unwrap_or_default();
                Ok(None)
            }
        }
    }

    /// Reads the next event of the body; `None` is its clean end.
    ///
    /// # Errors
    /// How it ended otherwise.
    pub async fn event(&mut self) -> Result<Option<SseEvent>, BodyEnd> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.chunk().await? {
                Some(data) => self.events.extend(self.sse.push(&data)),
                None => return Ok(None),
            }
        }
    }

    /// Resets the stream with this code.
    pub fn reset(mut self, code: u32) {
        self.request.send_reset(Reason::from(code));
    }
}

/// Settings with room for hundreds of streams that are not read all the time. `h2` takes small DATA frames that wait to
/// be read for an attack when their overhead comes to half the connection's window, and leaves with code 11.
fn roomy() -> h2::client::Builder {
    let mut settings = h2::client::Builder::new();
    settings.initial_connection_window_size(CONNECTION_WINDOW);
    settings
}

fn listed(headers: &http::HeaderMap) -> Vec<Header> {
    let text = |value: &HeaderValue| value.as_bytes().iter().map(|b| char::from(*b)).collect();
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn ended(error: &h2::Error) -> BodyEnd {
    let code = error.reason().map(u32::from);
    match code {
        Some(code) if error.is_reset() => BodyEnd::StreamReset(code),
        Some(code) if error.is_remote() => BodyEnd::GoAway(code),
        Some(code) => BodyEnd::LocalGoAway(code),
        None => match error.get_io().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionReset) => BodyEnd::Reset,
            _ => BodyEnd::Eof,
        },
    }
}

/// Bytes.
const CONNECTION_WINDOW: u32 = 1 << 30;
