//! Random walks over the pool, with everything that may happen around it, checked after every step.

use proptest::prelude::*;

use super::{
    tests::{Fake, LIMITS, generation},
    *,
};

#[derive(Clone, Copy, Debug)]
enum Step {
    CheckOut,
    /// A request that waits looks for its answer, or gives up.
    Collect(usize),
    GiveUp(usize),
    Connected(usize),
    ConnectFailed(usize),
    CheckIn(usize),
    DropLease(usize),
    PeerCloses(usize),
    SlotFree,
    Rotate {
        warm: usize,
    },
    Sweep {
        idle_seconds: u64,
    },
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..8usize;
    prop_oneof![
        6 => Just(Step::CheckOut),
        4 => n.clone().prop_map(Step::Collect),
        1 => n.clone().prop_map(Step::GiveUp),
        4 => n.clone().prop_map(Step::Connected),
        1 => n.clone().prop_map(Step::ConnectFailed),
        4 => n.clone().prop_map(Step::CheckIn),
        2 => n.clone().prop_map(Step::DropLease),
        1 => n.prop_map(Step::PeerCloses),
        2 => Just(Step::SlotFree),
        1 => (0..3usize).prop_map(|warm| Step::Rotate { warm }),
        1 => (0..20u64).prop_map(|idle_seconds| Step::Sweep { idle_seconds }),
        1 => Just(Step::Evict),
    ]
}

/// The pool and everybody around it.
struct World {
    pool: PoolState<Fake>,
    /// Streams per connection; `None`: exclusive connections.
    streams: Option<usize>,
    now: Instant,
    tickets: Vec<Ticket>,
    waiting: Vec<oneshot::Receiver<Handoff<Fake>>>,
    leases: Vec<Grant<Fake>>,
    born: Vec<std::sync::Weak<Generation>>,
    opened: Vec<Arc<std::sync::atomic::AtomicBool>>,
}

const MAX_CONNECTIONS: usize = 4;

impl World {
    fn new(streams: Option<usize>, expect: Expect) -> Self {
        let first = generation(1, MAX_CONNECTIONS);
        let born = vec![Arc::downgrade(&first)];
        Self {
            pool: PoolState::new(first, expect, LIMITS),
            streams,
            now: Instant::now(),
            tickets: Vec::new(),
            waiting: Vec::new(),
            leases: Vec::new(),
            born,
            opened: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        self.now += Duration::from_secs(1);
        match step {
            Step::CheckOut => self.check_out(),
            Step::Collect(n) => self.collect(n),
            Step::GiveUp(n) => {
                if let Some(receiver) = pick(&mut self.waiting, n) {
                    self.give_up(receiver);
                }
            }
            Step::Connected(n) => {
                if let Some(ticket) = pick(&mut self.tickets, n) {
                    self.connect(ticket);
                }
            }
            Step::ConnectFailed(n) => {
                let error = ConnectError::timed_out(crate::Phase::Connect);
                let failed = pick(&mut self.tickets, n)
                    .map(|ticket| self.pool.failed(&ticket.generation, &error));
                self.tickets.extend(failed.unwrap_or_default());
            }
            Step::CheckIn(n) => {
                if let Some(grant) = pick(&mut self.leases, n) {
                    self.give_back(grant);
                }
            }
            Step::DropLease(n) => {
                if let Some(grant) = pick(&mut self.leases, n) {
                    self.drop_lease(&grant);
                }
            }
            Step::PeerCloses(n) => {
                let closed = pick(&mut self.opened, n);
                closed.inspect(|open| open.store(false, std::sync::atomic::Ordering::Relaxed));
            }
            Step::SlotFree => self.slot_free(),
            Step::Rotate { warm } => self.rotate(warm),
            Step::Sweep { idle_seconds } => {
                drop(self.pool.sweep(self.now, Duration::from_secs(idle_seconds)))
            }
            Step::Evict => drop(self.pool.evict_idle()),
        }
    }

    fn check_out(&mut self) {
        match self.pool.check_out(self.now, &mut Vec::new()) {
            CheckOut::Granted(grant) => self.lease(grant),
            CheckOut::Queued(queued) => {
                self.tickets.extend(queued.ticket);
                self.waiting.push(queued.receiver);
            }
            CheckOut::Full => assert!(
                self.waiting.len() >= LIMITS.max_waiting,
                "refused too early"
            ),
        }
    }

    /// Every lease that is handed out is of the current generation.
    fn lease(&mut self, grant: Grant<Fake>) {
        assert_eq!(grant.conn.generation, grant.generation.number);
        assert_eq!(
            grant.conn.generation, self.pool.current.number,
            "a lease of an old generation"
        );
        self.leases.push(grant);
    }

    fn collect(&mut self, n: usize) {
        let Some(mut receiver) = pick(&mut self.waiting, n) else {
            return;
        };
        match receiver.try_recv() {
            // It may have been handed over before a rotation: then it is a lease that began before.
            Ok(Ok(grant)) => self.leases.push(grant),
            Ok(Err(_)) => {}
            Err(oneshot::error::TryRecvError::Empty) => self.waiting.push(receiver),
            Err(oneshot::error::TryRecvError::Closed) => panic!("a request was forgotten"),
        }
    }

    fn give_up(&mut self, mut receiver: oneshot::Receiver<Handoff<Fake>>) {
        receiver.close();
        if let Ok(Ok(grant)) = receiver.try_recv() {
            self.give_back(grant);
        }
    }

    fn connect(&mut self, ticket: Ticket) {
        let generation = Arc::clone(&ticket.generation);
        let stale = generation.number != self.pool.current.number;
        let conn = Fake::of(ticket, self.streams);
        self.opened.push(Arc::clone(&conn.open));
        let after = self.pool.connected(&generation, conn, self.now);
        assert_eq!(!after.dead.is_empty(), stale);
        self.tickets.extend(after.tickets);
    }

    fn give_back(&mut self, grant: Grant<Fake>) {
        match grant.shared {
            Some(id) => self
                .pool
                .release(grant.lease, &grant.generation, id, self.now),
            None => drop(
                self.pool
                    .check_in(grant.lease, &grant.generation, grant.conn, self.now),
            ),
        }
    }

    fn drop_lease(&mut self, grant: &Grant<Fake>) {
        match grant.shared {
            Some(id) => self
                .pool
                .release(grant.lease, &grant.generation, id, self.now),
            None => self.pool.end_lease(grant.lease),
        }
    }

    fn slot_free(&mut self) {
        let permit = Arc::clone(&self.pool.current.slots).try_acquire_owned();
        if let Ok(permit) = permit
            && let Slot::Connect(ticket) = self.pool.slot(permit)
        {
            self.tickets.push(ticket);
        }
    }

    fn rotate(&mut self, warm: usize) {
        let next = generation(self.pool.current.number + 1, MAX_CONNECTIONS);
        self.born.push(Arc::downgrade(&next));
        let slot = |_| {
            Arc::clone(&next.slots)
                .try_acquire_owned()
                .expect("fewer than the limit")
        };
        let ticket = |permit| Ticket {
            generation: Arc::clone(&next),
            permit,
        };
        let warm = (0..warm)
            .map(slot)
            .map(ticket)
            .map(|ticket| Fake::of(ticket, self.streams))
            .collect();
        let number = next.number;
        let after = self.pool.rotate(next, warm, self.now);
        assert!(after.dead.iter().all(|conn| conn.generation < number));
        self.tickets.extend(after.tickets);
    }

    fn check(&mut self) {
        let pool = &self.pool;
        let current = pool.current.number;
        assert!(
            pool.idle.iter().all(|idle| idle.conn.generation == current),
            "a stranger among the idle"
        );
        assert!(
            pool.shared
                .iter()
                .all(|shared| shared.conn.generation == current),
            "a stranger among the shared"
        );
        assert!(
            pool.shared
                .iter()
                .all(|shared| shared.streams <= self.streams.unwrap_or(0)),
            "too many streams"
        );
        let live = pool
            .waiting
            .iter()
            .filter(|waiter| !waiter.is_closed())
            .count();
        assert!(live <= LIMITS.max_waiting);
        let handed = self
            .waiting
            .iter()
            .filter(|receiver| !receiver.is_empty())
            .count();
        assert!(
            pool.leases.len() <= self.leases.len() + handed,
            "a lease without an owner"
        );
        assert!(
            pool.leases.len() >= self.leases.len(),
            "an owner without a lease"
        );
        let outstanding = self
            .tickets
            .iter()
            .filter(|ticket| ticket.generation.number == current)
            .count();
        assert_eq!(pool.connecting, outstanding, "a connect that nobody makes");
        let records = pool
            .leases()
            .filter(|lease| lease.generation == current)
            .count();
        assert_eq!(pool.live, records);
        assert!(pool.peak >= pool.live);
    }

    /// Who waits, waits for something: a connect that runs, or a slot.
    fn check_nobody_is_stranded(&self) {
        let pool = &self.pool;
        let slots = pool.current.slots.available_permits();
        let waits = pool.waiting.iter().any(|waiter| !waiter.is_closed());
        assert!(
            !waits || pool.connecting > 0 || slots < MAX_CONNECTIONS,
            "stranded"
        );
        let idle = pool.idle.len();
        assert!(!waits || idle == 0, "{idle} idle while somebody waits");
    }

    /// After everybody has gone, every generation but the current one is freed.
    fn finish(mut self) {
        for receiver in std::mem::take(&mut self.waiting) {
            self.give_up(receiver);
        }
        for grant in std::mem::take(&mut self.leases) {
            self.drop_lease(&grant);
        }
        self.tickets.clear();
        assert_eq!(self.pool.leases.len(), 0);
        self.born.pop();
        assert!(
            self.born
                .iter()
                .all(|generation| generation.strong_count() == 0),
            "a generation is kept alive"
        );
    }
}

fn pick<T>(from: &mut Vec<T>, n: usize) -> Option<T> {
    (!from.is_empty()).then(|| from.swap_remove(n % from.len()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_keeps_its_rules(
        streams in proptest::option::of(1..4usize),
        known in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        let expect = match (known, streams) {
            (false, _) => Expect::Unknown,
            (true, None) => Expect::Exclusive,
            (true, Some(_)) => Expect::Shared,
        };
        let mut world = World::new(streams, expect);
        for step in steps {
            world.take(step);
            world.check();
            world.check_nobody_is_stranded();
        }
        world.finish();
    }
}
