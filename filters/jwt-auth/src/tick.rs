//! Keeping the keys current, in the background of each worker.
//!
//! Every worker has its own copy in its own memory, and the workers pass newer sets to each other
//! through shared data, with a lease so that usually one of them asks the issuer. Losing shared data
//! costs a few requests to the issuer and nothing else. A worker without any keys does not wait for a
//! lease: until it has some, it answers 503.

use std::rc::Rc;
use std::time::Duration;

use jobzy_host::shared::Slot;
use jobzy_host::{call, clock, log};
use jobzy_token::{KeySet, jwks};

use crate::decide::Guard;
use crate::glue::Worker;
use crate::keys::{Due, Timing};

/// Looking whether something is to be done is cheap, and decides how long a new key is not known.
pub(crate) const PERIOD: Duration = Duration::from_millis(250);

const SET: &str = "jobzy_jwt_auth/keys";
const REFRESH_LEASE: &str = "jobzy_jwt_auth/lease/refresh";
const UNKNOWN_KID_LEASE: &str = "jobzy_jwt_auth/lease/unknown_kid";

impl Worker {
    pub(crate) fn refresh_keys(&mut self) {
        let now_ms = clock::now_ms();
        let config = Rc::clone(&self.config);
        let Ok(mut guard) = self.guard.try_borrow_mut() else { return };
        if config.share_keys && guard.keys.wants_newer(now_ms) {
            let slot = Slot::read(SET);
            if let Some((asked_ms, set)) =
                slot.value().and_then(|(asked, set)| Some((asked, KeySet::parse(set).ok()?)))
                && guard.keys.adopt(set, asked_ms, now_ms)
            {
                guard.keys_changed();
            }
        }
        let Some(due) = guard.keys.fetch_due(now_ms) else { return };
        if config.share_keys && !is_ours(due, now_ms, &config.timing) {
            return;
        }
        guard.keys.fetch_started(now_ms);
        let timeout = Duration::from_millis(config.timing.timeout_ms);
        match call::get(&config.jwks, &[("accept", "application/json")], timeout) {
            Ok(token) => self.fetch = Some(token),
            Err(call::NotDispatched) => {
                self.metrics.fetch_failed.increment();
                if guard.keys.fetch_not_started() {
                    log::warn(
                        "the key set cannot be fetched: the host does not know the configured upstream",
                    );
                }
            }
        }
    }

    pub(crate) fn keys_arrived(&mut self, token: u32, body_size: usize) {
        if self.fetch.take_if(|expected| *expected == token).is_none() {
            return;
        }
        let now_ms = clock::now_ms();
        let Ok(mut guard) = self.guard.try_borrow_mut() else { return };
        let answer = call::answer(body_size, jwks::MAX_BYTES);
        let parsed = match answer.status {
            Some(200) => KeySet::parse(&answer.body).map_err(|error| error.to_string()),
            Some(status) => Err(format!("status {status}")),
            None => Err("no answer".to_owned()),
        };
        match parsed {
            Ok(set) => {
                self.metrics.fetched.increment();
                self.metrics.keys.set(u64::try_from(set.len()).unwrap_or(u64::MAX));
                if guard.keys.fetched(set, now_ms) {
                    guard.keys_changed();
                    log::info("the issuer's keys changed");
                }
                if let (true, Some(asked_ms)) = (self.config.share_keys, guard.keys.asked_ms()) {
                    // Whoever was faster has a set as good as ours.
                    let _ = Slot::read(SET).replace(asked_ms, &answer.body);
                }
            }
            Err(reason) => self.fetch_failed(&mut guard, now_ms, &reason),
        }
    }

    fn fetch_failed(&self, guard: &mut Guard, now_ms: u64, reason: &str) {
        self.metrics.fetch_failed.increment();
        if guard.keys.fetch_failed(now_ms) {
            log::warn(&format!("the key set could not be fetched, trying again: {reason}"));
        }
    }
}

/// Whether this worker is the one to ask. The lease of a refresh lasts as long as the fetch may take, and
/// that of a fetch for an unknown key as long as no worker shall make another one.
fn is_ours(due: Due, now_ms: u64, timing: &Timing) -> bool {
    match due {
        Due::NoKeys => true,
        Due::Age => take_lease(REFRESH_LEASE, now_ms, timing.timeout_ms),
        Due::UnknownKid => take_lease(UNKNOWN_KID_LEASE, now_ms, timing.unknown_kid_ms),
    }
}

/// A lease that ends later than one taken now would is from a clock that was wrong and does not count.
fn take_lease(key: &'static str, now_ms: u64, length_ms: u64) -> bool {
    let slot = Slot::read(key);
    let until_ms = slot.value().map_or(0, |(until_ms, _)| until_ms);
    let own_until_ms = now_ms.saturating_add(length_ms);
    let held = until_ms > now_ms && until_ms <= own_until_ms;
    !held && slot.replace(own_until_ms, b"")
}
