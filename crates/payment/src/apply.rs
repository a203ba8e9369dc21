//! The one function through which Stripe's answers and webhooks change a payment.

use jobzy_ids::AttemptId;

use crate::attempt::Phase;
use crate::fact::{Fact, IntentFact, RefundFact, RefundStatus, RefusedFact, metadata};
use crate::payment::{Payment, Refund, Wish};

/// What became true by a fact, once each: the difference between the state before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The customer must authenticate.
    ActionRequired,
    /// The money is held.
    Authorised {
        /// Minor units.
        amount_minor: i64,
    },
    /// The current attempt failed, or was cancelled before anything was held.
    Failed {
        /// A decline code, an error code or a cancellation reason of Stripe's.
        reason: String,
    },
    /// More money was taken.
    Captured {
        /// What came on top, minor units.
        amount_minor: i64,
    },
    /// What was held was let go of.
    Voided {
        /// Stripe's cancellation reason.
        reason: String,
    },
    /// More money was given back.
    Refunded {
        /// What came on top, minor units.
        amount_minor: i64,
    },
    /// A refund came back, or never left: the customer is still owed.
    RefundFailed {
        /// `re_...`.
        refund_id: String,
        /// Minor units.
        amount_minor: i64,
    },
}

/// Why a fact is not merged. None of these is repaired by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It names no attempt of this payment.
    #[error("the object belongs to no attempt of this payment")]
    NotOurs,
    /// It names an attempt that has another intent: one attempt was charged twice.
    #[error("attempt {attempt} has intent {known}, another one came: {told}")]
    SecondIntent {
        /// Whose.
        attempt: AttemptId,
        /// The intent we know.
        known: String,
        /// The intent in the fact.
        told: String,
    },
    /// Amount or currency are not what we asked for.
    #[error("the object is over another amount or currency than the payment")]
    OtherAmount,
}

/// Merges a fact into a payment. The same fact again, or an older one, gives the same state and no effects.
///
/// # Errors
/// When the fact is about something else; the payment is unchanged then.
pub fn apply(payment: Payment, fact: &Fact) -> Result<(Payment, Vec<Effect>), Refusal> {
    let next = match fact {
        Fact::Intent(intent) => join_intent(payment.clone(), intent, fact)?,
        Fact::Refund(refund) => join_refund(payment.clone(), refund, fact)?,
        Fact::Refused(refused) => join_refused(payment.clone(), refused)?,
    };
    let effects = difference(&payment, &next);
    Ok((next, effects))
}

fn join_intent(mut payment: Payment, intent: &IntentFact, fact: &Fact) -> Result<Payment, Refusal> {
    let expected = payment.amount;
    let by_metadata = fact.metadata(metadata::ATTEMPT);
    let attempt = payment
        .attempts
        .iter_mut()
        .find(|attempt| match &attempt.intent_id {
            Some(known) if *known == intent.id => true,
            _ => by_metadata.is_some_and(|told| told == attempt.id.to_string()),
        })
        .ok_or(Refusal::NotOurs)?;
    if let Some(known) = attempt.intent_id.as_ref().filter(|known| **known != intent.id) {
        return Err(Refusal::SecondIntent {
            attempt: attempt.id,
            known: known.clone(),
            told: intent.id.clone(),
        });
    }
    let same_currency = intent.currency.eq_ignore_ascii_case(expected.currency.code());
    let parts = [intent.amount_capturable.unwrap_or(0), intent.amount_received.unwrap_or(0)];
    if !same_currency
        || intent.amount != expected.minor
        || parts.iter().any(|part| !(0..=expected.minor).contains(part))
    {
        return Err(Refusal::OtherAmount);
    }
    *attempt = attempt.clone().join(intent);
    Ok(payment)
}

fn join_refund(mut payment: Payment, refund: &RefundFact, fact: &Fact) -> Result<Payment, Refusal> {
    let by_intent = fact.intent_id().is_some_and(|told| {
        payment.attempts.iter().any(|attempt| attempt.intent_id.as_deref() == Some(told))
    });
    let by_metadata = fact.metadata(metadata::PAYMENT).is_some_and(|told| told == payment.id.to_string());
    if !by_intent && !by_metadata {
        return Err(Refusal::NotOurs);
    }
    let same_currency = refund.currency.eq_ignore_ascii_case(payment.amount.currency.code());
    let known = payment.refunds.get(&refund.id);
    let same_amount = known.is_none_or(|known| known.amount_minor == refund.amount);
    if !same_currency || !same_amount || !(1..=payment.amount.minor).contains(&refund.amount) {
        return Err(Refusal::OtherAmount);
    }
    let status = known.map_or(refund.status, |known| known.status.max(refund.status));
    let operation = fact.metadata(metadata::OPERATION).map(str::to_owned);
    let operation = known.and_then(|known| known.operation.clone()).or(operation);
    payment.refunds.insert(refund.id.clone(), Refund { amount_minor: refund.amount, status, operation });
    Ok(payment)
}

fn join_refused(mut payment: Payment, refused: &RefusedFact) -> Result<Payment, Refusal> {
    let attempt = payment.attempts.iter_mut().find(|attempt| attempt.id == refused.attempt);
    attempt.ok_or(Refusal::NotOurs)?.failures.insert(refused.reason.clone());
    Ok(payment)
}

/// What is true after and was not before. Earlier attempts speak only through money that was taken:
/// their failures and cancellations were told when they were current.
fn difference(before: &Payment, after: &Payment) -> Vec<Effect> {
    let mut effects = Vec::new();
    if let (Some(old), Some(new)) = (before.current(), after.current()) {
        let (from, to) = (old.phase(), new.phase());
        let newly = |phase: Phase| from != phase && to == phase;
        if newly(Phase::ActionNeeded) {
            effects.push(Effect::ActionRequired);
        }
        let held = |phase| matches!(phase, Phase::Authorised | Phase::Captured);
        if held(to) && !held(from) {
            effects.push(Effect::Authorised { amount_minor: new.authorised_minor });
        }
        if newly(Phase::Failed) {
            effects.push(Effect::Failed { reason: new.failure().unwrap_or("declined").to_owned() });
        }
        // After a failure the cancellation is our own tidying up.
        if newly(Phase::Cancelled) && from != Phase::Failed {
            let reason = new.cancelled.clone().unwrap_or_default();
            let given_up = new.authorised_minor == 0 && after.wish != Wish::Release;
            effects.push(if given_up { Effect::Failed { reason } } else { Effect::Voided { reason } });
        }
    }
    let captured = after.captured_minor().saturating_sub(before.captured_minor());
    if captured > 0 {
        effects.push(Effect::Captured { amount_minor: captured });
    }
    let refunded = after.refunded_minor().saturating_sub(before.refunded_minor());
    if refunded > 0 {
        effects.push(Effect::Refunded { amount_minor: refunded });
    }
    for (id, refund) in &after.refunds {
        let was = before.refunds.get(id).map(|refund| refund.status);
        if refund.status == RefundStatus::Failed && was != Some(RefundStatus::Failed) {
            effects.push(Effect::RefundFailed { refund_id: id.clone(), amount_minor: refund.amount_minor });
        }
    }
    effects
}
