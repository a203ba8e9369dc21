//! Migrations: one SQL text for both databases, applied once, never changed afterwards.
//!
//! Two programs that start at once take turns: SQLite through its write lock, MySQL through `GET_LOCK` (which holds on
//! one node; on a cluster point the migrating program at one node, as money writes are anyway). In SQLite a migration
//! is one transaction. MySQL commits at each DDL statement, so there the number of finished statements is recorded
//! after each; a migration cut off in the middle goes on where it stopped, and the one statement that may have run
//! without being counted is recognised by the server's "exists already".

use sqlx::mysql::MySqlConnection;
use sqlx::{Connection as _, MySqlPool, SqliteConnection, SqlitePool};

use crate::db::Pools;
use crate::driver::{self, first};
use crate::{AssertSqlSafe, Db, DbError, Row, SqlSafeStr as _, Value, args};
use sha2::{Digest as _, Sha256};

/// One step of a database's history.
///
/// The SQL is the portable subset of the crate documentation; statements end with `;` at the end of a line. Written
/// for MySQL, with these rewritten:
///
/// | written | SQLite | MySQL, MariaDB |
/// |---|---|---|
/// | `VARBINARY(n)` | `BLOB` (as `VARBINARY` it would turn the text "007" into the number 7) | unchanged |
/// | `{serial}` | `INTEGER PRIMARY KEY AUTOINCREMENT` | `BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY` |
/// | `CREATE TABLE .. )` | unchanged | InnoDB, utf8mb4 with a binary collation that does not pad: `'K1'`, `'k1'` and `'k1 '` are three keys, as in SQLite |
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// 1 to 99 for this crate, 100 and up for services; applied in this order.
    pub version: i64,
    /// A few words, at most 100 bytes.
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL CHECK (LENGTH(name) BETWEEN 1 AND 100),
    checksum VARBINARY(32) NOT NULL CHECK (LENGTH(checksum) = 32),
    finished_statements INT NOT NULL,
    finished SMALLINT NOT NULL CHECK (finished IN (0, 1))
)";
const APPLIED: &str =
    "SELECT version, checksum, finished_statements, finished FROM schema_migrations WHERE version = ?";
const RECORD: &str = "INSERT INTO schema_migrations (version, name, checksum, finished_statements, finished) \
                      VALUES (?, ?, ?, 0, 0)";
const PROGRESS: &str = "UPDATE schema_migrations SET finished_statements = ?, finished = ? WHERE version = ?";

impl Db {
    /// Applies those of `migrations` that the database does not have yet. May be called several times with different
    /// lists; what the database has beyond them is left alone, so that an older program still runs during a roll-out.
    ///
    /// # Errors
    /// [`DbError::Setup`] when an applied migration's text has changed, a version occurs twice, or a statement fails;
    /// the text names the migration.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<(), DbError> {
        let mut ordered = migrations.to_vec();
        ordered.sort_by_key(|migration| migration.version);
        if let Some(twice) = ordered.windows(2).find(|pair| pair[0].version == pair[1].version) {
            return Err(DbError::setup(format!("migration {} occurs twice", twice[0].version)));
        }
        match self.pools() {
            Pools::Sqlite { writer, .. } => on_sqlite(writer, &ordered).await,
            Pools::MySql(pool) => on_mysql(pool, &ordered).await,
        }
    }
}

async fn on_sqlite(writer: &SqlitePool, migrations: &[Migration]) -> Result<(), DbError> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(AssertSqlSafe(for_sqlite(HISTORY))).execute(&mut *tx).await?;
    for migration in migrations {
        let applied =
            first(driver::sqlite::fetch_all(&mut tx, sql(APPLIED), args![migration.version]).await?);
        if finished_statements(migration, applied.as_ref())?.is_none() {
            continue;
        }
        sqlite_one(&mut tx, migration).await.map_err(|error| broken(migration, &error))?;
    }
    Ok(tx.commit().await?)
}

async fn sqlite_one(tx: &mut SqliteConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    driver::sqlite::execute(tx, sql(RECORD), record(migration)).await?;
    let statements = statements(migration.sql);
    for statement in &statements {
        sqlx::raw_sql(AssertSqlSafe(for_sqlite(statement))).execute(&mut *tx).await?;
    }
    driver::sqlite::execute(tx, sql(PROGRESS), progress(migration, statements.len(), true)).await?;
    Ok(())
}

async fn on_mysql(pool: &MySqlPool, migrations: &[Migration]) -> Result<(), DbError> {
    // Detached and closed at the end: the lock and the session settings end with the connection, whatever happens.
    let mut connection = pool.acquire().await?.detach();
    let result = mysql_locked(&mut connection, migrations).await;
    let closed = connection.close().await;
    result?;
    Ok(closed?)
}

async fn mysql_locked(connection: &mut MySqlConnection, migrations: &[Migration]) -> Result<(), DbError> {
    // An index on a big table takes longer than a request may.
    sqlx::raw_sql("/*M!100101 SET SESSION max_statement_time = 0 */").execute(&mut *connection).await?;
    let lock =
        "SELECT GET_LOCK(CONCAT('jobzy_migrate_', SHA1(DATABASE())), 60) AS locked, VERSION() AS version";
    let row = first(driver::mysql::fetch_all(connection, sql(lock), args![]).await?);
    let (locked, version) = match &row {
        Some(row) => (row.opt_i64("locked")?, row.text("version")?),
        None => (None, String::new()),
    };
    if locked != Some(1) {
        return Err(DbError::setup("another program has been migrating this database for 60 s"));
    }
    let mariadb = version.to_ascii_lowercase().contains("mariadb");
    let history = for_mysql(HISTORY, mariadb);
    sqlx::raw_sql(AssertSqlSafe(history)).execute(&mut *connection).await?;
    for migration in migrations {
        let applied =
            first(driver::mysql::fetch_all(connection, sql(APPLIED), args![migration.version]).await?);
        let Some(done) = finished_statements(migration, applied.as_ref())? else { continue };
        let resumed = applied.is_some();
        if !resumed {
            driver::mysql::execute(connection, sql(RECORD), record(migration)).await?;
        }
        mysql_one(connection, migration, done, resumed, mariadb)
            .await
            .map_err(|error| broken(migration, &error))?;
    }
    Ok(())
}

async fn mysql_one(
    connection: &mut MySqlConnection,
    migration: &Migration,
    done: usize,
    resumed: bool,
    mariadb: bool,
) -> Result<(), sqlx::Error> {
    let statements = statements(migration.sql);
    for (index, statement) in statements.iter().enumerate().skip(done) {
        let result =
            sqlx::raw_sql(AssertSqlSafe(for_mysql(statement, mariadb))).execute(&mut *connection).await;
        match result {
            Ok(_) => {}
            // Only where an earlier run was cut off, and only for its first statement.
            Err(error) if resumed && index == done && exists_already(&error) => {}
            Err(error) => return Err(error),
        }
        let last = index + 1 == statements.len();
        driver::mysql::execute(connection, sql(PROGRESS), progress(migration, index + 1, last)).await?;
    }
    Ok(())
}

/// 1050 table, 1060 column, 1061 index, 1062 row, 1826 foreign key are there already; 1051 table, 1091 column or index
/// are gone already.
fn exists_already(error: &sqlx::Error) -> bool {
    matches!(DbError::mysql_number(error), Some(1050 | 1051 | 1060 | 1061 | 1062 | 1091 | 1826))
}

/// None when the migration is applied, else how many of its statements are.
fn finished_statements(migration: &Migration, applied: Option<&Row>) -> Result<Option<usize>, DbError> {
    let Some(row) = applied else { return Ok(Some(0)) };
    if row.array::<32>("checksum")? != checksum(migration) {
        let Migration { version, name, .. } = migration;
        return Err(DbError::setup(format!(
            "migration {version} ({name}) was changed after it was applied: write a new one instead"
        )));
    }
    if row.bool("finished")? {
        return Ok(None);
    }
    let done = row.i64("finished_statements")?;
    Ok(Some(usize::try_from(done).map_err(|error| DbError::decode("finished_statements", error))?))
}

fn checksum(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql.as_bytes()).into()
}

fn record(migration: &Migration) -> Vec<Value> {
    args![migration.version, migration.name, checksum(migration)]
}

fn progress(migration: &Migration, finished: usize, last: bool) -> Vec<Value> {
    args![i64::try_from(finished).unwrap_or(i64::MAX), last, migration.version]
}

fn broken(migration: &Migration, error: &sqlx::Error) -> DbError {
    DbError::setup(format!("migration {} ({}) failed: {error}", migration.version, migration.name))
}

fn sql(text: &'static str) -> sqlx::SqlStr {
    text.into_sql_str()
}

/// Splits at semicolons that end a line, and drops comment lines.
fn statements(text: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        let (part, ends) = match line.trim_end().strip_suffix(';') {
            Some(part) => (part, true),
            None => (line, false),
        };
        if let Some(statement) = statements.last_mut() {
            statement.push_str(part);
            statement.push('\n');
        }
        if ends {
            statements.push(String::new());
        }
    }
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

fn for_sqlite(statement: &str) -> String {
    let mut parts = statement.split("VARBINARY(");
    let mut rewritten = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rewritten.push_str("BLOB");
        rewritten.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    rewritten.replace("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT")
}

fn for_mysql(statement: &str, mariadb: bool) -> String {
    let statement = statement.replace("{serial}", "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY");
    if !statement.trim_start().starts_with("CREATE TABLE") {
        return statement;
    }
    let collation = if mariadb { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" };
    format!("{} ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}", statement.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_a_semicolon_that_ends_a_line() {
        let text = "-- why; this\nCREATE TABLE a (\n  b INT -- c; d\n);\n\nINSERT INTO a VALUES (1); -- no\n;\nSELECT ';' ;\n";
        let split = statements(text);
        assert_eq!(split.len(), 3, "{split:?}");
        assert!(split[0].starts_with("CREATE TABLE a") && split[0].trim_end().ends_with(')'));
        assert_eq!(split[2].trim(), "SELECT ';'");
    }

    #[test]
    fn binary_columns_become_blobs_in_sqlite_only() {
        let text = "CREATE TABLE a (b VARBINARY(16) NOT NULL, c VARBINARY(200), d {serial})";
        assert_eq!(
            for_sqlite(text),
            "CREATE TABLE a (b BLOB NOT NULL, c BLOB, d INTEGER PRIMARY KEY AUTOINCREMENT)"
        );
        assert!(for_mysql(text, true).contains("b VARBINARY(16) NOT NULL"));
        assert!(for_mysql(text, true).ends_with("COLLATE utf8mb4_nopad_bin"));
        assert!(for_mysql(text, false).ends_with("COLLATE utf8mb4_0900_bin"));
    }
}
