//! Quotes by their id, bounded; the oldest makes room.
//!
//! The least recently used one would be the better choice, and costs a write on every hit. A quote that
//! was evicted too early costs one request to the sidecar.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

/// The bytes of quotes that were answered before.
#[derive(Debug)]
pub struct QuoteCache {
    max_entries: usize,
    bodies: HashMap<Rc<str>, Rc<[u8]>>,
    by_age: VecDeque<Rc<str>>,
}

impl QuoteCache {
    /// An empty cache for at most this many quotes.
    #[must_use]
    pub fn new(max_entries: usize) -> Self {
        Self { max_entries, bodies: HashMap::new(), by_age: VecDeque::new() }
    }

    /// The bytes of a quote.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Rc<[u8]>> {
        self.bodies.get(id).cloned()
    }

    /// Stores a quote. One that is there stays: the same id means the same bytes.
    pub fn put(&mut self, id: &str, body: Rc<[u8]>) {
        if self.max_entries == 0 || self.bodies.contains_key(id) {
            return;
        }
        while self.bodies.len() >= self.max_entries {
            let Some(oldest) = self.by_age.pop_front() else { break };
            self.bodies.remove(&oldest);
        }
        let id: Rc<str> = id.into();
        self.by_age.push_back(Rc::clone(&id));
        self.bodies.insert(id, body);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bodies.clear();
        self.by_age.clear();
    }

    /// How many quotes are stored.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::QuoteCache;

    #[test]
    fn the_oldest_makes_room_and_the_bound_holds() {
        let mut cache = QuoteCache::new(3);
        for id in ["a", "b", "a", "c", "d"] {
            cache.put(id, id.as_bytes().into());
        }
        assert_eq!(cache.len(), 3);
        assert_eq!(cache.get("a"), None);
        assert_eq!(cache.get("d").as_deref(), Some(&b"d"[..]));
        for n in 0..1000 {
            cache.put(&n.to_string(), b"x"[..].into());
            assert_eq!((cache.len(), cache.by_age.len()), (3, 3));
        }
        cache.clear();
        assert!(cache.is_empty() && cache.by_age.is_empty());
    }
}
