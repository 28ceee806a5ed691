//! Opening a TCP connection with the options that long, quiet streams need.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::{
    error::{ConnectError, Phase},
    spec::SocketOptions,
};

/// Tries the addresses in turn. Every address but the last gets at most [`STAGGER`], so that one black hole does
/// not use up the time of all. Dropping the future closes what was begun.
pub(super) async fn open(
    addresses: &[SocketAddr],
    options: &SocketOptions,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(ConnectError::new(Phase::Resolve, "the name has no address"));
    };
    for address in others {
        if let Ok(Ok(stream)) = tokio::time::timeout(STAGGER, one(*address, options)).await {
            return Ok((stream, *address));
        }
    }
    match one(*last, options).await {
        Ok(stream) => Ok((stream, *last)),
        Err(error) => Err(ConnectError::new(Phase::Connect, error)),
    }
}

async fn one(address: SocketAddr, options: &SocketOptions) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    if let Some(idle) = options.keepalive {
        let probes = TcpKeepalive::new()
            .with_time(idle)
            .with_interval(idle.max(Duration::from_secs(1)));
        socket.set_tcp_keepalive(&probes)?;
    }
    #[cfg(target_os = "linux")]
    if options.user_timeout.is_some() {
        socket.set_tcp_user_timeout(options.user_timeout)?;
    }
    Ok(stream)
}

const STAGGER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn sockets_send_at_once_probe_when_idle_and_give_up_on_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stream, peer) = open(&[address], &SocketOptions::default()).await.unwrap();
        assert_eq!(peer, address);
        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay().unwrap());
        assert!(socket.keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(
            socket.tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(30))
        );
        let none = SocketOptions {
            keepalive: None,
            user_timeout: None,
        };
        let (stream, _) = open(&[address], &none).await.unwrap();
        assert!(!SockRef::from(&stream).keepalive().unwrap());
    }
}
