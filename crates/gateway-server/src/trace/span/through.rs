//! The span of a request in a provider's own words: there is one exchange, and nothing is tried again.

use gateway_core::EndReason;

use super::super::Finished;
use super::super::conventions as names;
use super::{Kind, List, Span, at, error_of, of_usage};

/// The exchange of a call in its provider's own words; `None`: the call is of another kind, or nobody was asked.
pub(super) fn of_exchange(call: &Finished) -> Option<Span<'_>> {
    let provider = names::provider(call.through?);
    let trace = &call.trace;
    let asked = trace.asked()?;
    let method = trace.request.as_deref()?.method.as_str();
    let mut list = List::new();
    list.text(names::PROVIDER, Some(provider));
    list.text(names::HTTP_METHOD, Some(method));
    list.text(names::SERVER_ADDRESS, Some(&*asked.host));
    list.number(names::SERVER_PORT, Some(asked.port.into()));
    let error = error_of(call);
    // What went wrong here has a status that the provider has not said.
    let status = Some(call.status).filter(|it| error.is_none() && *it > 0);
    list.number(names::HTTP_STATUS, status.map(u64::from));
    let refused = status.filter(|it| *it >= 400).map(|it| it.to_string());
    let error = refused.map(Into::into).or(error);
    list.text(names::ERROR_TYPE, error.clone());
    of_usage(&mut list, &call.usage);
    if call.end != EndReason::Complete {
        list.text(names::END, Some(call.end.as_str()));
    }
    Some(Span {
        trace_id: trace.trace_id(),
        span_id: trace.attempt_id(0),
        parent: Some(trace.span_id()),
        parent_is_remote: false,
        state: trace.state.as_deref(),
        name: format!("{method} {provider}"),
        kind: Kind::Client,
        started: at(call, asked.at),
        ended: at(call, call.started + call.took),
        attributes: list.0,
        failed: error.is_some(),
    })
}
