//! A connection of a client: HTTP/1.1 by hand, with the limits of the original report.
//!
//! By hand, because a library would retry, buffer or hide what the soak is there to see.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_testkit::http1::{BodyReader, Decoded, Framing, Head};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::settings::Timeouts;
use crate::failure::{Failure, Result};

/// Why a client gave up.
#[derive(Debug)]
pub(super) enum Broken {
    /// No connection, or the request could not be written in time.
    Refused(String),
    /// The connection ended where it must not.
    Cut(String),
    /// Nothing came for too long.
    Frozen,
    /// Not HTTP.
    Malformed(String),
}

/// A connection, used for one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

/// A body on its way in.
#[derive(Debug)]
pub(super) struct Body {
    /// The head that it came with.
    pub(super) head: Head,
    reader: BodyReader,
    /// Whether the connection can serve another request afterwards.
    keep: bool,
}

impl Connection {
    /// Connects.
    pub(super) async fn open(
        authority: &str,
        limit: Duration,
    ) -> std::result::Result<Self, Broken> {
        let refused = |why: String| Broken::Refused(format!("connect: {why}"));
        let stream = match timeout(limit, TcpStream::connect(authority)).await {
            Ok(connected) => connected.map_err(|error| refused(error.to_string()))?,
            Err(_) => return Err(refused("timeout".to_owned())),
        };
        stream
            .set_nodelay(true)
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            stream,
            buffer: BytesMut::with_capacity(4096),
        })
    }

    /// Sends a whole request.
    pub(super) async fn send(
        &mut self,
        request: &[u8],
        limit: Duration,
    ) -> std::result::Result<(), Broken> {
        match timeout(limit, self.stream.write_all(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Broken::Refused(format!("write: {error}"))),
            Err(_) => Err(Broken::Refused("write: timeout".to_owned())),
        }
    }

    /// Reads the head of the response, passing over interim ones.
    pub(super) async fn head(
        &mut self,
        limit: Duration,
    ) -> std::result::Result<(u16, Body), Broken> {
        loop {
            let head = Head::take(&mut self.buffer).map_err(|bad| Broken::Malformed(bad.0))?;
            let Some(head) = head else {
                if !self.fill(limit).await? {
                    return Err(Broken::Cut(
                        "the connection ended before the response".to_owned(),
                    ));
                }
                continue;
            };
            let status = head
                .start
                .split(' ')
                .nth(1)
                .and_then(|code| code.parse().ok());
            let status: u16 = status.ok_or_else(|| Broken::Malformed(head.start.clone()))?;
            if (100..200).contains(&status) {
                continue;
            }
            let framing = head
                .framing(Framing::Close)
                .map_err(|bad| Broken::Malformed(bad.0))?;
            let close = head
                .header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"));
            let body = Body {
                reader: BodyReader::new(framing),
                keep: !close && framing != Framing::Close,
                head,
            };
            return Ok((status, body));
        }
    }

    /// The next piece of a body; `None` at its proper end.
    pub(super) async fn piece(
        &mut self,
        body: &mut Body,
        limit: Duration,
    ) -> std::result::Result<Option<Bytes>, Broken> {
        loop {
            let step = body
                .reader
                .decode(&mut self.buffer)
                .map_err(|bad| Broken::Malformed(bad.0))?;
            match step {
                Decoded::Data(bytes) => return Ok(Some(bytes)),
                Decoded::End(_) => return Ok(None),
                Decoded::NeedMore if self.fill(limit).await? => {}
                Decoded::NeedMore if body.reader.may_end_here() => return Ok(None),
                Decoded::NeedMore => {
                    return Err(Broken::Cut(
                        "the connection ended inside the body".to_owned(),
                    ));
                }
            }
        }
    }

    /// The connection, when it can serve another request after this body.
    pub(super) fn reusable(self, body: &Body) -> Option<Self> {
        (body.keep && body.reader.is_done() && self.buffer.is_empty()).then_some(self)
    }

    /// Reads once; `false` at the end of the connection.
    async fn fill(&mut self, limit: Duration) -> std::result::Result<bool, Broken> {
        self.buffer.reserve(2048);
        match timeout(limit, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(read)) => Ok(read > 0),
            Ok(Err(error)) => Err(Broken::Cut(error.to_string())),
            Err(_) => Err(Broken::Frozen),
        }
    }
}

/// A small request to the gateway itself; the body, if the status was 200.
pub(super) async fn get(authority: &str, path: &str, key: Option<&str>) -> Result<Vec<u8>> {
    ask(authority, "GET", path, key, "").await
}

/// Sends JSON to the gateway itself; the body of the answer, if the status was 200.
pub(super) async fn post(
    authority: &str,
    path: &str,
    key: Option<&str>,
    body: &str,
) -> Result<Vec<u8>> {
    ask(authority, "POST", path, key, body).await
}

async fn ask(
    authority: &str,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: &str,
) -> Result<Vec<u8>> {
    let authorization = key.map(|key| format!("authorization: Bearer {key}\r\n"));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n{}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        authorization.unwrap_or_default(),
        body.len(),
    );
    let asked = async {
        let mut connection = Connection::open(authority, ADMIN.connect).await?;
        connection.send(request.as_bytes(), ADMIN.write).await?;
        let (status, mut body) = connection.head(ADMIN.read).await?;
        let mut all = Vec::new();
        while let Some(piece) = connection.piece(&mut body, ADMIN.read).await? {
            all.extend_from_slice(&piece);
        }
        Ok::<_, Broken>((status, all))
    };
    match asked.await {
        Ok((200, body)) => Ok(body),
        Ok((status, body)) => Err(Failure::new(format!(
            "{method} {path}: {status} {}",
            String::from_utf8_lossy(&body)
        ))),
        Err(broken) => Err(Failure::new(format!("{method} {path}: {broken:?}"))),
    }
}

/// `host:port` of a plain URL; only loopback, since this is a load generator.
pub(super) fn authority(url: &str) -> Result<String> {
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(|| Failure::new(format!("--target {url}: only http:// is supported")))?;
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .unwrap_or((authority, "80"));
    if !matches!(host, "127.0.0.1" | "localhost" | "[::1]") {
        return Err(Failure::new(format!(
            "--target {url}: only this machine (127.0.0.1, localhost, [::1]); this is a load generator"
        )));
    }
    Ok(format!("{host}:{port}"))
}

/// Limits of requests to the gateway itself.
const ADMIN: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    write: Duration::from_secs(5),
    read: Duration::from_secs(10),
};
