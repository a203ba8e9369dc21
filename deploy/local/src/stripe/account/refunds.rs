//! Refunds: never more than was taken, and not always for good.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Account;
use crate::stripe::cards::Course;
use crate::stripe::error::ApiError;
use crate::stripe::objects::{Charge, Movement, Refund, RefundStatus, Status};
use crate::stripe::params::{self, Params};
use crate::stripe::shelf::Object;

const CREATE: &[&str] = &["amount", "charge", "metadata", "payment_intent", "reason"];
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

impl Account {
    /// `POST /v1/refunds`
    pub fn create_refund(&mut self, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(CREATE)?;
        let mut charge = self.charge_to_refund(params)?.clone();
        let asked = params.positive("amount")?;
        let reason = params.word("reason", REASONS)?;
        let mut metadata = BTreeMap::new();
        params::merge(&mut metadata, params.metadata()?);
        let amount = check_refund(&charge, asked)?;

        let id = self.id("re");
        let course = charge.card.refunds;
        let refund = Refund {
            created: self.now(),
            charge: charge.id.clone(),
            intent: charge.intent.clone(),
            method: charge.method.clone(),
            amount,
            currency: charge.currency.clone(),
            status: if course == Course::PendingThenSucceeds {
                RefundStatus::Pending
            } else {
                RefundStatus::Succeeded
            },
            course,
            reason,
            metadata,
            balance_transaction: self.moved(Movement::Refund, &id, -amount, &charge.currency),
            failure: None,
            id,
        };
        if course != Course::Succeeds {
            self.unsettled.push(refund.id.clone());
        }
        let before = charge.refunded;
        charge.refunded += amount;
        let shown = refund.to_json();
        self.note("refund.created", &refund, None);
        self.note("charge.refunded", &charge, Some(json!({"amount_refunded": before})));
        self.charges.put(charge);
        self.refunds.put(refund);
        Ok(shown)
    }

    /// `POST /v1/refunds/{id}`: metadata is all that may change.
    pub fn update_refund(&mut self, id: &str, params: Params<'_>) -> Result<Value, ApiError> {
        let sent = params.only(&["metadata"])?.metadata()?;
        let refund = self.refunds.get_mut(id).ok_or_else(|| no_such_refund(id))?;
        params::merge(&mut refund.metadata, sent);
        let refund = refund.clone();
        self.note("refund.updated", &refund, None);
        Ok(refund.to_json())
    }

    /// Brings a refund one step further along the course of its card; false when it is at the end.
    pub fn settle_refund(&mut self, id: &str) -> Result<bool, ApiError> {
        let refund = self.refunds.get(id).ok_or_else(|| no_such_refund(id))?;
        match (refund.course, refund.status) {
            (Course::PendingThenSucceeds, RefundStatus::Pending) => {
                self.end_refund(id, RefundStatus::Succeeded)?;
            }
            (Course::SucceedsThenFails, RefundStatus::Succeeded) => {
                self.end_refund(id, RefundStatus::Failed)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Ends a refund in a given way, whatever the card. One that succeeded may still fail; one that failed is final.
    pub fn end_refund(&mut self, id: &str, status: RefundStatus) -> Result<(), ApiError> {
        let mut refund = self.refunds.get(id).ok_or_else(|| no_such_refund(id))?.clone();
        let before = refund.status;
        if before == RefundStatus::Failed || before == status || status == RefundStatus::Pending {
            let message = format!("A refund that is {} cannot become {}.", before.as_str(), status.as_str());
            return Err(ApiError::refused("refund_unexpected_state", message));
        }
        refund.status = status;
        if status == RefundStatus::Failed {
            refund.failure = Some(self.moved(Movement::RefundFailure, id, refund.amount, &refund.currency));
            if let Some(charge) = self.charges.get_mut(&refund.charge) {
                charge.refunded -= refund.amount;
            }
        }
        let previous = json!({"status": before.as_str()});
        self.note("refund.updated", &refund, Some(previous.clone()));
        if status == RefundStatus::Failed {
            self.note("refund.failed", &refund, Some(previous));
        }
        self.refunds.put(refund);
        Ok(())
    }

    fn charge_to_refund(&self, params: Params<'_>) -> Result<&Charge, ApiError> {
        let charge = match (params.text("payment_intent")?, params.text("charge")?) {
            (Some(id), None) => {
                let intent = self.intents.get(id);
                let intent =
                    intent.ok_or_else(|| ApiError::no_such_param("payment_intent", id, "payment_intent"))?;
                let charge = intent.latest_charge.as_deref().and_then(|id| self.charges.get(id));
                // A hold is given up by cancelling, not by a refund.
                charge.filter(|_| intent.status == Status::Succeeded).ok_or_else(|| {
                    let message =
                        format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
                    ApiError::unexpected_state(message, intent.to_json())
                })?
            }
            (None, Some(id)) => {
                self.charges.get(id).ok_or_else(|| ApiError::no_such_param("charge", id, "charge"))?
            }
            (Some(_), Some(_)) => {
                let message =
                    "You may only specify one of these parameters: payment_intent, charge.".to_owned();
                return Err(ApiError::parameter(None, "charge", message));
            }
            (None, None) => {
                let message =
                    "One of the following params should be provided for this request: payment_intent or \
                               charge."
                        .to_owned();
                return Err(ApiError::parameter(Some("parameter_missing"), "payment_intent", message));
            }
        };
        Ok(charge)
    }
}

/// The amount to refund, if so much is left of what was taken.
fn check_refund(charge: &Charge, asked: Option<i64>) -> Result<i64, ApiError> {
    if charge.captured.is_none() {
        let message = format!("Charge {} has not been captured, so there is nothing to refund.", charge.id);
        return Err(ApiError::refused("charge_not_refundable", message));
    }
    let left = charge.refundable();
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", charge.id);
        return Err(ApiError::refused("charge_already_refunded", message));
    }
    match asked {
        Some(amount) if amount > left => {
            let message =
                format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left}).");
            Err(ApiError::parameter(None, "amount", message))
        }
        amount => Ok(amount.unwrap_or(left)),
    }
}

fn no_such_refund(id: &str) -> ApiError {
    ApiError::no_such("refund", id, "refund")
}
