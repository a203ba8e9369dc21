//! The correlation service: one entity for everything that several systems call by names of their own,
//! and the log of what happened to it.
//!
//! | method | path | roles | what |
//! |---|---|---|---|
//! | POST | `/internal/events` | service | takes in one event |
//! | GET | `/api/v1/correlation/lookup?id=` | operator, service | the entity that any system calls so |
//! | POST | `/api/v1/correlation/links` | operator, service | binds one more id to an entity |
//! | GET | `/api/v1/correlation/entities/{id}` | operator, service | an entity with all its ids |
//! | GET | `/api/v1/correlation/entities/{id}/events` | operator, service | its story, oldest first |
//! | GET | `/api/v1/correlation/events` | operator, service | the log, by correlation id, type or time |
//! | GET | `/openapi.json` | - | the description of all this |
//!
//! The log is append-only and chained by hashes within each entity. It is not the books: vouchers and
//! ledgers are kept by the payment service, for longer and under other rules.

pub mod config;
mod routes;
mod store;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use jobzy_service::auth::Authenticator;
use jobzy_service::clock::Clock;
use jobzy_store::{Db, Migration};

pub use config::Config;

/// What the routes work with.
#[derive(Clone, Debug)]
pub struct State {
    /// The database.
    pub db: Db,
    /// Who is calling.
    pub auth: Authenticator,
    /// The time and randomness.
    pub clock: Clock,
}

impl FromRef<State> for Authenticator {
    fn from_ref(state: &State) -> Self {
        state.auth.clone()
    }
}

/// The description of the API.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The schema: the mechanisms' tables, then this service's.
#[must_use]
pub fn migrations() -> Vec<Migration> {
    let own =
        Migration { version: 100, name: "entities", sql: include_str!("../migrations/100_entities.sql") };
    jobzy_store::MIGRATIONS.iter().copied().chain([own]).collect()
}

/// The routes, as listed above.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/internal/events", post(routes::events::receive))
        .route("/api/v1/correlation/lookup", get(routes::entities::lookup))
        .route("/api/v1/correlation/links", post(routes::links::create))
        .route("/api/v1/correlation/entities/{id}", get(routes::entities::show))
        .route("/api/v1/correlation/entities/{id}/events", get(routes::events::of_entity))
        .route("/api/v1/correlation/events", get(routes::events::list))
        .route("/openapi.json", get(routes::openapi))
        .with_state(state)
}
