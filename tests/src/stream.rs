//! The provider's side of a stream, cut into its parts.

use bytes::Bytes;
use gateway_testkit::client::SseReader;
use gateway_testkit::dialect::{Knobs, Wire};
use gateway_testkit::script::{Gate, ResponseHead, Script};
use gateway_testkit::upstream::{Recorded, Upstream, UpstreamConfig};

/// The stream that would answer a request properly.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its dialect.
    pub wire: Wire,
    /// All its events, the terminal marker last.
    pub events: Vec<Bytes>,
}

impl Stream {
    /// Of the request, with five contents unless it wants more.
    ///
    /// # Panics
    /// If the request is no call.
    #[must_use]
    pub fn answering(request: &Recorded) -> Self {
        let wire = Wire::of_path(request.path()).expect("the path of a call");
        let knobs = Knobs::default().overridden_by(request);
        Self {
            wire,
            events: wire.stream(request, &knobs).collect(),
        }
    }

    /// An upstream that answers every call with a script made of its proper stream.
    pub async fn upstream(script: impl Fn(Self) -> Script + Send + Sync + 'static) -> Upstream {
        Upstream::answering(move |request| script(Self::answering(request))).await
    }

    /// An upstream whose streams stop behind their first content until `gate` opens.
    pub async fn held_after_one(gate: &Gate) -> Upstream {
        let gate = gate.clone();
        let script = move |stream: Self| {
            let rest = stream.after(1).to_vec();
            stream.begun(1).wait(&gate).all(rest).end()
        };
        Self::upstream(script).await
    }

    /// The same as [`Self::upstream`], as a configuration.
    #[must_use]
    pub fn config(script: impl Fn(Self) -> Script + Send + Sync + 'static) -> UpstreamConfig {
        UpstreamConfig::default().handler(move |request| script(Self::answering(request)))
    }

    /// The events before the first content.
    #[must_use]
    pub fn preamble(&self) -> &[Bytes] {
        &self.events[..self.contents()[0]]
    }

    /// The events up to and including the `n`th content.
    #[must_use]
    pub fn until(&self, n: usize) -> &[Bytes] {
        &self.events[..=self.contents()[n - 1]]
    }

    /// The events behind the `n`th content.
    #[must_use]
    pub fn after(&self, n: usize) -> &[Bytes] {
        &self.events[self.until(n).len()..]
    }

    /// All events but the terminal marker.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn unmarked(&self) -> &[Bytes] {
        let (_marker, rest) = self.events.split_last().expect("a stream has events");
        rest
    }

    /// A script that has sent the head and everything up to the `n`th content.
    #[must_use]
    pub fn begun(&self, n: usize) -> Script {
        Script::new()
            .head(ResponseHead::sse())
            .all(self.until(n).to_vec())
    }

    /// Where the contents are.
    fn contents(&self) -> Vec<usize> {
        let is_content = |event: &Bytes| {
            let events = SseReader::default().push(event);
            events.iter().any(|event| !event.text().is_empty())
        };
        let events = self.events.iter().enumerate();
        events
            .filter(|(_, event)| is_content(event))
            .map(|(index, _)| index)
            .collect()
    }
}

/// The text of the first `n` contents of a stream with default knobs.
#[must_use]
pub fn text(n: usize) -> String {
    Knobs::default().texts().take(n).collect()
}
