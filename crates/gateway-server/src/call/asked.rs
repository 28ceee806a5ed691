//! What a client asks for, read and understood.

use bytes::Bytes;
use gateway_core::{Dialect, EndReason, Envelope, ErrorInfo, ErrorKind};
use gateway_providers::ServiceTier;
use gateway_router::Resolved;
use http::Request;
use http::request::Parts;
use hyper::body::Incoming;

use super::options::Said;
use super::{LONGEST_NAME, count, intake, options};
use crate::api::CallRoute;
use crate::record::OpenRecord;
use crate::respond::Failure;
use crate::worker::Snapshot;

/// What a client asks for, and how it is answered.
pub(super) enum Taken {
    /// By a provider.
    Asked(Box<Asked>),
    /// By an estimate: nobody can count.
    Estimated(Bytes),
}

/// What a client asks for, read and understood, and who may serve it.
pub(super) struct Asked {
    pub parts: Parts,
    pub envelope: Envelope,
    pub resolved: Resolved,
    pub said: Said,
}

/// Reads and understands the request.
pub(super) async fn take(
    snapshot: &Snapshot,
    request: Request<Incoming>,
    route: CallRoute,
    record: &mut OpenRecord,
) -> Result<Taken, Failure> {
    let limits = &snapshot.limits;
    let (parts, body) = request.into_parts();
    let key = intake::key_in_query(route.dialect, parts.uri.query());
    if let Err(denied) = snapshot.keys.check(&parts.headers, key.as_deref()) {
        return Err(Failure::rejected(
            ErrorKind::Authentication,
            denied.message(),
        ));
    }
    intake::admit(&parts.headers, limits.request_bytes)?;
    record.take_places(&parts.headers).await?;
    let body = intake::collect(body, limits.request_bytes, limits.request_idle).await?;
    let envelope = intake::read(body, &route)?;
    record.array = route.dialect == Dialect::Gemini && !intake::asks_for_events(parts.uri.query());
    let asked_for = resolve(snapshot, &envelope, route.model.as_deref(), record)?;
    let Some(resolved) = asked_for.speaking(route.dialect) else {
        return match count::estimate(route.dialect, &envelope) {
            Some(count) => Ok(Taken::Estimated(count)),
            None => Err(not_served(route.dialect)),
        };
    };
    let mut said = options::read(&parts.headers, &envelope, snapshot)?;
    said.options.stream = record.stream;
    record.max_retries = said.options.retries;
    // On the heap: a future has room for each of its arguments twice.
    Ok(Taken::Asked(Box::new(Asked {
        parts,
        envelope: said.envelope.take().unwrap_or(envelope),
        resolved,
        said,
    })))
}

/// Who may serve the model that the client asked for.
fn resolve(
    snapshot: &Snapshot,
    envelope: &Envelope,
    path_model: Option<&str>,
    record: &mut OpenRecord,
) -> Result<Resolved, Failure> {
    record.stream = envelope.stream() && record.dialect.streams();
    record.choices = record.dialect.choices_asked(envelope);
    record.tier = tier(envelope);
    let Some(model) = path_model.or(envelope.model()) else {
        let error = ErrorInfo::new(ErrorKind::InvalidRequest, "`model` is missing.");
        return Err(Failure::new(EndReason::Rejected, error.with_param("model")));
    };
    record.model = Some(model.chars().take(LONGEST_NAME).collect());
    let Some(resolved) = snapshot.catalog.resolve(model) else {
        let shown = record.model.as_deref().unwrap_or_default();
        let message =
            format!("There is no model {shown:?} here. GET /v1/models lists those there are.");
        let error = ErrorInfo::new(ErrorKind::InvalidRequest, message).with_param("model");
        return Err(Failure::new(EndReason::Rejected, error));
    };
    record.group = Some(resolved.group());
    Ok(resolved)
}

fn not_served(dialect: Dialect) -> Failure {
    let message = format!(
        "No deployment of this model can serve {} calls.",
        dialect.name()
    );
    Failure::rejected(ErrorKind::InvalidRequest, message)
}

/// The tier of service that the request asks for.
fn tier(envelope: &Envelope) -> ServiceTier {
    let word = envelope.field("service_tier").and_then(|json| {
        let text = std::str::from_utf8(json).ok()?;
        text.strip_prefix('"')?.strip_suffix('"')
    });
    word.map(ServiceTier::named).unwrap_or_default()
}
