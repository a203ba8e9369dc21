//! What people do to a job. Each is one command with an idempotency key, and one transaction.

use axum::extract::State as AppState;
use http::StatusCode;
use jobzy_booking::job::{Actor, State as Stage, Transition};
use jobzy_booking::split::Split;
use jobzy_command::Refused;
use jobzy_ids::{JobId, ProviderId};
use jobzy_service::auth::Caller;
use jobzy_service::auth::roles::{CUSTOMER, OPERATOR, PROVIDER};
use jobzy_service::context::RequestContext;
use jobzy_service::extract::Path;
use jobzy_service::idempotency::Keyed;
use jobzy_service::problem::{ApiResult, Problem};
use jobzy_store::Tx;
use jobzy_store::idempotency::StoredResponse;
use serde::Deserialize;
use serde_json::json;

use super::{failed, invalid, part_in, text, view};
use crate::State;
use crate::model::Job;
use crate::store::jobs;
use crate::workflow::{self, Doer, Scene};

const OF_CUSTOMER: &[&str] = &[CUSTOMER, OPERATOR];
const OF_PROVIDER: &[&str] = &[PROVIDER, OPERATOR];
const OF_ALL: &[&str] = &[CUSTOMER, PROVIDER, OPERATOR];
const MAX_REASON: usize = 500;

/// What is to be done.
#[derive(Debug, Clone)]
enum Command {
    Submit { payment_method: String, provider: Option<ProviderId> },
    Accept,
    Reject,
    CheckIn,
    Finish(Split),
    Approve,
    Cancel,
    Rate(i64),
}

/// A body that may carry a reason. An operator, who acts for somebody else, must give one, and so must everybody who
/// calls a job off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    reason: Option<String>,
}

/// How to pay, and whom to ask.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    payment_method: String,
    provider_id: Option<ProviderId>,
    reason: Option<String>,
}

/// What the price is made up of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    labour_minor: i64,
    material_minor: i64,
    travel_minor: i64,
    reason: Option<String>,
}

/// Stars.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rating {
    stars: i64,
    reason: Option<String>,
}

/// The command in a body, with its reason.
type Order = Result<(Command, Option<String>), Problem>;

/// Who wants what done to which job.
type Asked = (AppState<State>, Caller, RequestContext, Path<JobId>);

macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $roles:expr, $body:ty, $order:expr) => {
        $(#[$doc])*
        pub async fn $name(
            state: AppState<State>,
            caller: Caller,
            context: RequestContext,
            id: Path<JobId>,
            request: Keyed<$body>,
        ) -> ApiResult {
            perform((state, caller, context, id), $roles, request, $order).await
        }
    };
}

/// `POST /api/v1/jobs/{id}/submit`
///
/// Also for a job that is requested and nobody was free: it is offered again. Its quote must still hold: a draft that
/// was written when the day was far does not buy an urgent job.
pub async fn submit(
    AppState(state): AppState<State>,
    caller: Caller,
    context: RequestContext,
    Path(id): Path<JobId>,
    request: Keyed<Submission>,
) -> ApiResult {
    caller.require(OF_CUSTOMER)?;
    if let Some(answer) = jobzy_command::replay(&state.db, &caller.subject, &request).await? {
        return Ok(answer);
    }
    let job = jobs::load(&state.db, id).await.map_err(failed)?.ok_or_else(Problem::not_found)?;
    part_in(&job, &caller).ok_or_else(Problem::not_found)?;
    if matches!(job.state, Stage::Draft | Stage::Requested) {
        state.prices.redeem(&job.details.quote.shown(), &context).await?;
    }
    perform((AppState(state), caller, context, Path(id)), OF_CUSTOMER, request, |body| {
        let method = body.payment_method;
        let form = method.len() <= 64 && method.starts_with("pm_");
        if !form || !method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(invalid("payment_method", "must be the id of a payment method, pm_..."));
        }
        Ok((Command::Submit { payment_method: method, provider: body.provider_id }, body.reason))
    })
    .await
}

action!(
    /// `POST /api/v1/jobs/{id}/accept`
    accept, OF_PROVIDER, Plain, |body| Ok((Command::Accept, body.reason))
);
action!(
    /// `POST /api/v1/jobs/{id}/reject`
    reject, OF_PROVIDER, Plain, |body| Ok((Command::Reject, body.reason))
);
action!(
    /// `POST /api/v1/jobs/{id}/check-in`
    check_in, OF_PROVIDER, Plain, |body| Ok((Command::CheckIn, body.reason))
);
action!(
    /// `POST /api/v1/jobs/{id}/finish`
    finish, OF_PROVIDER, Finish, |body| {
        let Finish { labour_minor, material_minor, travel_minor, reason } = body;
        Ok((Command::Finish(Split { labour_minor, material_minor, travel_minor }), reason))
    }
);
action!(
    /// `POST /api/v1/jobs/{id}/approve`
    approve, OF_CUSTOMER, Plain, |body| Ok((Command::Approve, body.reason))
);
action!(
    /// `POST /api/v1/jobs/{id}/cancel`
    cancel, OF_ALL, Plain, |body| {
        let reason = body.reason.ok_or_else(|| invalid("reason", "calling a job off needs one"))?;
        Ok((Command::Cancel, Some(reason)))
    }
);
action!(
    /// `POST /api/v1/jobs/{id}/rating`
    rate, OF_CUSTOMER, Rating, |body| {
        if !(1..=5).contains(&body.stars) {
            return Err(invalid("stars", "must be 1 to 5"));
        }
        Ok((Command::Rate(body.stars), body.reason))
    }
);

async fn perform<T>(
    (AppState(state), caller, context, Path(id)): Asked,
    roles: &[&str],
    request: Keyed<T>,
    order: fn(T) -> Order,
) -> ApiResult
where
    T: Clone + Send + Sync + 'static,
{
    caller.require(roles)?;
    let now = state.clock.now();
    let scene = Scene { context, clock: state.clock.clone(), now };
    let subject = caller.subject.clone();
    let response = jobzy_command::execute(&state.db, &subject, request, now, move |tx, body| {
        let (caller, scene) = (caller.clone(), scene.clone());
        Box::pin(async move {
            let (command, reason) = order(body)?;
            let reason = reason.map(|reason| text("reason", &reason, MAX_REASON)).transpose()?;
            let mut job = jobs::lock(tx, id).await?.ok_or_else(Problem::not_found)?;
            let actor = part_in(&job, &caller).ok_or_else(Problem::not_found)?;
            if actor == Actor::Operator && reason.is_none() {
                return Err(invalid("reason", "an operator gives one").into());
            }
            let by = Doer { actor, subject: caller.subject.clone(), reason };
            carry_out(tx, &mut job, command, &by, &scene).await?;
            // Who has declined is a stranger from now on.
            let body = match part_in(&job, &caller) {
                Some(actor) => view::job(&job, actor),
                None => json!({"id": job.id, "rejected": true}),
            };
            Ok(StoredResponse::json(StatusCode::OK.as_u16(), body.to_string()))
        })
    });
    let response = response.await?;
    state.pump.wake();
    Ok(response)
}

async fn carry_out(
    tx: &mut Tx,
    job: &mut Job,
    command: Command,
    by: &Doer,
    scene: &Scene,
) -> Result<(), Refused> {
    let transition = match command {
        Command::Submit { payment_method, provider } => {
            return workflow::submit(tx, job, payment_method, provider, by, scene).await;
        }
        Command::Reject => return workflow::reject(tx, job, by, scene).await,
        Command::Rate(stars) => return workflow::rate(tx, job, stars, by, scene).await,
        Command::Accept => {
            workflow::must_be_ahead(job, scene)?;
            Transition::Accept
        }
        Command::CheckIn => Transition::CheckIn,
        Command::Finish(split) => Transition::Finish { split, total_minor: job.details.quote.total_minor },
        Command::Approve => Transition::Approve,
        Command::Cancel => Transition::Cancel,
    };
    workflow::advance(tx, job, transition, by, None, scene).await
}
