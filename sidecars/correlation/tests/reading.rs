//! Reading entities and the log, and binding ids by hand.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use std::collections::BTreeSet;

use common::{
    ENTITIES, EVENTS, LINKS, LOOKUP, Sidecar, assert_refused, event, external, ids, service, start, user,
};
use jiff::SignedDuration;
use jobzy_ids::EntityId;
use jobzy_store::args;
use jobzy_testkit::both_databases;
use jobzy_trace::CorrelationId;
use serde_json::{Value, json};

#[tokio::test]
async fn what_nobody_is_called_is_not_found() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1"]).await;
        let nobody = EntityId::from_bytes([7; 16]);
        for id in ["job_2", "JOB_1", "job_", "%25", "", &nobody.to_string()] {
            assert_refused(&sidecar.get(&format!("{LOOKUP}?id={id}")).await, 404, "not-found");
        }
        for path in
            [format!("{ENTITIES}/{nobody}"), format!("{ENTITIES}/{nobody}/events"), format!("{ENTITIES}/x")]
        {
            assert_refused(&sidecar.get(&path).await, 404, "not-found");
        }
        for query in ["", "?id=a&id=b", "?id=job_1&x=1", "?system=booking"] {
            assert_refused(&sidecar.get(&format!("{LOOKUP}{query}")).await, 400, "invalid-query");
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_that_two_systems_use_is_told_apart_by_system_and_type() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/same"]).await;
        sidecar.tell(&["payment/payment/same"]).await;
        sidecar.tell(&["payment/invoice/same"]).await;
        let reply = sidecar.get(&format!("{LOOKUP}?id=same")).await;
        assert_refused(&reply, 409, "ambiguous-id");
        assert_eq!(reply.json::<Value>()["entities"].as_array().map(Vec::len), Some(3));
        assert_refused(&sidecar.get(&format!("{LOOKUP}?id=same&system=payment")).await, 409, "ambiguous-id");
        assert_refused(&sidecar.get(&format!("{LOOKUP}?id=same&system=stripe")).await, 404, "not-found");
        for (filter, expected) in [
            ("system=booking", "booking/job/same"),
            ("type=invoice", "payment/invoice/same"),
            ("system=payment&type=payment", "payment/payment/same"),
        ] {
            let found: Value = sidecar.get(&format!("{LOOKUP}?id=same&{filter}")).await.json();
            assert_eq!(ids(&found), [expected]);
        }
    })
    .await;
}

#[tokio::test]
async fn only_operators_and_services_read() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1"]).await;
        let entity = sidecar.look_up("job_1").await;
        let id = entity["id"].as_str().expect("an id");
        let link = json!({"entity": id, "external": external("crm/ticket/1")});
        let paths = [
            format!("{LOOKUP}?id=job_1"),
            format!("{ENTITIES}/{id}"),
            format!("{ENTITIES}/{id}/events"),
            EVENTS.to_owned(),
        ];
        for path in &paths {
            assert_refused(&sidecar.get_anonymously(path).await, 401, "unauthenticated");
            assert_refused(&sidecar.get_as(path, "Bearer x.y.z").await, 401, "invalid-token");
            for name in ["customer", "provider", "finance", "pricing-admin"] {
                assert_refused(&sidecar.get_as(path, &user(name)).await, 403, "forbidden");
                assert_refused(&sidecar.post_as(LINKS, &user(name), &link).await, 403, "forbidden");
            }
            for authorization in [user("operator"), service()] {
                assert_eq!(sidecar.get_as(path, &authorization).await.status, 200);
            }
        }
        assert_eq!(sidecar.look_up("job_1").await, entity);
    })
    .await;
}

#[tokio::test]
async fn an_id_is_bound_by_hand_once_and_never_moved() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1"]).await;
        sidecar.tell(&["booking/job/job_2"]).await;
        let (first, second) = (sidecar.look_up("job_1").await, sidecar.look_up("job_2").await);
        let bind = |entity: &Value| json!({"entity": entity, "external": external("crm/ticket/T-1")});
        let operator = user("operator");
        let made = sidecar.post_as(LINKS, &operator, &bind(&first["id"])).await;
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(ids(&made.json()), ["booking/job/job_1", "crm/ticket/T-1"]);
        let again = sidecar.post_as(LINKS, &service(), &bind(&first["id"])).await;
        assert_eq!((again.status, again.body), (200, made.body));
        let elsewhere = sidecar.post_as(LINKS, &operator, &bind(&second["id"])).await;
        assert_refused(&elsewhere, 409, "link-conflict");
        assert_eq!(elsewhere.json::<Value>()["bound_to"], first["id"]);
        assert_eq!(sidecar.look_up("T-1").await["id"], first["id"]);
        assert_eq!(sidecar.look_up("job_2").await, second);
        let nobody = json!(EntityId::from_bytes([7; 16]).to_string());
        let mut unknown = bind(&nobody);
        unknown["external"]["id"] = json!("T-2");
        assert_refused(&sidecar.post_as(LINKS, &operator, &unknown).await, 404, "not-found");
        for (pointer, value) in
            [("/entity", json!("job_1")), ("/external/id", json!("")), ("/external/system", json!("CRM"))]
        {
            let mut bad = bind(&first["id"]);
            *bad.pointer_mut(pointer).expect("is there") = value;
            assert_refused(&sidecar.post_as(LINKS, &operator, &bad).await, 422, "invalid-body");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_who_bind_an_id_at_once_one_succeeds() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.tell(&["booking/job/job_1"]).await;
        sidecar.tell(&["booking/job/job_2"]).await;
        let entities = [sidecar.look_up("job_1").await, sidecar.look_up("job_2").await];
        for round in 0..10 {
            let binding = entities.clone().map(|entity| {
                let sidecar = sidecar.clone();
                let link =
                    json!({"entity": entity["id"], "external": external(&format!("crm/ticket/{round}"))});
                tokio::spawn(async move { sidecar.post_as(LINKS, &user("operator"), &link).await.status })
            });
            let mut statuses = BTreeSet::new();
            for binding in binding {
                statuses.insert(binding.await.expect("no panic"));
            }
            assert_eq!(statuses, BTreeSet::from([201, 409]), "round {round}");
        }
    })
    .await;
}

/// The ids of all events of a list, page by page, and how many pages there were.
async fn all(sidecar: &Sidecar, query: &str) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page: Value = sidecar.get(&format!("{query}{after}")).await.json();
        let events = page["events"].as_array().expect("events");
        assert!(events.len() <= 100, "a page of {}", events.len());
        found.extend(events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()));
        pages += 1;
        match &page["next"] {
            Value::Null => return (found, pages),
            Value::String(next) => after = format!("&after={next}"),
            next => after = format!("&after={next}"),
        }
        assert!(pages < 100, "the pages do not end");
    }
}

/// Many events are received in the same microsecond, which a cursor of time alone would skip or repeat.
#[tokio::test]
async fn a_search_over_many_events_finds_each_once() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let mut sent: [Vec<String>; 3] = Default::default();
        for number in 0..330 {
            let (kind, job) = (number % 3, format!("booking/job/job_{}", number % 7));
            let mut event = event(&[&job]);
            event.correlation_id = CorrelationId::parse(format!("flow-{kind}").as_bytes()).expect("an id");
            event.r#type = format!("jobzy.booking.kind_{kind}.v1");
            assert_eq!(sidecar.deliver(&event).await.status, 204);
            sent[kind].push(event.id.to_string());
            if number % 50 == 49 {
                sidecar.clock.advance(SignedDuration::from_micros(1));
            }
        }
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids
        };
        for (kind, sent) in sent.iter().enumerate() {
            for filter in [
                format!("correlation_id=flow-{kind}"),
                format!("type=jobzy.booking.kind_{kind}.v1"),
                format!("type=jobzy.booking.kind_{kind}.v1&correlation_id=flow-{kind}"),
            ] {
                let (found, pages) = all(&sidecar, &format!("{EVENTS}?{filter}")).await;
                assert_eq!((sorted(found), pages), (sorted(sent.clone()), 2), "{filter}");
            }
        }
        let (found, pages) = all(&sidecar, &format!("{EVENTS}?")).await;
        assert_eq!((sorted(found), pages), (sorted(sent.concat()), 4));
        for nothing in
            ["correlation_id=flow-9", "correlation_id=flow-1&type=jobzy.booking.kind_2.v1", "type="]
        {
            assert_eq!(all(&sidecar, &format!("{EVENTS}?{nothing}")).await, (Vec::new(), 1), "{nothing}");
        }
        let entity = EntityId::from_bytes([7; 16]);
        for bad in
            ["after=x", "after=1", "after=1.2.3", &format!("after=1.{entity}"), "limit=5", "type=a&type=b"]
        {
            assert_refused(&sidecar.get(&format!("{EVENTS}?{bad}")).await, 400, "invalid-query");
        }
    })
    .await;
}

#[tokio::test]
async fn a_long_story_is_told_in_pages_and_in_order() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let mut sent = Vec::new();
        for _ in 0..200 {
            sent.push(sidecar.tell(&["booking/job/job_1"]).await.id.to_string());
        }
        let entity = sidecar.look_up("job_1").await;
        assert_eq!((&entity["events"], &entity["intact"]), (&json!(200), &json!(true)));
        let id = entity["id"].as_str().expect("an id");
        // Two full pages, and an empty one that ends them.
        assert_eq!(all(&sidecar, &format!("{ENTITIES}/{id}/events?")).await, (sent, 3));
        assert_refused(&sidecar.get(&format!("{ENTITIES}/{id}/events?after=x")).await, 400, "invalid-query");
    })
    .await;
}

#[tokio::test]
async fn a_change_behind_the_services_back_is_seen() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        for (number, change) in [
            "UPDATE events SET body = '{}' WHERE position = 2 AND entity_id = ?",
            "UPDATE events SET event_type = 'jobzy.booking.job_cancelled.v1' WHERE position = 2 AND entity_id = ?",
            "UPDATE events SET occurred_at = occurred_at + 1 WHERE position = 2 AND entity_id = ?",
            "UPDATE events SET correlation_id = 'other' WHERE position = 2 AND entity_id = ?",
            "UPDATE events SET chain_hash = (SELECT head_hash FROM entities WHERE id = entity_id)
             WHERE position = 2 AND entity_id = ?",
            "DELETE FROM events WHERE position = 2 AND entity_id = ?",
            "DELETE FROM events WHERE position = 3 AND entity_id = ?",
            "UPDATE entities SET events = 2 WHERE id = ?",
        ]
        .into_iter()
        .enumerate()
        {
            let job = format!("job_{number}");
            for _ in 0..3 {
                sidecar.tell(&[&format!("booking/job/{job}")]).await;
            }
            let entity = sidecar.look_up(&job).await;
            assert_eq!(entity["intact"], true, "before {change}");
            let id: EntityId = entity["id"].as_str().expect("an id").parse().expect("an entity's id");
            let changed = sidecar.db.execute(change, args![*id.as_bytes()]).await.expect("changed");
            assert_eq!(changed, 1, "{change}");
            assert_eq!(sidecar.look_up(&job).await["intact"], false, "after {change}");
        }
    })
    .await;
}
