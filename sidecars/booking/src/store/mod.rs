//! Tables.

pub mod history;
pub mod jobs;
pub mod providers;
pub mod slots;

use jobzy_store::{DbError, Row};
use serde::de::DeserializeOwned;

/// A binary column that holds UTF-8.
fn utf8(row: &Row, column: &str) -> Result<String, DbError> {
    String::from_utf8(row.bytes(column)?).map_err(|error| broken(column, &error))
}

fn opt_utf8(row: &Row, column: &str) -> Result<Option<String>, DbError> {
    let bytes = row.opt_bytes(column)?;
    bytes.map(|bytes| String::from_utf8(bytes).map_err(|error| broken(column, &error))).transpose()
}

fn json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| broken(column, &error))
}

fn broken(column: &str, reason: &(impl ToString + ?Sized)) -> DbError {
    DbError::Decode { column: column.to_owned(), reason: reason.to_string() }
}
