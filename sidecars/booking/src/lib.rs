//! The booking service: jobs from draft to completed, providers and their time, and who is offered what.
//!
//! | method | path | roles | what |
//! |---|---|---|---|
//! | POST | `/api/v1/jobs` | customer | a draft at a quote |
//! | GET | `/api/v1/jobs` | customer, provider, operator | one's own jobs, newest first |
//! | GET | `/api/v1/jobs/{id}` | those who take part, operator | one job |
//! | GET | `/api/v1/jobs/{id}/history` | those who take part, operator | every transition, with actor, time and reason |
//! | GET | `/api/v1/jobs/{id}/candidates` | its customer, operator | who could do it, ranked and explained |
//! | POST | `/api/v1/jobs/{id}/submit` | customer, operator | wants it: it is offered, its time is held |
//! | POST | `/api/v1/jobs/{id}/accept`, `reject`, `check-in`, `finish` | provider, operator | the provider's steps |
//! | POST | `/api/v1/jobs/{id}/approve`, `rating` | customer, operator | the customer's last steps |
//! | POST | `/api/v1/jobs/{id}/cancel` | those who take part, operator | calls it off |
//! | GET, PUT | `/api/v1/providers/me` | provider | one's own profile and calendar |
//! | GET | `/api/v1/providers/{id}`, `/slots` | customer, provider, operator | a provider, and free starts on a day |
//! | POST | `/internal/events` | service | what became of the payment |
//! | GET | `/openapi.json` | - | the description of all this |
//!
//! ```text
//! routes ──▶ workflow ──▶ crates/booking (what may happen)
//!               │
//!               └──▶ store: job, history, cells, outbox: one transaction
//! ```

pub mod config;
mod matching;
mod model;
mod prices;
mod routes;
mod store;
mod workflow;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use jobzy_events::Pump;
use jobzy_service::auth::Authenticator;
use jobzy_service::clock::Clock;
use jobzy_store::{Db, Migration};

pub use config::Config;
pub use prices::PriceDesk;

/// What the routes work with.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub db: Db,
    /// Who is calling.
    pub auth: Authenticator,
    /// The time and randomness.
    pub clock: Clock,
    /// Where quotes are redeemed.
    pub prices: PriceDesk,
    /// Sends what was told.
    pub pump: Pump,
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
    let own = Migration { version: 100, name: "jobs", sql: include_str!("../migrations/100_jobs.sql") };
    jobzy_store::MIGRATIONS.iter().copied().chain([own]).collect()
}

/// The routes, as listed above.
pub fn app(state: State) -> Router {
    use routes::{actions, events, jobs, providers};
    Router::new()
        .route("/api/v1/jobs", get(jobs::list).post(jobs::create))
        .route("/api/v1/jobs/{id}", get(jobs::show))
        .route("/api/v1/jobs/{id}/history", get(jobs::history))
        .route("/api/v1/jobs/{id}/candidates", get(jobs::candidates))
        .route("/api/v1/jobs/{id}/submit", post(actions::submit))
        .route("/api/v1/jobs/{id}/accept", post(actions::accept))
        .route("/api/v1/jobs/{id}/reject", post(actions::reject))
        .route("/api/v1/jobs/{id}/check-in", post(actions::check_in))
        .route("/api/v1/jobs/{id}/finish", post(actions::finish))
        .route("/api/v1/jobs/{id}/approve", post(actions::approve))
        .route("/api/v1/jobs/{id}/cancel", post(actions::cancel))
        .route("/api/v1/jobs/{id}/rating", post(actions::rate))
        .route("/api/v1/providers/me", get(providers::mine).put(providers::put))
        .route("/api/v1/providers/{id}", get(providers::show))
        .route("/api/v1/providers/{id}/slots", get(providers::slots))
        .route("/internal/events", post(events::receive))
        .route("/openapi.json", get(routes::openapi))
        .with_state(state)
}
