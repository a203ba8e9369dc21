//! The decision about one quote request, from nothing but what is passed in.

use std::rc::Rc;

use jiff::Timestamp;
use jobzy_pricing::{RateBook, RawRequest, canonicalise, price, quote_id};

use crate::book::Follower;
use crate::cache::QuoteCache;
use crate::config::Config;
use crate::verify::{Pending, Verdict};

/// A longer body is no quote request; the sidecar says so.
pub const MAX_BODY: usize = 16 * 1024;

/// A quote request in the form it came.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// GET: the path behind the question mark.
    Query(&'a [u8]),
    /// POST: the whole body, of type `application/json`.
    Json(&'a [u8]),
}

/// What happens to a quote request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The sidecar answers, whatever it is.
    Bypass,
    /// Answered here.
    Hit {
        /// The rate book's version.
        version: u32,
        /// The quote.
        body: Rc<[u8]>,
    },
    /// The sidecar answers, and this is what it should say.
    Miss(Pending),
}

/// Everything one worker needs to decide.
#[derive(Debug)]
pub struct Edge {
    /// The rate book in force.
    pub book: Follower,
    cache: QuoteCache,
}

impl Edge {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { book: Follower::new(config.timing), cache: QuoteCache::new(config.max_entries) }
    }

    /// Decides one request.
    #[must_use]
    pub fn decide(&self, asked: Asked<'_>, now_ms: u64) -> Decision {
        self.book.known(now_ms).and_then(|book| self.priced(book, asked, now_ms)).unwrap_or(Decision::Bypass)
    }

    /// `None`: it has no price, or not one that is found here.
    fn priced(&self, book: &RateBook, asked: Asked<'_>, now_ms: u64) -> Option<Decision> {
        let raw = match asked {
            Asked::Query(query) => RawRequest::from_query(std::str::from_utf8(query).ok()?),
            Asked::Json(body) if body.len() > MAX_BODY => return None,
            Asked::Json(body) => RawRequest::from_json(body),
        };
        let now = Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?;
        let canonical = canonicalise(book, &raw.ok()?, now).ok()?;
        let version = book.version();
        let id = quote_id(version, &canonical).ok()?;
        if let Some(body) = self.cache.get(&id) {
            return Some(Decision::Hit { version, body });
        }
        let expected = price(book, &canonical).ok()?.to_json_bytes().ok()?;
        Some(Decision::Miss(Pending::new(id, version, expected.into())))
    }

    /// The sidecar's answer was compared. Whether the quote is now stored.
    pub fn compared(&mut self, pending: &Pending, verdict: Verdict) -> bool {
        match verdict {
            // The version may have changed while the answer was on its way.
            Verdict::Same if self.book.version() == Some(pending.version) => {
                self.cache.put(&pending.id, Rc::clone(&pending.expected));
                true
            }
            Verdict::Contradiction if self.book.version() == Some(pending.version) => {
                self.book.forget();
                self.cache.clear();
                false
            }
            _ => false,
        }
    }

    /// The rate book arrived. Whether another one than before is in force.
    pub fn book_arrived(&mut self, book: RateBook) -> bool {
        let is_other = self.book.answered(book);
        if is_other {
            self.cache.clear();
        }
        is_other
    }

    /// How many quotes are stored.
    #[must_use]
    pub fn stored(&self) -> usize {
        self.cache.len()
    }
}

/// The query of a quote request: `None` when the path is another one, empty when it has none.
#[must_use]
pub fn query_of<'a>(path: &'a [u8], quote_path: &str) -> Option<&'a [u8]> {
    match path.strip_prefix(quote_path.as_bytes())? {
        [] => Some(b""),
        [b'?', query @ ..] => Some(query),
        _ => None,
    }
}

/// Whether a POST with these content types and encodings is read as JSON, as the sidecar would.
#[must_use]
pub fn is_json(content_type: Option<&[u8]>, is_encoded: bool) -> bool {
    let essence = content_type.and_then(|value| value.split(|byte| *byte == b';').next());
    !is_encoded && essence.is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}
