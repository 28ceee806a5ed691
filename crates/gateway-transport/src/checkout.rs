//! Getting a connection for an exchange, or waiting for one.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use crate::{
    conn::Conn,
    error::{Phase, SendError, Timer},
    lease::{Lease, LeaseInfo},
    origin::OriginInner,
    pool::{CheckOut, Grant, Handoff, Queued, Slot, locked::LockedPool},
    send::SendOptions,
};

/// A connection of the current generation. Dropping the future gives the place in the queue up.
pub(crate) async fn check_out(
    origin: &Arc<OriginInner>,
    shard: usize,
    options: &SendOptions,
) -> Result<(Lease, Conn, LeaseInfo), SendError> {
    let begun = Instant::now();
    let Some(pool) = origin.pools.get(shard) else {
        return Err(SendError::not_sent(&origin.label, Phase::Pool));
    };
    let mut now = begun;
    loop {
        let queued = match pool.check_out(now) {
            CheckOut::Granted(grant) => return Ok(Lease::from_grant(origin, shard, grant, now)),
            CheckOut::Full => return Err(full(origin)),
            CheckOut::Queued(queued) => queued,
        };
        let waiting = Wait {
            origin,
            shard,
            pool,
            options,
        };
        let grant = waiting.perform(queued).await?;
        now = Instant::now();
        let granted = Lease::from_grant(origin, shard, grant, now);
        // Between the hand-over and this moment a rotation may have come and returned: then it is too late to start.
        if granted.0.generation.number == pool.current().number {
            origin.metrics.waited(now - begun);
            return Ok(granted);
        }
    }
}

fn full(origin: &OriginInner) -> SendError {
    let mut error = SendError::not_sent(&origin.label, Phase::Pool);
    error.source = Some(Arc::from(Box::from(
        "too many requests wait for a connection",
    )));
    error
}

/// The wait of one request for its connection.
struct Wait<'a> {
    origin: &'a Arc<OriginInner>,
    shard: usize,
    pool: &'a LockedPool<Conn>,
    options: &'a SendOptions,
}

impl Wait<'_> {
    async fn perform(&self, queued: Queued<Conn>) -> Result<Grant<Conn>, SendError> {
        let config = self.origin.env.config();
        let connect_timeout = self
            .options
            .connect_timeout
            .unwrap_or(config.connect_timeout);
        let bound = connect_timeout.max(config.connect_timeout);
        if let Some(ticket) = queued.ticket {
            self.origin.start_connect(self.shard, ticket, bound);
        }
        let mut place = Place {
            wait: self,
            receiver: queued.receiver,
        };
        if !queued.covered {
            let limit = self.options.pool_timeout.unwrap_or(config.pool_timeout);
            let _starving = self.origin.starve(self.shard);
            tokio::select! {
                biased;
                handoff = &mut place.receiver => return self.take(handoff.ok()),
                () = self.win_slot(bound) => {}
                () = sleep(limit) => return Err(self.timed_out(Timer::Pool, Phase::Pool)),
            }
        }
        match timeout(connect_timeout, &mut place.receiver).await {
            Ok(handoff) => self.take(handoff.ok()),
            // The phase that any connect of this origin entered last: most likely the one we waited for.
            Err(_) => Err(self.timed_out(Timer::Connect, self.origin.phase.get())),
        }
    }

    /// Waits until a slot is free and a connect uses it, or until one is not needed any more.
    async fn win_slot(&self, bound: Duration) {
        loop {
            let slots = Arc::clone(&self.pool.current().slots);
            let Ok(permit) = slots.acquire_owned().await else {
                return;
            };
            match self.pool.slot(permit) {
                Slot::Connect(ticket) => {
                    return self.origin.start_connect(self.shard, ticket, bound);
                }
                Slot::Covered => return,
                Slot::Stale => {}
            }
        }
    }

    fn take(&self, handoff: Option<Handoff<Conn>>) -> Result<Grant<Conn>, SendError> {
        match handoff {
            Some(Ok(grant)) => Ok(grant),
            Some(Err(error)) => {
                let mut failed = SendError::not_sent(&self.origin.label, error.phase);
                failed.timer = error.timed_out.then_some(Timer::Connect);
                failed.generation = self.origin.current().number;
                failed.source = Some(Arc::new(error));
                Err(failed)
            }
            None => Err(SendError::not_sent(&self.origin.label, Phase::Pool)),
        }
    }

    fn timed_out(&self, timer: Timer, phase: Phase) -> SendError {
        let mut error = SendError::not_sent(&self.origin.label, phase);
        error.timer = Some(timer);
        error
    }
}

/// A place in the queue. A connection that was handed over just when its request gave up goes back.
struct Place<'a> {
    wait: &'a Wait<'a>,
    receiver: oneshot::Receiver<Handoff<Conn>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        let Ok(Ok(grant)) = self.receiver.try_recv() else {
            return;
        };
        let (lease, conn, _) =
            Lease::from_grant(self.wait.origin, self.wait.shard, grant, Instant::now());
        if let conn @ Conn::H1(_) = conn {
            lease.give_back(conn);
        }
    }
}
