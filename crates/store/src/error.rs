//! What can go wrong between us and a database, sorted by what the caller may do about it.

use std::fmt::Display;

use sqlx::error::ErrorKind;
use sqlx::mysql::MySqlDatabaseError;

/// A failed statement or transaction. Nothing of a failed transaction was applied, except where
/// [`DbError::CommitUnknown`] says that nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Another transaction was in the way (deadlock, lock timeout, busy file, node not ready) or the
    /// connection broke before `COMMIT`. The same transaction may succeed; [`crate::Db::transaction`] has
    /// already tried several times.
    #[error("transaction was in conflict or cut off: {0}")]
    Transient(#[source] sqlx::Error),
    /// No connection: server away, or every pooled connection busy for the whole acquire timeout.
    #[error("database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The connection was lost while `COMMIT` (or a single autocommitted statement) was under way: it may have
    /// been applied. Only a row read back decides, which is what the idempotency key of a repeated request is for.
    #[error("connection lost at commit, outcome unknown: {0}")]
    CommitUnknown(String),
    /// A primary or unique key is taken.
    #[error("a unique key is taken: {0}")]
    Unique(#[source] sqlx::Error),
    /// A `CHECK` or `NOT NULL` rule refused the row, or a value does not fit its column.
    #[error("a row breaks a rule of its table: {0}")]
    Check(#[source] sqlx::Error),
    /// The row points to one that is not there, or is pointed to.
    #[error("a foreign key refused the row: {0}")]
    ForeignKey(#[source] sqlx::Error),
    /// A column is not what the program takes it for.
    #[error("column {column} cannot be read: {reason}")]
    Decode {
        /// Name of the column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `DATABASE_URL` or a migration is not usable; the text says why. Not worth retrying.
    #[error("{0}")]
    Setup(String),
    /// An answer was to be stored under an idempotency key that is not held: never begun, or its lease ran out and
    /// another request finished it.
    #[error("the idempotency key is not held")]
    KeyNotHeld,
    /// A statement ran longer than `DbOptions::statement_timeout`.
    #[error("database did not answer within {0} ms")]
    TimedOut(u128),
    /// Anything else, such as a mistake in the SQL.
    #[error("database refused: {0}")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// True when a primary or unique key is taken.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Unique(_))
    }

    /// True when the same request may succeed later without anyone changing anything (HTTP 503).
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Transient(_) | Self::Unavailable(_) | Self::CommitUnknown(_) | Self::TimedOut(_))
    }

    /// True when a row lock was not granted in time, which leaves a MySQL transaction usable.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Transient(error) if Self::mysql_number(error) == Some(1205))
    }

    /// The server's error number, when the error is a MySQL server's.
    pub(crate) fn mysql_number(error: &sqlx::Error) -> Option<u16> {
        error
            .as_database_error()
            .and_then(|database| database.try_downcast_ref::<MySqlDatabaseError>())
            .map(MySqlDatabaseError::number)
    }

    pub(crate) fn decode(column: &str, reason: impl Display) -> Self {
        Self::Decode { column: column.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn setup(reason: impl Into<String>) -> Self {
        Self::Setup(reason.into())
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => return Self::Unavailable(error),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
                return Self::Transient(error);
            }
            sqlx::Error::Configuration(_) => return Self::Setup(error.to_string()),
            sqlx::Error::Database(_) => {}
            _ => return Self::Other(error),
        }
        if is_conflict(&error) {
            return Self::Transient(error);
        }
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            Some(ErrorKind::UniqueViolation) => Self::Unique(error),
            Some(ErrorKind::ForeignKeyViolation) => Self::ForeignKey(error),
            Some(ErrorKind::CheckViolation | ErrorKind::NotNullViolation) => Self::Check(error),
            // 1264 out of range, 1406 too long: strict mode refuses what SQLite's CHECKs refuse.
            _ if matches!(Self::mysql_number(&error), Some(1264 | 1406)) => Self::Check(error),
            // 1969 and 3024: the server's own statement limit.
            _ if matches!(Self::mysql_number(&error), Some(1969 | 3024)) => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}

/// 1205 lock wait timeout, 1213 deadlock (also Galera's certification failure), 1047 node not ready,
/// 1020 record changed since last read, 1927/1053 connection killed or server going down; in SQLite the primary
/// codes 5 BUSY and 6 LOCKED, whose extended forms keep them in the low byte.
fn is_conflict(error: &sqlx::Error) -> bool {
    if let Some(number) = DbError::mysql_number(error) {
        return matches!(number, 1020 | 1047 | 1053 | 1205 | 1213 | 1927);
    }
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}
