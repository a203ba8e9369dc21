//! Time taken from providers, in cells.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jobzy_booking::slots::{Slot, first_future_cell};
use jobzy_ids::{JobId, ProviderId};
use jobzy_store::{AssertSqlSafe, Db, DbError, Tx, Value, args};

/// Takes the slot for the job; false when any of it belongs to another one.
///
/// Writing the provider's row first makes rivals wait for each other there, instead of meeting in the cells'
/// index, where the database could only end one of them as a deadlock. The primary key would hold without it.
pub async fn take(tx: &mut Tx, provider: ProviderId, job: JobId, slot: Slot) -> Result<bool, DbError> {
    let lock = "UPDATE providers SET slots_version = slots_version + 1 WHERE id = ?";
    if tx.execute(lock, args![provider.as_bytes()]).await? == 0 {
        return Ok(false);
    }
    if !taken_by(tx, Some(provider), slot).await?.is_empty() {
        return Ok(false);
    }
    let rows: Vec<&str> = slot.cells().map(|_| "(?, ?, ?)").collect();
    let sql = format!("INSERT INTO slot_cells (provider_id, cell, job_id) VALUES {}", rows.join(", "));
    let args: Vec<Value> =
        slot.cells().flat_map(|cell| args![provider.as_bytes(), cell, job.as_bytes()]).collect();
    tx.execute(AssertSqlSafe(sql), args).await?;
    Ok(true)
}

/// Gives back what the job holds of the future. What is past stays: it is what happened.
pub async fn release(tx: &mut Tx, job: JobId, now: Timestamp) -> Result<(), DbError> {
    let sql = "DELETE FROM slot_cells WHERE job_id = ? AND cell >= ?";
    tx.execute(sql, args![job.as_bytes(), first_future_cell(now)]).await.map(drop)
}

/// Providers (all, or one) of whom some part of the slot is taken.
pub async fn taken_by(
    tx: &mut Tx,
    only: Option<ProviderId>,
    slot: Slot,
) -> Result<BTreeSet<[u8; 16]>, DbError> {
    let (first, last) = span(slot);
    let rows = match only {
        Some(provider) => {
            let sql =
                "SELECT DISTINCT provider_id FROM slot_cells WHERE provider_id = ? AND cell BETWEEN ? AND ?";
            tx.fetch_all(sql, args![provider.as_bytes(), first, last]).await?
        }
        None => {
            let sql = "SELECT DISTINCT provider_id FROM slot_cells WHERE cell BETWEEN ? AND ?";
            tx.fetch_all(sql, args![first, last]).await?
        }
    };
    rows.iter().map(|row| row.id16("provider_id")).collect()
}

/// The provider's taken cells from `first` to `last`.
pub async fn taken(db: &Db, provider: ProviderId, first: i64, last: i64) -> Result<BTreeSet<i64>, DbError> {
    let sql = "SELECT cell FROM slot_cells WHERE provider_id = ? AND cell BETWEEN ? AND ?";
    let rows = db.fetch_all(sql, args![provider.as_bytes(), first, last]).await?;
    rows.iter().map(|row| row.i64("cell")).collect()
}

fn span(slot: Slot) -> (i64, i64) {
    let first = slot.cells().min().unwrap_or_default();
    (first, slot.cells().max().unwrap_or(first))
}
