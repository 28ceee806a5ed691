//! The verdict can fail: made-up observations of a gateway that breaks one promise each.

use std::time::Duration;

use super::*;

fn send(number: u32, fault: Option<&str>, at: Moment) -> Send {
    Send {
        call: "1-1".to_owned(),
        number,
        deployment: "a".to_owned(),
        fault: fault.map(str::to_owned),
        at,
    }
}

fn good(number: u32) -> Send {
    send(number, None, Moment::Plain)
}

fn seen(ended: End, status: u16, served: Option<u32>) -> Seen {
    Seen {
        call: "1-1".to_owned(),
        stream: true,
        ended,
        status,
        served,
        took: Duration::from_millis(5),
        second: 1.0,
    }
}

fn whole(served: u32) -> Seen {
    seen(End::Whole, 200, Some(served))
}

fn told(served: Option<u32>) -> Seen {
    seen(End::Told, 200, served)
}

fn refused(status: u16) -> Seen {
    seen(End::Refused(None), status, None)
}

fn broken(outcome: Outcome, served: Option<u32>) -> Seen {
    seen(End::Broken(outcome, String::new()), 200, served)
}

#[test]
fn a_gateway_that_keeps_its_promises_has_no_breach() {
    let kept = [
        (whole(1), vec![good(1)]),
        (
            whole(2),
            vec![send(1, Some("rst-before-head"), Moment::Before), good(2)],
        ),
        (told(Some(1)), vec![send(1, Some("rst"), Moment::After)]),
        (
            whole(1),
            vec![send(1, Some("unknown-event"), Moment::After)],
        ),
        (refused(429), vec![send(1, Some("429-none"), Moment::Plain)]),
        (refused(408), vec![send(1, Some("silent"), Moment::Before)]),
        (
            seen(End::Refused(Some("1".to_owned())), 503, None),
            Vec::new(),
        ),
        (
            broken(Outcome::Altered, Some(1)),
            vec![send(1, Some("bad-json"), Moment::After)],
        ),
        (
            broken(Outcome::Altered, None),
            vec![send(1, Some("bad-json"), Moment::Before)],
        ),
        (seen(End::Left, 0, None), vec![good(1)]),
    ];
    for (seen, sends) in kept {
        assert_eq!(breaches(&seen, &sends), [], "{seen:?} {sends:?}");
    }
}

#[test]
fn a_cut_that_no_fault_made_is_found() {
    for seen in [told(Some(1)), told(None), refused(502)] {
        assert_eq!(
            breaches(&seen, &[good(1)]),
            [Breach::CutWithoutCause],
            "{seen:?}"
        );
    }
    // A fault before the first content cannot cut after it.
    let before = [send(1, Some("500"), Moment::Before)];
    assert_eq!(breaches(&told(Some(1)), &before), [Breach::CutWithoutCause]);
}

#[test]
fn a_good_answer_that_was_thrown_away_is_found() {
    assert_eq!(
        breaches(&whole(2), &[good(1), good(2)]),
        [Breach::CutWithoutCause]
    );
}

#[test]
fn a_cut_that_nobody_told_is_found() {
    let sends = [send(1, Some("fin"), Moment::After)];
    for outcome in [Outcome::Cut, Outcome::CleanEnd, Outcome::Frozen] {
        assert_eq!(
            breaches(&broken(outcome, Some(1)), &sends),
            [Breach::CutUntold]
        );
    }
}

#[test]
fn gaps_and_doubles_are_found_whatever_the_upstream_did() {
    for outcome in [Outcome::Gap, Outcome::Reordered, Outcome::Altered] {
        for sends in [
            vec![good(1)],
            vec![send(1, Some("error-event-then-marker"), Moment::After)],
        ] {
            assert_eq!(
                breaches(&broken(outcome, Some(1)), &sends),
                [Breach::Damaged]
            );
        }
    }
}

#[test]
fn a_failure_that_passes_for_an_answer_is_found() {
    let sends = [send(1, Some("clean-end-early"), Moment::After)];
    assert_eq!(breaches(&whole(1), &sends), [Breach::Hidden]);
}

#[test]
fn a_status_that_nothing_explains_is_found() {
    let sends = [send(1, Some("429-none"), Moment::Plain)];
    for status in [200, 400, 404, 408, 500] {
        assert_eq!(
            breaches(&refused(status), &sends),
            [Breach::UntrueStatus],
            "{status}"
        );
    }
    let endless = seen(End::Refused(Some("1000000000".to_owned())), 429, None);
    assert_eq!(breaches(&endless, &sends), [Breach::UntrueStatus]);
}

#[test]
fn more_requests_than_the_budget_are_found() {
    let number = u32::try_from(MOST_SENDS).unwrap();
    let mut sends: Vec<Send> = (1..=number)
        .map(|number| send(number, Some("500"), Moment::Plain))
        .collect();
    assert_eq!(breaches(&refused(500), &sends), []);
    sends.push(send(number + 1, Some("500"), Moment::Plain));
    assert_eq!(breaches(&refused(500), &sends), [Breach::SentTooOften]);
}

#[test]
fn a_request_after_content_is_found() {
    let sends = [send(1, Some("rst"), Moment::After), good(2)];
    let found = breaches(&told(Some(1)), &sends);
    assert!(found.contains(&Breach::SentAfterContent), "{found:?}");
}

fn account(records: Vec<CallRecord>) -> Account {
    let mut account = Account::default();
    account.records.insert("1-1".to_owned(), records);
    account
}

#[test]
fn a_call_is_accounted_once_and_as_what_it_was() {
    let record = |end, status| CallRecord::new("1-1", end, status);
    let judge = |seen: &Seen, records| accounting(seen, &[good(1)], &account(records));
    let complete = || record("complete", 200);
    assert_eq!(judge(&whole(1), vec![complete()]), Accounting::Right);
    let truncated = record("truncated", 200);
    assert_eq!(judge(&told(Some(1)), vec![truncated]), Accounting::Right);
    let not_once = Accounting::Wrong(Breach::NotAccountedOnce);
    assert_eq!(judge(&whole(1), Vec::new()), not_once);
    assert_eq!(judge(&whole(1), vec![complete(), complete()]), not_once);
    for (seen, record) in [
        (whole(1), record("truncated", 200)),
        (told(Some(1)), record("complete", 200)),
        (refused(502), record("upstream_error", 503)),
    ] {
        let wrong = Accounting::Wrong(Breach::AccountedWrong);
        assert_eq!(judge(&seen, vec![record]), wrong, "{seen:?}");
    }
}

#[test]
fn only_a_call_that_nobody_heard_of_may_be_without_record() {
    let left = seen(End::Left, 0, None);
    let judge = |seen: &Seen, sends: &[Send]| accounting(seen, sends, &account(Vec::new()));
    assert_eq!(judge(&left, &[]), Accounting::Unheard);
    let not_once = Accounting::Wrong(Breach::NotAccountedOnce);
    assert_eq!(judge(&left, &[good(1)]), not_once);
    assert_eq!(judge(&refused(503), &[]), not_once);
}

/// A run of good calls, one that was made good, and one that was cut as it had to be.
fn found() -> Found {
    let mut found = Found::default();
    for number in 0..101 {
        let call = format!("1-{number}");
        let cut = number == 100;
        let mut one = if cut { told(Some(1)) } else { whole(1) };
        one.call.clone_from(&call);
        let (fault, end) = if cut {
            (Some("fin"), "truncated")
        } else {
            (None, "complete")
        };
        let mut sends = vec![send(1, fault, Moment::After)];
        if number == 50 {
            sends = vec![send(1, Some("500"), Moment::Before), good(2)];
            one.served = Some(2);
        }
        found.sends.insert(call.clone(), sends);
        let record = CallRecord::new(&call, end, 200);
        found.account.records.insert(call, vec![record]);
        found.seen.push(one);
    }
    found.account.counted = 101;
    found
}

fn passes(found: &Found) -> bool {
    super::super::verdict::of(&Judgment::of(found)).passed
}

#[test]
fn one_breach_fails_the_whole_run() {
    assert!(passes(&found()));
    let mut miscounted = found();
    miscounted.account.counted += 1;
    let mut running = found();
    running.account.active = 1;
    let mut unlogged = found();
    unlogged.account.records.remove("1-7");
    let mut untold = found();
    untold.seen[100] = Seen {
        call: "1-100".to_owned(),
        ..broken(Outcome::CleanEnd, Some(1))
    };
    let mut idle = found();
    idle.sends.clear();
    for (name, found) in [
        ("miscounted", miscounted),
        ("running", running),
        ("unlogged", unlogged),
        ("untold", untold),
        ("idle", idle),
    ] {
        assert!(!passes(&found), "{name}");
    }
}
