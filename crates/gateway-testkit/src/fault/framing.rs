//! Framing that lies, and heads that are more or less than one: rows 40, 43 and 45.

use bytes::Bytes;

use super::{At, BAD, Expect, Fault, OPEN, On, PLAIN, STREAM, Scene, answer};
use crate::http1::{Framing, chunk, last_chunk, latin1};
use crate::script::{Script, Step};

pub(super) const FAULTS: &[Fault] = &[
    answer(40, "length-too-long", On::Http1, OPEN, BAD, |scene| {
        let body = scene.whole();
        let head = scene.head().framed(Framing::Length(body.len() as u64 + 10));
        match scene.at {
            At::Plain => Script::new().head(head).bytes(body).close(),
            // With the marker the stream would be complete whatever the framing says.
            At::BeforeFirstEvent | At::AfterFirstEvent => Script::new()
                .head(head)
                .bytes(body.slice(..body.len() - 40))
                .close(),
        }
    }),
    answer(40, "length-too-short", On::Http1, OPEN, BAD, |scene| {
        let body = scene.whole();
        // A last part that is missing must be more than a marker: without it a stream may still be complete.
        let length = body.len() - body.len() / 4;
        let head = scene.head().framed(Framing::Length(length as u64));
        Script::new().head(head).bytes(body)
    }),
    answer(
        40,
        "length-duplicate-equal",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| {
            with_framing(scene, |n| {
                format!("content-length: {n}\r\ncontent-length: {n}\r\n")
            })
        },
    ),
    answer(
        40,
        "length-duplicate-different",
        On::Http1,
        OPEN,
        BAD,
        |scene| {
            with_framing(scene, |n| {
                format!("content-length: {n}\r\ncontent-length: {}\r\n", n - 1)
            })
        },
    ),
    answer(40, "length-negative", On::Http1, OPEN, BAD, |scene| {
        with_framing(scene, |n| format!("content-length: -{n}\r\n"))
    }),
    answer(
        40,
        "length-with-plus",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_framing(scene, |n| format!("content-length: +{n}\r\n")),
    ),
    answer(40, "length-overflow", On::Http1, OPEN, BAD, |scene| {
        with_framing(scene, |_| {
            "content-length: 99999999999999999999999\r\n".to_owned()
        })
    }),
    answer(
        40,
        "length-and-chunked",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n";
            let body = [chunk(&scene.whole()), last_chunk(&[])].concat();
            raw(scene, head, &body)
        },
    ),
    answer(40, "chunk-size-nonsense", On::Http1, OPEN, BAD, |scene| {
        raw(scene, CHUNKED, b"zz\r\nhello\r\n0\r\n\r\n")
    }),
    answer(40, "chunk-size-overflow", On::Http1, OPEN, BAD, |scene| {
        raw(scene, CHUNKED, b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n")
    }),
    answer(
        40,
        "chunk-without-line-end",
        On::Http1,
        OPEN,
        BAD,
        |scene| raw(scene, CHUNKED, b"5\r\nhelloXX0\r\n\r\n"),
    ),
    answer(
        40,
        "chunk-extension-endless",
        On::Http1,
        OPEN,
        BAD,
        |scene| {
            let script = Script::new().raw(start(scene, CHUNKED)).raw("5;x=");
            script.step(Step::RawFlood(Bytes::from("y".repeat(64 * 1024))))
        },
    ),
    answer(
        40,
        "trailers-endless",
        On::Http1,
        PLAIN,
        Expect::FailsOrCompletes,
        |scene| {
            let script = Script::new()
                .raw(start(scene, CHUNKED))
                .raw(chunk(&scene.body()))
                .raw("0\r\n");
            script.step(Step::RawFlood(Bytes::from(
                "x-trailer: 0123456789\r\n".repeat(1000),
            )))
        },
    ),
    answer(
        43,
        "interim-100",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| interim(scene, &[100]),
    ),
    answer(
        43,
        "interim-102",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| interim(scene, &[102]),
    ),
    answer(
        43,
        "interim-103",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| interim(scene, &[103]),
    ),
    answer(
        43,
        "interim-199",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| interim(scene, &[199]),
    ),
    answer(
        43,
        "interim-sixteen",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| interim(scene, &[103; 16]),
    ),
    answer(43, "interim-endless", On::Http1, OPEN, BAD, |_| {
        let many = Bytes::from("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1000));
        Script::new().step(Step::RawFlood(many))
    }),
    answer(43, "switching-protocols", On::Http1, OPEN, BAD, |_| {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        Script::new().raw(head).stall()
    }),
    answer(
        45,
        "set-cookie",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| {
            let head = scene
                .head()
                .with("set-cookie", "a=1")
                .with("set-cookie", "b=2");
            scene.good_with(
                head.with("server", "double")
                    .with("www-authenticate", "Basic"),
            )
        },
    ),
    answer(
        45,
        "hop-by-hop-headers",
        On::Http1,
        OPEN,
        Expect::Completes,
        |scene| {
            let head = scene
                .head()
                .with("connection", "keep-alive, x-private")
                .with("x-private", "1");
            let head = head
                .with("keep-alive", "timeout=5")
                .with("proxy-authenticate", "Basic");
            scene.good_with(
                head.with("upgrade", "h2c")
                    .with("proxy-connection", "close"),
            )
        },
    ),
    answer(
        45,
        "rate-limit-headers",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| {
            let head = scene.head().with("x-ratelimit-remaining-requests", "1");
            scene.good_with(
                head.with("anthropic-ratelimit-requests-remaining", "-5")
                    .with("retry-after", "1"),
            )
        },
    ),
    answer(
        45,
        "header-with-cr",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "x-evil: a\rset-cookie: evil=1\r\n"),
    ),
    answer(
        45,
        "header-with-nul",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "x-evil: a\0b\r\n"),
    ),
    answer(
        45,
        "header-folded",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "x-evil: a\r\n set-cookie: evil=1\r\n"),
    ),
    answer(
        45,
        "header-bare-lf",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "x-evil: a\nset-cookie: evil=1\r\n"),
    ),
    answer(
        45,
        "header-without-colon",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "evil\r\n"),
    ),
    answer(
        45,
        "header-space-before-colon",
        On::Http1,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| with_line(scene, "x-evil : a\r\n"),
    ),
    answer(
        45,
        "header-latin1",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| scene.good_with(scene.head().with("x-latin", "caf\u{e9}")),
    ),
    answer(
        45,
        "content-type-missing",
        On::Any,
        STREAM,
        Expect::FailsOrCompletes,
        |scene| {
            let mut head = scene.head();
            head.headers.retain(|(name, _)| name != "content-type");
            scene.good_with(head)
        },
    ),
    answer(
        45,
        "two-content-types",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| scene.good_with(scene.head().with("content-type", "text/html")),
    ),
];

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n";

fn interim(scene: &Scene<'_>, statuses: &[u16]) -> Script {
    let begin = statuses.iter().fold(Script::new(), |script, status| {
        script.step(Step::Interim(
            *status,
            vec![("link".to_owned(), "</a>".to_owned())],
        ))
    });
    scene
        .good()
        .into_steps()
        .into_iter()
        .fold(begin, Script::step)
}

/// The correct body under framing headers made from its length.
fn with_framing(scene: &Scene<'_>, headers: fn(usize) -> String) -> Script {
    let body = scene.whole();
    let head = format!("HTTP/1.1 200 OK\r\n{}", headers(body.len()));
    raw(scene, &head, &body)
}

/// The correct body under a head with this line in it.
fn with_line(scene: &Scene<'_>, line: &str) -> Script {
    let body = scene.whole();
    let head = format!(
        "HTTP/1.1 200 OK\r\n{line}content-length: {}\r\n",
        body.len()
    );
    raw(scene, &head, &body)
}

fn raw(scene: &Scene<'_>, head: &str, body: &[u8]) -> Script {
    Script::new()
        .raw([&start(scene, head)[..], body].concat())
        .close()
}

/// A head with its content type and its blank line.
fn start(scene: &Scene<'_>, head: &str) -> Bytes {
    let kind = scene.head().headers.remove(0).1;
    latin1(&format!("{head}content-type: {kind}\r\n\r\n"))
}
