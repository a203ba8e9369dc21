//! A pricing sidecar on a port of its own, and its callers.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use jiff::Timestamp;
use jobzy_events::Pump;
use jobzy_pricing::RateBook;
use jobzy_service::app::{Common, standard_layers};
use jobzy_service::auth::Authenticator;
use jobzy_service::client::{HttpClient, ServiceToken};
use jobzy_service::clock::Clock;
use jobzy_service::config::Env;
use jobzy_service::serve::Server;
use jobzy_service::shutdown::Shutdown;
use jobzy_sidecar_pricing::{Books, State, app, migrations};
use jobzy_store::{Db, DbOptions};
use jobzy_testkit::http::{Client, Reply};
use jobzy_testkit::issuer;
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
    let (client, issuer) = (HttpClient::new(), issuer::shared());
    let db = Db::connect(url, DbOptions::default()).await.expect("the test database opens");
    db.migrate(&migrations()).await.expect("the migrations apply");
    let auth = Authenticator::start(issuer.url(), issuer::AUDIENCE, client.clone(), Clock::system());
    let token_url = format!("{}/protocol/openid-connect/token", issuer.url());
    let token = ServiceToken::new(client.clone(), token_url, "jobzy-pricing", issuer::SERVICE_SECRET);
    let books = Books::open(db.clone(), &clock).await.expect("there is a rate book");
    let pump = Pump::new(db.clone(), client, token, subscribers, clock.clone());
    let running = pump.clone();
    tokio::spawn(async move { running.run(std::future::pending()).await });
    until("the issuer's keys are known", async || auth.is_ready()).await;
    let (trigger, shutdown) = Shutdown::manual();
    let common = Common::new(
        "jobzy-pricing",
        Env::from_pairs(Vec::<(String, String)>::new()),
        clock.clone(),
        shutdown,
    );
    let router = standard_layers(app(State::new(db, auth, clock.clone(), books.clone(), pump)), &common);
    let base = serve(router).await;
    // The wish to stop is never uttered.
    std::mem::forget(trigger);
    Sidecar { base, clock, books, client: Client::new() }
}

/// Serves a router on a free port of loopback; its base URL.
pub async fn serve(router: axum::Router) -> String {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await.expect("loopback can be bound");
    let base = format!("http://{}", server.local_addr());
    tokio::spawn(async move { server.run(router, std::future::pending::<()>()).await });
    base
}

/// Waits until `done`, for ten seconds at most.
pub async fn until(what: &str, done: impl AsyncFn() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("did not happen within ten seconds: {what}");
}

/// The `authorization` of a demo user.
pub fn user(name: &str) -> String {
    format!("Bearer {}", issuer::shared().token(name).expect("a demo user"))
}

/// The `authorization` of a service.
pub fn service(name: &str) -> String {
    format!("Bearer {}", issuer::shared().service_token(name).expect("a service client"))
}

/// A key that was not used before.
pub fn fresh_key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
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

/// Asserts a refusal: its status, its type, and that it is problem+json with the correlation id of the answer.
#[track_caller]
pub fn assert_refused(reply: &Reply, status: u16, slug: &str) {
    assert_eq!(reply.status, status, "{slug}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem: Value = reply.json();
    assert_eq!(problem["type"], format!("urn:jobzy:problem:{slug}"), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["correlation_id"].as_str(), reply.header("x-correlation-id"));
}
