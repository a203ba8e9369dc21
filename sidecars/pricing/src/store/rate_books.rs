//! Rate book versions: inserted once, never changed but for the moment they were superseded.

use bytes::Bytes;
use jiff::Timestamp;
use jobzy_pricing::{BookError, RateBook};
use jobzy_store::{Db, DbError, Row, Tx, args};
use serde_json::Value;

use crate::books::Published;

/// Why a version could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The stored document is not one that this program understands.
    #[error("the stored rate book cannot be used: {0}")]
    Book(#[from] BookError),
    /// There is no version at all.
    #[error("there is no rate book")]
    None,
}

/// What the list of versions shows.
#[derive(Debug, Clone)]
pub struct Entry {
    pub version: u32,
    pub published_at: Timestamp,
    pub published_by: String,
    pub superseded_at: Option<Timestamp>,
}

/// Publishes `document` as version 1 if there is no version.
pub async fn seed(db: &Db, document: &'static str, now: Timestamp) -> Result<(), LoadError> {
    RateBook::parse(1, document.as_bytes())?;
    db.transaction("seed rate book", move |tx| {
        Box::pin(async move {
            if tx.fetch_optional("SELECT version FROM rate_books LIMIT 1", args![]).await?.is_none() {
                insert(tx, 1, document, "seed", now).await?;
            }
            Ok::<_, DbError>(())
        })
    })
    .await?;
    Ok(())
}

/// The next version number, with the newest row locked until the transaction ends.
pub async fn next_version(tx: &mut Tx) -> Result<u32, DbError> {
    let sql = "SELECT version FROM rate_books ORDER BY version DESC LIMIT 1 FOR UPDATE";
    let row = tx.fetch_optional(sql, args![]).await?;
    Ok(row.map(|row| version_of(&row)).transpose()?.unwrap_or(0) + 1)
}

/// Stores `document` as `version`; false when somebody else has just published that version.
pub async fn insert(
    tx: &mut Tx,
    version: u32,
    document: &str,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO rate_books (version, document, published_at, published_by) VALUES (?, ?, ?, ?)";
    if !tx.insert_new(sql, args![version, document, now, by.as_bytes()]).await? {
        return Ok(false);
    }
    let sql = "UPDATE rate_books SET superseded_at = ? WHERE version = ? AND superseded_at IS NULL";
    tx.execute(sql, args![now, version - 1]).await?;
    Ok(true)
}

/// The number of the newest version.
pub async fn newest_version(db: &Db) -> Result<Option<u32>, DbError> {
    let sql = "SELECT version FROM rate_books ORDER BY version DESC LIMIT 1";
    db.fetch_optional(sql, args![]).await?.map(|row| version_of(&row)).transpose()
}

/// The newest version, parsed.
pub async fn newest(db: &Db) -> Result<Published, LoadError> {
    let sql = "SELECT version, document FROM rate_books ORDER BY version DESC LIMIT 1";
    let row = db.fetch_optional(sql, args![]).await?.ok_or(LoadError::None)?;
    published(&row)
}

/// A version, parsed.
pub async fn load(db: &Db, version: u32) -> Result<Option<Published>, LoadError> {
    let sql = "SELECT version, document FROM rate_books WHERE version = ?";
    db.fetch_optional(sql, args![version]).await?.map(|row| published(&row)).transpose()
}

/// When a version was superseded; `None` within for the one in force, without for one that is not there.
pub async fn superseded_at(db: &Db, version: u32) -> Result<Option<Option<Timestamp>>, DbError> {
    let sql = "SELECT superseded_at FROM rate_books WHERE version = ?";
    db.fetch_optional(sql, args![version]).await?.map(|row| row.opt_timestamp("superseded_at")).transpose()
}

/// Every version, newest first.
pub async fn list(db: &Db) -> Result<Vec<Entry>, DbError> {
    let sql = "SELECT version, published_at, published_by, superseded_at FROM rate_books ORDER BY version DESC LIMIT 500";
    let rows = db.fetch_all(sql, args![]).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                version: version_of(row)?,
                published_at: row.timestamp("published_at")?,
                published_by: String::from_utf8_lossy(&row.bytes("published_by")?).into_owned(),
                superseded_at: row.opt_timestamp("superseded_at")?,
            })
        })
        .collect()
}

fn published(row: &Row) -> Result<Published, LoadError> {
    let (version, document) = (version_of(row)?, row.text("document")?);
    let book = RateBook::parse(version, document.as_bytes())?;
    Ok(Published { book, json: with_version(version, &document)? })
}

/// The document with its version in front, as readers outside need it.
fn with_version(version: u32, document: &str) -> Result<Bytes, DbError> {
    let unreadable = |error: serde_json::Error| DbError::Decode {
        column: "document".to_owned(),
        reason: error.to_string(),
    };
    let document: Value = serde_json::from_str(document).map_err(unreadable)?;
    let whole = serde_json::json!({"version": version, "document": document});
    Ok(Bytes::from(whole.to_string()))
}

fn version_of(row: &Row) -> Result<u32, DbError> {
    u32::try_from(row.i64("version")?)
        .map_err(|error| DbError::Decode { column: "version".to_owned(), reason: error.to_string() })
}
