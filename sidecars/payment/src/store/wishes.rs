//! What booking wants of a job's money, heard in any order.

use jobzy_ids::JobId;
use jobzy_payment::Wish;
use jobzy_store::{DbError, Tx, args};

use super::unreadable;

/// Adds `wish` to what was heard before and gives what counts now, with the job locked until the transaction ends.
pub async fn hear(tx: &mut Tx, job: JobId, wish: Wish) -> Result<Wish, DbError> {
    let sql = "INSERT INTO wishes (job_id, wish, heard) VALUES (?, ?, 0)";
    tx.insert_new(sql, args![job.as_bytes(), wish.as_str()]).await?;
    // Locks the row also where it was there before, and only then reads it.
    tx.execute("UPDATE wishes SET heard = heard + 1 WHERE job_id = ?", args![job.as_bytes()]).await?;
    let row = tx.fetch_optional("SELECT wish FROM wishes WHERE job_id = ?", args![job.as_bytes()]).await?;
    let row = row.ok_or_else(|| unreadable("wish", "the row just written is not there"))?;
    let before = Wish::parse(&row.text("wish")?).ok_or_else(|| unreadable("wish", "no such wish"))?;
    let after = before.max(wish);
    if after != before {
        let sql = "UPDATE wishes SET wish = ? WHERE job_id = ?";
        tx.execute(sql, args![after.as_str(), job.as_bytes()]).await?;
    }
    Ok(after)
}
