//! Stripe's API, as far as money is held, taken, let go of and given back.
//!
//! A call gives Stripe's answer as it came, whatever its status: what it means is for [`jobzy_payment::judge`].
//! Nothing is retried here. Card data never passes: payment methods are names that Stripe gave to the web app.

mod form;

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method, Request};
use jobzy_payment::StripeError;
use jobzy_service::client::{ClientError, HttpClient};
use serde_json::Value;

pub use form::Form;

/// The version our reading was written for; Stripe's own default changes with the account.
const VERSION: &str = "2026-09-30.endive";
/// Stripe answers most calls within a second; banks may make it wait.
pub const TIMEOUT: Duration = Duration::from_secs(20);

const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The client; clones share the connections.
#[derive(Clone)]
pub struct Stripe {
    client: HttpClient,
    base: String,
    key: String,
}

/// What Stripe said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// Its `error` member; empty where there is none.
    pub error: StripeError,
}

impl Stripe {
    /// A client for the API at `base` (`https://api.stripe.com`), with the secret key `sk_...`.
    #[must_use]
    pub fn new(client: HttpClient, base: &str, key: &str) -> Self {
        Self { client, base: base.trim_end_matches('/').to_owned(), key: key.to_owned() }
    }

    /// `POST /v1/<path>`. The same `idempotency_key` with the same form has one effect, for a day at least.
    pub async fn post(&self, path: &str, form: &Form, idempotency_key: &str) -> Result<Answer, ClientError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/v1/{path}", self.base))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(IDEMPOTENCY_KEY, idempotency_key)
            .body(Bytes::from(form.encode()));
        self.send(request).await
    }

    /// `GET /v1/<path>`
    pub async fn get(&self, path: &str, query: &Form) -> Result<Answer, ClientError> {
        let mark = if query.is_empty() { "" } else { "?" };
        let uri = format!("{}/v1/{path}{mark}{}", self.base, query.encode());
        self.send(Request::get(uri).body(Bytes::new())).await
    }

    async fn send(&self, request: http::Result<Request<Bytes>>) -> Result<Answer, ClientError> {
        let invalid = |error: &dyn std::error::Error| ClientError::InvalidRequest(error.to_string());
        let mut request = request.map_err(|error| invalid(&error))?;
        let mut bearer =
            HeaderValue::try_from(format!("Bearer {}", self.key)).map_err(|error| invalid(&error))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request.headers_mut().insert(STRIPE_VERSION, HeaderValue::from_static(VERSION));
        let response = self.client.send(request, TIMEOUT).await?;
        let body = response.body();
        Ok(Answer {
            status: response.status().as_u16(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            error: StripeError::parse(body),
        })
    }
}
