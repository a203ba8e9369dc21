//! From outbox to subscribers: nothing lost, nothing in vain, nobody waits for anybody.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use common::{effects, numbers, open, pump, run, serve, serve_on, subscriber, tell, until};
use http::StatusCode;
use jobzy_events::receive;
use jobzy_service::clock::Clock;
use jobzy_service::problem::Problem;
use jobzy_store::{Db, DbError, args, outbox};
use jobzy_testkit::{both_databases, ports};

const POLL: Duration = Duration::from_millis(50);

fn taken() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// The error of a service: what its handlers return and what HTTP makes of it.
struct Refused(Problem);

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self(Problem::internal(&error))
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        refused.0
    }
}

/// Handles an event with one visible effect.
async fn handle(db: &Db, body: &[u8]) -> Response {
    receive::<Refused, _>(db, body, &Clock::system(), |tx, event| {
        Box::pin(async move {
            tx.execute("INSERT INTO effects (event_id) VALUES (?)", args![event.id.to_string()]).await?;
            Ok(())
        })
    })
    .await
    .into_response()
}

/// Of the requests to the flaky subscriber, every fifth is refused before anything happens, every fifth handled and
/// answered with an error, every fifth handled and answered too late. Two pumps work on the one outbox.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flaky_subscriber_has_each_event_once_and_a_steady_one_is_not_held_up() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let inbox = db.clone();
        let (flaky, flaky_log) = subscriber(move |number, body| {
            let inbox = inbox.clone();
            async move {
                match number % 5 {
                    1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                    2 => {
                        handle(&inbox, &body).await;
                        StatusCode::INTERNAL_SERVER_ERROR.into_response()
                    }
                    3 => {
                        handle(&inbox, &body).await;
                        tokio::time::sleep(Duration::from_millis(700)).await;
                        taken()
                    }
                    _ => handle(&inbox, &body).await,
                }
            }
        });
        let (steady, steady_log) = subscriber(|_, _| async { taken() });
        let (flaky, steady) = (serve(flaky).await, serve(steady).await);
        let subscribers = [("flaky", flaky.as_str()), ("steady", steady.as_str())];
        run(&pump(&db, &subscribers, POLL).await);
        run(&pump(&db, &subscribers, POLL).await);
        for number in 0..30 {
            tell(&db, number, number % 3 != 0).await;
        }
        until("nothing is left to deliver", || async {
            let left = "SELECT COUNT(*) AS n FROM outbox_deliveries WHERE delivered_at IS NOT NULL";
            let row = db.fetch_optional(left, args![]).await.expect("a count").expect("one row");
            row.i64("n").expect("a number") == 40
        })
        .await;
        let committed: BTreeSet<usize> = (0..30).filter(|number| number % 3 != 0).collect();
        for log in [&steady_log, &flaky_log] {
            assert_eq!(numbers(log).into_iter().collect::<BTreeSet<_>>(), committed);
        }
        assert!(numbers(&flaky_log).len() > 25, "many were delivered more than once, or this shows nothing");
        let effects = effects(&db).await;
        assert_eq!(effects, 20, "each was handled exactly once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_wait_in_order_for_a_subscriber_that_is_away_while_others_get_theirs() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let (steady, steady_log) = subscriber(|_, _| async { taken() });
        let (late, late_log) = subscriber(|_, _| async { taken() });
        let (steady, port) = (serve(steady).await, ports::free());
        let away = format!("http://127.0.0.1:{port}/");
        let pump = pump(&db, &[("away", away.as_str()), ("steady", steady.as_str())], POLL).await;
        run(&pump);
        for number in 0..12 {
            tell(&db, number, true).await;
            pump.wake();
        }
        until("the steady one has all", || async { numbers(&steady_log).len() == 12 }).await;
        let backlog = outbox::backlog(&db, "away").await.expect("a backlog");
        assert_eq!(backlog.events, 12);
        serve_on(port, late).await;
        until("the late one has all", || async { numbers(&late_log).len() >= 12 }).await;
        assert_eq!(numbers(&late_log), (0..12).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_its_subscriber_refuses_does_not_hold_up_later_ones() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let (picky, log) = subscriber(|_, body| async move {
            let event = jobzy_events::CloudEvent::parse(&body).expect("an event");
            let refused = event.data["number"] == 0;
            if refused { StatusCode::CONFLICT.into_response() } else { taken() }
        });
        let picky = serve(picky).await;
        tell(&db, 0, true).await;
        tell(&db, 1, true).await;
        run(&pump(&db, &[("picky", picky.as_str())], POLL).await);
        until("the refused one is tried again and again", || async {
            numbers(&log).iter().filter(|number| **number == 0).count() >= 4
        })
        .await;
        assert_eq!(numbers(&log).iter().filter(|number| **number == 1).count(), 1);
        let row = db
            .fetch_optional("SELECT last_error FROM outbox_deliveries WHERE delivered_at IS NULL", args![])
            .await
            .expect("it can be read");
        assert_eq!(row.expect("it waits").text("last_error").expect("a reason"), "answered 409 Conflict");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waking_the_pump_delivers_at_once_with_the_sender_s_context_and_token() {
    both_databases(|url| async move {
        let db = open(&url).await;
        // Its first token is refused, as after a change of the issuer's key.
        let (subscriber, log) = subscriber(|number, _| async move {
            if number == 1 { StatusCode::UNAUTHORIZED.into_response() } else { taken() }
        });
        let subscriber = serve(subscriber).await;
        let pump = pump(&db, &[("other", subscriber.as_str())], Duration::from_secs(3600)).await;
        run(&pump);
        tokio::time::sleep(Duration::from_millis(100)).await;
        tell(&db, 7, true).await;
        pump.wake();
        until("it arrives, although nobody looks for an hour", || async { numbers(&log).len() == 2 }).await;
        let log = log.lock().expect("not poisoned");
        let header = |number: usize, name: &str| log[number].headers[name].to_str().expect("text").to_owned();
        assert_eq!(header(0, "authorization"), "Bearer token-1");
        assert_eq!(header(1, "authorization"), "Bearer token-2");
        assert_eq!(header(0, "content-type"), "application/cloudevents+json");
        assert_eq!(header(0, "x-correlation-id"), log[0].event.correlation_id.to_string());
        assert_eq!(header(0, "traceparent"), log[0].event.traceparent.to_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pump_that_is_stopped_leaves_the_rest_for_the_next_one() {
    both_databases(|url| async move {
        let db = open(&url).await;
        let (slow, log) = subscriber(|_, _| async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            taken()
        });
        let slow = serve(slow).await;
        for number in 0..20 {
            tell(&db, number, true).await;
        }
        let first = pump(&db, &[("slow", slow.as_str())], POLL).await;
        first.run(tokio::time::sleep(Duration::from_millis(300))).await;
        let delivered = numbers(&log).len();
        assert!((1..20).contains(&delivered), "{delivered} of 20 before the stop");
        run(&pump(&db, &[("slow", slow.as_str())], POLL).await);
        until("the rest arrives", || async { numbers(&log).len() == 20 }).await;
        assert_eq!(
            numbers(&log),
            (0..20).collect::<Vec<_>>(),
            "each once, since the first pump noted its own"
        );
    })
    .await;
}
