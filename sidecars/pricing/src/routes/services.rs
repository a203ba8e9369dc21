//! What is sold.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use jobzy_service::problem::ApiResult;
use serde_json::json;

use crate::State;

/// `GET /api/v1/pricing/services`
pub async fn list(AppState(state): AppState<State>) -> ApiResult {
    let active = state.books.active();
    let document = active.book.document();
    let body = json!({
        "rate_book_version": active.book.version(),
        "currency": document.currency,
        "vat_included": true,
        "categories": document.categories,
    });
    Ok(axum::Json(body).into_response())
}
