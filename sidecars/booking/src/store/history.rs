//! What happened to a job, line by line.

use jobzy_ids::JobId;
use jobzy_store::{Db, DbError, Tx, args};

use super::{opt_utf8, utf8};
use crate::model::Entry;

/// Appends a line. The primary key (job, version) lets no change go without one line, nor with two.
pub async fn append(tx: &mut Tx, job: JobId, entry: &Entry) -> Result<(), DbError> {
    let sql = "INSERT INTO job_history (job_id, version, transition_name, from_status, to_status, actor, subject, \
               reason, note, correlation_id, happened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let args = args![
        job.as_bytes(),
        entry.version,
        entry.transition.as_bytes(),
        entry.from.as_deref().map(str::as_bytes),
        entry.to.as_bytes(),
        entry.actor.as_bytes(),
        entry.subject.as_bytes(),
        entry.reason.as_deref(),
        entry.note.as_deref(),
        entry.correlation_id.as_bytes(),
        entry.at
    ];
    tx.execute(sql, args).await.map(drop)
}

/// All lines, oldest first.
pub async fn list(db: &Db, job: JobId) -> Result<Vec<Entry>, DbError> {
    let sql = "SELECT version, transition_name, from_status, to_status, actor, subject, reason, note, correlation_id, \
               happened_at FROM job_history WHERE job_id = ? ORDER BY version";
    let rows = db.fetch_all(sql, args![job.as_bytes()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                version: row.i64("version")?,
                transition: utf8(row, "transition_name")?,
                from: opt_utf8(row, "from_status")?,
                to: utf8(row, "to_status")?,
                actor: utf8(row, "actor")?,
                subject: utf8(row, "subject")?,
                reason: row.opt_text("reason")?,
                note: row.opt_text("note")?,
                correlation_id: utf8(row, "correlation_id")?,
                at: row.timestamp("happened_at")?,
            })
        })
        .collect()
}
