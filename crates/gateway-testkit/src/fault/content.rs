//! Odd bytes inside a body: rows 19 to 21, 24, 25, 37, 38, 39, 41, 42, 48.

use bytes::Bytes;

use super::gzip::gzip;
use super::{
    BAD, COMMITTED, EVERY, Expect, Fault, OPEN, On, PLAIN, STREAM, STREAMS, Scene, answer,
};
use crate::dialect::{Knobs, Wire};
use crate::script::{ResponseHead, Script, Step};

pub(super) const FAULTS: &[Fault] = &[
    answer(
        19,
        "invalid-utf8",
        On::Any,
        STREAMS,
        Expect::FailsOrCompletes,
        |scene| {
            let event = scene.content(b"\"\xff\xfe\"");
            scene.begin().bytes(event).all(scene.rest()).end()
        },
    ),
    answer(
        19,
        "invalid-utf8-body",
        On::Any,
        PLAIN,
        Expect::FailsOrCompletes,
        |scene| {
            Script::new()
                .head(scene.head())
                .bytes(replaced(&scene.body(), b"w0", b"\xff\xfe"))
                .end()
        },
    ),
    answer(20, "bom", On::Any, OPEN, Expect::Completes, |scene| {
        Script::new()
            .head(scene.head())
            .bytes("\u{feff}")
            .bytes(scene.whole())
            .end()
    }),
    answer(
        20,
        "bom-in-pieces",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| {
            let script = Script::new()
                .head(scene.head())
                .bytes(&b"\xef"[..])
                .bytes(&b"\xbb"[..]);
            script.bytes(&b"\xbf"[..]).bytes(scene.whole()).end()
        },
    ),
    answer(
        21,
        "line-ends-cr",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| with_line_ends(scene, &["\r"]),
    ),
    answer(
        21,
        "line-ends-crlf",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| with_line_ends(scene, &["\r\n"]),
    ),
    answer(
        21,
        "line-ends-mixed",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| with_line_ends(scene, &["\r\n", "\r", "\n"]),
    ),
    answer(
        21,
        "cr-at-chunk-end",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| {
            let text = line_ends(&scene.whole(), &["\r\n"]);
            let pieces: Vec<Bytes> = text
                .split_inclusive('\r')
                .map(|piece| piece.to_owned().into())
                .collect();
            Script::new().head(scene.head()).all(pieces).end()
        },
    ),
    answer(
        24,
        "bad-json",
        On::Any,
        STREAMS,
        Expect::FailsOrCompletes,
        |scene| {
            scene
                .begin()
                .bytes(scene.content(b"\"cut"))
                .all(scene.rest())
                .end()
        },
    ),
    answer(24, "bad-json-body", On::Any, PLAIN, BAD, |scene| {
        Script::answer(
            200,
            "application/json",
            replaced(&scene.body(), b"{", b"{{"),
        )
    }),
    answer(
        25,
        "unknown-event",
        On::Any,
        STREAMS,
        Expect::Completes,
        |scene| {
            let event = "event: something_new\ndata: {\"type\":\"something_new\",\"x\":1}\n\n";
            let event = match scene.wire {
                Wire::AnthropicMessages | Wire::OpenAiResponses => event,
                _ => "data: {\"object\":\"something.new\",\"choices\":[],\"x\":1}\n\n",
            };
            scene.begin().bytes(event).all(scene.rest()).end()
        },
    ),
    answer(
        25,
        "unknown-fields",
        On::Any,
        OPEN,
        Expect::Completes,
        |scene| {
            let whole = replaced(&scene.whole(), b"{", b"{\"x_unknown\":{\"a\":[1]},");
            Script::new().head(scene.head()).bytes(whole).end()
        },
    ),
    answer(
        25,
        "unknown-sse-fields",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| {
            let script = Script::new()
                .head(scene.head())
                .bytes("retry: 100\nid: 7\nfoo: bar\n:comment\n\n");
            script.all(scene.events()).end()
        },
    ),
    answer(37, "error-event", On::Any, COMMITTED, BAD, |scene| {
        scene
            .begin()
            .bytes(scene.wire.error_event(529, "Overloaded"))
            .end()
    }),
    answer(
        37,
        "error-event-then-marker",
        On::Any,
        COMMITTED,
        BAD,
        |scene| {
            let script = scene
                .begin()
                .bytes(scene.wire.error_event(500, "Internal server error"));
            script.bytes(scene.wire.marker()).end()
        },
    ),
    answer(38, "empty-body", On::Any, OPEN, BAD, |scene| {
        Script::new().head(scene.head()).end()
    }),
    answer(38, "204", On::Any, OPEN, BAD, |_| {
        let head = ResponseHead::new(204).framed(crate::http1::Framing::None);
        Script::new().head(head).end()
    }),
    answer(
        39,
        "json-for-a-stream",
        On::Any,
        STREAM,
        Expect::FailsOrCompletes,
        |scene| Script::answer(200, "application/json", scene.body()),
    ),
    answer(
        39,
        "stream-for-json",
        On::Any,
        PLAIN,
        Expect::FailsOrCompletes,
        |scene| Script::events(scene.wire.stream(scene.request, &Knobs::default())),
    ),
    answer(
        41,
        "gzip",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| coded(scene, "gzip", gzip(&scene.whole())),
    ),
    answer(41, "gzip-truncated", On::Any, OPEN, BAD, |scene| {
        let whole = gzip(&scene.whole());
        coded(scene, "gzip", whole.slice(..whole.len() - 10))
    }),
    answer(
        41,
        "gzip-trailing-garbage",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| {
            coded(
                scene,
                "gzip",
                [gzip(&scene.whole()), Bytes::from_static(b"garbage")]
                    .concat()
                    .into(),
            )
        },
    ),
    answer(41, "gzip-that-is-none", On::Any, OPEN, BAD, |scene| {
        coded(
            scene,
            "gzip",
            Bytes::from_static(b"\x1f\x8b\x08 this is not gzip"),
        )
    }),
    answer(
        41,
        "gzip-twice",
        On::Any,
        OPEN,
        Expect::FailsOrCompletes,
        |scene| coded(scene, "gzip, gzip", gzip(&gzip(&scene.whole()))),
    ),
    answer(41, "unknown-coding", On::Any, OPEN, BAD, |scene| {
        coded(scene, "x-rot13", scene.whole())
    }),
    answer(42, "trailers", On::Any, OPEN, Expect::Completes, |scene| {
        with_trailers(
            scene,
            &[
                ("x-checksum", "1"),
                ("transfer-encoding", "chunked"),
                ("content-length", "3"),
            ],
        )
    }),
    answer(42, "error-in-trailers", On::Any, EVERY, BAD, |scene| {
        let trailers = [("x-error", "overloaded"), ("grpc-status", "14")];
        scene.begin().step(Step::End(owned(&trailers)))
    }),
    answer(
        48,
        "azure-filter-frames",
        On::Any,
        STREAM,
        Expect::Completes,
        |scene| match scene.wire {
            Wire::AnthropicMessages | Wire::OpenAiResponses | Wire::Gemini => scene.good(),
            _ => {
                let frame = "data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n";
                let mut events = scene.events();
                let last = events.len() - 1;
                events.insert(last, Bytes::from_static(frame.as_bytes()));
                Script::new()
                    .head(scene.head())
                    .bytes(frame)
                    .all(events)
                    .end()
            }
        },
    ),
];

fn with_line_ends(scene: &Scene<'_>, ends: &[&str]) -> Script {
    let text = line_ends(&scene.whole(), ends);
    Script::new().head(scene.head()).bytes(text).end()
}

/// The line feeds replaced by these line ends in turn. An event's blank line gets the same end as the line
/// before it, because CR followed by LF would be one line end instead of two.
fn line_ends(text: &[u8], ends: &[&str]) -> String {
    let text = String::from_utf8_lossy(text).into_owned();
    let events = text.split_inclusive("\n\n").zip(ends.iter().cycle());
    events
        .map(|(event, end)| event.replace('\n', end))
        .collect()
}

fn coded(scene: &Scene<'_>, coding: &str, body: Bytes) -> Script {
    let head = scene.head().with("content-encoding", coding);
    Script::new().head(head).bytes(body).end()
}

fn with_trailers(scene: &Scene<'_>, trailers: &[(&str, &str)]) -> Script {
    let script = Script::new().head(scene.head()).bytes(scene.whole());
    script.step(Step::End(owned(trailers)))
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

/// The first `from` replaced.
fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Bytes {
    let at = memchr::memmem::find(text, from).expect("the correct answer holds it");
    [&text[..at], to, &text[at + from.len()..]].concat().into()
}
