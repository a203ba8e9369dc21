//! Quotes.

use axum::extract::{RawQuery, State as AppState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use jobzy_pricing::{RawRequest, canonicalise, price, quote_id};
use jobzy_service::extract::RawBody;
use jobzy_service::json::check_media_type;
use jobzy_service::problem::ApiResult;

use super::refused;
use crate::State;

/// `GET /api/v1/pricing/quotes?service=&quantity=&postal_code=&date=`
pub async fn by_query(AppState(state): AppState<State>, RawQuery(query): RawQuery) -> ApiResult {
    answer(&state, &RawRequest::from_query(query.as_deref().unwrap_or_default()).map_err(refused)?).await
}

/// `POST /api/v1/pricing/quotes`
///
/// A POST that changes nothing: it needs no idempotency key, and the gateway may answer it from its cache.
pub async fn by_body(
    AppState(state): AppState<State>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> ApiResult {
    check_media_type(&headers, |media_type| media_type == "application/json")?;
    answer(&state, &RawRequest::from_json(&body).map_err(refused)?).await
}

async fn answer(state: &State, raw: &RawRequest) -> ApiResult {
    let active = state.books.active();
    let canonical = canonicalise(&active.book, raw, state.clock.now()).map_err(refused)?;
    let version = active.book.version();
    let id = quote_id(version, &canonical).map_err(refused)?;
    if let Some(body) = state.quotes.get(&id).await {
        metrics::counter!("quotes_total", "cache" => "hit").increment(1);
        return Ok(response(version, "jobzy-pricing; hit", body));
    }
    let quote = price(&active.book, &canonical).map_err(refused)?;
    let body = Bytes::from(quote.to_json_bytes().map_err(refused)?);
    state.quotes.insert(id, body.clone()).await;
    metrics::counter!("quotes_total", "cache" => "miss").increment(1);
    Ok(response(version, "jobzy-pricing; fwd=miss; stored", body))
}

fn response(version: u32, cache_status: &'static str, body: Bytes) -> Response {
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-rate-book-version", version.to_string()),
        ("cache-status", cache_status.to_owned()),
    ];
    (headers, body).into_response()
}
