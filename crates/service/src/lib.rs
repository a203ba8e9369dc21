//! What every sidecar shares: configuration, clock, hyper server, problem+json, identity, outbound HTTP, health, telemetry.
//!
//! A mechanism crate: it knows HTTP and the operating system and no business noun. A request flows
//! through [`serve`] (limits, malformed requests refused), [`app`] (correlation id, access log,
//! metrics, 404/405), the sidecar's own routes with the extractors of [`auth`], [`extract`],
//! [`json`] and [`idempotency`], and leaves as JSON or as a [`problem::Problem`].
//!
//! This is the only place that reads the clock, randomness and the environment ([`clock`],
//! [`config`]); the rules below it get them as arguments.

pub mod app;
pub mod auth;
pub mod client;
pub mod clock;
pub mod config;
pub mod context;
pub mod extract;
pub mod health;
pub mod idempotency;
pub mod json;
pub mod problem;
pub mod run;
pub mod serve;
pub mod shutdown;
pub mod telemetry;

/// The skeleton of a sidecar's `main.rs`, under the name it is called by: `jobzy_service::main::run`.
pub use run as main;
