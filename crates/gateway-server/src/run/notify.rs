//! What systemd is told of the process, by its protocol of `NOTIFY_SOCKET`; nothing where nobody listens.
//!
//! The protocol is one datagram of `NAME=value` lines per message: sd_notify(3).

#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::config::Environment;

/// The way to systemd, if it is there.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// What the environment says of it.
    pub(super) fn of(environment: &Environment) -> Self {
        let socket = environment.non_empty("NOTIFY_SOCKET").and_then(connect);
        let own = std::process::id().to_string();
        let ours = environment
            .non_empty("WATCHDOG_PID")
            .is_none_or(|pid| pid == own);
        let watchdog = environment.non_empty("WATCHDOG_USEC");
        let watchdog = watchdog.filter(|_| ours).and_then(|it| it.parse().ok());
        Self {
            watchdog: watchdog
                .map(Duration::from_micros)
                .filter(|it| socket.is_some() && !it.is_zero()),
            socket,
        }
    }

    /// The process serves, and is in this state.
    pub(super) fn ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={status}"));
    }

    /// The process is in this state.
    pub(super) fn status(&self, status: &str) {
        self.say(&format!("STATUS={status}"));
    }

    /// The configuration is being read again; [`Self::ready`] ends that.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The process is on its way out.
    pub(super) fn stopping(&self, status: &str) {
        self.say(&format!("STOPPING=1\nSTATUS={status}"));
    }

    /// Another process is the service from now on.
    pub(super) fn succeeded_by(&self, pid: u32) {
        self.say(&format!("MAINPID={pid}"));
    }

    /// The process is alive.
    pub(super) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// How often [`Self::alive`] is to be said: twice in the time after which systemd gives the process up.
    pub(super) fn beat(&self) -> Option<Duration> {
        Some(self.watchdog? / 2)
    }

    fn say(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::debug!(%error, "systemd was not told");
        }
    }
}

/// A path, or a name in the abstract namespace behind `@`.
fn connect(name: &str) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    let address = match name.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddr::from_abstract_name(name),
        #[cfg(not(target_os = "linux"))]
        Some(_) => return None,
        None => SocketAddr::from_pathname(name),
    };
    socket.connect_addr(&address.ok()?).ok()?;
    // A full queue must not hold up whoever tells.
    socket.set_nonblocking(true).ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut space = [0; 256];
        let length = socket.recv(&mut space).unwrap();
        String::from_utf8_lossy(&space[..length]).into_owned()
    }

    #[test]
    fn what_is_told_arrives_by_path_and_by_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("gateway-notify-{}", std::process::id());
        let by_path = (
            UnixDatagram::bind(&path).unwrap(),
            path.display().to_string(),
        );
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = (
            UnixDatagram::bind_addr(&address).unwrap(),
            format!("@{name}"),
        );
        for (socket, said) in [by_path, by_name] {
            let environment = [("NOTIFY_SOCKET", said.as_str())].into_iter().collect();
            let notify = Notify::of(&environment);
            notify.ready("serving");
            assert_eq!(told(&socket), "READY=1\nSTATUS=serving");
            notify.reloading();
            let reloading = told(&socket);
            let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
            assert!(since.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
            notify.succeeded_by(7);
            assert_eq!(told(&socket), "MAINPID=7");
            assert_eq!(notify.beat(), None);
        }
    }

    #[test]
    fn the_watchdog_is_ours_unless_it_is_said_to_be_of_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let _socket = UnixDatagram::bind(&path).unwrap();
        let path = path.display().to_string();
        let own = std::process::id().to_string();
        let beat = |pid: Option<&str>| {
            let pid = pid.map(|pid| ("WATCHDOG_PID", pid));
            let all = [("NOTIFY_SOCKET", path.as_str()), ("WATCHDOG_USEC", "3000")];
            Notify::of(&all.into_iter().chain(pid).collect()).beat()
        };
        assert_eq!(beat(Some(&own)), Some(Duration::from_micros(1500)));
        assert_eq!(beat(None), Some(Duration::from_micros(1500)));
        assert_eq!(beat(Some("1")), None);
    }

    #[test]
    fn without_systemd_nobody_is_told() {
        let notify = Notify::of(&[("WATCHDOG_USEC", "3000")].into_iter().collect());
        notify.ready("serving");
        assert_eq!(notify.beat(), None);
    }
}
