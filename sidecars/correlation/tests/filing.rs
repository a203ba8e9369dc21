//! Filing events: once, under one entity, and never by moving a binding.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{RECEIVE, assert_refused, event, external, ids, start, start_with, user};
use jobzy_testkit::both_databases;
use serde_json::{Value, json};

const ENTITIES: &str = "SELECT COUNT(*) AS n FROM entities";
const LINES: &str = "SELECT COUNT(*) AS n FROM events";

#[tokio::test]
async fn an_event_delivered_twice_is_one_line_of_the_log() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let event = sidecar.tell(&["booking/job/job_1", "pricing/quote/quo_1"]).await;
        assert_eq!(sidecar.deliver(&event).await.status, 204);
        let entity = sidecar.look_up("job_1").await;
        assert_eq!((&entity["events"], &entity["conflicts"]), (&json!(1), &json!([])));
        let story = sidecar.story(&entity).await;
        assert_eq!(story.len(), 1);
        let line = &story[0];
        assert_eq!(line["id"], event.id.to_string());
        assert_eq!(line["data"], event.data);
        assert_eq!(line["correlation_id"], event.correlation_id.to_string());
        assert_eq!((&line["time"], &line["position"]), (&json!("2026-11-23T09:59:59Z"), &json!(1)));
        assert_eq!((&line["subject"], &line["source"]), (&json!("job_1"), &json!("/jobzy/booking")));
        assert_eq!(line["type"], "jobzy.booking.job_created.v1");
    })
    .await;
}

#[tokio::test]
async fn ids_that_are_named_together_join_one_entity_step_by_step() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1", "pricing/quote/job_1/quo_1"]).await;
        sidecar.tell(&["booking/job/job_1", "payment/payment/pay_1", "stripe/payment_intent/pi_1"]).await;
        // Only an id from the second event is named: the third belongs to the same story.
        sidecar.tell(&["stripe/payment_intent/pi_1", "payment/invoice/inv_1"]).await;
        sidecar.tell(&["booking/job/job_2"]).await;
        // An id named twice in one event is bound once.
        sidecar.tell(&["booking/job/job_1", "payment/reference/1", "payment/reference/1"]).await;
        let entity = sidecar.look_up("inv_1").await;
        let expected = [
            "booking/job/job_1",
            "payment/invoice/inv_1",
            "payment/payment/pay_1",
            "payment/reference/1",
            "pricing/quote/job_1/quo_1",
            "stripe/payment_intent/pi_1",
        ];
        assert_eq!((ids(&entity), &entity["events"]), (expected.map(str::to_owned).to_vec(), &json!(4)));
        for id in ["job_1", "job_1/quo_1", "pay_1", "pi_1", entity["id"].as_str().expect("an id")] {
            assert_eq!(sidecar.look_up(id).await, entity, "{id}");
        }
        assert_ne!(sidecar.look_up("job_2").await["id"], entity["id"]);
        let positions: Vec<_> =
            sidecar.story(&entity).await.iter().map(|line| line["position"].clone()).collect();
        assert_eq!(positions, [1, 2, 3, 4]);
    })
    .await;
}

#[tokio::test]
async fn an_event_without_ids_is_filed_under_its_source_and_subject() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        for data in [json!({}), json!({"ids": []})] {
            let event = jobzy_events::CloudEvent { data, ..event(&[]) };
            assert_eq!(sidecar.deliver(&event).await.status, 204);
        }
        let entity = sidecar.look_up("job_1").await;
        assert_eq!((ids(&entity), &entity["events"]), (vec!["booking/subject/job_1".to_owned()], &json!(2)));
    })
    .await;
}

#[tokio::test]
async fn an_id_that_is_bound_elsewhere_is_a_conflict_and_stays_where_it_is() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1", "stripe/payment_intent/pi_1"]).await;
        sidecar.tell(&["booking/job/job_2"]).await;
        let contradiction =
            sidecar.tell(&["booking/job/job_2", "stripe/payment_intent/pi_1", "payment/payment/pay_2"]).await;
        let (first, second) = (sidecar.look_up("job_1").await, sidecar.look_up("job_2").await);
        assert_eq!(ids(&first), ["booking/job/job_1", "stripe/payment_intent/pi_1"]);
        assert_eq!(ids(&second), ["booking/job/job_2", "payment/payment/pay_2"]);
        assert_eq!((&first["events"], &second["events"]), (&json!(1), &json!(2)));
        assert_eq!(first["conflicts"], json!([]));
        let conflict = json!({
            "system": "stripe", "type": "payment_intent", "id": "pi_1",
            "bound_to": first["id"], "found_at": sidecar.clock.now().to_string(),
        });
        assert_eq!(second["conflicts"], json!([conflict]));
        assert_eq!(sidecar.look_up("pi_1").await["id"], first["id"]);
        assert_eq!(sidecar.deliver(&contradiction).await.status, 204);
        assert_eq!(sidecar.look_up("job_2").await, second);
    })
    .await;
}

/// Two sidecars on one database stand for two replicas. All know the job's id, in another order each, and one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_at_once_about_a_new_thing_make_one_entity() {
    both_databases(|url| async move {
        let first = start(&url).await;
        let second = start_with(&url, first.clock.clone()).await;
        let replicas = [first, second];
        for round in 0..5 {
            let telling: Vec<_> = (0..8)
                .map(|number: usize| {
                    let sidecar = replicas[number % 2].clone();
                    let (job, quote, own) = (
                        format!("booking/job/job_{round}"),
                        format!("pricing/quote/quo_{round}"),
                        format!("test/own/{round}-{number}"),
                    );
                    tokio::spawn(async move {
                        let names = if number.is_multiple_of(3) {
                            [&job, &own, &quote]
                        } else {
                            [&quote, &own, &job]
                        };
                        let event = event(&names.map(String::as_str));
                        // A refusal is temporary, and the sender sends again.
                        let mut tries = 1;
                        while sidecar.deliver(&event).await.status != 204 {
                            tries += 1;
                            assert!(tries <= 10, "not taken ten times");
                        }
                    })
                })
                .collect();
            for telling in telling {
                telling.await.expect("no panic");
            }
            let entity = replicas[0].look_up(&format!("job_{round}")).await;
            assert_eq!((ids(&entity).len(), &entity["events"]), (10, &json!(8)));
            assert_eq!((&entity["conflicts"], &entity["intact"]), (&json!([]), &json!(true)));
        }
        assert_eq!((replicas[0].count(ENTITIES).await, replicas[0].count(LINES).await), (5, 40));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_event_at_once_is_filed_once() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let event = event(&["booking/job/job_1"]);
        let copies: Vec<_> = (0..20)
            .map(|_| {
                let (sidecar, event) = (sidecar.clone(), event.clone());
                tokio::spawn(async move { sidecar.deliver(&event).await.status })
            })
            .collect();
        for copy in copies {
            assert_eq!(copy.await.expect("no panic"), 204);
        }
        assert_eq!((sidecar.count(ENTITIES).await, sidecar.count(LINES).await), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn only_services_deliver_and_what_is_not_understood_leaves_nothing() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let good = event(&["booking/job/job_1"]);
        let body: Value = serde_json::from_str(&good.to_json().expect("an event")).expect("JSON");
        for name in ["customer", "operator", "pricing-admin"] {
            assert_refused(&sidecar.post_as(RECEIVE, &user(name), &body).await, 403, "forbidden");
        }
        assert_refused(&sidecar.post_as(RECEIVE, "Bearer x.y.z", &body).await, 401, "invalid-token");
        for body in ["", "{}", "nonsense"] {
            assert_refused(&sidecar.deliver_bytes(body).await, 400, "malformed-event");
        }
        let mut extra = external("booking/job/job_1");
        extra["extra"] = json!(1);
        for ids in [
            json!("job_1"),
            json!([1]),
            json!([external("Booking/job/job_1")]),
            json!([external("booking/job/")]),
            json!([external("booking/job/job 1")]),
            json!([external(&format!("booking/job/{}", "x".repeat(161)))]),
            json!([extra]),
        ] {
            let mut bad = good.clone();
            bad.data["ids"] = ids;
            assert_refused(&sidecar.deliver(&bad).await, 422, "unreadable-event");
        }
        assert_eq!((sidecar.count(ENTITIES).await, sidecar.count(LINES).await), (0, 0));
        // What was refused may come again, put right.
        assert_eq!(sidecar.deliver(&good).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_named_in_the_log() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let mut told = common::event(&["booking/job/job_1"]);
        told.data["customer"] =
            json!({"subject": "s-1", "name": "Demo customer", "email": "customer@example.test"});
        told.data["place"] = json!({"street": "Mannerheimintie 1"});
        assert_eq!(sidecar.deliver(&told).await.status, 204);
        let entity = sidecar.look_up("job_1").await;
        let story = sidecar.story(&entity).await;
        assert_eq!(story[0]["data"]["customer"], json!({"subject": "s-1"}));
        let whole = json!(story).to_string();
        assert!(!whole.contains("Demo customer") && !whole.contains("Mannerheimintie"), "{whole}");
        assert_eq!(entity["intact"], true);
    })
    .await;
}
