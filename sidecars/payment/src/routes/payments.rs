//! Payments and their bookings, for those they concern.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use jobzy_ids::{PaymentId, RefundId};
use jobzy_payment::Status;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{CUSTOMER, FINANCE, OPERATOR, SERVICE};
use jobzy_service::extract::{Path, Query};
use jobzy_service::problem::{ApiResult, Problem};
use serde_json::{Value, json};

use super::{OfJob, PAGE, failed, sees_all};
use crate::State;
use crate::store::ledger::{self, Line};
use crate::store::payments::{self, Record};

const READERS: &[&str] = &[CUSTOMER, FINANCE, OPERATOR, SERVICE];

/// `GET /api/v1/payments`
pub async fn list(AppState(state): AppState<State>, caller: Caller, Query(query): Query<OfJob>) -> ApiResult {
    caller.require(READERS)?;
    let own = (!sees_all(&caller)).then_some(caller.subject.as_str());
    let records = payments::list(&state.db, query.job_id, own, PAGE).await.map_err(failed)?;
    let visible = records.iter().filter(|record| may_see(&caller, record));
    Ok(axum::Json(json!({"payments": visible.map(to_json).collect::<Vec<_>>()})).into_response())
}

/// `GET /api/v1/payments/{id}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(id): Path<PaymentId>) -> ApiResult {
    caller.require(READERS)?;
    let record = payments::load(&state.db, id).await.map_err(failed)?;
    let record = record.filter(|record| may_see(&caller, record)).ok_or_else(Problem::not_found)?;
    let mut body = to_json(&record);
    // Only whoever holds the card is let through to the bank's page.
    let own = record.sale.customer.subject == caller.subject;
    if let (Some(intent), Status::ActionNeeded, true) = (record.intent_id(), record.payment.status(), own) {
        body["next_action"] = json!(state.worker.next_action(intent).await);
    }
    Ok(([(CACHE_CONTROL, "no-store")], axum::Json(body)).into_response())
}

/// `GET /api/v1/payments/{id}/ledger`
pub async fn ledger(
    AppState(state): AppState<State>,
    caller: Caller,
    Path(id): Path<PaymentId>,
) -> ApiResult {
    caller.require(&[FINANCE, OPERATOR])?;
    payments::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    let lines = ledger::of_payment(&state.db, id).await.map_err(failed)?;
    Ok(axum::Json(json!({"entries": lines.iter().map(line).collect::<Vec<_>>()})).into_response())
}

fn may_see(caller: &Caller, record: &Record) -> bool {
    sees_all(caller) || record.sale.customer.subject == caller.subject
}

/// A payment as it travels.
pub fn to_json(record: &Record) -> Value {
    let payment = &record.payment;
    let refunds = payment.refunds.iter().map(|(id, refund)| {
        // Absent where it was made at Stripe by hand.
        let own = refund.operation.as_deref().and_then(|operation| operation.strip_prefix("op_"));
        let own = own.map(|digits| format!("{}{digits}", RefundId::PREFIX));
        json!({"id": own, "stripe_refund": id, "amount_minor": refund.amount_minor, "status": refund.status})
    });
    json!({
        "id": payment.id,
        "job_id": record.job,
        "status": payment.status(),
        "amount_minor": payment.amount.minor,
        "authorised_minor": payment.authorised_minor(),
        "captured_minor": payment.captured_minor(),
        "refunded_minor": payment.refunded_minor(),
        "currency": payment.amount.currency,
        "stripe_payment_intent": record.intent_id(),
        "failure": payment.current().and_then(|attempt| attempt.failure()),
        "refunds": refunds.collect::<Vec<_>>(),
        "created_at": record.created_at.to_string(),
        "updated_at": record.updated_at.to_string(),
    })
}

fn line(line: &Line) -> Value {
    let text = match line.reference.split(':').next() {
        Some("capture") => "taken from the customer",
        Some("refund") => "given back to the customer",
        Some("fee") => "kept by Stripe",
        _ => "",
    };
    json!({
        "transaction": line.reference,
        "account": line.account,
        "debit_minor": line.debit_minor,
        "credit_minor": line.credit_minor,
        "currency": line.currency,
        "posted_at": line.posted_at.to_string(),
        "text": text,
    })
}
