//! The one way to a database: SQLite or MariaDB/MySQL behind one [`Db`], chosen by `DATABASE_URL`.
//!
//! Two small drivers over sqlx's native pools, not sqlx's `Any`: `Any` cannot set per-driver options (WAL,
//! `BEGIN IMMEDIATE`, isolation level) and cannot decode half of what the servers return. What the two
//! dialects share is written once, in a portable subset that the conformance tests run on both:
//!
//! * `BIGINT` for money (minor units) and for time (microseconds since 1970, UTC), `SMALLINT` for flags and
//!   states, `VARBINARY` for ids and keys (bind bytes), `VARCHAR`/`LONGTEXT` for text, `?` for parameters;
//! * `CHECK (LENGTH(..) ..)` wherever length matters, since SQLite stores 65 characters in a `VARCHAR(64)`;
//! * `SELECT .. FOR UPDATE` to lock rows: it is cut off for SQLite, whose write transaction already excludes
//!   every other writer;
//! * [`Tx::insert_new`] instead of either dialect's upsert;
//! * `CAST(SUM(x) AS SIGNED)` for sums, which MariaDB otherwise returns as `DECIMAL`.
//!
//! **A transaction is a closure that may run more than once** ([`Db::transaction`]): it is retried as a whole
//! on deadlock, lock timeout, busy file and a connection lost before `COMMIT`. So it must have no effect
//! outside the database; call others before or after, and emit through the [`outbox`].
//!
//! **Money and inventory change only** by relative update (`SET n = n + ?`), under a row lock, or by compare
//! and set with `rows_affected == 1`. Isolation is READ COMMITTED on MySQL; read, compute, write without one
//! of the three loses updates there, and silently not on SQLite.

mod db;
mod driver;
mod error;
pub mod idempotency;
pub mod inbox;
mod migrate;
mod options;
pub mod outbox;
mod row;
mod schema;
mod sweep;
mod tx;
mod value;

pub use db::Db;
pub use error::DbError;
pub use futures::future::BoxFuture;
pub use migrate::Migration;
pub use options::{DbOptions, Dialect};
pub use row::Row;
pub use schema::MIGRATIONS;
pub use sqlx::{AssertSqlSafe, SqlSafeStr};
pub use sweep::sweep;
pub use tx::Tx;
pub use value::Value;
