//! Handling an event: once, whole, and refused with a reason.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{effects, open};
use http::StatusCode;
use jobzy_events::{CloudEvent, Received, receive};
use jobzy_ids::EventId;
use jobzy_service::clock::Clock;
use jobzy_service::context::RequestContext;
use jobzy_service::problem::Problem;
use jobzy_store::{Db, DbError, args};
use jobzy_testkit::both_databases;

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

fn message() -> String {
    let clock = Clock::system();
    let context = RequestContext::new(&clock);
    let event = CloudEvent {
        id: clock.new_id(EventId::new),
        source: "/jobzy/booking".to_owned(),
        r#type: "jobzy.booking.job_created.v1".to_owned(),
        subject: "job_1".to_owned(),
        time: clock.now(),
        correlation_id: context.correlation_id,
        traceparent: context.traceparent,
        data: serde_json::json!({}),
    };
    event.to_json().expect("a good event")
}

async fn deliver(db: &Db, body: &str, too_early: bool) -> Result<Received, Problem> {
    receive(db, body.as_bytes(), &Clock::system(), move |tx, event| {
        Box::pin(async move {
            tx.execute("INSERT INTO effects (event_id) VALUES (?)", args![event.id.to_string()]).await?;
            if too_early {
                return Err(Refused(Problem::new(StatusCode::CONFLICT, "too-early", "Not yet")));
            }
            Ok(())
        })
    })
    .await
}

#[tokio::test]
async fn the_second_delivery_of_an_event_is_a_duplicate() {
    both_databases(|url| async move {
        let (db, body) = (open(&url).await, message());
        assert_eq!(deliver(&db, &body, false).await, Ok(Received::First));
        assert_eq!(deliver(&db, &body, false).await, Ok(Received::Duplicate));
        assert_eq!(deliver(&db, &message(), false).await, Ok(Received::First));
        assert_eq!(effects(&db).await, 2);
    })
    .await;
}

#[tokio::test]
async fn an_event_whose_handler_refuses_leaves_nothing_and_may_come_again() {
    both_databases(|url| async move {
        let (db, body) = (open(&url).await, message());
        let refused = deliver(&db, &body, true).await.expect_err("too early");
        assert_eq!(refused.slug(), "too-early");
        assert_eq!(effects(&db).await, 0);
        assert_eq!(deliver(&db, &body, false).await, Ok(Received::First));
        assert_eq!(effects(&db).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_copies_at_once_are_handled_once() {
    both_databases(|url| async move {
        let (db, body) = (open(&url).await, message());
        let copies: Vec<_> = (0..100)
            .map(|_| {
                let (db, body) = (db.clone(), body.clone());
                tokio::spawn(async move { deliver(&db, &body, false).await })
            })
            .collect();
        let mut first = 0;
        for copy in copies {
            first += u32::from(copy.await.expect("no panic").expect("an answer") == Received::First);
        }
        assert_eq!((first, effects(&db).await), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_event_is_a_bad_request() {
    both_databases(|url| async move {
        let db = open(&url).await;
        for body in ["", "{}", "[1]", "nonsense"] {
            let problem = deliver(&db, body, false).await.expect_err("no event");
            assert_eq!(
                (problem.status(), problem.slug()),
                (StatusCode::BAD_REQUEST, "malformed-event"),
                "{body}"
            );
        }
    })
    .await;
}
