//! A pricing sidecar on a port of its own, and its callers.
#![allow(dead_code, unused_imports, reason = "no test file uses all of it")]

use http::Method;
use jiff::Timestamp;
use jobzy_pricing::RateBook;
use jobzy_service::clock::Clock;
use jobzy_sidecar_pricing::{Books, State, app, migrations};
use jobzy_testkit::http::{Client, Reply};
use jobzy_testkit::sidecar::{Parts, serve_app};
pub use jobzy_testkit::sidecar::{assert_refused, fresh_key, serve, service, until, user};
use serde_json::{Value, json};

/// The first rate book.
pub const SEED: &str = include_str!("../../seed/rate-book.json");
pub const QUOTES: &str = "/api/v1/pricing/quotes";
pub const ACTIVE: &str = "/api/v1/pricing/rate-book";
pub const BOOKS: &str = "/api/v1/pricing/rate-books";
pub const REDEMPTIONS: &str = "/internal/pricing/redemptions";

/// When the tests begin: a Monday, noon in Finland.
pub fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

/// The seed as the library reads it.
pub fn seed() -> RateBook {
    RateBook::parse(1, SEED.as_bytes()).expect("the seed is a rate book")
}

/// The seed with another price of home cleaning.
pub fn book_at(price_minor: i64) -> Value {
    let mut book: Value = serde_json::from_str(SEED).expect("the seed is JSON");
    book["categories"][0]["services"][0]["price_minor"] = json!(price_minor);
    book
}

/// A running sidecar. Its clock stands still; tokens are checked by the real time.
#[derive(Clone)]
pub struct Sidecar {
    pub base: String,
    pub clock: Clock,
    books: Books,
    client: Client,
}

/// Starts one on `url`; it lives as long as the test.
pub async fn start(url: &str) -> Sidecar {
    start_with(url, Clock::fixed(now()), Vec::new()).await
}

/// The same with subscribers of its events and a clock, which replicas have to share: ids are drawn from it.
pub async fn start_with(url: &str, clock: Clock, subscribers: Vec<(String, String)>) -> Sidecar {
    let parts = Parts::new(url, "jobzy-pricing", &migrations(), subscribers, clock.clone()).await;
    let books = Books::open(parts.db.clone(), &clock).await.expect("there is a rate book");
    let running = parts.pump.clone();
    tokio::spawn(async move { running.run(std::future::pending()).await });
    let state = State::new(parts.db, parts.auth, clock.clone(), books.clone(), parts.pump);
    let base = serve_app("jobzy-pricing", app(state), clock.clone()).await;
    Sidecar { base, clock, books, client: Client::new() }
}

impl Sidecar {
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.client.get(&format!("{}{path}", self.base), headers).await.expect("an answer")
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.client.post_json(&format!("{}{path}", self.base), headers, body).await.expect("an answer")
    }

    /// POST of bytes that need not be JSON, said to be.
    pub async fn post_bytes(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let url = format!("{}{path}", self.base);
        self.client.send(Method::POST, &url, &headers, body.to_owned()).await.expect("an answer")
    }

    /// The quote for a request, asked by POST.
    pub async fn quote(&self, request: &Value) -> Value {
        let reply = self.post(QUOTES, &[], request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Publishes as a pricing admin.
    pub async fn publish(&self, key: &str, book: &Value) -> Reply {
        self.post(BOOKS, &[("authorization", &user("pricing-admin")), ("idempotency-key", key)], book).await
    }

    /// Looks for what other replicas published, as the background work does twice a second.
    pub async fn follow(&self) {
        self.books.refresh().await.expect("the newest book is read");
    }

    /// The number of the version in force, as everyone reads it.
    pub async fn version(&self) -> u64 {
        let book: Value = self.get(ACTIVE, &[]).await.json();
        book["version"].as_u64().expect("a version")
    }
}
