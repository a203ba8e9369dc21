//! What is still to be done so that the money follows the wish.

use jobzy_ids::AttemptId;

use crate::attempt::{Attempt, Phase};
use crate::fact::RefundStatus;
use crate::operation::{Kind, OperationState};
use crate::payment::{Payment, Wish};

/// An operation that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name, as in the metadata at Stripe.
    pub id: String,
    /// Whose.
    pub attempt: AttemptId,
    /// What.
    pub kind: Kind,
    /// How far.
    pub state: OperationState,
    /// How much, minor units.
    pub amount_minor: i64,
}

/// An operation that must be stored and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Whose.
    pub attempt: AttemptId,
    /// What.
    pub kind: Kind,
    /// How much, minor units.
    pub amount_minor: i64,
}

/// Cancellations of one intent, the failed ones included.
const MAX_VOIDS: usize = 3;

/// The operations that are missing. An operation that exists is never planned a second time, whatever
/// became of it: what failed for good is a person's to judge, what is unknown is settled by asking.
#[must_use]
pub fn plan(payment: &Payment, known: &[Known]) -> Vec<Planned> {
    let current = payment.current().map(|attempt| attempt.id);
    let needed = payment.attempts.iter().filter_map(|attempt| {
        let kind = next_step(attempt, payment.wish, current == Some(attempt.id))?;
        let amount_minor = match kind {
            Kind::Refund => payment.refundable_minor(asked_minor(payment, known)),
            Kind::Fee => attempt.captured_minor,
            _ => payment.amount.minor,
        };
        Some(Planned { attempt: attempt.id, kind, amount_minor })
    });
    let charged = payment.attempts.iter().filter(|attempt| attempt.captured_minor > 0);
    let after_capture = charged.flat_map(|attempt| {
        [Kind::Invoice, Kind::Fee].map(|kind| Planned {
            attempt: attempt.id,
            kind,
            amount_minor: attempt.captured_minor,
        })
    });
    let missing = |planned: &Planned| {
        let mut same = known.iter().filter(|op| op.attempt == planned.attempt && op.kind == planned.kind);
        // Letting go may be tried again: a cancellation of ours can be overtaken by the customer's authentication.
        let enough = if planned.kind == Kind::Void {
            same.clone().count() >= MAX_VOIDS || same.any(|op| op.state != OperationState::Failed)
        } else {
            same.next().is_some()
        };
        planned.amount_minor > 0 && !enough
    };
    needed.chain(after_capture).filter(missing).collect()
}

/// Refunds asked for that Stripe has not told us of yet, in minor units: an operation counts until its
/// refund is known or it failed for good.
#[must_use]
pub fn asked_minor(payment: &Payment, known: &[Known]) -> i64 {
    let told = |op: &&Known| {
        !payment.refunds.values().any(|refund| refund.operation.as_deref() == Some(op.id.as_str()))
    };
    let open = known.iter().filter(|op| op.kind == Kind::Refund && op.state != OperationState::Failed);
    open.filter(told).fold(0, |sum, op| sum.saturating_add(op.amount_minor))
}

fn next_step(attempt: &Attempt, wish: Wish, current: bool) -> Option<Kind> {
    let wanted = current && wish != Wish::Release;
    match attempt.phase() {
        // Not asked for, and its intent is unknown: either it is never sent, or its answer decides.
        Phase::Created if attempt.intent_id.is_none() => wanted.then_some(Kind::Authorise),
        Phase::Created | Phase::ActionNeeded | Phase::Processing => (!wanted).then_some(Kind::Void),
        // A failed intent stays payable by whoever holds its secret, long after the slot is someone else's.
        Phase::Failed => (attempt.cancelled.is_none() && attempt.intent_id.is_some()).then_some(Kind::Void),
        Phase::Authorised if !wanted => Some(Kind::Void),
        Phase::Authorised => (wish == Wish::Capture).then_some(Kind::Capture),
        Phase::Captured => (!wanted).then_some(Kind::Refund),
        Phase::Cancelled => None,
    }
}

/// What the state says about an operation whose own answer is missing or was a refusal that means "already
/// done": `None` as long as it does not say.
#[must_use]
pub fn settled(payment: &Payment, operation: &Known) -> Option<OperationState> {
    let attempt = payment.attempts.iter().find(|attempt| attempt.id == operation.attempt)?;
    let phase = attempt.phase();
    let state = match operation.kind {
        Kind::Authorise => match phase {
            Phase::Created => return None,
            Phase::Failed => OperationState::Failed,
            _ => OperationState::Success,
        },
        Kind::Capture => match phase {
            Phase::Captured => OperationState::Success,
            Phase::Cancelled | Phase::Failed => OperationState::Failed,
            _ => return None,
        },
        Kind::Void if attempt.cancelled.is_some() => OperationState::Success,
        Kind::Void if phase == Phase::Captured => OperationState::Failed,
        Kind::Refund => {
            let refund = |refund: &&crate::Refund| refund.operation.as_deref() == Some(operation.id.as_str());
            match payment.refunds.values().find(refund)?.status {
                RefundStatus::Failed => OperationState::Failed,
                RefundStatus::Pending | RefundStatus::Succeeded => OperationState::Success,
            }
        }
        Kind::Void | Kind::Fee | Kind::Invoice => return None,
    };
    Some(state)
}
