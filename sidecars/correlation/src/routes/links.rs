//! Binding an id by hand, or by an integration that is told it by another system.

use axum::extract::State as AppState;
use http::StatusCode;
use jobzy_correlation::ExternalId;
use jobzy_ids::EntityId;
use jobzy_service::auth::Caller;
use jobzy_service::json::Json;
use jobzy_service::problem::{ApiResult, Problem};
use serde::Deserialize;

use super::entities::response;
use super::{READERS, failed};
use crate::State;
use crate::store::{entities, links};

/// Which id to bind to which entity.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    entity: EntityId,
    external: ExternalId,
}

/// `POST /api/v1/correlation/links`
///
/// Binding the same id to the same entity again changes nothing, so it needs no idempotency key.
pub async fn create(
    AppState(state): AppState<State>,
    caller: Caller,
    Json(link): Json<NewLink>,
) -> ApiResult {
    caller.require(READERS)?;
    let by = format!("subject:{}", caller.subject);
    let outcome = links::bind(&state.db, link.entity, link.external, by, state.clock.now()).await;
    match outcome.map_err(failed)? {
        links::Bound::NoEntity => Err(Problem::not_found()),
        links::Bound::Elsewhere(other) => {
            Err(Problem::new(StatusCode::CONFLICT, "link-conflict", "The id is bound to another entity")
                .with("bound_to", other.to_string()))
        }
        links::Bound::Here { new } => {
            let entity = entities::load(&state.db, link.entity).await.map_err(failed)?;
            let entity = entity.ok_or_else(Problem::not_found)?;
            Ok(response(if new { StatusCode::CREATED } else { StatusCode::OK }, &entity))
        }
    }
}
