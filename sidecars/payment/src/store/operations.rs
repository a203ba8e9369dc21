//! Operations: what is to be done at Stripe, written down before it is done.

use std::fmt;

use jiff::Timestamp;
use jobzy_ids::{AttemptId, PaymentId};
use jobzy_payment::{Kind, Known, OperationState};
use jobzy_store::{Db, DbError, Row, Tx, args};

use super::unreadable;

/// Longest text of `reason` and `note`, in characters.
const MAX_TEXT: usize = 200;

/// Names an operation, here and in Stripe's metadata; the idempotency key of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationId(pub [u8; 16]);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op_{}", hex::encode(self.0))
    }
}

/// An operation.
#[derive(Debug, Clone)]
pub struct Operation {
    pub id: OperationId,
    pub payment: PaymentId,
    pub attempt: AttemptId,
    pub kind: Kind,
    pub state: OperationState,
    pub amount_minor: i64,
    /// Why a person asked for it.
    pub reason: Option<String>,
    /// How often it was sent or asked for.
    pub tries: i64,
    /// When it is to be tried next; while it is under way, when its sender counts as dead.
    pub due_at: Timestamp,
    pub created_at: Timestamp,
}

impl Operation {
    /// What the rules know of it.
    pub fn known(&self) -> Known {
        Known {
            id: self.id.to_string(),
            attempt: self.attempt,
            kind: self.kind,
            state: self.state,
            amount_minor: self.amount_minor,
        }
    }
}

/// Stores a new one.
pub async fn insert(tx: &mut Tx, operation: &Operation, now: Timestamp) -> Result<(), DbError> {
    let sql = "INSERT INTO operations (id, payment_id, attempt_id, kind, state, is_open, amount_minor, reason, tries, \
               due_at, note, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 1, ?, ?, 0, ?, NULL, ?, ?)";
    let args = args![
        operation.id.0,
        operation.payment.as_bytes(),
        operation.attempt.as_bytes(),
        operation.kind.as_str(),
        operation.state.as_str(),
        operation.amount_minor,
        operation.reason.as_deref().map(shortened),
        operation.due_at,
        now,
        now,
    ];
    tx.execute(sql, args).await?;
    Ok(())
}

/// Every operation of a payment, oldest first.
pub async fn of_payment(tx: &mut Tx, payment: PaymentId) -> Result<Vec<Operation>, DbError> {
    let sql = "SELECT id, payment_id, attempt_id, kind, state, amount_minor, reason, tries, due_at, created_at \
               FROM operations WHERE payment_id = ? ORDER BY created_at, id";
    let rows = tx.fetch_all(sql, args![payment.as_bytes()]).await?;
    rows.iter().map(read).collect()
}

/// What is due, the longest waiting first.
pub async fn due(db: &Db, now: Timestamp, limit: u32) -> Result<Vec<OperationId>, DbError> {
    let sql = "SELECT id FROM operations WHERE is_open = 1 AND due_at <= ? ORDER BY due_at LIMIT ?";
    let rows = db.fetch_all(sql, args![now, limit]).await?;
    rows.iter().map(|row| row.id16("id").map(OperationId)).collect()
}

/// Takes an operation that is due, for as long as `lease_until`; `None` where somebody else was faster. The operation is
/// given as it was before: one that was pending was left behind by a sender that died.
pub async fn claim(
    db: &Db,
    id: OperationId,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Operation>, DbError> {
    db.transaction("claim operation", move |tx| {
        Box::pin(async move {
            let sql = "SELECT id, payment_id, attempt_id, kind, state, amount_minor, reason, tries, due_at, created_at \
                       FROM operations WHERE id = ? AND is_open = 1 AND due_at <= ? FOR UPDATE";
            let Some(row) = tx.fetch_optional(sql, args![id.0, now]).await? else { return Ok(None) };
            let operation = read(&row)?;
            let sql = "UPDATE operations SET state = 'pending', tries = tries + 1, due_at = ?, updated_at = ? \
                       WHERE id = ? AND tries = ?";
            tx.execute(sql, args![lease_until, now, id.0, operation.tries]).await?;
            Ok(Some(Operation { tries: operation.tries.saturating_add(1), ..operation }))
        })
    })
    .await
}

/// Writes down how far it is. `tries` must be what it was when it was read: false, and nothing, where a sender has taken
/// it since.
pub async fn settle(
    tx: &mut Tx,
    operation: &Operation,
    state: OperationState,
    due_at: Timestamp,
    note: Option<&str>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE operations SET state = ?, is_open = ?, due_at = ?, note = ?, updated_at = ? \
               WHERE id = ? AND tries = ? AND is_open = 1";
    let args = args![
        state.as_str(),
        !state.is_final(),
        due_at,
        note.map(shortened),
        now,
        operation.id.0,
        operation.tries,
    ];
    Ok(tx.execute(sql, args).await? == 1)
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn read(row: &Row) -> Result<Operation, DbError> {
    let kind = Kind::parse(&row.text("kind")?).ok_or_else(|| unreadable("kind", "no such kind"))?;
    let state =
        OperationState::parse(&row.text("state")?).ok_or_else(|| unreadable("state", "no such state"))?;
    Ok(Operation {
        id: OperationId(row.id16("id")?),
        payment: PaymentId::from_bytes(row.id16("payment_id")?),
        attempt: AttemptId::from_bytes(row.id16("attempt_id")?),
        kind,
        state,
        amount_minor: row.i64("amount_minor")?,
        reason: row.opt_text("reason")?,
        tries: row.i64("tries")?,
        due_at: row.timestamp("due_at")?,
        created_at: row.timestamp("created_at")?,
    })
}
