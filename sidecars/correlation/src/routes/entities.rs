//! Entities: by their own id, or by any id of any system.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jobzy_ids::EntityId;
use jobzy_service::auth::Caller;
use jobzy_service::extract::{Path, Query};
use jobzy_service::problem::{ApiResult, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{READERS, failed};
use crate::State;
use crate::store::entities::{self, Entity};

/// What to look for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    id: String,
    system: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// `GET /api/v1/correlation/lookup?id=`
pub async fn lookup(
    AppState(state): AppState<State>,
    caller: Caller,
    Query(query): Query<Lookup>,
) -> ApiResult {
    caller.require(READERS)?;
    let found = if let Ok(entity) = query.id.parse::<EntityId>() {
        vec![entity]
    } else {
        entities::by_external(&state.db, &query.id, query.system.as_deref(), query.kind.as_deref())
            .await
            .map_err(failed)?
    };
    match found[..] {
        [] => Err(Problem::not_found()),
        [entity] => answer(&state, entity).await,
        _ => Err(Problem::new(StatusCode::CONFLICT, "ambiguous-id", "Several entities are called so")
            .detail("add system and type")
            .with("entities", found.iter().map(ToString::to_string).collect::<Vec<_>>())),
    }
}

/// `GET /api/v1/correlation/entities/{id}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(id): Path<EntityId>) -> ApiResult {
    caller.require(READERS)?;
    answer(&state, id).await
}

async fn answer(state: &State, id: EntityId) -> ApiResult {
    let entity = entities::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(to_json(&entity)).into_response())
}

/// An entity as it travels.
pub fn to_json(entity: &Entity) -> Value {
    let ids = entity.ids.iter().map(|link| {
        json!({
            "system": link.external.system(),
            "type": link.external.kind(),
            "id": link.external.id(),
            "linked_at": link.linked_at.to_string(),
            "linked_by": link.linked_by,
        })
    });
    let conflicts = entity.conflicts.iter().map(|conflict| {
        json!({
            "system": conflict.external.system(),
            "type": conflict.external.kind(),
            "id": conflict.external.id(),
            "bound_to": conflict.bound_to,
            "found_at": conflict.found_at.to_string(),
        })
    });
    json!({
        "id": entity.id,
        "created_at": entity.created_at.to_string(),
        "ids": ids.collect::<Vec<_>>(),
        "events": entity.events,
        "intact": entity.intact,
        "conflicts": conflicts.collect::<Vec<_>>(),
    })
}

/// An entity in an answer of another status.
pub fn response(status: StatusCode, entity: &Entity) -> Response {
    (status, axum::Json(to_json(entity))).into_response()
}
