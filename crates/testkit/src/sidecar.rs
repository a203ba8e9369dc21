//! What every sidecar's tests begin with: its parts on a fresh database, a port of its own, and callers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use jobzy_events::Pump;
use jobzy_service::app::{Common, standard_layers};
use jobzy_service::auth::Authenticator;
use jobzy_service::client::{HttpClient, ServiceToken};
use jobzy_service::clock::Clock;
use jobzy_service::config::Env;
use jobzy_service::serve::Server;
use jobzy_service::shutdown::Shutdown;
use jobzy_store::{Db, DbOptions, Migration};
use serde_json::Value;

use crate::http::Reply;
use crate::issuer;

/// How long a test waits for what happens behind an answer.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// What a sidecar is put together from.
pub struct Parts {
    /// Migrated.
    pub db: Db,
    /// Knows the keys of the shared issuer, and judges tokens by the real time.
    pub auth: Authenticator,
    /// A client.
    pub client: HttpClient,
    /// The token of the service client of that name.
    pub token: ServiceToken,
    /// Not running yet.
    pub pump: Pump,
    /// The sidecar's own time.
    pub clock: Clock,
}

impl Parts {
    /// The parts of `service` (`jobzy-booking`) on the database at `url`, telling `subscribers`.
    ///
    /// # Panics
    /// When the database cannot be opened or migrated, or the issuer does not answer.
    pub async fn new(
        url: &str,
        service: &str,
        migrations: &[Migration],
        subscribers: Vec<(String, String)>,
        clock: Clock,
    ) -> Self {
        let (client, issuer) = (HttpClient::new(), issuer::shared());
        let db = Db::connect(url, DbOptions::default()).await.expect("the test database opens");
        db.migrate(migrations).await.expect("the migrations apply");
        let auth = Authenticator::start(issuer.url(), issuer::AUDIENCE, client.clone(), Clock::system());
        let token_url = format!("{}/protocol/openid-connect/token", issuer.url());
        let token = ServiceToken::new(client.clone(), token_url, service, issuer::SERVICE_SECRET);
        let pump = Pump::new(db.clone(), client.clone(), token.clone(), subscribers, clock.clone());
        until("the issuer's keys are known", async || auth.is_ready()).await;
        Self { db, auth, client, token, pump, clock }
    }
}

/// Serves a sidecar's routes on a free port of loopback, with everything that surrounds them, until the test's
/// runtime ends; gives its base URL.
///
/// # Panics
/// When loopback cannot be bound.
pub async fn serve_app(service: &'static str, app: Router, clock: Clock) -> String {
    let (trigger, shutdown) = Shutdown::manual();
    let common = Common::new(service, Env::default(), clock, shutdown);
    // The wish to stop is never uttered.
    std::mem::forget(trigger);
    serve(standard_layers(app, &common)).await
}

/// Serves a bare router on a free port of loopback until the test's runtime ends; gives its base URL.
///
/// # Panics
/// When loopback cannot be bound.
pub async fn serve(router: Router) -> String {
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await.expect("loopback can be bound");
    let base = format!("http://{}", server.local_addr());
    tokio::spawn(async move { server.run(router, std::future::pending::<()>()).await });
    base
}

/// Waits until `done`, for twenty seconds at most.
///
/// # Panics
/// When it does not happen.
pub async fn until(what: &str, done: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !done().await {
        assert!(tokio::time::Instant::now() < deadline, "did not happen in time: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// The `authorization` of a demo user.
///
/// # Panics
/// When there is no such user.
pub fn user(name: &str) -> String {
    format!("Bearer {}", issuer::shared().token(name).expect("a demo user"))
}

/// The `authorization` of a service client.
///
/// # Panics
/// When there is no such client.
pub fn service(id: &str) -> String {
    format!("Bearer {}", issuer::shared().service_token(id).expect("a service client"))
}

/// An idempotency key that was not used before.
pub fn fresh_key() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("key-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Asserts a refusal: its status, its type, and that it is problem+json with the correlation id of the answer.
///
/// # Panics
/// When it is something else.
#[track_caller]
pub fn assert_refused(reply: &Reply, status: u16, slug: &str) {
    assert_eq!(reply.status, status, "{slug}: {}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem: Value = reply.json();
    assert_eq!(problem["type"], format!("urn:jobzy:problem:{slug}"), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["correlation_id"].as_str(), reply.header("x-correlation-id"));
}
