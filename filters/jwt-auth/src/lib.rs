//! The second filter of the chain: who is calling, and may they use this route.
//!
//! ```text
//! on_tick     keys: Empty -> Fresh -> Stale -> Expired     the issuer's keys, fetched in the background
//! on_request  strip x-auth-*  ->  policy of the route  ->  token  ->  x-auth-subject, -roles, -client
//!                                 |                        |
//!                                 public, preflight: pass  400, 401, 403, 503 as problem+json
//! ```
//!
//! What holds:
//! - No request ever waits for the issuer: a request is decided with the keys at hand. WasmX resumes a
//!   request that waits for a call by itself, which would let it pass unchecked.
//! - A route without a policy is closed.
//! - `x-auth-*` from outside is removed from every request, also on public routes.
//! - 401 means the token is at fault. While our keys may be, the answer is 503 with `Retry-After`.
//! - A token that was verified once is not verified again while the keys stay the same; whether it has
//!   expired and what it may do is decided each time.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod cache;
pub mod config;
pub mod decide;
pub mod identity;
pub mod keys;
pub mod refusal;

#[cfg(target_arch = "wasm32")]
mod glue;
#[cfg(target_arch = "wasm32")]
mod metrics;
#[cfg(target_arch = "wasm32")]
mod request;
#[cfg(target_arch = "wasm32")]
mod tick;
