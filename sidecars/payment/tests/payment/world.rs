//! A running payment service, and what booking, Stripe and people would say to it.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jobzy_events::CloudEvent;
use jobzy_ids::{EventId, JobId};
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::shutdown::{Shutdown, ShutdownTrigger};
use jobzy_sidecar_payment::{Files, Pace, State, Worker, app, migrations};
use jobzy_store::{Db, args};
use jobzy_testkit::http::{Client, Reply};
use jobzy_testkit::issuer::{Issuer, shared};
use jobzy_testkit::sidecar::{Parts, serve_app, until};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use super::stripe::{KEY, Stripe};

pub const TOTAL: i64 = 15_000;
pub const WEBHOOK_SECRET: &str = "whsec_of_the_tests";
/// How long a test waits for what happens behind an answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    pub stripe: Stripe,
    pub db: Db,
    pub clock: Clock,
    pub base: String,
    client: Client,
    files: TempDir,
    _stop: ShutdownTrigger,
}

impl World {
    /// A service whose Stripe is a new one.
    pub async fn start(url: String) -> Self {
        let stripe = Stripe::start().await;
        let api = format!("http://127.0.0.1:{}", stripe.port);
        Self::behind(url, stripe, &api).await
    }

    /// A service that reaches `stripe`, or another one, at another address.
    pub async fn behind(url: String, stripe: Stripe, api: &str) -> Self {
        let clock = Clock::system();
        let (stop, shutdown) = Shutdown::manual();
        let parts = Parts::new(&url, "jobzy-payment", &migrations(), Vec::new(), clock.clone()).await;
        let (db, pump) = (parts.db, parts.pump);
        let files = tempfile::tempdir().unwrap();
        let api = jobzy_sidecar_payment::Stripe::new(parts.client, api, KEY);
        let worker =
            || Worker::new(db.clone(), api.clone(), clock.clone(), pump.clone(), Pace::with_second(20));
        // As two replicas have it: both see everything that is due.
        let (first, second) = (worker(), worker());
        for worker in [first.clone(), second] {
            let shutdown = shutdown.clone();
            tokio::spawn(async move { worker.run(shutdown.requested()).await });
        }
        let secrets = vec!["whsec_of_before".to_owned(), WEBHOOK_SECRET.to_owned()];
        let opened = Files::open(files.path()).await.unwrap();
        let state = State::new(db.clone(), parts.auth, clock.clone(), first, secrets, opened);
        let base = serve_app("jobzy-payment", app(state), clock.clone()).await;
        Self { stripe, db, clock, base, client: Client::new(), files, _stop: stop }
    }

    pub fn job(&self) -> JobId {
        self.clock.new_id(JobId::new)
    }

    /// Waits until the payment of a job has this status.
    pub async fn until_status(&self, job: JobId, status: &str) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let payment = self.payment(job).await;
            if payment["status"] == status {
                return payment;
            }
            assert!(tokio::time::Instant::now() < deadline, "{status} was expected: {payment}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing is left to do.
    pub async fn until_quiet(&self) {
        until("no operation is open", async || {
            let sql = "SELECT COUNT(*) AS open FROM operations WHERE is_open = 1";
            self.db.fetch_optional(sql, args![]).await.unwrap().unwrap().i64("open").unwrap() == 0
        })
        .await;
    }

    pub async fn payment(&self, job: JobId) -> Value {
        let reply = self.get("finance", &format!("/api/v1/payments?job_id={job}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json::<Value>()["payments"][0].clone()
    }

    pub async fn ledger(&self, payment: &Value) -> Vec<Value> {
        let path = format!("/api/v1/payments/{}/ledger", payment["id"].as_str().unwrap());
        let body: Value = self.get("finance", &path).await.json();
        body["entries"].as_array().unwrap().clone()
    }

    pub async fn get(&self, user: &str, path: &str) -> Reply {
        let bearer = format!("Bearer {}", token(user));
        self.client.get(&format!("{}{path}", self.base), &[("authorization", &bearer)]).await.unwrap()
    }

    pub async fn post(&self, user: &str, path: &str, key: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {}", token(user));
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        self.client.post_json(&format!("{}{path}", self.base), &headers, body).await.unwrap()
    }

    /// Tells the service what booking would.
    pub async fn tell(&self, fact: &str, data: Value) -> Reply {
        self.deliver("booking", &self.event(fact, data)).await
    }

    pub fn event(&self, fact: &str, data: Value) -> CloudEvent {
        let context = RequestContext::new(&self.clock);
        CloudEvent {
            id: self.clock.new_id(EventId::new),
            source: "/jobzy/booking".to_owned(),
            r#type: format!("jobzy.booking.{fact}.v1"),
            subject: data["job_id"].as_str().unwrap().to_owned(),
            time: self.clock.now(),
            correlation_id: context.correlation_id,
            traceparent: context.traceparent,
            data,
        }
    }

    pub async fn deliver(&self, client: &str, event: &CloudEvent) -> Reply {
        let token = shared().service_token(&format!("jobzy-{client}")).unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/cloudevents+json")];
        let url = format!("{}/internal/events", self.base);
        self.client.send(http::Method::POST, &url, &headers, event.to_json().unwrap()).await.unwrap()
    }

    pub async fn accept(&self, job: JobId, method: &str) {
        let mut data = sale(job);
        data["payment_method"] = json!(method);
        let reply = self.tell("job_accepted", data).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }

    pub async fn complete(&self, job: JobId) {
        let reply = self.tell("job_completed", completed(job, &self.clock)).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }

    pub async fn cancel(&self, job: JobId) {
        let reply = self.tell("job_cancelled", json!({"job_id": job, "status": "cancelled"})).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }

    /// A job accepted and completed, its money taken, its books and invoice written.
    pub async fn paid(&self) -> (JobId, Value) {
        let job = self.job();
        self.accept(job, "pm_card_visa").await;
        self.until_status(job, "authorised").await;
        self.complete(job).await;
        self.until_status(job, "captured").await;
        self.until_quiet().await;
        (job, self.payment(job).await)
    }

    /// A webhook as Stripe would send it.
    pub async fn webhook(&self, id: &str, kind: &str, object: &Value) -> Reply {
        let body = json!({"id": id, "object": "event", "type": kind, "data": {"object": object}}).to_string();
        let header = sign(&body, self.clock.unix_s(), WEBHOOK_SECRET);
        self.raw_webhook(&header, body).await
    }

    pub async fn raw_webhook(&self, signature: &str, body: String) -> Reply {
        let url = format!("{}/webhooks/stripe", self.base);
        self.client.send(http::Method::POST, &url, &[("stripe-signature", signature)], body).await.unwrap()
    }

    /// What was told to the other services about a job, in the words of the event types, sorted.
    pub async fn told(&self, job: JobId) -> Vec<String> {
        let rows = self.db.fetch_all("SELECT event_type, body FROM outbox_events", args![]).await.unwrap();
        let about = rows.iter().filter(|row| row.text("body").unwrap().contains(&job.to_string()));
        let fact =
            |name: String| name.trim_start_matches("jobzy.payment.").trim_end_matches(".v1").to_owned();
        let mut told: Vec<String> = about.map(|row| fact(row.text("event_type").unwrap())).collect();
        told.sort();
        told
    }

    pub fn files(&self) -> std::path::PathBuf {
        self.files.path().join("invoices")
    }
}

fn token(user: &str) -> String {
    shared().token(user).unwrap()
}

pub fn sign(body: &str, at: i64, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// `job_accepted` as booking tells it.
pub fn sale(job: JobId) -> Value {
    json!({
        "ids": [{"system": "booking", "type": "job", "id": job}],
        "job_id": job,
        "status": "accepted",
        "actor": "provider",
        "customer": {"subject": Issuer::subject("customer"), "name": "Demo customer", "email": "customer@example.test"},
        "provider": {"id": "prv_1", "subject": Issuer::subject("provider"), "name": "Demo provider", "business_id": "0112038-9"},
        "service": "home-cleaning",
        "title": "Kotisiivous",
        "household_work": "yes",
        "vat_rate_bp": 2550,
        "total_minor": TOTAL,
        "currency": "EUR",
        "payment_method": "pm_card_visa",
        "place": {"street": "Mannerheimintie 1", "postal_code": "00100", "city": "Helsinki", "lat": 60.1699, "lon": 24.9384},
        "starts_at": "2026-11-24T08:00:00Z",
        "agreed_at": "2026-11-23T08:00:00Z",
    })
}

/// `job_completed` as booking tells it.
pub fn completed(job: JobId, clock: &Clock) -> Value {
    let mut data = sale(job);
    data["status"] = json!("completed");
    data["split"] = json!({"labour_minor": TOTAL - 1500, "material_minor": 1000, "travel_minor": 500});
    data["finished_at"] = json!("2026-11-22T22:30:00Z");
    data["completed_at"] = json!(clock.now().to_string());
    data
}

/// Debits less credits, per account.
pub fn balances(entries: &[Value]) -> std::collections::BTreeMap<String, i64> {
    let mut balances = std::collections::BTreeMap::new();
    for entry in entries {
        let account = entry["account"].as_str().unwrap().to_owned();
        let moved = entry["debit_minor"].as_i64().unwrap() - entry["credit_minor"].as_i64().unwrap();
        *balances.entry(account).or_insert(0) += moved;
    }
    balances.retain(|_, balance| *balance != 0);
    balances
}

/// Panics unless debits equal credits in every transaction.
pub fn assert_balanced(entries: &[Value]) {
    let mut sums = std::collections::BTreeMap::new();
    for entry in entries {
        let moved = entry["debit_minor"].as_i64().unwrap() - entry["credit_minor"].as_i64().unwrap();
        *sums.entry(entry["transaction"].as_str().unwrap()).or_insert(0) += moved;
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
}
