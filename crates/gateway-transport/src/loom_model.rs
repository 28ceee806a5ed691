//! The pool and its lock with connections that are numbers, for the loom test alone.

use std::sync::Arc;

use tokio::{sync::oneshot, time::Instant};

use crate::{
    generation::{Birth, Generation, RotateReason},
    pool::{
        CheckOut, Expect, Handoff, PoolLimits, PoolState, Poolable, Slot, Ticket,
        locked::LockedPool,
    },
};

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
pub struct Model(LockedPool<u32>);

/// A lease, to be given back.
pub struct LeaseKey(usize, Arc<Generation>);

/// The duty to connect.
pub struct Order(Ticket);

/// A place in the queue.
pub struct Waiting(oneshot::Receiver<Handoff<u32>>);

/// What a check-out gave.
pub enum Outcome {
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
    pub fn with_idle(idle: usize) -> Self {
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
    pub fn check_out(&self) -> Outcome {
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
    pub fn check_in(&self, connection: u32, lease: LeaseKey) {
        self.0
            .check_in(lease.0, &lease.1, connection, Instant::now());
    }

    /// Reports a connect.
    pub fn connected(&self, order: Order) {
        let Ticket { generation, permit } = order.0;
        let number = u32::try_from(generation.number).expect("a test has few generations");
        drop(permit);
        drop(self.0.connected(&generation, number, Instant::now()));
    }

    /// Rotates to generation `number`; the number of connects that were ordered for those who wait.
    pub fn rotate(&self, number: u64) -> usize {
        self.0
            .rotate(generation(number), Vec::new(), Instant::now())
            .tickets
            .len()
    }

    /// Takes everything that is idle, and says which generations it belonged to.
    pub fn idle_generations(&self) -> Vec<u32> {
        let mut found = Vec::new();
        while let Outcome::Granted { connection, .. } = self.check_out() {
            found.push(connection);
        }
        found
    }

    /// A slot that came free: whether a connect was ordered for it.
    pub fn slot(&self) -> bool {
        let permit = self.0.current().slots.clone().try_acquire_owned();
        permit.is_ok_and(|permit| matches!(self.0.slot(permit), Slot::Connect(_)))
    }
}

impl Waiting {
    /// Whether a connection has come.
    pub fn was_served(mut self) -> bool {
        matches!(self.0.try_recv(), Ok(Ok(_)))
    }
}
