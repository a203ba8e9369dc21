//! The host's random bytes: good for ids, never for keys.
//!
//! Envoy's are cryptographic; WasmX's come from `random()` seeded by process id and time, so a caller
//! mixes in the time, its context and a counter.

/// Random bytes; zeros should the host have none.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one source of randomness in a filter")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        return [0; N];
    }
    bytes
}
