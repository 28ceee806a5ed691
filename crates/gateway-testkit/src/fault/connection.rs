//! Faults of connections and of heads: rows 1 to 8, 26 and 27.

use bytes::Bytes;

use super::{At, BAD, EVERY, Expect, Fault, LATE, Make, OPEN, On, answer, config};
use crate::ca::{Leaf, TestCa};
use crate::script::{Script, Step};
use crate::upstream::{OnAccept, Recorded, UpstreamConfig};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        row: 1,
        name: "refused",
        on: On::Any,
        at: OPEN,
        expect: BAD,
        make: Make::Refused,
    },
    Fault {
        row: 2,
        name: "syn-black-hole",
        on: On::Any,
        at: OPEN,
        expect: LATE,
        make: Make::BlackHole,
    },
    config(4, "tls-stall", On::Tls, OPEN, LATE, |config, _| {
        config.on_accept(OnAccept::Silent)
    }),
    config(4, "tls-eof", On::Tls, OPEN, BAD, |config, _| {
        config.on_accept(OnAccept::Close)
    }),
    config(4, "tls-reset", On::Tls, OPEN, BAD, |config, _| {
        config.on_accept(OnAccept::Reset)
    }),
    config(
        4,
        "tls-plain-http-instead",
        On::Tls,
        OPEN,
        BAD,
        |config, _| {
            let page = Bytes::from_static(
                b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nplain HTTP here",
            );
            config.on_accept(OnAccept::Say(page))
        },
    ),
    certificate("certificate-expired", |ca| ca.server_with(Leaf::Expired)),
    certificate("certificate-not-yet-valid", |ca| {
        ca.server_with(Leaf::NotYetValid)
    }),
    certificate("certificate-wrong-name", |ca| {
        ca.server_with(Leaf::WrongName)
    }),
    certificate("certificate-unknown-issuer", |_| TestCa::new().server()),
    config(5, "tls-too-old", On::Tls, OPEN, BAD, |config, _| {
        // The alert `protocol_version`, as a server says it that knows nothing newer than TLS 1.1.
        let alert = Bytes::from_static(&[21, 3, 2, 0, 2, 2, 70]);
        config.on_accept(OnAccept::Say(alert))
    }),
    config(
        6,
        "request-never-read",
        On::Http1,
        OPEN,
        LATE,
        |mut config, _| {
            config.receive_buffer = Some(4096);
            config.early(|request| stuck(request, Script::new().stall()))
        },
    ),
    config(
        6,
        "request-window-never-opened",
        On::Http2,
        OPEN,
        LATE,
        |mut config, _| {
            config.http2.initial_window = Some(0);
            // A client may send before it knows the settings.
            config.early(|request| stuck(request, Script::new().stall()))
        },
    ),
    answer(7, "slow-head", On::Http1, OPEN, LATE, |scene| {
        Script::new().step(Step::RawTrickle {
            bytes: scene.head().to_http1(),
            size: 1,
            pause: scene.pause,
        })
    }),
    answer(7, "half-head", On::Http1, OPEN, LATE, |_| {
        Script::new().raw("HTTP/1.1 200 OK\r\ncontent-ty").stall()
    }),
    answer(8, "endless-headers", On::Http1, OPEN, BAD, |_| {
        let lines = Bytes::from("x-padding: 0123456789\r\n".repeat(1000));
        Script::new()
            .raw("HTTP/1.1 200 OK\r\n")
            .step(Step::RawFlood(lines))
    }),
    answer(8, "endless-header-line", On::Http1, OPEN, BAD, |_| {
        let line = Bytes::from("x".repeat(64 * 1024));
        Script::new()
            .raw("HTTP/1.1 200 OK\r\nx-long: ")
            .step(Step::RawFlood(line))
    }),
    answer(8, "endless-status-line", On::Http1, OPEN, BAD, |_| {
        let line = Bytes::from("x".repeat(64 * 1024));
        Script::new()
            .raw("HTTP/1.1 200 O")
            .step(Step::RawFlood(line))
    }),
    answer(
        8,
        "thousand-headers",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| {
            let many = (0..1000).map(|n| (format!("x-header-{n}"), "value".to_owned()));
            let mut head = scene.head();
            head.headers.extend(many);
            scene.good_with(head)
        },
    ),
    answer(
        8,
        "megabyte-header",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| scene.good_with(scene.head().with("x-big", &"x".repeat(1 << 20))),
    ),
    answer(8, "not-http", On::Http1, OPEN, BAD, |_| {
        Script::new().raw("SSH-2.0-OpenSSH_9.2\r\n").close()
    }),
    answer(8, "http-0.9", On::Http1, OPEN, BAD, |scene| {
        Script::new().raw(scene.body()).close()
    }),
    answer(8, "eof-before-head", On::Any, OPEN, BAD, |_| {
        Script::new().close()
    }),
    answer(
        26,
        "close-after-answer",
        On::Http1,
        EVERY,
        Expect::Completes,
        |scene| scene.good().close(),
    ),
    answer(
        26,
        "close-on-next-request",
        On::Http1,
        EVERY,
        Expect::FailsOrCompletes,
        |scene| scene.good().step(Step::NextInput).close(),
    ),
    answer(
        26,
        "reset-on-next-request",
        On::Http1,
        EVERY,
        Expect::FailsOrCompletes,
        |scene| scene.good().step(Step::NextInput).reset(),
    ),
    answer(
        26,
        "stray-bytes-after-answer",
        On::Http1,
        EVERY,
        Expect::Completes,
        |scene| scene.good().raw("stray"),
    ),
    early(413, "early-413"),
    early(401, "early-401"),
];

const fn certificate(name: &'static str, identity: fn(&TestCa) -> crate::ca::Identity) -> Fault {
    Fault {
        row: 5,
        name,
        on: On::Tls,
        at: OPEN,
        expect: BAD,
        make: Make::Certificate(identity),
    }
}

const fn early(status: u16, name: &'static str) -> Fault {
    let (expect, change): (_, fn(UpstreamConfig, _) -> UpstreamConfig) = match status {
        413 => (Expect::Fails(&[413]), |config, _| {
            config.early(|request| refuse(request, 413))
        }),
        _ => (Expect::Fails(&[401, 500, 502]), |config, _| {
            config.early(|request| refuse(request, 401))
        }),
    };
    config(27, name, On::Any, OPEN, expect, change)
}

fn refuse(request: &Recorded, status: u16) -> Option<Script> {
    let scene = super::Scene::new(request, At::Plain, std::time::Duration::ZERO);
    stuck(request, scene.error(status).close())
}

/// This script for what is answered in a dialect; the rest is answered as usual.
fn stuck(request: &Recorded, script: Script) -> Option<Script> {
    crate::dialect::Wire::of_path(request.path()).map(|_| script)
}
