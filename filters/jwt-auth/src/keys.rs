//! The issuer's keys over time, and when to ask for them again.
//!
//! | state | when | a known key | an unknown key |
//! |---|---|---|---|
//! | Empty | nothing fetched yet | 503 | 503 |
//! | Fresh | asked for within two refresh periods | verifies | 503 until a set asked for later lacks it too, then 401 |
//! | Stale | the issuer does not answer | verifies | as above, mostly 503 |
//! | Expired | stale for longer than permitted | 503 | 503 |
//!
//! An unknown key id means one of two things: the issuer rotated, or somebody made the id up. The first
//! must not cost a user the session, the second must not cost the issuer a request each. So an unknown
//! id asks for the keys again at once, but only one such fetch is made per `unknown_kid_ms` whatever the
//! number of ids and requests, and only a set that was asked for after the id was first seen can call
//! it wrong.

use std::collections::VecDeque;

use jobzy_token::KeySet;

/// Without keys nothing works, so they are asked for every second.
const COLD_RETRY_MS: u64 = 1000;
/// With keys a failing issuer is given more and more time.
const MAX_RETRY_MS: u64 = 30_000;
/// So many ticks in a row the host may refuse to start a fetch.
const START_TICKS: u32 = 20;
/// How many unknown ids are remembered. One that is forgotten gets a 503 again, nothing worse.
const MAX_UNKNOWN: usize = 64;

/// When keys are fetched; all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Age at which keys are asked for again.
    pub refresh_ms: u64,
    /// Least time between two fetches that unknown key ids cause.
    pub unknown_kid_ms: u64,
    /// Age at which keys are no longer used.
    pub max_stale_ms: u64,
    /// How long a fetch may take.
    pub timeout_ms: u64,
}

/// How good the keys are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// None yet.
    Empty,
    /// As good as they get.
    Fresh,
    /// The last refreshes failed; still used.
    Stale,
    /// Too old to be used.
    Expired,
}

/// Why the issuer should be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// There are no keys.
    NoKeys,
    /// The keys are a refresh period old, or of unknown age.
    Age,
    /// A token named a key that is not in the set.
    UnknownKid,
}

/// What to say about a key id that the set does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownKid {
    /// A set asked for after the id was first seen lacks it: the token is wrong.
    Wrong,
    /// The set may be older than the key: ask again later.
    PerhapsNew,
}

/// The keys in use, and what is known about getting better ones.
#[derive(Debug)]
pub struct Keys {
    timing: Timing,
    current: Option<Current>,
    /// When the running fetch was started.
    fetching_since_ms: Option<u64>,
    failures: u32,
    /// Fetches in a row that the host did not start.
    not_started: u32,
    /// No fetch before this time.
    not_before_ms: u64,
    /// The latest time an unknown id asked for a newer set.
    wanted_since_ms: Option<u64>,
    /// When the last fetch was started that only an unknown id had asked for.
    wanted_fetch_ms: Option<u64>,
    /// Unknown ids and when they were first seen, oldest first.
    unknown: VecDeque<(String, u64)>,
}

#[derive(Debug)]
struct Current {
    set: KeySet,
    /// When the set was asked for, which is no later than when the issuer wrote it.
    asked_ms: u64,
}

impl Keys {
    /// No keys yet.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            current: None,
            fetching_since_ms: None,
            failures: 0,
            not_started: 0,
            not_before_ms: 0,
            wanted_since_ms: None,
            wanted_fetch_ms: None,
            unknown: VecDeque::new(),
        }
    }

    /// How good the keys are.
    #[must_use]
    pub fn state(&self, now_ms: u64) -> State {
        match self.current.as_ref().map(|current| now_ms.saturating_sub(current.asked_ms)) {
            None => State::Empty,
            Some(age) if age >= self.timing.max_stale_ms => State::Expired,
            Some(age) if age >= self.timing.refresh_ms.saturating_mul(2) => State::Stale,
            Some(_) => State::Fresh,
        }
    }

    /// The keys, unless they are missing or too old.
    #[must_use]
    pub fn usable(&self, now_ms: u64) -> Option<&KeySet> {
        match self.state(now_ms) {
            State::Fresh | State::Stale => self.current.as_ref().map(|current| &current.set),
            State::Empty | State::Expired => None,
        }
    }

    /// When the current set was asked for.
    #[must_use]
    pub fn asked_ms(&self) -> Option<u64> {
        self.current.as_ref().map(|current| current.asked_ms)
    }

    /// Whether a newer set, wherever it comes from, would help.
    #[must_use]
    pub fn wants_newer(&self, now_ms: u64) -> bool {
        self.wanted_since_ms.is_some() || self.age(now_ms).is_none_or(|age| age >= self.timing.refresh_ms)
    }

    /// Whether the issuer should be asked now, and why.
    #[must_use]
    pub fn fetch_due(&self, now_ms: u64) -> Option<Due> {
        if self.is_fetching(now_ms) || now_ms < self.not_before_ms {
            return None;
        }
        if self.current.is_none() {
            return Some(Due::NoKeys);
        }
        if self.age(now_ms).is_none_or(|age| age >= self.timing.refresh_ms) {
            return Some(Due::Age);
        }
        let may_ask = self
            .wanted_fetch_ms
            .is_none_or(|last_ms| now_ms.saturating_sub(last_ms) >= self.timing.unknown_kid_ms);
        (self.wanted_since_ms.is_some() && may_ask).then_some(Due::UnknownKid)
    }

    /// Age of the keys; none without keys, and none when the clock went back behind them, since their
    /// age is not known then.
    fn age(&self, now_ms: u64) -> Option<u64> {
        now_ms.checked_sub(self.current.as_ref()?.asked_ms)
    }

    /// A fetch whose answer never comes (it should: as a timeout) is given up after twice its time.
    fn is_fetching(&self, now_ms: u64) -> bool {
        self.fetching_since_ms.is_some_and(|since| {
            now_ms >= since && now_ms.saturating_sub(since) < self.timing.timeout_ms.saturating_mul(2)
        })
    }

    /// A fetch was started.
    pub fn fetch_started(&mut self, now_ms: u64) {
        if self.fetch_due(now_ms) == Some(Due::UnknownKid) {
            self.wanted_fetch_ms = Some(now_ms);
        }
        self.fetching_since_ms = Some(now_ms);
    }

    /// The fetch brought nothing usable; the keys stay as they are. Says whether it is the first failure
    /// in a row: one line in the log is news, one every second is noise.
    pub fn fetch_failed(&mut self, now_ms: u64) -> bool {
        self.fetching_since_ms = None;
        self.failures = self.failures.saturating_add(1);
        let pause_ms = match self.current {
            None => COLD_RETRY_MS,
            Some(_) => COLD_RETRY_MS.saturating_mul(1 << self.failures.min(5)).min(MAX_RETRY_MS),
        };
        self.not_before_ms = now_ms.saturating_add(pause_ms);
        self.failures == 1
    }

    /// The host did not start the fetch; the next tick tries again. Just started, a host does not know its upstreams
    /// yet: says whether this has gone on for so long that something is wrong, once.
    pub const fn fetch_not_started(&mut self) -> bool {
        self.fetching_since_ms = None;
        self.not_started = self.not_started.saturating_add(1);
        self.not_started == START_TICKS
    }

    /// The fetch brought a set. Says whether its keys differ from those in use.
    pub fn fetched(&mut self, set: KeySet, now_ms: u64) -> bool {
        let asked_ms = self.fetching_since_ms.take().unwrap_or(now_ms);
        self.install(set, asked_ms)
    }

    /// Another worker's set, asked for at `asked_ms`. Only a newer one is taken, and none from the
    /// future. Says whether its keys differ from those in use.
    pub fn adopt(&mut self, set: KeySet, asked_ms: u64, now_ms: u64) -> bool {
        let newer = self.current.as_ref().is_none_or(|current| asked_ms > current.asked_ms);
        newer && asked_ms <= now_ms && self.install(set, asked_ms)
    }

    fn install(&mut self, set: KeySet, asked_ms: u64) -> bool {
        let differs =
            self.current.as_ref().is_none_or(|current| current.set.fingerprint() != set.fingerprint());
        if self.wanted_since_ms.is_some_and(|since| since < asked_ms) {
            self.wanted_since_ms = None;
        }
        self.failures = 0;
        self.not_started = 0;
        self.not_before_ms = 0;
        self.current = Some(Current { set, asked_ms });
        differs
    }

    /// Judges a key id that the current set lacks.
    pub fn judge_unknown(&mut self, kid: &str, now_ms: u64) -> UnknownKid {
        let asked_ms = self.asked_ms().unwrap_or(0);
        let just_asked = now_ms.saturating_sub(asked_ms) < self.timing.unknown_kid_ms;
        match self.unknown.iter_mut().find(|(known, _)| known == kid) {
            Some((_, seen_ms)) if *seen_ms < asked_ms && just_asked => return UnknownKid::Wrong,
            // It was wrong a while ago; the issuer may have begun to use it since.
            Some((_, seen_ms)) if *seen_ms < asked_ms => *seen_ms = now_ms,
            Some(_) => {}
            None => {
                if self.unknown.len() >= MAX_UNKNOWN {
                    self.unknown.pop_front();
                }
                self.unknown.push_back((kid.to_owned(), now_ms));
            }
        }
        self.wanted_since_ms = Some(now_ms);
        UnknownKid::PerhapsNew
    }
}
