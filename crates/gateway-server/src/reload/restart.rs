//! Settings that sockets, threads and the log were made with: they change with a restart only.

use crate::config::Settings;

/// Those that `new` says differently from what the process was `launched` with.
pub(super) fn needed(launched: &Settings, new: &Settings) -> Vec<String> {
    let (here, there) = (&launched.listen, &new.listen);
    let all = [
        (
            "gateway.listen.host",
            here.address.ip() != there.address.ip(),
        ),
        (
            "gateway.listen.port",
            here.address.port() != there.address.port(),
        ),
        (
            "gateway.listen.tls_cert",
            here.tls.is_some() != there.tls.is_some(),
        ),
        ("gateway.workers", launched.workers != new.workers),
        ("gateway.admin", launched.admin != new.admin),
        ("gateway.log.format", launched.log.format != new.log.format),
    ];
    let changed = all.iter().filter(|(_, differs)| *differs);
    changed.map(|(name, _)| (*name).to_owned()).collect()
}
