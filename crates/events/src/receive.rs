//! Handling an event, once.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jobzy_service::clock::Clock;
use jobzy_service::problem::Problem;
use jobzy_store::{BoxFuture, Db, DbError, Tx, inbox};

use crate::CloudEvent;

/// What became of a delivery. Both are 204 on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The handler ran, and its transaction is committed.
    First,
    /// It had run before; nothing was done.
    Duplicate,
}

impl IntoResponse for Received {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// The body of `POST /internal/events`: parses the event, and runs `handler` in one transaction with the inbox entry, so
/// that any number of deliveries has one effect. Events of types the handler does not know it accepts and leaves alone.
///
/// The route must have checked the caller's role `service`. Like every transaction closure the handler may run again
/// after a conflict: calls to others come after `receive` has returned, or from a job the handler stores.
///
/// # Errors
/// 400 `malformed-event`; otherwise the handler's own problem, after which the sender tries again later.
pub async fn receive<E, F>(db: &Db, body: &[u8], clock: &Clock, handler: F) -> Result<Received, Problem>
where
    F: for<'t> Fn(&'t mut Tx, CloudEvent) -> BoxFuture<'t, Result<(), E>> + Send + Sync + 'static,
    E: From<DbError> + Into<Problem> + Send,
{
    let event = CloudEvent::parse(body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed-event", "This is not an event this service takes")
            .detail(error.to_string())
    })?;
    let (event_type, source) = (event.r#type.clone(), event.source.clone());
    let handler = Arc::new(handler);
    let now = clock.now();
    let received = db
        .transaction("receive event", move |tx| {
            let (event, handler) = (event.clone(), Arc::clone(&handler));
            Box::pin(async move {
                if !inbox::first_time(tx, &event.source, &event.id.to_string(), now).await? {
                    return Ok(Received::Duplicate);
                }
                handler(tx, event).await.map(|()| Received::First)
            })
        })
        .await;
    let outcome = match &received {
        Ok(Received::First) => "handled",
        Ok(Received::Duplicate) => "duplicate",
        Err(_) => "refused",
    };
    metrics::counter!("events_received_total", "type" => event_type, "source" => source, "outcome" => outcome)
        .increment(1);
    received.map_err(E::into)
}
