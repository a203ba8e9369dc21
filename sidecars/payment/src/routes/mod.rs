//! From requests to the store and back.

pub mod events;
pub mod invoices;
pub mod payments;
pub mod refunds;
pub mod webhooks;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use jobzy_ids::JobId;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{FINANCE, OPERATOR, SERVICE};
use jobzy_service::problem::Problem;
use jobzy_store::DbError;
use serde::Deserialize;

/// Most payments or invoices of one answer.
const PAGE: u32 = 100;

/// The description of the API.
pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], crate::OPENAPI).into_response()
}

/// Whose payments or invoices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfJob {
    job_id: Option<JobId>,
}

/// Whether the caller may see everybody's.
fn sees_all(caller: &Caller) -> bool {
    [FINANCE, OPERATOR, SERVICE].iter().any(|role| caller.has(role))
}

/// What a database failure is to the caller.
fn failed(error: DbError) -> Problem {
    jobzy_command::database(&error)
}
