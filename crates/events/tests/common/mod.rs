//! A sender with a database and a pump, and subscribers that are real HTTP servers.
#![allow(dead_code, reason = "no test file uses all of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use jobzy_events::{CloudEvent, Pace, Pump, emit};
use jobzy_service::client::{HttpClient, ServiceToken};
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::serve::Server;
use jobzy_store::{Db, DbError, DbOptions, MIGRATIONS, Migration, args};

/// One row for each time the handler ran.
const EFFECTS: Migration = Migration {
    version: 100,
    name: "effects",
    sql: "CREATE TABLE effects (number {serial}, event_id VARCHAR(40) NOT NULL);\n",
};

/// An open database with the tables of outbox, inbox and effects.
pub async fn open(url: &str) -> Db {
    let db = Db::connect(url, DbOptions::default()).await.expect("the test database opens");
    db.migrate(MIGRATIONS).await.expect("the store's migrations apply");
    db.migrate(&[EFFECTS]).await.expect("the test's migration applies");
    db
}

/// Starts an HTTP server that lives as long as the test; its base URL.
pub async fn serve(router: Router) -> String {
    serve_on(0, router).await
}

/// The same on a chosen port.
pub async fn serve_on(port: u16, router: Router) -> String {
    let server = Server::bind(([127, 0, 0, 1], port).into()).await.expect("loopback can be bound");
    let url = format!("http://{}", server.local_addr());
    tokio::spawn(async move { server.run(router, std::future::pending::<()>()).await });
    url
}

/// A token endpoint that gives out `token-1`, `token-2` and so on.
pub async fn issuer(client: &HttpClient) -> ServiceToken {
    let given = Arc::new(Mutex::new(0));
    let router = Router::new().route(
        "/token",
        post(move || async move {
            let mut given = given.lock().expect("not poisoned");
            *given += 1;
            axum::Json(serde_json::json!({"access_token": format!("token-{given}"), "expires_in": 300}))
        }),
    );
    ServiceToken::new(client.clone(), format!("{}/token", serve(router).await), "jobzy-booking", "secret")
}

/// A pump in a hurry.
pub async fn pump(db: &Db, subscribers: &[(&str, &str)], poll: Duration) -> Pump {
    let client = HttpClient::new();
    let token = issuer(&client).await;
    let pace = Pace {
        poll,
        timeout: Duration::from_millis(500),
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(80),
        ..Pace::default()
    };
    let subscribers = subscribers.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect();
    Pump::with_pace(db.clone(), client, token, subscribers, Clock::system(), pace)
}

/// Runs a pump for the rest of the test.
pub fn run(pump: &Pump) {
    let pump = pump.clone();
    tokio::spawn(async move { pump.run(std::future::pending()).await });
}

/// Emits one event in a transaction of its own, which commits or not.
pub async fn tell(db: &Db, number: usize, commit: bool) {
    let told = db
        .transaction("tell", move |tx| {
            Box::pin(async move {
                let clock = Clock::system();
                let context = RequestContext::new(&clock);
                let subject = format!("job_{number}");
                let data = serde_json::json!({"number": number});
                let event_type = "jobzy.booking.job_created.v1";
                emit(tx, &context, "/jobzy/booking", event_type, &subject, data, &clock).await?;
                if commit { Ok(()) } else { Err(DbError::KeyNotHeld) }
            })
        })
        .await;
    assert_eq!(told.is_ok(), commit, "{told:?}");
}

/// What a subscriber saw of one delivery.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The message.
    pub event: CloudEvent,
    /// The request's header fields.
    pub headers: HeaderMap,
}

/// Everything a subscriber was sent, in order.
pub type Log = Arc<Mutex<Vec<Seen>>>;

/// A subscriber that keeps what it is sent and answers what `answer` says.
pub fn subscriber<F, Fut>(answer: F) -> (Router, Log)
where
    F: Fn(usize, Bytes) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let log = Log::default();
    let kept = log.clone();
    let handle = move |headers: HeaderMap, body: Bytes| async move {
        let event = CloudEvent::parse(&body).expect("the pump sends events");
        let number = {
            let mut log = kept.lock().expect("not poisoned");
            log.push(Seen { event, headers });
            log.len()
        };
        answer(number, body).await
    };
    (Router::new().route("/internal/events", post(handle)), log)
}

/// The numbers in the events of a log.
pub fn numbers(log: &Log) -> Vec<usize> {
    let log = log.lock().expect("not poisoned");
    log.iter().map(|seen| seen.event.data["number"].as_u64().expect("a number") as usize).collect()
}

/// How often the handler has run for all events together.
pub async fn effects(db: &Db) -> i64 {
    let row = db.fetch_optional("SELECT COUNT(*) AS n FROM effects", args![]).await.expect("a count");
    row.expect("one row").i64("n").expect("a number")
}

/// Waits until `done`, for half a minute at most.
pub async fn until<F, Fut>(what: &str, done: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = bool>,
{
    for _ in 0..3_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within half a minute: {what}");
}
