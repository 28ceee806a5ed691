//! What the client is told of a call that nobody answered.

use std::time::Duration;

use gateway_core::{EndReason, ErrorInfo, ErrorKind};
use gateway_router::{GiveUp, Nobody, NobodyWhy, UnansweredCause};
use gateway_transport::KilledBy;

use crate::record::{Entry, told};
use crate::respond::Failure;
use crate::upstream::told_of_kill;

/// The failure, with what was attempted: in full when a timer fired or `in_full` was asked for, else their number if
/// there were several.
///
/// `returns` says how long it takes until somebody can serve again, if nobody can now.
pub(super) fn of(
    cause: UnansweredCause<Failure>,
    attempts: &[Entry],
    in_full: bool,
    returns: impl FnOnce() -> Option<Duration>,
) -> Failure {
    let mut failure = match cause {
        UnansweredCause::Failed(failed) => until_return(failed.error, returns),
        UnansweredCause::Expired(name, timer) => Failure::timer(name, &timer),
        UnansweredCause::GiveUp(GiveUp::Nobody(nobody)) => nobody_can(nobody),
        UnansweredCause::GiveUp(_) => nobody_is_left(),
    };
    let text = if failure.timer.is_some() || (in_full && !attempts.is_empty()) {
        told::each(attempts)
    } else if attempts.len() > 1 {
        told::count(attempts)
    } else {
        return failure;
    };
    let message = &mut failure.error.message;
    // The record has the attempts as a list of its own.
    failure.detail.get_or_insert_with(|| message.clone());
    message.push_str(if message.ends_with(['.', '!', '?']) {
        " "
    } else {
        ". "
    });
    message.push_str(&text);
    failure
}

/// An operator has ended the call.
pub(super) fn cancelled() -> Failure {
    let (end, error) = told_of_kill(KilledBy::Operator);
    Failure::new(end, error).without_retry()
}

/// The failure with the wait until somebody `returns`, where the client is told to come back and nobody has said when.
fn until_return(mut failure: Failure, returns: impl FnOnce() -> Option<Duration>) -> Failure {
    let later = matches!(failure.error.status, 429 | 503 | 529);
    if later && failure.retry_after.is_none() && failure.should_retry != Some(false) {
        failure.retry_after = returns();
    }
    failure
}

fn nobody_can(nobody: Nobody) -> Failure {
    let mut failure = match nobody.why {
        NobodyWhy::RateLimited => refused(
            ErrorKind::RateLimit,
            "Every deployment of this model is at a rate limit, its own or its provider's.",
        ),
        NobodyWhy::SetAside => refused(
            ErrorKind::Unavailable,
            "Every deployment of this model is set aside.",
        ),
        NobodyWhy::Tags => refused(
            ErrorKind::InvalidRequest,
            "No deployment of this model serves the tags of the request.",
        ),
        NobodyWhy::Region => refused(
            ErrorKind::InvalidRequest,
            "No deployment of this model is in the region that the request allows.",
        ),
        NobodyWhy::ContextWindow => refused(
            ErrorKind::ContextWindow,
            "The input is longer than the context window of every deployment of this model.",
        ),
        NobodyWhy::Spent => return nobody_is_left(),
    };
    match nobody.why {
        NobodyWhy::RateLimited | NobodyWhy::SetAside => {
            failure.retry_after = Some(nobody.retry_after.unwrap_or(SOON));
        }
        NobodyWhy::Tags => failure.error.param = Some("tags".to_owned()),
        NobodyWhy::Region => failure.error.param = Some("allowed_model_region".to_owned()),
        NobodyWhy::ContextWindow => {
            failure.error.code = Some("context_length_exceeded".to_owned());
        }
        NobodyWhy::Spent => {}
    }
    failure
}

fn nobody_is_left() -> Failure {
    refused(
        ErrorKind::Unavailable,
        "No deployment of this model can serve the call.",
    )
}

fn refused(kind: ErrorKind, message: &str) -> Failure {
    Failure::new(EndReason::Rejected, ErrorInfo::new(kind, message))
}

/// Where nobody knows how long.
const SOON: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::TimerName;
    use gateway_router::{Origin, Timer};

    fn told_of(why: NobodyWhy) -> Failure {
        let retry_after = Some(Duration::from_secs(7));
        let nobody = GiveUp::Nobody(Nobody { why, retry_after });
        of(UnansweredCause::GiveUp(nobody), &[], false, || None)
    }

    #[test]
    fn why_nobody_can_serve_decides_the_status_and_whether_to_come_back() {
        for (why, status, comes_back) in [
            (NobodyWhy::RateLimited, 429, true),
            (NobodyWhy::SetAside, 503, true),
            (NobodyWhy::Tags, 400, false),
            (NobodyWhy::Region, 400, false),
            (NobodyWhy::ContextWindow, 400, false),
            (NobodyWhy::Spent, 503, false),
        ] {
            let failure = told_of(why);
            assert_eq!(failure.error.status, status, "{why:?}");
            assert_eq!(failure.retry_after.is_some(), comes_back, "{why:?}");
        }
        let long = told_of(NobodyWhy::ContextWindow);
        assert_eq!(long.error.kind, ErrorKind::ContextWindow);
    }

    #[test]
    fn who_is_to_come_back_is_told_when_unless_somebody_has_said_it() {
        let soon = Duration::from_secs(3);
        let told = |kind, asked: Option<Duration>, should_retry| {
            let mut failure = refused(kind, "no");
            (failure.retry_after, failure.should_retry) = (asked, should_retry);
            until_return(failure, || Some(soon)).retry_after
        };
        let asked = Some(Duration::from_secs(40));
        for (kind, asked, should_retry, expected) in [
            (ErrorKind::RateLimit, None, None, Some(soon)),
            (ErrorKind::Unavailable, None, None, Some(soon)),
            (ErrorKind::RateLimit, asked, None, asked),
            (ErrorKind::RateLimit, None, Some(false), None),
            (ErrorKind::Internal, None, None, None),
        ] {
            assert_eq!(told(kind, asked, should_retry), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_timer_is_told_with_its_value_who_said_it_and_the_attempts_but_no_path() {
        let timer = Timer {
            limit: Duration::from_millis(1500),
            origin: Origin::Config("/etc/secret-place/config.yaml:12:3".into()),
        };
        let failure = of(
            UnansweredCause::Expired(TimerName::Call, timer),
            &[],
            false,
            || None,
        );
        let message = failure.error.message.as_str();
        assert_eq!(failure.error.status, 408);
        for part in [
            "`call`",
            "1.5 s",
            "config.yaml:12:3",
            "No attempt was made.",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("secret-place"), "{message}");
    }
}
