//! Bytes for ids from sources none of which is good everywhere.
//!
//! WasmX's random numbers come from a generator that is seeded by process id and time, so two workers
//! may draw the same. Mixed with the time, the request's context and a counter the result is unique;
//! it is not secret, and nothing here needs a secret.

use std::hash::{DefaultHasher, Hash, Hasher};

/// What a request's ids are made of.
#[derive(Debug, Clone, Copy)]
pub struct Sources {
    /// Drawn from the host for this request.
    pub random: [u8; 16],
    /// The host's clock, nanoseconds since 1970.
    pub now_ns: u64,
    /// The host's number for this request.
    pub context_id: u32,
    /// How many ids this worker made before.
    pub counter: u64,
}

/// Bytes for one request: an id, a trace id and a span id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entropy {
    /// For the correlation id.
    pub id: [u8; 10],
    /// For a trace id.
    pub trace: [u8; 16],
    /// For a span id.
    pub span: [u8; 8],
}

impl Sources {
    /// Mixes all sources into each part.
    #[must_use]
    pub fn mix(&self) -> Entropy {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|lane| self.lane(lane));
        let mut id = [0; 10];
        for (to, from) in id.iter_mut().zip(a.iter().chain(&b)) {
            *to = *from;
        }
        let trace = u128::from(u64::from_be_bytes(c)) << 64 | u128::from(u64::from_be_bytes(d));
        Entropy { id, trace: trace.to_be_bytes(), span: e }
    }

    fn lane(&self, lane: u8) -> [u8; 8] {
        let mut hasher = DefaultHasher::new();
        (lane, self.random, self.now_ns, self.context_id, self.counter).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Sources;

    const NONE: Sources = Sources { random: [0; 16], now_ns: 0, context_id: 0, counter: 0 };

    #[test]
    fn each_source_alone_makes_a_difference_to_each_part() {
        let base = NONE.mix();
        let others = [
            Sources { random: [1; 16], ..NONE },
            Sources { now_ns: 1, ..NONE },
            Sources { context_id: 1, ..NONE },
            Sources { counter: 1, ..NONE },
        ];
        for other in others.map(|sources| sources.mix()) {
            assert_ne!(other.id, base.id);
            assert_ne!(other.trace, base.trace);
            assert_ne!(other.span, base.span);
        }
    }

    #[test]
    fn a_host_without_randomness_still_gives_unique_ids() {
        let ids: HashSet<_> = (0..100_000).map(|counter| Sources { counter, ..NONE }.mix().id).collect();
        assert_eq!(ids.len(), 100_000);
    }
}
