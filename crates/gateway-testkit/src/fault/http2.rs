//! Faults of HTTP/2: rows 28 to 30.

use std::time::Duration;

use bytes::Bytes;

use super::{At, BAD, EVERY, Expect, Fault, LATE, OPEN, On, Scene, answer, config};
use crate::script::{Frame, LastStream, Script, Step};

pub(super) const FAULTS: &[Fault] = &[
    answer(28, "goaway-refuses-us", On::Http2, OPEN, BAD, |_| {
        let refuse = Step::Frame(go_away(LastStream::Before, NO_ERROR));
        Script::new().step(refuse).sleep(SETTLE).close()
    }),
    answer(
        28,
        "goaway-then-finish",
        On::Http2,
        EVERY,
        Expect::Completes,
        |scene| {
            finish(
                scene
                    .begin()
                    .step(Step::Frame(go_away(LastStream::This, NO_ERROR))),
                scene,
            )
        },
    ),
    answer(
        28,
        "goaway-graceful",
        On::Http2,
        EVERY,
        Expect::Completes,
        |scene| {
            let script = scene
                .begin()
                .step(Step::Frame(go_away(LastStream::Max, NO_ERROR)));
            finish(
                script
                    .sleep(SETTLE)
                    .step(Step::Frame(go_away(LastStream::This, NO_ERROR))),
                scene,
            )
        },
    ),
    answer(
        28,
        "goaway-below-a-running-stream",
        On::Http2,
        EVERY,
        Expect::FailsOrCompletes,
        |scene| {
            finish(
                scene
                    .begin()
                    .step(Step::Frame(go_away(LastStream::Zero, NO_ERROR))),
                scene,
            )
        },
    ),
    answer(28, "goaway-with-error", On::Http2, EVERY, BAD, |scene| {
        let script = scene
            .begin()
            .step(Step::Frame(go_away(LastStream::Zero, INTERNAL_ERROR)));
        script.sleep(SETTLE).close()
    }),
    answer(
        28,
        "goaway-enhance-your-calm",
        On::Http2,
        EVERY,
        BAD,
        |scene| {
            let script = scene
                .begin()
                .step(Step::Frame(go_away(LastStream::Zero, ENHANCE_YOUR_CALM)));
            script.sleep(SETTLE).close()
        },
    ),
    answer(29, "rst-refused", On::Http2, OPEN, BAD, |_| {
        Script::new().step(Step::ResetStream(REFUSED_STREAM))
    }),
    answer(29, "rst-cancel", On::Http2, EVERY, BAD, |scene| {
        scene.begin().step(Step::ResetStream(CANCEL))
    }),
    answer(29, "rst-internal", On::Http2, EVERY, BAD, |scene| {
        scene.begin().step(Step::ResetStream(INTERNAL_ERROR))
    }),
    answer(29, "rst-no-error-early", On::Http2, EVERY, BAD, |scene| {
        scene.begin().step(Step::ResetStream(NO_ERROR))
    }),
    answer(
        29,
        "rst-no-error-after-end",
        On::Http2,
        EVERY,
        Expect::Completes,
        |scene| scene.good().step(Step::Frame(Frame::ResetStream(NO_ERROR))),
    ),
    config(
        30,
        "one-stream-at-a-time",
        On::Http2,
        OPEN,
        Expect::Completes,
        |mut config, setup| {
            config.http2.max_concurrent_streams = Some(1);
            config.handler(move |request| Scene::new(request, setup.at, setup.pause).good())
        },
    ),
    config(
        30,
        "no-streams-at-all",
        On::Http2,
        OPEN,
        LATE,
        |mut config, _| {
            config.http2.max_concurrent_streams = Some(0);
            config
        },
    ),
    answer(
        30,
        "settings-change",
        On::Http2,
        EVERY,
        Expect::Completes,
        |scene| {
            let settings = Frame::Settings(vec![
                (MAX_CONCURRENT_STREAMS, 1),
                (INITIAL_WINDOW_SIZE, 1 << 20),
                (MAX_FRAME_SIZE, 1 << 20),
            ]);
            finish(scene.begin().step(Step::Frame(settings)), scene)
        },
    ),
    answer(30, "window-overflow", On::Http2, EVERY, BAD, |scene| {
        let overflow = Step::Frame(Frame::ConnectionWindow((1 << 31) - 1));
        scene.begin().step(overflow).stall()
    }),
    answer(
        30,
        "unknown-frame",
        On::Http2,
        EVERY,
        Expect::Completes,
        |scene| {
            let frame = Frame::Any {
                kind: 0xbe,
                flags: 0xff,
                on_stream: true,
                payload: Bytes::from_static(b"whatever"),
            };
            finish(scene.begin().step(Step::Frame(frame)), scene)
        },
    ),
    answer(30, "bad-frame", On::Http2, EVERY, BAD, |scene| {
        let frame = Frame::Any {
            kind: PING,
            flags: 0,
            on_stream: false,
            payload: Bytes::from_static(b"short"),
        };
        scene.begin().step(Step::Frame(frame)).stall()
    }),
    answer(30, "bad-header-block", On::Http2, OPEN, BAD, |_| {
        let frame = Frame::Any {
            kind: HEADERS,
            flags: END_HEADERS,
            on_stream: true,
            payload: Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        };
        Script::new().step(Step::Frame(frame)).stall()
    }),
    answer(
        30,
        "small-frames",
        On::Http2,
        &[At::BeforeFirstEvent],
        Expect::Completes,
        |scene| {
            let trickle = Step::Trickle {
                bytes: scene.whole(),
                size: 40,
                pause: Duration::ZERO,
            };
            Script::new().head(scene.head()).step(trickle).end()
        },
    ),
];

fn finish(script: Script, scene: &Scene<'_>) -> Script {
    script.bytes(scene.rest_of_body()).end()
}

const fn go_away(last: LastStream, code: u32) -> Frame {
    Frame::GoAway { last, code }
}

const SETTLE: Duration = Duration::from_millis(20);

// RFC 9113, sections 6 and 7.
const HEADERS: u8 = 1;
const PING: u8 = 6;
const END_HEADERS: u8 = 4;
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
