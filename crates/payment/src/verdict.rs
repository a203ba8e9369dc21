//! What an answer of Stripe's says about the call that got it.

use serde::Deserialize;
use serde_json::Value;

/// The `error` member of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct StripeError {
    /// `card_error`, `invalid_request_error`, `idempotency_error`, `api_error`.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// `card_declined`, `payment_intent_unexpected_state` ...
    #[serde(default)]
    pub code: Option<String>,
    /// `insufficient_funds` ...
    #[serde(default)]
    pub decline_code: Option<String>,
    /// The intent as it is now, where the error is about one.
    #[serde(default)]
    pub payment_intent: Option<Value>,
}

impl StripeError {
    /// Reads the body of an answer; a body that is no error gives an empty one.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Envelope {
            error: StripeError,
        }
        serde_json::from_slice::<Envelope>(body).map(|envelope| envelope.error).unwrap_or_default()
    }

    /// The most telling code.
    #[must_use]
    pub fn reason(&self) -> &str {
        let codes = [&self.decline_code, &self.code, &self.kind];
        codes.into_iter().flatten().map(String::as_str).next().unwrap_or("no_code")
    }
}

/// What an answer means for the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Executed; the body is the object.
    Done,
    /// Executed and refused: a decline. The error carries the intent.
    Declined,
    /// Refused before execution for what was asked. Where the error carries the intent, the state may
    /// already be as wished.
    Invalid,
    /// Our key is wrong or lacks a right: not executed, to be sent again once it is repaired.
    Auth,
    /// Too many requests: not executed, to be sent again later.
    Rate,
    /// Another call with the same key, or on the same object, is under way: to be sent again later.
    Conflict,
    /// Perhaps executed.
    Unknown,
}

/// Judges an answer by its status and error.
///
/// An `idempotency_error` counts as unknown: the key was used before with other parameters, so that an
/// earlier version of this call may have been executed. So does every 5xx, which Stripe stores under the
/// key and repeats.
#[must_use]
pub fn judge(status: u16, error: &StripeError) -> Verdict {
    match (status, error.kind.as_deref()) {
        (200..=299, _) => Verdict::Done,
        (_, Some("idempotency_error")) => Verdict::Unknown,
        (402, _) | (400, Some("card_error")) => Verdict::Declined,
        (401 | 403, _) => Verdict::Auth,
        (409, _) => Verdict::Conflict,
        (429, _) => Verdict::Rate,
        // Timed out on the way: whoever was slow, the other end may have begun.
        (408 | 425, _) => Verdict::Unknown,
        (400..=499, _) => Verdict::Invalid,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{StripeError, Verdict, judge};

    #[track_caller]
    fn check(status: u16, body: &str, expected: Verdict) {
        assert_eq!(judge(status, &StripeError::parse(body.as_bytes())), expected, "{status} {body}");
    }

    #[test]
    fn answers_are_told_apart_by_whether_they_were_executed() {
        check(200, "{}", Verdict::Done);
        check(402, r#"{"error":{"type":"card_error","code":"card_declined"}}"#, Verdict::Declined);
        check(400, r#"{"error":{"type":"invalid_request_error"}}"#, Verdict::Invalid);
        check(404, r#"{"error":{"code":"resource_missing"}}"#, Verdict::Invalid);
        check(401, "", Verdict::Auth);
        check(408, "", Verdict::Unknown);
        check(425, "", Verdict::Unknown);
        check(409, "", Verdict::Conflict);
        check(429, r#"{"error":{"code":"rate_limit"}}"#, Verdict::Rate);
        check(400, r#"{"error":{"type":"idempotency_error"}}"#, Verdict::Unknown);
        check(500, "<html>", Verdict::Unknown);
        check(302, "", Verdict::Unknown);
    }

    #[test]
    fn the_decline_code_says_most() {
        let body =
            br#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds"}}"#;
        assert_eq!(StripeError::parse(body).reason(), "insufficient_funds");
        assert_eq!(StripeError::parse(b"[]").reason(), "no_code");
    }
}
