//! A database that is slow, cut off, killed: what is known, what is retried, what is left to the caller.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{at, open};
use jobzy_ids::IdempotencyKey;
use jobzy_store::idempotency::{self, Begin, StoredResponse};
use jobzy_store::{Db, DbError, DbOptions, args};
use jobzy_testkit::mariadb::{self, MariaDb};
use jobzy_testkit::proxy::{Cut, Proxy};
use tokio::sync::Notify;

const INSERT: &str = "INSERT INTO notes (id, label, amount_minor, flag) VALUES (?, 'note', 0, 0)";
const ADD: &str = "UPDATE notes SET amount_minor = amount_minor + 1";

/// The database through the proxy and directly.
async fn through_a_proxy() -> (Db, Db, Proxy) {
    let server = mariadb::shared().await;
    let proxy = Proxy::start(server.port()).await;
    let url = server.database("cut").await;
    let direct = open(&url).await;
    direct.execute(INSERT, args![[1_u8; 16]]).await.expect("a new note");
    let cut_url = url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
    let options = DbOptions { max_connections: 1, ..DbOptions::default() };
    (Db::connect(&cut_url, options).await.expect("the proxy forwards"), direct, proxy)
}

async fn amount(db: &Db) -> i64 {
    let row = db.fetch_optional("SELECT amount_minor FROM notes", args![]).await.expect("notes can be read");
    row.expect("one note").i64("amount_minor").expect("an amount")
}

/// A request as a handler serves it: key, work and answer in one transaction.
async fn pay(db: &Db, runs: Arc<AtomicU32>) -> Result<Begin, DbError> {
    db.transaction("pay", move |tx| {
        runs.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let key = IdempotencyKey::parse("k").expect("a valid key");
            let begun = idempotency::begin(tx, "s", &key, [7; 32], at(0)).await?;
            if begun == Begin::Fresh {
                tx.execute(ADD, args![]).await?;
                idempotency::finish(tx, "s", &key, &StoredResponse::json(201, "{}")).await?;
            }
            Ok(begun)
        })
    })
    .await
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_unknown_and_the_key_decides() {
    for (cut, applied) in [(Cut::Before("COMMIT"), false), (Cut::After("COMMIT"), true)] {
        let (db, direct, proxy) = through_a_proxy().await;
        let runs = Arc::new(AtomicU32::new(0));
        proxy.cut_once(cut);
        let lost = pay(&db, runs.clone()).await;
        assert!(matches!(lost, Err(DbError::CommitUnknown(_))), "{cut:?}: {lost:?}");
        assert_eq!(runs.load(Ordering::SeqCst), 1, "never repeated on its own");
        assert_eq!(amount(&direct).await, i64::from(applied), "{cut:?}");
        let again = pay(&db, runs).await.expect("the client asks again");
        assert_eq!(matches!(again, Begin::Replay(_)), applied, "{cut:?}: {again:?}");
        assert_eq!(amount(&direct).await, 1, "{cut:?}");
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_commit_is_retried() {
    for cut in [Cut::Before("UPDATE notes"), Cut::After("UPDATE notes")] {
        let (db, direct, proxy) = through_a_proxy().await;
        let runs = Arc::new(AtomicU32::new(0));
        proxy.cut_once(cut);
        assert_eq!(pay(&db, runs.clone()).await.expect("the second run commits"), Begin::Fresh);
        assert_eq!((runs.load(Ordering::SeqCst), amount(&direct).await), (2, 1), "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_killed_server_and_the_pool_finds_it_again() {
    let mut server = tokio::task::spawn_blocking(MariaDb::start).await.expect("it starts");
    let url = server.database("killed").await;
    open(&url).await.execute(INSERT, args![[1_u8; 16]]).await.expect("a new note");
    let hasty = DbOptions { acquire_timeout: Duration::from_secs(1), ..DbOptions::default() };
    let db = Db::connect(&url, hasty.clone()).await.expect("the server answers");
    db.execute(ADD, args![]).await.expect("acknowledged");
    server.kill();
    let refused = db.ping().await.expect_err("there is no server");
    assert!(refused.is_temporary(), "{refused:?}");
    let unreachable = Db::connect(&url, hasty).await.expect_err("there is no server");
    assert!(unreachable.is_temporary(), "{unreachable:?}");
    tokio::task::block_in_place(|| server.start_again());
    db.execute(ADD, args![]).await.expect("the pool reconnects");
    assert_eq!(amount(&db).await, 2);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_ends_and_the_connection_serves_the_next() {
    let url = mariadb::shared().await.database("slow").await;
    let options =
        DbOptions { max_connections: 1, statement_timeout: Duration::from_secs(1), ..DbOptions::default() };
    let db = Db::connect(&url, options).await.expect("the server answers");
    let slow = db
        .transaction::<_, DbError, _>("slow", |tx| {
            Box::pin(async move {
                tx.fetch_all("SELECT SLEEP(30) AS slept", args![]).await.map(|rows| rows.len())
            })
        })
        .await;
    assert!(slow.as_ref().is_err_and(DbError::is_temporary), "{slow:?}");
    db.ping().await.expect("the only connection is free again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_held_by_a_transaction_that_does_not_end_is_in_flight_after_the_lock_timeout() {
    let url = mariadb::shared().await.database("held").await;
    let holder = open(&url).await;
    holder.execute(INSERT, args![[1_u8; 16]]).await.expect("a new note");
    let options = DbOptions { lock_timeout: Duration::from_secs(1), ..DbOptions::default() };
    let waiter = Db::connect(&url, options).await.expect("the server answers");
    let (held, over) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holding = {
        let (held, over) = (held.clone(), over.clone());
        tokio::spawn(async move {
            holder
                .transaction::<_, DbError, _>("hold", move |tx| {
                    let (held, over) = (held.clone(), over.clone());
                    Box::pin(async move {
                        let key = IdempotencyKey::parse("k").expect("a valid key");
                        idempotency::begin(tx, "s", &key, [7; 32], at(0)).await?;
                        held.notify_one();
                        over.notified().await;
                        Err::<(), _>(DbError::KeyNotHeld)
                    })
                })
                .await
        })
    };
    held.notified().await;
    let runs = Arc::new(AtomicU32::new(0));
    assert_eq!(pay(&waiter, runs.clone()).await.expect("an answer"), Begin::InFlight);
    assert_eq!(runs.load(Ordering::SeqCst), 1, "in flight is an answer, not a conflict to retry");
    over.notify_one();
    assert!(holding.await.expect("no panic").is_err());
    assert_eq!(pay(&waiter, runs).await.expect("an answer"), Begin::Fresh);
}
