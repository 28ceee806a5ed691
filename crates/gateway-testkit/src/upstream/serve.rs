//! Accepts connections and finds out what they speak.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{OnAccept, Protocol};
use super::{Kill, Shared, http1, http2};
use crate::wire::{Io, Wire};

pub(super) async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of descriptors: leave the connection in the backlog for a moment.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tcp.set_nodelay(true).ok();
        let connection = connection(tcp, shared.clone(), tasks.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(connection));
    }
}

async fn connection(tcp: TcpStream, shared: Arc<Shared>, tasks: TaskTracker) {
    let open = shared.log.connected();
    let mut kill = shared.kill.subscribe();
    let Some(io) = prepare(tcp, &shared).await else {
        return;
    };
    let reset = io.reset_switch();
    let killed = async {
        if kill.changed().await.is_ok() {
            // Before `serve` is dropped, and the socket with it.
            reset.store(*kill.borrow() == Kill::Reset, Ordering::Release);
        }
    };
    tokio::select! {
        () = serve(io, shared.clone(), open.id, tasks) => {}
        () = killed => {}
    }
}

/// Does what the configuration wants before HTTP; `None` if the connection is used up by that.
async fn prepare(tcp: TcpStream, shared: &Shared) -> Option<Io> {
    match &shared.config.on_accept {
        OnAccept::Serve => {}
        OnAccept::Silent => {
            Wire::new(tcp.into()).gone().await;
            return None;
        }
        OnAccept::Close => {
            Wire::new(tcp.into()).close().await;
            return None;
        }
        OnAccept::Reset => {
            Wire::new(tcp.into()).reset();
            return None;
        }
        OnAccept::Say(bytes) => {
            let mut wire = Wire::new(tcp.into());
            if wire.next_input().await.is_ok() && wire.write(bytes.clone(), &mut 0).await.is_ok() {
                wire.close().await;
            }
            return None;
        }
    }
    let Some(tls) = &shared.config.tls else {
        return Some(tcp.into());
    };
    match TlsAcceptor::from(tls.clone()).accept(tcp).await {
        Ok(tls) => Some(Box::new(tls).into()),
        Err(_) => {
            shared.log.tls_failed();
            None
        }
    }
}

async fn serve(io: Io, shared: Arc<Shared>, connection: u64, tasks: TaskTracker) {
    let mut wire = Wire::new(io);
    let http2 = match shared.config.protocol {
        Protocol::Http1 => false,
        Protocol::Http2 => true,
        Protocol::Auto => match wire.io.alpn() {
            Some(name) => name == b"h2",
            None => looks_like_http2(&mut wire).await,
        },
    };
    if http2 {
        http2::serve(wire, shared, connection, tasks).await;
    } else {
        http1::serve(wire, shared, connection).await;
    }
}

async fn looks_like_http2(wire: &mut Wire) -> bool {
    while wire.input.len() < PREFACE.len() && PREFACE.starts_with(&wire.input) {
        match wire.fill().await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    wire.input.starts_with(PREFACE)
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
