//! The words that a pool and its callers share.

use std::{sync::Arc, task::Waker};

use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};

use crate::{error::ConnectError, generation::Generation};

/// What the pool must know of a connection.
pub(crate) trait Poolable: Sized {
    /// `None`: one exchange at a time. `Some(n)`: it carries `n` streams at a time, as the peer allows now.
    fn streams(&self) -> Option<usize>;
    /// Another handle to the same connection; `None` where `streams` is.
    fn share(&self) -> Option<Self>;
    /// Whether the peer has left it open, as far as can be told without waiting.
    fn is_open(&mut self) -> bool;
}

/// The right of one exchange to one connection.
#[derive(Debug)]
pub(crate) struct Grant<C> {
    pub(crate) conn: C,
    pub(crate) lease: usize,
    /// The connection's number in the pool, if it is shared.
    pub(crate) shared: Option<u64>,
    pub(crate) generation: Arc<Generation>,
    pub(crate) reused: bool,
}

/// What a waiting request gets.
pub(crate) type Handoff<C> = Result<Grant<C>, ConnectError>;

/// The duty to open one connection and to report with [`PoolState::connected`] or [`PoolState::failed`].
pub(crate) struct Ticket {
    pub(crate) generation: Arc<Generation>,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The answer to [`PoolState::check_out`].
pub(crate) enum CheckOut<C> {
    /// Here it is.
    Granted(Grant<C>),
    /// It comes through the receiver.
    Queued(Queued<C>),
    /// Too many wait already.
    Full,
}

/// A place in the queue.
pub(crate) struct Queued<C> {
    pub(crate) receiver: oneshot::Receiver<Handoff<C>>,
    pub(crate) ticket: Option<Ticket>,
    /// A connect that will serve it is running or is ordered by `ticket`; otherwise a slot must come free.
    pub(crate) covered: bool,
}

/// What a free slot is good for.
pub(crate) enum Slot {
    /// Open a connection.
    Connect(Ticket),
    /// Nothing: a connect that will serve the request is running already.
    Covered,
    /// Nothing: it is a slot of a generation that is no longer current.
    Stale,
}

/// What is to be done after [`PoolState::rotate`] or [`PoolState::connected`], outside the lock.
pub(crate) struct Aftermath<C> {
    /// To be dropped.
    pub(crate) dead: Vec<C>,
    /// Connects to be started.
    pub(crate) tickets: Vec<Ticket>,
}

/// The limits of one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) max_waiting: usize,
    /// Streams that a shared connection is expected to carry before it exists.
    pub(crate) streams: usize,
}

/// What the next connection is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Not known yet: one connect serves all who wait, until it shows what it is.
    Unknown,
    /// One exchange at a time.
    Exclusive,
    /// Many streams.
    Shared,
}

/// A lease that is out.
#[derive(Debug)]
pub(crate) struct LeaseRecord {
    pub(crate) generation: u64,
    pub(crate) shared: bool,
    pub(crate) started: Instant,
    /// To be woken when the generation is killed.
    pub(crate) waker: Option<Waker>,
}

/// How many of what a pool holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Census {
    pub(crate) expect: Expect,
    pub(crate) idle_exclusive: usize,
    pub(crate) shared: usize,
    pub(crate) shared_busy: usize,
    pub(crate) connecting: usize,
    pub(crate) waiting: usize,
}
