//! One key, one effect, one answer: on both databases.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{at, open};
use jobzy_ids::IdempotencyKey;
use jobzy_store::idempotency::{self, Begin, LEASE_MS, StoredResponse};
use jobzy_store::{Db, DbError, args};
use jobzy_testkit::both_databases;

const SCOPE: &str = "customer POST /api/v1/jobs";

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).expect("a valid key")
}

fn fingerprint(body: &[u8]) -> [u8; 32] {
    let mut print = [0; 32];
    print[..body.len()].copy_from_slice(body);
    print
}

async fn begin(db: &Db, scope: &'static str, text: &'static str, body: &'static [u8], seconds: i64) -> Begin {
    db.transaction::<_, DbError, _>("begin", move |tx| {
        Box::pin(
            async move { idempotency::begin(tx, scope, &key(text), fingerprint(body), at(seconds)).await },
        )
    })
    .await
    .expect("begin answers")
}

async fn finish(db: &Db, text: &'static str, response: StoredResponse) -> Result<(), DbError> {
    db.transaction("finish", move |tx| {
        let response = response.clone();
        Box::pin(async move { idempotency::finish(tx, SCOPE, &key(text), &response).await })
    })
    .await
}

fn created() -> StoredResponse {
    StoredResponse::json(201, "{\"id\":\"job_ä\"}").with_header("Location", "/api/v1/jobs/1")
}

#[tokio::test]
async fn a_finished_key_replays_its_answer_byte_for_byte() {
    both_databases(|url| async move {
        let db = open(&url).await;
        assert_eq!(begin(&db, SCOPE, "k1", b"body", 0).await, Begin::Fresh);
        finish(&db, "k1", created()).await.expect("the key is held");
        assert_eq!(begin(&db, SCOPE, "k1", b"body", 1).await, Begin::Replay(created()));
        let binary = StoredResponse { status: 200, headers: vec![], body: vec![0, 255, b'\'', 13, 10] };
        assert_eq!(begin(&db, SCOPE, "k2", b"body", 1).await, Begin::Fresh);
        finish(&db, "k2", binary.clone()).await.expect("the key is held");
        assert_eq!(begin(&db, SCOPE, "k2", b"body", 2).await, Begin::Replay(binary));
    })
    .await;
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_mismatch_before_and_after_the_answer() {
    both_databases(|url| async move {
        let db = open(&url).await;
        assert_eq!(begin(&db, SCOPE, "k1", b"body", 0).await, Begin::Fresh);
        assert_eq!(begin(&db, SCOPE, "k1", b"other", 1).await, Begin::Mismatch);
        finish(&db, "k1", created()).await.expect("the key is held");
        assert_eq!(begin(&db, SCOPE, "k1", b"other", 2).await, Begin::Mismatch);
    })
    .await;
}

#[tokio::test]
async fn keys_and_scopes_are_compared_byte_by_byte() {
    both_databases(|url| async move {
        let db = open(&url).await;
        for text in ["key", "KEY", "kEy", "0123", "123", "1e2", "100"] {
            assert_eq!(begin(&db, SCOPE, text, b"body", 0).await, Begin::Fresh, "{text}");
        }
        for scope in ["other POST /api/v1/jobs", "customer POST /api/v1/jobs "] {
            assert_eq!(begin(&db, scope, "key", b"body", 0).await, Begin::Fresh, "{scope:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_under_way_is_in_flight_until_its_lease_ends_and_then_passes_to_one_successor() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let lease = LEASE_MS / 1000;
        assert_eq!(begin(&db, SCOPE, "k1", b"body", 0).await, Begin::Fresh);
        assert_eq!(begin(&db, SCOPE, "k1", b"body", lease - 1).await, Begin::InFlight);
        assert_eq!(begin(&db, SCOPE, "k1", b"body", lease).await, Begin::Fresh);
        assert_eq!(begin(&db, SCOPE, "k1", b"body", lease + 1).await, Begin::InFlight);
        finish(&db, "k1", created()).await.expect("the successor finishes");
        let late = finish(&db, "k1", StoredResponse::json(500, "{}")).await;
        assert!(matches!(late, Err(DbError::KeyNotHeld)), "{late:?}");
        assert_eq!(begin(&db, SCOPE, "k1", b"body", lease + 2).await, Begin::Replay(created()));
    })
    .await;
}

#[tokio::test]
async fn work_that_rolls_back_leaves_the_key_unused() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let refused: Result<(), DbError> = db
            .transaction("refused", |tx| {
                Box::pin(async move {
                    let begun = idempotency::begin(tx, SCOPE, &key("k1"), fingerprint(b""), at(0)).await?;
                    assert_eq!(begun, Begin::Fresh);
                    Err(DbError::KeyNotHeld)
                })
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(begin(&db, SCOPE, "k1", b"corrected", 1).await, Begin::Fresh);
        db.transaction::<_, DbError, _>("release", |tx| {
            Box::pin(async move { idempotency::release(tx, SCOPE, &key("k1")).await })
        })
        .await
        .expect("a held key can be released");
        assert_eq!(begin(&db, SCOPE, "k1", b"third", 2).await, Begin::Fresh);
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_a_begin_is_refused() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let stored = finish(&db, "never-begun", created()).await;
        assert!(matches!(stored, Err(DbError::KeyNotHeld)), "{stored:?}");
    })
    .await;
}

/// What a handler does: take the key, do the work, store the answer, all in one transaction.
async fn pay_once(db: Db, id: [u8; 16]) -> StoredResponse {
    db.transaction::<_, DbError, _>("pay", move |tx| {
        Box::pin(async move {
            match idempotency::begin(tx, SCOPE, &key("pay"), fingerprint(b"pay"), at(0)).await? {
                Begin::Fresh => {}
                Begin::Replay(response) => return Ok(response),
                Begin::InFlight => return Ok(StoredResponse::json(409, "{}")),
                Begin::Mismatch => return Ok(StoredResponse::json(422, "{}")),
            }
            tx.execute("UPDATE notes SET amount_minor = amount_minor + 100", args![]).await?;
            let response = StoredResponse::json(201, id.to_vec());
            idempotency::finish(tx, SCOPE, &key("pay"), &response).await?;
            Ok(response)
        })
    })
    .await
    .expect("every request gets an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_parallel_requests_with_one_key_have_one_effect_and_one_answer() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let insert = "INSERT INTO notes (id, label, amount_minor, flag) VALUES (?, 'account', 0, 0)";
        db.execute(insert, args![[1_u8; 16]]).await.expect("the account is opened");
        let tasks: Vec<_> = (0..100_u8).map(|n| tokio::spawn(pay_once(db.clone(), [n; 16]))).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("no request panics"));
        }
        let paid =
            db.fetch_optional("SELECT amount_minor FROM notes", args![]).await.expect("it can be read");
        assert_eq!(paid.expect("the account").i64("amount_minor").expect("an amount"), 100);
        let (same, other): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        assert!(same.iter().all(|answer| answer.body == same[0].body), "all successes are the same bytes");
        assert!(other.iter().all(|answer| answer.status == 409), "the rest was told to wait: {other:?}");
        assert!(same.len() > 90, "waiting for the first is the rule, not giving up: {}", same.len());
    })
    .await;
}
