//! The outbox: events written in the transaction whose fact they tell, sent afterwards.
//!
//! ```text
//! enqueue (business tx) -> outbox_events -> fan_out -> one outbox_deliveries row per subscriber
//!                                                        due -> send -> delivered | failed (again later)
//! ```
//!
//! Nothing here sends; `jobzy-events` does. Rows are found by their state, never by a position in the sequence of
//! ids: transactions commit in another order than they take ids, and a position would step over the late ones.
//! Delivery is at least once. Nothing is given up: a row waits until its subscriber takes it.

use jiff::Timestamp;

use crate::{AssertSqlSafe, Db, DbError, Row, Tx, args};

/// How long an event is kept after everyone has it, in days.
pub const KEPT_DAYS: i64 = 7;

/// An event to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Its id, by which receivers know it again.
    pub id: [u8; 16],
    /// `jobzy.<service>.<fact>.v1`, at most 120 bytes.
    pub event_type: String,
    /// What it is about, at most 160 bytes.
    pub subject: String,
    /// The whole message as JSON text, at most 64 KiB.
    pub body: String,
}

/// An event that is due for one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The event's id.
    pub event_id: [u8; 16],
    /// Its type.
    pub event_type: String,
    /// The message as it was enqueued.
    pub body: String,
    /// Tries so far.
    pub attempts: u32,
}

/// What a subscriber has not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Number of events.
    pub events: i64,
    /// When the oldest of them was enqueued.
    pub oldest: Option<Timestamp>,
}

/// Writes an event in the caller's transaction: it is sent if and only if that commits.
///
/// # Errors
/// As [`Tx::execute`]; [`DbError::Check`] when a field is empty or too long.
pub async fn enqueue(tx: &mut Tx, event: &OutboxEvent, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO outbox_events (id, event_type, subject, body, created_at) VALUES (?, ?, ?, ?, ?)",
        args![event.id, &event.event_type, &event.subject, &event.body, now],
    )
    .await
    .map(drop)
}

/// Gives each of `subscribers` its own delivery row for up to `limit` new events; how many events there were. An
/// event goes to the subscribers known at this moment, not to ones configured later.
///
/// # Errors
/// As [`Db::transaction`].
pub async fn fan_out(db: &Db, subscribers: &[String], limit: u32, now: Timestamp) -> Result<u64, DbError> {
    // A plain read first, so that an idle pump never takes a lock.
    let waiting = "SELECT 1 AS one FROM outbox_events WHERE fanned_out_at IS NULL LIMIT 1";
    if db.fetch_optional(waiting, args![]).await?.is_none() {
        return Ok(0);
    }
    let subscribers = subscribers.to_vec();
    db.transaction("outbox fan-out", move |tx| {
        let subscribers = subscribers.clone();
        Box::pin(async move {
            let events = tx
                .fetch_all(
                    "SELECT id FROM outbox_events WHERE fanned_out_at IS NULL \
                     ORDER BY created_at, id LIMIT ? FOR UPDATE",
                    args![limit],
                )
                .await?;
            for event in &events {
                fan_out_one(tx, event.id16("id")?, &subscribers, now).await?;
            }
            Ok(events.len() as u64)
        })
    })
    .await
}

async fn fan_out_one(
    tx: &mut Tx,
    id: [u8; 16],
    subscribers: &[String],
    now: Timestamp,
) -> Result<(), DbError> {
    for subscriber in subscribers {
        tx.execute(
            "INSERT INTO outbox_deliveries (subscriber, event_id, attempts, next_attempt_at) VALUES (?, ?, 0, ?)",
            args![subscriber, id, now],
        )
        .await?;
    }
    tx.execute("UPDATE outbox_events SET fanned_out_at = ? WHERE id = ?", args![now, id]).await.map(drop)
}

/// Up to `limit` events that `subscriber` has not taken and whose next try is due, oldest first.
///
/// # Errors
/// As [`Db::fetch_all`].
pub async fn due(db: &Db, subscriber: &str, limit: u32, now: Timestamp) -> Result<Vec<Due>, DbError> {
    let rows = db
        .fetch_all(
            "SELECT d.event_id, d.attempts, e.event_type, e.body \
             FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id \
             WHERE d.subscriber = ? AND d.delivered_at IS NULL AND d.next_attempt_at <= ? \
             ORDER BY e.created_at, d.event_id LIMIT ?",
            args![subscriber, now, limit],
        )
        .await?;
    rows.iter().map(read_due).collect()
}

fn read_due(row: &Row) -> Result<Due, DbError> {
    Ok(Due {
        event_id: row.id16("event_id")?,
        event_type: row.text("event_type")?,
        body: row.text("body")?,
        attempts: u32::try_from(row.i64("attempts")?).map_err(|error| DbError::decode("attempts", error))?,
    })
}

/// Notes that `subscriber` has taken `events`. One transaction for a whole batch: if it is lost, they are sent again.
///
/// # Errors
/// As [`Db::execute`].
pub async fn delivered(
    db: &Db,
    subscriber: &str,
    events: &[[u8; 16]],
    now: Timestamp,
) -> Result<(), DbError> {
    if events.is_empty() {
        return Ok(());
    }
    // The only dynamic part is the number of question marks.
    let sql = format!(
        "UPDATE outbox_deliveries SET delivered_at = ?, attempts = attempts + 1, last_error = NULL \
         WHERE subscriber = ? AND delivered_at IS NULL AND event_id IN ({})",
        placeholders(events.len())
    );
    let mut args = args![now, subscriber];
    args.extend(events.iter().map(Into::into));
    db.execute(AssertSqlSafe(sql), args).await.map(drop)
}

/// Notes a failed try, its reason (cut to 200 bytes) and when to try again.
///
/// # Errors
/// As [`Db::execute`].
pub async fn failed(
    db: &Db,
    subscriber: &str,
    event: [u8; 16],
    next_attempt_at: Timestamp,
    reason: &str,
) -> Result<(), DbError> {
    let reason = &reason[..reason.floor_char_boundary(200)];
    db.execute(
        "UPDATE outbox_deliveries SET attempts = attempts + 1, next_attempt_at = ?, last_error = ? \
         WHERE subscriber = ? AND event_id = ? AND delivered_at IS NULL",
        args![next_attempt_at, reason, subscriber, event],
    )
    .await
    .map(drop)
}

/// How much `subscriber` is behind.
///
/// # Errors
/// As [`Db::fetch_all`].
pub async fn backlog(db: &Db, subscriber: &str) -> Result<Backlog, DbError> {
    let row = db
        .fetch_optional(
            "SELECT COUNT(*) AS events, MIN(e.created_at) AS oldest \
             FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id \
             WHERE d.subscriber = ? AND d.delivered_at IS NULL",
            args![subscriber],
        )
        .await?;
    match row {
        Some(row) => Ok(Backlog { events: row.i64("events")?, oldest: row.opt_timestamp("oldest")? }),
        None => Ok(Backlog { events: 0, oldest: None }),
    }
}

pub(crate) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}
