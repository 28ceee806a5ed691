//! Single steps of the pool. The long walks are in `model`.

use super::*;
use crate::generation::Birth;

/// A connection that is nothing but what the pool asks of it.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) generation: u64,
    pub(super) streams: Option<usize>,
    pub(super) open: Arc<std::sync::atomic::AtomicBool>,
    /// The slot, and the generation that a connection belongs to for life.
    pub(super) _held: Arc<(OwnedSemaphorePermit, Arc<Generation>)>,
}

impl Fake {
    pub(super) fn of(ticket: Ticket, streams: Option<usize>) -> Self {
        Self {
            generation: ticket.generation.number,
            streams,
            open: Arc::new(true.into()),
            _held: Arc::new((ticket.permit, ticket.generation)),
        }
    }
}

impl Poolable for Fake {
    fn streams(&self) -> Option<usize> {
        self.streams
    }

    fn share(&self) -> Option<Self> {
        let (open, held) = (Arc::clone(&self.open), Arc::clone(&self._held));
        self.streams.map(|_| Self {
            generation: self.generation,
            streams: self.streams,
            open,
            _held: held,
        })
    }

    fn is_open(&mut self) -> bool {
        self.open.load(std::sync::atomic::Ordering::Relaxed)
    }
}

pub(super) fn generation(number: u64, max_connections: usize) -> Arc<Generation> {
    Generation::new(Birth {
        number,
        reason: RotateReason::Command,
        now: Instant::now(),
        ttl: None,
        tls: None,
        max_connections,
        metrics: Arc::default(),
    })
}

pub(super) const LIMITS: PoolLimits = PoolLimits {
    max_waiting: 6,
    streams: 3,
};

fn pool() -> PoolState<Fake> {
    PoolState::new(generation(1, 4), Expect::Exclusive, LIMITS)
}

fn queued(answer: CheckOut<Fake>) -> Queued<Fake> {
    match answer {
        CheckOut::Queued(queued) => queued,
        CheckOut::Granted(_) | CheckOut::Full => panic!("not queued"),
    }
}

fn check_out(pool: &mut PoolState<Fake>) -> CheckOut<Fake> {
    pool.check_out(Instant::now(), &mut Vec::new())
}

/// A pool with one connection that is leased.
fn leased() -> (PoolState<Fake>, Grant<Fake>) {
    let mut pool = pool();
    let mut queued = queued(check_out(&mut pool));
    let ticket = queued.ticket.take().unwrap();
    let generation = Arc::clone(&ticket.generation);
    assert!(
        pool.connected(&generation, Fake::of(ticket, None), Instant::now())
            .dead
            .is_empty()
    );
    let grant = queued.receiver.try_recv().unwrap().unwrap();
    (pool, grant)
}

#[test]
fn a_connection_comes_back_last_in_first_out() {
    let (mut pool, first) = leased();
    let mut other = queued(check_out(&mut pool));
    let ticket = other.ticket.take().unwrap();
    let generation = Arc::clone(&ticket.generation);
    pool.connected(&generation, Fake::of(ticket, None), Instant::now());
    let second = other.receiver.try_recv().unwrap().unwrap();
    let last = Arc::clone(&second.conn.open);
    assert!(
        pool.check_in(first.lease, &generation, first.conn, Instant::now())
            .is_none()
    );
    assert!(
        pool.check_in(second.lease, &generation, second.conn, Instant::now())
            .is_none()
    );
    let CheckOut::Granted(grant) = check_out(&mut pool) else {
        panic!("two are idle")
    };
    assert!(grant.reused && Arc::ptr_eq(&grant.conn.open, &last));
}

#[test]
fn check_in_gives_back_what_belongs_to_an_old_generation() {
    let (mut pool, grant) = leased();
    pool.rotate(generation(2, 4), Vec::new(), Instant::now());
    let old = Arc::clone(&grant.generation);
    assert!(
        pool.check_in(grant.lease, &old, grant.conn, Instant::now())
            .is_some()
    );
    assert_eq!(pool.leases().count(), 0);
}

#[test]
fn rotation_orders_connects_for_those_who_wait() {
    let mut pool = pool();
    let first = queued(check_out(&mut pool));
    let after = pool.rotate(generation(2, 4), Vec::new(), Instant::now());
    let [ticket] = after.tickets.try_into().ok().expect("one waits");
    assert_eq!(ticket.generation.number, 2);
    // The old connect fails or finishes: nothing happens to the one who waits.
    let old = first.ticket.unwrap();
    assert!(
        pool.failed(
            &old.generation,
            &ConnectError::timed_out(crate::Phase::Connect)
        )
        .is_empty()
    );
    let mut receiver = first.receiver;
    receiver.try_recv().unwrap_err();
    let new = Arc::clone(&ticket.generation);
    pool.connected(&new, Fake::of(ticket, None), Instant::now());
    assert_eq!(receiver.try_recv().unwrap().unwrap().generation.number, 2);
}

#[test]
fn a_closed_idle_connection_is_passed_over() {
    let (mut pool, grant) = leased();
    let (open, current) = (Arc::clone(&grant.conn.open), Arc::clone(&grant.generation));
    pool.check_in(grant.lease, &current, grant.conn, Instant::now());
    open.store(false, std::sync::atomic::Ordering::Relaxed);
    let mut dead = Vec::new();
    let answer = pool.check_out(Instant::now(), &mut dead);
    assert_eq!(dead.len(), 1);
    assert!(queued(answer).ticket.is_some());
}
