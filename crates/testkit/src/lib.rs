//! What tests need of the world outside: databases, processes, ports, an HTTP client, an issuer, an OpenAPI check.
//!
//! Dev-dependency only. Everything is private to the test process, listens on loopback, and ends with it, also when it
//! is killed. What is missing on the machine fails the test and says how to install it; nothing is skipped.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "test support: whatever fails here has to fail the test"
)]

pub mod envoy;
pub mod http;
#[cfg(feature = "issuer")]
pub mod issuer;
pub mod mariadb;
pub mod openapi;
pub mod ports;
pub mod process;
pub mod proxy;
#[cfg(feature = "issuer")]
pub mod sidecar;
pub mod sqlite;

mod databases;
mod place;

pub use databases::both_databases;
