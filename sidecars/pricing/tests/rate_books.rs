//! Publishing rate books: who may, once per key, in order, and heard by others.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use common::{
    ACTIVE, BOOKS, assert_refused, book_at, fresh_key, now, serve, service, start, start_with, until, user,
};
use http::{HeaderMap, StatusCode};
use jobzy_events::CloudEvent;
use jobzy_service::clock::Clock;
use jobzy_testkit::both_databases;
use jobzy_testkit::issuer::Issuer;
use serde_json::{Value, json};

fn request() -> Value {
    json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": "2026-11-30"})
}

#[tokio::test]
async fn the_book_in_force_is_not_sent_twice_to_those_who_have_it() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let reply = sidecar.get(ACTIVE, &[]).await;
        assert_eq!((reply.status, reply.header("etag")), (200, Some("\"1\"")));
        assert_eq!(reply.json::<Value>(), json!({"version": 1, "document": book_at(3900)}));
        for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
            let reply = sidecar.get(ACTIVE, &[("if-none-match", known)]).await;
            assert_eq!(
                (reply.status, reply.header("etag"), reply.body.len()),
                (304, Some("\"1\""), 0),
                "{known}"
            );
        }
        for other in ["\"2\"", "1", "\"11\"", ""] {
            assert_eq!(sidecar.get(ACTIVE, &[("if-none-match", other)]).await.status, 200, "{other}");
        }
        assert_eq!(sidecar.publish(&fresh_key(), &book_at(5000)).await.status, 201);
        let reply = sidecar.get(ACTIVE, &[("if-none-match", "\"1\"")]).await;
        assert_eq!((reply.status, reply.header("etag")), (200, Some("\"2\"")));
    })
    .await;
}

#[tokio::test]
async fn only_a_pricing_admin_publishes_or_reads_the_history() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (key, book) = (fresh_key(), book_at(5000));
        assert_refused(
            &sidecar.post(BOOKS, &[("idempotency-key", &key)], &book).await,
            401,
            "unauthenticated",
        );
        let forged = [("idempotency-key", key.as_str()), ("authorization", "Bearer x.y.z")];
        assert_refused(&sidecar.post(BOOKS, &forged, &book).await, 401, "invalid-token");
        for other in [user("customer"), user("operator"), user("finance"), service("jobzy-booking")] {
            let headers = [("idempotency-key", key.as_str()), ("authorization", other.as_str())];
            assert_refused(&sidecar.post(BOOKS, &headers, &book).await, 403, "forbidden");
            for path in [BOOKS, "/api/v1/pricing/rate-books/1"] {
                assert_refused(&sidecar.get(path, &headers[1..]).await, 403, "forbidden");
            }
        }
        assert_refused(&sidecar.get(BOOKS, &[]).await, 401, "unauthenticated");
        assert_eq!(sidecar.version().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_published_book_is_in_force_at_once_and_the_history_keeps_the_old() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let old = sidecar.quote(&request()).await;
        let reply = sidecar.publish(&fresh_key(), &book_at(5000)).await;
        assert_eq!((reply.status, reply.header("location")), (201, Some("/api/v1/pricing/rate-books/2")));
        assert_eq!(reply.json::<Value>()["version"], 2);
        let new = sidecar.quote(&request()).await;
        assert_eq!((&old["rate_book_version"], &new["rate_book_version"]), (&json!(1), &json!(2)));
        // 3 x 50.00 x 1.2 x 1.15
        assert_eq!(new["total_minor"], 20_700);
        assert_ne!(old["id"], new["id"]);
        let admin = user("pricing-admin");
        let admin = [("authorization", admin.as_str())];
        let first = sidecar.get("/api/v1/pricing/rate-books/1", &admin).await;
        assert_eq!(first.json::<Value>(), json!({"version": 1, "document": book_at(3900)}));
        let list: Value = sidecar.get(BOOKS, &admin).await.json();
        let at = now().to_string();
        assert_eq!(
            list["rate_books"],
            json!([
                {"version": 2, "published_at": at, "published_by": Issuer::subject("pricing-admin"), "superseded_at": null},
                {"version": 1, "published_at": at, "published_by": "seed", "superseded_at": at},
            ])
        );
        for unknown in ["3", "0", "-1", "x", "99999999999"] {
            assert_refused(&sidecar.get(&format!("{BOOKS}/{unknown}"), &admin).await, 404, "not-found");
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_publishes_once_and_repeats_its_answer() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let admin = user("pricing-admin");
        let without = sidecar.post(BOOKS, &[("authorization", &admin)], &book_at(5000)).await;
        assert_refused(&without, 400, "idempotency-key-missing");
        let key = fresh_key();
        let first = sidecar.publish(&key, &book_at(5000)).await;
        assert_eq!((first.status, first.header("idempotency-replayed")), (201, None));
        let again = sidecar.publish(&key, &book_at(5000)).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!((again.body, again.headers.get("location")), (first.body, first.headers.get("location")));
        assert_refused(&sidecar.publish(&key, &book_at(6000)).await, 422, "idempotency-key-reused");
        assert_eq!(sidecar.version().await, 2);
        // Keys belong to the caller.
        let headers = [("authorization", user("pricing-admin2")), ("idempotency-key", key)];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(sidecar.post(BOOKS, &headers, &book_at(6000)).await.json::<Value>()["version"], 3);
    })
    .await;
}

#[tokio::test]
async fn an_invalid_book_is_refused_by_the_place_and_leaves_the_old_in_force() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let before = sidecar.quote(&request()).await;
        let key = fresh_key();
        for (pointer, value, place) in [
            ("/categories/0/services/0/price_minor", json!(0), "categories[0].services[0].price_minor"),
            ("/categories/0/services/0/price_minor", json!(-3900), "categories[0].services[0].price_minor"),
            ("/urgency_permille/same_day", json!(90_000), "urgency_permille.same_day"),
            ("/postal/0/prefix", json!("x"), "postal[0].prefix"),
            ("/vat_bp/general", json!(2400), "vat_bp.general"),
        ] {
            let mut book = book_at(3900);
            *book.pointer_mut(pointer).expect("is there") = value;
            let reply = sidecar.publish(&key, &book).await;
            assert_refused(&reply, 422, "invalid-rate-book");
            let detail = reply.json::<Value>()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(detail.starts_with(place), "{place}: {detail}");
        }
        let mut book = book_at(3900);
        book["extra"] = json!(1);
        assert_refused(&sidecar.publish(&key, &book).await, 422, "invalid-body");
        let admin = user("pricing-admin");
        let headers = [("authorization", admin.as_str()), ("idempotency-key", key.as_str())];
        assert_refused(&sidecar.post_bytes(BOOKS, &headers, "{").await, 400, "malformed-json");
        assert_eq!(sidecar.quote(&request()).await, before);
        // What was refused has not used up its key.
        assert_eq!(sidecar.publish(&key, &book_at(5000)).await.status, 201);
    })
    .await;
}

/// Two sidecars on one database stand for two replicas.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_at_once_publish_without_gap_or_loss() {
    both_databases(|url| async move {
        let first = start(&url).await;
        let second = start_with(&url, first.clock.clone(), Vec::new()).await;
        let replicas = [first, second];
        let publishing: Vec<_> = (0_i64..20)
            .map(|number| {
                let sidecar = replicas[usize::from(number % 2 == 1)].clone();
                tokio::spawn(async move {
                    let price = 4000 + number;
                    (price, sidecar.publish(&fresh_key(), &book_at(price)).await)
                })
            })
            .collect();
        let mut published = BTreeMap::new();
        for publishing in publishing {
            let (price, reply) = publishing.await.expect("no panic");
            match reply.status {
                201 => {
                    let version = reply.json::<Value>()["version"].as_u64().expect("a version");
                    assert_eq!(
                        published.insert(version, price),
                        None,
                        "version {version} was given out twice"
                    );
                }
                _ => assert_refused(&reply, 409, "concurrent-publication"),
            }
        }
        let newest = 1 + published.len() as u64;
        assert!(newest > 1 && published.keys().copied().eq(2..=newest), "{published:?}");
        let admin = user("pricing-admin");
        for (version, price) in &published {
            let kept = replicas[0].get(&format!("{BOOKS}/{version}"), &[("authorization", &admin)]).await;
            assert_eq!(kept.json::<Value>(), json!({"version": version, "document": book_at(*price)}));
        }
        let list: Value = replicas[1].get(BOOKS, &[("authorization", &admin)]).await.json();
        let list = list["rate_books"].as_array().expect("a list");
        let open: Vec<_> = list.iter().filter(|entry| entry["superseded_at"].is_null()).collect();
        assert_eq!((list.len() as u64, open.len()), (newest, 1), "{list:?}");
        assert_eq!(open[0]["version"], newest);
        for replica in &replicas {
            replica.follow().await;
            assert_eq!(replica.version().await, newest);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_is_told_to_subscribers_once_and_with_the_callers_correlation_id() {
    both_databases(|url| async move {
        let heard: Arc<Mutex<Vec<(CloudEvent, bool)>>> = Arc::default();
        let log = Arc::clone(&heard);
        let receive = move |headers: HeaderMap, body: Bytes| async move {
            let event = CloudEvent::parse(&body).expect("an event");
            let bearer =
                headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Bearer "));
            log.lock().expect("not poisoned").push((event, bearer));
            StatusCode::NO_CONTENT
        };
        let receiver = serve(Router::new().route("/internal/events", post(receive))).await;
        let sidecar = start_with(&url, Clock::fixed(now()), vec![("correlation".to_owned(), receiver)]).await;
        let (admin, key) = (user("pricing-admin"), fresh_key());
        let headers = [
            ("authorization", admin.as_str()),
            ("idempotency-key", key.as_str()),
            ("x-correlation-id", "told-1"),
        ];
        for _ in 0..2 {
            assert_eq!(sidecar.post(BOOKS, &headers, &book_at(5000)).await.status, 201);
        }
        assert_eq!(sidecar.publish(&fresh_key(), &json!({})).await.status, 422);
        assert_eq!(sidecar.publish(&fresh_key(), &book_at(5100)).await.status, 201);
        let count = || heard.lock().expect("not poisoned").len();
        until("two publications are heard of", async || count() >= 2).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let mut heard = heard.lock().expect("not poisoned").clone();
        heard.sort_by_key(|(event, _)| event.subject.clone());
        assert_eq!(heard.iter().map(|(event, _)| event.subject.as_str()).collect::<Vec<_>>(), ["2", "3"]);
        let (event, bearer) = &heard[0];
        assert!(bearer, "the sender shows a token");
        assert_eq!(event.r#type, "jobzy.pricing.rate_book_published.v1");
        assert_eq!((event.source.as_str(), event.correlation_id.as_str()), ("/jobzy/pricing", "told-1"));
        let ids = json!([{"system": "pricing", "type": "rate_book", "id": "2"}]);
        let actor = Issuer::subject("pricing-admin");
        assert_eq!(event.data, json!({"ids": ids, "version": 2, "actor": actor}));
    })
    .await;
}
