//! The pricing service as this one needs it: is this quote of this request, and does it still hold?

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use jobzy_service::client::{HttpClient, ServiceToken};
use jobzy_service::context::RequestContext;
use jobzy_service::problem::{ApiResult, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(3);

/// A quote as its holder shows it. Quantity may be a number or a text; the pricing service reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownQuote {
    /// `quo_...`
    pub id: String,
    /// The rate book it was made with.
    pub rate_book_version: u32,
    /// What was priced.
    pub request: PricedRequest,
}

/// What was priced, as the customer wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricedRequest {
    /// Code of the service.
    pub service: String,
    /// In the unit of the service.
    pub quantity: Value,
    /// Five digits.
    pub postal_code: String,
    /// Day of the work in Finland.
    pub date: jiff::civil::Date,
}

/// The part of a quote that a job keeps.
#[derive(Debug, Clone, Deserialize)]
pub struct Quote {
    /// `quo_...`
    pub id: String,
    /// The rate book it was made with.
    pub rate_book_version: u32,
    /// The request in its one form.
    pub request: Canonical,
    /// What is sold.
    pub service: Service,
    /// ISO 4217.
    pub currency: String,
    /// VAT in the total.
    pub vat: Vat,
    /// What the customer pays, in minor units.
    pub total_minor: i64,
}

/// The quantity, as a decimal text.
#[derive(Debug, Clone, Deserialize)]
pub struct Canonical {
    /// `3` or `2.5`.
    pub quantity: String,
}

/// The service of a quote.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    /// Its code.
    pub code: String,
    /// `hourly`, `per_m2` or `per_project`.
    pub unit: String,
    /// For people.
    pub title: String,
    /// `yes`, `no` or `review`.
    pub household_work: String,
}

/// VAT of a quote.
#[derive(Debug, Clone, Deserialize)]
pub struct Vat {
    /// Basis points.
    pub rate_bp: u32,
}

/// Client of the pricing service.
#[derive(Debug, Clone)]
pub struct PriceDesk {
    base: String,
    client: HttpClient,
    token: ServiceToken,
}

impl PriceDesk {
    /// For the pricing service at `base`, an address without a slash at its end.
    #[must_use]
    pub fn new(base: String, client: HttpClient, token: ServiceToken) -> Self {
        Self { base, client, token }
    }

    /// Has the quote computed again.
    ///
    /// # Errors
    /// What the pricing service refuses (422 `quote-mismatch`, 409 `quote-expired`), as it says it; 422 when it does
    /// not know the version; 503 when it does not answer.
    pub async fn redeem(&self, shown: &ShownQuote, context: &RequestContext) -> ApiResult<Quote> {
        let body = serde_json::json!({
            "quote_id": shown.id,
            "rate_book_version": shown.rate_book_version,
            "request": shown.request,
        });
        let request = Request::post(format!("{}/internal/pricing/redemptions", self.base))
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body.to_string()));
        let mut request = request.map_err(|error| Problem::internal(&error))?;
        context.apply(request.headers_mut());
        self.token.authorise(request.headers_mut()).await.map_err(|error| unreachable(&error))?;
        let answer = self.client.send(request, TIMEOUT).await.map_err(|error| unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {
                serde_json::from_slice(answer.body()).map_err(|error| Problem::internal(&error))
            }
            StatusCode::NOT_FOUND => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "quote-mismatch",
                "The quote is not of this request",
            )
            .detail("there is no such rate book version")),
            status @ (StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) => {
                Err(passed_on(status, answer.body()))
            }
            StatusCode::UNAUTHORIZED => {
                self.token.forget().await;
                Err(unreachable("the pricing service did not take our token"))
            }
            status => Err(unreachable(&format!("the pricing service answered {status}"))),
        }
    }
}

fn unreachable(error: &(impl std::fmt::Display + ?Sized)) -> Problem {
    tracing::warn!(%error, "a quote could not be redeemed");
    Problem::unavailable("the price cannot be checked right now", 2)
}

/// The refusal of the pricing service, with the current quote that it offers instead.
fn passed_on(status: StatusCode, body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Refused {
        r#type: String,
        title: String,
        detail: Option<String>,
        current_quote: Option<Value>,
    }
    let Ok(refused) = serde_json::from_slice::<Refused>(body) else {
        return unreachable("the pricing service refused without a reason");
    };
    let slug = refused.r#type.rsplit(':').next().unwrap_or_default().to_owned();
    let mut problem = Problem::new(status, slug, refused.title);
    if let Some(detail) = refused.detail {
        problem = problem.detail(detail);
    }
    match refused.current_quote {
        Some(quote) => problem.with("current_quote", quote),
        None => problem,
    }
}
