//! Events: taken in, and told.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jobzy_correlation::{ExternalId, without_personal_data};
use jobzy_events::CloudEvent;
use jobzy_ids::EntityId;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::SERVICE;
use jobzy_service::extract::{Path, Query, RawBody};
use jobzy_service::problem::{ApiResult, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{READERS, failed};
use crate::State;
use crate::store::log::{self, AppendError, Filter, Logged};

/// Most events of one page.
const PAGE: u32 = 100;

/// An event that loses the race for an id so often is sent again later.
const ATTEMPTS: u32 = 5;

/// `POST /internal/events`
pub async fn receive(AppState(state): AppState<State>, caller: Caller, RawBody(body): RawBody) -> ApiResult {
    caller.require(&[SERVICE])?;
    let mut attempt = 1;
    loop {
        let clock = state.clock.clone();
        let received = jobzy_events::receive(&state.db, &body, &state.clock, move |tx, event| {
            let (fresh, now) = (clock.new_id(EntityId::new), clock.now());
            Box::pin(async move {
                let ids = ids_of(&event)?;
                let event = CloudEvent { data: without_personal_data(event.data), ..event };
                log::append(tx, &event, &ids, fresh, now).await
            })
        });
        match received.await {
            Err(problem) if problem.slug() == log::RACED && attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome.map(IntoResponse::into_response),
        }
    }
}

/// The ids an event names in `data.ids`; one that names none is filed under its source and subject.
fn ids_of(event: &CloudEvent) -> Result<Vec<ExternalId>, AppendError> {
    let ids = match event.data.get("ids") {
        None => Vec::new(),
        Some(ids) => serde_json::from_value::<Vec<ExternalId>>(ids.clone())
            .map_err(|error| AppendError::Ids(error.to_string()))?,
    };
    if !ids.is_empty() {
        return Ok(ids);
    }
    let system = event.source.rsplit('/').next().unwrap_or_default();
    let fallback = ExternalId::new(system, "subject", event.subject.as_str());
    Ok(vec![fallback.map_err(|error| AppendError::Ids(error.to_string()))?])
}

/// Where a page begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    after: Option<i64>,
}

/// `GET /api/v1/correlation/entities/{id}/events`
pub async fn of_entity(
    AppState(state): AppState<State>,
    caller: Caller,
    Path(id): Path<EntityId>,
    Query(page): Query<Page>,
) -> ApiResult {
    caller.require(READERS)?;
    let events = log::of_entity(&state.db, id, page.after.unwrap_or(0), PAGE).await.map_err(failed)?;
    if events.is_empty() && !log::exists(&state.db, id).await.map_err(failed)? {
        return Err(Problem::not_found());
    }
    let next = full(&events).map(|last| json!(last.position));
    Ok(page_of(&events, next))
}

/// What to look for in the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    correlation_id: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    after: Option<String>,
}

/// `GET /api/v1/correlation/events`
pub async fn list(
    AppState(state): AppState<State>,
    caller: Caller,
    Query(search): Query<Search>,
) -> ApiResult {
    caller.require(READERS)?;
    let after = match search.after.as_deref() {
        None => None,
        Some(text) => Some(parse_cursor(text).ok_or_else(bad_cursor)?),
    };
    let filter = Filter { correlation_id: search.correlation_id, event_type: search.event_type, after };
    let events = log::search(&state.db, filter, PAGE).await.map_err(failed)?;
    let cursor = |last: &Logged| {
        json!(format!("{}.{}.{}", last.received_at.as_microsecond(), last.entity, last.position))
    };
    let next = full(&events).map(cursor);
    Ok(page_of(&events, next))
}

fn bad_cursor() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-query", "`after` is no cursor of this list")
}

/// `<received, microseconds>.<entity>.<position>`
fn parse_cursor(text: &str) -> Option<(i64, EntityId, i64)> {
    let mut parts = text.splitn(3, '.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The last event when the page is full: there may be more behind it.
fn full(events: &[Logged]) -> Option<&Logged> {
    events.last().filter(|_| events.len() == PAGE as usize)
}

fn page_of(events: &[Logged], next: Option<Value>) -> Response {
    let events: Vec<Value> = events.iter().map(to_json).collect();
    axum::Json(json!({"events": events, "next": next})).into_response()
}

fn to_json(event: &Logged) -> Value {
    json!({
        "entity": event.entity,
        "position": event.position,
        "id": event.event_id,
        "source": event.source,
        "type": event.event_type,
        "subject": event.subject,
        "correlation_id": event.correlation_id,
        "time": event.occurred_at.to_string(),
        "received_at": event.received_at.to_string(),
        "hash": event.hash,
        "data": event.data,
    })
}
