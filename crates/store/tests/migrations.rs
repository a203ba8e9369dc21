//! Migrations: once, in turn, never changed, and finished after a crash.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::open;
use jobzy_store::{Db, DbError, DbOptions, MIGRATIONS, Migration, args};
use jobzy_testkit::{both_databases, mariadb};

const TWO_TABLES: Migration = Migration {
    version: 200,
    name: "two tables",
    sql: "CREATE TABLE one (a BIGINT NOT NULL PRIMARY KEY);\nCREATE TABLE two (a BIGINT NOT NULL PRIMARY KEY);\n",
};

async fn connect(url: &str) -> Db {
    Db::connect(url, DbOptions::default()).await.expect("the test database opens")
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.migrate(MIGRATIONS).await.expect("nothing is left to do");
        let rows = db.fetch_all("SELECT version FROM schema_migrations ORDER BY version", args![]).await;
        let versions: Vec<i64> =
            rows.expect("the history").iter().map(|row| row.i64("version").expect("a number")).collect();
        assert_eq!(versions, [1, 2, 3, 100]);
    })
    .await;
}

#[tokio::test]
async fn a_changed_migration_is_refused_by_name() {
    both_databases(|url| async move {
        let db = connect(&url).await;
        db.migrate(&[TWO_TABLES]).await.expect("it applies");
        let changed = Migration { sql: "CREATE TABLE one (a BIGINT);\n", ..TWO_TABLES };
        let error = db.migrate(&[changed]).await.expect_err("history is not rewritten");
        assert!(
            matches!(&error, DbError::Setup(text) if text.contains("200 (two tables) was changed")),
            "{error}"
        );
        let twice = db.migrate(&[TWO_TABLES, TWO_TABLES]).await.expect_err("a version is used once");
        assert!(twice.to_string().contains("occurs twice"), "{twice}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn programs_that_start_at_once_take_turns() {
    both_databases(|url| async move {
        let start = |url: String| async move { connect(&url).await.migrate(MIGRATIONS).await };
        let starting: Vec<_> = (0..6).map(|_| tokio::spawn(start(url.clone()))).collect();
        for program in starting {
            program.await.expect("no panic").expect("every program finds the tables");
        }
    })
    .await;
}

#[tokio::test]
async fn a_failing_statement_names_the_migration_and_is_not_recorded_as_applied() {
    both_databases(|url| async move {
        let db = connect(&url).await;
        let bad =
            Migration { version: 200, name: "bad", sql: "CREATE TABLE one (a BIGINT);\nCREATE NONSENSE;\n" };
        for _ in 0..2 {
            let error = db.migrate(&[bad]).await.expect_err("nonsense is refused, the second time too");
            assert!(error.to_string().contains("migration 200 (bad) failed"), "{error}");
        }
    })
    .await;
}

/// MySQL has no transactional DDL: the first statement is applied and counted, the second applied but not counted.
#[tokio::test]
async fn a_migration_cut_off_in_the_middle_is_finished_by_the_next_start() {
    for (counted, applied) in [(0_i64, 0_usize), (0, 1), (1, 1), (1, 2)] {
        let db = connect(&mariadb::shared().await.database("cut_off").await).await;
        db.migrate(&[TWO_TABLES]).await.expect("it applies");
        for table in ["DROP TABLE one", "DROP TABLE two"].iter().skip(applied) {
            db.execute(*table, args![]).await.expect("the table goes");
        }
        let back = "UPDATE schema_migrations SET finished = 0, finished_statements = ? WHERE version = 200";
        db.execute(back, args![counted]).await.expect("history is set back");
        db.migrate(&[TWO_TABLES]).await.expect("it is finished");
        for read in ["SELECT a FROM one", "SELECT a FROM two"] {
            db.fetch_all(read, args![]).await.expect("both tables are there");
        }
    }
}
