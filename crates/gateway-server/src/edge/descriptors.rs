//! Descriptors: as many as the system lets us have, and when they are nearly used up.
//!
//! A process without descriptors accepts nobody, and its connects fail as if the providers were down. So clients who come
//! when few are left are refused in words, and what is left serves the calls that are under way.

use std::os::fd::AsRawFd;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

/// How many descriptors may be in use before new clients are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    crowded_from: u64,
}

impl Descriptors {
    /// Raises the soft limit to the hard one, as most servers do: shells and service managers start with 1,024.
    pub(crate) fn claim() -> Self {
        let limits = getrlimit(Resource::Nofile);
        let raised = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limits.maximum,
                maximum: limits.maximum,
            },
        );
        if let Err(error) = raised {
            tracing::warn!(%error, "cannot raise the limit of open descriptors");
        }
        Self::of(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
    }

    fn of(limit: u64) -> Self {
        // Clients that are connected already may begin calls, and each of those may need a connection of its own.
        Self {
            crowded_from: limit - limit / RESERVE,
        }
    }

    /// Whether `tcp` came when few are left. The system gives the lowest free number, so a high one means that all
    /// below it are in use.
    pub(super) fn is_crowded_by(self, tcp: &TcpStream) -> bool {
        u64::try_from(tcp.as_raw_fd()).is_ok_and(|number| number >= self.crowded_from)
    }
}

/// One part in so many is kept for calls of clients that are connected already.
const RESERVE: u64 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_client_whose_number_is_high_is_one_too_many() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let number = u64::try_from(tcp.as_raw_fd()).unwrap();
        let crowded = |crowded_from| Descriptors { crowded_from }.is_crowded_by(&tcp);
        assert!(crowded(number));
        assert!(!crowded(number + 1));
        assert_eq!(Descriptors::of(1024).crowded_from, 960);
    }

    #[test]
    fn all_that_the_system_grants_are_claimed() {
        Descriptors::claim();
        let limits = getrlimit(Resource::Nofile);
        assert_eq!(limits.current, limits.maximum);
    }
}
