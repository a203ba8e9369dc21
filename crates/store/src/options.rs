//! How a database is reached and how patient we are with it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::DbError;

/// Which SQL the server speaks. Only this crate and a rare statement without a portable form need to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A file of our own.
    Sqlite,
    /// MariaDB or MySQL.
    MySql,
}

/// Limits of a [`crate::Db`]. The defaults suit a sidecar; tests shorten them.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// Connections to a MySQL server, or readers of a SQLite file (which always has one writer).
    pub max_connections: u32,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long a statement may take. MariaDB does not fail on a full disk, it hangs.
    pub statement_timeout: Duration,
    /// How long MySQL lets a statement wait for a row lock, in whole seconds; SQLite, for another process's
    /// write lock.
    pub lock_timeout: Duration,
    /// How often a transaction is tried in all, at least once.
    pub attempts: u32,
}

impl Default for DbOptions {
    fn default() -> Self {
        Self {
            max_connections: 10,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            attempts: 8,
        }
    }
}

/// A `DATABASE_URL`, understood.
pub(crate) enum Target {
    Sqlite { file: PathBuf, options: Box<SqliteConnectOptions> },
    MySql(Box<MySqlConnectOptions>),
}

impl Target {
    /// `sqlite:///abs/path.db`, `sqlite://rel/path.db`, `mysql://user:password@host:port/database`
    /// (`mariadb://` means the same). The error never repeats the URL: it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, DbError> {
        match url.split_once("://") {
            Some(("sqlite", _)) => sqlite(url),
            Some(("mysql" | "mariadb", _)) => mysql(url),
            _ => Err(DbError::setup("database URL must begin with sqlite:// or mysql://")),
        }
    }
}

fn sqlite(url: &str) -> Result<Target, DbError> {
    let path = url.trim_start_matches("sqlite://").split('?').next().unwrap_or_default();
    if path.is_empty() || path.contains(":memory:") {
        return Err(DbError::setup(
            "a SQLite URL needs a file: the readers and the writer are connections of their own",
        ));
    }
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL, not NORMAL: with NORMAL a power cut takes back transactions that were already acknowledged.
        .synchronous(SqliteSynchronous::Full);
    Ok(Target::Sqlite { file: options.get_filename().to_owned(), options: Box::new(options) })
}

fn mysql(url: &str) -> Result<Target, DbError> {
    let url = url.replacen("mariadb://", "mysql://", 1);
    // sqlx quotes the URL in its error; ours does not.
    let options = MySqlConnectOptions::from_str(&url).map_err(|_| {
        DbError::setup("database URL is not of the form mysql://user:password@host:port/database")
    })?;
    match options.get_database() {
        Some(_) => Ok(Target::MySql(Box::new(options))),
        None => Err(DbError::setup(
            "a MySQL URL must name the database: mysql://user:password@host:port/database",
        )),
    }
}
