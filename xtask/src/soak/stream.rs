//! One stream of one client: request, events, end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::check::{Check, Fault};
use super::http::{Broken, Connection};
use super::models::{Front, Model};
use super::outcome::{Ended, Outcome};
use super::settings::{Pace, Timeouts};
use super::tally::Tally;

/// What all clients of a run share.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) authority: String,
    pub(super) api_key: String,
    pub(super) timeouts: Timeouts,
    pub(super) pace: Pace,
    pub(super) start: Instant,
    pub(super) tally: Arc<Tally>,
    /// Streams whose text was not ours.
    pub(super) unmarked: AtomicU64,
}

/// What one stream asks for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) id: String,
    pub(super) model: &'a Model,
    pub(super) events: u64,
}

/// A stream on its way.
struct Run<'a> {
    clients: &'a Clients,
    wanted: &'a Wanted<'a>,
    check: Check,
    /// The last content, or the beginning.
    last: Instant,
}

impl Clients {
    /// Runs one stream to its end and counts it; returns the connection when it can serve the next.
    ///
    /// Dropping the future closes the connection and counts nothing but the end of an active stream.
    pub(super) async fn stream(
        &self,
        kept: Option<Connection>,
        wanted: &Wanted<'_>,
    ) -> Option<Connection> {
        let _active = self.tally.begin();
        let mut run = Run {
            clients: self,
            wanted,
            check: Check::new(wanted.model.front, &wanted.id),
            last: Instant::now(),
        };
        let result = run.exchange(kept).await;
        if run.check.progress.unmarked {
            self.unmarked.fetch_add(1, Ordering::Relaxed);
        }
        let (outcome, detail, connection) = match result {
            Ok(connection) => (Outcome::Complete, String::new(), connection),
            Err(fault) => (fault.outcome, fault.detail, None),
        };
        self.tally.ended(Ended {
            outcome,
            since: run.last.duration_since(self.start).as_secs_f64(),
            model: wanted.model.name.clone(),
            events: run.check.progress.contents,
            detail,
        });
        connection
    }

    fn request(&self, wanted: &Wanted<'_>) -> String {
        let path = match wanted.model.front {
            Front::Messages => "/v1/messages",
            Front::Chat => "/v1/chat/completions",
        };
        let prompt = format!(
            "Count. [[double events={} bytes=64 pace_ms={} seq={}]]",
            wanted.events,
            self.pace.interval.as_millis(),
            wanted.id
        );
        let body = serde_json::json!({
            "model": wanted.model.name,
            "max_tokens": 4096,
            "stream": true,
            "messages": [{"role": "user", "content": prompt}],
        });
        let body = body.to_string();
        format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nanthropic-version: 2023-06-01\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.authority,
            self.api_key,
            body.len(),
        )
    }
}

impl Run<'_> {
    /// Returns the connection when it can serve another request.
    async fn exchange(&mut self, kept: Option<Connection>) -> Result<Option<Connection>, Fault> {
        let timeouts = self.clients.timeouts;
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(&self.clients.authority, timeouts.connect).await?,
        };
        let request = self.clients.request(self.wanted);
        connection.send(request.as_bytes(), timeouts.write).await?;
        let sent = Instant::now();
        let (status, mut body) = connection.head(timeouts.read).await?;
        if status != 200 {
            let piece = connection.piece(&mut body, timeouts.read).await?;
            let text = String::from_utf8_lossy(&piece.unwrap_or_default()).into_owned();
            let text: String = text.chars().take(200).collect();
            return Err(Fault::new(Outcome::Status, format!("{status} {text}")));
        }
        let mut first = None;
        let mut began = false;
        self.last = Instant::now();
        loop {
            // The limit is for content: heartbeats keep a connection alive, but not a stream.
            let left = timeouts.read.saturating_sub(self.last.elapsed());
            let Some(piece) = connection.piece(&mut body, left).await? else {
                break;
            };
            let now = Instant::now();
            if !std::mem::replace(&mut began, true) {
                self.clients.tally.first_event(now - sent);
            }
            let before = self.check.progress.contents;
            self.check.bytes(&piece)?;
            for index in before..self.check.progress.contents {
                let first = *first.get_or_insert(now);
                self.clients.tally.event(self.late(now - first, index));
                self.last = now;
            }
        }
        self.check.finish()?;
        Ok(connection.reusable(&body))
    }

    /// How much later than the pace the event with this index came.
    fn late(&self, after_first: Duration, index: u64) -> Duration {
        let due = self.clients.pace.interval * u32::try_from(index).unwrap_or(u32::MAX);
        after_first.saturating_sub(due)
    }
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Refused(why) => Self::new(Outcome::Refused, why),
            Broken::Cut(why) => Self::new(Outcome::Cut, why),
            Broken::Frozen => Self::new(Outcome::Frozen, "no content within the read timeout"),
            Broken::Malformed(what) => Self::new(Outcome::Malformed, what),
        }
    }
}
