//! The payment service as a whole: its real router on a real port, two workers over one database, and a Stripe of the
//! tests' own that fails on demand. Every test runs on SQLite and on MariaDB.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "test support: whatever fails here has to fail the test"
)]

mod access;
mod booking;
mod invoices;
mod sandbox;
mod stripe;
mod unclear;
mod webhooks;
mod world;
