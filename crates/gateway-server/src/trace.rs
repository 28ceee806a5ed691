//! Traces: which trace a call belongs to, who is told of it, and the spans that are made of it when it has ended.
//!
//! Without an exporter, and without a `traceparent` of the client's, a call has no trace and pays for the question only.
//! With one, ids are made when the call begins; the spans are made when it has ended, of its record, away from the
//! worker: what a worker does is to hand a compact copy over, and it never waits.

#[cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, reason = "spans alone tell of requests")
)]
mod call; // The place of one call in its trace.
mod context; // `traceparent` and `tracestate`.
mod rules; // What the configuration says of traces.
mod traces; // What all workers share: finished calls on their way out, and what became of them.

#[cfg(feature = "otlp")]
mod conventions; // The names of attributes.
#[cfg(feature = "otlp")]
mod export; // To the collector, in batches.
#[cfg(feature = "otlp")]
mod finished; // What is kept of a call.
#[cfg(feature = "otlp")]
mod otlp; // Spans as bytes.
#[cfg(feature = "otlp")]
mod span; // Spans, made of a finished call.

pub(crate) use call::CallTrace;
pub(crate) use rules::TraceRules;
pub(crate) use traces::Traces;

#[cfg(feature = "otlp")]
pub(crate) use export::start;
#[cfg(feature = "otlp")]
pub(crate) use finished::Finished;
