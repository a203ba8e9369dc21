//! Idempotency keys: the same request twice has one effect and one answer.
//!
//! In one transaction, which is the rule: `begin`, the work, `finish` with the answer. A second request with the
//! key waits at `begin` until the first has committed and then gets its stored answer; if the first rolled back, the
//! second does the work. Refusals that roll back leave no trace, so the same key may be used again after them.
//!
//! In two transactions, where an outside call lies between: commit `begin` with the intent, call, then `finish` with
//! the result. Until [`LEASE_MS`] have passed others get [`Begin::InFlight`]; afterwards, the process having died
//! presumably, the next request gets [`Begin::Fresh`] and must look first how far the stored intent came.
//!
//! The scope names the caller and the operation (`"<subject> POST /api/v1/jobs"`): keys are the client's choice, and
//! one client must not be shown another's answer.

use jiff::{SignedDuration, Timestamp};
use jobzy_ids::IdempotencyKey;

use crate::{Db, DbError, Row, Tx, args};

/// How long a key may be held between two transactions before it counts as abandoned, in milliseconds. Longer than
/// any request may run.
pub const LEASE_MS: i64 = 120_000;

/// How long keys and answers are kept, in days.
pub const KEPT_DAYS: i64 = 30;

/// What [`begin`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The key is ours: do the work, then [`finish`].
    Fresh,
    /// Done before: send exactly this.
    Replay(StoredResponse),
    /// The key was used for another request.
    Mismatch,
    /// Another request with this key is under way.
    InFlight,
}

/// An answer, kept to be sent again byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// HTTP status, 200 to 599.
    pub status: u16,
    /// Header names in lower case and values: the content type, and those that belong to the answer (`location`).
    pub headers: Vec<(String, String)>,
    /// The body, as sent.
    pub body: Vec<u8>,
}

impl StoredResponse {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into() }
    }

    /// The same with one header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }
}

/// Takes the key or says who has it. Waits for a transaction that holds it, for the lock timeout at most. The
/// fingerprint is a SHA-256 over whatever makes the request that request.
///
/// # Errors
/// As [`Tx::execute`]; a scope that is empty or longer than 200 bytes is [`DbError::Check`].
pub async fn begin(
    tx: &mut Tx,
    scope: &str,
    key: &IdempotencyKey,
    fingerprint: [u8; 32],
    now: Timestamp,
) -> Result<Begin, DbError> {
    let lease_until = now.saturating_add(SignedDuration::from_millis(LEASE_MS)).unwrap_or(Timestamp::MAX);
    let inserted = tx
        .insert_new(
            "INSERT INTO idempotency_keys (scope, idempotency_key, fingerprint, state, lease_until, created_at) \
             VALUES (?, ?, ?, 0, ?, ?)",
            args![scope.as_bytes(), key.as_str().as_bytes(), fingerprint, lease_until, now],
        )
        .await;
    match inserted {
        Ok(true) => return Ok(Begin::Fresh),
        Ok(false) => {}
        Err(error) if error.is_lock_timeout() => {
            tx.forgive_lock_timeout();
            return Ok(Begin::InFlight);
        }
        Err(error) => return Err(error),
    }
    let held = tx
        .fetch_optional(
            "SELECT fingerprint, state, lease_until, status, headers, body FROM idempotency_keys \
             WHERE scope = ? AND idempotency_key = ?",
            args![scope.as_bytes(), key.as_str().as_bytes()],
        )
        .await?;
    // Gone between the two statements: the sweep took it. The client may ask again.
    let Some(row) = held else { return Ok(Begin::InFlight) };
    if row.array::<32>("fingerprint")? != fingerprint {
        return Ok(Begin::Mismatch);
    }
    if row.bool("state")? {
        return Ok(Begin::Replay(stored(&row)?));
    }
    let lease = row.timestamp("lease_until")?;
    if lease > now {
        return Ok(Begin::InFlight);
    }
    // Compare and set: of several that find the lease expired, one takes over.
    let taken = tx
        .execute(
            "UPDATE idempotency_keys SET lease_until = ? \
             WHERE scope = ? AND idempotency_key = ? AND state = 0 AND lease_until = ?",
            args![lease_until, scope.as_bytes(), key.as_str().as_bytes(), lease],
        )
        .await?;
    Ok(if taken == 1 { Begin::Fresh } else { Begin::InFlight })
}

/// The answer stored for a key, with the fingerprint of the request it belongs to. Takes nothing and waits for nobody:
/// for those who must do something outside the transaction first, and not again for a request that is answered.
///
/// # Errors
/// As [`Db::fetch_optional`].
pub async fn find(
    db: &Db,
    scope: &str,
    key: &IdempotencyKey,
) -> Result<Option<([u8; 32], StoredResponse)>, DbError> {
    let row = db
        .fetch_optional(
            "SELECT fingerprint, status, headers, body FROM idempotency_keys \
             WHERE scope = ? AND idempotency_key = ? AND state = 1",
            args![scope.as_bytes(), key.as_str().as_bytes()],
        )
        .await?;
    row.map(|row| Ok((row.array::<32>("fingerprint")?, stored(&row)?))).transpose()
}

/// Stores the answer with the work it belongs to.
///
/// # Errors
/// As [`Tx::execute`], and [`DbError::KeyNotHeld`] when nothing is under way for this key: it was never begun, or
/// its lease ran out and another request finished it.
pub async fn finish(
    tx: &mut Tx,
    scope: &str,
    key: &IdempotencyKey,
    response: &StoredResponse,
) -> Result<(), DbError> {
    let headers =
        serde_json::to_string(&response.headers).map_err(|error| DbError::decode("headers", error))?;
    let updated = tx
        .execute(
            "UPDATE idempotency_keys SET state = 1, status = ?, headers = ?, body = ? \
             WHERE scope = ? AND idempotency_key = ? AND state = 0",
            args![
                response.status,
                headers,
                response.body.as_slice(),
                scope.as_bytes(),
                key.as_str().as_bytes()
            ],
        )
        .await?;
    if updated == 1 { Ok(()) } else { Err(DbError::KeyNotHeld) }
}

/// Gives a key back whose work was begun in an earlier transaction and came to nothing, so that it may be used again.
///
/// # Errors
/// As [`Tx::execute`].
pub async fn release(tx: &mut Tx, scope: &str, key: &IdempotencyKey) -> Result<(), DbError> {
    tx.execute(
        "DELETE FROM idempotency_keys WHERE scope = ? AND idempotency_key = ? AND state = 0",
        args![scope.as_bytes(), key.as_str().as_bytes()],
    )
    .await
    .map(drop)
}

fn stored(row: &Row) -> Result<StoredResponse, DbError> {
    let headers = row.text("headers")?;
    Ok(StoredResponse {
        status: u16::try_from(row.i64("status")?).map_err(|error| DbError::decode("status", error))?,
        headers: serde_json::from_str(&headers).map_err(|error| DbError::decode("headers", error))?,
        body: row.bytes("body")?,
    })
}
