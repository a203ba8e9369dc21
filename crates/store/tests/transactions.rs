//! Commit, rollback, conflicts and retries: on both databases.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::open;
use jobzy_store::{Db, DbError, DbOptions, Dialect, args};
use jobzy_testkit::{both_databases, mariadb, sqlite};
use tokio::sync::Barrier;

const INSERT: &str = "INSERT INTO notes (id, label, amount_minor, flag) VALUES (?, ?, ?, ?)";
const ADD: &str = "UPDATE notes SET amount_minor = amount_minor + ? WHERE id = ?";

async fn insert(db: &Db, id: u8, amount_minor: i64) {
    db.execute(INSERT, args![[id; 16], "note", amount_minor, false]).await.expect("a new note");
}

async fn amount(db: &Db, id: u8) -> i64 {
    let row = db.fetch_optional("SELECT amount_minor FROM notes WHERE id = ?", args![[id; 16]]).await;
    row.expect("notes can be read").expect("the note is there").i64("amount_minor").expect("an amount")
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn ok_commits_and_err_rolls_back() {
    both_databases(|url| async move {
        let db = open(&url).await;
        insert(&db, 1, 0).await;
        let add = |fail: bool| {
            // Handlers of the web framework must be Send, and so must what they await.
            assert_send(db.transaction("add", move |tx| {
                Box::pin(async move {
                    tx.execute(ADD, args![5, [1_u8; 16]]).await?;
                    if fail { Err(DbError::KeyNotHeld) } else { Ok(()) }
                })
            }))
        };
        assert!(add(true).await.is_err());
        assert_eq!(amount(&db, 1).await, 0);
        add(false).await.expect("it commits");
        assert_eq!(amount(&db, 1).await, 5);
    })
    .await;
}

/// Two transactions take two rows in opposite order, each waiting until the other has its first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_retried_until_both_have_happened() {
    let db = open(&mariadb::shared().await.database("deadlock").await).await;
    insert(&db, 1, 0).await;
    insert(&db, 2, 0).await;
    let runs = Arc::new(AtomicU32::new(0));
    let both_hold_one = Arc::new(Barrier::new(2));
    let cross = |first: u8, second: u8| {
        let (db, runs, both_hold_one) = (db.clone(), runs.clone(), both_hold_one.clone());
        tokio::spawn(async move {
            let own_runs = AtomicU32::new(0);
            db.transaction::<_, DbError, _>("cross", move |tx| {
                let first_run = own_runs.fetch_add(1, Ordering::SeqCst) == 0;
                runs.fetch_add(1, Ordering::SeqCst);
                let barrier = both_hold_one.clone();
                Box::pin(async move {
                    tx.execute(ADD, args![1, [first; 16]]).await?;
                    if first_run {
                        barrier.wait().await;
                    }
                    tx.execute(ADD, args![10, [second; 16]]).await
                })
            })
            .await
        })
    };
    let (one, two) = (cross(1, 2), cross(2, 1));
    assert_eq!(one.await.expect("no panic").expect("the first commits"), 1);
    assert_eq!(two.await.expect("no panic").expect("the second commits"), 1);
    assert_eq!((amount(&db, 1).await, amount(&db, 2).await), (11, 11));
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of the two was the victim and ran again");
}

/// The victim of a deadlock has lost its first update; committing what follows would be half a transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closure_that_ignores_a_deadlock_is_not_committed_halfway() {
    let db = open(&mariadb::shared().await.database("ignored").await).await;
    for id in 1..=4 {
        insert(&db, id, 0).await;
    }
    let both_hold_one = Arc::new(Barrier::new(2));
    let careless = |first: u8, second: u8, third: u8| {
        let (db, both_hold_one) = (db.clone(), both_hold_one.clone());
        tokio::spawn(async move {
            let runs = AtomicU32::new(0);
            db.transaction::<_, DbError, _>("careless", move |tx| {
                let first_run = runs.fetch_add(1, Ordering::SeqCst) == 0;
                let barrier = both_hold_one.clone();
                Box::pin(async move {
                    tx.execute(ADD, args![1, [first; 16]]).await?;
                    if first_run {
                        barrier.wait().await;
                    }
                    let _ignored = tx.execute(ADD, args![10, [second; 16]]).await;
                    let _ignored = tx.execute(ADD, args![100, [third; 16]]).await;
                    Ok(())
                })
            })
            .await
        })
    };
    let (one, two) = (careless(1, 2, 3), careless(2, 1, 4));
    one.await.expect("no panic").expect("the first commits");
    two.await.expect("no panic").expect("the second commits");
    let amounts = [amount(&db, 1).await, amount(&db, 2).await, amount(&db, 3).await, amount(&db, 4).await];
    assert_eq!(amounts, [11, 11, 100, 100]);
}

/// Another process holds SQLite's write lock for longer than the busy timeout.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_file_is_waited_for_by_trying_again() {
    let (url, _guard) = sqlite::temp();
    let holder = open(&url).await;
    insert(&holder, 1, 0).await;
    let impatient = DbOptions { lock_timeout: Duration::from_millis(20), ..DbOptions::default() };
    let other = Db::connect(&url, impatient).await.expect("a second program opens the file");
    let held = Arc::new(Barrier::new(2));
    let holding = {
        let (holder, held) = (holder.clone(), held.clone());
        tokio::spawn(async move {
            holder
                .transaction::<_, DbError, _>("hold", move |tx| {
                    let held = held.clone();
                    Box::pin(async move {
                        tx.execute(ADD, args![1, [1_u8; 16]]).await?;
                        held.wait().await;
                        tokio::time::sleep(Duration::from_millis(150)).await;
                        Ok(())
                    })
                })
                .await
        })
    };
    held.wait().await;
    other.execute(ADD, args![10, [1_u8; 16]]).await.expect("it gets its turn");
    holding.await.expect("no panic").expect("the holder commits");
    assert_eq!(amount(&holder, 1).await, 11);
}

#[tokio::test]
async fn conflicts_that_do_not_end_are_reported_as_temporary() {
    let (url, _guard) = sqlite::temp();
    let holder = open(&url).await;
    let options = DbOptions { lock_timeout: Duration::from_millis(5), attempts: 3, ..DbOptions::default() };
    let other = Db::connect(&url, options).await.expect("a second program opens the file");
    holder
        .transaction::<_, DbError, _>("hold", move |_| {
            let other = other.clone();
            Box::pin(async move {
                let refused = other.execute(ADD, args![1, [1_u8; 16]]).await.expect_err("the file is busy");
                assert!(matches!(refused, DbError::Transient(_)) && refused.is_temporary(), "{refused:?}");
                Ok(())
            })
        })
        .await
        .expect("the holder itself commits");
}

/// Read, compute, write: right only because the row is locked first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_read_for_update_is_not_changed_by_others_before_the_commit() {
    both_databases(|url| async move {
        let db = open(&url).await;
        insert(&db, 1, 0).await;
        let increment = |db: Db| async move {
            db.transaction::<_, DbError, _>("increment", |tx| {
                Box::pin(async move {
                    let read = "SELECT amount_minor FROM notes WHERE id = ? FOR UPDATE";
                    let row = tx.fetch_optional(read, args![[1_u8; 16]]).await?.expect("the note is there");
                    let next = row.i64("amount_minor")? + 1;
                    tx.execute("UPDATE notes SET amount_minor = ? WHERE id = ?", args![next, [1_u8; 16]])
                        .await
                })
            })
            .await
        };
        let tasks: Vec<_> = (0..60).map(|_| tokio::spawn(increment(db.clone()))).collect();
        for task in tasks {
            task.await.expect("no panic").expect("every increment commits");
        }
        assert_eq!(amount(&db, 1).await, 60);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_dropped_half_way_is_rolled_back() {
    both_databases(|url| async move {
        let db = open(&url).await;
        insert(&db, 1, 0).await;
        let abandoned = db.transaction::<(), DbError, _>("abandoned", |tx| {
            Box::pin(async move {
                tx.execute(ADD, args![7, [1_u8; 16]]).await?;
                std::future::pending().await
            })
        });
        assert!(tokio::time::timeout(Duration::from_millis(200), abandoned).await.is_err());
        db.execute(ADD, args![1, [1_u8; 16]]).await.expect("nobody holds the row any more");
        assert_eq!(amount(&db, 1).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_closed_database_says_so() {
    let (url, _guard) = sqlite::temp();
    let db = open(&url).await;
    assert_eq!(db.dialect(), Dialect::Sqlite);
    db.ping().await.expect("an open database answers");
    db.close().await;
    let closed = db.ping().await.expect_err("a closed one does not");
    assert!(closed.is_temporary(), "{closed:?}");
}
