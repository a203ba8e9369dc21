//! Idempotency keys: <https://docs.stripe.com/api/idempotent_requests>.
//!
//! What began to be executed is remembered, refusals and errors of ours included; what was refused before that
//! leaves no trace, and the key may be used again.

use std::collections::HashMap;

use http::StatusCode;

use super::error::ApiError;

/// Longest key.
const MAX_LENGTH: usize = 255;

/// An answer as it is given and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// JSON.
    pub body: String,
    /// `req_...`
    pub request_id: String,
}

/// Every key that was used.
#[derive(Debug, Default)]
pub struct Keys(HashMap<String, Used>);

#[derive(Debug)]
struct Used {
    fingerprint: [u8; 32],
    /// None while the first use is under way.
    answer: Option<Answer>,
}

impl Keys {
    /// Takes the key for a new call, or gives the answer of the first.
    ///
    /// # Errors
    /// When the key is malformed, was used for something else, or its first use is under way.
    pub fn begin(&mut self, key: &str, fingerprint: [u8; 32]) -> Result<Option<Answer>, ApiError> {
        if key.is_empty() || key.len() > MAX_LENGTH {
            let message = format!("Idempotency keys have 1 to {MAX_LENGTH} characters.");
            return Err(ApiError::parameter(None, "Idempotency-Key", message));
        }
        match self.0.get(key) {
            None => {
                self.0.insert(key.to_owned(), Used { fingerprint, answer: None });
                Ok(None)
            }
            Some(used) if used.fingerprint != fingerprint => Err(ApiError::key_reused(key)),
            Some(Used { answer: None, .. }) => Err(ApiError::key_in_use(key)),
            Some(Used { answer, .. }) => Ok(answer.clone()),
        }
    }

    /// Remembers the answer of a call that was executed.
    pub fn keep(&mut self, key: &str, answer: &Answer) {
        if let Some(used) = self.0.get_mut(key) {
            used.answer = Some(answer.clone());
        }
    }

    /// Forgets a call that was refused before it was executed.
    pub fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }
}
