//! Movements of the balance: what was taken, what it cost, what went back.

use serde_json::{Value, json};

use crate::stripe::shelf::Object;

/// Card payments become available some days later, in seconds.
const AVAILABLE_AFTER_S: i64 = 3 * 86_400;

/// What moved the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// A capture.
    Charge,
    /// A refund left.
    Refund,
    /// A refund came back.
    RefundFailure,
}

impl Movement {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
        }
    }
}

/// A movement. Amounts are in minor units, times in seconds since 1970.
#[derive(Debug, Clone)]
pub struct BalanceTransaction {
    pub id: String,
    pub created: i64,
    pub movement: Movement,
    /// The charge or refund that moved it.
    pub source: String,
    pub amount: i64,
    pub fee: i64,
    pub currency: String,
    pub description: Option<String>,
}

impl Object for BalanceTransaction {
    const NAME: &'static str = "balance_transaction";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        let fee_details = if self.fee == 0 {
            json!([])
        } else {
            json!([{
                "amount": self.fee,
                "application": null,
                "currency": self.currency,
                "description": "Stripe processing fees",
                "type": "stripe_fee",
            }])
        };
        json!({
            "id": self.id,
            "object": Self::NAME,
            "amount": self.amount,
            "available_on": self.created.saturating_add(AVAILABLE_AFTER_S),
            "balance_type": "payments",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": null,
            "fee": self.fee,
            "fee_details": fee_details,
            "net": self.amount - self.fee,
            "reporting_category": self.movement.as_str(),
            "source": self.source,
            "status": "pending",
            "type": self.movement.as_str(),
        })
    }
}
