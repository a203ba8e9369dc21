//! What ends a hold: capture, cancellation, expiry.

use serde_json::{Value, json};

use super::Account;
use crate::stripe::error::ApiError;
use crate::stripe::objects::{Charge, Intent, Movement, Status};
use crate::stripe::params::{self, Params};
use crate::stripe::shelf::Object;

const CAPTURE: &[&str] = &[
    "amount_to_capture",
    "final_capture",
    "metadata",
    "statement_descriptor",
    "statement_descriptor_suffix",
];
const REASONS: &[&str] = &["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

impl Account {
    /// `POST /v1/payment_intents/{id}/capture`. A capture of less than is held releases the rest.
    pub fn capture_intent(&mut self, id: &str, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(CAPTURE)?;
        let mut intent = self.intent(id)?.clone();
        let amount = params.positive("amount_to_capture")?;
        if let Some("false") = params.text("final_capture")? {
            let message = "This account cannot capture a payment more than once.".to_owned();
            return Err(ApiError::parameter(None, "final_capture", message));
        }
        params::merge(&mut intent.metadata, params.metadata()?);
        intent.statement_descriptor = params.owned("statement_descriptor")?.or(intent.statement_descriptor);
        intent.statement_descriptor_suffix =
            params.owned("statement_descriptor_suffix")?.or(intent.statement_descriptor_suffix);
        if intent.status != Status::RequiresCapture {
            let status = intent.status.as_str();
            let message = format!(
                "This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent \
                 with one of the following statuses may be captured: requires_capture."
            );
            return Err(ApiError::unexpected_state(message, self.intent_json(id)?));
        }
        if amount.is_some_and(|amount| amount > intent.capturable()) {
            let message = format!(
                "The amount to capture is greater than the amount that can be captured ({}).",
                intent.capturable()
            );
            return Err(ApiError::parameter(Some("amount_too_large"), "amount_to_capture", message));
        }
        let mut charge = self.held(&intent)?;
        self.take(&mut intent, &mut charge, amount);
        self.note("charge.captured", &charge, Some(json!({"captured": false, "amount_captured": 0})));
        self.charges.put(charge);
        self.note("payment_intent.succeeded", &intent, None);
        self.intents.put(intent);
        self.intent_json(id)
    }

    /// `POST /v1/payment_intents/{id}/cancel`
    pub fn cancel_intent(&mut self, id: &str, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(&["cancellation_reason"])?;
        let reason = params.word("cancellation_reason", REASONS)?;
        let intent = self.intent(id)?.clone();
        if matches!(intent.status, Status::Succeeded | Status::Canceled) {
            let status = intent.status.as_str();
            let message = format!(
                "You cannot cancel this PaymentIntent because it has a status of {status}. Only a PaymentIntent with \
                 one of the following statuses may be canceled: requires_payment_method, requires_capture, \
                 requires_confirmation, requires_action, processing."
            );
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        self.give_up(intent, reason.unwrap_or_default(), "charge.refunded")?;
        self.intent_json(id)
    }

    /// Lets the hold of an intent lapse as if its time had come.
    pub fn expire_intent(&mut self, id: &str) -> Result<Value, ApiError> {
        let intent = self.intent(id)?.clone();
        if intent.status != Status::RequiresCapture {
            let message = format!("Nothing is held: the status is {}.", intent.status.as_str());
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        self.give_up(intent, "automatic", "charge.expired")?;
        self.intent_json(id)
    }

    /// Lets every hold lapse whose time has come.
    pub fn expire_due(&mut self) {
        let now = self.now();
        let due = |intent: &&Intent| {
            let charge = intent.latest_charge.as_deref().and_then(|id| self.charges.get(id));
            intent.status == Status::RequiresCapture
                && charge.is_some_and(|charge| charge.capture_before <= now)
        };
        let due: Vec<String> = self.intents.iter().filter(due).map(|intent| intent.id.clone()).collect();
        for id in due {
            if let Err(error) = self.expire_intent(&id) {
                tracing::error!(body = %error.body(), "a hold could not lapse");
            }
        }
    }

    /// Takes the money of a charge that was granted: `amount`, or all of it.
    pub(super) fn take(&mut self, intent: &mut Intent, charge: &mut Charge, amount: Option<i64>) {
        let amount = amount.unwrap_or(charge.amount);
        charge.captured = Some(amount);
        charge.balance_transaction = Some(self.moved(Movement::Charge, &charge.id, amount, &charge.currency));
        intent.received = amount;
        intent.status = Status::Succeeded;
    }

    fn held(&self, intent: &Intent) -> Result<Charge, ApiError> {
        let charge = intent.latest_charge.as_deref().and_then(|id| self.charges.get(id)).cloned();
        charge.ok_or_else(|| {
            ApiError::unexpected_state("The PaymentIntent has no charge.".to_owned(), intent.to_json())
        })
    }

    fn give_up(
        &mut self,
        mut intent: Intent,
        reason: &'static str,
        event: &'static str,
    ) -> Result<(), ApiError> {
        if intent.status == Status::RequiresCapture {
            let mut charge = self.held(&intent)?;
            charge.released = true;
            self.note(event, &charge, Some(json!({"refunded": false, "amount_refunded": 0})));
            self.charges.put(charge);
        }
        intent.status = Status::Canceled;
        intent.cancelled = Some((self.now(), reason));
        intent.next_action = None;
        self.note("payment_intent.canceled", &intent, None);
        self.intents.put(intent);
        Ok(())
    }
}
