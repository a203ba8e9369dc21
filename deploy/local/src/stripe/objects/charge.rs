//! Charges: one try to get money from one card.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::cards::{Card, Decline};
use crate::stripe::shelf::Object;

/// A charge. Amounts are in minor units, times in seconds since 1970.
#[derive(Debug, Clone)]
pub struct Charge {
    pub id: String,
    pub created: i64,
    pub intent: String,
    pub method: String,
    pub card: &'static Card,
    pub amount: i64,
    pub currency: String,
    /// Taken; none while the money is only held, or was never granted.
    pub captured: Option<i64>,
    /// Given back by refunds that have not failed.
    pub refunded: i64,
    /// The hold was given up before anything was taken.
    pub released: bool,
    pub failure: Option<&'static Decline>,
    /// Until when a hold may be captured.
    pub capture_before: i64,
    pub balance_transaction: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub description: Option<String>,
}

impl Charge {
    /// Taken and not given back, in minor units.
    pub fn refundable(&self) -> i64 {
        self.captured.map_or(0, |captured| captured - self.refunded)
    }

    fn outcome(&self) -> Value {
        match self.failure {
            None => json!({
                "network_status": "approved_by_network",
                "reason": null,
                "risk_level": "normal",
                "seller_message": "Payment complete.",
                "type": "authorized",
            }),
            Some(decline) => json!({
                "network_status": "declined_by_network",
                "reason": decline.decline_code,
                "risk_level": "normal",
                "seller_message": "The bank did not return any further details with this decline.",
                "type": "issuer_declined",
            }),
        }
    }
}

impl Object for Charge {
    const NAME: &'static str = "charge";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        // A hold that was given up shows as refunded in full, although no money had moved.
        let refunded = if self.released { self.amount } else { self.refunded };
        let holds = self.failure.is_none() && self.captured.is_none() && !self.released;
        json!({
            "id": self.id,
            "object": Self::NAME,
            "amount": self.amount,
            "amount_captured": self.captured.unwrap_or(0),
            "amount_refunded": refunded,
            "application": null,
            "application_fee": null,
            "application_fee_amount": null,
            "balance_transaction": self.balance_transaction,
            "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
            "captured": self.captured.is_some(),
            "created": self.created,
            "currency": self.currency,
            "customer": null,
            "description": self.description,
            "disputed": false,
            "failure_balance_transaction": null,
            "failure_code": self.failure.map(|decline| decline.code),
            "failure_message": self.failure.map(|decline| decline.message),
            "fraud_details": {},
            "livemode": false,
            "metadata": self.metadata,
            "on_behalf_of": null,
            "outcome": self.outcome(),
            "paid": self.failure.is_none(),
            "payment_intent": self.intent,
            "payment_method": self.method,
            "payment_method_details": {
                "type": "card",
                "card": {
                    "amount_authorized": if self.failure.is_none() { self.amount } else { 0 },
                    "brand": self.card.brand,
                    "capture_before": holds.then_some(self.capture_before),
                    "country": "FI",
                    "funding": "credit",
                    "last4": self.card.last4,
                    "network": self.card.brand,
                },
            },
            "receipt_email": null,
            "refunded": self.released || self.captured.is_some_and(|captured| captured == self.refunded),
            "review": null,
            "shipping": null,
            "status": if self.failure.is_none() { "succeeded" } else { "failed" },
            "transfer_data": null,
            "transfer_group": null,
        })
    }
}
