//! Payment methods: a use of a test card by name makes one.

use serde_json::{Value, json};

use crate::stripe::cards::Card;
use crate::stripe::shelf::Object;

/// A payment method.
#[derive(Debug, Clone)]
pub struct Method {
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    pub card: &'static Card,
    /// The one intent it may serve: without a customer it cannot be used again.
    pub used_by: Option<String>,
}

impl Object for Method {
    const NAME: &'static str = "payment_method";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": Self::NAME,
            "billing_details": {"address": null, "email": null, "name": null, "phone": null, "tax_id": null},
            "card": {
                "brand": self.card.brand,
                "country": "FI",
                "display_brand": self.card.brand,
                "funding": "credit",
                "last4": self.card.last4,
                "three_d_secure_usage": {"supported": true},
                "wallet": null,
            },
            "created": self.created,
            "customer": null,
            "customer_account": null,
            "livemode": false,
            "metadata": {},
            "type": "card",
        })
    }
}
