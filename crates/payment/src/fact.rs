//! Facts: what Stripe said about a payment intent or a refund at some moment, or that it refused to make one.
//!
//! Parsed leniently, because Stripe adds and removes members between versions: only the members that
//! identify the object and carry its amounts are needed, an unknown status is "nothing new".

use std::collections::BTreeMap;

use jobzy_ids::AttemptId;
use serde::Deserialize;
use serde_json::Value;

/// The metadata we put on every object at Stripe, by which a webhook finds its way back.
pub mod metadata {
    /// The job, `job_...`.
    pub const JOB: &str = "job_id";
    /// The payment, `pay_...`.
    pub const PAYMENT: &str = "payment_id";
    /// The attempt, `att_...`: tells which attempt an intent belongs to before its answer has come.
    pub const ATTEMPT: &str = "attempt_id";
    /// The operation that made the object: how an operation without an answer is found again.
    pub const OPERATION: &str = "operation_id";
}

/// Something Stripe said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// About a payment intent.
    Intent(IntentFact),
    /// About a refund.
    Refund(RefundFact),
    /// The call that was to make an attempt's intent was refused for good, so that there is none.
    Refused(RefusedFact),
}

/// An attempt that Stripe would not even begin, such as one with a payment method it does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFact {
    /// Whose.
    pub attempt: AttemptId,
    /// Stripe's code.
    pub reason: String,
}

/// Why a JSON object is no fact.
#[derive(Debug, thiserror::Error)]
pub enum FactError {
    /// Neither a payment intent nor a refund; stored, not applied.
    #[error("object `{0}` is not followed")]
    OtherObject(String),
    /// It says what it is but lacks an id or an amount.
    #[error("the object lacks what identifies it")]
    Shape(#[from] serde_json::Error),
}

/// A payment intent as told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IntentFact {
    /// `pi_...`.
    pub id: String,
    /// Stripe's word for the state.
    pub status: String,
    /// What was asked for, in minor units.
    pub amount: i64,
    /// ISO 4217 in lower case.
    pub currency: String,
    /// Held and not yet taken, in minor units.
    #[serde(default)]
    pub amount_capturable: Option<i64>,
    /// Taken, in minor units.
    #[serde(default)]
    pub amount_received: Option<i64>,
    /// The charge beneath, `ch_...`, plain or expanded.
    #[serde(default)]
    pub latest_charge: Option<Reference>,
    /// Why the last try failed.
    #[serde(default)]
    pub last_payment_error: Option<PaymentError>,
    /// Why it was cancelled.
    #[serde(default)]
    pub cancellation_reason: Option<String>,
    /// Ours, see [`metadata`].
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// A refund as told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundFact {
    /// `re_...`.
    pub id: String,
    /// How far it is.
    pub status: RefundStatus,
    /// Minor units.
    pub amount: i64,
    /// ISO 4217 in lower case.
    pub currency: String,
    /// The intent whose money it gives back.
    #[serde(default)]
    pub payment_intent: Option<Reference>,
    /// Ours, see [`metadata`].
    #[serde(default)]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// A refund's way. Ordered: a later word in this list is never replaced by an earlier one, also where
/// Stripe corrects itself, since a refund that succeeded may still fail at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way, or waiting for the customer or for funds.
    #[serde(alias = "requires_action")]
    Pending,
    /// The money is with the customer's bank.
    Succeeded,
    /// It came back: the customer is still owed.
    #[serde(alias = "canceled")]
    Failed,
}

impl RefundStatus {
    /// The word used in JSON and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// An id, or the whole object where Stripe expanded it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// The id alone.
    Id(String),
    /// The object.
    Object {
        /// Its id.
        id: String,
    },
}

impl Reference {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

/// Why a try failed, as far as we repeat it. The message may hold names; it is left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentError {
    /// `card_declined`, `authentication_required` ...
    #[serde(default)]
    pub code: Option<String>,
    /// `insufficient_funds` ...
    #[serde(default)]
    pub decline_code: Option<String>,
}

impl PaymentError {
    /// The more telling of the two codes.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.decline_code.as_deref().or(self.code.as_deref()).unwrap_or("declined")
    }
}

impl Fact {
    /// Reads an object of Stripe's API, as in an answer or in an event's `data.object`.
    ///
    /// # Errors
    /// When it is another kind of object, or lacks what identifies it.
    pub fn parse(object: &Value) -> Result<Self, FactError> {
        match object.get("object").and_then(Value::as_str).unwrap_or_default() {
            "payment_intent" => Ok(Self::Intent(IntentFact::deserialize(object)?)),
            "refund" => Ok(Self::Refund(RefundFact::deserialize(object)?)),
            other => Err(FactError::OtherObject(other.to_owned())),
        }
    }

    /// The id of the intent it is about, where it names one.
    #[must_use]
    pub fn intent_id(&self) -> Option<&str> {
        match self {
            Self::Intent(intent) => Some(&intent.id),
            Self::Refund(refund) => refund.payment_intent.as_ref().map(Reference::id),
            Self::Refused(_) => None,
        }
    }

    /// One entry of our metadata.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<&str> {
        let metadata = match self {
            Self::Intent(intent) => intent.metadata.as_ref(),
            Self::Refund(refund) => refund.metadata.as_ref(),
            Self::Refused(_) => None,
        };
        metadata.and_then(|metadata| metadata.get(name)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, FactError, RefundStatus};
    use serde_json::json;

    #[test]
    fn an_intent_needs_only_what_identifies_it() {
        let fact = Fact::parse(&json!({
            "object": "payment_intent", "id": "pi_1", "status": "requires_capture", "amount": 15000,
            "currency": "eur", "amount_capturable": 15000, "amount_received": null,
            "latest_charge": {"id": "ch_1", "object": "charge"}, "metadata": {"attempt_id": "att_1"}, "brand_new": [1],
        }));
        let Ok(Fact::Intent(intent)) = fact else { panic!("{fact:?}") };
        assert_eq!(intent.latest_charge.unwrap().id(), "ch_1");
        assert_eq!(intent.amount_received, None);
    }

    #[test]
    fn a_refund_that_waits_or_was_withdrawn_has_a_rank() {
        let parse = |status| {
            Fact::parse(
                &json!({"object": "refund", "id": "re_1", "status": status, "amount": 1, "currency": "eur"}),
            )
        };
        let status = |word| match parse(word) {
            Ok(Fact::Refund(refund)) => refund.status,
            other => panic!("{other:?}"),
        };
        assert_eq!(status("requires_action"), RefundStatus::Pending);
        assert_eq!(status("canceled"), RefundStatus::Failed);
        assert!(
            RefundStatus::Pending < RefundStatus::Succeeded && RefundStatus::Succeeded < RefundStatus::Failed
        );
    }

    #[test]
    fn other_objects_are_named_not_guessed() {
        assert!(
            matches!(Fact::parse(&json!({"object": "dispute"})), Err(FactError::OtherObject(name)) if name == "dispute")
        );
        assert!(matches!(Fact::parse(&json!({"object": "refund", "id": "re_1"})), Err(FactError::Shape(_))));
    }
}
