//! Outbox and inbox: an event per subscriber, until taken, once handled; and the sweep.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{at, open};
use jobzy_store::outbox::{self, OutboxEvent};
use jobzy_store::{Db, DbError, args, inbox, sweep};
use jobzy_testkit::both_databases;

const DAY: i64 = 86_400;

async fn enqueue(db: &Db, id: u8, commit: bool) {
    let result = db
        .transaction("enqueue", move |tx| {
            Box::pin(async move {
                let event = OutboxEvent {
                    id: [id; 16],
                    event_type: "jobzy.test.happened.v1".to_owned(),
                    subject: "job_1".to_owned(),
                    body: format!("{{\"n\":{id}}}"),
                };
                outbox::enqueue(tx, &event, at(i64::from(id))).await?;
                if commit { Ok(()) } else { Err(DbError::KeyNotHeld) }
            })
        })
        .await;
    assert_eq!(result.is_ok(), commit, "{result:?}");
}

fn both() -> Vec<String> {
    vec!["correlation".to_owned(), "payment".to_owned()]
}

async fn due(db: &Db, subscriber: &str, seconds: i64) -> Vec<u8> {
    let due = outbox::due(db, subscriber, 10, at(seconds)).await.expect("due events");
    due.iter().map(|event| event.event_id[0]).collect()
}

#[tokio::test]
async fn each_subscriber_has_its_own_row_and_its_own_pace() {
    both_databases(|url| async move {
        let db = open(&url).await;
        enqueue(&db, 2, true).await;
        enqueue(&db, 1, true).await;
        enqueue(&db, 3, false).await;
        assert_eq!(outbox::fan_out(&db, &both(), 10, at(20)).await.expect("fan-out"), 2);
        assert_eq!(outbox::fan_out(&db, &both(), 10, at(20)).await.expect("fan-out"), 0);
        assert_eq!(
            due(&db, "correlation", 20).await,
            [1, 2],
            "oldest first, and nothing that was rolled back"
        );

        outbox::delivered(&db, "correlation", &[[1; 16], [2; 16]], at(21)).await.expect("noted");
        assert_eq!(due(&db, "correlation", 22).await, [0_u8; 0]);
        outbox::failed(&db, "payment", [1; 16], at(30), &"ä".repeat(150)).await.expect("noted");
        assert_eq!(due(&db, "payment", 29).await, [2]);
        assert_eq!(due(&db, "payment", 30).await, [1, 2]);
        let again = outbox::due(&db, "payment", 1, at(30)).await.expect("due events");
        assert_eq!((again[0].attempts, again[0].body.as_str()), (1, "{\"n\":1}"));

        let behind = outbox::backlog(&db, "payment").await.expect("backlog");
        assert_eq!((behind.events, behind.oldest), (2, Some(at(1))));
        let level = outbox::backlog(&db, "correlation").await.expect("backlog");
        assert_eq!((level.events, level.oldest), (0, None));
    })
    .await;
}

#[tokio::test]
async fn a_late_failure_does_not_undo_a_delivery() {
    both_databases(|url| async move {
        let db = open(&url).await;
        enqueue(&db, 1, true).await;
        outbox::fan_out(&db, &both(), 10, at(2)).await.expect("fan-out");
        outbox::delivered(&db, "payment", &[[1; 16]], at(3)).await.expect("noted");
        outbox::failed(&db, "payment", [1; 16], at(4), "timed out at a second pump").await.expect("ignored");
        assert_eq!(due(&db, "payment", 100).await, [0_u8; 0]);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_too_big_or_nameless_is_refused_where_it_is_written() {
    both_databases(|url| async move {
        let db = open(&url).await;
        for (subject, size) in [(String::new(), 10), ("s".repeat(161), 10), ("s".to_owned(), 65_537)] {
            let refused = db
                .transaction::<_, DbError, _>("enqueue", move |tx| {
                    let event = OutboxEvent {
                        id: [1; 16],
                        event_type: "t".to_owned(),
                        subject: subject.clone(),
                        body: "b".repeat(size),
                    };
                    Box::pin(async move { outbox::enqueue(tx, &event, at(0)).await })
                })
                .await;
            assert!(matches!(refused, Err(DbError::Check(_))), "{refused:?}");
        }
    })
    .await;
}

async fn first_time(db: &Db, source: &'static str, id: &'static str, fail: bool) -> Result<bool, DbError> {
    db.transaction("receive", move |tx| {
        Box::pin(async move {
            let first = inbox::first_time(tx, source, id, at(0)).await?;
            if fail { Err(DbError::KeyNotHeld) } else { Ok(first) }
        })
    })
    .await
}

#[tokio::test]
async fn an_event_is_first_once_per_source_and_again_after_a_failed_handler() {
    both_databases(|url| async move {
        let db = open(&url).await;
        assert!(first_time(&db, "/jobzy/booking", "evt_1", true).await.is_err());
        assert!(first_time(&db, "/jobzy/booking", "evt_1", false).await.expect("handled"));
        assert!(!first_time(&db, "/jobzy/booking", "evt_1", false).await.expect("known"));
        assert!(first_time(&db, "/jobzy/payment", "evt_1", false).await.expect("another source"));
        assert!(first_time(&db, "/jobzy/booking", "EVT_1", false).await.expect("another id"));
    })
    .await;
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.fetch_optional(sql, args![]).await.expect("a count").expect("one row").i64("n").expect("a number")
}

#[tokio::test]
async fn the_sweep_removes_what_everyone_has_and_keeps_what_anyone_waits_for() {
    both_databases(|url| async move {
        let db = open(&url).await;
        for id in 1..=4 {
            enqueue(&db, id, true).await;
        }
        outbox::fan_out(&db, &both(), 3, at(20)).await.expect("fan-out");
        outbox::delivered(&db, "correlation", &[[1; 16], [2; 16], [3; 16]], at(21)).await.expect("noted");
        outbox::delivered(&db, "payment", &[[1; 16]], at(21)).await.expect("noted");
        outbox::delivered(&db, "payment", &[[2; 16]], at(3 * DAY)).await.expect("noted");
        assert!(first_time(&db, "/jobzy/booking", "evt_1", false).await.expect("handled"));

        assert_eq!(sweep(&db, at(7 * DAY)).await.expect("swept"), 0);
        assert_eq!(sweep(&db, at(8 * DAY)).await.expect("swept"), 1, "event 1 only");
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM outbox_events").await, 3);
        assert_eq!(sweep(&db, at(100 * DAY)).await.expect("swept"), 2, "event 2 and the inbox entry");
        assert_eq!(
            due(&db, "payment", 100 * DAY).await,
            [3],
            "undelivered after a hundred days, still there"
        );
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM inbox_events").await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_sweep_takes_old_entries_in_batches() {
    both_databases(|url| async move {
        let db = open(&url).await;
        db.transaction::<_, DbError, _>("many", |tx| {
            Box::pin(async move {
                for n in 0..1_203 {
                    inbox::first_time(tx, "/test", &format!("evt_{n}"), at(n)).await?;
                }
                Ok(())
            })
        })
        .await
        .expect("many events");
        assert_eq!(sweep(&db, at(90 * DAY + 1_200)).await.expect("swept"), 1_201);
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM inbox_events").await, 2);
    })
    .await;
}
