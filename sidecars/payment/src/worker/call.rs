//! Sending an operation, and reading what its answer means.

use jiff::SignedDuration;
use jobzy_payment::{Attempt, Fact, Kind, OperationState, RefusedFact, Verdict, judge, metadata};

use super::{WorkError, Worker, note, unanswered};
use crate::step::{News, Outcome};
use crate::store::operations::Operation;
use crate::store::payments::Record;
use crate::stripe::{Answer, Form};

/// Stripe may forget a key after 24 h, and would then execute the call anew.
const KEY_LASTS: SignedDuration = SignedDuration::from_hours(23);

/// An authorisation of which Stripe knows nothing, and which it answered with its own failure so often, is given up: the
/// customer is told to try again, while the slot waits.
const GIVE_UP_AFTER: i64 = 4;

impl Worker {
    /// Carries out an operation at Stripe: asks what became of it where that is not known, else sends it.
    pub(super) async fn call(&self, record: Record, operation: Operation) -> Result<(), WorkError> {
        // A pending operation that was due was left behind by a sender that died.
        let asks = matches!(operation.state, OperationState::Pending | OperationState::Unknown);
        if asks {
            let facts = match self.ask(&record, &operation).await {
                Ok(facts) => facts,
                Err(note) => return self.conclude(&operation, Vec::new(), Outcome::Unknown(note)).await,
            };
            let after = self.merge(operation.payment, News { facts, ..News::default() }).await?;
            if !after.iter().any(|after| after.id == operation.id && !after.state.is_final()) {
                return Ok(());
            }
            let age = self.clock.now().duration_since(operation.created_at);
            if age > KEY_LASTS {
                let payment = operation.payment;
                tracing::error!(payment.id = %payment, "an operation is unknown for a day: a person must look at Stripe");
                let outcome = Outcome::Unknown("older than Stripe's keys".to_owned());
                return self.conclude(&operation, Vec::new(), outcome).await;
            }
        }
        let Some(attempt) = record.payment.attempts.iter().find(|attempt| attempt.id == operation.attempt)
        else {
            return self
                .conclude(&operation, Vec::new(), Outcome::Failed("no such attempt".to_owned()))
                .await;
        };
        let Some((path, form)) = request(&record, attempt, &operation) else {
            return self
                .conclude(&operation, Vec::new(), Outcome::Errored("its intent is not known".to_owned()))
                .await;
        };
        let key = operation.id.to_string();
        let (facts, outcome) = match self.stripe.post(&path, &form, &key).await {
            Ok(answer) => understand(&answer, &operation, attempt),
            Err(error) => (Vec::new(), unanswered(&error)),
        };
        self.conclude(&operation, facts, if asks { still_unknown(outcome) } else { outcome }).await
    }

    async fn conclude(
        &self,
        operation: &Operation,
        facts: Vec<Fact>,
        outcome: Outcome,
    ) -> Result<(), WorkError> {
        let news = News { facts, outcome: Some((operation.clone(), outcome)), refund: None };
        self.merge(operation.payment, news).await.map(drop)
    }
}

/// That this try was not sent says nothing about the one before, of which nobody knows.
fn still_unknown(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Errored(note) => Outcome::Unknown(note),
        other => other,
    }
}

/// The call of an operation; `None` where it needs an intent that is not known.
fn request(record: &Record, attempt: &Attempt, operation: &Operation) -> Option<(String, Form)> {
    let amount = operation.amount_minor;
    let intent = attempt.intent_id.as_deref();
    Some(match operation.kind {
        Kind::Authorise => {
            let form = Form::new()
                .with("amount", amount)
                .with("currency", record.payment.amount.currency.code().to_ascii_lowercase())
                .with("capture_method", "manual")
                .with("confirm", "true")
                .with("payment_method", &record.sale.payment_method)
                // Only cards: other methods would send the customer away and need an address to return to.
                .with("payment_method_types[0]", "card")
                .with("description", format!("{} {}", record.sale.service, record.job));
            ("payment_intents".to_owned(), named(form, record, operation))
        }
        Kind::Capture => {
            (format!("payment_intents/{}/capture", intent?), Form::new().with("amount_to_capture", amount))
        }
        Kind::Void => {
            let form = Form::new().with("cancellation_reason", "requested_by_customer");
            (format!("payment_intents/{}/cancel", intent?), form)
        }
        Kind::Refund => {
            let form = Form::new()
                .with("payment_intent", intent?)
                .with("amount", amount)
                .with("reason", "requested_by_customer");
            ("refunds".to_owned(), named(form, record, operation))
        }
        // Calls that read, or call nobody.
        Kind::Fee | Kind::Invoice => return None,
    })
}

/// With the metadata by which a webhook finds its way back.
fn named(form: Form, record: &Record, operation: &Operation) -> Form {
    form.metadata(metadata::JOB, record.job)
        .metadata(metadata::PAYMENT, record.payment.id)
        .metadata(metadata::ATTEMPT, operation.attempt)
        .metadata(metadata::OPERATION, operation.id)
}

fn understand(answer: &Answer, operation: &Operation, attempt: &Attempt) -> (Vec<Fact>, Outcome) {
    let intent = answer.error.payment_intent.as_ref().and_then(|intent| Fact::parse(intent).ok());
    // There is no intent and there will be none.
    let refused = || {
        let none = operation.kind == Kind::Authorise && attempt.intent_id.is_none();
        let reason = answer.error.reason().to_owned();
        none.then_some(Fact::Refused(RefusedFact { attempt: operation.attempt, reason }))
    };
    match judge(answer.status, &answer.error) {
        Verdict::Done => match Fact::parse(&answer.body) {
            Ok(fact) => (vec![fact], Outcome::Success),
            // It says yes in words that we do not understand; asking will tell.
            Err(error) => (Vec::new(), Outcome::Unknown(error.to_string())),
        },
        Verdict::Declined | Verdict::Invalid => {
            let facts = intent.or_else(refused).into_iter().collect();
            (facts, Outcome::Failed(note(answer)))
        }
        Verdict::Auth => {
            tracing::error!(status = answer.status, "Stripe does not accept our key");
            (Vec::new(), Outcome::Errored(note(answer)))
        }
        Verdict::Rate | Verdict::Conflict => (Vec::new(), Outcome::Errored(note(answer))),
        // Asked for before it was sent, and answered: so Stripe has no such intent, and is not making one.
        Verdict::Unknown
            if operation.state == OperationState::Unknown && operation.tries >= GIVE_UP_AFTER =>
        {
            match refused() {
                Some(fact) => (vec![fact], Outcome::Failed(note(answer))),
                None => (Vec::new(), Outcome::Unknown(note(answer))),
            }
        }
        Verdict::Unknown => (Vec::new(), Outcome::Unknown(note(answer))),
    }
}
