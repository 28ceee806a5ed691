//! What a provider does wrong × when, and what follows.

use gateway_testkit::fault::{At, Fault};

use Want::{
    Again, AgainAs, Asks, Broken, Differs, Elsewhere, Late, Lost, Never, Not, Served, Unreached,
    Unsent,
};

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Want {
    /// It does not happen at this moment.
    Not,
    /// Nothing: the answer is complete, after one send.
    Served,
    /// No connection: nothing is sent, and it is tried again, here or elsewhere. At last 502.
    Unsent,
    /// The same by this timer, at last 408.
    Unreached(&'static str),
    /// It is tried again: here three times in all, elsewhere at once. At last this status and end.
    Again(u16, &'static str),
    /// The same, with the status that the words of OpenAI's chat mean, and the one that those of others mean.
    AgainAs(u16, u16),
    /// The same by this timer, at last 408.
    Late(&'static str),
    /// It asks for a wait of which the call has time for one: here twice in all, elsewhere at once.
    Asks(u16),
    /// It is not tried again here, but elsewhere. At last this status.
    Elsewhere(u16),
    /// It is tried again nowhere, and this status says why.
    Never(u16),
    /// The work may have been done: it is tried again nowhere, and the client is told not to either.
    Lost,
    /// The client has content already: one error event, no marker, and this end. Nothing is tried again.
    Broken(&'static str),
    /// One thing where the client speaks the provider's dialect, another one where its words are translated.
    Differs(&'static Self, &'static Self),
    /// The prompt is blocked: a whole answer without text, in which the provider's refusal is the reason of its end.
    Refused,
    /// Like [`Self::Broken`] at the end of a tool call's half arguments: they stay half, and nothing else was said.
    HalfCall(&'static str),
}

/// Names of faults, and what follows in a plain answer, before the first content of a stream, and after it.
pub(crate) type Row = (&'static [&'static str], Want, Want, Want);

#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    // Nobody was reached.
    (&["refused", "tls-eof", "tls-reset", "tls-plain-http-instead", "no-streams-at-all"], Unsent, Unsent, Not),
    (&["syn-black-hole", "tls-stall"], Unreached("timer_connect"), Unreached("timer_connect"), Not),
    (&["certificate-expired", "certificate-not-yet-valid", "certificate-wrong-name", "certificate-unknown-issuer",
       "tls-too-old"], Elsewhere(502), Elsewhere(502), Not),
    // Silence.
    (&["request-never-read", "request-window-never-opened", "slow-head", "half-head", "silent", "head-then-silence"],
       Late("timer_attempt"), Late("timer_first_content"), Not),
    (&["pings-only"], Not, Late("timer_first_content"), Broken("timer_idle")),
    (&["stall"], Late("timer_attempt"), Not, Broken("timer_idle")),
    (&["stall-inside-event"], Not, Not, Broken("timer_idle")),
    // Lost behind the request: before any head that can be read, or inside an answer in one piece.
    (&["endless-headers", "endless-header-line", "endless-status-line", "thousand-headers", "megabyte-header", "not-http",
       "http-0.9", "eof-before-head", "rst-before-head", "bad-header-block", "length-duplicate-different",
       "length-negative", "length-with-plus", "length-overflow", "interim-endless", "switching-protocols",
       "header-with-cr", "header-with-nul", "header-folded", "header-without-colon", "header-space-before-colon"],
       Lost, Lost, Not),
    (&["rst", "fin", "fin-length", "fin-inside-chunk", "fin-inside-chunk-size", "close-delimited-abrupt",
       "goaway-with-error", "goaway-enhance-your-calm", "rst-cancel", "rst-internal", "window-overflow", "bad-frame"],
       Lost, Again(502, "truncated"), Broken("truncated")),
    (&["chunk-size-nonsense", "chunk-size-overflow", "chunk-without-line-end", "chunk-extension-endless"],
       Lost, Again(502, "truncated"), Not),
    (&["length-too-long"], Lost, Broken("truncated"), Not),
    (&["trailers-endless"], Lost, Not, Not),
    (&["close-delimited-whole-abrupt"], Lost, Served, Not),
    // An end that is none.
    (&["clean-end-early", "close-delimited-cut", "goaway-below-a-running-stream", "rst-no-error-early",
       "error-in-trailers"], Lost, Again(502, "truncated"), Broken("truncated")),
    (&["half-line", "no-blank-line"], Not, Again(502, "truncated"), Broken("truncated")),
    (&["role-then-fin", "role-then-end"], Not, Again(502, "truncated"), Not),
    (&["empty-body"], Again(502, "malformed"), Again(502, "truncated"), Not),
    (&["length-too-short"], Lost, Broken("truncated"), Not),
    // An answer that is none.
    (&["204", "html-200", "gzip", "gzip-truncated", "gzip-trailing-garbage", "gzip-that-is-none", "gzip-twice",
       "unknown-coding", "301", "302", "303", "307-private-address", "308-loop", "302-no-location"],
       Again(502, "malformed"), Again(502, "malformed"), Not),
    (&["invalid-utf8-body", "bad-json-body", "stream-for-json"], Again(502, "malformed"), Not, Not),
    (&["json-for-a-stream", "content-type-missing"], Not, Again(502, "malformed"), Not),
    (&["invalid-utf8", "giant-event", "giant-event-of-many-lines"], Not, Again(502, "malformed"), Broken("malformed")),
    // A no.
    (&["goaway-refuses-us", "rst-refused", "502", "html-502"], REFUSED, REFUSED, Not),
    (&["500", "200-server-error"], Again(500, SAID), Again(500, SAID), Not),
    (&["503", "html-503"], Again(503, SAID), Again(503, SAID), Not),
    (&["504"], Again(504, SAID), Again(504, SAID), Not),
    (&["520"], Again(520, SAID), Again(520, SAID), Not),
    (&["521"], Again(521, SAID), Again(521, SAID), Not),
    (&["522"], Again(522, SAID), Again(522, SAID), Not),
    (&["523"], Again(523, SAID), Again(523, SAID), Not),
    (&["524"], Again(524, SAID), Again(524, SAID), Not),
    (&["529"], Again(529, SAID), Again(529, SAID), Not),
    (&["429-none", "429-past-date", "429-milliseconds", "429-zero", "429-negative", "429-junk", "429-differing",
       "200-rate-limit"], Again(429, SAID), Again(429, SAID), Not),
    (&["first-event-rate-limit"], Not, Again(429, SAID), Not),
    (&["first-event-server-error", "error-after-preamble"], Not, Again(500, SAID), Not),
    (&["first-event-overloaded"], Not, AgainAs(500, 529), Not),
    (&["error-event", "error-event-then-marker"], Not, Not, Broken(SAID)),
    (&["429-seconds"], Asks(429), Asks(429), Not),
    // It asks for a wait that the call has no time for, or will say no for ever.
    (&["429-date", "429-huge", "429-no-credit"], Elsewhere(429), Elsewhere(429), Not),
    (&["401", "early-401"], Elsewhere(401), Elsewhere(401), Not),
    (&["403"], Elsewhere(403), Elsewhere(403), Not),
    (&["400"], Never(400), Never(400), Not),
    (&["404"], Never(404), Never(404), Not),
    (&["early-413"], Never(413), Never(413), Not),
    // Only odd.
    (&["close-delimited-whole", "bom", "bom-in-pieces", "one-byte-at-a-time", "one-wire-byte-at-a-time", "unknown-fields",
       "one-stream-at-a-time", "length-duplicate-equal", "length-and-chunked", "trailers", "interim-100", "interim-102",
       "interim-103", "interim-199", "interim-sixteen", "set-cookie", "hop-by-hop-headers", "rate-limit-headers",
       "header-bare-lf", "header-latin1", "two-content-types"], Served, Served, Not),
    (&["close-after-answer", "close-on-next-request", "reset-on-next-request", "stray-bytes-after-answer",
       "goaway-then-finish", "goaway-graceful", "rst-no-error-after-end", "settings-change", "unknown-frame"],
       Served, Served, Served),
    (&["no-blank-line-after-marker", "marker-then-silence", "marker-then-fin", "marker-then-rst", "data-after-marker",
       "flood-after-marker", "line-ends-cr", "line-ends-crlf", "line-ends-mixed", "cr-at-chunk-end",
       "unknown-sse-fields", "small-frames", "azure-filter-frames"], Not, Served, Not),
    // Passed on as it came, where it came in the client's dialect: the bytes are the provider's, and the marker is there.
    (&["bad-json"], Not, Differs(&Served, &Again(502, "malformed")), Differs(&Served, &Broken("malformed"))),
    // The same; in translation it is dropped.
    (&["unknown-event"], Not, Served, Served),
];

/// The provider said so.
pub(crate) const SAID: &str = "upstream_error";
const REFUSED: Want = Again(502, SAID);
/// Faults that are too heavy to be one of many: `cancellation.rs` has tests of streams without end, and one below is for
/// bodies without end.
pub(crate) const HEAVY: &[&str] = &["flood", "giant-body"];

/// The row of a fault at a moment.
pub(crate) fn wanted(fault: &Fault, at: At) -> Want {
    let rows = TABLE
        .iter()
        .filter(|(names, ..)| names.contains(&fault.name));
    let [(_, plain, before, after)] = rows.collect::<Vec<_>>()[..] else {
        panic!("{fault} is not in one row of the table");
    };
    match at {
        At::Plain => *plain,
        At::BeforeFirstEvent => *before,
        At::AfterFirstEvent => *after,
    }
}
