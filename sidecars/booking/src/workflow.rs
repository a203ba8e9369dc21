//! What happens to a job: one function per decision, each inside the caller's transaction.
//!
//! `crates/booking` says whether; this module does what belongs to it in the same breath: time taken or given back,
//! the line in the history, the event.

use http::StatusCode;
use jiff::Timestamp;
use jobzy_booking::job::{Actor, Refusal, Transition};
use jobzy_booking::matching::Unfit;
use jobzy_command::Refused;
use jobzy_ids::ProviderId;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::problem::Problem;
use jobzy_store::Tx;
use serde_json::{Value, json};

use crate::matching::{self, Choice};
use crate::model::{Assigned, Entry, Job};
use crate::store::{history, jobs, providers, slots};

/// Who acts on a job.
#[derive(Debug, Clone)]
pub struct Doer {
    pub actor: Actor,
    pub subject: String,
    pub reason: Option<String>,
}

impl Doer {
    /// The service itself, on somebody's behalf.
    fn system() -> Self {
        Self { actor: Actor::System, subject: "booking".to_owned(), reason: None }
    }
}

/// When, and on whose request.
#[derive(Debug, Clone)]
pub struct Scene {
    pub context: RequestContext,
    pub clock: Clock,
    pub now: Timestamp,
}

/// Writes a draft.
pub async fn create(tx: &mut Tx, job: &Job, by: &Doer, scene: &Scene) -> Result<(), Refused> {
    jobs::insert(tx, job).await?;
    record(tx, job, "create", None, by, None, scene).await?;
    tell(tx, job, "job_created", None, by, scene).await
}

/// The customer wants it: it goes to the provider they chose, or to the best one who is free. Nobody free: it stays
/// requested. A provider who was chosen but is taken or unfit is a refusal, and the job stays a draft.
pub async fn submit(
    tx: &mut Tx,
    job: &mut Job,
    payment_method: String,
    chosen: Option<ProviderId>,
    by: &Doer,
    scene: &Scene,
) -> Result<(), Refused> {
    must_be_ahead(job, scene)?;
    job.payment_method = Some(payment_method);
    advance(tx, job, Transition::Submit, by, None, scene).await?;
    match chosen {
        Some(provider) => offer_to(tx, job, provider, by, scene).await,
        None => offer_to_best(tx, job, scene).await,
    }
}

/// Refuses a job whose time has come: nobody can be asked for it, and nobody can take it, any more.
pub fn must_be_ahead(job: &Job, scene: &Scene) -> Result<(), Problem> {
    if job.starts_at > scene.now {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "starts-in-the-past", "The time has passed"))
}

/// The provider does not want it: the next one is asked.
pub async fn reject(tx: &mut Tx, job: &mut Job, by: &Doer, scene: &Scene) -> Result<(), Refused> {
    let declined_by = job.state.provider();
    advance(tx, job, Transition::Reject, by, None, scene).await?;
    if let Some(provider) = declined_by {
        providers::decline(tx, job.id, provider, scene.now).await?;
    }
    offer_to_best(tx, job, scene).await
}

/// Stars for work that is completed, once.
pub async fn rate(tx: &mut Tx, job: &mut Job, stars: i64, by: &Doer, scene: &Scene) -> Result<(), Refused> {
    if !matches!(by.actor, Actor::Customer | Actor::Operator) {
        return Err(Problem::forbidden().into());
    }
    if job.state.name() != "completed" {
        return Err(refusal(&Refusal::WrongState { from: job.state.name(), transition: "rate" }).into());
    }
    if job.stars.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, "already-rated", "The work has been rated").into());
    }
    job.stars = Some(stars);
    job.updated_at = scene.now;
    jobs::save(tx, job).await?;
    if let Some(provider) = job.state.provider() {
        providers::count_stars(tx, provider, stars).await?;
    }
    record(tx, job, "rate", Some(job.state.name()), by, Some(json!({"stars": stars})), scene).await
}

/// Keeps what became of the payment where it leads the job nowhere.
pub async fn note_payment(tx: &mut Tx, job: &mut Job, by: &Doer, scene: &Scene) -> Result<(), Refused> {
    job.updated_at = scene.now;
    jobs::save(tx, job).await?;
    let note = job.payment.as_ref().map(|payment| json!({"payment": payment.id, "status": payment.status}));
    record(tx, job, "payment", Some(job.state.name()), by, note, scene).await
}

/// Any transition that needs no choice.
pub async fn advance(
    tx: &mut Tx,
    job: &mut Job,
    transition: Transition,
    by: &Doer,
    note: Option<Value>,
    scene: &Scene,
) -> Result<(), Refused> {
    let (from, held) = (job.state.name(), job.state.holds_slot());
    job.state = job.state.clone().apply(transition, by.actor).map_err(|refused| refusal(&refused))?;
    job.updated_at = scene.now;
    match transition {
        Transition::Accept => job.agreed_at = Some(scene.now),
        Transition::Finish { .. } => job.finished_at = Some(scene.now),
        Transition::Approve => {
            job.completed_at = Some(scene.now);
            if let Some(provider) = job.state.provider() {
                providers::count_completed(tx, provider).await?;
            }
        }
        _ => {}
    }
    if held && !job.state.holds_slot() {
        slots::release(tx, job.id, scene.now).await?;
    }
    // Others are told with the provider it was taken from; the job forgets them.
    let told = job.assigned.clone();
    if job.state.provider().is_none() {
        job.assigned = None;
    }
    jobs::save(tx, job).await?;
    record(tx, job, transition.as_str(), Some(from), by, note, scene).await?;
    tell(tx, job, event_of(transition), told.as_ref(), by, scene).await
}

async fn offer_to(
    tx: &mut Tx,
    job: &mut Job,
    chosen: ProviderId,
    by: &Doer,
    scene: &Scene,
) -> Result<(), Refused> {
    let unsuitable = || {
        let title = "The chosen provider cannot do this job";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "provider-unsuitable", title)
    };
    let choices = matching::judge(tx, job, Some(chosen)).await?;
    let choice = choices.first().ok_or_else(unsuitable)?.clone();
    match choice.judged.unfit[..] {
        [] => {}
        [Unfit::SlotTaken] => return Err(slot_taken().into()),
        _ => return Err(unsuitable().with("unfit", json!(choice.judged.unfit)).into()),
    }
    let by = Doer { reason: None, ..by.clone() };
    if give(tx, job, &choice, &by, matching::explain(&choices), scene).await? {
        Ok(())
    } else {
        Err(slot_taken().into())
    }
}

async fn offer_to_best(tx: &mut Tx, job: &mut Job, scene: &Scene) -> Result<(), Refused> {
    let choices = matching::judge(tx, job, None).await?;
    for choice in choices.iter().filter(|choice| choice.judged.unfit.is_empty()) {
        if give(tx, job, choice, &Doer::system(), matching::explain(&choices), scene).await? {
            break;
        }
    }
    Ok(())
}

/// Takes the provider's time and offers the job; false when the time is gone.
async fn give(
    tx: &mut Tx,
    job: &mut Job,
    choice: &Choice,
    by: &Doer,
    why: Value,
    scene: &Scene,
) -> Result<bool, Refused> {
    let slot = job.slot().map_err(|error| Problem::internal(&error))?;
    if !slots::take(tx, choice.provider.id, job.id, slot).await? {
        return Ok(false);
    }
    job.assigned = Some(choice.provider.assigned());
    advance(tx, job, Transition::Offer(choice.provider.id), by, Some(why), scene).await?;
    Ok(true)
}

async fn record(
    tx: &mut Tx,
    job: &Job,
    transition: &str,
    from: Option<&str>,
    by: &Doer,
    note: Option<Value>,
    scene: &Scene,
) -> Result<(), Refused> {
    let entry = Entry {
        version: job.version,
        transition: transition.to_owned(),
        from: from.map(str::to_owned),
        to: job.state.name().to_owned(),
        actor: by.actor.as_str().to_owned(),
        subject: by.subject.clone(),
        reason: by.reason.clone(),
        note: note.map(|note| note.to_string()),
        correlation_id: scene.context.correlation_id.to_string(),
        at: scene.now,
    };
    Ok(history::append(tx, job.id, &entry).await?)
}

/// Tells the other services. Data carries what they need, so that none of them has to ask back.
async fn tell(
    tx: &mut Tx,
    job: &Job,
    event: &str,
    provider: Option<&Assigned>,
    by: &Doer,
    scene: &Scene,
) -> Result<(), Refused> {
    let quote = &job.details.quote;
    let mut data = json!({
        "ids": [
            {"system": "booking", "type": "job", "id": job.id},
            {"system": "pricing", "type": "quote", "id": format!("{}/{}", job.id, quote.id)},
        ],
        "job_id": job.id,
        "status": job.state.name(),
        "actor": by.actor.as_str(),
        "reason": by.reason,
        "customer": {"subject": job.customer},
        "provider": provider,
    });
    if matches!(event, "job_accepted" | "job_completed")
        && let Some(object) = data.as_object_mut()
    {
        let terms = json!({
            "customer": {
                "subject": job.customer,
                "name": job.details.contact.name,
                "email": job.details.contact.email,
            },
            "service": quote.service,
            "title": quote.title,
            "household_work": quote.household_work,
            "vat_rate_bp": quote.vat_rate_bp,
            "total_minor": quote.total_minor,
            "currency": quote.currency,
            "payment_method": job.payment_method,
            "place": job.details.place,
            "starts_at": job.starts_at.to_string(),
            "agreed_at": job.agreed_at.map(|at| at.to_string()),
            "split": job.state.split(),
            "finished_at": job.finished_at.map(|at| at.to_string()),
            "completed_at": job.completed_at.map(|at| at.to_string()),
        });
        object.extend(terms.as_object().cloned().unwrap_or_default());
    }
    let (event, subject) = (format!("jobzy.booking.{event}.v1"), job.id.to_string());
    jobzy_events::emit(tx, &scene.context, "/jobzy/booking", &event, &subject, data, &scene.clock).await?;
    Ok(())
}

fn event_of(transition: Transition) -> &'static str {
    match transition {
        Transition::Submit => "job_submitted",
        Transition::Offer(_) => "job_offered",
        Transition::Accept => "job_accepted",
        Transition::Reject => "job_rejected",
        Transition::Confirm => "job_confirmed",
        Transition::FailPayment => "job_payment_failed",
        Transition::CheckIn => "job_started",
        Transition::Finish { .. } => "job_work_done",
        Transition::Approve => "job_completed",
        Transition::Cancel => "job_cancelled",
    }
}

fn slot_taken() -> Problem {
    Problem::new(StatusCode::CONFLICT, "slot-taken", "The provider has another job at that time")
}

/// What a refused transition is to the caller.
pub fn refusal(refused: &Refusal) -> Problem {
    let problem = match refused {
        Refusal::WrongState { from, transition } => {
            Problem::new(StatusCode::CONFLICT, "wrong-state", "The job is not where this leads on from")
                .with("from", *from)
                .with("attempted", *transition)
        }
        Refusal::WrongActor { .. } => {
            Problem::new(StatusCode::FORBIDDEN, "wrong-actor", "This is for somebody else to do")
        }
        Refusal::Split(_) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "split-mismatch",
            "The parts do not make up the price",
        ),
    };
    problem.detail(refused.to_string())
}
