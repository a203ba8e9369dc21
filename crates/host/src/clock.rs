//! The host's clock. In WasmX it has milliseconds only.

use std::time::UNIX_EPOCH;

/// Nanoseconds since 1970; 0 when the host has no time, which makes every token expired or not yet
/// valid rather than valid.
#[must_use]
pub fn now_ns() -> u64 {
    proxy_wasm::hostcalls::get_current_time()
        .ok()
        .and_then(|now| now.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    now_ns() / 1_000_000
}
