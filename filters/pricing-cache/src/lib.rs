//! The third filter of the chain: quotes that were made before are answered at the edge.
//!
//! ```text
//! on_tick     book: unknown -> version N -> version N+1 -> unknown       the active rate book, polled
//! on_request  canonical request -> quote id -> stored?  hit: answered here
//!                  |                              |
//!                  no book, no price: bypass      miss: the sidecar answers
//! on_response the sidecar's bytes == the bytes that the book gives  ->  stored
//! ```
//!
//! What holds:
//! - A quote is a pure function of the rate book's version and the canonical request. Only bytes that the
//!   sidecar and this filter both came to are stored, under the quote's id, which holds the version.
//! - Another version clears everything. A version that was not confirmed for a while is unknown, and then
//!   every request goes to the sidecar.
//! - What has no price is refused by the sidecar, which knows how to say why.
//! - No request waits for the rate book.
//! - Every answer to a quote request says in `cache-status` (RFC 9211) what happened here.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod book;
pub mod cache;
pub mod config;
pub mod decide;
pub mod status;
pub mod verify;

#[cfg(target_arch = "wasm32")]
mod glue;
#[cfg(target_arch = "wasm32")]
mod metrics;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(target_arch = "wasm32")]
mod tick;
