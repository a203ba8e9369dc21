//! Asking Stripe how things stand.

use jiff::SignedDuration;
use jobzy_ids::PaymentId;
use jobzy_payment::{Fact, Kind, metadata};
use serde_json::Value;

use super::{Worker, note};
use crate::step::News;
use crate::store::operations::Operation;
use crate::store::payments::{self, Record};
use crate::stripe::Form;

/// Our clock and Stripe's may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(10);
/// Stripe's largest page.
const PAGE: u32 = 100;
/// Pages read in search of one intent: ten thousand payments in the minutes around it.
const MAX_PAGES: u32 = 100;

impl Worker {
    /// What Stripe knows that bears on an operation; nothing where it knows of none. An error is no answer.
    pub(super) async fn ask(&self, record: &Record, operation: &Operation) -> Result<Vec<Fact>, String> {
        let attempt = record.payment.attempts.iter().find(|attempt| attempt.id == operation.attempt);
        match attempt.and_then(|attempt| attempt.intent_id.as_deref()) {
            Some(intent) if operation.kind == Kind::Refund => self.refunds(intent).await,
            Some(intent) => Ok(vec![self.intent(intent).await?]),
            None => self.find_intent(operation).await,
        }
    }

    /// Asks about a payment of which Stripe has not spoken for long.
    pub(super) async fn look_at(&self, id: PaymentId) {
        let Ok(Some(record)) = payments::load(&self.db, id).await else { return };
        let mut facts = Vec::new();
        for attempt in &record.payment.attempts {
            let Some(intent) = attempt.intent_id.as_deref() else { continue };
            match (self.intent(intent).await, self.refunds(intent).await) {
                (Ok(fact), Ok(refunds)) => facts.extend([fact].into_iter().chain(refunds)),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(payment.id = %id, %error, "Stripe could not be asked about a payment");
                    return;
                }
            }
        }
        let news = News { facts, ..News::default() };
        if let Err(error) = self.merge(id, news).await {
            tracing::error!(payment.id = %id, %error, "what Stripe says of a payment could not be stored");
        }
    }

    pub(super) async fn intent(&self, intent: &str) -> Result<Fact, String> {
        let body = self.read(&format!("payment_intents/{intent}"), &Form::new()).await?;
        Fact::parse(&body).map_err(|error| error.to_string())
    }

    async fn refunds(&self, intent: &str) -> Result<Vec<Fact>, String> {
        let query = Form::new().with("payment_intent", intent).with("limit", PAGE);
        let body = self.read("refunds", &query).await?;
        let objects = body.get("data").and_then(Value::as_array).ok_or("a list without data")?;
        objects.iter().map(|object| Fact::parse(object).map_err(|error| error.to_string())).collect()
    }

    /// Looks through the intents made since the operation was stored: lists are consistent, search is not.
    async fn find_intent(&self, operation: &Operation) -> Result<Vec<Fact>, String> {
        let since = operation.created_at.saturating_sub(SKEW).map_err(|error| error.to_string())?.as_second();
        let mut query = Form::new().with("limit", PAGE).with("created[gte]", since);
        let attempt = operation.attempt.to_string();
        for _ in 0..MAX_PAGES {
            let body = self.read("payment_intents", &query).await?;
            let objects = body.get("data").and_then(Value::as_array).ok_or("a list without data")?;
            let ours = |fact: &Fact| fact.metadata(metadata::ATTEMPT) == Some(attempt.as_str());
            if let Some(fact) = objects.iter().filter_map(|object| Fact::parse(object).ok()).find(ours) {
                return Ok(vec![fact]);
            }
            let last = objects.last().and_then(|object| object.get("id")).and_then(Value::as_str);
            let more = body.get("has_more").and_then(Value::as_bool).unwrap_or(false);
            let (Some(last), true) = (last, more) else { return Ok(Vec::new()) };
            query = Form::new().with("limit", PAGE).with("created[gte]", since).with("starting_after", last);
        }
        Err("too many intents to look through".to_owned())
    }

    pub(super) async fn read(&self, path: &str, query: &Form) -> Result<Value, String> {
        match self.stripe.get(path, query).await {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) => Err(note(&answer)),
            Err(error) => Err(error.to_string()),
        }
    }
}
