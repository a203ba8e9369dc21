//! Quotes over HTTP: the library's numbers, in the library's bytes, by GET and by POST.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{QUOTES, assert_refused, now, seed, start};
use http::Method;
use jobzy_pricing::{RawRequest, canonicalise, price};
use jobzy_testkit::both_databases;
use jobzy_testkit::http::Client;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

const QUERY: &str = "service=home-cleaning&quantity=3&postal_code=00100&date=2026-11-24";

fn body() -> Value {
    json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": "2026-11-24"})
}

#[tokio::test]
async fn three_hours_of_cleaning_in_the_centre_for_tomorrow_cost_the_worked_price() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let reply = sidecar.get(&format!("{QUOTES}?{QUERY}"), &[]).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
        assert_eq!(reply.header("x-rate-book-version"), Some("1"));
        let quote: Value = reply.json();
        let lines = quote["lines"].as_array().expect("lines");
        let lines: Vec<_> =
            lines.iter().map(|line| (line["code"].as_str(), line["amount_minor"].as_i64())).collect();
        // 3 x 39.00 = 117.00; city x 1.2 = 140.40; 001 x 1.15 = 161.46; tomorrow x 1.2 = 193.752.
        let expected = [("base", 11_700), ("area", 2_340), ("postal", 2_106), ("urgency", 3_229)];
        assert_eq!(lines, expected.map(|(code, minor)| (Some(code), Some(minor))));
        assert_eq!(quote["total_minor"], 19_375);
        // 193.75 / 1.255 = 154.382...
        assert_eq!(quote["net_minor"], 15_438);
        assert_eq!(quote["vat"], json!({"rate_bp": 2550, "amount_minor": 3_937}));
        assert_eq!((&quote["currency"], &quote["price_kind"]), (&json!("EUR"), &json!("fixed")));
        let raw = RawRequest::from_query(QUERY).expect("a request");
        let pure = price(&seed(), &canonicalise(&seed(), &raw, now()).expect("canonical")).expect("a price");
        assert_eq!(reply.body, pure.to_json_bytes().expect("bytes"));
        assert!(!reply.text().contains("00100") && !reply.text().contains("2026-11-24"), "{}", reply.text());
    })
    .await;
}

#[tokio::test]
async fn get_and_post_answer_the_same_bytes_from_memory_or_not() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let first = sidecar.post(QUOTES, &[], &body()).await;
        let second = sidecar.get(&format!("{QUOTES}?{QUERY}"), &[]).await;
        let as_text = sidecar.post_bytes(QUOTES, &[], &body().to_string().replace(":3,", ":\"3.00\",")).await;
        assert_eq!((first.status, second.status, as_text.status), (200, 200, 200));
        assert_eq!((&first.body, &first.body), (&second.body, &as_text.body));
        assert_eq!(first.header("cache-status"), Some("jobzy-pricing; fwd=miss; stored"));
        assert_eq!(second.header("cache-status"), Some("jobzy-pricing; hit"));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_priced_is_refused_with_its_reason_by_both_methods() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        for (field, value, status, slug) in [
            ("service", "spaceflight", 422, "unknown-service"),
            ("quantity", "1.125", 422, "quantity"),
            ("quantity", "-1", 422, "quantity"),
            ("quantity", "0", 422, "quantity"),
            ("quantity", "13", 422, "quantity-range"),
            ("postal_code", "0010", 422, "postal-code"),
            ("date", "2026-11-31", 422, "date"),
            ("date", "2026-11-22", 422, "past-date"),
            ("date", "2028-11-22", 422, "far-date"),
            ("colour", "red", 400, "quote-form"),
        ] {
            let mut body = body();
            body[field] = json!(value);
            assert_refused(&sidecar.post(QUOTES, &[], &body).await, status, slug);
            let fields = body.as_object().expect("an object").iter();
            let query: Vec<String> = fields
                .map(|(name, value)| format!("{name}={}", value.to_string().trim_matches('"')))
                .collect();
            assert_refused(&sidecar.get(&format!("{QUOTES}?{}", query.join("&")), &[]).await, status, slug);
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_with_three_decimals_is_refused_and_never_rounded() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        for quantity in ["1.125", "2.999", "3e0", "0.1e1", "1.0000000000000001"] {
            let body = body().to_string().replace(":3,", &format!(":{quantity},"));
            assert!(body.contains(quantity), "{body}");
            assert_refused(&sidecar.post_bytes(QUOTES, &[], &body).await, 422, "quantity");
        }
    })
    .await;
}

#[tokio::test]
async fn malformed_requests_are_bad_requests() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let repeated = body().to_string().replacen('{', "{\"quantity\":1,", 1);
        for body in ["", "{", "[]", "null", "{}", "\u{0}", &repeated] {
            assert_refused(&sidecar.post_bytes(QUOTES, &[], body).await, 400, "quote-form");
        }
        for query in ["", "service=home-cleaning", &format!("{QUERY}&quantity=3"), &format!("{QUERY}&x=1")] {
            assert_refused(&sidecar.get(&format!("{QUOTES}?{query}"), &[]).await, 400, "quote-form");
        }
        let plain = [("content-type", "text/plain")];
        let url = format!("{}{QUOTES}", sidecar.base);
        let reply =
            Client::new().send(Method::POST, &url, &plain, body().to_string()).await.expect("an answer");
        assert_refused(&reply, 415, "unsupported-media-type");
        assert_refused(&sidecar.post_bytes(QUOTES, &[], &" ".repeat(65_537)).await, 413, "body-too-large");
        let reply = Client::new().send(Method::DELETE, &url, &[], "").await.expect("an answer");
        assert_refused(&reply, 405, "method-not-allowed");
    })
    .await;
}

#[tokio::test]
async fn everything_that_is_sold_can_be_quoted() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let list: Value = sidecar.get("/api/v1/pricing/services", &[]).await.json();
        assert_eq!((&list["rate_book_version"], &list["vat_included"]), (&json!(1), &json!(true)));
        let categories = list["categories"].as_array().expect("categories");
        assert_eq!(categories.len(), 12);
        for service in
            categories.iter().flat_map(|category| category["services"].as_array().expect("services"))
        {
            let request = json!({
                "service": service["code"], "quantity": service["quantity_max"],
                "postal_code": "33100", "date": "2026-12-24",
            });
            let quote = sidecar.quote(&request).await;
            assert_eq!(quote["service"]["code"], service["code"]);
        }
    })
    .await;
}

/// A request for any service, amount, place and day; many can be priced, some are out of range.
fn any_request() -> impl Strategy<Value = (String, u32, String, i64)> {
    let book = seed();
    let services = book.document().categories.iter().flat_map(|category| &category.services);
    let codes: Vec<String> = services.map(|service| service.code.clone()).collect();
    (prop::sample::select(codes), 1_u32..4000, "[0-9]{5}", 0_i64..400)
}

#[tokio::test]
async fn any_request_gets_by_http_what_the_library_says() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (book, mut runner, mut priced) = (seed(), TestRunner::default(), 0);
        for _ in 0..200 {
            let (service, hundredths, postal_code, days) = any_request().new_tree(&mut runner).expect("a value").current();
            let date = (now() + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d");
            let quantity = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            let query = format!("service={service}&quantity={quantity}&postal_code={postal_code}&date={date}");
            let raw = RawRequest::from_query(&query).expect("a request in form");
            let pure = canonicalise(&book, &raw, now()).and_then(|canonical| price(&book, &canonical));
            let json = format!(
                r#"{{"date":"{date}","quantity":{quantity},"service":"{service}","postal_code":"{postal_code}"}}"#
            );
            let (got, posted) =
                (sidecar.get(&format!("{QUOTES}?{query}"), &[]).await, sidecar.post_bytes(QUOTES, &[], &json).await);
            match pure {
                Ok(quote) => {
                    priced += 1;
                    assert_eq!(got.body, quote.to_json_bytes().expect("bytes"), "{query}");
                    assert_eq!(posted.body, got.body, "{query}");
                    assert_eq!(quote.lines.iter().map(|line| line.amount_minor).sum::<i64>(), quote.total_minor);
                    assert_eq!(quote.net_minor + quote.vat.amount_minor, quote.total_minor, "{query}");
                }
                Err(refusal) => {
                    assert_refused(&got, 422, refusal.code());
                    assert_refused(&posted, 422, refusal.code());
                }
            }
        }
        assert!(priced > 30, "only {priced} of 200 requests had a price");
    })
    .await;
}
