//! The first filter of the chain: gives every request a name and a place in a trace.
//!
//! - `x-correlation-id`: a valid one that came as exactly one line is kept, anything else is replaced
//!   by a new UUIDv7; it goes to the sidecar and back on every response, whoever made the response.
//! - `traceparent`: a valid one that came as exactly one line is continued with a span of ours,
//!   anything else starts a new trace, and then `tracestate` goes too (W3C Trace Context, 3.3).
//!
//! The filters behind this one read the id from the request header, so it must stand before them.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod config;
pub mod decide;
pub mod entropy;
#[cfg(target_arch = "wasm32")]
mod glue;
