//! What became of the payment.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use jobzy_booking::job::{Actor, State as Stage, Transition};
use jobzy_command::Refused;
use jobzy_events::CloudEvent;
use jobzy_ids::{JobId, PaymentId};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::SERVICE;
use jobzy_service::clock::Clock;
use jobzy_service::extract::RawBody;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::Tx;
use serde::Deserialize;

use crate::State;
use crate::model::Payment;
use crate::store::jobs;
use crate::workflow::{self, Doer, Scene};

/// The part of a payment event that concerns a job.
#[derive(Debug, Deserialize)]
struct News {
    job_id: JobId,
    payment_id: PaymentId,
    status: String,
    reason: Option<String>,
}

/// `POST /internal/events`
pub async fn receive(AppState(state): AppState<State>, caller: Caller, RawBody(body): RawBody) -> ApiResult {
    caller.require(&[SERVICE])?;
    let clock = state.clock.clone();
    let received = jobzy_events::receive(&state.db, &body, &state.clock, move |tx, event| {
        let clock = clock.clone();
        Box::pin(async move { take_in(tx, &event, clock).await })
    });
    let received = received.await?;
    state.pump.wake();
    Ok(received.into_response())
}

/// How far along a payment is that tells this. News may come in any order; older news changes nothing.
fn rank(event_type: &str) -> Option<i64> {
    Some(match event_type.strip_prefix("jobzy.payment.")?.strip_suffix(".v1")? {
        "payment_created" => 1,
        "payment_action_required" => 2,
        "payment_authorised" => 3,
        "payment_failed" => 4,
        "payment_captured" => 5,
        "payment_voided" => 6,
        "payment_refunded" => 7,
        _ => return None,
    })
}

async fn take_in(tx: &mut Tx, event: &CloudEvent, clock: Clock) -> Result<(), Refused> {
    let Some(rank) = rank(&event.r#type) else { return Ok(()) };
    let news: News = serde_json::from_value(event.data.clone()).map_err(|error| {
        Problem::new(
            http::StatusCode::BAD_REQUEST,
            "malformed-event",
            "This is not an event this service takes",
        )
        .detail(error.to_string())
    })?;
    let Some(mut job) = jobs::lock(tx, news.job_id).await? else {
        tracing::warn!(job = %news.job_id, "a payment of an unknown job was told");
        return Ok(());
    };
    // A refund in parts is told several times with one rank.
    if job.payment.as_ref().is_none_or(|known| known.rank <= rank) {
        job.payment = Some(Payment { id: news.payment_id, status: news.status, rank });
    }
    let now = clock.now();
    let scene = Scene { context: event.context(&clock), clock, now };
    let by = Doer { actor: Actor::Payment, subject: "payment".to_owned(), reason: news.reason };
    let transition = match (&job.state, event.r#type.as_str()) {
        (Stage::Accepted { .. }, "jobzy.payment.payment_authorised.v1") => Some(Transition::Confirm),
        // Nothing is held any more, so nobody is to begin: the job ends as one that could not be paid.
        (
            Stage::Accepted { .. } | Stage::Confirmed { .. },
            "jobzy.payment.payment_failed.v1" | "jobzy.payment.payment_voided.v1",
        ) => Some(Transition::FailPayment),
        _ => None,
    };
    match transition {
        Some(transition) => workflow::advance(tx, &mut job, transition, &by, None, &scene).await,
        None => workflow::note_payment(tx, &mut job, &by, &scene).await,
    }
}
