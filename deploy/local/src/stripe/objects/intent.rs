//! Payment intents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::stripe::shelf::Object;

/// Where an intent is on its way. A try that failed leads back to the first, there is no `failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No payment method, or the last one did not do.
    RequiresPaymentMethod,
    /// It has a payment method and waits to be confirmed.
    RequiresConfirmation,
    /// The holder of the card has to authenticate.
    RequiresAction,
    /// The money is held.
    RequiresCapture,
    /// The money is taken.
    Succeeded,
    /// Given up.
    Canceled,
}

impl Status {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// Nothing has been charged yet, so that amount and card may still change.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction)
    }
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureMethod {
    /// At confirmation.
    Automatic,
    /// At confirmation; at Stripe some details of the charge come a moment later.
    AutomaticAsync,
    /// By a call of its own.
    Manual,
}

impl CaptureMethod {
    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::AutomaticAsync => "automatic_async",
            Self::Manual => "manual",
        }
    }
}

/// A payment intent. Amounts are in minor units, times in seconds since 1970.
#[derive(Debug, Clone)]
pub struct Intent {
    pub id: String,
    pub created: i64,
    pub secret: String,
    pub amount: i64,
    pub currency: String,
    pub status: Status,
    pub capture_method: CaptureMethod,
    pub received: i64,
    pub payment_method: Option<String>,
    pub latest_charge: Option<String>,
    pub last_error: Option<Value>,
    pub next_action: Option<Value>,
    pub cancelled: Option<(i64, &'static str)>,
    pub metadata: BTreeMap<String, String>,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub transfer_group: Option<String>,
    pub setup_future_usage: Option<&'static str>,
    pub confirmation_method: &'static str,
    /// None when the types of payment methods were named instead.
    pub automatic_payment_methods: Option<Value>,
    /// Where a browser goes after authentication.
    pub return_url: Option<String>,
}

impl Intent {
    /// Held and not yet taken, in minor units.
    pub fn capturable(&self) -> i64 {
        if self.status == Status::RequiresCapture { self.amount } else { 0 }
    }
}

impl Object for Intent {
    const NAME: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        let reason = self.cancelled.map(|(_, reason)| reason).filter(|reason| !reason.is_empty());
        json!({
            "id": self.id,
            "object": Self::NAME,
            "amount": self.amount,
            "amount_capturable": self.capturable(),
            "amount_details": {"tip": {}},
            "amount_received": self.received,
            "application": null,
            "application_fee_amount": null,
            "automatic_payment_methods": self.automatic_payment_methods,
            "canceled_at": self.cancelled.map(|(at, _)| at),
            "cancellation_reason": reason,
            "capture_method": self.capture_method.as_str(),
            "client_secret": self.secret,
            "confirmation_method": self.confirmation_method,
            "created": self.created,
            "currency": self.currency,
            "customer": null,
            "customer_account": null,
            "description": self.description,
            "excluded_payment_method_types": null,
            "last_payment_error": self.last_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": self.next_action,
            "on_behalf_of": null,
            "payment_method": self.payment_method,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": null,
            "receipt_email": self.receipt_email,
            "review": null,
            "setup_future_usage": self.setup_future_usage,
            "shipping": null,
            "source": null,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status.as_str(),
            "transfer_data": null,
            "transfer_group": self.transfer_group,
        })
    }
}
