//! Sockets that listen, and two that look as if they did.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A port on which nothing listens: every connect is refused. The port is held, so that nobody else takes it.
#[derive(Debug)]
pub struct Refused {
    addr: SocketAddr,
    _socket: Socket,
}

/// A port that answers no SYN: a listener whose accept queue is full. A connect hangs until the client gives up.
#[derive(Debug)]
pub struct BlackHole {
    addr: SocketAddr,
    _listener: Socket,
    _held: Vec<TcpStream>,
}

impl Refused {
    /// Takes a free port on 127.0.0.1.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn start() -> Self {
        let socket = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        Self {
            addr: address(&socket),
            _socket: socket,
        }
    }

    /// Where nobody listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl BlackHole {
    /// Takes a free port on 127.0.0.1, fills its accept queue and proves by one more connect that it is full.
    ///
    /// # Panics
    /// If the queue cannot be filled.
    pub async fn start() -> Self {
        let listener = bound(SocketAddr::from(([127, 0, 0, 1], 0)));
        listener.listen(0).expect("a bound socket can listen");
        let addr = address(&listener);
        let mut held = Vec::new();
        loop {
            assert!(held.len() < 64, "the accept queue of {addr} does not fill");
            let connect = TcpSocket::new_v4()
                .expect("a socket can be made")
                .connect(addr);
            match tokio::time::timeout(PROBE, connect).await {
                Ok(stream) => held.push(stream.expect("a connect to our own listener works")),
                Err(_) => break,
            }
        }
        Self {
            addr,
            _listener: listener,
            _held: held,
        }
    }

    /// Where SYNs vanish.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Listens; `receive_buffer` is inherited by what is accepted.
pub(super) fn listen(addr: SocketAddr, receive_buffer: Option<usize>) -> TcpListener {
    let socket = bound(addr);
    if let Some(size) = receive_buffer {
        socket
            .set_recv_buffer_size(size)
            .expect("the receive buffer can be set");
    }
    socket.listen(BACKLOG).expect("a bound socket can listen");
    TcpListener::from_std(socket.into()).expect("the upstream is started inside a runtime")
}

fn bound(addr: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))
        .expect("a socket can be made");
    socket
        .set_reuse_address(true)
        .expect("an unbound socket takes options");
    socket
        .set_nonblocking(true)
        .expect("a socket can be non-blocking");
    socket
        .bind(&addr.into())
        .unwrap_or_else(|error| panic!("cannot bind {addr}: {error}"));
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    socket
        .local_addr()
        .ok()
        .and_then(|addr| addr.as_socket())
        .expect("a bound TCP socket has an IP address")
}

const BACKLOG: i32 = 4096;
const PROBE: Duration = Duration::from_millis(200);
