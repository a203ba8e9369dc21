//! Refusals in the shape of Stripe's errors: <https://docs.stripe.com/api/errors>.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::cards::Decline;

/// A refusal.
#[derive(Debug, Clone)]
pub struct ApiError {
    status: StatusCode,
    members: Map<String, Value>,
    executed: bool,
}

impl ApiError {
    fn new(status: StatusCode, kind: &str, code: Option<&str>, message: String) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(kind));
        if let Some(code) = code {
            members.insert("code".to_owned(), json!(code));
            let page = code.replace('_', "-");
            members
                .insert("doc_url".to_owned(), json!(format!("https://stripe.com/docs/error-codes/{page}")));
        }
        members.insert("message".to_owned(), json!(message));
        Self { status, members, executed: false }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    fn after_execution(mut self) -> Self {
        self.executed = true;
        self
    }

    /// A parameter that does not do; found before anything is executed.
    pub fn parameter(code: Option<&str>, name: &str, message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message).with("param", json!(name))
    }

    /// A parameter names an object that is not there.
    pub fn no_such_param(what: &str, id: &str, param: &str) -> Self {
        Self::parameter(Some("resource_missing"), param, format!("No such {what}: '{id}'"))
    }

    /// The path names an object that is not there.
    pub fn no_such(what: &str, id: &str, param: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, ..Self::no_such_param(what, id, param) }
    }

    /// No such endpoint.
    pub fn no_such_url(method: &http::Method, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", None, message)
    }

    /// The object's state does not permit it.
    pub fn refused(code: &str, message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some(code), message).after_execution()
    }

    /// The intent's status does not permit it.
    pub fn unexpected_state(message: String, intent: Value) -> Self {
        Self::refused("payment_intent_unexpected_state", message).with("payment_intent", intent)
    }

    /// The customer did not prove to be the card's holder. `details` are those of the intent's last error.
    pub fn authentication(details: &Value, intent: Value) -> Self {
        let text = |name: &str| details.get(name).and_then(Value::as_str).unwrap_or_default();
        Self::new(StatusCode::PAYMENT_REQUIRED, text("type"), Some(text("code")), text("message").to_owned())
            .with("payment_intent", intent)
            .after_execution()
    }

    /// The card was declined.
    pub fn declined(decline: &Decline, charge: &str, intent: Value, method: Value) -> Self {
        let message = decline.message.to_owned();
        Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", Some(decline.code), message)
            .with("decline_code", json!(decline.decline_code))
            .with("charge", json!(charge))
            .with("payment_intent", intent)
            .with("payment_method", method)
            .after_execution()
    }

    /// No key, or another one.
    pub fn unauthorised(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", None, message.to_owned())
    }

    /// The key was first used with something else.
    pub fn key_reused(key: &str) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. \
             Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", None, message)
    }

    /// The key's first use is still under way.
    pub fn key_in_use(key: &str) -> Self {
        let message =
            format!("There is currently another in-progress request using this Idempotent Key ({key}).");
        Self::new(StatusCode::CONFLICT, "invalid_request_error", Some("idempotency_key_in_use"), message)
    }

    /// Too many requests.
    pub fn rate_limit() -> Self {
        let message = "Request rate limit exceeded.".to_owned();
        Self::new(StatusCode::TOO_MANY_REQUESTS, "invalid_request_error", Some("rate_limit"), message)
    }

    /// Something went wrong on Stripe's end, after execution had begun.
    pub fn internal() -> Self {
        let message = "An unknown error occurred.".to_owned();
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, message).after_execution()
    }

    /// The body was too large to be read.
    pub fn too_large() -> Self {
        let message = "The request is too large.".to_owned();
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", None, message)
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether execution had begun, so that the answer is kept under the idempotency key.
    pub fn executed(&self) -> bool {
        self.executed
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        json!({"error": self.members})
    }
}
