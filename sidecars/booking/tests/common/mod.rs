//! A booking sidecar with a real pricing sidecar behind it, and people who use it.
#![allow(dead_code, unused_imports, reason = "no test file uses all of it")]

use http::Method;
use jiff::{SignedDuration, Timestamp};
use jobzy_service::clock::Clock;
use jobzy_sidecar_booking::{PriceDesk, State, app, migrations};
use jobzy_store::Db;
use jobzy_testkit::http::{Client, Reply};
use jobzy_testkit::issuer::Issuer;
use jobzy_testkit::sidecar::{self, Parts, serve_app};
pub use jobzy_testkit::sidecar::{assert_refused, fresh_key};
use jobzy_testkit::sqlite;
use serde_json::{Value, json};

pub const JOBS: &str = "/api/v1/jobs";
pub const ME: &str = "/api/v1/providers/me";

/// When the tests begin: a Monday, noon in Finland.
pub fn now() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

/// Tuesday, nine in the morning in Finland.
pub const START: &str = "2026-11-24T07:00:00Z";

/// A running sidecar. Its clock stands still; tokens are checked by the real time.
pub struct Sidecar {
    pub base: String,
    pub clock: Clock,
    pub db: Db,
    client: Client,
    prices: String,
    _prices: sqlite::Guard,
}

/// Starts one on `url`; it lives as long as the test.
pub async fn start(url: &str) -> Sidecar {
    let clock = Clock::fixed(now());
    let (prices_url, guard) = sqlite::temp();
    let prices = pricing(&prices_url, clock.clone()).await;
    let parts = Parts::new(url, "jobzy-booking", &migrations(), Vec::new(), clock.clone()).await;
    let desk = PriceDesk::new(prices.clone(), parts.client, parts.token);
    let db = parts.db.clone();
    let state =
        State { db: parts.db, auth: parts.auth, clock: clock.clone(), prices: desk, pump: parts.pump };
    let base = serve_app("jobzy-booking", app(state), clock.clone()).await;
    Sidecar { base, clock, db, client: Client::new(), prices, _prices: guard }
}

async fn pricing(url: &str, clock: Clock) -> String {
    use jobzy_sidecar_pricing::{Books, State, app, migrations};
    let parts = Parts::new(url, "jobzy-pricing", &migrations(), Vec::new(), clock.clone()).await;
    let books = Books::open(parts.db.clone(), &clock).await.expect("there is a rate book");
    let state = State::new(parts.db, parts.auth, clock.clone(), books, parts.pump);
    serve_app("jobzy-pricing", app(state), clock).await
}

/// The `authorization` of a demo user, or of the payment service.
pub fn bearer(who: &str) -> String {
    if who == "payment" { sidecar::service("jobzy-payment") } else { sidecar::user(who) }
}

/// A profile that does what the tests need: home cleaning in Helsinki on all days.
pub fn profile(name: &str) -> Value {
    let hours = json!(["08:00", "20:00"]);
    json!({
        "name": name, "business_id": "0112038-9", "lat": 60.18, "lon": 24.95, "radius_km": 30,
        "services": ["home-cleaning"],
        "weekly_hours": {"mon": hours, "tue": hours, "wed": hours, "thu": hours, "fri": hours},
    })
}

impl Sidecar {
    pub async fn get(&self, who: &str, path: &str) -> Reply {
        let headers = [("authorization", &*bearer(who))];
        self.client.get(&format!("{}{path}", self.base), &headers).await.expect("an answer")
    }

    pub async fn post(&self, who: &str, path: &str, body: &Value) -> Reply {
        self.post_with_key(who, path, &fresh_key(), body).await
    }

    pub async fn post_with_key(&self, who: &str, path: &str, key: &str, body: &Value) -> Reply {
        let headers = [("authorization", &*bearer(who)), ("idempotency-key", key)];
        self.client.post_json(&format!("{}{path}", self.base), &headers, body).await.expect("an answer")
    }

    pub async fn put(&self, who: &str, path: &str, body: &Value) -> Reply {
        let token = bearer(who);
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        let url = format!("{}{path}", self.base);
        self.client.send(Method::PUT, &url, &headers, body.to_string()).await.expect("an answer")
    }

    /// Opens a provider for business and gives the id.
    pub async fn provider(&self, who: &str) -> String {
        self.provider_with(who, &profile(who)).await
    }

    pub async fn provider_with(&self, who: &str, profile: &Value) -> String {
        let reply = self.put(who, ME, profile).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json::<Value>()["id"].as_str().expect("an id").to_owned()
    }

    /// The body of an order of three hours of cleaning at `starts_at`, at a true quote.
    pub async fn order(&self, starts_at: &str) -> Value {
        let date = starts_at.get(..10).expect("a date");
        let request =
            json!({"service": "home-cleaning", "quantity": 3, "postal_code": "00100", "date": date});
        let url = format!("{}/api/v1/pricing/quotes", self.prices);
        let quote: Value = self.client.post_json(&url, &[], &request).await.expect("an answer").json();
        json!({
            "quote": {"id": quote["id"], "rate_book_version": quote["rate_book_version"], "request": request},
            "place": {"street": "Mannerheimintie 1", "postal_code": "00100", "city": "Helsinki", "lat": 60.1699, "lon": 24.9384},
            "starts_at": starts_at,
            "duration_minutes": 180,
            "contact": {"name": "Demo customer", "email": "customer@example.test"},
        })
    }

    /// A draft at `starts_at`; its id.
    pub async fn draft(&self, who: &str, starts_at: &str) -> String {
        let reply = self.post(who, JOBS, &self.order(starts_at).await).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json::<Value>()["id"].as_str().expect("an id").to_owned()
    }

    /// One action on a job.
    pub async fn act(&self, who: &str, job: &str, action: &str, body: &Value) -> Reply {
        self.post(who, &format!("{JOBS}/{job}/{action}"), body).await
    }

    /// One action that must lead to `status`.
    pub async fn leads_to(&self, who: &str, job: &str, action: &str, body: Value, status: &str) -> Value {
        let reply = self.act(who, job, action, &body).await;
        assert_eq!(reply.status, 200, "{action}: {}", reply.text());
        let job: Value = reply.json();
        assert_eq!(job["status"], status, "{action}: {job}");
        job
    }

    /// Submits with a card that works, to the provider if one is chosen.
    pub async fn submit(&self, job: &str, provider: Option<&str>) -> Reply {
        let mut body = json!({"payment_method": "pm_card_visa"});
        if let Some(provider) = provider {
            body["provider_id"] = json!(provider);
        }
        self.act("customer", job, "submit", &body).await
    }

    /// The news that the payment service would send.
    pub async fn news(&self, id: u8, what: &str, job: &str, status: &str) -> Reply {
        let event = json!({
            "specversion": "1.0", "id": format!("evt_{id:032x}"), "source": "/jobzy/payment",
            "type": format!("jobzy.payment.{what}.v1"), "subject": "pay_1", "time": "2026-11-23T10:00:00Z",
            "datacontenttype": "application/json", "correlationid": "test-correlation",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "data": {"job_id": job, "payment_id": format!("pay_{:032x}", 7), "status": status, "amount_minor": 1, "currency": "EUR", "ids": []},
        });
        let token = bearer("payment");
        let headers = [("authorization", token.as_str()), ("content-type", "application/cloudevents+json")];
        let url = format!("{}/internal/events", self.base);
        self.client.send(Method::POST, &url, &headers, event.to_string()).await.expect("an answer")
    }

    /// The job as `who` sees it.
    pub async fn job(&self, who: &str, id: &str) -> Value {
        let reply = self.get(who, &format!("{JOBS}/{id}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Free starts of the provider on the Tuesday.
    pub async fn free(&self, provider: &str) -> Vec<String> {
        let path = format!("/api/v1/providers/{provider}/slots?date=2026-11-24&duration_minutes=180");
        let slots: Value = self.get("customer", &path).await.json();
        slots["slots"]
            .as_array()
            .expect("slots")
            .iter()
            .map(|slot| slot.as_str().expect("a time").to_owned())
            .collect()
    }

    /// Names of the events told so far, sorted: the clock stands still, so they have no order.
    pub async fn told(&self) -> Vec<String> {
        self.event_bodies().await.into_iter().map(|(name, _)| name).collect()
    }

    /// The events told so far: name and body, sorted.
    pub async fn event_bodies(&self) -> Vec<(String, String)> {
        let sql = "SELECT event_type, body FROM outbox_events";
        let rows = self.db.fetch_all(sql, jobzy_store::args![]).await.expect("the outbox is read");
        let name = |kind: String| kind.replace("jobzy.booking.job_", "").replace(".v1", "");
        let mut events: Vec<(String, String)> = rows
            .iter()
            .map(|row| (name(row.text("event_type").expect("a type")), row.text("body").expect("a body")))
            .collect();
        events.sort_unstable();
        events
    }

    /// Lets time pass.
    pub fn later(&self, by: SignedDuration) {
        self.clock.advance(by);
    }
}

/// The subject of a demo user's token.
pub fn subject(who: &str) -> String {
    Issuer::subject(who)
}
