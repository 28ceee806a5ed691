//! Which failures may be sent again where, in one table.

use std::time::Duration;

use gateway_core::{ErrorInfo, ErrorKind};
use gateway_providers::{PrepareError, TokenError};
use gateway_transport::{Delivery, KilledBy, Phase, SendError, Timer as SendTimer};

use super::{Again, Outcome};
use crate::error::SendFailure;
use crate::timers::{Origin, Timer};

#[test]
fn an_upstreams_words_decide_whether_it_is_asked_again() {
    let rows: &[(u16, ErrorKind, Again)] = &[
        (400, ErrorKind::InvalidRequest, Again::Never),
        (401, ErrorKind::Authentication, Again::Elsewhere),
        (402, ErrorKind::Billing, Again::Elsewhere),
        // Exhausted credit comes as 429, too.
        (429, ErrorKind::Billing, Again::Elsewhere),
        (403, ErrorKind::Permission, Again::Elsewhere),
        (404, ErrorKind::NotFound, Again::Never),
        (408, ErrorKind::Timeout, Again::Later),
        (409, ErrorKind::InvalidRequest, Again::Later),
        (413, ErrorKind::TooLarge, Again::Never),
        (422, ErrorKind::InvalidRequest, Again::Never),
        (425, ErrorKind::InvalidRequest, Again::Later),
        (429, ErrorKind::RateLimit, Again::Later),
        (500, ErrorKind::Internal, Again::Failed),
        (502, ErrorKind::Upstream, Again::Failed),
        (503, ErrorKind::Unavailable, Again::Later),
        (503, ErrorKind::Overloaded, Again::Later),
        (504, ErrorKind::Timeout, Again::Failed),
        (520, ErrorKind::Upstream, Again::Failed),
        (529, ErrorKind::Overloaded, Again::Later),
        (400, ErrorKind::ContextWindow, Again::Never),
        (400, ErrorKind::ContentPolicy, Again::Never),
    ];
    for (status, kind, expected) in rows {
        let error = ErrorInfo::new(*kind, "no").with_status(*status);
        let outcome = Outcome::of_error(&error);
        assert_eq!(outcome.again, *expected, "{status} {kind:?}");
        assert_eq!((outcome.status, outcome.kind), (*status, *kind));
    }
}

fn sent(delivery: Delivery, phase: Phase) -> SendError {
    SendError {
        delivery,
        phase,
        reused: false,
        held: Duration::ZERO,
        origin: "o".into(),
        generation: 1,
        timer: None,
        killed: None,
        source: None,
    }
}

#[test]
fn what_is_known_of_an_exchange_decides_whether_it_may_be_repeated() {
    type Change = fn(&mut SendError);
    let unknown = |stale| Again::Unknown { stale };
    let rows: &[(Delivery, Phase, Change, Again, u16)] = &[
        (
            Delivery::NotSent,
            Phase::Resolve,
            |_| {},
            Again::Anywhere,
            502,
        ),
        (
            Delivery::NotSent,
            Phase::Connect,
            |_| {},
            Again::Anywhere,
            502,
        ),
        (Delivery::NotSent, Phase::Tls, |_| {}, Again::Anywhere, 502),
        (Delivery::NotSent, Phase::Send, |_| {}, Again::Anywhere, 502),
        (Delivery::Refused, Phase::Head, |_| {}, Again::Anywhere, 502),
        (
            Delivery::NotSent,
            Phase::Connect,
            |it| it.timer = Some(SendTimer::Connect),
            Again::Anywhere,
            408,
        ),
        (
            Delivery::Unknown,
            Phase::Head,
            |it| it.timer = Some(SendTimer::Head),
            Again::Failed,
            408,
        ),
        (Delivery::Unknown, Phase::Head, |_| {}, unknown(false), 502),
        (
            Delivery::Unknown,
            Phase::Head,
            |it| it.reused = true,
            unknown(true),
            502,
        ),
        (
            Delivery::Unknown,
            Phase::Head,
            |it| (it.reused, it.held) = (true, Duration::from_secs(1)),
            unknown(false),
            502,
        ),
    ];
    for (delivery, phase, change, again, status) in rows {
        let mut error = sent(*delivery, *phase);
        change(&mut error);
        let outcome = SendFailure::Send(error).outcome();
        assert_eq!(outcome.again, *again, "{delivery:?} {phase:?}");
        assert_eq!(outcome.status, *status, "{delivery:?} {phase:?}");
        assert!(!outcome.by_caller);
    }
}

#[test]
fn what_the_gateway_itself_does_is_no_deployments_fault() {
    let mut killed = sent(Delivery::Unknown, Phase::Head);
    killed.killed = Some(KilledBy::Operator);
    let mut pool = sent(Delivery::NotSent, Phase::Pool);
    pool.timer = Some(SendTimer::Pool);
    for error in [killed, pool, sent(Delivery::NotSent, Phase::Pool)] {
        assert!(SendFailure::Send(error).outcome().by_caller);
    }
    assert!(Outcome::no_slot().by_caller);
    for (origin, expected) in [
        (Origin::Body("timeout"), true),
        (Origin::Header("x-litellm-timeout"), true),
        (Origin::Default, false),
        (Origin::Config("config.yaml:1".into()), false),
    ] {
        let limit = Duration::from_secs(1);
        let outcome = Outcome::expired(&Timer { limit, origin });
        assert_eq!(outcome.by_caller, expected);
        assert_eq!((outcome.status, outcome.again), (408, Again::Failed));
    }
}

#[test]
fn a_request_that_cannot_be_made_here_may_be_elsewhere() {
    let token = |source| PrepareError::Token {
        provider: "vertex_ai",
        source,
    };
    let refused = TokenError::Refused {
        status: 401,
        reason: "no".to_owned(),
    };
    let dialect = PrepareError::Dialect {
        provider: "openai",
        dialect: "anthropic_messages",
    };
    for (error, again, by_caller) in [
        (token(TokenError::TimedOut), Again::Anywhere, false),
        (token(refused), Again::Elsewhere, false),
        (dialect, Again::Elsewhere, true),
    ] {
        let outcome = SendFailure::Prepare(error).outcome();
        assert_eq!((outcome.again, outcome.by_caller), (again, by_caller));
    }
}
