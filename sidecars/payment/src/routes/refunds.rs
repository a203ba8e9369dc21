//! Giving money back, by a person's decision.

use axum::extract::State as AppState;
use http::StatusCode;
use jobzy_command::Refused;
use jobzy_ids::{PaymentId, RefundId};
use jobzy_payment::{RefundRefusal, asked_minor};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{FINANCE, OPERATOR};
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::extract::Path;
use jobzy_service::idempotency::Keyed;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::Tx;
use jobzy_store::idempotency::StoredResponse;
use serde::Deserialize;
use serde_json::json;

use crate::State;
use crate::step::{NewRefund, News, step};
use crate::store::{operations, payments};
use crate::worker::Pace;

/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// What to give back, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    amount_minor: i64,
    reason: String,
}

/// `POST /api/v1/payments/{id}/refunds`
pub async fn create(
    AppState(state): AppState<State>,
    caller: Caller,
    context: RequestContext,
    Path(id): Path<PaymentId>,
    request: Keyed<Wanted>,
) -> ApiResult {
    caller.require(&[FINANCE, OPERATOR])?;
    let reason = request.value.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid-refund",
            "This cannot be refunded",
        )
        .detail(format!("reason: 1 to {MAX_REASON} characters")));
    }
    let (clock, pace) = (state.clock.clone(), state.worker.pace());
    let response =
        jobzy_command::execute(&state.db, &caller.subject, request, state.clock.now(), move |tx, wanted| {
            let (clock, context) = (clock.clone(), context.clone());
            Box::pin(async move { store(tx, id, wanted, &context, &clock, pace).await })
        });
    let response = response.await?;
    state.worker.wake();
    Ok(response)
}

async fn store(
    tx: &mut Tx,
    id: PaymentId,
    wanted: Wanted,
    context: &RequestContext,
    clock: &Clock,
    pace: Pace,
) -> Result<StoredResponse, Refused> {
    let mut record = payments::lock(tx, id).await?.ok_or_else(Problem::not_found)?;
    let known: Vec<_> =
        operations::of_payment(tx, id).await?.iter().map(operations::Operation::known).collect();
    let asked = asked_minor(&record.payment, &known);
    record.payment.may_refund(wanted.amount_minor, asked).map_err(refused)?;
    record.asked_in(context);
    let refund = NewRefund {
        id: clock.new_id(RefundId::new),
        amount_minor: wanted.amount_minor,
        reason: wanted.reason,
    };
    let body = json!({
        "id": refund.id,
        "payment_id": id,
        "amount_minor": refund.amount_minor,
        "currency": record.payment.amount.currency,
        "reason": refund.reason,
        "status": "pending",
        "created_at": clock.now().to_string(),
    });
    step(tx, clock, pace, record, News { refund: Some(refund), ..News::default() }).await?;
    Ok(StoredResponse::json(201, body.to_string()))
}

fn refused(refusal: RefundRefusal) -> Problem {
    let problem = |slug: &'static str| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::new(status, slug, "This cannot be refunded").detail(refusal.to_string())
    };
    match refusal {
        RefundRefusal::NothingCaptured => problem("nothing-captured"),
        RefundRefusal::NotPositive => problem("invalid-refund"),
        RefundRefusal::TooMuch { left_minor } => {
            problem("refund-too-large").with("refundable_minor", left_minor)
        }
    }
}
