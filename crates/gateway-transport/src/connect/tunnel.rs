//! HTTP CONNECT: asking a proxy for a tunnel.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{proxy::ProxySpec, spec::ConnectSpec};

/// Asks `proxy` for a tunnel to the target of `spec`; on success the next byte belongs to the target.
pub(super) async fn open(
    stream: &mut TcpStream,
    proxy: &ProxySpec,
    spec: &ConnectSpec,
) -> io::Result<()> {
    let host = if spec.host.contains(':') {
        format!("[{}]", spec.host)
    } else {
        spec.host.clone()
    };
    let target = format!("{host}:{}", spec.port);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let head = read_head(stream).await?;
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(io::Error::other(format!(
            "the proxy answered {status} to CONNECT"
        ))),
        None => Err(io::Error::other(
            "the proxy's answer to CONNECT is not HTTP",
        )),
    }
}

/// Reads up to and including the blank line, and not one byte of what follows: that is the target's.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(io::Error::other(
                "the proxy's answer to CONNECT is too long",
            ));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

fn status(head: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(head.split(|b| *b == b'\r').next()?).ok()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.parse().ok()
}

const MAX_HEAD: usize = 16 * 1024;
