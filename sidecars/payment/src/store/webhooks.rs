//! Webhooks that were heard, so that a second copy changes nothing.

use jiff::{SignedDuration, Timestamp};
use jobzy_ids::PaymentId;
use jobzy_store::{Db, DbError, Tx, args};

/// Stripe repeats a webhook for three days; a person may have one repeated for thirty.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// True the first time; a concurrent second copy waits until the first has committed.
pub async fn first_time(
    tx: &mut Tx,
    event_id: &str,
    event_type: &str,
    object_id: &str,
    payment: Option<PaymentId>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO webhooks (event_id, event_type, object_id, payment_id, received_at) VALUES (?, ?, ?, ?, ?)";
    let payment = payment.map(|id| *id.as_bytes());
    let args = args![event_id.as_bytes(), event_type.as_bytes(), object_id.as_bytes(), payment, now];
    tx.insert_new(sql, args).await
}

/// Forgets what is too old to come again; how many that were.
pub async fn forget_before(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    let oldest = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    db.execute("DELETE FROM webhooks WHERE received_at <= ?", args![oldest]).await
}
