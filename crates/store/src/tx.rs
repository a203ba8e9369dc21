//! Transactions: a closure, run as often as conflicts with others make it necessary.
//!
//! ```text
//! begin -> closure -> Ok  -> commit -> Ok                      the value
//!   ^         |                 |---- conflict --> again
//!   |         |                 `---- connection lost --> CommitUnknown, never again by itself
//!   |         `----> Err, and a conflict was seen --> roll back, wait a little, again
//!   |         `----> Err, no conflict --> roll back, the error
//!   `-- no connection, file busy --> again
//! ```
//!
//! [`Tx`] remembers a conflict itself, since the closure's error is of the caller's type and cannot be asked.

use sqlx::{MySql, SqlSafeStr, SqlStr, Sqlite, Transaction};

use crate::db::{Pools, within};
use crate::driver::{self, first, without_row_lock};
use crate::{BoxFuture, Db, DbError, DbOptions, Dialect, Row, Value};

/// An open transaction. Rolled back when dropped.
pub struct Tx {
    inner: Inner,
    options: DbOptions,
    conflict: Conflict,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    MySql(Transaction<'static, MySql>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Conflict {
    None,
    /// One statement was undone; the transaction could go on.
    Statement,
    /// Everything was rolled back: nothing may follow, not even a commit.
    Everything,
}

impl Db {
    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back when it returns `Err`. On a
    /// conflict the whole closure runs again, `DbOptions::attempts` times in all, so it must not have effects
    /// outside `tx`. Data it needs is cloned into it and cloned again for every run:
    ///
    /// ```
    /// # use jobzy_store::{args, Db, DbError};
    /// # async fn rename(db: &Db, id: [u8; 16], name: String) -> Result<u64, DbError> {
    /// db.transaction("rename", move |tx| {
    ///     let name = name.clone();
    ///     Box::pin(async move {
    ///         tx.execute("UPDATE providers SET name = ? WHERE id = ?", args![name, id]).await
    ///     })
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// SQLite begins with `BEGIN IMMEDIATE`: a deferred transaction that reads first and writes later fails with
    /// BUSY at the write in spite of the busy timeout, most of the time under load.
    ///
    /// # Errors
    /// The closure's own; and through `From`, [`DbError::Transient`] when conflicts did not end,
    /// [`DbError::Unavailable`] without a connection, [`DbError::CommitUnknown`] when the answer to `COMMIT` was lost.
    pub async fn transaction<T, E, F>(&self, name: &'static str, work: F) -> Result<T, E>
    where
        F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send,
        T: Send,
        E: From<DbError> + Send,
    {
        let mut attempt = 1;
        loop {
            let may_retry = attempt < self.options().attempts;
            let failed = match self.begin().await {
                Ok(mut tx) => {
                    // A statement of its own, so that no borrow of `work` lives across the await.
                    let run = work(&mut tx);
                    match run.await {
                        Ok(value) => match tx.commit().await {
                            Ok(()) => return Ok(value),
                            Err(error) => (matches!(error, DbError::Transient(_)), error.into()),
                        },
                        Err(error) => (tx.roll_back().await, error),
                    }
                }
                Err(error) => (matches!(error, DbError::Transient(_)), E::from(error)),
            };
            match failed {
                (true, _) if may_retry => {}
                (_, error) => return Err(error),
            }
            let pause = self.pause_before_retry(attempt);
            tracing::debug!(transaction = name, attempt, pause_us = pause.as_micros(), "transaction retried");
            metrics::counter!("db_transaction_retries_total", "transaction" => name).increment(1);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn begin(&self) -> Result<Tx, DbError> {
        let patience = self.options().acquire_timeout + self.options().statement_timeout;
        let begin = async {
            Ok::<_, sqlx::Error>(match self.pools() {
                Pools::Sqlite { writer, .. } => Inner::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
                Pools::MySql(pool) => Inner::MySql(pool.begin().await?),
            })
        };
        let inner = within(patience, begin).await??;
        Ok(Tx { inner, options: self.options().clone(), conflict: Conflict::None })
    }
}

impl Tx {
    /// All rows of a query. `SELECT .. FOR UPDATE` locks them until the end of the transaction.
    pub async fn fetch_all(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let sql = self.portable(sql);
        self.still_open()?;
        let limit = self.options.statement_timeout;
        let result = match &mut self.inner {
            Inner::Sqlite(tx) => within(limit, driver::sqlite::fetch_all(&mut *tx, sql, args)).await,
            Inner::MySql(tx) => within(limit, driver::mysql::fetch_all(&mut *tx, sql, args)).await,
        };
        self.noted(result)
    }

    /// The first row of a query, if there is one.
    pub async fn fetch_optional(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        self.fetch_all(sql, args).await.map(first)
    }

    /// Runs a statement; the number of rows it matched (an `UPDATE` that changes nothing still counts its row).
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<u64, DbError> {
        let sql = sql.into_sql_str();
        self.still_open()?;
        let limit = self.options.statement_timeout;
        let result = match &mut self.inner {
            Inner::Sqlite(tx) => within(limit, driver::sqlite::execute(&mut *tx, sql, args)).await,
            Inner::MySql(tx) => within(limit, driver::mysql::execute(&mut *tx, sql, args)).await,
        };
        self.noted(result)
    }

    /// Runs an `INSERT`; false when a primary or unique key of the row is already taken. The portable stand-in for
    /// `ON CONFLICT DO NOTHING`: either database undoes only the statement, and the transaction goes on.
    pub async fn insert_new(&mut self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<bool, DbError> {
        match self.execute(sql, args).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Which SQL the server speaks.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::MySql(_) => Dialect::MySql,
        }
    }

    /// The caller has an answer of its own for the lock timeout it was just given: not a reason to run again.
    pub(crate) fn forgive_lock_timeout(&mut self) {
        if self.conflict == Conflict::Statement {
            self.conflict = Conflict::None;
        }
    }

    /// After a deadlock MySQL is back in autocommit: one more statement would be applied on its own, for good.
    fn still_open(&self) -> Result<(), DbError> {
        if self.conflict != Conflict::Everything {
            return Ok(());
        }
        let why = "the transaction was already rolled back by a conflict";
        Err(DbError::Transient(sqlx::Error::Protocol(why.to_owned())))
    }

    fn portable(&self, sql: impl SqlSafeStr) -> SqlStr {
        match self.dialect() {
            Dialect::Sqlite => without_row_lock(sql.into_sql_str()),
            Dialect::MySql => sql.into_sql_str(),
        }
    }

    fn noted<T>(&mut self, result: Result<Result<T, sqlx::Error>, DbError>) -> Result<T, DbError> {
        let result = result.and_then(|answer| answer.map_err(DbError::from));
        if let Err(error @ DbError::Transient(_)) = &result {
            let one_statement = error.is_lock_timeout() && self.conflict != Conflict::Everything;
            self.conflict = if one_statement { Conflict::Statement } else { Conflict::Everything };
        }
        result
    }

    async fn commit(self) -> Result<(), DbError> {
        self.still_open()?;
        let limit = self.options.statement_timeout;
        let committed = match self.inner {
            Inner::Sqlite(tx) => within(limit, tx.commit()).await,
            Inner::MySql(tx) => within(limit, tx.commit()).await,
        };
        match committed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(at_commit(error)),
            Err(timeout) => Err(DbError::CommitUnknown(timeout.to_string())),
        }
    }

    /// Rolls back; true when the transaction failed because of a conflict.
    async fn roll_back(self) -> bool {
        let conflict = self.conflict != Conflict::None;
        let limit = self.options.statement_timeout;
        // A rollback that fails or hangs is finished by the server when the connection goes.
        let rolled_back = match self.inner {
            Inner::Sqlite(tx) => within(limit, tx.rollback()).await,
            Inner::MySql(tx) => within(limit, tx.rollback()).await,
        };
        if !matches!(rolled_back, Ok(Ok(()))) {
            tracing::debug!(?rolled_back, "rollback left to the server");
        }
        conflict
    }
}

/// An error in answer to `COMMIT`. Error 1180 (ER_ERROR_DURING_COMMIT) and a lost connection were both seen with
/// the transaction applied and with it gone; a certification failure (1213) means it is gone.
fn at_commit(error: sqlx::Error) -> DbError {
    let unknown = match &error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        error => DbError::mysql_number(error) == Some(1180),
    };
    match unknown {
        true => DbError::CommitUnknown(error.to_string()),
        false => error.into(),
    }
}
