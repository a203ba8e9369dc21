//! The payment service: holds, takes and gives back the money of jobs through Stripe, keeps the books, and issues
//! the invoices.
//!
//! | method | path | roles | what |
//! |---|---|---|---|
//! | POST | `/internal/events` | service | what became of a job: hold, take or let go of its money |
//! | POST | `/webhooks/stripe` | signed by Stripe | what became of a payment intent or a refund |
//! | GET | `/api/v1/payments` | customer, finance, operator, service | payments, of a job or newest first |
//! | GET | `/api/v1/payments/{id}` | its customer, finance, operator, service | one payment |
//! | POST | `/api/v1/payments/{id}/refunds` | finance, operator | gives a part or all back |
//! | GET | `/api/v1/payments/{id}/ledger` | finance, operator | its bookings, debit and credit |
//! | GET | `/api/v1/invoices` | customer, provider, finance, operator | invoices, of a job or newest first |
//! | GET | `/api/v1/invoices/{id}` | its customer and provider, finance, operator | one invoice |
//! | GET | `/api/v1/invoices/{id}/pdf` | the same | the invoice as a page to print |
//! | GET | `/openapi.json` | - | the description of all this |
//!
//! ```text
//! booking's event ─┐                     ┌─▶ state, ledger, outbox  ─▶ Pump
//! refund request  ─┼─▶ step: payment ────┤   one transaction
//! Stripe's webhook ┤   locked, facts     └─▶ operations still to be sent
//! Stripe's answer ─┘   merged                       │
//!        ▲                                          ▼
//!        └────────────────── Worker: claims an operation, sends it or asks what became of it
//! ```
//!
//! An operation is committed before its call is sent and carries the call's idempotency key, so that the same key
//! is sent again however often a process dies. A call without a clear answer is settled by asking Stripe.

mod config;
mod files;
mod invoicing;
mod routes;
mod sale;
mod step;
mod store;
mod stripe;
mod worker;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use jobzy_service::auth::Authenticator;
use jobzy_service::clock::Clock;
use jobzy_store::{Db, Migration};

pub use config::Config;
pub use files::Files;
pub use stripe::Stripe;
pub use worker::{Pace, Worker};

/// What the routes work with.
#[derive(Clone)]
pub struct State {
    db: Db,
    auth: Authenticator,
    clock: Clock,
    worker: Worker,
    webhook_secrets: Arc<[String]>,
    files: Files,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        db: Db,
        auth: Authenticator,
        clock: Clock,
        worker: Worker,
        webhook_secrets: Vec<String>,
        files: Files,
    ) -> Self {
        Self { db, auth, clock, worker, webhook_secrets: webhook_secrets.into(), files }
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
        Migration { version: 100, name: "payments", sql: include_str!("../migrations/100_payments.sql") };
    jobzy_store::MIGRATIONS.iter().copied().chain([own]).collect()
}

/// The routes, as listed above.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/internal/events", post(routes::events::receive))
        .route("/webhooks/stripe", post(routes::webhooks::stripe))
        .route("/api/v1/payments", get(routes::payments::list))
        .route("/api/v1/payments/{id}", get(routes::payments::show))
        .route("/api/v1/payments/{id}/refunds", post(routes::refunds::create))
        .route("/api/v1/payments/{id}/ledger", get(routes::payments::ledger))
        .route("/api/v1/invoices", get(routes::invoices::list))
        .route("/api/v1/invoices/{id}", get(routes::invoices::show))
        .route("/api/v1/invoices/{id}/pdf", get(routes::invoices::pdf))
        .route("/openapi.json", get(routes::openapi))
        .with_state(state)
}
