//! From requests to rate books and back.

pub mod quotes;
pub mod rate_books;
pub mod redemptions;
pub mod services;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jobzy_pricing::Refusal;
use jobzy_service::problem::Problem;

use crate::store::rate_books::LoadError;

/// The description of the API.
pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], crate::OPENAPI).into_response()
}

/// What a rate book that cannot be loaded is to the caller.
fn failed(error: impl Into<LoadError>) -> Problem {
    match error.into() {
        LoadError::Db(error) => jobzy_command::database(&error),
        error => Problem::internal(&error),
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        failed(error)
    }
}

/// A request that has no price is the caller's to change.
fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::Form => StatusCode::BAD_REQUEST,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, refusal.code(), "This cannot be priced").detail(refusal.to_string())
}
