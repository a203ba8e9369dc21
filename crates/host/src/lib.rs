//! The one door to the proxy-wasm host: what two gateways answer differently is made one here.
//!
//! Filters run in Envoy and in Kong's WasmX. The ABI is the same and the behaviour is not: WasmX fails
//! `set_shared_data` without the current version where Envoy overwrites, compares keys only by CRC32,
//! keeps the client's spelling of header names, lists at most 100 headers, and answers several calls
//! with a trap. Each module names the differences it hides. No filter calls `proxy_wasm::hostcalls`
//! itself; the SDK's traits it implements, because they are its entry points.
//!
//! | module | |
//! |---|---|
//! | [`config`] | a filter's configuration, with the path of a fault |
//! | [`headers`] | header lists: lower-cased, counted, bytes only |
//! | [`upstream`] | where a background call goes, validated once |
//! | [`problem`] | RFC 9457 answers with the correlation id |
//! | [`envelope`] | what keeps a value from shared data honest |
//! | `body`, `call`, `clock`, `local`, `log`, `metrics`, `property`, `random`, `shared` | hostcalls, in wasm32 only |
//! | `module` | reads a compiled module's imports and exports, outside wasm32 only |
//!
//! The pure parts build everywhere, so that they are tested where tests run.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod config;
pub mod envelope;
pub mod headers;
pub mod problem;
pub mod upstream;

#[cfg(target_arch = "wasm32")]
pub mod body;
#[cfg(target_arch = "wasm32")]
pub mod call;
#[cfg(target_arch = "wasm32")]
pub mod clock;
#[cfg(target_arch = "wasm32")]
pub mod local;
#[cfg(target_arch = "wasm32")]
pub mod log;
#[cfg(target_arch = "wasm32")]
pub mod metrics;
#[cfg(target_arch = "wasm32")]
pub mod property;
#[cfg(target_arch = "wasm32")]
pub mod random;
#[cfg(target_arch = "wasm32")]
pub mod shared;

#[cfg(not(target_arch = "wasm32"))]
pub mod module;
