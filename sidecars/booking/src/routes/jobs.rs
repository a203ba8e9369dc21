//! Jobs: ordered, listed, shown.

use axum::extract::State as AppState;
use axum::response::IntoResponse;
use http::StatusCode;
use jobzy_booking::hours::helsinki;
use jobzy_booking::job::{Actor, State as Stage};
use jobzy_booking::slots::Slot;
use jobzy_ids::JobId;
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{CUSTOMER, OPERATOR, PROVIDER};
use jobzy_service::context::RequestContext;
use jobzy_service::extract::{Path, Query};
use jobzy_service::idempotency::Keyed;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::idempotency::StoredResponse;
use serde::Deserialize;
use serde_json::json;

use super::{failed, invalid, part_in, text, view};
use crate::State;
use crate::matching;
use crate::model::{Address, Booked, Contact, Details, Job, place_of};
use crate::prices::{Quote, ShownQuote};
use crate::store::{history as lines, jobs};
use crate::workflow::{self, Doer, Scene};

/// Most jobs of one page.
const PAGE: i64 = 50;
const STATES: [&str; 10] = [
    "draft",
    "requested",
    "offered",
    "accepted",
    "confirmed",
    "in_progress",
    "work_done",
    "completed",
    "cancelled",
    "payment_failed",
];

/// A job as it is ordered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    quote: ShownQuote,
    place: Address,
    starts_at: jiff::Timestamp,
    duration_minutes: i64,
    contact: Contact,
    notes: Option<String>,
}

/// `POST /api/v1/jobs`
pub async fn create(
    AppState(state): AppState<State>,
    caller: Caller,
    context: RequestContext,
    request: Keyed<NewJob>,
) -> ApiResult {
    caller.require(&[CUSTOMER])?;
    if let Some(answer) = jobzy_command::replay(&state.db, &caller.subject, &request).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    let order = check(request.value.clone(), now)?;
    let quote = state.prices.redeem(&order.quote, &context).await?;
    check_length(&quote, order.duration_minutes)?;
    let job = Job {
        id: state.clock.new_id(JobId::new),
        customer: caller.subject.clone(),
        state: Stage::Draft,
        details: Details {
            contact: order.contact,
            place: order.place,
            notes: order.notes,
            quote: Booked::new(quote, order.quote.request),
        },
        assigned: None,
        starts_at: order.starts_at,
        duration_minutes: order.duration_minutes,
        payment_method: None,
        payment: None,
        stars: None,
        agreed_at: None,
        finished_at: None,
        completed_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let scene = Scene { context, clock: state.clock.clone(), now };
    let response = jobzy_command::execute(&state.db, &caller.subject, request, now, move |tx, _| {
        let (job, scene) = (job.clone(), scene.clone());
        Box::pin(async move {
            let by = Doer { actor: Actor::Customer, subject: job.customer.clone(), reason: None };
            workflow::create(tx, &job, &by, &scene).await?;
            let body = view::job(&job, Actor::Customer).to_string();
            Ok(StoredResponse::json(StatusCode::CREATED.as_u16(), body)
                .with_header("location", format!("/api/v1/jobs/{}", job.id)))
        })
    });
    let response = response.await?;
    state.pump.wake();
    Ok(response)
}

/// Everything that can be said without asking another service.
fn check(order: NewJob, now: jiff::Timestamp) -> Result<NewJob, Problem> {
    let place = Address {
        street: text("place.street", &order.place.street, 200)?,
        city: text("place.city", &order.place.city, 100)?,
        ..order.place
    };
    place_of(place.lat, place.lon).ok_or_else(|| invalid("place", "lat and lon must lie in Finland"))?;
    let contact = Contact { name: text("contact.name", &order.contact.name, 120)?, ..order.contact };
    if let Some(email) = &contact.email {
        check_email(email)?;
    }
    let notes = order.notes.map(|notes| text("notes", &notes, 2000)).transpose()?;
    Slot::new(order.starts_at, order.duration_minutes)
        .map_err(|error| invalid("starts_at, duration_minutes", error))?;
    if order.starts_at <= now {
        return Err(invalid("starts_at", "must lie in the future"));
    }
    let other = |what: &str| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "quote-not-for-this-job",
            "The quote is for another job",
        )
        .detail(what.to_owned())
    };
    if place.postal_code != order.quote.request.postal_code {
        return Err(other("the place has another postal code than the quote"));
    }
    let helsinki = helsinki().ok_or_else(|| Problem::internal("the time zone of Finland cannot be read"))?;
    if helsinki.to_datetime(order.starts_at).date() != order.quote.request.date {
        return Err(other("the work is on another day than the quote"));
    }
    Ok(NewJob { place, contact, notes, ..order })
}

/// Whether mail could go there; the mail server knows the rest.
fn check_email(email: &str) -> Result<(), Problem> {
    let shape = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    let plain = email.len() <= 254 && email.bytes().all(|byte| byte.is_ascii_graphic());
    if shape && plain { Ok(()) } else { Err(invalid("contact.email", "is no mail address")) }
}

/// Hours that are paid are the hours that are taken from the provider.
fn check_length(quote: &Quote, minutes: i64) -> Result<(), Problem> {
    if quote.service.unit != "hourly" {
        return Ok(());
    }
    let unreadable = || Problem::internal("the quantity of a quote cannot be read");
    let (hours, hundredths) = quote.request.quantity.split_once('.').unwrap_or((&quote.request.quantity, ""));
    let hours: i64 = hours.parse().map_err(|_| unreadable())?;
    let hundredths: i64 = format!("{hundredths:0<2}").parse().map_err(|_| unreadable())?;
    // In hundredths of an hour; rounded up to whole quarters.
    let quarters = (hours * 100 + hundredths + 24) / 25;
    if quarters * 15 == minutes {
        return Ok(());
    }
    let detail = format!("duration_minutes must be {}: the hours of the quote", quarters * 15);
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "quote-not-for-this-job",
        "The quote is for another job",
    )
    .detail(detail))
}

/// Which jobs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    status: Option<String>,
    after: Option<JobId>,
}

/// `GET /api/v1/jobs`
pub async fn list(
    AppState(state): AppState<State>,
    caller: Caller,
    Query(search): Query<Search>,
) -> ApiResult {
    caller.require(&[CUSTOMER, PROVIDER, OPERATOR])?;
    if let Some(status) = &search.status
        && !STATES.contains(&status.as_str())
    {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-query",
            "The query parameters are not understood",
        )
        .detail(format!("status is one of {}", STATES.join(", "))));
    }
    let whose = if caller.has(OPERATOR) { jobs::Whose::All } else { jobs::Whose::Of(caller.subject.clone()) };
    let found =
        jobs::list(&state.db, &whose, search.status.as_deref(), search.after, PAGE).await.map_err(failed)?;
    let next = found.last().filter(|_| found.len() as i64 == PAGE).map(|job| job.id);
    let shown: Vec<_> =
        found.iter().filter_map(|job| part_in(job, &caller).map(|actor| view::job(job, actor))).collect();
    Ok(axum::Json(json!({"jobs": shown, "next": next})).into_response())
}

/// `GET /api/v1/jobs/{id}`
pub async fn show(AppState(state): AppState<State>, caller: Caller, Path(id): Path<JobId>) -> ApiResult {
    let (job, viewer) = seen_by(&state, &caller, id).await?;
    Ok(axum::Json(view::job(&job, viewer)).into_response())
}

/// `GET /api/v1/jobs/{id}/history`
pub async fn history(AppState(state): AppState<State>, caller: Caller, Path(id): Path<JobId>) -> ApiResult {
    let (_, viewer) = seen_by(&state, &caller, id).await?;
    let lines = lines::list(&state.db, id).await.map_err(failed)?;
    let lines: Vec<_> = lines.iter().map(|line| view::entry(line, viewer)).collect();
    Ok(axum::Json(json!({"history": lines})).into_response())
}

/// `GET /api/v1/jobs/{id}/candidates`
///
/// The customer is shown who could come; an operator also who could not, and why.
pub async fn candidates(
    AppState(state): AppState<State>,
    caller: Caller,
    Path(id): Path<JobId>,
) -> ApiResult {
    let (job, viewer) = seen_by(&state, &caller, id).await?;
    if viewer == Actor::Provider {
        return Err(Problem::forbidden());
    }
    let choices = state.db.transaction("candidates", move |tx| {
        let job = job.clone();
        Box::pin(async move { matching::judge(tx, &job, None).await })
    });
    let choices = choices.await.map_err(Problem::from)?;
    let shown = choices.iter().filter(|choice| viewer == Actor::Operator || choice.judged.unfit.is_empty());
    let shown: Vec<_> = shown.map(matching::to_json).collect();
    Ok(axum::Json(json!({"model": jobzy_booking::matching::MODEL, "candidates": shown})).into_response())
}

async fn seen_by(state: &State, caller: &Caller, id: JobId) -> ApiResult<(Job, Actor)> {
    caller.require(&[CUSTOMER, PROVIDER, OPERATOR])?;
    let job = jobs::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    let viewer = part_in(&job, caller).ok_or_else(Problem::not_found)?;
    Ok((job, viewer))
}
