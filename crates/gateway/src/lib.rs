//! One route table in, the configuration of both gateways out.
//!
//! ```text
//! deploy/routes/routes.toml  --table::RouteTable::parse--+
//!                                                        +--> envoy::{bootstrap, routes}
//! deploy/routes/local.toml   --Deployment::parse---------+--> kong::{declarative, conf}
//!   (or a Deployment with the free ports of a test)
//! ```
//!
//! The table says what exists and who may use it; a [`Deployment`] says where things are. Both are data,
//! and rendering is a pure function of them: what is committed below `envoy-config/` and `kong/` can be
//! compared with what would be rendered now, and a test does.
//!
//! # Order
//!
//! Identity headers are stripped before anything reads them; the correlation id is made before anybody can
//! answer; a preflight is answered without a token; a flood is shed before a signature is checked; a body is
//! gathered only for a caller who may use the route; and the price cache stands last, so that a hit has
//! passed everything else.
//!
//! ```text
//! Envoy  strip -> correlation id -> cors -> rate limit -> jwt auth -> body limit -> price cache -> router
//! Kong   (cors, size, rate limit, strip) -> correlation id -> jwt auth -> price cache -> balancer
//! ```

#[macro_use]
mod yaml;

pub mod deployment;
pub mod envoy;
pub mod files;
pub mod filters;
pub mod kong;
pub mod table;

pub use deployment::{Deployment, DeploymentError};
pub use table::{RouteTable, TableError};

/// Headers that only the gateway and its services may set: stripped from every request before anything
/// reads them. `x-auth-` is stripped as a prefix beside these.
pub const INTERNAL_HEADERS: [&str; 6] = [
    "x-rate-book-version",
    // Rewritten paths and hosts that some framework behind might believe.
    "x-forwarded-host",
    "x-original-url",
    "x-rewrite-url",
    "forwarded",
    // Linkerd's routing override.
    "l5d-dst-override",
];

/// Identity headers that jwt-auth sets after success.
pub const IDENTITY_HEADERS: [&str; 3] = ["x-auth-subject", "x-auth-roles", "x-auth-client"];

/// Headers that a page of a permitted origin may send, beside the simple ones.
pub(crate) const CORS_REQUEST_HEADERS: [&str; 7] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "x-correlation-id",
    "traceparent",
    "tracestate",
];

/// Headers that such a page may read, beside the simple ones.
pub(crate) const CORS_RESPONSE_HEADERS: [&str; 7] = [
    "x-correlation-id",
    "cache-status",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "www-authenticate",
];

/// What a rendered file begins with.
pub(crate) const WRITTEN_BY: &str =
    "# Written by `jobzy-gateway render` from deploy/routes/. Change it there; a test compares.\n";
