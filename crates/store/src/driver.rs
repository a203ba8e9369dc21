//! The same three calls for each native driver; everything above is written once.

use sqlx::{SqlSafeStr as _, SqlStr};

use crate::{AssertSqlSafe, Row};

macro_rules! driver {
    ($module:ident, $database:ty, $connection:ty) => {
        pub(crate) mod $module {
            use sqlx::query::Query;
            use sqlx::{Database, SqlStr};

            use crate::{Row, Value};

            fn bind(
                sql: SqlStr,
                args: Vec<Value>,
            ) -> Query<'static, $database, <$database as Database>::Arguments> {
                args.into_iter().fold(sqlx::query::<$database>(sql), |query, value| match value {
                    Value::Null => query.bind(None::<i64>),
                    Value::Int(value) => query.bind(value),
                    Value::Text(value) => query.bind(value),
                    Value::Bytes(value) => query.bind(value),
                })
            }

            pub(crate) async fn fetch_all(
                connection: &mut $connection,
                sql: SqlStr,
                args: Vec<Value>,
            ) -> Result<Vec<Row>, sqlx::Error> {
                let rows = bind(sql, args).fetch_all(connection).await?;
                Ok(rows.into_iter().map(Row::from).collect())
            }

            pub(crate) async fn execute(
                connection: &mut $connection,
                sql: SqlStr,
                args: Vec<Value>,
            ) -> Result<u64, sqlx::Error> {
                Ok(bind(sql, args).execute(connection).await?.rows_affected())
            }
        }
    };
}

driver!(sqlite, sqlx::Sqlite, sqlx::SqliteConnection);
driver!(mysql, sqlx::MySql, sqlx::MySqlConnection);

/// Cuts a trailing row-lock clause, which SQLite does not know and, inside a write transaction, does not need.
pub(crate) fn without_row_lock(sql: SqlStr) -> SqlStr {
    let text = sql.as_str().trim_end();
    let kept = text.strip_suffix("SKIP LOCKED").unwrap_or(text).trim_end();
    match kept.strip_suffix("FOR UPDATE") {
        Some(kept) => AssertSqlSafe(kept.to_owned()).into_sql_str(),
        None => sql,
    }
}

/// One row at most, whichever driver.
pub(crate) fn first(rows: Vec<Row>) -> Option<Row> {
    rows.into_iter().next()
}
