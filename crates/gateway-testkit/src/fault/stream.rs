//! Faults in the course of a body: silence, cuts, ends that are none. Rows 9 to 18, 22, 23 and 50.

use bytes::Bytes;

use super::{
    At, BAD, COMMITTED, EVERY, Expect, Fault, LATE, OPEN, On, PLAIN, STREAM, STREAMS, answer,
};
use crate::http1::Framing;
use crate::script::{Events, Pace, Script, Step};

pub(super) const FAULTS: &[Fault] = &[
    answer(9, "silent", On::Any, OPEN, LATE, |_| Script::new().stall()),
    answer(9, "head-then-silence", On::Any, OPEN, LATE, |scene| {
        Script::new().head(scene.head()).stall()
    }),
    answer(
        10,
        "stall",
        On::Any,
        &[At::Plain, At::AfterFirstEvent],
        LATE,
        |scene| scene.begin().stall(),
    ),
    answer(
        10,
        "stall-inside-event",
        On::Any,
        COMMITTED,
        LATE,
        |scene| scene.begin().bytes("data: {\"half").stall(),
    ),
    answer(11, "pings-only", On::Any, STREAMS, LATE, |scene| {
        let ping = scene.ping();
        scene.begin().step(Step::Events(Events {
            next: Box::new(move || Some(ping.clone())),
            pace: Pace {
                every: scene.pause,
                burst: 1,
            },
        }))
    }),
    answer(12, "rst", On::Any, EVERY, BAD, |scene| {
        scene.begin().reset()
    }),
    answer(12, "rst-before-head", On::Any, OPEN, BAD, |_| {
        Script::new().reset()
    }),
    answer(13, "fin", On::Any, EVERY, BAD, |scene| {
        scene.begin().close()
    }),
    answer(13, "fin-length", On::Http1, EVERY, BAD, |scene| {
        scene.begin_framed(Framing::Length(1 << 20)).close()
    }),
    answer(13, "fin-inside-chunk", On::Http1, EVERY, BAD, |scene| {
        scene.begin().raw("40\r\ndata: {").close()
    }),
    answer(
        13,
        "fin-inside-chunk-size",
        On::Http1,
        EVERY,
        BAD,
        |scene| scene.begin().raw("4").close(),
    ),
    answer(13, "role-then-fin", On::Any, STREAM, BAD, |scene| {
        scene.preamble().close()
    }),
    answer(14, "role-then-end", On::Any, STREAM, BAD, |scene| {
        scene.preamble().end()
    }),
    answer(14, "clean-end-early", On::Any, EVERY, BAD, |scene| {
        scene.begin().end()
    }),
    answer(15, "close-delimited-cut", On::Http1, EVERY, BAD, |scene| {
        scene.begin_framed(Framing::Close).close()
    }),
    answer(
        15,
        "close-delimited-abrupt",
        On::Http1Tls,
        EVERY,
        BAD,
        |scene| scene.begin_framed(Framing::Close).step(Step::CloseAbruptly),
    ),
    answer(
        15,
        "close-delimited-whole",
        On::Http1,
        OPEN,
        Expect::Completes,
        |scene| scene.good_with(scene.head().framed(Framing::Close)),
    ),
    answer(
        15,
        "close-delimited-whole-abrupt",
        On::Http1Tls,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| {
            let head = scene.head().framed(Framing::Close);
            Script::new()
                .head(head)
                .bytes(scene.whole())
                .step(Step::CloseAbruptly)
        },
    ),
    answer(16, "half-line", On::Any, STREAMS, BAD, |scene| {
        let event = scene.content(b"\"half\"");
        scene.begin().bytes(event.slice(..event.len() / 2)).end()
    }),
    answer(16, "no-blank-line", On::Any, STREAMS, BAD, |scene| {
        let event = scene.content(b"\"no blank line\"");
        scene.begin().bytes(event.slice(..event.len() - 1)).end()
    }),
    answer(
        16,
        "no-blank-line-after-marker",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| {
            let whole = scene.whole();
            Script::new()
                .head(scene.head())
                .bytes(whole.slice(..whole.len() - 1))
                .end()
        },
    ),
    answer(
        17,
        "marker-then-silence",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| Script::new().head(scene.head()).all(scene.events()).stall(),
    ),
    answer(
        17,
        "marker-then-fin",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| Script::new().head(scene.head()).all(scene.events()).close(),
    ),
    answer(
        17,
        "marker-then-rst",
        On::Any,
        STREAM,
        Expect::FailsOrCompletes,
        |scene| {
            let pause = std::time::Duration::from_millis(20);
            Script::new()
                .head(scene.head())
                .all(scene.events())
                .sleep(pause)
                .reset()
        },
    ),
    answer(
        18,
        "data-after-marker",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| {
            let script = Script::new().head(scene.head()).all(scene.events());
            script.all(scene.events()).end()
        },
    ),
    answer(
        18,
        "flood-after-marker",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| {
            let script = Script::new().head(scene.head()).all(scene.events());
            script.step(Step::Flood(scene.content(b"\"more\"")))
        },
    ),
    answer(22, "giant-event", On::Any, STREAMS, BAD, |scene| {
        scene
            .begin()
            .bytes("data: \"")
            .step(Step::Flood(Bytes::from("x".repeat(64 * 1024))))
    }),
    answer(
        22,
        "giant-event-of-many-lines",
        On::Any,
        STREAMS,
        BAD,
        |scene| {
            scene
                .begin()
                .step(Step::Flood(Bytes::from("data: x\n".repeat(8192))))
        },
    ),
    answer(22, "giant-body", On::Any, PLAIN, BAD, |scene| {
        let head = Script::new().head(scene.head()).bytes("{\"x\": \"");
        head.step(Step::Flood(Bytes::from("x".repeat(64 * 1024))))
    }),
    answer(
        23,
        "one-byte-at-a-time",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| {
            let trickle = Step::Trickle {
                bytes: scene.whole(),
                size: 1,
                pause: std::time::Duration::ZERO,
            };
            Script::new().head(scene.head()).step(trickle).end()
        },
    ),
    answer(
        23,
        "one-wire-byte-at-a-time",
        On::Http1,
        OPEN,
        Expect::Completes,
        |scene| {
            let body = scene.whole();
            let head = scene.head().framed(Framing::Length(body.len() as u64));
            let trickle = Step::RawTrickle {
                bytes: [head.to_http1(), body].concat().into(),
                size: 1,
                pause: std::time::Duration::ZERO,
            };
            Script::new().step(trickle).close()
        },
    ),
    answer(50, "flood", On::Any, COMMITTED, Expect::Floods, |scene| {
        let many = std::iter::repeat_n(scene.content(b"\"flood\""), 400);
        let many: Vec<Bytes> = many.collect();
        scene.begin().step(Step::Flood(many.concat().into()))
    }),
];
