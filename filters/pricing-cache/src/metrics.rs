//! What the filter counts. Names are fixed and say nothing about requests.

use jobzy_host::metrics::{Counter, Gauge};

use crate::decide::Decision;

/// The filter's metrics in one worker; the gateway adds the counters of the workers up.
#[derive(Clone, Copy)]
pub(crate) struct Metrics {
    hits: Counter,
    misses: Counter,
    bypasses: Counter,
    /// Answers of the sidecar that were stored.
    pub(crate) stored: Counter,
    /// Answers that were not what the rate book gives.
    pub(crate) contradictions: Counter,
    /// Questions for the rate book that were answered.
    pub(crate) polled: Counter,
    /// Questions that were not.
    pub(crate) poll_failed: Counter,
    /// The version of the last rate book.
    pub(crate) version: Gauge,
}

impl Metrics {
    pub(crate) fn define() -> Self {
        Self {
            hits: Counter::define("jobzy_pricing_cache_hits_total"),
            misses: Counter::define("jobzy_pricing_cache_misses_total"),
            bypasses: Counter::define("jobzy_pricing_cache_bypasses_total"),
            stored: Counter::define("jobzy_pricing_cache_stored_total"),
            contradictions: Counter::define("jobzy_pricing_cache_contradictions_total"),
            polled: Counter::define("jobzy_pricing_cache_rate_book_polled_total"),
            poll_failed: Counter::define("jobzy_pricing_cache_rate_book_poll_failed_total"),
            version: Gauge::define("jobzy_pricing_cache_rate_book_version"),
        }
    }

    pub(crate) fn count(&self, decision: &Decision) {
        match decision {
            Decision::Bypass => self.bypasses,
            Decision::Hit { .. } => self.hits,
            Decision::Miss(_) => self.misses,
        }
        .increment();
    }
}
