//! What booking tells: hold the money, take it, let go of it.

use std::sync::Arc;

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use jobzy_command::Refused;
use jobzy_events::CloudEvent;
use jobzy_ids::{AttemptId, JobId, PaymentId};
use jobzy_money::Money;
use jobzy_money::vat::{VatClass, vat_rate};
use jobzy_payment::commission::Commissions;
use jobzy_payment::posting::Terms;
use jobzy_payment::{Payment, Wish};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::SERVICE;
use jobzy_service::clock::Clock;
use jobzy_service::extract::RawBody;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::Tx;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::State;
use crate::invoicing::helsinki_day;
use crate::sale::{Completion, Sale};
use crate::step::{News, emit, event_data, is_uncollectable, step, tell_uncollectable};
use crate::store::payments::{self, Record};
use crate::store::wishes;
use crate::worker::Pace;

/// What we take, as dated data.
const COMMISSIONS: &str = include_str!("../../seed/commissions.json");

/// `POST /internal/events`
pub async fn receive(AppState(state): AppState<State>, caller: Caller, RawBody(body): RawBody) -> ApiResult {
    caller.require(&[SERVICE])?;
    let (clock, pace) = (state.clock.clone(), state.worker.pace());
    let commissions = Commissions::parse(COMMISSIONS).map_err(|error| Problem::internal(&error))?;
    let commissions = Arc::new(commissions);
    let received = jobzy_events::receive(&state.db, &body, &state.clock, move |tx, event| {
        let (clock, commissions) = (clock.clone(), Arc::clone(&commissions));
        Box::pin(async move { hear(tx, &clock, pace, &commissions, &event).await })
    });
    let received = received.await?;
    state.worker.wake();
    Ok(received.into_response())
}

#[derive(Deserialize)]
struct OfJob {
    job_id: JobId,
}

async fn hear(
    tx: &mut Tx,
    clock: &Clock,
    pace: Pace,
    commissions: &Commissions,
    event: &CloudEvent,
) -> Result<(), Refused> {
    let wish = match event.r#type.as_str() {
        "jobzy.booking.job_accepted.v1" => Wish::Hold,
        "jobzy.booking.job_completed.v1" => Wish::Capture,
        "jobzy.booking.job_cancelled.v1" | "jobzy.booking.job_payment_failed.v1" => Wish::Release,
        _ => return Ok(()),
    };
    let OfJob { job_id: job } = read(&event.data)?;
    let completion = match wish {
        Wish::Capture => Some(read::<Completion>(&event.data)?),
        Wish::Hold | Wish::Release => None,
    };
    let wanted = wishes::hear(tx, job, wish).await?;
    let mut record = match payments::by_job(tx, job).await? {
        Some(id) => payments::lock(tx, id).await?.ok_or_else(Problem::not_found)?,
        // Cancelled before it was accepted, or without ever having been: the wish is remembered, nothing else is known.
        None if wish == Wish::Release => return Ok(()),
        None => create(tx, clock, commissions, job, read(&event.data)?, event).await?,
    };
    if let Some(completion) = &completion
        && !completion.split.makes(record.payment.amount.minor)
    {
        return Err(unreadable("the split does not make the total").into());
    }
    if record.completion.is_none() {
        record.completion = completion;
    }
    record.asked_in(&event.context(clock));
    let was_uncollectable = is_uncollectable(&record);
    record.payment.wish = record.payment.wish.max(wanted);
    let already = is_uncollectable(&record);
    let record = step(tx, clock, pace, record, News::default()).await?;
    if already && !was_uncollectable {
        tell_uncollectable(tx, clock, &record).await?;
    }
    Ok(())
}

/// Makes the payment of a job, locked as if it had been there.
async fn create(
    tx: &mut Tx,
    clock: &Clock,
    commissions: &Commissions,
    job: JobId,
    sale: Sale,
    event: &CloudEvent,
) -> Result<Record, Refused> {
    if sale.total_minor <= 0 {
        return Err(unreadable("total_minor: must be more than zero").into());
    }
    let now = clock.now();
    let amount = Money { minor: sale.total_minor, currency: sale.currency };
    let terms = terms(commissions, &sale, now)?;
    let payment =
        Payment::new(clock.new_id(PaymentId::new), amount, Wish::Hold, clock.new_id(AttemptId::new));
    let context = event.context(clock);
    let record = Record {
        payment,
        job,
        sale,
        completion: None,
        terms,
        correlation_id: context.correlation_id,
        traceparent: context.traceparent,
        version: 0,
        look_at: None,
        looks: 0,
        created_at: now,
        updated_at: now,
    };
    payments::insert(tx, &record).await?;
    emit(tx, clock, &record, "payment_created", event_data(&record, &[])).await?;
    Ok(record)
}

/// Commission and its VAT on the day of the sale.
fn terms(commissions: &Commissions, sale: &Sale, now: Timestamp) -> Result<Terms, Problem> {
    let day = helsinki_day(now).map_err(|error| Problem::internal(&error))?;
    let commission = commissions.rate(&sale.service, day).map_err(|error| Problem::internal(&error))?;
    // Mediating is a service at the general rate, whatever is mediated.
    let vat = vat_rate(VatClass::General, (day.year(), day.month(), day.day()));
    let vat = vat.map_err(|error| Problem::internal(&error))?.rate;
    Ok(Terms { commission, vat, currency: sale.currency })
}

fn read<T: DeserializeOwned>(data: &Value) -> Result<T, Problem> {
    T::deserialize(data).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(reason: &str) -> Problem {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Problem::new(status, "unreadable-event", "The event does not say what a payment needs").detail(reason)
}
