//! One row of a result, read by column name.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;
use sqlx::sqlite::SqliteRow;

use crate::DbError;

/// A row of either database. A missing column, an unexpected `NULL` and a value of another type are
/// [`DbError::Decode`], naming the column.
#[derive(Debug)]
pub struct Row(Inner);

#[derive(Debug)]
enum Inner {
    Sqlite(SqliteRow),
    MySql(MySqlRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self(Inner::Sqlite(row))
    }
}

impl From<MySqlRow> for Row {
    fn from(row: MySqlRow) -> Self {
        Self(Inner::MySql(row))
    }
}

impl Row {
    /// An integer of any width. A MariaDB `SUM` is no integer: `CAST(.. AS SIGNED)`.
    pub fn i64(&self, column: &str) -> Result<i64, DbError> {
        self.opt_i64(column)?.ok_or_else(|| null(column))
    }

    /// An integer of any width, or `NULL`.
    pub fn opt_i64(&self, column: &str) -> Result<Option<i64>, DbError> {
        match &self.0 {
            Inner::Sqlite(row) => row.try_get::<Option<i64>, _>(column),
            Inner::MySql(row) => row.try_get::<Option<i64>, _>(column),
        }
        .map_err(|error| DbError::decode(column, error))
    }

    /// A flag stored as 0 or 1.
    pub fn bool(&self, column: &str) -> Result<bool, DbError> {
        Ok(self.i64(column)? != 0)
    }

    /// Text, also of a `VARBINARY` column that holds UTF-8.
    pub fn text(&self, column: &str) -> Result<String, DbError> {
        self.opt_text(column)?.ok_or_else(|| null(column))
    }

    /// Text, or `NULL`.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, DbError> {
        // Unchecked, because sqlx refuses text out of a binary column; the decoder still checks the UTF-8.
        match &self.0 {
            Inner::Sqlite(row) => row.try_get_unchecked::<Option<String>, _>(column),
            Inner::MySql(row) => row.try_get_unchecked::<Option<String>, _>(column),
        }
        .map_err(|error| DbError::decode(column, error))
    }

    /// Bytes.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, DbError> {
        self.opt_bytes(column)?.ok_or_else(|| null(column))
    }

    /// Bytes, or `NULL`.
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, DbError> {
        match &self.0 {
            Inner::Sqlite(row) => row.try_get_unchecked::<Option<Vec<u8>>, _>(column),
            Inner::MySql(row) => row.try_get_unchecked::<Option<Vec<u8>>, _>(column),
        }
        .map_err(|error| DbError::decode(column, error))
    }

    /// The 16 bytes of an id.
    pub fn id16(&self, column: &str) -> Result<[u8; 16], DbError> {
        self.array(column)
    }

    /// The 16 bytes of an id, or `NULL`.
    pub fn opt_id16(&self, column: &str) -> Result<Option<[u8; 16]>, DbError> {
        self.opt_bytes(column)?.map(|bytes| fixed(column, &bytes)).transpose()
    }

    /// Exactly `N` bytes, such as a hash.
    pub fn array<const N: usize>(&self, column: &str) -> Result<[u8; N], DbError> {
        fixed(column, &self.bytes(column)?)
    }

    /// A `BIGINT` of microseconds since 1970.
    pub fn timestamp(&self, column: &str) -> Result<Timestamp, DbError> {
        self.opt_timestamp(column)?.ok_or_else(|| null(column))
    }

    /// A `BIGINT` of microseconds since 1970, or `NULL`.
    pub fn opt_timestamp(&self, column: &str) -> Result<Option<Timestamp>, DbError> {
        self.opt_i64(column)?
            .map(|micros| Timestamp::from_microsecond(micros).map_err(|error| DbError::decode(column, error)))
            .transpose()
    }
}

fn fixed<const N: usize>(column: &str, bytes: &[u8]) -> Result<[u8; N], DbError> {
    bytes.try_into().map_err(|_| DbError::decode(column, format!("{} bytes where {N} are due", bytes.len())))
}

fn null(column: &str) -> DbError {
    DbError::decode(column, "unexpected NULL")
}
