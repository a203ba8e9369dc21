//! The state of a payment: the wish, the attempts, the refunds, and the status they amount to.

use std::collections::BTreeMap;

use jobzy_ids::{AttemptId, PaymentId};
use jobzy_money::Money;
use serde::{Deserialize, Serialize};

use crate::attempt::{Attempt, Phase};
use crate::fact::RefundStatus;

/// What booking wants of the money. It only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// The job is accepted: hold the money.
    Hold,
    /// The job is completed: take it.
    Capture,
    /// The job is cancelled: let go of it, or give it back.
    Release,
}

impl Wish {
    /// The word used in SQL and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
        }
    }

    /// The wish of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hold, Self::Capture, Self::Release].into_iter().find(|wish| wish.as_str() == word)
    }
}

/// Money given back, as Stripe knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Minor units.
    pub amount_minor: i64,
    /// How far it is.
    pub status: RefundStatus,
    /// Our operation that asked for it; absent where it was made at Stripe by hand.
    pub operation: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Ours.
    pub id: PaymentId,
    /// What the job costs.
    pub amount: Money,
    /// What booking wants.
    pub wish: Wish,
    /// In the order they were made; the last is the current one.
    pub attempts: Vec<Attempt>,
    /// By Stripe's id, `re_...`.
    pub refunds: BTreeMap<String, Refund>,
}

/// What a payment is called towards the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Asked for, nothing known.
    Created,
    /// The customer must authenticate.
    ActionNeeded,
    /// A slow method is under way.
    Processing,
    /// The money is held.
    Authorised,
    /// The money was taken.
    Captured,
    /// A part was given back.
    PartiallyRefunded,
    /// All was given back.
    Refunded,
    /// Let go of before it was taken.
    Voided,
    /// Declined, or given up.
    Failed,
}

impl Status {
    /// The word used in JSON, SQL and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ActionNeeded => "action_needed",
            Self::Processing => "processing",
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Voided => "voided",
            Self::Failed => "failed",
        }
    }
}

/// Attempts a payment may have: beyond it, card testing is likelier than a customer.
pub const MAX_ATTEMPTS: usize = 5;

/// Why there is no further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryRefusal {
    /// The last attempt may still succeed, has succeeded, or the money is not wanted any more.
    #[error("the payment has not failed")]
    NotFailed,
    /// It was tried [`MAX_ATTEMPTS`] times.
    #[error("the payment was tried too often")]
    TooMany,
}

/// Why a refund may not be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// Nothing was taken yet.
    #[error("nothing was captured")]
    NothingCaptured,
    /// Zero or less.
    #[error("a refund is more than nothing")]
    NotPositive,
    /// It would give back more than was taken.
    #[error("at most {left_minor} can be refunded")]
    TooMuch {
        /// What could still be given back, minor units.
        left_minor: i64,
    },
}

impl Payment {
    /// A payment whose first attempt has not begun.
    #[must_use]
    pub fn new(id: PaymentId, amount: Money, wish: Wish, first: AttemptId) -> Self {
        Self { id, amount, wish, attempts: vec![Attempt::new(first)], refunds: BTreeMap::new() }
    }

    /// The same payment with a further attempt, after the last one failed.
    ///
    /// # Errors
    /// When the payment has not failed, is no longer wanted, or was tried often enough.
    pub fn retry(mut self, attempt: AttemptId) -> Result<Self, RetryRefusal> {
        if self.status() != Status::Failed || self.wish != Wish::Hold {
            return Err(RetryRefusal::NotFailed);
        }
        if self.attempts.len() >= MAX_ATTEMPTS {
            return Err(RetryRefusal::TooMany);
        }
        self.attempts.push(Attempt::new(attempt));
        Ok(self)
    }

    /// The attempt that counts.
    #[must_use]
    pub fn current(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// What was held at most, over all attempts, in minor units.
    #[must_use]
    pub fn authorised_minor(&self) -> i64 {
        self.attempts.iter().fold(0, |sum, attempt| attempt.authorised_minor.saturating_add(sum))
    }

    /// What was taken, over all attempts, in minor units.
    #[must_use]
    pub fn captured_minor(&self) -> i64 {
        self.attempts.iter().fold(0, |sum, attempt| attempt.captured_minor.saturating_add(sum))
    }

    /// What was given back, in minor units. A refund that is heard of before the capture it gives back
    /// from counts once that capture is known: never more than was taken.
    #[must_use]
    pub fn refunded_minor(&self) -> i64 {
        let succeeded = self.refunds.values().filter(|refund| refund.status == RefundStatus::Succeeded);
        succeeded
            .fold(0, |sum: i64, refund| sum.saturating_add(refund.amount_minor))
            .min(self.captured_minor())
    }

    /// What it is called.
    #[must_use]
    pub fn status(&self) -> Status {
        let (captured, refunded) = (self.captured_minor(), self.refunded_minor());
        if captured > 0 {
            return match refunded {
                0 => Status::Captured,
                some if some < captured => Status::PartiallyRefunded,
                _ => Status::Refunded,
            };
        }
        let Some(attempt) = self.current() else { return Status::Created };
        match attempt.phase() {
            Phase::Created if self.wish == Wish::Release => Status::Voided,
            Phase::Created => Status::Created,
            Phase::ActionNeeded => Status::ActionNeeded,
            Phase::Processing => Status::Processing,
            Phase::Authorised => Status::Authorised,
            Phase::Captured => Status::Captured,
            Phase::Failed => Status::Failed,
            // Cancelled before anything was held, though booking still wanted it: the customer never authenticated.
            Phase::Cancelled if attempt.authorised_minor == 0 && self.wish != Wish::Release => Status::Failed,
            Phase::Cancelled => Status::Voided,
        }
    }

    /// Whether `amount_minor` may be given back, when refunds of `asked_minor` are on their way and not
    /// yet known at Stripe.
    ///
    /// # Errors
    /// When nothing was captured, the amount is not positive, or the sum would pass what was captured.
    pub fn may_refund(&self, amount_minor: i64, asked_minor: i64) -> Result<(), RefundRefusal> {
        if self.captured_minor() == 0 {
            return Err(RefundRefusal::NothingCaptured);
        }
        if amount_minor <= 0 {
            return Err(RefundRefusal::NotPositive);
        }
        let left_minor = self.refundable_minor(asked_minor);
        if amount_minor > left_minor { Err(RefundRefusal::TooMuch { left_minor }) } else { Ok(()) }
    }

    /// What could still be given back: captured, less what was or is being given back, less `asked_minor`.
    #[must_use]
    pub fn refundable_minor(&self, asked_minor: i64) -> i64 {
        let open = self.refunds.values().filter(|refund| refund.status != RefundStatus::Failed);
        let given = open.fold(asked_minor, |sum, refund| sum.saturating_add(refund.amount_minor));
        self.captured_minor().saturating_sub(given).max(0)
    }
}
