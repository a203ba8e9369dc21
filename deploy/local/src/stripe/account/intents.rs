//! Making and changing payment intents.

use serde_json::{Value, json};

use super::Account;
use crate::stripe::cards;
use crate::stripe::error::ApiError;
use crate::stripe::objects::{CaptureMethod, Intent, Method, Status};
use crate::stripe::params::{self, Params};
use crate::stripe::shelf::Object;

/// Stripe's largest amount, in minor units.
const MAX_AMOUNT: i64 = 99_999_999;

/// Currencies with Stripe's smallest amount in minor units:
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>.
const CURRENCIES: &[(&str, i64)] = &[
    ("chf", 50),
    ("dkk", 250),
    ("eur", 50),
    ("gbp", 30),
    ("jpy", 50),
    ("nok", 300),
    ("sek", 300),
    ("usd", 50),
];

const CREATE: &[&str] = &[
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "metadata",
    "off_session",
    "payment_method",
    "payment_method_types",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
];

const UPDATE: &[&str] = &[
    "amount",
    "currency",
    "description",
    "metadata",
    "payment_method",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
];

/// The words of `setup_future_usage`.
pub(super) const FUTURE_USAGE: &[&str] = &["off_session", "on_session"];

impl Account {
    /// `POST /v1/payment_intents`
    pub fn create_intent(&mut self, params: Params<'_>) -> Result<Value, ApiError> {
        let intent = self.read_intent(params)?;
        let confirm = params.flag("confirm")?;
        if !confirm {
            for name in ["off_session", "error_on_requires_action", "return_url"] {
                if params.text(name)?.is_some() {
                    let message = format!("You cannot provide `{name}` without also setting `confirm=true`.");
                    return Err(ApiError::parameter(None, name, message));
                }
            }
        }
        let token = params.text("payment_method")?;
        let method = token.map(|token| self.check_method(token, &intent.id)).transpose()?;
        if confirm && method.is_none() {
            let message =
                "You cannot confirm this PaymentIntent because it's missing a payment method.".to_owned();
            return Err(ApiError::parameter(Some("parameter_missing"), "payment_method", message));
        }
        let terms = if confirm { Some(self.read_terms(params, &intent)?) } else { None };
        let id = intent.id.clone();
        self.note(
            "payment_intent.created",
            &Intent { status: Status::RequiresPaymentMethod, ..intent.clone() },
            None,
        );
        self.intents.put(intent);
        if let Some(method) = method {
            self.give_method(&id, method);
        }
        match terms {
            Some(terms) => self.confirm(&id, terms),
            None => self.intent_json(&id),
        }
    }

    /// `POST /v1/payment_intents/{id}`
    pub fn update_intent(&mut self, id: &str, params: Params<'_>) -> Result<Value, ApiError> {
        let params = params.only(UPDATE)?;
        let mut intent = self.intent(id)?.clone();
        let priced = params.text("amount")?.is_some() || params.text("currency")?.is_some();
        if (priced || params.text("payment_method")?.is_some()) && !intent.status.is_open() {
            let status = intent.status.as_str();
            let message =
                format!("This PaymentIntent could not be updated because it has a status of {status}.");
            return Err(ApiError::unexpected_state(message, intent.to_json()));
        }
        if priced {
            let currency = params.owned("currency")?.unwrap_or_else(|| intent.currency.clone());
            let amount = params.positive("amount")?.unwrap_or(intent.amount);
            intent.currency = check_amount(amount, &currency)?;
            intent.amount = amount;
        }
        let method = params.text("payment_method")?.map(|token| self.check_method(token, id)).transpose()?;
        let texts = [
            ("description", &mut intent.description),
            ("receipt_email", &mut intent.receipt_email),
            ("statement_descriptor", &mut intent.statement_descriptor),
            ("statement_descriptor_suffix", &mut intent.statement_descriptor_suffix),
            ("transfer_group", &mut intent.transfer_group),
        ];
        for (name, kept) in texts {
            if let Some(text) = params.owned(name)? {
                *kept = Some(text);
            }
        }
        if let Some(word) = params.word("setup_future_usage", FUTURE_USAGE)? {
            intent.setup_future_usage = Some(word);
        }
        params::merge(&mut intent.metadata, params.metadata()?);
        self.intents.put(intent);
        if let Some(method) = method {
            self.give_method(id, method);
        }
        self.intent_json(id)
    }

    /// The intent of that id.
    pub(super) fn intent(&self, id: &str) -> Result<&Intent, ApiError> {
        self.intents.get(id).ok_or_else(|| ApiError::no_such("payment_intent", id, "intent"))
    }

    /// The intent as it is shown.
    pub fn intent_json(&self, id: &str) -> Result<Value, ApiError> {
        self.intent(id).map(Object::to_json)
    }

    /// The payment method of that id, or a new one of the test card of that name. Nothing is kept yet.
    pub(super) fn check_method(&self, token: &str, intent: &str) -> Result<Method, ApiError> {
        if let Some(method) = self.methods.get(token) {
            if method.used_by.as_deref().is_some_and(|user| user != intent) {
                let message =
                    "The provided PaymentMethod was previously used with a PaymentIntent without Customer \
                               attachment. It may not be used again."
                        .to_owned();
                return Err(ApiError::parameter(None, "payment_method", message));
            }
            return Ok(method.clone());
        }
        let card = cards::by_token(token)
            .ok_or_else(|| ApiError::no_such_param("PaymentMethod", token, "payment_method"))?;
        Ok(Method { id: self.id("pm"), created: self.now(), card, used_by: None })
    }

    /// Attaches a payment method, after which the intent waits to be confirmed.
    pub(super) fn give_method(&mut self, id: &str, method: Method) {
        if let Some(intent) = self.intents.get_mut(id) {
            intent.payment_method = Some(method.id.clone());
            intent.status = Status::RequiresConfirmation;
            intent.next_action = None;
        }
        self.methods.put(Method { used_by: Some(id.to_owned()), ..method });
    }

    fn read_intent(&self, params: Params<'_>) -> Result<Intent, ApiError> {
        let params = params.only(CREATE)?;
        params.required("amount")?;
        let amount = params.positive("amount")?.unwrap_or_default();
        let currency = check_amount(amount, params.required("currency")?)?;
        if let Some(customer) = params.text("customer")? {
            return Err(ApiError::no_such_param("customer", customer, "customer"));
        }
        let id = self.id("pi");
        let secret = self.id(&format!("{id}_secret"));
        let mut metadata = std::collections::BTreeMap::new();
        params::merge(&mut metadata, params.metadata()?);
        Ok(Intent {
            secret,
            created: self.now(),
            amount,
            currency,
            status: Status::RequiresPaymentMethod,
            capture_method: read_capture_method(params)?,
            received: 0,
            payment_method: None,
            latest_charge: None,
            last_error: None,
            next_action: None,
            cancelled: None,
            metadata,
            description: params.owned("description")?,
            receipt_email: params.owned("receipt_email")?,
            statement_descriptor: params.owned("statement_descriptor")?,
            statement_descriptor_suffix: params.owned("statement_descriptor_suffix")?,
            transfer_group: params.owned("transfer_group")?,
            setup_future_usage: params.word("setup_future_usage", FUTURE_USAGE)?,
            confirmation_method: params
                .word("confirmation_method", &["automatic", "manual"])?
                .unwrap_or("automatic"),
            automatic_payment_methods: read_automatic(params)?,
            return_url: params.owned("return_url")?,
            id,
        })
    }
}

/// The currency in lower case, if Stripe would take that amount in it.
fn check_amount(amount: i64, currency: &str) -> Result<String, ApiError> {
    let lower = currency.to_ascii_lowercase();
    let Some((_, least)) = CURRENCIES.iter().find(|(name, _)| *name == lower) else {
        let names: Vec<&str> = CURRENCIES.iter().map(|(name, _)| *name).collect();
        let message = format!(
            "Invalid currency: {currency}. Stripe currently supports these currencies: {}",
            names.join(", ")
        );
        return Err(ApiError::parameter(None, "currency", message));
    };
    if amount < *least {
        let message = format!("Amount must be at least {least} {lower}");
        return Err(ApiError::parameter(Some("amount_too_small"), "amount", message));
    }
    if amount > MAX_AMOUNT {
        let message = format!("Amount must be no more than {MAX_AMOUNT} {lower}");
        return Err(ApiError::parameter(Some("amount_too_large"), "amount", message));
    }
    Ok(lower)
}

fn read_capture_method(params: Params<'_>) -> Result<CaptureMethod, ApiError> {
    let words = ["automatic", "automatic_async", "manual"];
    Ok(match params.word("capture_method", &words)? {
        Some("automatic") => CaptureMethod::Automatic,
        Some("manual") => CaptureMethod::Manual,
        // The default since 2024-04-10.
        _ => CaptureMethod::AutomaticAsync,
    })
}

/// Unless types are named, whatever the dashboard has switched on is offered: since 2023-08-16.
fn read_automatic(params: Params<'_>) -> Result<Option<Value>, ApiError> {
    let types = params.list("payment_method_types")?;
    if let Some(other) = types.iter().find(|name| **name != "card") {
        let message = format!("The payment method type \"{other}\" is invalid.");
        return Err(ApiError::parameter(
            Some("payment_intent_invalid_parameter"),
            "payment_method_types",
            message,
        ));
    }
    let nested = params.nested("automatic_payment_methods")?;
    let nested = nested.map(|nested| nested.only(&["enabled", "allow_redirects"])).transpose()?;
    let enabled = nested.map(|nested| nested.flag("enabled")).transpose()?;
    if enabled == Some(true) && !types.is_empty() {
        let message =
            "You may only specify one of these parameters: automatic_payment_methods, payment_method_types.";
        return Err(ApiError::parameter(None, "payment_method_types", message.to_owned()));
    }
    let redirects =
        nested.map(|nested| nested.word("allow_redirects", &["always", "never"])).transpose()?.flatten();
    let offered = types.is_empty() && enabled != Some(false);
    Ok(offered.then(|| json!({"enabled": true, "allow_redirects": redirects.unwrap_or("always")})))
}
