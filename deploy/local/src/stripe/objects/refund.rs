//! Refunds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::cards::Course;
use crate::stripe::shelf::Object;

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// On its way.
    Pending,
    /// With the customer's bank.
    Succeeded,
    /// Sent back by it.
    Failed,
}

impl RefundStatus {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A refund. Amounts are in minor units, times in seconds since 1970.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: String,
    pub created: i64,
    pub charge: String,
    pub intent: String,
    pub method: String,
    pub amount: i64,
    pub currency: String,
    pub status: RefundStatus,
    /// What the card makes of it.
    pub course: Course,
    pub reason: Option<&'static str>,
    pub metadata: BTreeMap<String, String>,
    pub balance_transaction: String,
    /// The movement that brought the money back, once it failed.
    pub failure: Option<String>,
}

impl Object for Refund {
    const NAME: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "object": Self::NAME,
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": null,
            "customer_account": null,
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "metadata": self.metadata,
            "payment_intent": self.intent,
            "payment_method": self.method,
            "reason": self.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status.as_str(),
            "transfer_reversal": null,
        });
        if let (Some(movement), Some(members)) = (&self.failure, json.as_object_mut()) {
            members.insert("failure_balance_transaction".to_owned(), json!(movement));
            members.insert("failure_reason".to_owned(), json!("expired_or_canceled_card"));
        }
        json
    }
}
