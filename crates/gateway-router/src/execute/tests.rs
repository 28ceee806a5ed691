//! Calls that are executed under a paused clock: every moment is exact to the timer's millisecond.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_core::{Dialect, ErrorKind, TimerName};
use tokio::time::{Instant, sleep};

use super::{Answered, AttemptEnd, Call, Course, Failed, Unanswered, UnansweredCause, execute};
use crate::catalog::Catalog;
use crate::config::{DeploymentConfig, Hedging, PolicyKind, Price, Routing, Strategy};
use crate::deployment::Deployment;
use crate::ledger::Standing;
use crate::options::{CallOptions, Target};
use crate::outcome::{Again, Outcome};
use crate::plan::{Attempt, GiveUp, Plan};
use crate::select::NobodyWhy;
use crate::timers::{Origin, RequestTimers, Timer};
use crate::world::{self, entry};

/// What a deployment does with every attempt.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Answers after so many ms.
    Answers(u64),
    /// Its connection, an old one, dies after so many ms.
    Dies(u64),
    /// Fails in words after so many ms.
    Fails(u64),
    /// Never says anything.
    Silent,
}

use Habit::{Answers, Dies, Fails, Silent};

/// Calls that deployments serve by their habits. Tells what happened when, in ms.
struct Stage {
    catalog: Arc<Catalog>,
    habits: Vec<(&'static str, Habit)>,
    repeatable: bool,
    /// Nobody is asked: answers are made up.
    made_up: bool,
    start: Instant,
    told: Arc<Mutex<Vec<String>>>,
}

impl Call for Stage {
    type Answer = String;
    type Error = String;

    async fn attempt(&self, attempt: &Attempt) -> Result<String, Failed<String>> {
        let id = attempt.deployment.id.to_string();
        self.tell(&format!("{id} {}", attempt.kind.as_str()));
        let mut habits = self.habits.iter();
        let (_, habit) = habits.find(|(it, _)| *it == id).expect("a habit");
        let _sent = Sent(Arc::clone(&self.told), id.clone(), self.start);
        match *habit {
            Answers(after) => {
                sleep(ms(after)).await;
                Ok(id)
            }
            Fails(after) => {
                sleep(ms(after)).await;
                let outcome = Outcome::new(ErrorKind::Internal, Again::Failed);
                Err(Failed { outcome, error: id })
            }
            Dies(after) => {
                sleep(ms(after)).await;
                let outcome = Outcome::new(ErrorKind::Upstream, Again::Unknown { stale: true });
                Err(Failed { outcome, error: id })
            }
            Silent => std::future::pending().await,
        }
    }

    fn output_tokens(&self, answer: &String) -> Option<u64> {
        u64::try_from(answer.len()).ok()
    }

    fn is_made_up(&self, _answer: &String) -> bool {
        self.made_up
    }

    fn is_repeatable(&self, _attempt: &Attempt) -> bool {
        self.repeatable
    }

    fn ended(&self, attempt: &Attempt, end: AttemptEnd<'_>) {
        let end = match end {
            AttemptEnd::Answered => "answered".to_owned(),
            AttemptEnd::Failed(outcome) => outcome.status.to_string(),
            AttemptEnd::Expired(name, _) => name.as_str().to_owned(),
            AttemptEnd::Lost => "lost".to_owned(),
        };
        self.tell(&format!("{} {end}", attempt.deployment.id));
    }
}

/// An exchange under way.
struct Sent(Arc<Mutex<Vec<String>>>, String, Instant);

impl Drop for Sent {
    fn drop(&mut self) {
        let told = format!("{}: {} gone", self.2.elapsed().as_millis(), self.1);
        self.0.lock().expect("no panic").push(told);
    }
}

impl Stage {
    /// Deployments of the group `g`, which is chosen from in this order; those in the group `h` begin with an `h`.
    fn new(habits: &[(&'static str, Habit)], routing: Routing) -> Self {
        let members = habits.iter().map(|(id, _)| entry(id)).collect();
        Self::of(members, habits, routing)
    }

    fn of(
        mut members: Vec<DeploymentConfig>,
        habits: &[(&'static str, Habit)],
        mut routing: Routing,
    ) -> Self {
        for (place, member) in (0_u32..).zip(&mut members) {
            let cents = f64::from(place);
            member.price = Some(Price {
                input: cents,
                output: cents,
            });
            let id = member.id.as_deref().expect("an id");
            member.group = if id.starts_with('h') { "h" } else { "g" }.to_owned();
        }
        routing.strategy = Strategy::Cost;
        routing.retries.budget_floor = 1e6;
        let start = Instant::now();
        Self {
            catalog: Arc::new(world::catalog(members, routing, start)),
            habits: habits.to_vec(),
            repeatable: true,
            made_up: false,
            start,
            told: Arc::default(),
        }
    }

    fn plan(&self, options: CallOptions) -> Plan {
        let resolved = self.catalog.resolve("g").expect("known");
        let (dialect, now) = (Dialect::OpenAiChat, Instant::now());
        Plan::new(&self.catalog, resolved, dialect, options, 1, now)
    }

    async fn call(&self, options: CallOptions) -> Result<Answered<String>, Unanswered<String>> {
        execute(&mut self.plan(options), self).await
    }

    fn tell(&self, what: &str) {
        let told = format!("{}: {what}", self.start.elapsed().as_millis());
        self.told.lock().expect("no panic").push(told);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().expect("no panic"))
    }

    fn in_flight(&self) -> Vec<u32> {
        let all = self.catalog.deployments();
        all.map(|it| it.ledger.view(Instant::now()).in_flight)
            .collect()
    }
}

const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

fn timer(number: u64, origin: Origin) -> Timer {
    Timer {
        limit: ms(number),
        origin,
    }
}

fn config() -> Origin {
    Origin::Config("config.yaml:3".into())
}

fn stream(timers: RequestTimers) -> CallOptions {
    CallOptions {
        stream: true,
        timers,
        ..CallOptions::default()
    }
}

fn routing() -> Routing {
    let mut routing = Routing::default();
    routing.cooldown.disabled = true;
    routing
}

fn expired(unanswered: Result<Answered<String>, Unanswered<String>>) -> (TimerName, Timer, Course) {
    let unanswered = unanswered.expect_err("nobody answers");
    match unanswered.cause {
        UnansweredCause::Expired(name, timer) => (name, timer, unanswered.course),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_with_its_attempt_which_is_under_way_until_it_is_dropped() {
    let stage = Stage::new(&[("a", Answers(20))], routing());
    let answered = stage.call(CallOptions::default()).await.expect("an answer");
    assert_eq!(answered.answer, "a");
    let once = Course {
        attempts: 1,
        ..Course::default()
    };
    assert_eq!(answered.course, once);
    assert_eq!(stage.told(), ["0: a first", "20: a gone", "20: a answered"]);
    assert_eq!(stage.in_flight(), [1]);
    drop(answered);
    assert_eq!(stage.in_flight(), [0]);
}

#[tokio::test(start_paused = true)]
async fn the_pace_is_first_content_of_streams_and_time_per_token_of_the_rest() {
    let stage = Stage::new(&[("abcd", Answers(20))], routing());
    let pace = || {
        let mut all = stage.catalog.deployments();
        let ledger = &all.next().expect("one").ledger;
        ledger.pace(Instant::now(), Duration::from_secs(60))
    };
    stage.call(CallOptions::default()).await.expect("an answer");
    assert_eq!((pace().first_content, pace().whole), (None, Some(ms(5))));
    let stream = stream(RequestTimers::default());
    stage.call(stream).await.expect("an answer");
    assert_eq!(pace().first_content, Some(ms(20)));
}

#[tokio::test(start_paused = true)]
async fn a_made_up_answer_says_nothing_of_its_deployment() {
    let mut routing = Routing::default();
    routing.cooldown.policy = [(PolicyKind::InternalServer, 0)].into();
    routing.retries.count = 0;
    let mut stage = Stage::new(&[("a", Fails(1))], routing);
    stage.call(CallOptions::default()).await.expect_err("fails");
    sleep(Duration::from_secs(6)).await;
    stage.habits = vec![("a", Answers(1))];
    stage.made_up = true;
    let mock = stage.call(stream(RequestTimers::default())).await;
    drop(mock.expect("an answer"));
    let a = stage.catalog.deployments().next().expect("a");
    let now = Instant::now();
    let standing = a.ledger.view(now).standing;
    assert!(matches!(standing, Standing::Probation { out: false, .. }));
    assert_eq!(a.ledger.pace(now, ms(1_000)).first_content, None);
}

/// What a request says, a deployment's timers of an attempt and of first content; and which timer fires, after how many
/// ms, and who said it. The router says `timeout: 30`.
type Expiry = (
    CallOptions,
    Option<Timer>,
    Option<Timer>,
    (TimerName, u64, Origin),
);

fn expiries() -> [Expiry; 7] {
    let asked = |number| Some(timer(number, Origin::Body("timeout")));
    let header = |number| Some(timer(number, Origin::Header("x-litellm-stream-timeout")));
    let request = |timeout, first_content| RequestTimers {
        timeout,
        first_content,
        ..RequestTimers::default()
    };
    [
        // The router's `timeout: 30`.
        (
            CallOptions::default(),
            None,
            None,
            (TimerName::Call, 30_000, config()),
        ),
        // A request's: the whole call.
        (
            stream(request(asked(10), None)),
            None,
            None,
            (TimerName::Call, 10, Origin::Body("timeout")),
        ),
        // A deployment's.
        (
            CallOptions::default(),
            Some(timer(100, config())),
            None,
            (TimerName::Attempt, 100, config()),
        ),
        (
            stream(RequestTimers::default()),
            Some(timer(300, config())),
            Some(timer(10, config())),
            (TimerName::FirstContent, 10, config()),
        ),
        // Not of a stream: nothing comes before the whole answer.
        (
            CallOptions::default(),
            Some(timer(300, config())),
            Some(timer(10, config())),
            (TimerName::Attempt, 300, config()),
        ),
        // A request's goes before a deployment's, also if it is longer.
        (
            stream(request(None, header(50))),
            None,
            Some(timer(10, config())),
            (
                TimerName::FirstContent,
                50,
                Origin::Header("x-litellm-stream-timeout"),
            ),
        ),
        // The call's, where both are due in the same moment.
        (
            CallOptions::default(),
            Some(timer(30_000, config())),
            None,
            (TimerName::Call, 30_000, config()),
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn each_timer_fires_when_it_is_due_and_is_named_with_who_said_it() {
    for (options, attempt, first_content, (name, after, origin)) in expiries() {
        let mut routing = routing();
        routing.retries.count = 0;
        routing.timers.call = timer(30_000, config());
        let mut member = entry("a");
        (member.timers.attempt, member.timers.first_content) = (attempt, first_content);
        let stage = Stage::of(vec![member], &[("a", Silent)], routing);
        let (fired, timer, course) = expired(stage.call(options).await);
        assert_eq!((fired, timer.origin), (name, origin));
        assert_eq!((timer.limit, course.attempts), (ms(after), 1));
        let told = format!("{after}: a {}", name.as_str());
        assert_eq!(stage.told().last(), Some(&told));
        let took = stage.start.elapsed();
        assert!(took >= ms(after) && took <= ms(after + 1), "{took:?}");
        assert_eq!(stage.in_flight(), [0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_zero_expires_without_anything_being_sent() {
    for (timeout, content) in [(Some(0), None), (None, Some(0))] {
        let stage = Stage::new(&[("a", Answers(0))], routing());
        let said = |number| timer(number, Origin::Body("timeout"));
        let timers = RequestTimers {
            timeout: timeout.map(said),
            first_content: content.map(said),
            ..RequestTimers::default()
        };
        let mut options = stream(timers);
        options.retries = Some(0);
        expired(stage.call(options).await);
        assert!(!stage.told().iter().any(|it| it.ends_with("first")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_deployment_is_left_for_another_and_then_for_a_fallback_group() {
    let mut routing = routing();
    routing.retries.count = 1;
    routing.timers.first_content = Some(timer(100, config()));
    routing.fallbacks.general = [("g".to_owned(), [Target::named("h")].into())].into();
    let stage = Stage::new(&[("a", Silent), ("b", Silent), ("h", Answers(5))], routing);
    let answered = stage
        .call(stream(RequestTimers::default()))
        .await
        .expect("an answer");
    let course = Course {
        attempts: 3,
        retries: 1,
        fallbacks: 1,
        hedges: 0,
    };
    assert_eq!((answered.answer.as_str(), answered.course), ("h", course));
    let told = [
        "0: a first",
        "100: a gone",
        "100: a first_content",
        "100: b retry",
        "200: b gone",
        "200: b first_content",
        "200: h fallback",
        "205: h gone",
        "205: h answered",
    ];
    assert_eq!(stage.told(), told);
}

#[tokio::test(start_paused = true)]
async fn retries_waits_and_fallbacks_never_pass_the_calls_timer() {
    for limit in [1, 700, 1_300, 2_000, 5_000, 9_999] {
        for habit in [Silent, Fails(40), Fails(900)] {
            let mut routing = routing();
            routing.retries.count = 5;
            routing.timers.call = timer(limit, config());
            routing.fallbacks.general = [("g".to_owned(), [Target::named("h")].into())].into();
            let mut member = entry("a");
            member.timers.attempt = Some(timer(400, config()));
            let members = vec![
                member.clone(),
                DeploymentConfig {
                    id: Some("h".to_owned()),
                    ..member
                },
            ];
            let stage = Stage::of(members, &[("a", habit), ("h", habit)], routing);
            stage
                .call(CallOptions::default())
                .await
                .expect_err("nobody answers");
            let took = stage.start.elapsed();
            assert!(took <= ms(limit + 1), "{habit:?}: {took:?} of {limit} ms");
            assert_eq!(stage.in_flight(), [0, 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_waited_for_after_the_last_attempt() {
    let stage = Stage::new(&[("a", Fails(10))], routing());
    let unanswered = stage
        .call(CallOptions::default())
        .await
        .expect_err("it fails");
    assert_eq!(
        (unanswered.course.attempts, unanswered.course.retries),
        (3, 2)
    );
    let UnansweredCause::Failed(failed) = unanswered.cause else {
        panic!("it failed")
    };
    assert_eq!(failed.error, "a");
    let told = stage.told();
    let end = format!("{}: a 500", stage.start.elapsed().as_millis());
    assert_eq!(told.last(), Some(&end));
}

#[tokio::test(start_paused = true)]
async fn only_timers_of_the_operators_are_a_deployments_fault() {
    let rules = |routing: &mut Routing| {
        routing.cooldown.disabled = false;
        routing.cooldown.allowed_fails = Some(0);
        routing.retries.count = 0;
    };
    let set_aside = |options: CallOptions, own: Option<Timer>| async move {
        let mut routing = Routing::default();
        rules(&mut routing);
        let mut member = entry("a");
        member.timers.first_content = own;
        let habits = [("a", Silent), ("b", Silent)];
        let stage = Stage::of(vec![member, entry("b")], &habits, routing);
        expired(stage.call(options).await);
        let a = stage.catalog.deployments().next().expect("a");
        a.ledger.view(Instant::now()).standing != Standing::Ready
    };
    let asked = Some(timer(10, Origin::Body("timeout")));
    let by_caller = RequestTimers {
        timeout: asked,
        ..RequestTimers::default()
    };
    assert!(!set_aside(stream(by_caller), None).await);
    let by_operator = stream(RequestTimers::default());
    assert!(set_aside(by_operator, Some(timer(10, config()))).await);
}

#[tokio::test(start_paused = true)]
async fn who_gets_only_the_rest_of_a_calls_time_is_not_blamed_for_it() {
    let mut routing = Routing::default();
    routing.cooldown.allowed_fails = Some(0);
    routing.timers.call = timer(1_000, config());
    routing.fallbacks.general = [("g".to_owned(), [Target::named("h")].into())].into();
    routing.retries.count = 0;
    let habits = [("a", Fails(700)), ("h", Silent), ("h2", Silent)];
    let stage = Stage::new(&habits, routing);
    expired(stage.call(CallOptions::default()).await);
    let all = stage.catalog.deployments();
    let ready = |it: &Arc<Deployment>| it.ledger.view(Instant::now()).standing == Standing::Ready;
    assert_eq!(all.map(ready).collect::<Vec<_>>(), [true; 3]);
}

fn hedged(after: u64) -> Routing {
    let mut routing = routing();
    let hedging = Hedging {
        after: Some(ms(after)),
        quantile: 0.95,
        budget: 1.0,
    };
    routing.hedging = [("*".to_owned(), hedging)].into();
    routing
}

/// What two deployments do, and what comes of it if the second one is asked after 50 ms.
const RACES: [(Habit, Habit, &[&str]); 6] = [
    // In time: there is no second one.
    (
        Answers(40),
        Answers(1),
        &["0: a first", "40: a gone", "40: a answered"],
    ),
    (
        Silent,
        Answers(5),
        &[
            "0: a first",
            "50: b hedge",
            "55: b gone",
            "55: a gone",
            "55: a lost",
            "55: b answered",
        ],
    ),
    (
        Answers(60),
        Answers(30),
        &[
            "0: a first",
            "50: b hedge",
            "60: a gone",
            "60: b gone",
            "60: b lost",
            "60: a answered",
        ],
    ),
    // If one fails, the other goes on.
    (
        Fails(60),
        Answers(30),
        &[
            "0: a first",
            "50: b hedge",
            "60: a gone",
            "60: a 500",
            "80: b gone",
            "80: b answered",
        ],
    ),
    (
        Answers(90),
        Fails(10),
        &[
            "0: a first",
            "50: b hedge",
            "60: b gone",
            "60: b 500",
            "90: a gone",
            "90: a answered",
        ],
    ),
    // Both: the plan goes on, where nobody was tried yet.
    (
        Fails(70),
        Fails(10),
        &[
            "0: a first",
            "50: b hedge",
            "60: b gone",
            "60: b 500",
            "70: a gone",
            "70: a 500",
            "70: c retry",
            "71: c gone",
            "71: c answered",
        ],
    ),
];

#[tokio::test(start_paused = true)]
async fn what_may_harm_when_done_twice_is_neither_hedged_nor_sent_again_after_an_unknown_end() {
    let habits = [("a", Dies(60)), ("b", Answers(5))];
    for (repeatable, expected) in [
        (true, ["0: a first", "50: b hedge", "55: b gone"].as_slice()),
        (false, &["0: a first", "60: a gone", "60: a 502"]),
    ] {
        let mut stage = Stage::new(&habits, hedged(50));
        stage.repeatable = repeatable;
        let answered = stage.call(stream(RequestTimers::default())).await;
        assert_eq!(answered.is_ok(), repeatable);
        assert_eq!(stage.told()[..3], *expected);
        let mut stage = Stage::new(&habits, routing());
        stage.repeatable = repeatable;
        let answered = stage.call(CallOptions::default()).await;
        assert_eq!(answered.is_ok(), repeatable, "{:?}", stage.told());
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_content_wins_and_the_other_attempt_is_given_up_at_once() {
    for (a, b, expected) in RACES {
        let stage = Stage::new(&[("a", a), ("b", b), ("c", Answers(1))], hedged(50));
        let answered = stage
            .call(stream(RequestTimers::default()))
            .await
            .expect("an answer");
        assert_eq!(stage.told(), expected);
        let hedges = u32::from(expected.iter().any(|it| it.ends_with("hedge")));
        assert_eq!(answered.course.hedges, hedges);
        // The loser's place is given back before the answer is read.
        assert_eq!(stage.in_flight().iter().sum::<u32>(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_failed_beside_another_has_left_its_slot_and_its_place() {
    let members = vec![one_slot("a"), one_slot("b")];
    for (a, b, left) in [
        (Fails(60), Answers(500), [0, 1]),
        (Answers(500), Fails(10), [1, 0]),
    ] {
        let stage = Stage::of(members.clone(), &[("a", a), ("b", b)], hedged(50));
        let call = stage.call(stream(RequestTimers::default()));
        let look = async {
            sleep(ms(100)).await;
            assert_eq!(stage.in_flight(), left);
            let slots = |it: &Arc<Deployment>| it.slots.as_ref().map(|it| it.has_free());
            let free: Vec<_> = stage.catalog.deployments().map(slots).collect();
            assert_eq!(free, left.map(|it| Some(it == 0)));
        };
        let (answered, ()) = tokio::join!(call, look);
        answered.expect("an answer");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_attempts_that_lost_count_in_the_groups_history() {
    let stage = Stage::new(&[("a", Silent), ("b", Answers(5))], hedged(50));
    for _ in 0..10 {
        let answered = stage.call(stream(RequestTimers::default())).await;
        assert_eq!(answered.expect("an answer").answer, "b");
    }
    let group = stage.catalog.resolve("g").expect("known");
    assert_eq!(group.ledger().first_content_quantile(0.5), Some(ms(5)));
    assert_eq!(group.ledger().first_content_quantile(1.0), Some(ms(55)));
}

#[tokio::test(start_paused = true)]
async fn two_silent_attempts_end_with_their_own_timers() {
    let mut routing = hedged(50);
    routing.timers.first_content = Some(timer(200, config()));
    routing.retries.count = 0;
    let stage = Stage::new(&[("a", Silent), ("b", Silent)], routing);
    let (name, _, course) = expired(stage.call(stream(RequestTimers::default())).await);
    assert_eq!((name, course.hedges), (TimerName::FirstContent, 1));
    assert_eq!(stage.start.elapsed(), ms(250));
    assert_eq!(stage.in_flight(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_ends_every_exchange_at_once() {
    let stage = Stage::new(&[("a", Silent), ("b", Silent)], hedged(50));
    let call = stage.call(stream(RequestTimers::default()));
    let gone = tokio::time::timeout(ms(70), call).await;
    assert!(gone.is_err());
    let told = stage.told();
    assert_eq!(told[..2], ["0: a first", "50: b hedge"]);
    assert!(
        told[2..]
            .iter()
            .all(|it| it.starts_with("70: ") && it.ends_with("gone"))
    );
    assert_eq!(told.len(), 4);
    assert_eq!(stage.in_flight(), [0, 0]);

    // Also while it waits before a retry.
    let stage = Stage::new(&[("a", Fails(10))], routing());
    let call = stage.call(CallOptions::default());
    assert!(tokio::time::timeout(ms(100), call).await.is_err());
    assert_eq!(stage.told(), ["0: a first", "10: a gone", "10: a 500"]);
    assert_eq!(stage.in_flight(), [0]);
}

fn one_slot(id: &str) -> DeploymentConfig {
    DeploymentConfig {
        max_parallel: Some(1),
        ..entry(id)
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_waits_for_a_slot_and_keeps_it_as_long_as_its_answer_lasts() {
    let stage = Stage::of(vec![one_slot("a")], &[("a", Answers(10))], routing());
    let first = stage.call(CallOptions::default()).await.expect("an answer");
    assert!(first.attempt.slot.is_some());
    let second = async {
        let answered = stage.call(CallOptions::default()).await.expect("an answer");
        assert_eq!(answered.attempt.started - stage.start, ms(510));
    };
    let release = async {
        sleep(ms(500)).await;
        drop(first);
    };
    tokio::join!(second, release);
    assert_eq!(stage.start.elapsed(), ms(520));
}

#[tokio::test(start_paused = true)]
async fn who_gets_no_slot_in_time_goes_elsewhere_and_benches_nobody() {
    let mut own = one_slot("a");
    own.timers.pool = Some(timer(30, config()));
    let mut routing = Routing::default();
    routing.cooldown.allowed_fails = Some(0);
    routing.fallbacks.general = [("g".to_owned(), [Target::named("h")].into())].into();
    routing.retries.count = 0;
    let habits = [("a", Answers(0)), ("h", Answers(0))];
    let stage = Stage::of(vec![own, entry("h")], &habits, routing);
    let first = stage.call(CallOptions::default()).await.expect("an answer");
    let second = stage.call(CallOptions::default()).await.expect("an answer");
    assert_eq!((first.answer.as_str(), second.answer.as_str()), ("a", "h"));
    assert_eq!(stage.start.elapsed(), ms(30));
    let a = stage.catalog.deployments().next().expect("a");
    assert_eq!(a.ledger.view(Instant::now()).standing, Standing::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_told_as_a_limit_of_rates() {
    let mut routing = routing();
    routing.max_waiting = 0;
    let stage = Stage::of(vec![one_slot("a")], &[("a", Answers(0))], routing);
    let _first = stage.call(CallOptions::default()).await.expect("an answer");
    let second = stage
        .call(CallOptions::default())
        .await
        .expect_err("no slot");
    let UnansweredCause::GiveUp(GiveUp::Nobody(nobody)) = second.cause else {
        panic!("{:?}", second.cause)
    };
    assert_eq!(nobody.why, NobodyWhy::RateLimited);
    assert_eq!(stage.start.elapsed(), ms(0));
}

#[tokio::test(start_paused = true)]
async fn nobody_stands_in_the_same_line_twice() {
    let mut own = one_slot("a");
    own.timers.pool = Some(timer(30, config()));
    let stage = Stage::of(vec![own], &[("a", Answers(0))], routing());
    let _first = stage.call(CallOptions::default()).await.expect("an answer");
    let (name, _, course) = expired(stage.call(CallOptions::default()).await);
    assert_eq!((name, course.attempts), (TimerName::Pool, 1));
    assert_eq!(stage.start.elapsed(), ms(30));
}
