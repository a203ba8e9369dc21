//! From requests to the store and back.

pub mod entities;
pub mod events;
pub mod links;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use jobzy_service::auth::roles::{OPERATOR, SERVICE};
use jobzy_service::problem::Problem;
use jobzy_store::DbError;

/// Who may read the story of everything.
const READERS: &[&str] = &[OPERATOR, SERVICE];

/// The description of the API.
pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], crate::OPENAPI).into_response()
}

/// What a database failure is to the caller.
pub fn failed(error: DbError) -> Problem {
    jobzy_command::database(&error)
}
