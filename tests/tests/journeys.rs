//! What the gateway lets through and what it refuses: the real Envoy with the compiled filters, in
//! front of the real sidecars. One stack serves every case of a test.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::time::Duration;

use http::Response;
use jobzy_local::issuer::Issuer;
use jobzy_local::stack::Database;
use jobzy_tests::{Api, World, header};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const JOBS: &str = "/api/v1/jobs";
const QUOTES: &str = "/api/v1/pricing/quotes";

async fn world() -> (World, Api) {
    let world = World::start(Database::Sqlite).await.unwrap();
    let api = Api::new(world.stack.gateway());
    (world, api)
}

/// The path of a quote that can be had.
fn a_quote() -> String {
    let date = jobzy_local::tour::tomorrow(jobzy_service::clock::Clock::system().now()).unwrap();
    format!("{QUOTES}?service=home-cleaning&quantity=2&postal_code=00100&date={date}")
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn problem(answer: &Response<bytes::Bytes>) -> Value {
    assert_eq!(header(answer, "content-type"), "application/problem+json", "{answer:?}");
    let body: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["status"], answer.status().as_u16(), "{body}");
    assert_eq!(body["correlation_id"], header(answer, "x-correlation-id"), "{body}");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_judged_at_the_edge_and_again_by_the_sidecar() {
    let (world, edge) = world().await;
    let issuer = world.stack.issuer();
    let sidecar = Api::new(world.stack.sidecar("booking").unwrap());
    let good = issuer.token("customer").unwrap();
    for api in [&edge, &sidecar] {
        let answer = api.get(JOBS, &[("authorization", &bearer(&good))]).await.unwrap();
        assert_eq!(answer.status(), 200, "{answer:?}");
    }

    let claims = claims(issuer);
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut changed = claims.clone();
        change(&mut changed);
        issuer.sign(&changed).unwrap()
    };
    let mut flipped = good.clone().into_bytes();
    let at = flipped.len() - 10;
    flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
    let unsigned = {
        let payload = good.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")
    };
    let refused = [
        ("expired", signed(&|c| c["exp"] = json!(c["iat"].as_i64().unwrap() - 3600))),
        ("not yet valid", signed(&|c| c["nbf"] = json!(c["iat"].as_i64().unwrap() + 3600))),
        ("another audience", signed(&|c| c["aud"] = json!("account"))),
        ("no audience", signed(&|c| drop(c.as_object_mut().unwrap().remove("aud")))),
        ("another issuer", signed(&|c| c["iss"] = json!("http://127.0.0.1:1/realms/jobzy"))),
        ("no issuer", signed(&|c| drop(c.as_object_mut().unwrap().remove("iss")))),
        ("no expiry", signed(&|c| drop(c.as_object_mut().unwrap().remove("exp")))),
        ("no subject", signed(&|c| drop(c.as_object_mut().unwrap().remove("sub")))),
        ("an id token", signed(&|c| c["typ"] = json!("ID"))),
        ("a changed signature", String::from_utf8(flipped).unwrap()),
        ("alg none", unsigned),
        ("no token at all", "not-a-token".to_owned()),
        ("too large", signed(&|c| c["padding"] = json!("x".repeat(9000)))),
    ];
    for (what, token) in &refused {
        for api in [&edge, &sidecar] {
            let answer = api.get(JOBS, &[("authorization", &bearer(token))]).await.unwrap();
            assert_eq!(answer.status(), 401, "{what}: {answer:?}");
            assert!(header(&answer, "www-authenticate").starts_with("Bearer "), "{what}: {answer:?}");
            problem(&answer);
        }
    }
    let twice = [("authorization", bearer(&good)), ("authorization", bearer(&good))];
    let twice: Vec<(&str, &str)> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(edge.get(JOBS, &twice).await.unwrap().status(), 400, "two tokens in one request");
}

/// Claims that the sidecars and the filter accept as a customer's.
fn claims(issuer: &Issuer) -> Value {
    use base64::Engine;
    let token = issuer.token("customer").unwrap();
    let payload =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_accepted_without_a_single_401() {
    let (world, edge) = world().await;
    let issuer = world.stack.issuer();
    let before = bearer(&issuer.token("customer").unwrap());
    issuer.rotate().await.unwrap();
    let after = bearer(&issuer.token("customer").unwrap());
    let mut accepted = false;
    for _ in 0..100 {
        let old = edge.get(JOBS, &[("authorization", &before)]).await.unwrap();
        assert_eq!(old.status(), 200, "a token of the key before is still good: {old:?}");
        let new = edge.get(JOBS, &[("authorization", &after)]).await.unwrap();
        accepted = new.status() == 200;
        if accepted {
            break;
        }
        assert_eq!(new.status(), 503, "not knowing a key yet is our fault, not the caller's: {new:?}");
        assert!(!header(&new, "retry-after").is_empty(), "{new:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(accepted, "the new key was not learnt within 20 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_mean_two_things_are_refused_and_unknown_paths_are_404() {
    let (_world, edge) = world().await;
    for (path, status) in [
        ("/api/v1/jobs%2Fx", 400),
        ("/api/v1/jobs%5Cx", 400),
        ("/nowhere", 404),
        ("/internal/events", 404),
        ("/api/v1/pricing/../../internal/events", 404),
        ("/metrics", 404),
        ("/health/ready", 404),
    ] {
        let answer = edge.get(path, &[]).await.unwrap();
        assert_eq!(answer.status(), status, "{path}: {answer:?}");
    }
    let answer = edge.get(JOBS, &[("x_auth_roles", "operator")]).await.unwrap();
    assert_eq!(answer.status(), 400, "an underscore may read as a dash behind us: {answer:?}");
    let large = format!(r#"{{"service":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let answer = edge.send("POST", QUOTES, &[("content-type", "application/json")], &large).await.unwrap();
    assert_eq!(answer.status(), 413, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_one_correlation_id() {
    let (world, edge) = world().await;
    let token = bearer(&world.stack.issuer().token("customer").unwrap());
    let quote = a_quote();
    for (what, path, with_token) in [
        ("a sidecar's answer", JOBS, true),
        ("the token filter's refusal", JOBS, false),
        ("a quote", quote.as_str(), false),
        ("a quote from the edge", quote.as_str(), false),
        ("no route", "/nowhere", false),
    ] {
        for (sent, kept) in [("order-4711.A_b", true), ("bad id", false), ("", false)] {
            let mut headers = vec![("x-correlation-id", sent)];
            if with_token {
                headers.push(("authorization", token.as_str()));
            }
            if sent.is_empty() {
                headers.remove(0);
            }
            let answer = edge.get(path, &headers).await.unwrap();
            let lines: Vec<_> = answer.headers().get_all("x-correlation-id").iter().collect();
            assert_eq!(lines.len(), 1, "{what}: {answer:?}");
            let got = header(&answer, "x-correlation-id");
            if kept {
                assert_eq!(got, sent, "{what}");
            } else {
                assert_eq!(got.len(), 36, "{what}: a UUIDv7 was expected, got {got}");
                assert_eq!(got.as_bytes()[14], b'7', "{what}: {got}");
            }
        }
        let twice = [("x-correlation-id", "a"), ("x-correlation-id", "b"), ("authorization", token.as_str())];
        let answer = edge.get(path, &twice).await.unwrap();
        assert_eq!(header(&answer, "x-correlation-id").len(), 36, "{what}: two lines are no id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filters_load_without_a_warning() {
    let (world, edge) = world().await;
    edge.get(JOBS, &[]).await.unwrap();
    let log = std::fs::read_to_string(world.stack.config().layout.log("envoy")).unwrap();
    let loud: Vec<&str> = log
        .lines()
        .filter(|line| ["[warning]", "[error]", "[critical]"].iter().any(|level| line.contains(level)))
        .collect();
    assert_eq!(loud, Vec::<&str>::new());
    let stats = Api::new(world.stack.admin()).get("/stats?filter=wasm", &[]).await.unwrap();
    let stats = String::from_utf8(stats.body().to_vec()).unwrap();
    assert!(stats.contains("wasm.envoy.wasm.runtime.v8.active"), "no filter runs:\n{stats}");
}

/// Requests over every service of the seed, places, dates and amounts, most of them priceable.
fn any_request(services: Vec<String>) -> impl Strategy<Value = Value> {
    let postal = prop_oneof!["00[0-9]{3}", "[0-9]{5}"];
    let quantity = prop_oneof![(1_u32..40).prop_map(|n| n.to_string()), "[1-9]\\.[0-9]{1,2}"];
    (prop::sample::select(services), quantity, postal, 1_i64..20).prop_map(
        |(service, quantity, postal_code, days)| {
            let now = jobzy_service::clock::Clock::system().now();
            let date = (now + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string();
            json!({"service": service, "quantity": quantity, "postal_code": postal_code, "date": date})
        },
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_has_the_same_bytes_from_the_sidecar_and_from_the_edge() {
    let (world, edge) = world().await;
    let sidecar = Api::new(world.stack.sidecar("pricing").unwrap());
    let services: Value =
        serde_json::from_slice(edge.get("/api/v1/pricing/services", &[]).await.unwrap().body()).unwrap();
    let codes: Vec<String> = services["categories"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|category| category["services"].as_array().unwrap())
        .map(|service| service["code"].as_str().unwrap().to_owned())
        .collect();
    let mut runner = TestRunner::new(Config::default());
    let requests = any_request(codes);
    let mut hits = 0;
    for _ in 0..150 {
        let request = requests.new_tree(&mut runner).unwrap().current().to_string();
        let headers = [("content-type", "application/json")];
        let native = sidecar.send("POST", QUOTES, &headers, &request).await.unwrap();
        let first = edge.send("POST", QUOTES, &headers, &request).await.unwrap();
        let second = edge.send("POST", QUOTES, &headers, &request).await.unwrap();
        assert_eq!(native.status(), first.status(), "{request}");
        assert_eq!(native.status(), second.status(), "{request}");
        if native.status() != 200 {
            continue;
        }
        assert_eq!(native.body(), first.body(), "{request}");
        assert_eq!(native.body(), second.body(), "{request}");
        for name in ["content-type", "x-rate-book-version", "x-content-type-options"] {
            let lines = |answer: &Response<bytes::Bytes>| {
                answer.headers().get_all(name).iter().cloned().collect::<Vec<_>>()
            };
            assert_eq!(lines(&native), lines(&second), "{name} of {request}");
        }
        // The filter answers only with bytes that it computed itself from the rate book.
        assert!(header(&second, "cache-status").contains("jobzy-edge; hit"), "{request}: {second:?}");
        hits += 1;
    }
    assert!(hits > 50, "only {hits} of the requests had a price");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rate_book_takes_effect_at_the_edge_within_two_seconds() {
    let (world, edge) = world().await;
    let path = a_quote();
    let version = |answer: &Response<bytes::Bytes>| {
        serde_json::from_slice::<Value>(answer.body()).unwrap()["rate_book_version"].as_i64().unwrap()
    };
    for _ in 0..3 {
        edge.get(&path, &[]).await.unwrap();
    }
    let old = edge.get(&path, &[]).await.unwrap();
    assert!(header(&old, "cache-status").contains("jobzy-edge; hit"), "{old:?}");
    let book = edge.get("/api/v1/pricing/rate-book", &[]).await.unwrap();
    let book: Value = serde_json::from_slice(book.body()).unwrap();
    let token = bearer(&world.stack.issuer().token("pricing-admin").unwrap());
    let headers = [
        ("authorization", token.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "publish-1"),
    ];
    let published = edge
        .send("POST", "/api/v1/pricing/rate-books", &headers, &book["document"].to_string())
        .await
        .unwrap();
    assert_eq!(published.status(), 201, "{published:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let new = edge.get(&path, &[]).await.unwrap();
    assert_eq!(version(&new), version(&old) + 1, "{new:?}");
}
