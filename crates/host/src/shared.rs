//! Data that the gateway's workers share.
//!
//! Anything stored may vanish at any moment (eviction, reload), so it is a shortcut and never the
//! truth. Use few fixed keys, never one that a client chooses. In Kong `nginx_wasm_shm_kv` must be set:
//! without it WasmX traps.

use proxy_wasm::hostcalls;

use crate::envelope;

/// What is stored under a key right now, and the right to replace it.
#[derive(Debug)]
pub struct Slot {
    key: &'static str,
    sealed: Option<Vec<u8>>,
    /// The host's compare-and-swap number; none while nothing is stored.
    cas: Option<u32>,
}

impl Slot {
    /// Looks at a key.
    #[must_use]
    pub fn read(key: &'static str) -> Self {
        let (sealed, cas) = hostcalls::get_shared_data(key).unwrap_or((None, None));
        Self { key, sealed, cas }
    }

    /// The version and value, when they are whole and were stored under this key.
    #[must_use]
    pub fn value(&self) -> Option<(u64, &[u8])> {
        envelope::open(self.key, self.sealed.as_deref()?)
    }

    /// Replaces what was read. `false` when somebody else was faster, or the value is too long; the
    /// gateways differ in what an unconditional write does, so there is none.
    #[must_use]
    pub fn replace(self, version: u64, value: &[u8]) -> bool {
        envelope::seal(self.key, version, value)
            .is_some_and(|sealed| hostcalls::set_shared_data(self.key, Some(&sealed), self.cas).is_ok())
    }
}
