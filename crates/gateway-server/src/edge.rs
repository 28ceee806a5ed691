//! Where clients come in: accept, TLS, HTTP/1.1 and HTTP/2, and the limits that hold before a call exists.

mod connection;
mod descriptors;
mod leave;
mod protocol;
mod socket;
mod stall;
mod tls;

pub(crate) use connection::{Client, ConnectionLimits, Door, InFlight, Scope};
pub(crate) use descriptors::Descriptors;
pub(crate) use leave::Leave;
pub(crate) use socket::{SocketState, Verdict};
pub(crate) use stall::StallWatch;
pub(crate) use tls::{ServerIdentity, TlsError};

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::worker::Worker;
use connection::Stop;

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

/// Accepts until `stop`. Returns when the accept loop has ended; the connections are in the worker's `connections`
/// tracker, and end when the door says so.
pub(crate) async fn accept(
    worker: Arc<Worker>,
    listener: TcpListener,
    door: Door,
    stop: CancellationToken,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((tcp, peer)) => {
                if let Err(error) = prepare(&tcp) {
                    tracing::debug!(%peer, %error, "the client was gone before it was served");
                    continue;
                }
                let crowded = door.descriptors.is_crowded_by(&tcp);
                let stop = if crowded {
                    Stop::AfterOne(door.leave.child())
                } else {
                    Stop::Ordered(door.leave.clone())
                };
                let serve = connection::serve(Arc::clone(&worker), tcp, peer, door.clone(), stop);
                door.connections.spawn(serve);
            }
            // Out of descriptors or memory: what runs may go on, and closing connections will make room.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Sets what a stream of small events needs of its socket.
fn prepare(tcp: &TcpStream) -> io::Result<()> {
    // Without it a small event waits for the peer's delayed acknowledgement: 40 ms.
    tcp.set_nodelay(true)?;
    // Otherwise the kernel takes megabytes for a client that does not read, and says that there is room again only
    // when a third of them has gone: a slow client would look like one that has stopped.
    SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT)
}

/// Bytes that the kernel keeps for a client beyond those that are on their way to it.
const UNSENT: u32 = 64 * 1024;
/// How many connections the kernel may queue for us while all workers are busy.
const BACKLOG: i32 = 4096;
/// How long accepting rests after an error of the system.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
