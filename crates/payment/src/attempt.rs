//! One try to get a payment authorised: one payment intent at Stripe.

use std::collections::BTreeSet;

use jobzy_ids::AttemptId;
use serde::{Deserialize, Serialize};

use crate::fact::{IntentFact, Reference};

/// Everything known about one intent. Every member only grows, which makes merging independent of order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Ours, also in the intent's metadata.
    pub id: AttemptId,
    /// `pi_...`, once Stripe has told it.
    pub intent_id: Option<String>,
    /// The charge that holds the money, `ch_...`.
    pub charge_id: Option<String>,
    /// The most that was ever held, minor units.
    pub authorised_minor: i64,
    /// What was taken, minor units.
    pub captured_minor: i64,
    /// The customer was asked to authenticate (3-D Secure) at some time.
    pub action_seen: bool,
    /// A slow payment method was under way at some time.
    pub processing_seen: bool,
    /// Decline and error codes of the tries that failed.
    pub failures: BTreeSet<String>,
    /// The intent is cancelled; the reason where Stripe gave one.
    pub cancelled: Option<String>,
}

/// Where an attempt stands, computed from what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing is known beyond the wish.
    Created,
    /// The customer must authenticate.
    ActionNeeded,
    /// A slow method is under way.
    Processing,
    /// The money is held.
    Authorised,
    /// The money was taken.
    Captured,
    /// The intent was cancelled.
    Cancelled,
    /// A try failed and none succeeded.
    Failed,
}

/// Said where Stripe cancels without a reason.
const NO_REASON: &str = "cancelled";

impl Attempt {
    /// An attempt of which nothing is known yet.
    #[must_use]
    pub const fn new(id: AttemptId) -> Self {
        Self {
            id,
            intent_id: None,
            charge_id: None,
            authorised_minor: 0,
            captured_minor: 0,
            action_seen: false,
            processing_seen: false,
            failures: BTreeSet::new(),
            cancelled: None,
        }
    }

    /// Where it stands. Money taken wins over everything, money held over the tries that failed before,
    /// and a failure over the cancellation with which we tidy up after it.
    #[must_use]
    pub fn phase(&self) -> Phase {
        if self.captured_minor > 0 {
            Phase::Captured
        } else if self.authorised_minor > 0 {
            if self.cancelled.is_some() { Phase::Cancelled } else { Phase::Authorised }
        } else if !self.failures.is_empty() {
            Phase::Failed
        } else if self.cancelled.is_some() {
            Phase::Cancelled
        } else if self.processing_seen {
            Phase::Processing
        } else if self.action_seen {
            Phase::ActionNeeded
        } else {
            Phase::Created
        }
    }

    /// Why it failed: the first code in alphabetical order, so that the answer does not depend on order.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failures.first().map(String::as_str)
    }

    /// Joins what is known with what is told.
    #[must_use]
    pub fn join(mut self, fact: &IntentFact) -> Self {
        let received = fact.amount_received.unwrap_or(0);
        let held = fact.amount_capturable.unwrap_or(0).max(received);
        self.intent_id.get_or_insert_with(|| fact.id.clone());
        if held > 0 && self.charge_id.is_none() {
            self.charge_id = fact.latest_charge.as_ref().map(Reference::id).map(str::to_owned);
        }
        self.authorised_minor = self.authorised_minor.max(held);
        self.captured_minor = self.captured_minor.max(received);
        if let Some(error) = &fact.last_payment_error {
            self.failures.insert(error.reason().to_owned());
        }
        match fact.status.as_str() {
            "requires_action" => self.action_seen = true,
            "processing" => self.processing_seen = true,
            "canceled" => {
                let reason = fact.cancellation_reason.as_deref().unwrap_or(NO_REASON);
                self.cancelled.get_or_insert_with(|| reason.to_owned());
            }
            // The other words say nothing that the amounts do not say better.
            _ => {}
        }
        self
    }
}
