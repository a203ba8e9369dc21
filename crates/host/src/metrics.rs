//! Counters and gauges of the gateway's own metrics page.
//!
//! Define them once, in `on_configure`: WasmX traps on an unknown id or a wrong type, so the types here
//! make either impossible. Names are fixed strings under 200 characters without labels from input.

use proxy_wasm::hostcalls;
use proxy_wasm::types::MetricType;

/// A number that only grows.
#[derive(Debug, Clone, Copy)]
pub struct Counter(Option<u32>);

impl Counter {
    /// Defines the counter; the same name is the same counter.
    #[must_use]
    pub fn define(name: &'static str) -> Self {
        Self(hostcalls::define_metric(MetricType::Counter, name).ok())
    }

    /// Counts one.
    pub fn increment(self) {
        if let Some(id) = self.0 {
            // A lost count must not cost a request.
            let _ = hostcalls::increment_metric(id, 1);
        }
    }
}

/// A number that goes up and down.
#[derive(Debug, Clone, Copy)]
pub struct Gauge(Option<u32>);

impl Gauge {
    /// Defines the gauge; the same name is the same gauge.
    #[must_use]
    pub fn define(name: &'static str) -> Self {
        Self(hostcalls::define_metric(MetricType::Gauge, name).ok())
    }

    /// Sets the value.
    pub fn set(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = hostcalls::record_metric(id, value);
        }
    }
}
