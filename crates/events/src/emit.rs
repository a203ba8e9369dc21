//! Telling a fact, in the transaction that makes it one.

use jobzy_ids::EventId;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_store::outbox::{self, OutboxEvent};
use jobzy_store::{DbError, Tx};
use serde_json::Value;

use crate::CloudEvent;

/// Writes an event into the outbox of the caller's transaction. After the commit, [`crate::Pump::wake`] sends it at
/// once; otherwise the pump finds it within half a second.
///
/// `source` is `/jobzy/<service>`, `event_type` is `jobzy.<service>.<fact>.v1`, `subject` names the thing, `data` is a
/// JSON object. The context gives the correlation id; for an event told while handling another, see
/// [`CloudEvent::context`].
///
/// # Errors
/// As [`Tx::execute`]; [`DbError::Setup`] when a receiver would refuse the event, which is a mistake in the program.
pub async fn emit(
    tx: &mut Tx,
    context: &RequestContext,
    source: &str,
    event_type: &str,
    subject: &str,
    data: Value,
    clock: &Clock,
) -> Result<EventId, DbError> {
    let now = clock.now();
    let event = CloudEvent {
        id: clock.new_id(EventId::new),
        source: source.to_owned(),
        r#type: event_type.to_owned(),
        subject: subject.to_owned(),
        time: now,
        correlation_id: context.correlation_id.clone(),
        traceparent: context.traceparent,
        data,
    };
    let body =
        event.to_json().map_err(|error| DbError::Setup(format!("cannot emit {event_type}: {error}")))?;
    let row =
        OutboxEvent { id: *event.id.as_bytes(), event_type: event.r#type, subject: event.subject, body };
    outbox::enqueue(tx, &row, now).await?;
    Ok(event.id)
}
