//! [`Db`]: the pools, and statements outside a transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Database, SqlSafeStr};

use crate::driver::{self, first};
use crate::options::Target;
use crate::{DbError, DbOptions, Dialect, Row, Value};

/// A database. Cheap to clone; all clones share the pools.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pools: Pools,
    options: DbOptions,
    retries: AtomicU64,
}

pub(crate) enum Pools {
    /// SQLite has one writer at a time whatever we do. With a single writer connection the waiting line is our
    /// own fair queue; with several it would be SQLite's busy handler, which sleeps and is not fair.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    MySql(MySqlPool),
}

impl Db {
    /// Opens the database of a `DATABASE_URL` (`sqlite:///absolute/path.db`, `sqlite://relative/path.db`,
    /// `mysql://user:password@host:port/database`) and checks that it answers. Creates a SQLite file and the
    /// folder it lies in.
    pub async fn connect(url: &str, options: DbOptions) -> Result<Self, DbError> {
        let pools = match Target::parse(url)? {
            Target::Sqlite { file, options: connect } => {
                if let Some(folder) = file.parent() {
                    tokio::fs::create_dir_all(folder).await.map_err(|error| {
                        DbError::setup(format!(
                            "cannot create the database folder {}: {error}",
                            folder.display()
                        ))
                    })?;
                }
                sqlite_pools(*connect, &options).await?
            }
            Target::MySql(connect) => Pools::MySql(mysql_pool(*connect, &options).await?),
        };
        Ok(Self(Arc::new(Inner { pools, options, retries: AtomicU64::new(u64::from(std::process::id())) })))
    }

    /// Which SQL the server speaks.
    pub fn dialect(&self) -> Dialect {
        match self.0.pools {
            Pools::Sqlite { .. } => Dialect::Sqlite,
            Pools::MySql(_) => Dialect::MySql,
        }
    }

    /// All rows of a read outside a transaction. On SQLite the connection is read-only, so an
    /// `INSERT .. RETURNING` belongs in a transaction.
    pub async fn fetch_all(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let sql = sql.into_sql_str();
        let read = async {
            match self.pools() {
                Pools::Sqlite { readers, .. } => {
                    driver::sqlite::fetch_all(&mut *readers.acquire().await?, sql, args).await
                }
                Pools::MySql(pool) => driver::mysql::fetch_all(&mut *pool.acquire().await?, sql, args).await,
            }
        };
        let patience = self.options().acquire_timeout + self.options().statement_timeout;
        Ok(within(patience, read).await??)
    }

    /// The first row of a read outside a transaction, if there is one.
    pub async fn fetch_optional(
        &self,
        sql: impl SqlSafeStr,
        args: Vec<Value>,
    ) -> Result<Option<Row>, DbError> {
        self.fetch_all(sql, args).await.map(first)
    }

    /// One statement in a transaction of its own, with that transaction's retries; rows affected.
    pub async fn execute(&self, sql: impl SqlSafeStr, args: Vec<Value>) -> Result<u64, DbError> {
        let sql = sql.into_sql_str();
        self.transaction("execute", move |tx| {
            let (sql, args) = (sql.clone(), args.clone());
            Box::pin(async move { tx.execute(sql, args).await })
        })
        .await
    }

    /// Asks the database for the number 1: the readiness check.
    pub async fn ping(&self) -> Result<(), DbError> {
        self.fetch_all("SELECT 1 AS one", Vec::new()).await.map(drop)
    }

    /// Closes all connections, after those in use are given back.
    pub async fn close(&self) {
        match self.pools() {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::MySql(pool) => pool.close().await,
        }
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    pub(crate) fn options(&self) -> &DbOptions {
        &self.0.options
    }

    /// How long to wait before try number `attempt + 1`: 4 ms doubling to 256 ms, times 0.5 to 1.5. The factor
    /// walks in steps of the golden ratio from a start that differs between processes, which spreads competing
    /// retries as well as chance would and needs no source of randomness.
    pub(crate) fn pause_before_retry(&self, attempt: u32) -> Duration {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let step = self.0.retries.fetch_add(1, Ordering::Relaxed).wrapping_mul(GOLDEN) >> 54;
        let base_us = 4_000_u64 << attempt.saturating_sub(1).min(6);
        Duration::from_micros(base_us / 2 + base_us * step / 1024)
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Db").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

/// `future`, or [`DbError::TimedOut`].
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, DbError> {
    tokio::time::timeout(limit, future).await.map_err(|_| DbError::TimedOut(limit.as_millis()))
}

fn pool_options<D: Database>(options: &DbOptions, max_connections: u32) -> PoolOptions<D> {
    PoolOptions::new().max_connections(max_connections.max(1)).acquire_timeout(options.acquire_timeout)
}

async fn sqlite_pools(connect: SqliteConnectOptions, options: &DbOptions) -> Result<Pools, DbError> {
    let connect = connect.busy_timeout(options.lock_timeout);
    // The writer first: it creates the file and switches it to WAL. It is never replaced by age or idleness.
    let writer: SqlitePoolOptions = pool_options(options, 1).idle_timeout(None).max_lifetime(None);
    let writer = writer.connect_with(connect.clone()).await?;
    let readers: SqlitePoolOptions = pool_options(options, options.max_connections);
    let readers = readers.connect_with(connect.pragma("query_only", "ON")).await?;
    Ok(Pools::Sqlite { writer, readers })
}

async fn mysql_pool(connect: MySqlConnectOptions, options: &DbOptions) -> Result<MySqlPool, DbError> {
    let session = mysql_session(options);
    let pool: MySqlPoolOptions = pool_options(options, options.max_connections);
    let pool = pool.after_connect(move |connection, _| {
        let session = session.clone();
        Box::pin(async move {
            sqlx::raw_sql(AssertSqlSafe(session)).execute(connection).await?;
            Ok(())
        })
    });
    Ok(pool.connect_with(connect).await?)
}

/// What every MySQL session is set to, whatever the server's defaults are. sqlx has already set the time zone to
/// UTC and the character set to utf8mb4.
///
/// * READ COMMITTED: no gap locks, so inserts of different keys do not deadlock; a read after a row lock sees what
///   the lock waited for.
/// * strict mode: a value that does not fit is refused, not cut.
/// * ANSI_QUOTES, PIPES_AS_CONCAT, NO_BACKSLASH_ESCAPES: literals and `||` mean what they mean in SQLite.
/// * `/*M! .. */` is read by MariaDB only; MySQL has no limit for writes.
fn mysql_session(options: &DbOptions) -> String {
    format!(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
         ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES', \
         SESSION innodb_lock_wait_timeout = {} /*M!100101 , SESSION max_statement_time = {} */; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        options.lock_timeout.as_secs().max(1),
        options.statement_timeout.as_secs().max(1),
    )
}
