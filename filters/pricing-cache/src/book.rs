//! Which rate book is in force, as far as this worker knows.
//!
//! The sidecar's answer is right as of the moment it was asked for. After `unknown_after_ms` without a
//! newer answer nobody here knows what is in force: a price that may be old is worse than a slow one.

use std::rc::Rc;

use jobzy_pricing::RateBook;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A longer answer is no rate book.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A call that was not answered for this long will not be: its callback is lost.
const LOST_AFTER_MS: u64 = 120_000;

/// So many ticks in a row the host may refuse to put the question: just started, it does not know its upstreams yet.
const START_TICKS: u32 = 20;

/// When the rate book is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Milliseconds from one question to the next.
    pub refresh_ms: u64,
    /// Milliseconds after which an answer does not count any more.
    pub unknown_after_ms: u64,
}

/// The rate book in force and what is known of it.
#[derive(Debug)]
pub struct Follower {
    timing: Timing,
    book: Option<Rc<RateBook>>,
    /// When the question was put that was answered last.
    confirmed_ms: Option<u64>,
    asked_ms: Option<u64>,
    is_asking: bool,
    is_failing: bool,
    /// Questions in a row that the host did not put.
    unasked: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    version: u32,
    #[serde(borrow)]
    document: &'a RawValue,
}

/// Reads `{"version":N,"document":{..}}`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(body: &[u8]) -> Result<RateBook, String> {
    let wire: Wire<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    RateBook::parse(wire.version, wire.document.get().as_bytes()).map_err(|error| error.to_string())
}

impl Follower {
    /// Nothing is known yet.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            book: None,
            confirmed_ms: None,
            asked_ms: None,
            is_asking: false,
            is_failing: false,
            unasked: 0,
        }
    }

    /// The book in force, when that is known at `now_ms`.
    #[must_use]
    pub fn known(&self, now_ms: u64) -> Option<&Rc<RateBook>> {
        // A clock that jumped, in either direction, makes it unknown until the next answer.
        let age_ms = self.confirmed_ms?.abs_diff(now_ms);
        self.book.as_ref().filter(|_| age_ms <= self.timing.unknown_after_ms)
    }

    /// The version of the last book, whether it still counts or not.
    #[must_use]
    pub fn version(&self) -> Option<u32> {
        self.book.as_ref().map(|book| book.version())
    }

    /// Whether it is time to ask. One question at a time.
    #[must_use]
    pub fn is_due(&self, now_ms: u64) -> bool {
        let Some(asked_ms) = self.asked_ms else { return true };
        let wait_ms = if self.is_asking { LOST_AFTER_MS } else { self.timing.refresh_ms };
        asked_ms.abs_diff(now_ms) >= wait_ms
    }

    /// The question was put.
    pub const fn asked(&mut self, now_ms: u64) {
        self.asked_ms = Some(now_ms);
        self.is_asking = true;
    }

    /// The host did not put the question; the next tick tries again. Whether this has gone on for so long that
    /// something is wrong, told once.
    pub const fn not_asked(&mut self) -> bool {
        self.asked_ms = None;
        self.is_asking = false;
        self.unasked = self.unasked.saturating_add(1);
        self.unasked == START_TICKS
    }

    /// What `if-none-match` says in the question.
    #[must_use]
    pub fn etag(&self) -> Option<String> {
        self.version().map(|version| format!("\"{version}\""))
    }

    /// The answer: this book. Whether it is another one than before; its version may also be lower, after
    /// a restored backup.
    pub fn answered(&mut self, book: RateBook) -> bool {
        self.confirm();
        let same = |old: &Rc<RateBook>| old.version() == book.version() && old.document() == book.document();
        if self.book.as_ref().is_some_and(same) {
            return false;
        }
        self.book = Some(Rc::new(book));
        true
    }

    /// The answer: the version that was asked with is in force. `false` when there is none, because it was
    /// forgotten meanwhile.
    pub fn answered_unchanged(&mut self) -> bool {
        if self.book.is_none() {
            self.is_asking = false;
            return false;
        }
        self.confirm();
        true
    }

    /// No answer, or none that can be used. Whether this is the first after a good one.
    pub const fn failed(&mut self) -> bool {
        self.is_asking = false;
        !std::mem::replace(&mut self.is_failing, true)
    }

    /// The book is not what the sidecar prices with: ask for it again, whole.
    pub fn forget(&mut self) {
        self.book = None;
        self.confirmed_ms = None;
    }

    const fn confirm(&mut self) {
        self.confirmed_ms = self.asked_ms;
        self.is_asking = false;
        self.is_failing = false;
        self.unasked = 0;
    }
}
