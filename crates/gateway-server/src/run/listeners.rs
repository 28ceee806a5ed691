//! Sockets that listen: passed on by the process before this one, opened by systemd, or bound here.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

use rustix::fd::OwnedFd;

use super::{RunError, system};
use crate::config::Environment;
use crate::edge;

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Calls.
    Public,
    /// The operators' own.
    Admin,
}

impl Role {
    /// As it is written where it has to be read again; for systemd it is the name of a socket's descriptor.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Public, Self::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A socket that listens.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) role: Role,
    pub(super) said: Said,
    pub(super) socket: TcpListener,
}

/// Where its address is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// In the configuration; the next process may have another one.
    InConfig,
    /// In systemd's socket unit, whatever the configuration says.
    InUnit,
}

/// Listeners that were open before this process began.
#[derive(Debug, Default)]
pub(super) struct Listeners(Vec<Listener>);

impl Listeners {
    /// Those of the process before this one.
    pub(super) fn inherited(all: impl IntoIterator<Item = (Role, Said, OwnedFd)>) -> Self {
        let all = all.into_iter().map(|(role, said, fd)| Listener {
            role,
            said,
            socket: TcpListener::from(fd),
        });
        Self(all.collect())
    }

    /// Those that systemd opened. A socket named `admin` is the operators'; the first other one is for calls.
    ///
    /// Must come first of all in a process: what it takes over is known by number only.
    pub(super) fn of_systemd(environment: &Environment) -> Self {
        // Without the process's id the descriptors may be somebody else's: the variables are inherited by children.
        let own = std::process::id().to_string();
        if environment.get("LISTEN_PID") != Some(own.as_str()) {
            return Self::default();
        }
        let names = environment.get("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = listenfd::ListenFd::from_env();
        let mut all = Self::default();
        for index in 0..sockets.len() {
            let role = names.next().and_then(Role::named);
            match sockets.take_tcp_listener(index) {
                Ok(Some(socket)) => all.0.push(Listener {
                    role: role.unwrap_or(Role::Public),
                    said: Said::InUnit,
                    socket,
                }),
                Ok(None) => {}
                // The log does not run yet.
                Err(error) => {
                    let _gone = writeln!(
                        io::stderr(),
                        "gateway-server: socket {index} of systemd is not used: {error}"
                    );
                }
            }
        }
        all
    }

    /// The listener for `role` at `address`: one that is open already, or a new one.
    ///
    /// # Errors
    /// What the system says, for example that the address is in use.
    pub(super) fn listener(
        &mut self,
        role: Role,
        address: SocketAddr,
    ) -> Result<Listener, RunError> {
        if let Some(at) = self.0.iter().position(|it| it.serves(role, address)) {
            let found = self.0.remove(at);
            let set = found.socket.set_nonblocking(true);
            set.map_err(system("take over a listener"))?;
            return Ok(Listener { role, ..found });
        }
        let bound = edge::bind(address);
        Ok(Listener {
            role,
            said: Said::InConfig,
            socket: bound.map_err(system(format!("listen on {address}")))?,
        })
    }
}

impl Listener {
    fn serves(&self, role: Role, wanted: SocketAddr) -> bool {
        if self.said == Said::InUnit {
            return self.role == role;
        }
        let Ok(own) = self.socket.local_addr() else {
            return false;
        };
        // A port that the system chose is kept.
        let chosen = wanted.port() == 0 && self.role == role && own.ip() == wanted.ip();
        own == wanted || chosen
    }
}

/// The listeners that a process has, to be passed on.
#[derive(Debug, Default)]
pub(super) struct Open(Vec<Listener>);

impl Open {
    /// One more.
    pub(super) fn add(&mut self, listener: Listener) {
        self.0.push(listener);
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Listener] {
        &self.0
    }

    /// Where calls come in.
    pub(super) fn public(&self) -> Option<SocketAddr> {
        let public = self.0.iter().find(|it| it.role == Role::Public)?;
        public.socket.local_addr().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn port(listener: &Listener) -> u16 {
        listener.socket.local_addr().unwrap().port()
    }

    fn inherited(role: Role, socket: TcpListener) -> (Role, Said, OwnedFd) {
        (role, Said::InConfig, socket.into())
    }

    #[test]
    fn an_open_listener_is_taken_where_its_address_is_still_wanted() {
        let (public, address) = listener();
        let (admin, operators) = listener();
        let all = [
            inherited(Role::Public, public),
            inherited(Role::Admin, admin),
        ];
        let mut all = Listeners::inherited(all);
        let taken = all.listener(Role::Admin, operators).unwrap();
        assert_eq!(port(&taken), operators.port());
        let taken = all.listener(Role::Public, address).unwrap();
        assert_eq!(port(&taken), address.port());
        assert!(all.0.is_empty());
    }

    #[test]
    fn a_port_that_the_system_chose_is_kept_and_one_that_moved_is_bound_newly() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let (public, address) = listener();
        let mut all = Listeners::inherited([inherited(Role::Public, public)]);
        assert_ne!(
            port(&all.listener(Role::Admin, any).unwrap()),
            address.port()
        );
        assert_eq!(
            port(&all.listener(Role::Public, any).unwrap()),
            address.port()
        );
        let (public, address) = listener();
        let (free, elsewhere) = listener();
        drop(free);
        let mut all = Listeners::inherited([inherited(Role::Public, public)]);
        let bound = all.listener(Role::Public, elsewhere).unwrap();
        assert_ne!(port(&bound), address.port());
        assert_eq!(port(&bound), elsewhere.port());
    }

    #[test]
    fn the_address_of_a_socket_of_systemd_is_not_the_configurations_business() {
        let (public, address) = listener();
        let (_, elsewhere) = listener();
        let all = [(Role::Public, Said::InUnit, public.into())];
        let taken = Listeners::inherited(all).listener(Role::Public, elsewhere);
        let taken = taken.unwrap();
        assert_eq!((port(&taken), taken.said), (address.port(), Said::InUnit));
    }
}
