//! Confirming an intent: the card is asked, and its holder where the card wants it.

use serde_json::{Value, json};

use super::Account;
use crate::stripe::cards::{self, Behaviour, Decline};
use crate::stripe::error::ApiError;
use crate::stripe::objects::{CaptureMethod, Charge, Intent, Method, Status};
use crate::stripe::params::Params;
use crate::stripe::shelf::Object;

/// How long a hold on a card lasts, in seconds.
const HOLD_S: i64 = 7 * 86_400;

const CONFIRM: &[&str] = &[
    "error_on_requires_action",
    "off_session",
    "payment_method",
    "receipt_email",
    "return_url",
    "setup_future_usage",
];

/// How an intent is confirmed.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// The holder is not there to authenticate.
    off_session: bool,
    /// A card that wants its holder counts as refused.
    no_action: bool,
    return_url: Option<String>,
}

impl Account {
    /// `POST /v1/payment_intents/{id}/confirm`
    pub fn confirm_intent(&mut self, id: &str, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(CONFIRM)?;
        let intent = self.intent(id)?;
        let terms = self.read_terms(params, intent)?;
        let method = params.text("payment_method")?.map(|token| self.check_method(token, id)).transpose()?;
        let future = params.word("setup_future_usage", super::intents::FUTURE_USAGE)?;
        let email = params.owned("receipt_email")?;
        if !intent.status.is_open() {
            let status = intent.status.as_str();
            let message = format!(
                "This PaymentIntent's status is {status}, but it must be one of requires_payment_method, \
                 requires_confirmation, requires_action to be confirmed."
            );
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        if method.is_none() && intent.payment_method.is_none() {
            let message =
                "You cannot confirm this PaymentIntent because it's missing a payment method.".to_owned();
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        if let Some(intent) = self.intents.get_mut(id) {
            intent.setup_future_usage = future.or(intent.setup_future_usage);
            intent.receipt_email = email.or(intent.receipt_email.take());
        }
        if let Some(method) = method {
            self.give_method(id, method);
        }
        self.confirm(id, terms)
    }

    /// The holder of the card authenticated, or failed to.
    pub fn authenticate(&mut self, id: &str, complete: bool) -> Result<Value, ApiError> {
        let intent = self.intent(id)?.clone();
        if intent.status != Status::RequiresAction {
            let message =
                format!("There is nothing to authenticate: the status is {}.", intent.status.as_str());
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        let method = self.method_of(&intent)?;
        let intent = Intent { next_action: None, ..intent };
        match method.card.behaviour {
            Behaviour::Authenticate(Some(decline)) if complete => {
                self.decline(intent, &method, decline);
            }
            _ if complete => self.approve(intent, &method),
            _ => {
                self.fail_authentication(intent, &method);
            }
        }
        self.intent_json(id)
    }

    pub(super) fn read_terms(&self, params: Params<'_>, intent: &Intent) -> Result<Terms, ApiError> {
        let off_session = params.word("off_session", &["true", "false", "one_off", "recurring"])?;
        let off_session = off_session.is_some_and(|word| word != "false");
        let return_url = params.owned("return_url")?;
        let redirects =
            intent.automatic_payment_methods.as_ref().and_then(|offer| offer["allow_redirects"].as_str());
        if redirects == Some("always") && return_url.is_none() && intent.return_url.is_none() && !off_session
        {
            let message = "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. \
                           Because some of these payment methods might redirect your customer off of your page, you \
                           must provide a `return_url`. If you don't want to accept redirect-based payment methods, \
                           set `automatic_payment_methods[allow_redirects]` to `never`, or name \
                           `payment_method_types`.";
            return Err(ApiError::parameter(Some("parameter_missing"), "return_url", message.to_owned()));
        }
        Ok(Terms { off_session, no_action: params.flag("error_on_requires_action")?, return_url })
    }

    /// Asks the card of an intent that has one.
    pub(super) fn confirm(&mut self, id: &str, terms: Terms) -> Result<Value, ApiError> {
        let mut intent = self.intent(id)?.clone();
        let method = self.method_of(&intent)?;
        intent.return_url = terms.return_url.or(intent.return_url);
        intent.last_error = None;
        let decline = match method.card.behaviour {
            Behaviour::Approve => {
                self.approve(intent, &method);
                return self.intent_json(id);
            }
            Behaviour::Authenticate(_) if terms.off_session => &cards::ABSENT_HOLDER,
            Behaviour::Authenticate(_) if terms.no_action => {
                let details = self.fail_authentication(intent, &method);
                return Err(ApiError::authentication(&details, self.intent_json(id)?));
            }
            Behaviour::Authenticate(_) => {
                self.ask_holder(intent);
                return self.intent_json(id);
            }
            Behaviour::Decline(decline) => decline,
        };
        let charge = self.decline(intent, &method, decline);
        Err(ApiError::declined(decline, &charge, self.intent_json(id)?, method.to_json()))
    }

    fn method_of(&self, intent: &Intent) -> Result<Method, ApiError> {
        let method = intent.payment_method.as_deref().and_then(|id| self.methods.get(id)).cloned();
        method.ok_or_else(|| {
            let message = "The PaymentIntent has no payment method.".to_owned();
            ApiError::unexpected_state(message, intent.to_json())
        })
    }

    fn ask_holder(&mut self, mut intent: Intent) {
        let url = format!("{}/_sandbox/payment_intents/{}/authenticate", self.base_url, intent.id);
        intent.next_action = Some(match &intent.return_url {
            Some(back) => {
                json!({"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": back}})
            }
            None => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
            }),
        });
        intent.status = Status::RequiresAction;
        self.note("payment_intent.requires_action", &intent, None);
        self.intents.put(intent);
    }

    fn approve(&mut self, mut intent: Intent, method: &Method) {
        let mut charge = self.charge(&intent, method, None);
        intent.latest_charge = Some(charge.id.clone());
        let event = if intent.capture_method == CaptureMethod::Manual {
            intent.status = Status::RequiresCapture;
            "payment_intent.amount_capturable_updated"
        } else {
            self.take(&mut intent, &mut charge, None);
            "payment_intent.succeeded"
        };
        self.note("charge.succeeded", &charge, None);
        self.charges.put(charge);
        self.note(event, &intent, None);
        self.intents.put(intent);
    }

    /// Books the refusal and returns the id of the failed charge.
    fn decline(&mut self, mut intent: Intent, method: &Method, decline: &'static Decline) -> String {
        let charge = self.charge(&intent, method, Some(decline));
        let id = charge.id.clone();
        intent.latest_charge = Some(id.clone());
        let error = json!({
            "type": "card_error",
            "code": decline.code,
            "decline_code": decline.decline_code,
            "message": decline.message,
            "charge": id,
            "payment_method": method.to_json(),
        });
        self.note("charge.failed", &charge, None);
        self.charges.put(charge);
        self.fail(intent, error);
        id
    }

    fn fail_authentication(&mut self, intent: Intent, method: &Method) -> Value {
        let error = json!({
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "message": "The provided PaymentMethod has failed authentication. You can provide payment_method_data or \
                        a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
            "payment_method": method.to_json(),
        });
        self.fail(intent, error.clone());
        error
    }

    /// A failed try leads back to the beginning: the intent wants another payment method.
    fn fail(&mut self, mut intent: Intent, error: Value) {
        intent.status = Status::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.last_error = Some(error);
        self.note("payment_intent.payment_failed", &intent, None);
        self.intents.put(intent);
    }

    fn charge(&self, intent: &Intent, method: &Method, failure: Option<&'static Decline>) -> Charge {
        let created = self.now();
        Charge {
            id: self.id("ch"),
            created,
            intent: intent.id.clone(),
            method: method.id.clone(),
            card: method.card,
            amount: intent.amount,
            currency: intent.currency.clone(),
            captured: None,
            refunded: 0,
            released: false,
            failure,
            capture_before: created.saturating_add(HOLD_S),
            balance_transaction: None,
            metadata: intent.metadata.clone(),
            description: intent.description.clone(),
        }
    }
}
