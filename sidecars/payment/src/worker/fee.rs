//! What Stripe keeps of a charge, booked when it is known.

use jobzy_command::Refused;
use jobzy_payment::posting;
use jobzy_service::problem::Problem;
use serde_json::Value;

use super::{WorkError, Worker};
use crate::step::{News, Outcome, step};
use crate::store::ledger;
use crate::store::operations::Operation;
use crate::store::payments::{self, Record};
use crate::stripe::Form;

/// A movement of our balance at Stripe.
struct Charged {
    movement: String,
    fee_minor: i64,
}

impl Worker {
    pub(super) async fn book_fee(&self, record: Record, operation: Operation) -> Result<(), WorkError> {
        let charged = match self.fee_of(&record, &operation).await {
            Ok(charged) => charged,
            Err(note) => {
                let outcome = Some((operation.clone(), Outcome::Errored(note)));
                let news = News { outcome, ..News::default() };
                return self.merge(operation.payment, news).await.map(drop);
            }
        };
        let currency = record.payment.amount.currency;
        let booked = posting::fee(&charged.movement, charged.fee_minor, currency);
        let booked = booked.map_err(|error| WorkError::Problem(Problem::internal(&error)))?;
        let (clock, pace, payment) = (self.clock.clone(), self.pace, operation.payment);
        let stored = self.db.transaction("book fee", move |tx| {
            let (clock, booked, operation) = (clock.clone(), booked.clone(), operation.clone());
            Box::pin(async move {
                let Some(record) = payments::lock(tx, payment).await? else { return Ok(()) };
                if let Some(transaction) = &booked {
                    ledger::post(tx, payment, transaction, clock.now()).await?;
                }
                let news = News { outcome: Some((operation, Outcome::Success)), ..News::default() };
                step(tx, &clock, pace, record, news).await?;
                Ok::<_, Refused>(())
            })
        });
        Ok(stored.await?)
    }

    async fn fee_of(&self, record: &Record, operation: &Operation) -> Result<Charged, String> {
        let attempt = record.payment.attempts.iter().find(|attempt| attempt.id == operation.attempt);
        let charge =
            attempt.and_then(|attempt| attempt.charge_id.as_deref()).ok_or("the charge is not known yet")?;
        let query = Form::new().with("source", charge).with("limit", 1);
        let body = self.read("balance_transactions", &query).await?;
        // It may come a moment after the capture's own answer.
        let first = body.get("data").and_then(|data| data.get(0)).ok_or("not yet in the balance")?;
        let movement = first.get("id").and_then(Value::as_str).ok_or("a movement without id")?;
        let fee_minor = first.get("fee").and_then(Value::as_i64).ok_or("a movement without fee")?;
        let currency = first.get("currency").and_then(Value::as_str).unwrap_or_default();
        // A payout in another currency needs an exchange rate that nobody has decided on.
        if !currency.eq_ignore_ascii_case(record.payment.amount.currency.code()) {
            return Err(format!("the balance is in {currency}"));
        }
        Ok(Charged { movement: movement.to_owned(), fee_minor })
    }
}
