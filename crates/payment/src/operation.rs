//! Operations: the calls we make, each stored with its idempotency key before it is sent.
//!
//! ```text
//! init ──▶ pending ──▶ success | failed      definite
//!             │   └──▶ errored               surely not executed: sent again with the same key
//!             └──────▶ unknown               no clear answer: settled by asking, never by a new key
//! ```
//!
//! A pending operation whose sender died is unknown.

use serde::{Deserialize, Serialize};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Create and confirm an intent that holds the money.
    Authorise,
    /// Take what is held.
    Capture,
    /// Cancel an intent.
    Void,
    /// Give back what was taken.
    Refund,
    /// Read what Stripe charged us for a charge, and book it.
    Fee,
    /// Finalise the invoice: number, PDF. Calls nobody.
    Invoice,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Authorise, Self::Capture, Self::Void, Self::Refund, Self::Fee, Self::Invoice];

    /// The word used in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Fee => "fee",
            Self::Invoice => "invoice",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Stored, not sent.
    Init,
    /// Being sent by someone.
    Pending,
    /// Done.
    Success,
    /// Refused for good.
    Failed,
    /// Surely not executed; will be sent again.
    Errored,
    /// Perhaps executed; will be asked for.
    Unknown,
}

impl OperationState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Init, Self::Pending, Self::Success, Self::Failed, Self::Errored, Self::Unknown];

    /// The word used in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Nothing more will happen to it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

/// Seconds until an unknown operation is asked for, by the number of tries made: 10 s, 1 min, 5 min,
/// 30 min, 2 h, 12 h, then once a day, by which time a person has been told.
#[must_use]
pub const fn ask_again_s(tries: i64) -> i64 {
    match tries {
        i64::MIN..=1 => 10,
        2 => 60,
        3 => 300,
        4 => 1_800,
        5 => 7_200,
        6 => 43_200,
        _ => 86_400,
    }
}

/// Seconds until an operation that was surely not executed is sent again, by the number of tries made.
#[must_use]
pub const fn send_again_s(tries: i64) -> i64 {
    match tries {
        i64::MIN..=1 => 1,
        2 => 3,
        3 => 10,
        4 => 30,
        5..=20 => 60,
        _ => 300,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, OperationState, ask_again_s, send_again_s};

    #[test]
    fn words_survive_the_database() {
        assert!(Kind::ALL.into_iter().all(|kind| Kind::parse(kind.as_str()) == Some(kind)));
        assert!(
            OperationState::ALL.into_iter().all(|state| OperationState::parse(state.as_str()) == Some(state))
        );
        assert_eq!(Kind::parse("charge"), None);
    }

    #[test]
    fn waits_grow_to_a_day_and_no_further() {
        let waits: Vec<_> = (0..9).map(ask_again_s).collect();
        assert_eq!(waits, [10, 10, 60, 300, 1_800, 7_200, 43_200, 86_400, 86_400]);
        assert!((0..30).all(|tries| (1..=300).contains(&send_again_s(tries))
            && send_again_s(tries) <= send_again_s(tries + 1)));
    }
}
