//! The worker: claims operations that are due and carries them out, several at a time.
//!
//! ```text
//! due? ──▶ claim (lease) ──▶ init, errored ────▶ send ──▶ step
//!                      └──▶ unknown, left behind ─▶ ask ──▶ step ──▶ settled? else send with the same key
//! ```
//!
//! A claim lasts longer than a call may take, so two replicas do not send the same operation; were they to, Stripe's
//! idempotency key would make it one. Woken after a commit, the worker also looks by itself, which finds what a dead
//! process left behind and what is due again.

mod ask;
mod call;
mod fee;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jobzy_command::Refused;
use jobzy_events::Pump;
use jobzy_ids::PaymentId;
use jobzy_payment::Kind;
use jobzy_service::client::ClientError;
use jobzy_service::clock::Clock;
use jobzy_store::Db;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::invoicing;
use crate::step::{News, Outcome, next_look, step};
use crate::store::operations::{self, Operation};
use crate::store::payments::{self, Record};
use crate::store::webhooks;
use crate::stripe::{Answer, Form, Stripe, TIMEOUT};

/// Operations under way at once.
const CONCURRENT: usize = 16;
/// Operations and payments looked for at once.
const BATCH: u32 = 16;
/// How often the database is asked without being told.
const POLL: Duration = Duration::from_millis(500);
/// How often old webhooks are thrown away.
const SWEEP: Duration = Duration::from_secs(3600);
/// An operation makes two calls at most: it asks, and sends.
const LEASE: SignedDuration = SignedDuration::from_secs(3 * TIMEOUT.as_secs() as i64);

/// How long a second of waiting takes: tests shorten it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    second: SignedDuration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { second: SignedDuration::from_secs(1) }
    }
}

impl Pace {
    /// A pace at which a second of waiting takes `milliseconds`.
    #[must_use]
    pub fn with_second(milliseconds: i64) -> Self {
        Self { second: SignedDuration::from_millis(milliseconds) }
    }

    /// `now`, and so many seconds at this pace.
    #[must_use]
    pub fn after(self, now: Timestamp, seconds: i64) -> Timestamp {
        let factor = i32::try_from(seconds).unwrap_or(i32::MAX);
        now.saturating_add(self.second.saturating_mul(factor)).unwrap_or(Timestamp::MAX)
    }
}

/// Carries out operations; clones share everything, and exactly one of them is [`Worker::run`].
#[derive(Clone)]
pub struct Worker {
    db: Db,
    stripe: Stripe,
    clock: Clock,
    pump: Pump,
    pace: Pace,
    news: Arc<Notify>,
}

/// What a web page needs to let the customer authenticate.
#[derive(Serialize)]
pub(crate) struct NextAction {
    client_secret: String,
    redirect_url: Option<String>,
}

/// Why an operation was not carried to its end this time.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("{0}")]
    Problem(jobzy_service::problem::Problem),
    #[error("the payment of an operation is not there")]
    NoPayment,
}

impl From<Refused> for WorkError {
    fn from(refused: Refused) -> Self {
        Self::Problem(refused.0)
    }
}

impl From<jobzy_store::DbError> for WorkError {
    fn from(error: jobzy_store::DbError) -> Self {
        Self::Problem(jobzy_command::database(&error))
    }
}

impl Worker {
    /// A worker over a database that sends to `stripe` and wakes `pump`.
    #[must_use]
    pub fn new(db: Db, stripe: Stripe, clock: Clock, pump: Pump, pace: Pace) -> Self {
        Self { db, stripe, clock, pump, pace, news: Arc::new(Notify::new()) }
    }

    /// Says that a transaction with operations or events has committed.
    pub fn wake(&self) {
        self.news.notify_one();
        self.pump.wake();
    }

    /// How long it waits.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// Runs until `shutdown` is ready, then finishes the calls under way.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        tokio::pin!(shutdown);
        let mut under_way = JoinSet::new();
        let mut swept = tokio::time::interval(SWEEP);
        loop {
            if let Err(error) = self.fill(&mut under_way).await {
                tracing::warn!(%error, "due operations could not be claimed");
            }
            tokio::select! {
                () = &mut shutdown => break,
                () = self.news.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = swept.tick() => self.sweep().await,
                // Room for more.
                Some(_) = under_way.join_next(), if under_way.len() >= CONCURRENT => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn sweep(&self) {
        match webhooks::forget_before(&self.db, self.clock.now()).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old webhooks were swept"),
            Err(error) => tracing::warn!(%error, "old webhooks could not be swept"),
        }
    }

    /// What the customer needs to authenticate, read from Stripe each time: it is a secret, and is stored nowhere.
    pub(crate) async fn next_action(&self, intent: &str) -> Option<NextAction> {
        let body = self.read(&format!("payment_intents/{intent}"), &Form::new()).await;
        let body = body.inspect_err(|error| tracing::warn!(%error, "an intent could not be read")).ok()?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let redirect_url = text("/next_action/redirect_to_url/url");
        Some(NextAction { client_secret: text("/client_secret")?, redirect_url })
    }

    async fn fill(&self, under_way: &mut JoinSet<()>) -> Result<(), WorkError> {
        while under_way.try_join_next().is_some() {}
        let now = self.clock.now();
        let lease = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
        for id in operations::due(&self.db, now, BATCH).await? {
            if under_way.len() >= CONCURRENT {
                return Ok(());
            }
            if let Some(operation) = operations::claim(&self.db, id, now, lease).await? {
                let worker = self.clone();
                under_way.spawn(async move { worker.carry_out(operation).await });
            }
        }
        for id in payments::to_look_at(&self.db, now, BATCH).await? {
            if under_way.len() >= CONCURRENT {
                return Ok(());
            }
            let Some(record) = payments::load(&self.db, id).await? else { continue };
            let looked = Record { looks: record.looks.saturating_add(1), ..record };
            let next = next_look(&looked, self.pace, now);
            if payments::claim_look(&self.db, id, now, next.unwrap_or(lease)).await? {
                let worker = self.clone();
                under_way.spawn(async move { worker.look_at(id).await });
            }
        }
        Ok(())
    }

    async fn carry_out(&self, operation: Operation) {
        let kind = operation.kind.as_str();
        let begun = tokio::time::Instant::now();
        if let Err(error) = self.attempt(operation.clone()).await {
            // The lease ends, and it is tried again; if it was sent, it is asked for first.
            let payment = operation.payment;
            tracing::error!(payment.id = %payment, operation = kind, tries = operation.tries, %error, "an operation broke off");
        }
        metrics::histogram!("payment_operation_seconds", "kind" => kind)
            .record(begun.elapsed().as_secs_f64());
        self.wake();
    }

    async fn attempt(&self, operation: Operation) -> Result<(), WorkError> {
        let record = payments::load(&self.db, operation.payment).await?.ok_or(WorkError::NoPayment)?;
        let context = record.context(&self.clock);
        context
            .scope(async {
                match operation.kind {
                    Kind::Invoice => invoicing::issue(&self.db, &self.clock, self.pace, operation)
                        .await
                        .map_err(WorkError::from),
                    Kind::Fee => self.book_fee(record, operation).await,
                    Kind::Authorise | Kind::Capture | Kind::Void | Kind::Refund => {
                        self.call(record, operation).await
                    }
                }
            })
            .await
    }

    /// Merges what Stripe said; gives the operations as they are then.
    async fn merge(&self, payment: PaymentId, news: News) -> Result<Vec<Operation>, WorkError> {
        let (clock, pace) = (self.clock.clone(), self.pace);
        let after = self.db.transaction("merge", move |tx| {
            let (clock, news) = (clock.clone(), news.clone());
            Box::pin(async move {
                let Some(record) = payments::lock(tx, payment).await? else { return Ok(Vec::new()) };
                step(tx, &clock, pace, record, news).await?;
                Ok::<_, Refused>(operations::of_payment(tx, payment).await?)
            })
        });
        let after = after.await?;
        self.wake();
        Ok(after)
    }
}

/// What a call without an answer means.
fn unanswered(error: &ClientError) -> Outcome {
    if error.surely_not_sent() {
        Outcome::Errored(error.to_string())
    } else {
        Outcome::Unknown(error.to_string())
    }
}

/// What is kept of an answer that says no: codes, never the message, which may hold names.
fn note(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.error.reason())
}
