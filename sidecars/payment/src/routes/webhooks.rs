//! What Stripe tells by itself: signed, in any order, any number of times.

use axum::extract::State as AppState;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use jobzy_command::Refused;
use jobzy_payment::{Fact, FactError, metadata, signature};
use jobzy_service::clock::Clock;
use jobzy_service::extract::RawBody;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::{DbError, Tx};
use serde::Deserialize;
use serde_json::Value;

use crate::State;
use crate::step::{News, step};
use crate::store::{payments, webhooks};
use crate::worker::Pace;

const SIGNATURE: &str = "stripe-signature";

/// An event of Stripe's, as far as it is read.
#[derive(Debug, Clone, Deserialize)]
struct Notice {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Clone, Deserialize)]
struct Data {
    object: Value,
}

/// `POST /webhooks/stripe`
///
/// Whatever is signed is answered with 200, also what means nothing to us: Stripe repeats all else for days.
pub async fn stripe(
    AppState(state): AppState<State>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> ApiResult {
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Err(error) = signature::verify(header, &body, &state.webhook_secrets, state.clock.unix_s()) {
        metrics::counter!("stripe_webhooks_total", "outcome" => "forged").increment(1);
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-signature",
            "The signature is not accepted",
        )
        .detail(error.to_string()));
    }
    let notice: Notice = serde_json::from_slice(&body).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "malformed-event", "This is not an event of Stripe's")
            .detail(error.to_string())
    })?;
    let fact = match Fact::parse(&notice.data.object) {
        Ok(fact) => fact,
        Err(FactError::OtherObject(_)) => return Ok(taken("ignored")),
        Err(FactError::Shape(error)) => {
            tracing::error!(event.kind = notice.kind, %error, "an event of Stripe's cannot be read");
            return Ok(taken("unreadable"));
        }
    };
    let (clock, pace) = (state.clock.clone(), state.worker.pace());
    let outcome = state.db.transaction("webhook", move |tx| {
        let (clock, notice, fact) = (clock.clone(), notice.clone(), fact.clone());
        Box::pin(async move { merge(tx, &clock, pace, notice, fact).await })
    });
    let outcome = outcome.await.map_err(Problem::from)?;
    state.worker.wake();
    Ok(taken(outcome))
}

fn taken(outcome: &'static str) -> Response {
    metrics::counter!("stripe_webhooks_total", "outcome" => outcome).increment(1);
    StatusCode::OK.into_response()
}

async fn merge(
    tx: &mut Tx,
    clock: &Clock,
    pace: Pace,
    notice: Notice,
    fact: Fact,
) -> Result<&'static str, Refused> {
    let payment = owner(tx, &fact).await?;
    let object = notice.data.object.get("id").and_then(Value::as_str).unwrap_or_default();
    if !webhooks::first_time(tx, &notice.id, &notice.kind, object, payment, clock.now()).await? {
        return Ok("duplicate");
    }
    let Some(payment) = payment else { return Ok("not_ours") };
    let Some(record) = payments::lock(tx, payment).await? else { return Ok("not_ours") };
    step(tx, clock, pace, record, News { facts: vec![fact], ..News::default() }).await?;
    Ok("merged")
}

/// By the name we gave it, or by the intent where a person made it at Stripe by hand.
async fn owner(tx: &mut Tx, fact: &Fact) -> Result<Option<jobzy_ids::PaymentId>, DbError> {
    if let Some(named) = fact.metadata(metadata::PAYMENT).and_then(|id| id.parse().ok()) {
        return Ok(Some(named));
    }
    match fact.intent_id() {
        Some(intent) => payments::by_intent(tx, intent).await,
        None => Ok(None),
    }
}
