//! Throwing away what has served its time, in small batches so that nobody waits for a lock.

use jiff::{SignedDuration, Timestamp};

use crate::outbox::placeholders;
use crate::{AssertSqlSafe, Db, DbError, Value, args, idempotency, inbox, outbox};

const BATCH: u32 = 500;

/// Removes idempotency keys after 30 days, inbox entries after 90, and outbox events 7 days after the last of their
/// subscribers has taken them. Returns the number of entries removed. Meant to run about once an hour.
///
/// # Errors
/// As [`Db::execute`]; what was removed before the error stays removed.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    let keys = "DELETE FROM idempotency_keys WHERE created_at <= ?";
    let oldest_key = "SELECT created_at AS at FROM idempotency_keys WHERE created_at <= ? \
                      ORDER BY created_at LIMIT 1 OFFSET ?";
    let received = "DELETE FROM inbox_events WHERE received_at <= ?";
    let oldest_received = "SELECT received_at AS at FROM inbox_events WHERE received_at <= ? \
                           ORDER BY received_at LIMIT 1 OFFSET ?";
    let mut removed = by_age(db, oldest_key, keys, before(now, idempotency::KEPT_DAYS)).await?;
    removed += by_age(db, oldest_received, received, before(now, inbox::KEPT_DAYS)).await?;
    removed += sent_events(db, before(now, outbox::KEPT_DAYS)).await?;
    Ok(removed)
}

fn before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MIN)
}

/// `DELETE .. LIMIT` is not SQLite; so the time of the last row of the next batch is asked for first.
async fn by_age(
    db: &Db,
    last_of_batch: &'static str,
    delete: &'static str,
    cutoff: Timestamp,
) -> Result<u64, DbError> {
    let mut removed = 0;
    loop {
        let last = db.fetch_optional(last_of_batch, args![cutoff, BATCH - 1]).await?;
        let Some(row) = last else {
            return Ok(removed + db.execute(delete, args![cutoff]).await?);
        };
        removed += db.execute(delete, args![row.timestamp("at")?]).await?;
    }
}

async fn sent_events(db: &Db, cutoff: Timestamp) -> Result<u64, DbError> {
    let mut removed = 0;
    loop {
        let rows = db
            .fetch_all(
                "SELECT e.id FROM outbox_events e WHERE e.fanned_out_at <= ? AND NOT EXISTS (\
                 SELECT 1 FROM outbox_deliveries d WHERE d.event_id = e.id \
                 AND (d.delivered_at IS NULL OR d.delivered_at > ?)) LIMIT ?",
                args![cutoff, cutoff, BATCH],
            )
            .await?;
        let ids = rows.iter().map(|row| row.id16("id").map(Value::from)).collect::<Result<Vec<_>, _>>()?;
        if ids.is_empty() {
            return Ok(removed);
        }
        let marks = placeholders(ids.len());
        removed += db
            .transaction("outbox sweep", move |tx| {
                let (marks, ids) = (marks.clone(), ids.clone());
                Box::pin(async move {
                    let deliveries = format!("DELETE FROM outbox_deliveries WHERE event_id IN ({marks})");
                    tx.execute(AssertSqlSafe(deliveries), ids.clone()).await?;
                    let events = format!("DELETE FROM outbox_events WHERE id IN ({marks})");
                    tx.execute(AssertSqlSafe(events), ids).await
                })
            })
            .await?;
    }
}
