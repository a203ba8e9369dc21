//! The pricing service: immutable rate books, and quotes as a pure function of them.
//!
//! | method | path | roles | what |
//! |---|---|---|---|
//! | GET, POST | `/api/v1/pricing/quotes` | - | the price of a service, line by line |
//! | GET | `/api/v1/pricing/services` | - | what is sold, with its prices |
//! | GET | `/api/v1/pricing/rate-book` | - | the book in force, for the cache in the gateway |
//! | GET | `/api/v1/pricing/rate-books` | pricing-admin | every version there was |
//! | POST | `/api/v1/pricing/rate-books` | pricing-admin | publishes the next version |
//! | GET | `/api/v1/pricing/rate-books/{version}` | pricing-admin | one version |
//! | POST | `/internal/pricing/redemptions` | service | whether a quote still holds |
//! | GET | `/openapi.json` | - | the description of all this |
//!
//! A quote is stored nowhere. Its id is a hash of the rate book version and of what was asked, so the
//! service that books a job sends both back, and the quote is computed again.

mod books;
pub mod config;
mod routes;
mod store;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use bytes::Bytes;
use jobzy_events::Pump;
use jobzy_service::auth::Authenticator;
use jobzy_service::clock::Clock;
use jobzy_store::{Db, Migration};
use moka::future::Cache;

pub use books::Books;
pub use config::Config;

/// Rendered quotes kept in memory; each is about a kilobyte.
const CACHED_QUOTES: u64 = 10_000;

/// What the routes work with.
#[derive(Clone)]
pub struct State {
    db: Db,
    auth: Authenticator,
    clock: Clock,
    books: Books,
    pump: Pump,
    /// Rendered quotes by id. The id contains the rate book version: nothing stale can be found here.
    quotes: Cache<String, Bytes>,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(db: Db, auth: Authenticator, clock: Clock, books: Books, pump: Pump) -> Self {
        Self { db, auth, clock, books, pump, quotes: Cache::new(CACHED_QUOTES) }
    }
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
        Migration { version: 100, name: "rate books", sql: include_str!("../migrations/100_rate_books.sql") };
    jobzy_store::MIGRATIONS.iter().copied().chain([own]).collect()
}

/// The routes, as listed above.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/api/v1/pricing/quotes", get(routes::quotes::by_query).post(routes::quotes::by_body))
        .route("/api/v1/pricing/services", get(routes::services::list))
        .route("/api/v1/pricing/rate-book", get(routes::rate_books::active))
        .route("/api/v1/pricing/rate-books", get(routes::rate_books::list).post(routes::rate_books::publish))
        .route("/api/v1/pricing/rate-books/{version}", get(routes::rate_books::show))
        .route("/internal/pricing/redemptions", post(routes::redemptions::redeem))
        .route("/openapi.json", get(routes::openapi))
        .with_state(state)
}
