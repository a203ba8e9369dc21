//! The inbox: which events and webhooks have been handled, so that a second copy does nothing.

use jiff::Timestamp;

use crate::{DbError, Tx, args};

/// How long an event is remembered, in days: longer than any sender keeps repeating one.
pub const KEPT_DAYS: i64 = 90;

/// True the first time this event of this source is seen. In the same transaction as the handling: if the handler
/// fails, the event is forgotten again and its next copy counts as the first. A concurrent second copy waits here
/// until the first is committed or rolled back.
///
/// # Errors
/// As [`Tx::execute`]; a source or an id that is empty or longer than 128 bytes is [`DbError::Check`].
pub async fn first_time(tx: &mut Tx, source: &str, event_id: &str, now: Timestamp) -> Result<bool, DbError> {
    tx.insert_new(
        "INSERT INTO inbox_events (source, event_id, received_at) VALUES (?, ?, ?)",
        args![source.as_bytes(), event_id.as_bytes(), now],
    )
    .await
}
