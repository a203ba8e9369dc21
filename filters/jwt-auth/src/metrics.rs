//! What the filter counts. Names are fixed and say nothing about callers.

use jobzy_host::metrics::{Counter, Gauge};

use crate::decide::Decision;
use crate::refusal::Refusal;

/// The filter's metrics in one worker; the gateway adds the workers up.
#[derive(Clone, Copy)]
pub(crate) struct Metrics {
    passed: Counter,
    admitted: Counter,
    admitted_cached: Counter,
    refused_400: Counter,
    refused_401: Counter,
    refused_403: Counter,
    refused_431: Counter,
    refused_503: Counter,
    /// Key sets that arrived and were usable.
    pub(crate) fetched: Counter,
    /// Key sets that did not.
    pub(crate) fetch_failed: Counter,
    /// Usable keys in the last set.
    pub(crate) keys: Gauge,
}

impl Metrics {
    pub(crate) fn define() -> Self {
        Self {
            passed: Counter::define("jobzy_jwt_auth_passed_total"),
            admitted: Counter::define("jobzy_jwt_auth_admitted_total"),
            admitted_cached: Counter::define("jobzy_jwt_auth_admitted_cached_total"),
            refused_400: Counter::define("jobzy_jwt_auth_refused_400_total"),
            refused_401: Counter::define("jobzy_jwt_auth_refused_401_total"),
            refused_403: Counter::define("jobzy_jwt_auth_refused_403_total"),
            refused_431: Counter::define("jobzy_jwt_auth_refused_431_total"),
            refused_503: Counter::define("jobzy_jwt_auth_refused_503_total"),
            fetched: Counter::define("jobzy_jwt_auth_keys_fetched_total"),
            fetch_failed: Counter::define("jobzy_jwt_auth_keys_fetch_failed_total"),
            keys: Gauge::define("jobzy_jwt_auth_keys"),
        }
    }

    pub(crate) fn count(&self, decision: &Decision) {
        let counter = match decision {
            Decision::Pass => self.passed,
            Decision::Admit { cached: false, .. } => self.admitted,
            Decision::Admit { cached: true, .. } => self.admitted_cached,
            Decision::Refuse(refusal) => match refusal {
                Refusal::InvalidRequest => self.refused_400,
                Refusal::NoCredentials | Refusal::InvalidToken(_) => self.refused_401,
                Refusal::ClosedRoute | Refusal::Forbidden => self.refused_403,
                Refusal::TooManyHeaders => self.refused_431,
                Refusal::KeysUnavailable => self.refused_503,
            },
        };
        counter.increment();
    }
}
