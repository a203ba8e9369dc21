//! SQL, one noun per file.

pub mod invoices;
pub mod ledger;
pub mod operations;
pub mod payments;
pub mod webhooks;
pub mod wishes;

use std::fmt::Display;
use std::str::FromStr;

use jobzy_store::{DbError, Row};

/// A column that holds something this program did not write.
fn unreadable(column: &str, reason: impl Display) -> DbError {
    DbError::Decode { column: column.to_owned(), reason: reason.to_string() }
}

/// A text column as `T`.
fn parsed<T: FromStr<Err: Display>>(row: &Row, column: &str) -> Result<T, DbError> {
    row.text(column)?.parse().map_err(|error| unreadable(column, error))
}

/// A JSON column as `T`.
fn document<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, DbError> {
    serde_json::from_str(&row.text(column)?).map_err(|error| unreadable(column, error))
}

/// A value as the text of a JSON column.
fn to_json(column: &str, value: &impl serde::Serialize) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|error| unreadable(column, error))
}
