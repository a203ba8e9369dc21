//! Redeeming quotes: the right one holds, a changed or outdated one does not.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{
    QUOTES, REDEMPTIONS, Sidecar, assert_refused, book_at, fresh_key, service, start, start_with, user,
};
use jiff::SignedDuration;
use jobzy_testkit::both_databases;
use jobzy_testkit::http::Reply;
use serde_json::{Value, json};

fn request() -> Value {
    json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": "2026-12-24"})
}

fn shown(quote: &Value, request: &Value) -> Value {
    json!({"quote_id": quote["id"], "rate_book_version": quote["rate_book_version"], "request": request})
}

async fn redeem(sidecar: &Sidecar, shown: &Value) -> Reply {
    sidecar.post(REDEMPTIONS, &[("authorization", &service("jobzy-booking"))], shown).await
}

#[tokio::test]
async fn a_quote_is_redeemed_as_the_bytes_it_was() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let bytes = sidecar.post(QUOTES, &[], &request()).await.body;
        let quote: Value = serde_json::from_slice(&bytes).expect("JSON");
        for _ in 0..2 {
            let reply = redeem(&sidecar, &shown(&quote, &request())).await;
            assert_eq!((reply.status, &reply.body), (200, &bytes));
        }
    })
    .await;
}

#[tokio::test]
async fn only_a_service_redeems() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let shown = shown(&sidecar.quote(&request()).await, &request());
        assert_refused(&sidecar.post(REDEMPTIONS, &[], &shown).await, 401, "unauthenticated");
        for name in ["customer", "operator", "pricing-admin"] {
            let reply = sidecar.post(REDEMPTIONS, &[("authorization", &user(name))], &shown).await;
            assert_refused(&reply, 403, "forbidden");
        }
    })
    .await;
}

#[tokio::test]
async fn a_changed_id_request_or_version_is_no_quote_and_the_current_one_is_offered() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let quote = sidecar.quote(&request()).await;
        assert_eq!(sidecar.publish(&fresh_key(), &book_at(5000)).await.status, 201);
        let mut changed = Vec::new();
        let right = shown(&quote, &request());
        for (pointer, value) in [
            ("/quote_id", json!("quo_00000000000000000000000000000000")),
            ("/quote_id", json!(quote["id"].as_str().expect("an id").to_uppercase())),
            ("/quote_id", json!("")),
            ("/request/quantity", json!(4)),
            ("/request/postal_code", json!("33100")),
            ("/request/date", json!("2026-11-24")),
            ("/request/service", json!("window-cleaning")),
            ("/rate_book_version", json!(2)),
        ] {
            let mut shown = right.clone();
            *shown.pointer_mut(pointer).expect("is there") = value;
            changed.push(shown);
        }
        for shown in changed {
            let reply = redeem(&sidecar, &shown).await;
            assert_refused(&reply, 422, "quote-mismatch");
            let current = sidecar.quote(&shown["request"]).await;
            assert_eq!(reply.json::<Value>()["current_quote"], current, "{shown}");
        }
        let mut past = right.clone();
        past["request"]["date"] = json!("2026-11-01");
        let reply = redeem(&sidecar, &past).await;
        assert_refused(&reply, 422, "quote-mismatch");
        assert_eq!(reply.json::<Value>()["current_quote"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_redemption_is_refused() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let right = shown(&sidecar.quote(&request()).await, &request());
        let with = |pointer: &str, value: Value| {
            let mut shown = right.clone();
            *shown.pointer_mut(pointer).expect("is there") = value;
            shown
        };
        for version in [0, 2, 4_000_000_000_u32] {
            assert_refused(
                &redeem(&sidecar, &with("/rate_book_version", json!(version))).await,
                404,
                "not-found",
            );
        }
        assert_refused(&redeem(&sidecar, &with("/rate_book_version", json!(-1))).await, 422, "invalid-body");
        assert_refused(&redeem(&sidecar, &with("/request/quantity", json!(1.125))).await, 422, "quantity");
        assert_refused(&redeem(&sidecar, &with("/request", json!("x"))).await, 400, "quote-form");
        let mut extra = right.clone();
        extra["extra"] = json!(1);
        assert_refused(&redeem(&sidecar, &extra).await, 422, "invalid-body");
    })
    .await;
}

#[tokio::test]
async fn an_old_quote_holds_for_a_day_after_the_prices_changed() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let old = sidecar.quote(&request()).await;
        sidecar.clock.advance(SignedDuration::from_hours(240));
        assert_eq!(sidecar.publish(&fresh_key(), &book_at(5000)).await.status, 201);
        let shown_old = shown(&old, &request());
        let reply = redeem(&sidecar, &shown_old).await;
        assert_eq!((reply.status, reply.json::<Value>()), (200, old.clone()));
        sidecar.clock.advance(SignedDuration::from_hours(24));
        assert_eq!(redeem(&sidecar, &shown_old).await.status, 200);
        sidecar.clock.advance(SignedDuration::from_micros(1));
        let reply = redeem(&sidecar, &shown_old).await;
        assert_refused(&reply, 409, "quote-expired");
        let current = sidecar.quote(&request()).await;
        assert_eq!(reply.json::<Value>()["current_quote"], current);
        assert_eq!(redeem(&sidecar, &shown(&current, &request())).await.status, 200);
        // A second publication does not give the first version another day.
        assert_eq!(sidecar.publish(&fresh_key(), &book_at(5100)).await.status, 201);
        assert_refused(&redeem(&sidecar, &shown_old).await, 409, "quote-expired");
        // A restarted service knows the same.
        let other = start_with(&url, sidecar.clock.clone(), Vec::new()).await;
        assert_eq!(redeem(&other, &shown(&current, &request())).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_quote_from_just_before_midnight_holds_a_quarter_of_an_hour() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        // One minute before midnight in Finland; the work is on the day after tomorrow, then tomorrow.
        sidecar.clock.advance(SignedDuration::from_mins(11 * 60 + 59));
        let request =
            json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": "2026-11-25"});
        let quote = sidecar.quote(&request).await;
        sidecar.clock.advance(SignedDuration::from_mins(15));
        assert_ne!(sidecar.quote(&request).await["id"], quote["id"]);
        assert_eq!(redeem(&sidecar, &shown(&quote, &request)).await.json::<Value>(), quote);
        sidecar.clock.advance(SignedDuration::from_mins(1));
        assert_refused(&redeem(&sidecar, &shown(&quote, &request)).await, 422, "quote-mismatch");
    })
    .await;
}
