//! What happens to quote requests, as the rate book and the stored quotes change.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is a failed test")]

use std::rc::Rc;

use jobzy_pricing::{RateBook, RawRequest, canonicalise, price};
use jobzy_pricing_cache::book;
use jobzy_pricing_cache::config::Config;
use jobzy_pricing_cache::decide::{Asked, Decision, Edge, MAX_BODY, is_json, query_of};
use jobzy_pricing_cache::verify::{Pending, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Noon of 2026-11-23 in UTC.
const NOW_MS: u64 = 1_795_435_200_000;
const SEED: &str = include_str!("../../../sidecars/pricing/seed/rate-book.json");
const QUERY: &[u8] = b"service=home-cleaning&quantity=3&postal_code=00100&date=2026-11-24";
const JSON: &[u8] = br#"{"service":"home-cleaning","quantity":3,"postal_code":"00100","date":"2026-11-24"}"#;

fn edge_of(max_entries: u32) -> Edge {
    let config = json!({
        "upstream": "pricing", "authority": "pricing", "scheme": "http", "path": "/rate-book",
        "quote_path": "/quotes", "max_entries": max_entries
    });
    Edge::new(&Config::parse(config.to_string().as_bytes()).unwrap())
}

/// As the sidecar answers: the document went through a generic JSON value.
fn wire(version: u32, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut document: Value = serde_json::from_str(SEED).unwrap();
    change(&mut document);
    json!({"version": version, "document": document}).to_string().into_bytes()
}

fn book(version: u32) -> RateBook {
    book::parse(&wire(version, |_| {})).unwrap()
}

/// Knows version 1 as of [`NOW_MS`].
fn edge() -> Edge {
    let mut edge = edge_of(2048);
    edge.book.asked(NOW_MS);
    assert!(edge.book_arrived(book(1)));
    edge
}

#[track_caller]
fn miss(decision: Decision) -> Pending {
    match decision {
        Decision::Miss(pending) => pending,
        other => panic!("{other:?}"),
    }
}

fn native(book: &RateBook, raw: &RawRequest) -> Vec<u8> {
    let now = jiff::Timestamp::from_millisecond(NOW_MS.try_into().unwrap()).unwrap();
    price(book, &canonicalise(book, raw, now).unwrap()).unwrap().to_json_bytes().unwrap()
}

/// The sidecar answers as expected.
#[track_caller]
fn store(edge: &mut Edge, mut pending: Pending) {
    let expected = Rc::clone(&pending.expected);
    let verdict = pending.compare(&expected, true);
    assert_eq!(verdict, Verdict::Same);
    assert!(edge.compared(&pending, verdict));
}

#[test]
fn without_a_rate_book_every_request_goes_to_the_sidecar() {
    let edge = edge_of(10);
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS), Decision::Bypass);
    assert_eq!(edge.decide(Asked::Json(JSON), NOW_MS), Decision::Bypass);
}

#[test]
fn a_quote_is_stored_once_the_sidecar_agrees_and_found_by_get_and_post() {
    let mut edge = edge();
    let by_get = miss(edge.decide(Asked::Query(QUERY), NOW_MS));
    let by_post = miss(edge.decide(Asked::Json(JSON), NOW_MS));
    assert_eq!(by_get, by_post);
    let sidecar = native(&book(1), &RawRequest::from_json(JSON).unwrap());
    assert_eq!(*by_get.expected, *sidecar);
    store(&mut edge, by_get);
    // The same price by another way: another day of the same urgency, a part of a started step.
    let same_price = b"quantity=2.75&service=home-cleaning&postal_code=00100&date=2026-11-24";
    let hit = Decision::Hit { version: 1, body: sidecar.into() };
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS), hit);
    assert_eq!(edge.decide(Asked::Json(JSON), NOW_MS), hit);
    let other = edge.decide(Asked::Query(same_price), NOW_MS);
    let step = RawRequest::from_query(std::str::from_utf8(same_price).unwrap()).unwrap();
    match other {
        Decision::Hit { body, .. } => assert_eq!(*body, *native(&book(1), &step)),
        other => assert_eq!(*miss(other).expected, *native(&book(1), &step)),
    }
}

#[test]
fn what_has_no_price_is_left_to_the_sidecar() {
    let edge = edge();
    let queries: [&[u8]; 7] = [
        b"",
        b"service=home-cleaning",
        b"service=no-such&quantity=3&postal_code=00100&date=2026-11-24",
        b"service=home-cleaning&quantity=-3&postal_code=00100&date=2026-11-24",
        b"service=home-cleaning&quantity=3&postal_code=001&date=2026-11-24",
        b"service=home-cleaning&quantity=3&postal_code=00100&date=2026-11-22",
        b"service=home-cleaning&quantity=3&postal_code=00100&date=2026-11-24&x=\xff",
    ];
    for query in queries {
        assert_eq!(edge.decide(Asked::Query(query), NOW_MS), Decision::Bypass, "{query:?}");
    }
    let mut long = JSON.to_vec();
    long.resize(MAX_BODY + 1, b' ');
    for body in [&b""[..], b"{", b"[]", b"\xff", &long] {
        assert_eq!(edge.decide(Asked::Json(body), NOW_MS), Decision::Bypass);
    }
    long.truncate(MAX_BODY);
    miss(edge.decide(Asked::Json(&long), NOW_MS));
}

#[test]
fn a_version_that_is_not_confirmed_for_too_long_is_unknown() {
    let mut edge = edge();
    let pending = miss(edge.decide(Asked::Query(QUERY), NOW_MS));
    store(&mut edge, pending);
    assert!(matches!(edge.decide(Asked::Query(QUERY), NOW_MS + 5000), Decision::Hit { .. }));
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS + 5001), Decision::Bypass);
    // A clock that was set back does not make an answer younger.
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS - 5001), Decision::Bypass);
    // What counts is when it was asked, not when the answer came.
    edge.book.asked(NOW_MS + 6000);
    assert!(edge.book.failed());
    edge.book.asked(NOW_MS + 7000);
    assert!(!edge.book.failed(), "only the first failure in a row is told");
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS + 7000), Decision::Bypass);
    edge.book.asked(NOW_MS + 8000);
    assert!(edge.book.answered_unchanged());
    // Unchanged: what was stored is still right.
    assert!(matches!(edge.decide(Asked::Query(QUERY), NOW_MS + 8000), Decision::Hit { .. }));
    assert!(edge.book.failed(), "after a good answer a failure is told again");
}

#[test]
fn a_host_that_is_still_starting_is_asked_again_at_once_and_told_of_when_it_stays_so() {
    let mut edge = edge_of(2048);
    let told: Vec<bool> = (0..40)
        .map(|tick| {
            let now_ms = NOW_MS + tick;
            assert!(edge.book.is_due(now_ms));
            edge.book.asked(now_ms);
            edge.book.not_asked()
        })
        .collect();
    assert_eq!(told.iter().filter(|told| **told).count(), 1);
    assert!(!told[..10].contains(&true));
}

#[test]
fn one_question_at_a_time_and_the_next_after_a_while() {
    let mut edge = edge_of(10);
    assert!(edge.book.is_due(NOW_MS));
    assert_eq!(edge.book.etag(), None);
    edge.book.asked(NOW_MS);
    assert!(!edge.book.is_due(NOW_MS + 60_000));
    assert!(edge.book.is_due(NOW_MS + 120_000), "a lost callback must not end it");
    edge.book_arrived(book(7));
    assert_eq!(edge.book.etag().as_deref(), Some("\"7\""));
    assert!(!edge.book.is_due(NOW_MS + 999));
    assert!(edge.book.is_due(NOW_MS + 1000));
    assert!(edge.book.is_due(NOW_MS - 1000), "nor a clock that was set back");
}

#[test]
fn another_version_clears_what_is_stored_also_a_lower_one() {
    for version in [3, 1] {
        let mut edge = edge_of(10);
        edge.book.asked(NOW_MS);
        edge.book_arrived(book(2));
        let pending = miss(edge.decide(Asked::Query(QUERY), NOW_MS));
        let late = pending.clone();
        store(&mut edge, pending);
        assert!(!edge.book_arrived(book(2)), "the same again changes nothing");
        assert_eq!(edge.stored(), 1);
        assert!(edge.book_arrived(book(version)));
        assert_eq!(edge.stored(), 0);
        assert_eq!(miss(edge.decide(Asked::Query(QUERY), NOW_MS)).version, version);
        assert!(!edge.compared(&late, Verdict::Same), "an answer of the old version comes too late");
        assert_eq!(edge.stored(), 0);
    }
}

#[test]
fn another_book_under_the_same_version_clears_what_is_stored() {
    let mut edge = edge();
    let pending = miss(edge.decide(Asked::Query(QUERY), NOW_MS));
    store(&mut edge, pending);
    let other = book::parse(&wire(1, |document| document["urgency_permille"]["next_day"] = json!(1999)));
    assert!(edge.book_arrived(other.unwrap()));
    assert_eq!(edge.stored(), 0);
}

#[test]
fn a_sidecar_that_contradicts_makes_the_book_unknown_until_it_is_read_again() {
    let mut edge = edge();
    let pending = miss(edge.decide(Asked::Query(QUERY), NOW_MS));
    store(&mut edge, pending.clone());
    assert!(!edge.compared(&pending, Verdict::Other));
    assert_eq!(edge.stored(), 1, "another quote says nothing about the book");
    assert!(!edge.compared(&pending, Verdict::Contradiction));
    assert_eq!(edge.stored(), 0);
    assert_eq!(edge.decide(Asked::Query(QUERY), NOW_MS), Decision::Bypass);
    assert_eq!(edge.book.etag(), None, "asked for whole");
    edge.book.asked(NOW_MS + 1000);
    assert!(!edge.book.answered_unchanged(), "unchanged is no answer to that");
    edge.book.asked(NOW_MS + 2000);
    assert!(edge.book_arrived(book(1)));
    miss(edge.decide(Asked::Query(QUERY), NOW_MS + 2000));
}

#[test]
fn no_more_is_stored_than_configured() {
    let mut edge = edge_of(5);
    edge.book.asked(NOW_MS);
    edge.book_arrived(book(1));
    for quantity in 2..30 {
        let query = format!("service=home-cleaning&quantity={quantity}&postal_code=00100&date=2026-11-24");
        if let Decision::Miss(pending) = edge.decide(Asked::Query(query.as_bytes()), NOW_MS) {
            store(&mut edge, pending);
            assert!(matches!(edge.decide(Asked::Query(query.as_bytes()), NOW_MS), Decision::Hit { .. }));
        }
        assert!(edge.stored() <= 5);
    }
    assert_eq!(edge.stored(), 5);
}

#[test]
fn an_answer_that_is_no_rate_book_is_refused() {
    let whole = wire(1, |_| {});
    assert_eq!(book::parse(&whole).unwrap().version(), 1);
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert!(book::parse(&whole[..cut]).is_err(), "{cut}");
    }
    assert!(book::parse(&wire(0, |_| {})).is_err());
    assert!(book::parse(&wire(1, |document| document["extra"] = json!(1))).is_err());
    assert!(book::parse(br#"{"version":1}"#).is_err());
}

#[test]
fn only_the_quote_path_itself_is_a_quote_request() {
    assert_eq!(query_of(b"/quotes", "/quotes"), Some(&b""[..]));
    assert_eq!(query_of(b"/quotes?a=1?b", "/quotes"), Some(&b"a=1?b"[..]));
    for path in
        [&b"/quote"[..], b"/quotes/", b"/quotesx", b"/quotes#x", b"/x/quotes", b"", b"/QUOTES", b"\xff"]
    {
        assert_eq!(query_of(path, "/quotes"), None, "{path:?}");
    }
    assert!(
        is_json(Some(b"application/json"), false)
            && is_json(Some(b"Application/JSON ; charset=utf-8"), false)
    );
    assert!(!is_json(Some(b"application/json"), true));
    for media_type in [None, Some(&b""[..]), Some(b"text/json"), Some(b"application/jsonx"), Some(b"\xff")] {
        assert!(!is_json(media_type, false), "{media_type:?}");
    }
}

fn request(services: Vec<String>) -> impl Strategy<Value = Value> {
    let quantity = prop_oneof![(1_u32..60).prop_map(|n| n.to_string()), "[1-9][0-9]?\\.[0-9]{1,2}"];
    let day = (0_i64..380)
        .prop_map(|days| (jiff::civil::date(2026, 11, 23) + jiff::Span::new().days(days)).to_string());
    (prop::sample::select(services), quantity, "[0-9]{5}", day).prop_map(
        |(service, quantity, postal_code, date)| {
            json!({"service": service, "quantity": quantity, "postal_code": postal_code, "date": date})
        },
    )
}

fn services() -> Vec<String> {
    let book = book(1);
    let categories = book.document().categories.iter();
    categories.flat_map(|category| &category.services).map(|service| service.code.clone()).collect()
}

proptest! {
    #[test]
    fn a_hit_has_the_bytes_that_the_sidecar_prices(request in request(services())) {
        // The sidecar reads the document from its database, the filter from the sidecar's answer.
        let of_sidecar = RateBook::parse(1, SEED.as_bytes()).unwrap();
        let text = request.to_string();
        let raw = RawRequest::from_json(text.as_bytes()).unwrap();
        let now = jiff::Timestamp::from_millisecond(NOW_MS.try_into().unwrap()).unwrap();
        let priced = canonicalise(&of_sidecar, &raw, now).and_then(|canonical| price(&of_sidecar, &canonical));
        let mut edge = edge();
        match (priced, edge.decide(Asked::Json(text.as_bytes()), NOW_MS)) {
            (Err(_), decision) => prop_assert_eq!(decision, Decision::Bypass),
            (Ok(quote), Decision::Miss(mut pending)) => {
                let body = quote.to_json_bytes().unwrap();
                let verdict = pending.compare(&body, true);
                prop_assert_eq!(verdict, Verdict::Same);
                prop_assert!(edge.compared(&pending, verdict));
                let field = |name: &str| request[name].as_str().unwrap().to_owned();
                let query = format!(
                    "date={}&postal_code={}&quantity={}&service={}",
                    field("date"), field("postal_code"), field("quantity"), field("service"),
                );
                for asked in [Asked::Json(text.as_bytes()), Asked::Query(query.as_bytes())] {
                    let hit = Decision::Hit { version: 1, body: body.clone().into() };
                    prop_assert_eq!(edge.decide(asked, NOW_MS), hit);
                }
            }
            (quote, decision) => prop_assert!(false, "{:?} {:?}", quote, decision),
        }
    }

    #[test]
    fn no_input_makes_the_filter_panic(bytes: Vec<u8>, now_ms: u64) {
        let mut edge = edge();
        edge.book.asked(now_ms);
        edge.book.answered_unchanged();
        let _ = edge.decide(Asked::Query(&bytes), now_ms);
        let _ = edge.decide(Asked::Json(&bytes), now_ms);
        let _ = edge.decide(Asked::Query(QUERY), now_ms);
        let _ = book::parse(&bytes);
        let _ = query_of(&bytes, "/quotes");
    }
}
