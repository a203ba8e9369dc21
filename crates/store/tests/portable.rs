//! The portable subset: what goes in comes out, and what must be refused is refused for the same reason.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{at, open};
use jobzy_store::{AssertSqlSafe, Db, DbError, DbOptions, args};
use jobzy_testkit::both_databases;

const INSERT: &str = "INSERT INTO notes (id, label, amount_minor, flag) VALUES (?, ?, ?, ?)";
const REPLY: &str = "INSERT INTO replies (note_id, code) VALUES (?, ?)";

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went_in() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let label = "Sähkötyö 🔧 'quoted' \\ ? \"x\"";
        db.execute(INSERT, args![[0xfe_u8; 16], label, i64::MAX, true]).await.expect("a new note");
        db.execute(INSERT, args![[1_u8; 16], None::<String>, at(7), false]).await.expect("a new note");
        let rows = db.fetch_all("SELECT * FROM notes ORDER BY id DESC", args![]).await.expect("notes");
        assert_eq!(rows[0].id16("id").expect("16 bytes"), [0xfe; 16]);
        assert_eq!(rows[0].text("label").expect("text"), label);
        assert_eq!(rows[0].i64("amount_minor").expect("an integer"), i64::MAX);
        assert!(rows[0].bool("flag").expect("a flag"));
        assert_eq!(rows[1].opt_text("label").expect("NULL"), None);
        assert_eq!(rows[1].timestamp("amount_minor").expect("a time"), at(7));
        assert!(matches!(rows[1].text("label"), Err(DbError::Decode { .. })));
        assert!(matches!(rows[1].i64("nowhere"), Err(DbError::Decode { .. })));
        assert!(matches!(rows[1].array::<32>("id"), Err(DbError::Decode { .. })));
    })
    .await;
}

#[tokio::test]
async fn digits_in_a_binary_column_stay_text_and_serials_count_up() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.execute(INSERT, args![[1_u8; 16], "n", 0, 0]).await.expect("a new note");
        for code in ["007", "7", "1e3", "1000"] {
            db.execute(REPLY, args![[1_u8; 16], code]).await.expect("a new code");
        }
        let rows =
            db.fetch_all("SELECT number, code FROM replies ORDER BY number", args![]).await.expect("rows");
        let codes: Vec<String> = rows.iter().map(|row| row.text("code").expect("text")).collect();
        assert_eq!(codes, ["007", "7", "1e3", "1000"]);
        let numbers: Vec<i64> = rows.iter().map(|row| row.i64("number").expect("a number")).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        let sum = "SELECT CAST(SUM(number) AS SIGNED) AS total, COUNT(*) AS rows_found FROM replies";
        let sum = db.fetch_optional(sum, args![]).await.expect("a sum").expect("one row");
        assert_eq!((sum.i64("total").expect("total"), sum.i64("rows_found").expect("count")), (10, 4));
    })
    .await;
}

#[tokio::test]
async fn text_is_compared_by_its_bytes() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.execute(INSERT, args![[1_u8; 16], "Key", 0, 0]).await.expect("a new note");
        let find = |label: &'static str| {
            let db = db.clone();
            async move {
                let sql = "SELECT id FROM notes WHERE label = ?";
                db.fetch_optional(sql, args![label]).await.expect("a search").is_some()
            }
        };
        assert!(find("Key").await);
        assert!(!find("key").await && !find("Key ").await && !find("Kéy").await);
    })
    .await;
}

#[tokio::test]
async fn what_breaks_a_rule_is_told_apart() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.execute(INSERT, args![[1_u8; 16], "n", 0, 0]).await.expect("a new note");
        let again = db.execute(INSERT, args![[1_u8; 16], "n", 0, 0]).await;
        assert!(again.as_ref().is_err_and(DbError::is_unique_violation), "{again:?}");
        let negative = db.execute(INSERT, args![[2_u8; 16], "n", -1, 0]).await;
        assert!(matches!(negative, Err(DbError::Check(_))), "{negative:?}");
        let too_long = db.execute(INSERT, args![[2_u8; 16], "x".repeat(65), 0, 0]).await;
        assert!(matches!(too_long, Err(DbError::Check(_))), "{too_long:?}");
        let null = db.execute(INSERT, args![[2_u8; 16], "n", None::<i64>, 0]).await;
        assert!(matches!(null, Err(DbError::Check(_))), "{null:?}");
        let orphan = db.execute(REPLY, args![[9_u8; 16], "c"]).await;
        assert!(matches!(orphan, Err(DbError::ForeignKey(_))), "{orphan:?}");
        let nonsense = db.fetch_all("SELECT nothing FROM nowhere", args![]).await;
        assert!(matches!(nonsense, Err(DbError::Other(_))), "{nonsense:?}");
    })
    .await;
}

#[tokio::test]
async fn insert_new_tells_a_taken_key_and_the_transaction_goes_on() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let inserted = db
            .transaction::<_, DbError, _>("insert twice", |tx| {
                Box::pin(async move {
                    let first = tx.insert_new(INSERT, args![[1_u8; 16], "first", 0, 0]).await?;
                    let second = tx.insert_new(INSERT, args![[1_u8; 16], "second", 0, 0]).await?;
                    tx.execute("UPDATE notes SET flag = 1", args![]).await?;
                    Ok((first, second))
                })
            })
            .await;
        assert_eq!(inserted.expect("it commits"), (true, false));
        let row =
            db.fetch_optional("SELECT label, flag FROM notes", args![]).await.expect("notes").expect("one");
        assert_eq!(
            (row.text("label").expect("label"), row.bool("flag").expect("flag")),
            ("first".to_owned(), true)
        );
    })
    .await;
}

#[tokio::test]
async fn row_locks_may_be_asked_for_with_and_without_skipping() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.execute(INSERT, args![[1_u8; 16], "n", 0, 0]).await.expect("a new note");
        for clause in ["FOR UPDATE", "FOR UPDATE SKIP LOCKED", ""] {
            let found = db
                .transaction::<_, DbError, _>("lock", move |tx| {
                    Box::pin(async move {
                        let sql = format!("SELECT id FROM notes ORDER BY id LIMIT 1 {clause}");
                        Ok(tx.fetch_all(AssertSqlSafe(sql), args![]).await?.len())
                    })
                })
                .await;
            assert_eq!(found.expect("it parses"), 1, "{clause}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_url_that_cannot_work_is_refused_without_repeating_it() {
    for url in [
        "",
        "postgres://user:secret@host/db",
        "sqlite://:memory:",
        "sqlite://",
        "mysql://user:secret@host",
        "mysql://user:secret@host:port/db",
    ] {
        let error = Db::connect(url, DbOptions::default()).await.expect_err("it cannot work").to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
