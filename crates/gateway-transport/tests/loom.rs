//! Every interleaving of a rotation with requests, on the real lock and the real pool.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p gateway-transport --test loom --release`
#![cfg(loom)]
// The pool is taken in by its path, and not all of it is of use here.
#![allow(dead_code, unused_imports, unreachable_pub)]

#[path = "../src"]
mod taken {
    pub(crate) mod error;
    pub(crate) mod generation;
    pub(crate) mod health;
    pub(crate) mod metrics;
    pub(crate) mod pool;

    /// tokio has no sockets under loom, and so there is no TLS.
    pub(crate) mod connect {
        pub(crate) mod tls {
            pub(crate) struct TlsMaterial;
        }
    }
}

use generation::{Birth, Generation, RotateReason};
use loom::thread;
use pool::{
    CheckOut, Expect, Handoff, PoolLimits, PoolState, Poolable, Ticket, locked::LockedPool,
};
use taken::{connect, error, generation, health, metrics, pool};
use tokio::{sync::oneshot, time::Instant};

/// Shared with the pool, which counts with the standard library: only the lock is modeled.
use std::sync::Arc;

#[test]
fn no_exchange_starts_on_an_old_generation_after_rotate_returned() {
    loom::model(|| {
        let model = loom::sync::Arc::new(Model::with_idle(1));
        let worker = {
            let model = loom::sync::Arc::clone(&model);
            thread::spawn(move || {
                // It may get the old connection, as long as rotate has not returned.
                if let Outcome::Granted {
                    connection, lease, ..
                } = model.check_out()
                {
                    model.check_in(connection, lease);
                }
            })
        };
        model.rotate(2);
        if let Outcome::Granted { generation, .. } = model.check_out() {
            assert_eq!(generation, 2);
        }
        worker.join().expect("the worker does not panic");
        assert!(
            model
                .idle_generations()
                .into_iter()
                .all(|generation| generation == 2)
        );
    });
}

#[test]
fn one_idle_connection_is_never_given_to_two() {
    loom::model(|| {
        let model = loom::sync::Arc::new(Model::with_idle(1));
        let other = {
            let model = loom::sync::Arc::clone(&model);
            thread::spawn(move || matches!(model.check_out(), Outcome::Granted { .. }))
        };
        let ours = matches!(model.check_out(), Outcome::Granted { .. });
        let theirs = other.join().expect("the worker does not panic");
        assert!(ours != theirs, "one gets it, the other waits");
    });
}

#[test]
fn a_connect_that_races_with_a_rotation_ends_up_in_no_pool_or_in_the_right_one() {
    loom::model(|| {
        let model = loom::sync::Arc::new(Model::with_idle(0));
        let Outcome::Queued {
            ticket: Some(ticket),
            receiver,
        } = model.check_out()
        else {
            panic!("an empty pool orders a connect");
        };
        let worker = {
            let model = loom::sync::Arc::clone(&model);
            thread::spawn(move || model.connected(ticket))
        };
        let ordered = model.rotate(2);
        worker.join().expect("the worker does not panic");
        // Served by the old one before the rotation, or waiting for a connect that the rotation ordered.
        assert!(receiver.was_served() || ordered == 1);
        assert!(
            model
                .idle_generations()
                .into_iter()
                .all(|generation| generation == 2)
        );
    });
}

impl Poolable for u32 {
    fn streams(&self) -> Option<usize> {
        None
    }

    fn share(&self) -> Option<Self> {
        None
    }

    fn is_open(&mut self) -> bool {
        true
    }
}

/// A pool whose connections are the numbers of their generations.
struct Model(LockedPool<u32>);

/// A lease, to be given back.
struct LeaseKey(usize, Arc<Generation>);

/// The duty to connect.
struct Order(Ticket);

/// A place in the queue.
struct Waiting(oneshot::Receiver<Handoff<u32>>);

/// What a check-out gave.
enum Outcome {
    /// A connection.
    Granted {
        /// Its number.
        connection: u32,
        /// To be given back with it.
        lease: LeaseKey,
        /// Number of the generation that it was leased of.
        generation: u64,
    },
    /// A place in the queue.
    Queued {
        /// The connect to be made, if one is.
        ticket: Option<Order>,
        /// Where the connection comes.
        receiver: Waiting,
    },
}

fn generation(number: u64) -> Arc<Generation> {
    Generation::new(Birth {
        number,
        reason: RotateReason::Command,
        now: Instant::now(),
        ttl: None,
        tls: None,
        max_connections: 4,
        metrics: Arc::default(),
    })
}

impl Model {
    /// A pool of generation 1 with `idle` connections.
    fn with_idle(idle: usize) -> Self {
        let limits = PoolLimits {
            max_waiting: 8,
            streams: 1,
        };
        let model = Self(LockedPool::new(PoolState::new(
            generation(0),
            Expect::Exclusive,
            limits,
        )));
        let after = model.0.rotate(generation(1), vec![1; idle], Instant::now());
        drop(after);
        model
    }

    /// Asks for a connection.
    fn check_out(&self) -> Outcome {
        match self.0.check_out(Instant::now()) {
            CheckOut::Granted(grant) => {
                let generation = grant.generation.number;
                Outcome::Granted {
                    connection: grant.conn,
                    lease: LeaseKey(grant.lease, grant.generation),
                    generation,
                }
            }
            CheckOut::Queued(queued) => Outcome::Queued {
                ticket: queued.ticket.map(Order),
                receiver: Waiting(queued.receiver),
            },
            CheckOut::Full => unreachable!("fewer than eight ask"),
        }
    }

    /// Gives a connection back.
    fn check_in(&self, connection: u32, lease: LeaseKey) {
        self.0
            .check_in(lease.0, &lease.1, connection, Instant::now());
    }

    /// Reports a connect.
    fn connected(&self, order: Order) {
        let Ticket { generation, permit } = order.0;
        let number = u32::try_from(generation.number).expect("a test has few generations");
        drop(permit);
        drop(self.0.connected(&generation, number, Instant::now()));
    }

    /// Rotates to generation `number`; the number of connects that were ordered for those who wait.
    fn rotate(&self, number: u64) -> usize {
        self.0
            .rotate(generation(number), Vec::new(), Instant::now())
            .tickets
            .len()
    }

    /// Takes everything that is idle, and says which generations it belonged to.
    fn idle_generations(&self) -> Vec<u32> {
        let mut found = Vec::new();
        while let Outcome::Granted { connection, .. } = self.check_out() {
            found.push(connection);
        }
        found
    }
}

impl Waiting {
    /// Whether a connection has come.
    fn was_served(mut self) -> bool {
        matches!(self.0.try_recv(), Ok(Ok(_)))
    }
}
