//! Payments: the state the rules work on, with what is needed to find it and to act on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jobzy_ids::{JobId, PaymentId};
use jobzy_money::{Currency, Money, Rate};
use jobzy_payment::posting::{Position, Terms};
use jobzy_payment::{Attempt, Payment, Refund, Wish};
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_store::{Db, DbError, Row, Tx, args};
use jobzy_trace::{CorrelationId, TraceParent};
use serde::{Deserialize, Serialize};

use super::{document, parsed, to_json, unreadable};
use crate::sale::{Completion, Sale};

/// A payment as it is stored.
#[derive(Debug, Clone)]
pub struct Record {
    pub payment: Payment,
    pub job: JobId,
    pub sale: Sale,
    pub completion: Option<Completion>,
    pub terms: Terms,
    /// The request that last wanted something of it: what Stripe says belongs to that story.
    pub correlation_id: CorrelationId,
    pub traceparent: TraceParent,
    /// Counts the locks taken; names the occasion of a booking.
    pub version: i64,
    /// When Stripe is asked how it stands, unless it says so by itself.
    pub look_at: Option<Timestamp>,
    pub looks: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Record {
    /// What was taken and given back.
    pub fn position(&self) -> Position {
        Position {
            captured_minor: self.payment.captured_minor(),
            refunded_minor: self.payment.refunded_minor(),
        }
    }

    /// The context in which events about it are told when nobody is asking.
    pub fn context(&self, clock: &Clock) -> RequestContext {
        RequestContext::resume(Some(self.correlation_id.clone()), Some(self.traceparent), clock)
    }

    /// Takes over the context of a request that wants something of it.
    pub fn asked_in(&mut self, context: &RequestContext) {
        self.correlation_id = context.correlation_id.clone();
        self.traceparent = context.traceparent;
    }

    /// The intent of the current attempt.
    pub fn intent_id(&self) -> Option<&str> {
        self.payment.current().and_then(|attempt| attempt.intent_id.as_deref())
    }
}

/// The part of a payment that only the rules understand.
#[derive(Serialize, Deserialize)]
struct State {
    attempts: Vec<Attempt>,
    refunds: BTreeMap<String, Refund>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, job_id, amount_minor, currency, wish, state, sale, completion, commission_bp, commission_vat_bp, ",
            "correlation_id, traceparent, version, look_at, looks, created_at, updated_at FROM payments ",
            $rest
        )
    };
}

/// Stores a new one.
pub async fn insert(tx: &mut Tx, record: &Record) -> Result<(), DbError> {
    let sql = "INSERT INTO payments (id, job_id, customer, provider, amount_minor, currency, wish, state, sale, completion, \
               payment_method, commission_bp, commission_vat_bp, correlation_id, traceparent, version, look_at, looks, \
               created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL, 0, ?, ?)";
    let Record { payment, sale, .. } = record;
    let args = args![
        payment.id.as_bytes(),
        record.job.as_bytes(),
        sale.customer.subject.as_bytes(),
        sale.provider.subject.as_bytes(),
        payment.amount.minor,
        payment.amount.currency.code(),
        payment.wish.as_str(),
        state_of(payment)?,
        to_json("sale", sale)?,
        record.completion.as_ref().map(|completion| to_json("completion", completion)).transpose()?,
        sale.payment_method.as_bytes(),
        record.terms.commission.basis_points(),
        record.terms.vat.basis_points(),
        record.correlation_id.as_str().as_bytes(),
        record.traceparent.to_string().as_bytes(),
        record.created_at,
        record.updated_at,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// A payment, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: PaymentId) -> Result<Option<Record>, DbError> {
    // An update locks on either database, where `SELECT .. FOR UPDATE` would read what was there before.
    tx.execute("UPDATE payments SET version = version + 1 WHERE id = ?", args![id.as_bytes()]).await?;
    let row = tx.fetch_optional(select!("WHERE id = ?"), args![id.as_bytes()]).await?;
    row.as_ref().map(read).transpose()
}

/// Writes what may change of a locked payment.
pub async fn save(tx: &mut Tx, record: &Record) -> Result<(), DbError> {
    let sql = "UPDATE payments SET wish = ?, state = ?, completion = ?, correlation_id = ?, traceparent = ?, look_at = ?, \
               looks = ?, updated_at = ? WHERE id = ? AND version = ?";
    let args = args![
        record.payment.wish.as_str(),
        state_of(&record.payment)?,
        record.completion.as_ref().map(|completion| to_json("completion", completion)).transpose()?,
        record.correlation_id.as_str().as_bytes(),
        record.traceparent.to_string().as_bytes(),
        record.look_at,
        record.looks,
        record.updated_at,
        record.payment.id.as_bytes(),
        record.version,
    ];
    if tx.execute(sql, args).await? == 1 {
        return Ok(());
    }
    Err(unreadable("version", "the payment was changed without its lock"))
}

/// Remembers whose an intent is.
pub async fn remember_intent(tx: &mut Tx, intent: &str, payment: PaymentId) -> Result<(), DbError> {
    let sql = "INSERT INTO intents (intent_id, payment_id) VALUES (?, ?)";
    tx.insert_new(sql, args![intent.as_bytes(), payment.as_bytes()]).await?;
    Ok(())
}

/// The payment an intent belongs to.
pub async fn by_intent(tx: &mut Tx, intent: &str) -> Result<Option<PaymentId>, DbError> {
    let sql = "SELECT payment_id FROM intents WHERE intent_id = ?";
    let row = tx.fetch_optional(sql, args![intent.as_bytes()]).await?;
    row.map(|row| row.id16("payment_id").map(PaymentId::from_bytes)).transpose()
}

/// The payment of a job.
pub async fn by_job(tx: &mut Tx, job: JobId) -> Result<Option<PaymentId>, DbError> {
    let row = tx.fetch_optional("SELECT id FROM payments WHERE job_id = ?", args![job.as_bytes()]).await?;
    row.map(|row| row.id16("id").map(PaymentId::from_bytes)).transpose()
}

/// A payment as it stands, not locked.
pub async fn load(db: &Db, id: PaymentId) -> Result<Option<Record>, DbError> {
    let row = db.fetch_optional(select!("WHERE id = ?"), args![id.as_bytes()]).await?;
    row.as_ref().map(read).transpose()
}

/// The payments of a job, or of a customer, or all; newest first.
pub async fn list(
    db: &Db,
    job: Option<JobId>,
    customer: Option<&str>,
    limit: u32,
) -> Result<Vec<Record>, DbError> {
    let rows = match (job, customer) {
        (Some(job), _) => {
            db.fetch_all(select!("WHERE job_id = ? LIMIT ?"), args![job.as_bytes(), limit]).await?
        }
        (None, Some(customer)) => {
            let sql = select!("WHERE customer = ? ORDER BY created_at DESC LIMIT ?");
            db.fetch_all(sql, args![customer.as_bytes(), limit]).await?
        }
        (None, None) => db.fetch_all(select!("ORDER BY created_at DESC LIMIT ?"), args![limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// Payments to ask Stripe about.
pub async fn to_look_at(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, DbError> {
    let sql = "SELECT id FROM payments WHERE look_at <= ? ORDER BY look_at LIMIT ?";
    let rows = db.fetch_all(sql, args![now, limit]).await?;
    rows.iter().map(|row| row.id16("id").map(PaymentId::from_bytes)).collect()
}

/// Takes a payment to ask about; false where somebody else was faster.
pub async fn claim_look(db: &Db, id: PaymentId, now: Timestamp, next: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE payments SET look_at = ?, looks = looks + 1 WHERE id = ? AND look_at <= ?";
    Ok(db.execute(sql, args![next, id.as_bytes(), now]).await? == 1)
}

fn state_of(payment: &Payment) -> Result<String, DbError> {
    to_json("state", &State { attempts: payment.attempts.clone(), refunds: payment.refunds.clone() })
}

fn read(row: &Row) -> Result<Record, DbError> {
    let state: State = document(row, "state")?;
    let currency: Currency = parsed(row, "currency")?;
    let completion = match row.opt_text("completion")? {
        None => None,
        Some(_) => Some(document(row, "completion")?),
    };
    Ok(Record {
        payment: Payment {
            id: PaymentId::from_bytes(row.id16("id")?),
            amount: Money { minor: row.i64("amount_minor")?, currency },
            wish: Wish::parse(&row.text("wish")?).ok_or_else(|| unreadable("wish", "no such wish"))?,
            attempts: state.attempts,
            refunds: state.refunds,
        },
        job: JobId::from_bytes(row.id16("job_id")?),
        sale: document(row, "sale")?,
        completion,
        terms: Terms {
            commission: rate(row, "commission_bp")?,
            vat: rate(row, "commission_vat_bp")?,
            currency,
        },
        correlation_id: CorrelationId::parse(&row.bytes("correlation_id")?)
            .map_err(|error| unreadable("correlation_id", error))?,
        traceparent: TraceParent::parse(&row.bytes("traceparent")?)
            .map_err(|error| unreadable("traceparent", error))?,
        version: row.i64("version")?,
        look_at: row.opt_timestamp("look_at")?,
        looks: row.i64("looks")?,
        created_at: row.timestamp("created_at")?,
        updated_at: row.timestamp("updated_at")?,
    })
}

fn rate(row: &Row, column: &str) -> Result<Rate, DbError> {
    let basis_points = u32::try_from(row.i64(column)?).map_err(|error| unreadable(column, error))?;
    Ok(Rate::from_basis_points(basis_points))
}
