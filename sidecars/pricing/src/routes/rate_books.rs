//! Rate books: the one in force for everyone, all of them for those who publish.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use jiff::tz::TimeZone;
use jobzy_command::Refused;
use jobzy_money::vat::{VatClass, vat_rate};
use jobzy_pricing::{Document, RateBook};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::PRICING_ADMIN;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::extract::Path;
use jobzy_service::idempotency::Keyed;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::Tx;
use jobzy_store::idempotency::StoredResponse;
use serde_json::json;

use super::failed;
use crate::State;
use crate::store::rate_books;

/// `GET /api/v1/pricing/rate-book`
pub async fn active(AppState(state): AppState<State>, headers: HeaderMap) -> ApiResult {
    let active = state.books.active();
    let etag = format!("\"{}\"", active.book.version());
    let fixed = [(ETAG, etag.clone()), (CACHE_CONTROL, "no-cache".to_owned())];
    if knows(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    Ok((fixed, [(CONTENT_TYPE, "application/json")], active.json.clone()).into_response())
}

/// Whether `If-None-Match` names the tag: in a list, or weakened by a proxy that compressed the answer, or as `*`.
fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(str::trim);
    known.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// `GET /api/v1/pricing/rate-books`
pub async fn list(AppState(state): AppState<State>, caller: Caller) -> ApiResult {
    caller.require(&[PRICING_ADMIN])?;
    let entries = rate_books::list(&state.db).await.map_err(failed)?;
    let versions = entries.iter().map(|entry| {
        json!({
            "version": entry.version,
            "published_at": entry.published_at.to_string(),
            "published_by": entry.published_by,
            "superseded_at": entry.superseded_at.map(|at| at.to_string()),
        })
    });
    Ok(axum::Json(json!({"rate_books": versions.collect::<Vec<_>>()})).into_response())
}

/// `GET /api/v1/pricing/rate-books/{version}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(version): Path<u32>) -> ApiResult {
    caller.require(&[PRICING_ADMIN])?;
    let published = state.books.version(version).await?.ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, "application/json")], published.json.clone()).into_response())
}

/// `POST /api/v1/pricing/rate-books`
pub async fn publish(
    AppState(state): AppState<State>,
    caller: Caller,
    context: RequestContext,
    request: Keyed<Document>,
) -> ApiResult {
    caller.require(&[PRICING_ADMIN])?;
    let now = state.clock.now();
    check(&request.value, now)?;
    let (by, clock) = (caller.subject.clone(), state.clock.clone());
    let response = jobzy_command::execute(&state.db, &caller.subject, request, now, move |tx, document| {
        let (by, clock, context) = (by.clone(), clock.clone(), context.clone());
        Box::pin(async move { store(tx, &document, &by, &context, &clock).await })
    });
    let response = response.await?;
    state.books.refresh().await?;
    state.pump.wake();
    Ok(response)
}

async fn store(
    tx: &mut Tx,
    document: &Document,
    by: &str,
    context: &RequestContext,
    clock: &Clock,
) -> Result<StoredResponse, Refused> {
    let now = clock.now();
    let document = serde_json::to_string(document).map_err(|error| Problem::internal(&error))?;
    let version = rate_books::next_version(tx).await?;
    if !rate_books::insert(tx, version, &document, by, now).await? {
        // Not tried again from here: the prices that came first should be looked at before they are replaced.
        let title = "Another version was published at the same moment";
        return Err(Problem::new(StatusCode::CONFLICT, "concurrent-publication", title).into());
    }
    let ids = json!([{"system": "pricing", "type": "rate_book", "id": version.to_string()}]);
    let data = json!({"ids": ids, "version": version, "actor": by});
    let event = "jobzy.pricing.rate_book_published.v1";
    jobzy_events::emit(tx, context, "/jobzy/pricing", event, &version.to_string(), data, clock).await?;
    let body = json!({"version": version, "published_at": now.to_string(), "published_by": by});
    Ok(StoredResponse::json(201, body.to_string())
        .with_header("location", format!("/api/v1/pricing/rate-books/{version}")))
}

/// What the document must keep to beyond its own form: the VAT of the law, today.
fn check(document: &Document, now: jiff::Timestamp) -> Result<(), Problem> {
    let refuse = |path: &str, reason: &str| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-rate-book",
            "The rate book cannot be published",
        )
        .detail(format!("{path}: {reason}"))
    };
    RateBook::new(1, document.clone()).map_err(|error| refuse(&error.path, &error.reason))?;
    let helsinki =
        TimeZone::posix("EET-2EEST,M3.5.0/3,M10.5.0/4").map_err(|error| Problem::internal(&error))?;
    let today = helsinki.to_datetime(now).date();
    let classes = [
        ("vat_bp.general", VatClass::General),
        ("vat_bp.reduced", VatClass::Reduced),
        ("vat_bp.low", VatClass::Low),
        ("vat_bp.zero", VatClass::Zero),
    ];
    for (path, class) in classes {
        let law = vat_rate(class, (today.year(), today.month(), today.day()))
            .map_err(|error| refuse(path, &error.to_string()))?;
        if law.rate.basis_points() != document.vat_bp.of(class) {
            return Err(refuse(path, &format!("the rate in force is {}", law.rate.basis_points())));
        }
    }
    Ok(())
}
