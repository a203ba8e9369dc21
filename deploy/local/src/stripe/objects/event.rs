//! Events: what happened, with the object as it was just then.

use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::shelf::Object;

/// An event.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    pub kind: &'static str,
    pub object: Value,
    /// What changed members were before.
    pub previous: Option<Value>,
    /// The call that caused it, and its idempotency key.
    pub request: Option<(String, Option<String>)>,
    /// Whether the webhook is still to be delivered.
    pub pending: bool,
}

impl Object for Event {
    const NAME: &'static str = "event";

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }

    fn to_json(&self) -> Value {
        let mut data = json!({"object": self.object});
        if let (Some(previous), Some(members)) = (&self.previous, data.as_object_mut()) {
            members.insert("previous_attributes".to_owned(), previous.clone());
        }
        let (id, key) = match &self.request {
            Some((id, key)) => (Some(id), key.as_ref()),
            None => (None, None),
        };
        json!({
            "id": self.id,
            "object": Self::NAME,
            "api_version": API_VERSION,
            "created": self.created,
            "data": data,
            "livemode": false,
            "pending_webhooks": u8::from(self.pending),
            "request": {"id": id, "idempotency_key": key},
            "type": self.kind,
        })
    }
}
