//! Where clients come in: accept, TLS, HTTP/1.1 and HTTP/2, and the limits that hold before a call exists.

mod connection;
mod socket;
mod tls;

pub(crate) use connection::{Client, ConnectionLimits, Door, InFlight, Scope};
pub(crate) use socket::{SocketState, Verdict};
pub(crate) use tls::{TlsError, acceptor};

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::worker::Worker;

/// Binds the address that all workers accept from.
///
/// The workers share one accept queue: whoever is idle takes the next connection, and handing the listener to another
/// process is one descriptor.
///
/// # Errors
/// What the system says, for example that the address is in use.
pub(crate) fn bind(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until `stop`, then lets every connection finish what it serves. Returns when the accept loop has ended;
/// the connections are in the worker's `connections` tracker.
pub(crate) async fn accept(
    worker: Arc<Worker>,
    listener: TcpListener,
    door: Door,
    stop: CancellationToken,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((tcp, peer)) => {
                // Without it a small event waits for the peer's delayed acknowledgement: 40 ms.
                if let Err(error) = tcp.set_nodelay(true) {
                    tracing::debug!(%peer, %error, "the client was gone before it was served");
                    continue;
                }
                let serve =
                    connection::serve(Arc::clone(&worker), tcp, peer, door.clone(), stop.clone());
                worker.connections.spawn(serve);
            }
            // Out of descriptors or memory: what runs may go on, and closing connections will make room.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// How many connections the kernel may queue for us while all workers are busy.
const BACKLOG: i32 = 4096;
/// How long accepting rests after an error of the system.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
