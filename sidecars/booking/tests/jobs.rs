//! One job's way, and everything that is not on it.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is a failed test")]

mod common;

use common::{JOBS, START, assert_refused, fresh_key, start, subject};
use jobzy_testkit::both_databases;
use serde_json::{Value, json};

#[tokio::test]
async fn a_job_goes_its_way_and_its_history_tells_it() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let job = sidecar.draft("customer", START).await;
        let offered = sidecar.submit(&job, None).await.json::<Value>();
        assert_eq!((&offered["status"], &offered["provider"]["id"]), (&json!("offered"), &json!(provider)));
        sidecar.leads_to("provider", &job, "accept", json!({}), "accepted").await;
        assert_eq!(sidecar.news(1, "payment_created", &job, "created").await.status, 204);
        assert_eq!(sidecar.news(2, "payment_authorised", &job, "authorised").await.status, 204);
        let confirmed = sidecar.job("customer", &job).await;
        assert_eq!(
            (&confirmed["status"], &confirmed["payment"]["status"]),
            (&json!("confirmed"), &json!("authorised"))
        );
        sidecar.leads_to("provider", &job, "check-in", json!({}), "in_progress").await;
        let total = confirmed["total_minor"].as_i64().expect("a total");
        let split = json!({"labour_minor": total - 1000, "material_minor": 800, "travel_minor": 200});
        let done = sidecar.leads_to("provider", &job, "finish", split.clone(), "work_done").await;
        assert_eq!(done["split"], split);
        sidecar.leads_to("customer", &job, "approve", json!({}), "completed").await;
        sidecar.leads_to("customer", &job, "rating", json!({"stars": 5}), "completed").await;
        let again = sidecar.act("customer", &job, "rating", &json!({"stars": 1})).await;
        assert_refused(&again, 409, "already-rated");

        let shown: Value = sidecar.get("customer", &format!("/api/v1/providers/{provider}")).await.json();
        assert_eq!(shown["rating"], json!({"count": 1, "average": 5.0}));
        assert_eq!(shown["completed"], 1);

        let history: Value = sidecar.get("operator", &format!("{JOBS}/{job}/history")).await.json();
        let lines = history["history"].as_array().expect("lines");
        let steps: Vec<(&str, &str)> = lines
            .iter()
            .map(|line| {
                (line["transition"].as_str().expect("a name"), line["actor"].as_str().expect("an actor"))
            })
            .collect();
        let expected = [
            ("create", "customer"),
            ("submit", "customer"),
            ("offer", "system"),
            ("accept", "provider"),
            ("payment", "payment"),
            ("confirm", "payment"),
            ("check_in", "provider"),
            ("finish", "provider"),
            ("approve", "customer"),
            ("rate", "customer"),
        ];
        assert_eq!(steps, expected);
        let versions: Vec<i64> = lines.iter().filter_map(|line| line["version"].as_i64()).collect();
        assert_eq!(versions, (1..=10).collect::<Vec<i64>>());
        assert_eq!(lines[0]["subject"], subject("customer"));
        let why = &lines[2]["note"]["candidates"][0];
        assert_eq!((&why["provider"]["id"], &why["fit"]), (&json!(provider), &json!(true)));
        assert_eq!(lines[5]["correlation_id"], "test-correlation");

        let told =
            ["accepted", "completed", "confirmed", "created", "offered", "started", "submitted", "work_done"];
        assert_eq!(sidecar.told().await, told);
    })
    .await;
}

#[tokio::test]
async fn a_step_that_does_not_lead_on_is_refused_by_name_and_changes_nothing() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let job = sidecar.draft("customer", START).await;
        assert_refused(&sidecar.act("provider", &job, "accept", &json!({})).await, 404, "not-found");
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        let before = sidecar.job("customer", &job).await;
        for (who, action, attempted, body) in [
            ("provider", "check-in", "check_in", json!({})),
            (
                "provider",
                "finish",
                "finish",
                json!({"labour_minor": 1, "material_minor": 0, "travel_minor": 0}),
            ),
            ("customer", "approve", "approve", json!({})),
            ("customer", "rating", "rate", json!({"stars": 3})),
            ("customer", "submit", "submit", json!({"payment_method": "pm_card_visa"})),
        ] {
            let reply = sidecar.act(who, &job, action, &body).await;
            assert_refused(&reply, 409, "wrong-state");
            let problem: Value = reply.json();
            assert_eq!((&problem["from"], &problem["attempted"]), (&json!("offered"), &json!(attempted)));
        }
        assert_refused(
            &sidecar.act("provider", &job, "cancel", &json!({"reason": "no"})).await,
            403,
            "wrong-actor",
        );
        assert_eq!(sidecar.job("customer", &job).await, before);
        sidecar.leads_to("provider", &job, "accept", json!({}), "accepted").await;
        sidecar.news(1, "payment_authorised", &job, "authorised").await;
        sidecar.leads_to("provider", &job, "check-in", json!({}), "in_progress").await;
        let wrong = json!({"labour_minor": 1, "material_minor": 0, "travel_minor": 0});
        assert_refused(&sidecar.act("provider", &job, "finish", &wrong).await, 422, "split-mismatch");
        assert_refused(
            &sidecar.act("customer", &job, "cancel", &json!({"reason": "late"})).await,
            403,
            "wrong-actor",
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_is_seen_by_those_who_take_part_and_a_provider_sees_the_door_after_accepting() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        sidecar.provider("provider2").await;
        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        let path = format!("{JOBS}/{job}");
        for stranger in ["customer2", "provider2"] {
            for path in [path.clone(), format!("{path}/history"), format!("{path}/candidates")] {
                assert_refused(&sidecar.get(stranger, &path).await, 404, "not-found");
            }
            let list: Value = sidecar.get(stranger, JOBS).await.json();
            assert_eq!(list["jobs"], json!([]));
        }
        assert_refused(&sidecar.get("finance", &path).await, 403, "forbidden");
        let seen = sidecar.job("provider", &job).await;
        assert_eq!(seen["place"], json!({"postal_code": "00100", "city": "Helsinki"}));
        assert_eq!((&seen["contact"], &seen["customer"]), (&Value::Null, &Value::Null));
        sidecar.leads_to("provider", &job, "accept", json!({}), "accepted").await;
        let seen = sidecar.job("provider", &job).await;
        assert_eq!(seen["place"]["street"], "Mannerheimintie 1");
        for who in ["customer", "provider", "operator"] {
            let list: Value = sidecar.get(who, "/api/v1/jobs?status=accepted").await.json();
            assert_eq!(list["jobs"][0]["id"], json!(job), "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_operator_acts_for_others_with_a_reason() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        assert_refused(&sidecar.act("operator", &job, "accept", &json!({})).await, 422, "invalid-request");
        sidecar.leads_to("operator", &job, "accept", json!({"reason": "by phone"}), "accepted").await;
        let history: Value = sidecar.get("customer", &format!("{JOBS}/{job}/history")).await.json();
        let last = history["history"].as_array().and_then(|lines| lines.last()).expect("a line");
        assert_eq!((&last["actor"], &last["reason"]), (&json!("operator"), &json!("by phone")));
        assert!(last.get("subject").is_none(), "a customer is not told which operator");
    })
    .await;
}

#[tokio::test]
async fn an_order_must_fit_its_quote() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let order = sidecar.order(START).await;
        let change = |pointer: &str, value: Value| {
            let mut changed = order.clone();
            *changed.pointer_mut(pointer).expect("a member") = value;
            changed
        };
        for (body, status, slug) in [
            (change("/quote/request/quantity", json!(1)), 422, "quote-mismatch"),
            (change("/quote/id", json!("quo_00000000000000000000000000000000")), 422, "quote-mismatch"),
            (change("/quote/rate_book_version", json!(99)), 422, "quote-mismatch"),
            (change("/place/postal_code", json!("00200")), 422, "quote-not-for-this-job"),
            (change("/starts_at", json!("2026-11-25T07:00:00Z")), 422, "quote-not-for-this-job"),
            (change("/duration_minutes", json!(240)), 422, "quote-not-for-this-job"),
            (change("/duration_minutes", json!(181)), 422, "invalid-request"),
            (change("/starts_at", json!("2026-11-23T09:45:00Z")), 422, "invalid-request"),
            (change("/place/lat", json!(48.0)), 422, "invalid-request"),
            (change("/place/street", json!(" ")), 422, "invalid-request"),
            (change("/contact/email", json!("nobody")), 422, "invalid-request"),
            (change("/contact/name", json!("x".repeat(121))), 422, "invalid-request"),
        ] {
            assert_refused(&sidecar.post("customer", JOBS, &body).await, status, slug);
        }
        let mut more = order.clone();
        more["price"] = json!(1);
        assert_eq!(sidecar.post("customer", JOBS, &more).await.status, 422, "a member nobody knows");
        assert_refused(&sidecar.post("provider", JOBS, &order).await, 403, "forbidden");
        let list: Value = sidecar.get("customer", JOBS).await.json();
        assert_eq!(list["jobs"], json!([]));
        assert_eq!(sidecar.told().await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn the_same_request_twice_is_one_job_and_an_answer_outlives_the_quote() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let (key, order) = (fresh_key(), sidecar.order(START).await);
        let first = sidecar.post_with_key("customer", JOBS, &key, &order).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let location = format!("{JOBS}/{}", first.json::<Value>()["id"].as_str().expect("an id"));
        assert_eq!(first.header("location"), Some(location.as_str()));
        // By then the work is on the same day, so the quote would be another.
        sidecar.later(jiff::SignedDuration::from_hours(16));
        let again = sidecar.post_with_key("customer", JOBS, &key, &order).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
        assert_eq!(again.body, first.body);
        let mut other = order.clone();
        other["notes"] = json!("another body");
        let reused = sidecar.post_with_key("customer", JOBS, &key, &other).await;
        assert_refused(&reused, 422, "idempotency-key-reused");
        let list: Value = sidecar.get("customer", JOBS).await.json();
        assert_eq!(list["jobs"].as_array().map(Vec::len), Some(1));
        let job = sidecar.draft("customer", "2026-11-26T07:00:00Z").await;
        let (path, submit) = (format!("{JOBS}/{job}/submit"), json!({"payment_method": "pm_card_visa"}));
        sidecar.provider("provider").await;
        let first = sidecar.post_with_key("customer", &path, "s", &submit).await;
        let again = sidecar.post_with_key("customer", &path, "s", &submit).await;
        assert_eq!((first.status, again.status), (200, 200), "{}", first.text());
        assert_eq!(first.body, again.body);
        assert_eq!(sidecar.told().await, ["created", "created", "offered", "submitted"]);
    })
    .await;
}

#[tokio::test]
async fn a_draft_from_when_the_day_was_far_does_not_buy_an_urgent_job() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        sidecar.provider("provider").await;
        let job = sidecar.draft("customer", "2026-12-01T07:00:00Z").await;
        // The day before the work, in the evening.
        sidecar.later(jiff::SignedDuration::from_hours(7 * 24 + 10));
        let reply = sidecar.submit(&job, None).await;
        assert_refused(&reply, 422, "quote-mismatch");
        assert_eq!(reply.json::<Value>()["current_quote"]["request"]["urgency"], "next_day");
        assert_eq!(sidecar.job("customer", &job).await["status"], "draft");
    })
    .await;
}

#[tokio::test]
async fn an_offer_is_not_taken_after_its_time() {
    both_databases(|url| async move {
        let sidecar = start(&url).await;
        let provider = sidecar.provider("provider").await;
        let job = sidecar.draft("customer", START).await;
        assert_eq!(sidecar.submit(&job, Some(&provider)).await.status, 200);
        sidecar.later(jiff::SignedDuration::from_hours(21));
        assert_refused(&sidecar.act("provider", &job, "accept", &json!({})).await, 422, "starts-in-the-past");
    })
    .await;
}
