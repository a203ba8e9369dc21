//! Following the rate book, in the background of each worker.
//!
//! Every worker asks for itself: an unchanged book is a 304 without a body, and a lease among the workers
//! would make each of them wait for another one's next tick.

use std::time::Duration;

use jobzy_host::{call, clock, log};

use crate::book;
use crate::decide::Edge;
use crate::glue::Worker;

impl Worker {
    /// Ticks are finer than questions, so that a question is hardly late.
    pub(crate) fn tick_period(&self) -> Duration {
        Duration::from_millis((self.config.timing.refresh_ms / 8).clamp(25, 250))
    }

    pub(crate) fn ask_for_book(&mut self) {
        let now_ms = clock::now_ms();
        let Ok(mut edge) = self.edge.try_borrow_mut() else { return };
        if !edge.book.is_due(now_ms) {
            return;
        }
        edge.book.asked(now_ms);
        let etag = edge.book.etag();
        let mut headers = vec![("accept", "application/json")];
        headers.extend(etag.as_deref().map(|etag| ("if-none-match", etag)));
        // An answer that is later than the next question has nothing to say.
        let timeout = Duration::from_millis(self.config.timing.refresh_ms);
        match call::get(&self.config.rate_book, &headers, timeout) {
            Ok(token) => self.question = Some(token),
            Err(call::NotDispatched) => {
                self.metrics.poll_failed.increment();
                if edge.book.not_asked() {
                    log::warn("the rate book cannot be read: the host does not know the configured upstream");
                }
            }
        }
    }

    pub(crate) fn book_arrived(&mut self, token: u32, body_size: usize) {
        if self.question.take_if(|expected| *expected == token).is_none() {
            return;
        }
        let Ok(mut edge) = self.edge.try_borrow_mut() else { return };
        let answer = call::answer(body_size, book::MAX_BYTES);
        match answer.status {
            Some(304) if edge.book.answered_unchanged() => self.metrics.polled.increment(),
            Some(200) => match book::parse(&answer.body) {
                Ok(book) => {
                    self.metrics.polled.increment();
                    let version = book.version();
                    self.metrics.version.set(u64::from(version));
                    if edge.book_arrived(book) {
                        log::info(&format!("rate book {version} is in force"));
                    }
                }
                Err(reason) => self.failed(&mut edge, &reason),
            },
            Some(status) => self.failed(&mut edge, &format!("status {status}")),
            None => self.failed(&mut edge, "no answer"),
        }
    }

    fn failed(&self, edge: &mut Edge, reason: &str) {
        self.metrics.poll_failed.increment();
        if edge.book.failed() {
            log::warn(&format!("the rate book could not be read, trying again: {reason}"));
        }
    }
}
