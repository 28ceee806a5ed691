//! Answers that say no, or say yes and mean no: rows 31 to 36 and 44.

use serde_json::json;

use super::{BAD, Expect, Fault, OPEN, On, STREAM, Scene, answer};
use crate::script::{ResponseHead, Script};

pub(super) const FAULTS: &[Fault] = &[
    limited("429-none", |scene| scene.error(429)),
    limited("429-seconds", |scene| limit(scene, &[("retry-after", "7")])),
    limited("429-date", |scene| {
        limit(scene, &[("retry-after", "Thu, 31 Dec 2099 23:59:59 GMT")])
    }),
    limited("429-past-date", |scene| {
        limit(scene, &[("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")])
    }),
    limited("429-milliseconds", |scene| {
        limit(scene, &[("retry-after-ms", "1500")])
    }),
    limited("429-zero", |scene| limit(scene, &[("retry-after", "0")])),
    limited("429-negative", |scene| {
        limit(scene, &[("retry-after", "-5")])
    }),
    limited("429-huge", |scene| {
        limit(scene, &[("retry-after", "1000000000")])
    }),
    limited("429-junk", |scene| limit(scene, &[("retry-after", "soon")])),
    limited("429-differing", |scene| {
        limit(scene, &[("retry-after", "30"), ("retry-after-ms", "1000")])
    }),
    answer(
        32,
        "429-no-credit",
        On::Any,
        OPEN,
        Expect::Fails(&[429, 402, 403]),
        |_| {
            Script::json(
                429,
                &json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota",
            "param": null, "code": "insufficient_quota"}}),
            )
        },
    ),
    failed("400", Expect::Fails(&[400]), |scene| scene.error(400)),
    failed("401", Expect::Fails(&[401, 500, 502]), |scene| {
        scene.error(401)
    }),
    failed("403", Expect::Fails(&[403, 500, 502]), |scene| {
        scene.error(403)
    }),
    failed("404", Expect::Fails(&[404, 502]), |scene| scene.error(404)),
    failed("500", BAD, |scene| scene.error(500)),
    failed("502", BAD, |scene| scene.error(502)),
    failed("503", BAD, |scene| scene.error(503)),
    failed("504", Expect::Fails(&[504]), |scene| scene.error(504)),
    failed("520", UNUSUAL, |scene| scene.error(520)),
    failed("521", UNUSUAL, |scene| scene.error(521)),
    failed("522", UNUSUAL, |scene| scene.error(522)),
    failed("523", UNUSUAL, |scene| scene.error(523)),
    failed("524", UNUSUAL, |scene| scene.error(524)),
    failed("529", UNUSUAL, |scene| scene.error(529)),
    answer(34, "html-502", On::Any, OPEN, BAD, |_| html(502)),
    answer(34, "html-503", On::Any, OPEN, BAD, |_| html(503)),
    answer(34, "html-200", On::Any, OPEN, BAD, |_| html(200)),
    answer(
        35,
        "200-rate-limit",
        On::Any,
        OPEN,
        Expect::Fails(&[429]),
        |scene| Script::json(200, &scene.wire.error_body(429, "slow down")),
    ),
    answer(35, "200-server-error", On::Any, OPEN, BAD, |scene| {
        Script::json(200, &scene.wire.error_body(500, "it broke"))
    }),
    answer(
        36,
        "first-event-rate-limit",
        On::Any,
        STREAM,
        Expect::Fails(&[429]),
        |scene| first_event(scene, 429),
    ),
    answer(
        36,
        "first-event-overloaded",
        On::Any,
        STREAM,
        Expect::Fails(&[529, 503, 500, 502]),
        |scene| first_event(scene, 529),
    ),
    answer(
        36,
        "first-event-server-error",
        On::Any,
        STREAM,
        BAD,
        |scene| first_event(scene, 500),
    ),
    answer(36, "error-after-preamble", On::Any, STREAM, BAD, |scene| {
        let error = scene.wire.error_event(500, "it broke");
        scene.preamble().bytes(error).end()
    }),
    redirect("301", |_| {
        moved(301, "https://api.example.invalid/v1/chat/completions")
    }),
    redirect("302", |_| moved(302, "https://api.example.invalid/")),
    redirect("303", |_| moved(303, "/v1/models")),
    redirect("307-private-address", |_| {
        moved(307, "http://169.254.169.254/latest/meta-data/")
    }),
    redirect("308-loop", |scene| moved(308, &scene.request.target)),
    redirect("302-no-location", |_| Script::answer(302, "text/plain", "")),
];

const UNUSUAL: Expect = Expect::Fails(&[500, 502, 503, 504, 520, 521, 522, 523, 524, 529]);

const fn limited(name: &'static str, script: fn(&Scene<'_>) -> Script) -> Fault {
    answer(31, name, On::Any, OPEN, Expect::Fails(&[429]), script)
}

const fn failed(name: &'static str, expect: Expect, script: fn(&Scene<'_>) -> Script) -> Fault {
    answer(33, name, On::Any, OPEN, expect, script)
}

const fn redirect(name: &'static str, script: fn(&Scene<'_>) -> Script) -> Fault {
    answer(44, name, On::Any, OPEN, BAD, script)
}

fn limit(scene: &Scene<'_>, headers: &[(&str, &str)]) -> Script {
    let head = ResponseHead::json(429);
    let head = headers
        .iter()
        .fold(head, |head, (name, value)| head.with(name, value));
    scene.error_with(head)
}

fn html(status: u16) -> Script {
    let page = "<html><head><title>upstream.internal.example.invalid</title></head><body>Bad gateway</body></html>";
    Script::answer(status, "text/html", page)
}

fn first_event(scene: &Scene<'_>, status: u16) -> Script {
    let error = scene.wire.error_event(status, "not now");
    Script::new().head(scene.head()).bytes(error).end()
}

fn moved(status: u16, location: &str) -> Script {
    let head = ResponseHead::new(status).with("location", location);
    Script::new().head(head).bytes("moved").end()
}
