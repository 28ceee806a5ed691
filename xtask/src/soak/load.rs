//! The load: so many clients, each running one stream after the other until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::models::Model;
use super::settings::Settings;
use super::stream::{Clients, Wanted};

/// Clients at work.
#[derive(Debug)]
pub(super) struct Load {
    tasks: TaskTracker,
    /// No new streams from here on.
    enough: CancellationToken,
    /// Give up what still runs.
    give_up: CancellationToken,
    limit: Duration,
}

impl Load {
    /// Starts the clients, spread over the ramp.
    pub(super) fn start(
        clients: &Arc<Clients>,
        models: Vec<Model>,
        settings: &Settings,
        ramp: Duration,
    ) -> Self {
        let load = Self {
            tasks: TaskTracker::new(),
            enough: CancellationToken::new(),
            give_up: CancellationToken::new(),
            limit: settings.pace.longest() + settings.timeouts.read + Duration::from_secs(10),
        };
        let models: Arc<[Model]> = models.into();
        let count = settings.streams;
        for number in 0..count {
            let client = Client {
                clients: Arc::clone(clients),
                models: Arc::clone(&models),
                random: Rng::with_seed(settings.seed.wrapping_add(u64::from(number) << 20)),
                number,
                begin: clients.start + ramp * number / count,
            };
            let (enough, give_up) = (load.enough.clone(), load.give_up.clone());
            load.tasks.spawn(async move {
                give_up.run_until_cancelled(client.run(enough)).await;
            });
        }
        load.tasks.close();
        load
    }

    /// Starts no more streams.
    pub(super) fn enough(&self) {
        self.enough.cancel();
    }

    /// Whether all clients are done.
    pub(super) fn is_over(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How long the last stream may take after [`Load::enough`]: by then every read has timed out.
    pub(super) fn drain_limit(&self) -> Duration {
        self.limit
    }

    /// Ends what still runs.
    pub(super) async fn give_up(self) {
        self.enough.cancel();
        self.give_up.cancel();
        // Dropping sockets takes no time; the limit only keeps a defect of ours from hanging the run.
        if timeout(Duration::from_secs(5), self.tasks.wait())
            .await
            .is_err()
        {
            println!("clients did not end");
        }
    }
}

/// One client: a place for one stream at a time.
struct Client {
    clients: Arc<Clients>,
    models: Arc<[Model]>,
    random: Rng,
    number: u32,
    begin: Instant,
}

impl Client {
    async fn run(mut self, enough: CancellationToken) {
        let begin = sleep_until(self.begin);
        if enough.run_until_cancelled(begin).await.is_none() {
            return;
        }
        let mut kept = None;
        let mut turn = 0u32;
        while !enough.is_cancelled() {
            let models = Arc::clone(&self.models);
            let wanted = Wanted {
                id: format!("{}-{turn}", self.number),
                model: choose(&models, &mut self.random),
                events: self.length(turn),
            };
            let clients = Arc::clone(&self.clients);
            let began = Instant::now();
            kept = clients.stream(kept.take(), &wanted).await;
            // Half of the streams come on a connection that has served one already.
            kept = kept.filter(|_| self.random.bool());
            turn += 1;
            // A gateway that refuses at once must not be asked a thousand times a second.
            let pause = sleep_until(began + LEAST_TIME);
            enough.run_until_cancelled(pause).await;
        }
    }

    /// Events of the next stream. The first ones are spread from short to long, so that the ends are spread from the beginning.
    fn length(&mut self, turn: u32) -> u64 {
        let pace = self.clients.pace;
        let least = if turn == 0 { 3 } else { pace.fewest };
        self.random.u64(least..=pace.most.max(least))
    }
}

/// One of the models, the heavier the likelier.
fn choose<'a>(models: &'a [Model], random: &mut Rng) -> &'a Model {
    let all: u32 = models.iter().map(|model| model.weight).sum();
    let mut left = random.u32(..all.max(1));
    for model in models {
        match left.checked_sub(model.weight) {
            Some(rest) => left = rest,
            None => return model,
        }
    }
    models.first().expect("a soak has at least one model")
}

/// Shortest time between the beginnings of two streams of a client.
const LEAST_TIME: Duration = Duration::from_millis(500);
