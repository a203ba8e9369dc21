//! The one way a payment changes, whoever has something to say about it.

use jiff::{SignedDuration, Timestamp};
use jobzy_command::Refused;
use jobzy_ids::RefundId;
use jobzy_payment::{
    Effect, Fact, Kind, OperationState, Phase, RefundStatus, Refusal, Status, Wish, apply, ask_again_s, plan,
    send_again_s, settled,
};
use jobzy_service::clock::Clock;
use jobzy_service::problem::Problem;
use jobzy_store::Tx;
use serde_json::{Value, json};

use crate::store::ledger;
use crate::store::operations::{self, Operation, OperationId};
use crate::store::payments::{self, Record};
use crate::worker::Pace;

/// How long a hold or a refund under way is trusted to be told of by webhook, in seconds.
const LOOK_DAILY_S: i64 = 86_400;

/// A card's hold lasts seven days, and must outlast the work and its approval: the money of a job further ahead is
/// asked for this long before it begins.
const HOLD_BEFORE: SignedDuration = SignedDuration::from_hours(48);

/// What somebody has to say about a payment.
#[derive(Debug, Default, Clone)]
pub struct News {
    /// What Stripe said.
    pub facts: Vec<Fact>,
    /// What became of an operation of ours, as far as its answer says.
    pub outcome: Option<(Operation, Outcome)>,
    /// Money that a person wants to be given back.
    pub refund: Option<NewRefund>,
}

/// A refund that was asked for and permitted.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// Ours; also the operation's.
    pub id: RefundId,
    /// Minor units.
    pub amount_minor: i64,
    /// Why.
    pub reason: String,
}

/// What an answer says about the operation that got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused for good.
    Failed(String),
    /// Surely not executed: to be sent again.
    Errored(String),
    /// Perhaps executed: to be asked for.
    Unknown(String),
}

/// Merges the news into a locked payment, and stores everything that follows: state, operations, bookings, events.
///
/// `wish` is in the record already. The same news again change nothing.
pub async fn step(
    tx: &mut Tx,
    clock: &Clock,
    pace: Pace,
    mut record: Record,
    news: News,
) -> Result<Record, Refused> {
    let now = clock.now();
    let before = record.clone();
    let mut effects = Vec::new();
    for fact in &news.facts {
        match apply(record.payment.clone(), fact) {
            Ok((next, more)) => {
                record.payment = next;
                effects.extend(more);
            }
            Err(refusal) => refused(&record, &refusal),
        }
    }
    let mut operations = operations::of_payment(tx, record.payment.id).await?;
    if let Some(refund) = &news.refund {
        operations.extend(add_refund(tx, &record, refund, now).await?);
    }
    settle(tx, &record, &mut operations, news.outcome, pace, now).await?;
    if let Some(reason) = drop_unsent(tx, &record, &mut operations, now).await? {
        effects.push(Effect::Voided { reason });
    }
    add_planned(tx, clock, &record, &operations).await?;
    post(tx, &before, &record, now).await?;
    for attempt in &record.payment.attempts {
        let known = before.payment.attempts.iter().any(|old| old.intent_id == attempt.intent_id);
        if let (Some(intent), false) = (&attempt.intent_id, known) {
            payments::remember_intent(tx, intent, record.payment.id).await?;
        }
    }
    if record.payment != before.payment {
        record.updated_at = now;
        record.looks = 0;
        record.look_at = next_look(&record, pace, now);
    }
    payments::save(tx, &record).await?;
    for effect in &effects {
        tell(tx, clock, &record, effect).await?;
    }
    if is_uncollectable(&record) && !is_uncollectable(&before) {
        tell_uncollectable(tx, clock, &record).await?;
    }
    Ok(record)
}

/// Whether the work is done and there is no money left to take for it.
pub fn is_uncollectable(record: &Record) -> bool {
    let gone = |phase| matches!(phase, Phase::Cancelled | Phase::Failed);
    record.payment.wish == Wish::Capture
        && record.payment.captured_minor() == 0
        && record.payment.current().is_some_and(|attempt| gone(attempt.phase()))
}

/// Tells everybody, people included: somebody must talk to the customer.
pub async fn tell_uncollectable(tx: &mut Tx, clock: &Clock, record: &Record) -> Result<(), Refused> {
    metrics::counter!("payments_uncollectable_total").increment(1);
    tracing::error!(payment.id = %record.payment.id, job.id = %record.job, "work was done and nothing is held to pay it");
    emit(tx, clock, record, "payment_uncollectable", event_data(record, &[])).await
}

/// When Stripe is to be asked how a payment stands, if it says nothing by itself: webhooks may be switched off, or
/// given up after three days.
pub fn next_look(record: &Record, pace: Pace, now: Timestamp) -> Option<Timestamp> {
    let pending = record.payment.refunds.values().any(|refund| refund.status == RefundStatus::Pending);
    let seconds = match record.payment.status() {
        Status::ActionNeeded | Status::Processing => ask_again_s(record.looks.saturating_add(1)),
        Status::Authorised => LOOK_DAILY_S,
        _ if pending => LOOK_DAILY_S,
        _ => return None,
    };
    Some(pace.after(now, seconds))
}

fn refused(record: &Record, refusal: &Refusal) {
    let kind = match refusal {
        Refusal::NotOurs => "not_ours",
        Refusal::SecondIntent { .. } => "second_intent",
        Refusal::OtherAmount => "other_amount",
    };
    metrics::counter!("payment_facts_refused_total", "reason" => kind).increment(1);
    tracing::error!(payment.id = %record.payment.id, reason = %refusal, "what Stripe said was not merged");
}

async fn add_refund(
    tx: &mut Tx,
    record: &Record,
    refund: &NewRefund,
    now: Timestamp,
) -> Result<Option<Operation>, Refused> {
    let charged = record.payment.attempts.iter().find(|attempt| attempt.captured_minor > 0);
    let Some(attempt) = charged else { return Ok(None) };
    let operation = Operation {
        id: OperationId(*refund.id.as_bytes()),
        payment: record.payment.id,
        attempt: attempt.id,
        kind: Kind::Refund,
        state: OperationState::Init,
        amount_minor: refund.amount_minor,
        reason: Some(refund.reason.clone()),
        tries: 0,
        due_at: now,
        created_at: now,
    };
    operations::insert(tx, &operation, now).await?;
    Ok(Some(operation))
}

/// Writes down what became of the operation that was answered, and of all others that the state now says something of.
async fn settle(
    tx: &mut Tx,
    record: &Record,
    operations: &mut [Operation],
    outcome: Option<(Operation, Outcome)>,
    pace: Pace,
    now: Timestamp,
) -> Result<(), Refused> {
    for operation in operations.iter_mut().filter(|operation| !operation.state.is_final()) {
        let answered = outcome.as_ref().filter(|(answered, _)| answered.id == operation.id);
        let told = answered.map(|(_, outcome)| outcome);
        // The state knows better than the answer: "already captured" is a refusal, and a success.
        let by_state = settled(&record.payment, &operation.known()).map(|state| (state, now, None));
        // Whoever was overtaken by another sender has nothing to say about what to do next.
        let current = answered.is_some_and(|(answered, _)| answered.tries == operation.tries);
        let by_answer = told.and_then(|told| match told {
            Outcome::Success => Some((OperationState::Success, now, None)),
            Outcome::Failed(note) => Some((OperationState::Failed, now, Some(note))),
            Outcome::Errored(note) if current => {
                Some((OperationState::Errored, pace.after(now, send_again_s(operation.tries)), Some(note)))
            }
            Outcome::Unknown(note) if current => {
                Some((OperationState::Unknown, pace.after(now, ask_again_s(operation.tries)), Some(note)))
            }
            Outcome::Errored(_) | Outcome::Unknown(_) => None,
        });
        let Some((state, due_at, note)) = by_state.or(by_answer) else { continue };
        if !operations::settle(tx, operation, state, due_at, note.map(String::as_str), now).await? {
            continue;
        }
        let (kind, word) = (operation.kind.as_str(), state.as_str());
        metrics::counter!("payment_operations_total", "kind" => kind, "state" => word).increment(1);
        if state == OperationState::Failed && operation.kind != Kind::Authorise {
            let note = note.map_or("", String::as_str);
            tracing::error!(payment.id = %record.payment.id, operation = kind, reason = note, "an operation failed for good");
        }
        operation.state = state;
    }
    Ok(())
}

/// An authorisation that surely was not sent is not sent any more when nobody wants it. Gives the reason where nothing
/// is left that could hold money.
async fn drop_unsent(
    tx: &mut Tx,
    record: &Record,
    operations: &mut [Operation],
    now: Timestamp,
) -> Result<Option<String>, Refused> {
    let unknown = record
        .payment
        .current()
        .is_none_or(|attempt| attempt.phase() != Phase::Created || attempt.intent_id.is_some());
    if record.payment.wish != Wish::Release || unknown {
        return Ok(None);
    }
    let unsent = |operation: &&mut Operation| {
        operation.kind == Kind::Authorise
            && matches!(operation.state, OperationState::Init | OperationState::Errored)
    };
    let reason = "cancelled".to_owned();
    match operations.iter_mut().find(unsent) {
        Some(operation) => {
            let failed = OperationState::Failed;
            // Taken by a sender at this moment, it is sent after all; its answer leads to its cancellation.
            if !operations::settle(tx, operation, failed, now, Some(&reason), now).await? {
                return Ok(None);
            }
            operation.state = failed;
            Ok(Some(reason))
        }
        // Cancelled before it was accepted: there never was one.
        None => Ok(operations.is_empty().then_some(reason)),
    }
}

async fn add_planned(
    tx: &mut Tx,
    clock: &Clock,
    record: &Record,
    operations: &[Operation],
) -> Result<(), Refused> {
    let now = clock.now();
    let known: Vec<_> = operations.iter().map(Operation::known).collect();
    for planned in plan(&record.payment, &known) {
        let early = record.sale.starts_at.and_then(|at| at.checked_sub(HOLD_BEFORE).ok());
        let due_at = early.filter(|_| planned.kind == Kind::Authorise).map_or(now, |at| at.max(now));
        let operation = Operation {
            id: OperationId(*clock.new_id(RefundId::new).as_bytes()),
            payment: record.payment.id,
            attempt: planned.attempt,
            kind: planned.kind,
            state: OperationState::Init,
            amount_minor: planned.amount_minor,
            reason: None,
            tries: 0,
            due_at,
            created_at: now,
        };
        operations::insert(tx, &operation, now).await?;
    }
    Ok(())
}

async fn post(tx: &mut Tx, before: &Record, after: &Record, now: Timestamp) -> Result<(), Refused> {
    let occasion = format!("{}:{}", after.payment.id, after.version);
    let transactions = after.terms.between(&occasion, before.position(), after.position());
    for transaction in transactions.map_err(|error| Problem::internal(&error))? {
        ledger::post(tx, after.payment.id, &transaction, now).await?;
    }
    Ok(())
}

/// The members every event about a payment has.
pub fn event_data(record: &Record, more_ids: &[(&str, String)]) -> Value {
    let id = |system: &str, kind: &str, id: &str| json!({"system": system, "type": kind, "id": id});
    let mut ids = vec![
        id("booking", "job", &record.job.to_string()),
        id("payment", "payment", &record.payment.id.to_string()),
    ];
    let intents = record.payment.attempts.iter().filter_map(|attempt| attempt.intent_id.as_deref());
    ids.extend(intents.map(|intent| id("stripe", "payment_intent", intent)));
    ids.extend(more_ids.iter().map(|(kind, text)| id("payment", kind, text)));
    json!({
        "ids": ids,
        "job_id": record.job,
        "payment_id": record.payment.id,
        "status": record.payment.status(),
        "amount_minor": record.payment.amount.minor,
        "currency": record.payment.amount.currency,
    })
}

/// Tells the other services `jobzy.payment.<fact>.v1`.
pub async fn emit(
    tx: &mut Tx,
    clock: &Clock,
    record: &Record,
    fact: &str,
    data: Value,
) -> Result<(), Refused> {
    let (event, subject) = (format!("jobzy.payment.{fact}.v1"), record.payment.id.to_string());
    jobzy_events::emit(tx, &record.context(clock), "/jobzy/payment", &event, &subject, data, clock).await?;
    Ok(())
}

async fn tell(tx: &mut Tx, clock: &Clock, record: &Record, effect: &Effect) -> Result<(), Refused> {
    let mut data = event_data(record, &[]);
    let fact = match effect {
        Effect::ActionRequired => "payment_action_required",
        Effect::Authorised { .. } => "payment_authorised",
        Effect::Failed { .. } => "payment_failed",
        Effect::Captured { .. } => "payment_captured",
        Effect::Voided { .. } => "payment_voided",
        Effect::Refunded { .. } => "payment_refunded",
        Effect::RefundFailed { refund_id, .. } => {
            tracing::error!(payment.id = %record.payment.id, refund = %refund_id, "a refund failed: the customer is owed");
            "payment_refund_failed"
        }
    };
    match effect {
        Effect::Authorised { amount_minor }
        | Effect::Captured { amount_minor }
        | Effect::Refunded { amount_minor }
        | Effect::RefundFailed { amount_minor, .. } => data["amount_minor"] = json!(amount_minor),
        Effect::Failed { reason } | Effect::Voided { reason } => data["reason"] = json!(reason),
        Effect::ActionRequired => {}
    }
    metrics::counter!("payment_effects_total", "effect" => fact).increment(1);
    emit(tx, clock, record, fact, data).await
}
