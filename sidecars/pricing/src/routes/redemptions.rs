//! Whether a quote still holds: asked by the service that books at it.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::{SignedDuration, Timestamp};
use jobzy_pricing::{Quote, RateBook, RawRequest, canonicalise, price};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::SERVICE;
use jobzy_service::json::Json;
use jobzy_service::problem::{ApiResult, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{failed, refused};
use crate::State;
use crate::store::rate_books;

/// A superseded version is honoured so long.
const HONOURED: SignedDuration = SignedDuration::from_hours(24);
/// Somebody who was quoted just before midnight may book just after it.
const GRACE: SignedDuration = SignedDuration::from_mins(15);

/// A quote as its holder shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    quote_id: String,
    rate_book_version: u32,
    request: Box<RawValue>,
}

/// `POST /internal/pricing/redemptions`
pub async fn redeem(
    AppState(state): AppState<State>,
    caller: Caller,
    Json(shown): Json<Redemption>,
) -> ApiResult {
    caller.require(&[SERVICE])?;
    let raw = RawRequest::from_json(shown.request.get().as_bytes()).map_err(refused)?;
    let now = state.clock.now();
    let published = state.books.version(shown.rate_book_version).await?.ok_or_else(Problem::not_found)?;
    let superseded = rate_books::superseded_at(&state.db, shown.rate_book_version).await.map_err(failed)?;
    if let Some(Some(superseded)) = superseded
        && now.duration_since(superseded) > HONOURED
    {
        return Err(Problem::new(StatusCode::CONFLICT, "quote-expired", "The prices have changed since")
            .with("current_quote", current(&state, &raw, now)));
    }
    for moment in [Some(now), now.checked_sub(GRACE).ok()].into_iter().flatten() {
        if let Ok(quote) = quote_at(&published.book, &raw, moment)
            && quote.id == shown.quote_id
        {
            let body = quote.to_json_bytes().map_err(refused)?;
            return Ok(([(CONTENT_TYPE, "application/json")], body).into_response());
        }
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "quote-mismatch", "The quote is not of this request")
        .with("current_quote", current(&state, &raw, now)))
}

/// What the request costs now, for the refusal; null when it has no price any more.
fn current(state: &State, raw: &RawRequest, now: Timestamp) -> serde_json::Value {
    let quote = quote_at(&state.books.active().book, raw, now);
    quote.ok().and_then(|quote| serde_json::to_value(quote).ok()).unwrap_or_default()
}

fn quote_at(book: &RateBook, raw: &RawRequest, at: Timestamp) -> Result<Quote, jobzy_pricing::Refusal> {
    price(book, &canonicalise(book, raw, at)?)
}
