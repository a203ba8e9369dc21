//! From requests to the workflow and back.

pub mod actions;
pub mod events;
pub mod jobs;
pub mod providers;
mod view;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jobzy_booking::job::Actor;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::OPERATOR;
use jobzy_service::problem::Problem;
use jobzy_store::DbError;

use crate::model::Job;

/// The description of the API.
pub async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], crate::OPENAPI).into_response()
}

/// What a database failure is to the caller.
fn failed(error: DbError) -> Problem {
    jobzy_command::database(&error)
}

/// As whom the caller sees the job; `None` for a stranger, to whom it does not exist.
fn part_in(job: &Job, caller: &Caller) -> Option<Actor> {
    if job.customer == caller.subject {
        return Some(Actor::Customer);
    }
    if job.assigned.as_ref().is_some_and(|assigned| assigned.subject == caller.subject) {
        return Some(Actor::Provider);
    }
    caller.has(OPERATOR).then_some(Actor::Operator)
}

/// 422 that names the member.
fn invalid(member: &str, reason: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request", "The request cannot be carried out")
        .detail(format!("{member}: {reason}"))
}

/// A text for people: trimmed, not empty, no control characters, at most `max` characters.
fn text(member: &str, text: &str, max: usize) -> Result<String, Problem> {
    let trimmed = text.trim();
    let length = trimmed.chars().count();
    if length == 0 || length > max {
        return Err(invalid(member, format!("must have 1 to {max} characters")));
    }
    if trimmed.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid(member, "must not contain control characters"));
    }
    Ok(trimmed.to_owned())
}
